//! A load rig: many users write to a bridge on one machine, a fake Haptik answers each message, and the answers come
//! back to the users. The bridge is the program itself, in a process of its own; the users and the fakes are this one.
//!
//! [`measure`] is one run, [`Report`] what came of it; [`beside()`] is one of two connections, of which one is busy,
//! [`ledger()`] one of the database alone. A *message* is one on its way in one direction: a user's message
//! to Haptik is one, the answer to it is another.

use std::path::PathBuf;
use std::time::Duration;

mod arrivals;
mod beside;
mod bridge;
pub mod chart;
mod fakes;
mod history;
mod ledger;
mod peer;
mod report;
mod run;
mod users;

pub use beside::{Beside, BesideReport, beside, in_words};
pub use ledger::{LedgerReport, ledger};
pub use report::{Latency, Report, comparison, table};
pub use run::measure;

/// What is to be measured, and how.
#[derive(Debug, Clone)]
pub struct Load {
    /// The program, `haptik-bridge`.
    pub bridge: PathBuf,
    /// How many users write at the same time.
    pub users: usize,
    /// How many messages the users write, all together, after one each that is not measured.
    pub count: Option<u64>,
    /// For how long they write.
    pub time: Option<Duration>,
    /// How many messages a user writes one after the other before waiting for the answers.
    pub burst: u32,
    /// How long a user waits between an answer and the next message.
    pub pause: Duration,
    /// The bridge's `reorder_window_ms`; the bridge's own default where there is none.
    pub reorder_window_ms: Option<u64>,
    /// How many delivered entries are in the ledger before.
    pub history: u64,
    /// How long an answer may take before it counts as lost.
    pub patience: Duration,
}
