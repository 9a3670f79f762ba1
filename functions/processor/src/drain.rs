//! Draining a lane: what is pending there is delivered, in order ([`order`]), and what became of it recorded
//! ([`record`]): delivered, to be tried again, or a dead letter; a poison message is parked.

mod order;
mod record;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use haptik_bridge_channels::connections::Outlets;
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, Payload};
use haptik_bridge_shared::net::exchange;
use haptik_bridge_shared::retry::{self, Failure};
use haptik_bridge_shared::table::{Erasure, TableError};
use haptik_bridge_shared::telemetry::Outcome;
use haptik_bridge_sinks::Sinks;
use jiff::Timestamp;

use self::order::{
    has_events, in_order, in_order_so_far, is_by_time, is_chat_complete, order_completions,
};
use crate::attempt::{Attempt, DeliveryOutcome, LaneStopped};
use crate::bulkhead::Bulkhead;
use crate::limits::Limits;
use crate::receipt::Receipts;
use crate::to_channel::ToChannel;
use crate::to_haptik::ToHaptik;
use crate::to_sink::ToSink;

/// One ring of a lane.
#[derive(Debug, Clone)]
pub(crate) struct WakeUp {
    pub(crate) at: Timestamp,
    pub(crate) receives: u32,
}

/// A lane that is being drained.
#[derive(Debug)]
pub(crate) struct Drain<'a> {
    pub(crate) bridge: &'a Bridge,
    pub(crate) outlets: &'a Outlets,
    pub(crate) sinks: &'a Sinks,
    pub(crate) limits: &'a Limits,
    pub(crate) bulkhead: &'a Bulkhead,
    /// Whether the processor was stopped.
    pub(crate) stopped: &'a AtomicBool,
    pub(crate) lane: &'a Lane,
    /// How often a ring of it was handed over; above 1, an earlier time may have ended anywhere.
    pub(crate) receives: u32,
}

/// How far an entry has come that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Finished,
    InPart,
}

/// How a lane goes on after a try.
#[derive(Debug)]
enum LaneStep {
    /// At once.
    Continue(Progress),
    /// With the same entry, after this time; `None`: when the lane is rung again.
    Pause(Option<Duration>),
}

/// How long what was read of a lane is used: long enough that a short drain costs one query, and short
/// enough that what comes while a slow channel takes a long page is not overtaken by all of it.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How long is waited before it is looked again whether a user who was forgotten may be a new one.
const WHILE_FORGOTTEN: Duration = Duration::from_secs(2);

/// How long it may take to note that a try was no crash: it comes after all that a delivery may take.
const NO_CRASH_WITHIN: Duration = Duration::from_secs(1);

/// How long `chat_complete` is held: `webhook_conversation_complete` says more of the same completion, and
/// is shown in its place when it comes in this time.
const CHAT_COMPLETE_DELAY: Duration = Duration::from_secs(2);

