//! Draining a lane: what is pending there is delivered, in order, and what became of it recorded.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use haptik_bridge_shared::ids::ConnectionId;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, Payload, State};
use haptik_bridge_shared::retry::{self, Failure, Retry};
use haptik_bridge_shared::table::TableError;
use haptik_bridge_shared::telemetry::{self, Hop, Outcome};
use jiff::Timestamp;

use crate::Processor;

/// One ring of a lane.
#[derive(Debug, Clone)]
pub(crate) struct Rung {
    pub(crate) at: Timestamp,
    pub(crate) receives: u32,
}

/// A lane was stopped before all of it was delivered.
#[derive(Debug)]
pub(crate) struct Stopped {
    /// How long to wait before it is drained again.
    pub(crate) pause: Duration,
}

/// What became of a delivery that did not fail.
#[derive(Debug)]
pub(crate) enum Done {
    /// It was delivered.
    Delivered,
    /// There was nothing to deliver, for this reason.
    Nothing(&'static str),
}

/// How many crashes an entry survives before it is parked: a body that brings the function down each
/// time must not hold up those behind it.
const MOST_CRASHES: u32 = 5;

/// How long one delivery may take in all, its parts and its files included.
const DELIVERY_TIMEOUT: Duration = Duration::from_mins(1);

/// How long `chat_complete` is held: it is the deprecated twin of `webhook_conversation_complete`, which
/// says more and is to be shown in its place when it comes at the same time.
const TWIN_WINDOW: Duration = Duration::from_secs(2);

/// One try to deliver an entry, for what is told of it.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) entry: &'a Entry,
    since: Timestamp,
    /// Where it goes or came in: of an answer from Haptik, known once its user is.
    place: OnceLock<String>,
}

impl<'a> Attempt<'a> {
    fn of(entry: &'a Entry) -> Self {
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
        }
    }

    /// Notes the connection to which an answer goes.
    pub(crate) fn goes_to(&self, connection: &ConnectionId) {
        self.place.get_or_init(|| format!("channels/{connection}"));
    }

    fn tell(&self, outcome: Outcome, reason: Option<&str>) {
        let place = self.place.get_or_init(|| match &self.entry.payload {
            Payload::Webhook { account, .. } => format!("haptik/{account}"),
            _ => "processor".to_owned(),
        });
        telemetry::hop(&Hop {
            name: "delivered",
            outcome,
            correlation_id: Some(&self.entry.correlation_id),
            lane: Some(&self.entry.lane),
            key: Some(&self.entry.key),
            source: place,
            at: Some(self.entry.at),
            since: Some(self.since),
            reason,
        });
    }
}

impl Processor {
    /// Delivers what is pending in a lane.
    pub(crate) async fn drain(
        &self,
        lane: &Lane,
        rungs: &[Rung],
        deadline: Instant,
    ) -> Result<(), Stopped> {
        let again = rungs.iter().any(|rung| rung.receives > 1);
        // Waiting before the first query rather than after it saves the second one.
        if let (Some(rung_at), false) = (rungs.iter().map(|rung| rung.at).min(), again) {
            tokio::time::sleep(left_of(self.window(lane), rung_at)).await;
        }
        loop {
            let (entries, more) = self
                .bridge
                .ledger
                .pending(lane)
                .await
                .map_err(|error| unrecorded(&error))?;
            let mut complete = !more;
            for entry in in_order(entries) {
                let hold = left_of(self.hold(&entry), entry.received_at);
                if !hold.is_zero() {
                    // What comes in the meantime may belong before it: look again after the wait.
                    tokio::time::sleep(hold).await;
                    complete = false;
                    break;
                }
                if Instant::now() >= deadline {
                    return Err(Stopped {
                        pause: Duration::ZERO,
                    });
                }
                self.deliver_and_record(&entry, again).await?;
            }
            if complete {
                return Ok(());
            }
        }
    }

    async fn deliver_and_record(&self, entry: &Entry, again: bool) -> Result<(), Stopped> {
        let attempt = Attempt::of(entry);
        if again {
            let starts = self
                .bridge
                .ledger
                .start(entry)
                .await
                .map_err(|error| unrecorded(&error))?;
            if starts > entry.attempts + MOST_CRASHES {
                let reason = "parked: the function stopped each time that it was delivered";
                return self.bury(&attempt, reason).await;
            }
        }
        let again = again || entry.attempts > 0 || entry.parts_done > 0;
        let delivery = tokio::time::timeout(DELIVERY_TIMEOUT, self.deliver(&attempt, again));
        match delivery.await {
            Ok(Ok(done)) => self.record_done(&attempt, &done).await,
            Ok(Err(failure)) => self.record_failure(&attempt, &failure).await,
            Err(_) => {
                let failure = Failure::passing("it took too long");
                self.record_failure(&attempt, &failure).await
            }
        }
    }

