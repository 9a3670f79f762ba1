//! What is said of and in conversations, as values: no storage, no network.

pub mod completion;
pub mod handoff;
