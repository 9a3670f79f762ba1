//! One try to deliver an entry, and what can come of it.

use std::sync::OnceLock;
use std::time::Duration;

use haptik_bridge_channels::connections::Outlets;
use haptik_bridge_channels::erased::AnyOutlet;
use haptik_bridge_shared::breaker::CircuitBreaker;
use haptik_bridge_shared::bridge::{Bridge, Connection};
use haptik_bridge_shared::ids::ConnectionId;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, Payload};
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_shared::telemetry::{Hop, Outcome};
use jiff::{SignedDuration, Timestamp};

/// A lane was stopped before all of it was delivered.
#[derive(Debug)]
pub(crate) struct LaneStopped {
    /// How long to wait before it is drained again; `None` where it will be rung when it can be.
    pub(crate) pause: Option<Duration>,
}

impl LaneStopped {
    /// Time is up: the rest is begun at once by another invocation.
    pub(crate) const AT_ONCE: Self = Self {
        pause: Some(Duration::ZERO),
    };
}

/// What came of a delivery that did not fail.
#[derive(Debug)]
pub(crate) enum DeliveryOutcome {
    /// All of it was delivered.
    Whole,
    /// All of it was delivered, as messages to which the provider gave these ids.
    Shown(Vec<String>),
    /// There was nothing to deliver, for this reason.
    Nothing(&'static str),
    /// It was not delivered and is not to be, for this reason. Nothing has failed.
    Undelivered(&'static str),
    /// It is to be tried again after this time, and for this reason. Nothing has failed.
    Later(Duration, &'static str),
    /// The sink had too many requests (429): it is to be tried again after this time.
    RateLimited(Duration),
    /// The whole sink takes nothing until somebody has mended it. Its lanes are rung then.
    SinkClosed,
    /// Some of its parts were, which is recorded, and there are more of them.
    InPart,
}

/// How long after something happened it came late: Haptik repeats a delivery for an hour.
const LATE: SignedDuration = SignedDuration::from_hours(1);

/// One try to deliver an entry.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) entry: &'a Entry,
    since: Timestamp,
    /// Where it goes to, or where it came in. Of an answer of Haptik's it is known once the user is.
    place: OnceLock<String>,
    /// What is known of the sink, where it goes to one.
    pub(crate) breaker: CircuitBreaker,
}

impl<'a> Attempt<'a> {
    pub(crate) fn of(entry: &'a Entry) -> Self {
        let place = match (&entry.payload, &entry.lane) {
            (Payload::Inbound { connection, .. } | Payload::Task { connection, .. }, _) => {
                Some(format!("channels/{connection}"))
            }
            (_, Lane::Sink { sink, .. }) => Some(format!("sinks/{sink}")),
            _ => None,
        };
        Self {
            entry,
            since: Timestamp::now(),
            place: place.map(OnceLock::from).unwrap_or_default(),
            breaker: CircuitBreaker::default(),
        }
    }

    /// Notes the connection to which an answer goes.
    pub(crate) fn goes_to(&self, connection: &ConnectionId) {
        self.place.get_or_init(|| format!("channels/{connection}"));
    }

    /// Where it goes to, or where it came in: `channels/acme`, `haptik/main`, `sinks/crm`.
    pub(crate) fn place(&self) -> String {
        let place = self.place.get_or_init(|| match &self.entry.payload {
            Payload::Webhook { account, .. } => format!("haptik/{account}"),
            _ => "processor".to_owned(),
        });
        place.clone()
    }

    /// Since when it is to be delivered.
    pub(crate) fn waits_since(&self) -> Timestamp {
        self.entry.revived_at.unwrap_or(self.entry.received_at)
    }

    /// Records the end of the try in the log and the metrics.
    pub(crate) fn record_hop(&self, outcome: Outcome, reason: Option<&str>) {
        let waits_since = (outcome == Outcome::WillRetry).then(|| self.waits_since());
        self.emit_hop(outcome, reason, waits_since);
    }

    /// Records that a sink had too many requests: nothing has failed, and the longest wait is known.
    pub(crate) fn record_rate_limited(&self, reason: &str) {
        self.emit_hop(Outcome::Waiting, Some(reason), Some(self.waits_since()));
    }

    fn emit_hop(&self, outcome: Outcome, reason: Option<&str>, waits_since: Option<Timestamp>) {
        let (entry, place) = (self.entry, self.place());
        let mut hop = Hop::new("delivered", &place)
            .entry(&entry.lane, &entry.key)
            .outcome(outcome)
            .since(self.since)
            .reason(reason);
        if let Some(since) = waits_since {
            hop = hop.waits_since(since);
        }
        // How long what was replayed, filled in or recovered took says nothing of how quick the bridge is.
        let came_late = entry.received_at.duration_since(entry.at) > LATE;
        if entry.revived_at.is_none() && !came_late {
            hop = hop.written_at(entry.at);
        }
        hop.emit();
    }
}

/// Records a step of a delivery that went well in the log and the metrics.
pub(crate) fn record_step(entry: &Entry, name: &'static str, source: &str, since: Timestamp) {
    Hop::new(name, source)
        .entry(&entry.lane, &entry.key)
        .since(since)
        .emit();
}

/// The side that sends of a connection that an entry names.
pub(crate) fn outlet<'a>(
    outlets: &'a Outlets,
    id: &ConnectionId,
) -> Result<&'a dyn AnyOutlet, Failure> {
    outlets.get(id).ok_or_else(|| not_configured(id))
}

fn not_configured(id: &ConnectionId) -> Failure {
    Failure::not_configured(format!("the connection {id} is not configured"))
}

/// A connection that an entry names.
pub(crate) fn connection<'a>(
    bridge: &'a Bridge,
    id: &ConnectionId,
) -> Result<&'a Connection, Failure> {
    bridge.connections.get(id).ok_or_else(|| not_configured(id))
}
