//! What is said about a message on its way: one line per hop, without bodies and personal data.
//!
//! In Lambda a line is JSON, and those hops that are counted carry their metrics in CloudWatch's embedded
//! format (`emf`), so that counting costs no call and no further line. `docs/operations.md` says
//! what each line and metric means.

use std::fmt;
use std::io;

use jiff::Timestamp;

use crate::ids::{CorrelationId, EntryKey};
use crate::lane::Lane;

mod emf;

pub use emf::{counter, wait_metric};

/// The `target` of the events that tell of [exchanges](crate::net::exchange) with providers.
const EXCHANGE_TARGET: &str = "haptik_bridge::exchange";

/// The `target` of the events that tell of hops.
pub const HOP_TARGET: &str = "haptik_bridge::hop";

/// The `target` of the events that tell how many there are of something.
const GAUGE_TARGET: &str = "haptik_bridge::gauge";

/// One step of a message, built up and emitted: `Hop::new("delivered", source).entry(&lane, &key).emit()`.
#[derive(Debug, Clone, Copy)]
#[must_use = "a hop is not logged until it is emitted"]
pub struct Hop<'a> {
    name: &'static str,
    source: &'a str,
    outcome: Outcome,
    entry: Option<(&'a Lane, &'a EntryKey)>,
    at: Option<Timestamp>,
    waits_since: Option<Timestamp>,
    since: Option<Timestamp>,
    reason: Option<&'a str>,
}

impl<'a> Hop<'a> {
    /// A step that went well: `received`, `appended`, `sent_to_haptik`, `rendered`, `sent_to_channel` … `source`
    /// is where it came in or goes to: `channels/acme`, `haptik/main`, `sinks/crm`.
    pub fn new(name: &'static str, source: &'a str) -> Self {
        Self {
            name,
            source,
            outcome: Outcome::Ok,
            entry: None,
            at: None,
            waits_since: None,
            since: None,
            reason: None,
        }
    }

    /// Of the entry at this place in this lane.
    pub fn entry(mut self, lane: &'a Lane, key: &'a EntryKey) -> Self {
        self.entry = Some((lane, key));
        self
    }

    /// How it ended.
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// When the provider says that the message was written: at the end of its way, the time that all of it
    /// took is counted from then.
    pub fn written_at(mut self, at: Timestamp) -> Self {
        self.at = Some(at);
        self
    }

    /// Since when it waits for its delivery, which failed: alarms go off by the longest wait.
    pub fn waits_since(mut self, since: Timestamp) -> Self {
        self.waits_since = Some(since);
        self
    }

    /// When the step began.
    pub fn since(mut self, since: Timestamp) -> Self {
        self.since = Some(since);
        self
    }

    /// Why it did not go well; never a body.
    pub fn reason(mut self, reason: impl Into<Option<&'a str>>) -> Self {
        self.reason = reason.into();
        self
    }

    /// Logs it.
    pub fn emit(self) {
        let lane = self.entry.map(|(lane, _)| lane.to_string());
        let correlation_id = self.entry.map(|(lane, key)| CorrelationId::of(lane, key));
        let now = Timestamp::now();
        let milliseconds_since = |then: Timestamp| now.duration_since(then).as_secs_f64() * 1000.0;
        let duration_ms = self.since.map(milliseconds_since);
        // A provider whose clock is ahead of ours is no reason for a negative time.
        let end_to_end_ms = self.at.map(|at| milliseconds_since(at).max(0.0));
        let waited_ms = self
            .waits_since
            .map(|since| milliseconds_since(since).max(0.0));
        // A level is part of what `tracing` makes of the call, so there is one call for each.
        macro_rules! log {
            ($level:ident) => {
                tracing::event!(
                    target: HOP_TARGET,
                    tracing::Level::$level,
                    hop = self.name,
                    outcome = %self.outcome,
                    source = self.source,
                    correlation_id = correlation_id.as_ref().map(CorrelationId::as_str),
                    direction = self.direction(),
                    lane = lane.as_deref(),
                    key = self.entry.map(|(_, key)| key.as_str()),
                    duration_ms,
                    end_to_end_ms,
                    waited_ms,
                    reason = self.reason,
                )
            };
        }
        match self.outcome {
            // What is counted, and the end of a try, says the rest: a line costs more than the step.
            Outcome::Ok if self.is_on_the_way() => log!(DEBUG),
            Outcome::Ok | Outcome::Repeated | Outcome::Nothing | Outcome::Waiting => log!(INFO),
            Outcome::WillRetry | Outcome::Rejected | Outcome::NotUnderstood => log!(WARN),
            Outcome::Dead => log!(ERROR),
        }
    }

    /// Whether it is a step between those that are counted, of a message that goes its way.
    fn is_on_the_way(&self) -> bool {
        self.entry.is_some() && counter(self.name, "ok").is_none()
    }

