//! What is said about a message on its way: one line per hop, without bodies and personal data.

use std::fmt;

use jiff::Timestamp;

use crate::ids::{CorrelationId, EntryKey};
use crate::lane::Lane;

/// The `target` of the events that tell of hops.
pub const HOP_TARGET: &str = "haptik_bridge::hop";

/// One step of a message.
#[derive(Debug, Clone, Copy)]
pub struct Hop<'a> {
    /// Which step: `received`, `appended`, `sent_to_haptik`, `rendered`, `sent_to_channel` …
    pub name: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// What follows the message through all its hops.
    pub correlation_id: Option<&'a CorrelationId>,
    /// The lane, where it has one.
    pub lane: Option<&'a Lane>,
    /// The place in the lane.
    pub key: Option<&'a EntryKey>,
    /// Where it came in or goes to: `channels/acme-slack`, `haptik/main`, `sinks/crm`.
    pub source: &'a str,
    /// When the step began.
    pub since: Option<Timestamp>,
    /// Why it did not go well; never a body.
    pub reason: Option<&'a str>,
}

/// How a step ended: a small vocabulary, so that logs can be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It went well.
    Ok,
    /// It had been done before.
    Repeated,
    /// There was nothing to do.
    Nothing,
    /// It failed and will be tried again.
    WillRetry,
    /// It failed for ever.
    Dead,
    /// The request was turned away.
    Rejected,
    /// The request was genuine and not understood.
    NotUnderstood,
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Ok => "ok",
            Self::Repeated => "repeated",
            Self::Nothing => "nothing",
            Self::WillRetry => "will_retry",
            Self::Dead => "dead",
            Self::Rejected => "rejected",
            Self::NotUnderstood => "not_understood",
        })
    }
}

/// Tells of a hop.
pub fn hop(hop: &Hop<'_>) {
    let lane = hop.lane.map(ToString::to_string);
    let duration_ms = hop
        .since
        .map(|since| Timestamp::now().duration_since(since).as_secs_f64() * 1000.0);
    tracing::info!(
        target: HOP_TARGET,
        hop = hop.name,
        outcome = %hop.outcome,
        source = hop.source,
        correlation_id = hop.correlation_id.map(CorrelationId::as_str),
        direction = hop.lane.map(Lane::direction),
        lane = lane.as_deref(),
        key = hop.key.map(EntryKey::as_str),
        duration_ms,
        reason = hop.reason,
    );
}

/// Writes JSON lines to standard output, as CloudWatch reads them. `RUST_LOG` sets the level.
pub fn init() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_env_filter(filter)
        .init();
}
