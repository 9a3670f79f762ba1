//! How long things may take, and how often something may fail.

use std::time::Duration;

/// How long things may take, and what keeps a poisonous entry from holding up those behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long one delivery may take in all, its parts and its files included. Each request has
    /// time-outs of its own, which are far shorter: a provider that hangs is not poison.
    pub delivery_timeout: Duration,
    /// How long a long transcript is told at a stretch: well below that.
    pub stretch: Duration,
    /// How many times in a row an entry may take longer than that, or, once it was redelivered, bring the
    /// function down, without any progress, before it is parked.
    pub most_crashes: u32,
    /// How long a ticket sink holds `chat_complete` from its receipt, for the other completion event, which says more.
    pub completion_wait: Duration,
    /// How long a ticket sink waits at most for what became of a creation that was cut off; each CRM
    /// says how long it can take.
    pub longest_settling: Duration,
    /// How often a sink that needs attention is tried.
    pub probe_every: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            delivery_timeout: Duration::from_mins(1),
            stretch: Duration::from_secs(20),
            most_crashes: 5,
            completion_wait: Duration::from_secs(10),
            longest_settling: Duration::MAX,
            probe_every: Duration::from_mins(1),
        }
    }
}

/// How long it may take to show that something was taken, or to take that away. Nothing waits longer for it.
pub(crate) const ACTIVITY_TIMEOUT: Duration = Duration::from_secs(1);