    /// The way a message goes; of what was turned away, the way that it would have gone.
    fn direction(&self) -> Option<&'static str> {
        match self.entry {
            Some((
                lane @ (Lane::Haptik(_) | Lane::Channel(_) | Lane::Task(_) | Lane::Sink { .. }),
                _,
            )) => Some(lane.direction()),
            Some((Lane::NotUnderstood { .. }, _)) | None => match self.source.split('/').next() {
                Some("channels") => Some("to_haptik"),
                Some("haptik") => Some("to_channel"),
                _ => None,
            },
        }
    }
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
    /// It did not fail: what it needs is not there yet, and it will be tried again.
    Waiting,
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
            Self::Waiting => "waiting",
            Self::Dead => "dead",
            Self::Rejected => "rejected",
            Self::NotUnderstood => "not_understood",
        })
    }
}

/// Records how many entries lie there that were given up and not replayed: the metric `dead_now`. Nothing is recorded where there is none.
pub fn dead_now(count: usize) {
    if count > 0 {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        tracing::info!(target: GAUGE_TARGET, dead_now = count, "entries that were given up wait for a replay");
    }
}

/// Logs that a request was turned away.
pub fn rejected(source: &str, reason: &str, since: Timestamp) {
    Hop::new("received", source)
        .outcome(Outcome::Rejected)
        .since(since)
        .reason(reason)
        .emit();
}

/// Logs that a request was turned away since its connection or account brings more than it may.
pub fn rate_limited(source: &str, since: Timestamp) {
    Hop::new("rate_limited", source)
        .outcome(Outcome::Rejected)
        .since(since)
        .reason("more than rate_per_second")
        .emit();
}

/// Counts what came late of somebody who was forgotten: it is acknowledged and dropped. The line does not say of whom.
pub fn of_forgotten(source: &str, since: Timestamp) {
    Hop::new("dropped", source)
        .outcome(Outcome::Nothing)
        .since(since)
        .reason("the user was forgotten since")
        .emit();
}

/// Records what a provider says later of a message that it had taken: that it reached the user, or, by a code
/// of the provider's, why not.
pub fn delivery_report(source: &str, message_id: &str, failed: Option<&str>, since: Timestamp) {
    let reason = failed.map_or_else(
        || format!("message {message_id}"),
        |failed| format!("message {message_id}: {failed}"),
    );
    Hop::new("reported", source)
        .outcome(failed.map_or(Outcome::Ok, |_| Outcome::Dead))
        .since(since)
        .reason(reason.as_str())
        .emit();
}

/// Counts the segments in which a carrier sends a text that a provider took: that is what is paid for. `encoding`
/// is the one that they have.
pub fn segments(source: &str, count: u64, encoding: &'static str) {
    tracing::info!(
        target: HOP_TARGET,
        hop = "segmented",
        outcome = %Outcome::Ok,
        source,
        direction = "to_channel",
        segments = count,
        encoding,
    );
}

/// Counts a genuine event of a kind that is new to us: it was acknowledged, and there is nothing to be done.
pub fn unknown_event(source: &str, name: &str, since: Timestamp) {
    Hop::new("unknown_event", source)
        .outcome(Outcome::Nothing)
        .since(since)
        .reason(as_name(name))
        .emit();
}

/// A name that somebody else gave, as it may stand in a log: short, and a name.
fn as_name(name: &str) -> &str {
    let is_name = |character: char| character.is_ascii_alphanumeric() || "_.-".contains(character);
    if !name.is_empty() && name.len() <= 60 && name.chars().all(is_name) {
        name
    } else {
        "(not a name)"
    }
}

/// Writes JSON lines to standard output, as CloudWatch reads them; `stack` tells the metrics of stacks
/// that share an account apart. `level` is what `RUST_LOG` would say (`info`,
/// `warn,haptik_bridge_shared=debug`); the default is `info`. See [`may_be_logged`] for what it cannot do.
pub fn init(stack: &str, level: Option<&str>) {
    use tracing_subscriber::Layer as _;
    use tracing_subscriber::filter::{FilterExt as _, LevelFilter, Targets, filter_fn};
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;
    log_panics_by_place();
    let filter = level
        .and_then(|level| level.parse().ok())
        .unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO))
        .and(filter_fn(may_be_logged));
    tracing_subscriber::registry()
        .with(emf::Emf::new(stack, io::stdout).with_filter(filter))
        .init();
}

/// From now on, of a panic its place in the code is logged and not what it says: that may quote what somebody wrote, as
/// the message of an index that is within a character does. Where nothing is logged, it is printed to standard error.
pub fn log_panics_by_place() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let place = place.unwrap_or_default();
        if tracing::dispatcher::has_been_set() {
            tracing::error!(place, "a panic, which is a bug of the bridge's");
        } else {
            eprintln!("a panic, which is a bug of the bridge's: {place}");
        }
    }));
}

/// Whether an event may be logged at all, whatever `RUST_LOG` says. Below `info`, the AWS SDK and the HTTP
/// libraries write whole requests, with what people said and with the bearer tokens: those are never
/// wanted in a log. The bridge's own lines are free of both at every level.
#[must_use]
pub fn may_be_logged(metadata: &tracing::Metadata<'_>) -> bool {
    let is_own = metadata.target().starts_with("haptik_bridge");
    // What was sent and answered is for a console on this machine, never for a log.
    let is_exchange = metadata.target() == EXCHANGE_TARGET;
    *metadata.level() <= tracing::Level::INFO || (is_own && !is_exchange)
}
