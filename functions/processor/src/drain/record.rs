//! What became of an entry is recorded: it was delivered, will be tried again (back-off), or was given up and is a dead
//! letter. A poison message, which stops the process each time, is parked: a dead letter too.

use std::time::Duration;

use haptik_bridge_shared::ingest::{Occurrence, RequestContext};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, Payload};
use haptik_bridge_shared::message::receipt::ReceiptOutcome;
use haptik_bridge_shared::own_events::OperatorEvent;
use haptik_bridge_shared::retry::{self, Failure, FailureReason, Retry};
use haptik_bridge_shared::table::TableError;
use haptik_bridge_shared::telemetry::Outcome;
use jiff::{SignedDuration, Timestamp};

use super::{Drain, LaneStep, Progress};
use crate::attempt::Attempt;
use crate::handoff_end::end_handoff_after_dead_letter;
use crate::receipt::{Due, End};

/// How old a configuration may be, and some minutes for reading it.
const LONGEST_REREAD: SignedDuration = SignedDuration::from_mins(65);

impl Drain<'_> {
    /// Notes that a redelivered entry is begun again, and parks it where that was done too often.
    pub(super) async fn park_poison(&self, attempt: &Attempt<'_>) -> Result<bool, TableError> {
        let entry = attempt.entry;
        let most = self.limits.most_crashes;
        let reason = if entry.overruns > most {
            format!("parked: it took too long {} times in a row", entry.overruns)
        } else if self.receives > 1 && self.bridge.ledger.start(entry).await? > most {
            format!("parked: the function stopped {most} times in a row while it was delivered")
        } else {
            return Ok(false);
        };
        self.dead_letter(attempt, reason.as_str().into(), 0).await?;
        Ok(true)
    }

    /// Notes that a try ended without a failure, where it was noted that it began.
    pub(super) async fn postpone(&self, entry: &Entry) -> Result<(), TableError> {
        if self.receives > 1 {
            self.bridge.ledger.put_off(entry, None).await?;
        }
        Ok(())
    }

    pub(super) async fn record_done(
        &self,
        attempt: &Attempt<'_>,
        reason: Option<&str>,
        message_ids: &[String],
    ) -> Result<(), TableError> {
        let end = End {
            outcome: ReceiptOutcome::Delivered,
            reason,
            failed_tries: 0,
            sent_as: message_ids,
            at: Timestamp::now(),
        };
        self.record_end(attempt, end).await
    }

    /// Records that an entry ended without having been delivered, though nothing failed.
    pub(super) async fn record_undelivered(
        &self,
        attempt: &Attempt<'_>,
        reason: &str,
    ) -> Result<(), TableError> {
        let end = End {
            outcome: ReceiptOutcome::Failed,
            reason: Some(reason),
            failed_tries: 0,
            sent_as: &[],
            at: Timestamp::now(),
        };
        self.record_end(attempt, end).await
    }

    async fn record_end(&self, attempt: &Attempt<'_>, end: End<'_>) -> Result<(), TableError> {
        let outcome = end.reason.map_or(Outcome::Ok, |_| Outcome::Nothing);
        let (why, ledger) = (end.reason.map(FailureReason::from), &self.bridge.ledger);
        let (due, ended) = match self.receipts().due(attempt.entry, &end).await? {
            Due::Now(due) => {
                let ended = ledger.delivered(attempt.entry, why, end.sent_as, &due, end.at);
                let ended = ended.await;
                (due, ended)
            }
            Due::OnceReported(receipt) => {
                let receipts = self.receipts();
                let ended = receipts.wait_for_report(attempt.entry, &receipt, end.at);
                (Vec::new(), ended.await)
            }
        };
        attempt.record_hop(outcome, end.reason);
        ended?;
        self.receipts().ring(&due).await
    }

    /// Records a failed try.
    pub(super) async fn record_failure(
        &self,
        attempt: &Attempt<'_>,
        failure: &Failure,
    ) -> Result<LaneStep, TableError> {
        let (entry, why) = (attempt.entry, FailureReason::from(failure));
        let after = match failure.retry {
            Retry::Later(after) => after,
            // What has just been added is known to the edge that took the entry, and not yet to this process.
            Retry::Never if failure.of_configuration && is_young(entry) => None,
            Retry::Never => {
                let given_up = self.dead_letter(attempt, why, 1).await;
                return given_up.map(|()| LaneStep::Continue(Progress::Finished));
            }
        };
        let patience = self.bridge.config.delivery.give_up_after;
        // A clock that was set back makes it no older.
        let tried_for = Timestamp::now().duration_since(deadline_start(attempt));
        let is_too_old = tried_for.max(SignedDuration::ZERO).unsigned_abs() >= patience;
        if is_too_old && attempt.breaker.attention.is_none() {
            let reason = format!("given up after {} s: {}", patience.as_secs(), why.reason);
            let reason = reason.as_str();
            let given_up = self
                .dead_letter(attempt, FailureReason { reason, ..why }, 1)
                .await;
            return given_up.map(|()| LaneStep::Continue(Progress::Finished));
        }
        attempt.record_hop(Outcome::WillRetry, Some(&failure.reason));
        if failure.of_credentials {
            self.tell_secret_refused(attempt, &failure.reason).await;
        }
        self.bridge.ledger.failed(entry, why).await?;
        Ok(LaneStep::Pause(Some(retry::pause(
            entry.attempts + 1,
            after,
        ))))
    }

    /// Records that a sink had too many requests (429). Nothing is given up for that, but what the ledger would soon
    /// forget: it is a dead letter sooner.
    pub(super) async fn record_rate_limited(
        &self,
        attempt: &Attempt<'_>,
        pause: Duration,
    ) -> Result<LaneStep, TableError> {
        let reason = "the sink had too many requests (429)";
        let kept = self.bridge.config.delivery.entry_ttl;
        let waited = Timestamp::now().duration_since(attempt.waits_since());
        let waited = waited.max(SignedDuration::ZERO).unsigned_abs();
        if waited >= kept / 8 * 7 {
            let reason = format!("given up after {} s: {reason}", waited.as_secs());
            let given_up = self.dead_letter(attempt, reason.as_str().into(), 1).await;
            return given_up.map(|()| LaneStep::Continue(Progress::Finished));
        }
        attempt.record_rate_limited(reason);
        self.postpone(attempt.entry).await?;
        let pause = pause.max(retry::pause(self.receives, None));
        Ok(LaneStep::Pause(Some(pause)))
    }

    /// Tells the sinks that ask for it that a secret is not accepted: of one place once an hour.
    async fn tell_secret_refused(&self, attempt: &Attempt<'_>, reason: &str) {
        let now = Timestamp::now();
        let hour = now.as_second() - now.as_second().rem_euclid(3_600);
        let occurrence = Occurrence {
            event: OperatorEvent::SecretRefused,
            place: &self.refused_at(attempt),
            part: None,
            since: Timestamp::from_second(hour).unwrap_or(now),
            reason: Some(reason),
        };
        let context = RequestContext::new("processor", now);
        self.bridge.try_to_tell_operator(context, occurrence).await;
    }

    /// Who does not accept a secret: the account, towards Haptik, else where the entry goes.
    fn refused_at(&self, attempt: &Attempt<'_>) -> String {
        match (self.lane, &attempt.entry.payload) {
            (Lane::Haptik(_), Payload::Inbound { connection, .. }) => {
                let connection = self.bridge.connections.get(connection);
                let account = connection.map(|connection| connection.account.to_string());
                format!("haptik/{}", account.unwrap_or_default())
            }
            _ => attempt.place(),
        }
    }

    /// Makes an entry a dead letter, after so many failed tries that nothing was noted of yet; the lane goes
    /// on. The reason is logged, and all of `why` is kept.
    async fn dead_letter(
        &self,
        attempt: &Attempt<'_>,
        why: FailureReason<'_>,
        failed_tries: u32,
    ) -> Result<(), TableError> {
        // Before it is recorded, so that it is done again where that fails, unless it would always fail.
        let in_full = why.in_full();
        let ended = end_handoff_after_dead_letter(self.bridge, attempt.entry, &in_full).await;
        if let Err(Failure { reason, retry, .. }) = ended {
            if retry != Retry::Never {
                return Err(TableError::Unavailable(reason));
            }
            tracing::error!(reason, "the hand-off of a dead letter is not ended");
        }
        attempt.record_hop(Outcome::Dead, Some(why.reason));
        let (entry, ledger, now) = (attempt.entry, &self.bridge.ledger, Timestamp::now());
        let end = End {
            outcome: ReceiptOutcome::Failed,
            reason: Some(why.reason),
            failed_tries,
            sent_as: &entry.message_ids,
            at: now,
        };
        let due = match self.receipts().due(entry, &end).await? {
            Due::Now(due) => due,
            // What failed is final.
            Due::OnceReported(_) => Vec::new(),
        };
        ledger.give_up(entry, why, failed_tries, &due, now).await?;
        self.receipts().ring(&due).await
    }
}

/// Whether this process may have read its configuration before the entry was received: it does so every
/// `ConfigRereadSeconds`, an hour at most.
fn is_young(entry: &Entry) -> bool {
    let since = entry.revived_at.unwrap_or(entry.received_at);
    Timestamp::now().duration_since(since) < LONGEST_REREAD
}

/// Since when an entry is tried. While its sink needs attention, nobody is impatient with it.
fn deadline_start(attempt: &Attempt<'_>) -> Timestamp {
    let since = attempt.waits_since();
    since.max(attempt.breaker.resumed_at.unwrap_or(since))
}