    async fn deliver(&self, attempt: &Attempt<'_>, again: bool) -> Result<Done, Failure> {
        let entry = attempt.entry;
        match (&entry.lane, &entry.payload) {
            (
                Lane::Haptik(_),
                Payload::Inbound {
                    connection,
                    inbound,
                },
            ) => self.to_haptik(entry, connection, inbound).await,
            (Lane::Channel(auth_id), Payload::Webhook { body, .. }) => {
                self.to_channel(attempt, auth_id, body, again).await
            }
            (Lane::Task(_), Payload::Task { connection, task }) => {
                self.task(connection, task).await
            }
            (Lane::Sink { sink, .. }, Payload::Webhook { account, body }) => {
                self.to_sink(entry, sink, account, body).await
            }
            _ => Err(Failure::permanent(
                "the entry does not belong into its lane",
            )),
        }
    }

    async fn record_done(&self, attempt: &Attempt<'_>, done: &Done) -> Result<(), Stopped> {
        let (outcome, reason) = match done {
            Done::Delivered => (Outcome::Ok, None),
            Done::Nothing(reason) => (Outcome::Nothing, Some(*reason)),
        };
        let ended = self
            .bridge
            .ledger
            .end(attempt.entry, State::Delivered, reason, Timestamp::now())
            .await;
        attempt.tell(outcome, reason);
        ended.map_err(|error| unrecorded(&error))
    }

    async fn record_failure(
        &self,
        attempt: &Attempt<'_>,
        failure: &Failure,
    ) -> Result<(), Stopped> {
        let entry = attempt.entry;
        let Retry::Later(after) = failure.retry else {
            return self.bury(attempt, &failure.reason).await;
        };
        let age = Timestamp::now()
            .duration_since(entry.received_at)
            .unsigned_abs();
        let patience = self.bridge.config.delivery.give_up_after;
        if age >= patience {
            let reason = format!(
                "given up after {} s: {}",
                patience.as_secs(),
                failure.reason
            );
            return self.bury(attempt, &reason).await;
        }
        attempt.tell(Outcome::WillRetry, Some(&failure.reason));
        self.bridge
            .ledger
            .failed(entry, &failure.reason)
            .await
            .map_err(|error| unrecorded(&error))?;
        Err(Stopped {
            pause: retry::pause(entry.attempts + 1, after),
        })
    }

    /// Gives an entry up; the lane goes on.
    async fn bury(&self, attempt: &Attempt<'_>, reason: &str) -> Result<(), Stopped> {
        attempt.tell(Outcome::Dead, Some(reason));
        self.bridge
            .ledger
            .end(attempt.entry, State::Dead, Some(reason), Timestamp::now())
            .await
            .map_err(|error| unrecorded(&error))
    }

    /// How long an entry is held from its receipt.
    fn hold(&self, entry: &Entry) -> Duration {
        if matches!(entry.lane, Lane::Channel(_)) && entry.key.as_str().contains("#1-chat_complete")
        {
            return TWIN_WINDOW.max(self.window(&entry.lane));
        }
        self.window(&entry.lane)
    }

    /// The reorder window: both directions of a chat have one, tasks and sinks have no need of it.
    fn window(&self, lane: &Lane) -> Duration {
        match lane {
            Lane::Haptik(_) | Lane::Channel(_) => self.bridge.config.delivery.reorder_window,
            Lane::Task(_) | Lane::Sink { .. } | Lane::NotUnderstood { .. } => Duration::ZERO,
        }
    }
}

/// The entries in the order in which they are to be delivered: by key, except that an event without a
/// message id, whose key sorts last, comes before the first message that Haptik sent after it.
fn in_order(entries: Vec<Entry>) -> Vec<Entry> {
    let (untimed, timed): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|entry| !is_by_time(entry));
    if timed.is_empty() {
        return untimed;
    }
    let mut ordered = Vec::with_capacity(untimed.len() + timed.len());
    let mut timed = timed.into_iter().peekable();
    for entry in untimed {
        while let Some(earlier) = timed.next_if(|event| event.at < entry.at) {
            ordered.push(earlier);
        }
        ordered.push(entry);
    }
    ordered.extend(timed);
    ordered
}

/// Whether an entry of the lane towards the channel goes by its time: its key's second part begins with
/// a digit (see `Event::key`).
fn is_by_time(entry: &Entry) -> bool {
    let second = entry.key.as_str().split('#').nth(1).unwrap_or_default();
    matches!(entry.lane, Lane::Channel(_))
        && second.starts_with(|first: char| first.is_ascii_digit())
}

/// What is left of a time since `start`.
fn left_of(time: Duration, start: Timestamp) -> Duration {
    // A clock that was set back must not hold anything for longer than the time itself.
    let past = Timestamp::now().duration_since(start);
    let past = if past.is_negative() {
        Duration::ZERO
    } else {
        past.unsigned_abs()
    };
    time.saturating_sub(past)
}

/// The ledger did not answer: nothing is known to be recorded, and the lane is tried again soon.
fn unrecorded(error: &TableError) -> Stopped {
    tracing::error!(%error, "the ledger did not answer");
    Stopped {
        pause: retry::pause(2, None),
    }
}