impl Drain<'_> {
    /// Delivers what is pending in the lane. No delivery is begun after `deadline`, nor once the processor was stopped.
    pub(crate) async fn run(
        &self,
        wake_ups: &[WakeUp],
        deadline: Instant,
    ) -> Result<(), LaneStopped> {
        // Waiting before the first query rather than after it saves the second one.
        let first = wake_ups.iter().map(|wake_up| wake_up.at).min();
        if let (Some(rung_at), 1) = (first, self.receives) {
            tokio::time::sleep(remaining(self.reorder_window(), rung_at, Timestamp::now())).await;
        }
        loop {
            let (looked_at, began_at) = (Timestamp::now(), Instant::now());
            let pending = self.pending_in_order().await;
            let (entries, mut complete) = pending.map_err(|error| self.not_recorded(&error))?;
            let mut entries = entries.into_iter().peekable();
            while let Some(entry) = entries.next() {
                if self.is_over(deadline) {
                    return Err(LaneStopped::AT_ONCE);
                }
                let delay = self.reorder_delay(&entry);
                if !remaining(delay, entry.received_at, looked_at).is_zero() {
                    // It was young when the lane was looked at, even if it is not any more: what has come
                    // since then may belong before it, so look again once it is old enough.
                    let left = remaining(delay, entry.received_at, Timestamp::now());
                    tokio::time::sleep(left).await;
                    complete = false;
                    break;
                }
                if self.deliver_and_record(&entry, deadline).await? == Progress::InPart {
                    complete = false;
                    break;
                }
                if entries.peek().is_some()
                    && is_outdated(began_at.elapsed(), self.reorder_window())
                {
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

    fn is_over(&self, deadline: Instant) -> bool {
        self.stopped.load(Ordering::Relaxed) || Instant::now() >= deadline
    }

    async fn deliver_and_record(
        &self,
        entry: &Entry,
        deadline: Instant,
    ) -> Result<Progress, LaneStopped> {
        let _place = self.bulkhead.enter(entry).await;
        if self.is_over(deadline) {
            return Err(LaneStopped::AT_ONCE);
        }
        let table = self.bridge.ledger.table();
        let erasure = table.check_erasure(self.lane, entry.at).await;
        match erasure.map_err(|error| self.not_recorded(&error))? {
            Erasure::None => {}
            Erasure::InProgress => {
                return Err(LaneStopped {
                    pause: Some(WHILE_FORGOTTEN),
                });
            }
            Erasure::Since => {
                let removed = self.bridge.ledger.remove(self.lane, &entry.key).await;
                removed.map_err(|error| self.not_recorded(&error))?;
                return Ok(Progress::Finished);
            }
        }
        let mut attempt = Attempt::of(entry);
        match Box::pin(self.to_sink().admit(entry, self.receives)).await {
            Ok(Ok(breaker)) => attempt.breaker = breaker,
            Ok(Err(stopped)) => return Err(stopped),
            Err(error) => return Err(self.not_recorded(&error)),
        }
        let recorded = match self.park_poison(&attempt).await {
            Ok(true) => Ok(LaneStep::Continue(Progress::Finished)),
            Ok(false) => {
                let tried = self.try_once(&attempt).await;
                if tried.is_err() {
                    // The function is there, so this was no crash: else an entry whose end cannot be recorded for a while
                    // would be parked as poison. Where the ledger does not take that either, it counts as one.
                    let _ = tokio::time::timeout(NO_CRASH_WITHIN, self.postpone(entry)).await;
                }
                tried
            }
            Err(error) => Err(error),
        };
        match recorded {
            Ok(LaneStep::Continue(progress)) => Ok(progress),
            Ok(LaneStep::Pause(pause)) => Err(LaneStopped { pause }),
            Err(error) => Err(self.not_recorded(&error)),
        }
    }

    /// Delivers an entry and records what came of it.
    async fn try_once(&self, attempt: &Attempt<'_>) -> Result<LaneStep, TableError> {
        let entry = attempt.entry;
        let begun_before = entry.attempts + entry.starts + entry.overruns > 0;
        let begun_before = begun_before || entry.parts_done > 0 || entry.revived_at.is_some();
        let again = self.receives > 1 || begun_before;
        let delivery = exchange::during(
            entry.correlation_id.clone(),
            Box::pin(self.deliver(attempt, again)),
        );
        match tokio::time::timeout(self.limits.delivery_timeout, delivery).await {
            Ok(Ok(DeliveryOutcome::Later(pause, reason))) => {
                attempt.record_hop(Outcome::Waiting, Some(reason));
                self.postpone(entry).await?;
                Ok(LaneStep::Pause(Some(pause)))
            }
            Ok(Ok(DeliveryOutcome::RateLimited(pause))) => {
                self.record_rate_limited(attempt, pause).await
            }
            Ok(Ok(DeliveryOutcome::SinkClosed)) => {
                self.postpone(entry).await?;
                Ok(LaneStep::Pause(None))
            }
            Ok(Ok(DeliveryOutcome::InPart)) => Ok(LaneStep::Continue(Progress::InPart)),
            Ok(Ok(DeliveryOutcome::Whole)) => {
                self.record_done(attempt, None, &[]).await?;
                Ok(LaneStep::Continue(Progress::Finished))
            }
            Ok(Ok(DeliveryOutcome::Shown(message_ids))) => {
                self.record_done(attempt, None, &message_ids).await?;
                Ok(LaneStep::Continue(Progress::Finished))
            }
            Ok(Ok(DeliveryOutcome::Nothing(reason))) => {
                self.record_done(attempt, Some(reason), &[]).await?;
                Ok(LaneStep::Continue(Progress::Finished))
            }
            Ok(Ok(DeliveryOutcome::Undelivered(reason))) => {
                self.record_undelivered(attempt, reason).await?;
                Ok(LaneStep::Continue(Progress::Finished))
            }
            Ok(Err(failure)) => self.record_failure(attempt, &failure).await,
            Err(_) => {
                let reason = "it took too long";
                attempt.record_hop(Outcome::WillRetry, Some(reason));
                self.bridge.ledger.overran(entry, reason).await?;
                Ok(LaneStep::Pause(Some(retry::pause(
                    entry.overruns + 1,
                    None,
                ))))
            }
        }
    }

    async fn deliver(
        &self,
        attempt: &Attempt<'_>,
        again: bool,
    ) -> Result<DeliveryOutcome, Failure> {
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
                let to_haptik = ToHaptik {
                    bridge: self.bridge,
                    outlets: self.outlets,
                    stretch: self.limits.stretch,
                };
                let handoff = handoff.as_deref();
                // On the heap: what it may have to do makes it large.
                Box::pin(to_haptik.deliver(entry, connection, inbound, handoff)).await
            }
            (Lane::Channel(auth_id), Payload::Webhook { body, .. }) => {
                self.to_channel()
                    .deliver(attempt, auth_id, body, again)
                    .await
            }
            (
                Lane::Channel(auth_id),
                Payload::HandoffEnded { .. } | Payload::MessageReturned { .. },
            ) => self.to_channel().deliver_to_bot(attempt, auth_id).await,
            (Lane::Channel(auth_id), Payload::Receipt { receipt }) => {
                self.to_channel()
                    .deliver_receipt(attempt, auth_id, receipt)
                    .await
            }
            (Lane::Task(_), Payload::Task { connection, task }) => {
                self.to_channel().perform(connection, task).await
            }
            (Lane::Sink { sink, .. }, Payload::Webhook { account, body }) => {
                let to_sink = self.to_sink();
                Box::pin(to_sink.deliver(attempt, sink, account, body, again)).await
            }
            _ => Err(Failure::permanent(
                "the entry does not belong into its lane",
            )),
        }
    }

    /// The next pending entries in the order in which they are to be delivered, and whether those are all.
    async fn pending_in_order(&self) -> Result<(Vec<Entry>, bool), TableError> {
        let ledger = &self.bridge.ledger;
        let (page, more) = ledger.pending(self.lane).await?;
        let mut entries = match page.last() {
            Some(last) if more && is_by_time(last) => in_order_so_far(page, true, true),
            // Events without a message id sort behind all messages: one may belong among these.
            Some(last) if more && has_events(self.lane) => {
                let events = ledger.pending_by_time(self.lane, &last.key).await?;
                let (events, more_events) = events;
                let events = events.into_iter().filter(is_by_time);
                in_order_so_far(page.into_iter().chain(events).collect(), true, more_events)
            }
            _ => in_order(page),
        };
        if let Lane::Sink { .. } = self.lane {
            order_completions(&mut entries);
        }
        Ok((entries, !more))
    }

    fn to_channel(&self) -> ToChannel<'_> {
        ToChannel {
            bridge: self.bridge,
            outlets: self.outlets,
            delivery_timeout: self.limits.delivery_timeout,
        }
    }

    /// Rings for the receipts of messages that ended right before a process was stopped.
    pub(crate) async fn ring_for_receipts(&self) -> Result<(), LaneStopped> {
        let rung = self.receipts().ring_again(self.lane).await;
        rung.map_err(|error| self.not_recorded(&error))
    }

    fn receipts(&self) -> Receipts<'_> {
        Receipts {
            bridge: self.bridge,
            outlets: self.outlets,
        }
    }

    fn to_sink(&self) -> ToSink<'_> {
        ToSink {
            bridge: self.bridge,
            sinks: self.sinks,
            limits: self.limits,
        }
    }

    /// The ledger did not answer. Nothing is known to be recorded, and the lane is tried again soon. The
    /// pauses grow as those of any other failure, or an outage of hours would use up the queue's receives.
    fn not_recorded(&self, error: &TableError) -> LaneStopped {
        tracing::error!(%error, "the ledger did not answer");
        LaneStopped {
            pause: Some(retry::pause(self.receives, None)),
        }
    }

    /// How long an entry is held from its receipt.
    fn reorder_delay(&self, entry: &Entry) -> Duration {
        if matches!(self.lane, Lane::Channel(_)) && is_chat_complete(entry) {
            return CHAT_COMPLETE_DELAY.max(self.reorder_window());
        }
        self.reorder_window()
    }

    /// The reorder window: both directions of a chat have one, tasks and sinks have no need of it.
    fn reorder_window(&self) -> Duration {
        match self.lane {
            Lane::Haptik(_) | Lane::Channel(_) => self.bridge.config.delivery.reorder_window,
            Lane::Task(_) | Lane::Sink { .. } | Lane::NotUnderstood { .. } => Duration::ZERO,
        }
    }
}

/// What remains at `now` of a time since `start`.
fn remaining(time: Duration, start: Timestamp, now: Timestamp) -> Duration {
    let past = now.duration_since(start);
    match (past.is_negative(), past.unsigned_abs()) {
        (false, past) => time.saturating_sub(past),
        // Clocks differ.
        (true, ahead) if ahead <= time => time,
        // A clock was set back: what came before that must not wait until it has come there again.
        (true, _) => Duration::ZERO,
    }
}

/// Whether what was read of a lane so long ago must be read again before more of it is delivered.
fn is_outdated(age: Duration, window: Duration) -> bool {
    !window.is_zero() && age > LOOK_AGAIN_AFTER.max(window)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_before_a_clock_was_set_back_does_not_wait_until_it_is_there_again() {
        let (window, start) = (Duration::from_millis(200), Timestamp::UNIX_EPOCH);
        let after = |millis: i64| {
            let now = Timestamp::from_millisecond(millis).expect("in range");
            remaining(window, start, now).as_millis()
        };
        assert_eq!([after(0), after(150), after(200)], [200, 50, 0]);
        assert_eq!(after(-5), 200, "the clocks of two machines differ");
        assert_eq!([after(-201), after(-3_600_000)], [0, 0]);
    }
}
