//! Redaction: what stands in `Debug` for what people say. Whatever prints it (a log line, a panic, a
//! failed test) prints how long it was, never what it said.

use std::fmt::{self, Debug, Formatter};

/// Stands for a text: its length.
#[derive(Clone, Copy)]
pub struct Bytes(pub usize);

impl Debug for Bytes {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} bytes", self.0)
    }
}
