//! What is said about a message on its way: one line per hop, without bodies and personal data.
//!
//! In Lambda a line is JSON, and those hops that are counted carry their metrics in CloudWatch's embedded
//! format (`lines`), so that counting costs no call and no further line. `docs/operations.md` says
//! what each line and metric means.

use std::fmt;
use std::io;

use jiff::Timestamp;

use crate::ids::{CorrelationId, EntryKey};
use crate::lane::Lane;

mod lines;

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
    /// When the provider says that the message was written: at the end of its way, the time that all
    /// of it took is counted from then.
    pub at: Option<Timestamp>,
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

/// Tells of a request that an edge turned away.
pub fn rejected(source: &str, reason: &str, since: Timestamp) {
    hop(&Hop {
        name: "received",
        outcome: Outcome::Rejected,
        correlation_id: None,
        lane: None,
        key: None,
        source,
        at: None,
        since: Some(since),
        reason: Some(reason),
    });
}

/// Records what a provider says later of a message that it had taken: that it reached the user, or, by a code
/// of the provider's, why not.
pub fn delivery_report(source: &str, message_id: &str, failed: Option<&str>, since: Timestamp) {
    let reason = failed.map_or_else(
        || format!("message {message_id}"),
        |failed| format!("message {message_id}: {failed}"),
    );
    hop(&Hop {
        name: "reported",
        outcome: failed.map_or(Outcome::Ok, |_| Outcome::Dead),
        correlation_id: None,
        lane: None,
        key: None,
        source,
        at: None,
        since: Some(since),
        reason: Some(&reason),
    });
}

/// Tells of a hop.
pub fn hop(hop: &Hop<'_>) {
    let lane = hop.lane.map(ToString::to_string);
    let now = Timestamp::now();
    let milliseconds_since = |then: Timestamp| now.duration_since(then).as_secs_f64() * 1000.0;
    let duration_ms = hop.since.map(milliseconds_since);
    // A provider whose clock is ahead of ours is no reason for a negative time.
    let end_to_end_ms = hop.at.map(|at| milliseconds_since(at).max(0.0));
    tracing::info!(
        target: HOP_TARGET,
        hop = hop.name,
        outcome = %hop.outcome,
        source = hop.source,
        correlation_id = hop.correlation_id.map(CorrelationId::as_str),
        direction = direction(hop),
        lane = lane.as_deref(),
        key = hop.key.map(EntryKey::as_str),
        duration_ms,
        end_to_end_ms,
        reason = hop.reason,
    );
}

/// Writes JSON lines to standard output, as CloudWatch reads them; `stack` tells the metrics of stacks
/// that share an account apart. `level` is what `RUST_LOG` would say (`info`,
/// `warn,haptik_bridge_shared=debug`); the default is `info`. See [`may_be_logged`] for what it cannot do.
pub fn init(stack: &str, level: Option<&str>) {
    use tracing_subscriber::Layer as _;
    use tracing_subscriber::filter::{FilterExt as _, LevelFilter, Targets, filter_fn};
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;
    let filter = level
        .and_then(|level| level.parse().ok())
        .unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO))
        .and(filter_fn(may_be_logged));
    tracing_subscriber::registry()
        .with(lines::Lines::new(stack, io::stdout).with_filter(filter))
        .init();
}

/// Whether an event may be logged at all, whatever `RUST_LOG` says. Below `info`, the AWS SDK and the HTTP
/// libraries write whole requests, with what people said and with the bearer tokens: those are never
/// wanted in a log. The bridge's own lines are free of both at every level.
#[must_use]
pub fn may_be_logged(metadata: &tracing::Metadata<'_>) -> bool {
    *metadata.level() <= tracing::Level::INFO || metadata.target().starts_with("haptik_bridge")
}

/// The way a message goes; of what was turned away, the way that it would have gone.
fn direction(hop: &Hop<'_>) -> Option<&'static str> {
    match hop.lane {
        Some(lane @ (Lane::Haptik(_) | Lane::Channel(_) | Lane::Task(_) | Lane::Sink { .. })) => {
            Some(lane.direction())
        }
        Some(Lane::NotUnderstood { .. }) | None => match hop.source.split('/').next() {
            Some("channels") => Some("to_haptik"),
            Some("haptik") => Some("to_channel"),
            _ => None,
        },
    }
}
