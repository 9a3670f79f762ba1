//! What the keys of several sinks have in common: the kinds of their values, and what tickets say. A sink's own keys
//! are in its module, as `Config`.

pub mod kinds;
pub mod ticket;
