//! Draining a lane: what is pending there is delivered, in order, and what became of it recorded.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use haptik_bridge_shared::breaker::CircuitBreaker;
use haptik_bridge_shared::channel::Act;
use haptik_bridge_shared::ids::ConnectionId;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, Payload, State};
use haptik_bridge_shared::retry::{self, Failure, Retry, Why};
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
    /// How long to wait before it is drained again; `None` where it will be rung when it can be.
    pub(crate) pause: Option<Duration>,
}

/// What became of a delivery that did not fail.
#[derive(Debug)]
pub(crate) enum Done {
    /// It was delivered.
    Delivered,
    /// There was nothing to deliver, for this reason.
    Nothing(&'static str),
    /// It is to be tried again after this time, and for this reason. Nothing has failed.
    NotYet(Duration, &'static str),
    /// The whole sink takes nothing until somebody has mended it. Its lanes are rung then.
    Closed,
    /// Some of its parts were, which is recorded, and there are more of them.
    More,
}

/// What is left of an entry that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Nothing,
    More,
}

/// How a lane goes on after a try.
#[derive(Debug)]
enum Next {
    /// At once.
    Go(Left),
    /// With the same entry, after this time; `None`: when the lane is rung again.
    Pause(Option<Duration>),
}

/// How long what was read of a lane is used: long enough that a short drain costs one query, and short
/// enough that what comes while a slow channel takes a long page is not overtaken by all of it.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// After how many crashes an entry is delivered while nothing else is: another entry that was under way
/// in the same process may have caused them, and then it is not to be parked for that.
const SUSPECT_AFTER: u32 = 2;

/// How long `chat_complete` is held: it is the deprecated twin of `webhook_conversation_complete`, which
/// says more and is to be shown in its place when it comes at the same time.
const TWIN_WINDOW: Duration = Duration::from_secs(2);

/// How far apart the twins of one completion happen at most.
const TWINS_ARE_CLOSE: Duration = Duration::from_mins(5);

/// One try to deliver an entry, for what is told of it.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) entry: &'a Entry,
    since: Timestamp,
    /// Where it goes or came in: of an answer from Haptik, known once its user is.
    place: OnceLock<String>,
    /// What is known of the sink, where it goes to one.
    pub(crate) breaker: CircuitBreaker,
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
            breaker: CircuitBreaker::default(),
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
        let receives = rungs.iter().map(|rung| rung.receives).max().unwrap_or(1);
        let again = receives > 1;
        // Waiting before the first query rather than after it saves the second one.
        if let (Some(rung_at), false) = (rungs.iter().map(|rung| rung.at).min(), again) {
            tokio::time::sleep(left_of(self.window(lane), rung_at, Timestamp::now())).await;
        }
        loop {
            let (looked_at, began_at) = (Timestamp::now(), Instant::now());
            let pending = self.bridge.ledger.pending(lane).await;
            let (entries, more) = pending.map_err(|error| unrecorded(&error, receives))?;
            let mut complete = !more;
            let mut entries = Self::in_order(lane, entries).into_iter().peekable();
            while let Some(entry) = entries.next() {
                let hold = self.hold(&entry);
                if !left_of(hold, entry.received_at, looked_at).is_zero() {
                    // It was young when the lane was looked at, even if it is not any more: what has come
                    // since then may belong before it, so look again once it is old enough.
                    let left = left_of(hold, entry.received_at, Timestamp::now());
                    tokio::time::sleep(left).await;
                    complete = false;
                    break;
                }
                if Instant::now() >= deadline {
                    return Err(Stopped {
                        pause: Some(Duration::ZERO),
                    });
                }
                if self.deliver_and_record(&entry, receives).await? == Left::More {
                    complete = false;
                    break;
                }
                if entries.peek().is_some() && is_outdated(began_at.elapsed(), self.window(lane)) {
                    // What came while the last one took its time may belong before the next one.
                    complete = false;
                    break;
                }
            }
            if complete {
                return Ok(());
            }
        }
    }

    async fn deliver_and_record(&self, entry: &Entry, receives: u32) -> Result<Left, Stopped> {
        let mut attempt = Attempt::of(entry);
        match Box::pin(self.enter(entry)).await {
            Ok(Ok(breaker)) => attempt.breaker = breaker,
            Ok(Err(stopped)) => return Err(stopped),
            Err(error) => return Err(unrecorded(&error, receives)),
        }
        let (_alone, _beside) = if entry.starts >= SUSPECT_AFTER {
            (Some(self.alone.write().await), None)
        } else {
            (None, Some(self.alone.read().await))
        };
        let recorded = match self.parked(&attempt, receives).await {
            Ok(true) => Ok(Next::Go(Left::Nothing)),
            Ok(false) => self.try_once(&attempt, receives).await,
            Err(error) => Err(error),
        };
        match recorded {
            Ok(Next::Go(left)) => Ok(left),
            Ok(Next::Pause(pause)) => Err(Stopped { pause }),
            Err(error) => Err(unrecorded(&error, receives)),
        }
    }

    /// Notes that a redelivered entry is begun again, and parks it where that was done too often.
    async fn parked(&self, attempt: &Attempt<'_>, receives: u32) -> Result<bool, TableError> {
        let entry = attempt.entry;
        let most = self.limits.most_crashes;
        let reason = if entry.overruns > most {
            format!("parked: it took too long {} times in a row", entry.overruns)
        } else if receives > 1 && self.bridge.ledger.start(entry).await? > most {
            format!("parked: the function stopped {most} times in a row while it was delivered")
        } else {
            return Ok(false);
        };
        self.bury(attempt, reason.as_str().into()).await?;
        Ok(true)
    }

    /// Delivers an entry and records what came of it.
    async fn try_once(&self, attempt: &Attempt<'_>, receives: u32) -> Result<Next, TableError> {
        let entry = attempt.entry;
        let begun_before = entry.attempts + entry.starts + entry.overruns > 0;
        let begun_before = begun_before || entry.parts_done > 0 || entry.revived_at.is_some();
        let again = receives > 1 || begun_before;
        let delivery = Box::pin(self.deliver(attempt, again));
        match tokio::time::timeout(self.limits.delivery_timeout, delivery).await {
            Ok(Ok(Done::NotYet(pause, reason))) => {
                attempt.tell(Outcome::WillRetry, Some(reason));
                self.put_off(entry, receives).await?;
                Ok(Next::Pause(Some(pause)))
            }
            Ok(Ok(Done::Closed)) => {
                self.put_off(entry, receives).await?;
                Ok(Next::Pause(None))
            }
            Ok(Ok(Done::More)) => Ok(Next::Go(Left::More)),
            Ok(Ok(Done::Delivered)) => {
                self.record_done(attempt, None).await?;
                Ok(Next::Go(Left::Nothing))
            }
            Ok(Ok(Done::Nothing(reason))) => {
                self.record_done(attempt, Some(reason)).await?;
                Ok(Next::Go(Left::Nothing))
            }
            Ok(Err(failure)) => self.record_failure(attempt, &failure).await,
            Err(_) => {
                let reason = "it took too long";
                attempt.tell(Outcome::WillRetry, Some(reason));
                self.bridge.ledger.overran(entry, reason).await?;
                Ok(Next::Pause(Some(retry::pause(entry.overruns + 1, None))))
            }
        }
    }

    /// Notes that a try ended without a failure, where it was noted that it began.
    async fn put_off(&self, entry: &Entry, receives: u32) -> Result<(), TableError> {
        if receives > 1 {
            self.bridge.ledger.put_off(entry, None).await?;
        }
        Ok(())
    }

    async fn deliver(&self, attempt: &Attempt<'_>, again: bool) -> Result<Done, Failure> {
        let entry = attempt.entry;
        match (&entry.lane, &entry.payload) {
            (
                Lane::Haptik(_),
                Payload::Inbound {
                    connection,
                    inbound,
                    handoff,
                },
            ) => {
                let handoff = handoff.as_deref();
                self.to_haptik(entry, connection, inbound, handoff).await
            }
            (Lane::Channel(auth_id), Payload::Webhook { body, .. }) => {
                self.to_channel(attempt, auth_id, body, again).await
            }
            (
                Lane::Channel(auth_id),
                Payload::HandoffEnded { .. } | Payload::MessageReturned { .. },
            ) => self.to_bot(attempt, auth_id).await,
            (Lane::Task(_), Payload::Task { connection, task }) => {
                self.task(connection, task).await
            }
            (Lane::Sink { sink, .. }, Payload::Webhook { account, body }) => {
                Box::pin(self.to_sink(attempt, sink, account, body, again)).await
            }
            _ => Err(Failure::permanent(
                "the entry does not belong into its lane",
            )),
        }
    }

    async fn record_done(
        &self,
        attempt: &Attempt<'_>,
        reason: Option<&str>,
    ) -> Result<(), TableError> {
        let outcome = reason.map_or(Outcome::Ok, |_| Outcome::Nothing);
        let why = reason.map(Why::from);
        let ended = self
            .bridge
            .ledger
            .end(attempt.entry, State::Delivered, why, Timestamp::now())
            .await;
        attempt.tell(outcome, reason);
        ended
    }

    /// Records a failed try.
    async fn record_failure(
        &self,
        attempt: &Attempt<'_>,
        failure: &Failure,
    ) -> Result<Next, TableError> {
        let (entry, why) = (attempt.entry, Why::from(failure));
        let Retry::Later(after) = failure.retry else {
            let buried = self.bury(attempt, why).await;
            return buried.map(|()| Next::Go(Left::Nothing));
        };
        let mut since = entry.revived_at.unwrap_or(entry.received_at);
        // While its sink needs attention, nobody is patient with it.
        since = since.max(attempt.breaker.resumed_at.unwrap_or(since));
        let age = Timestamp::now().duration_since(since).unsigned_abs();
        let patience = self.bridge.config.delivery.give_up_after;
        if age >= patience && attempt.breaker.attention.is_none() {
            let reason = format!("given up after {} s: {}", patience.as_secs(), why.reason);
            let reason = reason.as_str();
            let buried = self.bury(attempt, Why { reason, ..why }).await;
            return buried.map(|()| Next::Go(Left::Nothing));
        }
        attempt.tell(Outcome::WillRetry, Some(&failure.reason));
        self.bridge.ledger.failed(entry, why).await?;
        Ok(Next::Pause(Some(retry::pause(entry.attempts + 1, after))))
    }

    /// Gives an entry up; the lane goes on. Of why, the reason is told, and all is kept.
    async fn bury(&self, attempt: &Attempt<'_>, why: Why<'_>) -> Result<(), TableError> {
        // Before it is recorded, so that it is done again where that fails.
        self.gives_back(attempt.entry, &why.in_full()).await?;
        attempt.tell(Outcome::Dead, Some(why.reason));
        self.bridge
            .ledger
            .end(attempt.entry, State::Dead, Some(why), Timestamp::now())
            .await
    }

    /// The entries in the order in which they are to be delivered.
    fn in_order(lane: &Lane, entries: Vec<Entry>) -> Vec<Entry> {
        let mut entries = in_order(entries);
        if let Lane::Sink { .. } = lane {
            longer_twins_first(&mut entries);
        }
        entries
    }

    /// Where an entry that is given up was to bring a user to a human, the user is given back.
    async fn gives_back(&self, entry: &Entry, error: &str) -> Result<(), TableError> {
        let (Lane::Haptik(auth_id), Payload::Inbound { inbound, .. }) =
            (&entry.lane, &entry.payload)
        else {
            return Ok(());
        };
        let id = match &inbound.act {
            Act::Handoff { id, .. } | Act::MoveToAgent { handoff: id } => id,
            _ => entry.key.as_str(),
        };
        let failed = self.handoff_failed(auth_id, id, error).await;
        failed.map_err(|failure| TableError::Unavailable(failure.reason))
    }

    /// How long an entry is held from its receipt.
    fn hold(&self, entry: &Entry) -> Duration {
        if matches!(entry.lane, Lane::Channel(_)) && is_short_twin(entry) {
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

/// Puts each `webhook_conversation_complete` before the `chat_complete` of the same conversation.
/// Nothing else changes places: what was said after a completion stays behind it.
fn longer_twins_first(entries: &mut [Entry]) {
    let of = |long: &Entry, short: &Entry| {
        long.at.duration_since(short.at).unsigned_abs() <= TWINS_ARE_CLOSE
    };
    // One that came before its twin by itself.
    let mut longer: Option<usize> = None;
    for index in 0..entries.len() {
        if is_long_twin(&entries[index]) {
            longer = Some(index);
        }
        if !is_short_twin(&entries[index]) {
            continue;
        }
        let paired = longer.take();
        if paired.is_some_and(|before| of(&entries[before], &entries[index])) {
            continue;
        }
        let others = entries[index + 1..].iter();
        let mut up_to_the_next = others.take_while(|entry| !is_short_twin(entry));
        let behind =
            up_to_the_next.position(|entry| is_long_twin(entry) && of(entry, &entries[index]));
        if let Some(behind) = behind {
            entries[index..=index + 1 + behind].rotate_right(1);
            longer = Some(index);
        }
    }
}

/// Whether an entry is `webhook_conversation_complete`.
fn is_long_twin(entry: &Entry) -> bool {
    entry
        .key
        .as_str()
        .contains("#0-webhook_conversation_complete")
}

/// Whether an entry is `chat_complete`, whose twin says more of the same conversation.
fn is_short_twin(entry: &Entry) -> bool {
    entry.key.as_str().contains("#1-chat_complete")
}

/// Whether an entry of a lane of Haptik's events goes by its time: its key's second part begins with
/// a digit (see `Event::key`).
fn is_by_time(entry: &Entry) -> bool {
    let second = entry.key.as_str().split('#').nth(1).unwrap_or_default();
    matches!(entry.lane, Lane::Channel(_) | Lane::Sink { .. })
        && second.starts_with(|first: char| first.is_ascii_digit())
}

/// What is left at `now` of a time since `start`.
fn left_of(time: Duration, start: Timestamp, now: Timestamp) -> Duration {
    // A clock that was set back must not hold anything for longer than the time itself.
    let past = now.duration_since(start);
    let past = if past.is_negative() {
        Duration::ZERO
    } else {
        past.unsigned_abs()
    };
    time.saturating_sub(past)
}

/// Whether what was read of a lane so long ago must be read again before more of it is delivered.
fn is_outdated(age: Duration, window: Duration) -> bool {
    !window.is_zero() && age > LOOK_AGAIN_AFTER.max(window)
}

/// The ledger did not answer: nothing is known to be recorded, and the lane is tried again soon. The
/// pauses grow as those of any other failure, or an outage of hours would use up the queue's receives.
fn unrecorded(error: &TableError, receives: u32) -> Stopped {
    tracing::error!(%error, "the ledger did not answer");
    Stopped {
        pause: Some(retry::pause(receives, None)),
    }
}
