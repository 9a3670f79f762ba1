//! Outages of Haptik's webhook, followed from the suspicion to the end of their reconciliation.
//!
//! The record of an outage is all the state: when it began, when the webhook was last enabled, and a cursor
//! over the users who were active. Each run of the maintenance takes it some seconds further. Repeating a step
//! changes nothing, because a late delivery has the key that Haptik's own would have had: so the cursor is
//! put after each user, and nothing else has to survive a kill.
//!
//! Reconciling waits until what Haptik's queue still has has come: a delivery has more than a transcript.

use std::time::{Duration, Instant};

use haptik_bridge_shared::activity::Hour;
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::health::WebhookHealth;
use haptik_bridge_shared::ids::{AccountId, AuthId};
use haptik_bridge_shared::ingest::{Occurrence, RequestContext};
use haptik_bridge_shared::outage::{Cause, Cursor, Outage, Proof};
use haptik_bridge_shared::own_events::OperatorEvent;
use haptik_bridge_shared::retry::Retry;
use haptik_bridge_shared::table::TableError;
use haptik_bridge_shared::telemetry::{Hop, Outcome};
use jiff::{SignedDuration, Timestamp};

use crate::reconcile::{Reconciler, Reconciliation};

/// How long after the webhook was enabled Haptik may take to deliver what had waited.
const SETTLE: SignedDuration = SignedDuration::from_mins(1);

/// From which length on an outage can have cost messages of those who did not write in it: Haptik's queue
/// keeps an event for an hour. A little less, because nobody knows when the webhook was disabled.
const DROPS_AFTER: SignedDuration = SignedDuration::from_mins(55);

/// How long before an outage a conversation may have been active for its agent to have spoken during it.
const LOOK_BACK: Duration = Duration::from_hours(24);

/// How long a silence is followed.
const LONGEST_SILENCE: SignedDuration = SignedDuration::from_hours(24);

/// How many users are listed at once.
const PAGE: i32 = 50;

/// After how many runs whose call for a user's transcript failed the next user is looked at.
const MOST_TRIES: u32 = 10;

/// Follows outages.
pub(crate) struct OutageFollower<'a> {
    pub(crate) bridge: &'a Bridge,
    /// When this run compares no further.
    pub(crate) deadline: Instant,
}

impl OutageFollower<'_> {
    /// Takes the record of an outage one step further. `enabled` is what came of enabling the webhook just
    /// now, where that was due.
    pub(crate) async fn follow(
        &self,
        mut outage: Outage,
        health: &WebhookHealth,
        enabled: Option<Result<(), String>>,
        now: Timestamp,
    ) -> Result<(), TableError> {
        match enabled {
            Some(Ok(())) => (outage.enabled, outage.reason) = (Some(now), None),
            Some(Err(reason)) => {
                outage.failed_enables += 1;
                outage.reason = Some(reason);
            }
            // It may have been enabled right before a kill.
            None => outage.enabled = outage.enabled.max(enabled_since(health, outage.noticed)),
        }
        if deliveries_had_waited(health, outage.enabled) {
            prove(&mut outage, Proof::DeliveriesHadWaited, now);
        }
        if let Some(enabled) = outage
            .enabled
            .filter(|at| now.duration_since(*at) >= SETTLE)
        {
            if outage.compared_until != Some(enabled) {
                self.reconcile(&mut outage, enabled, now).await?;
            }
            let is_over = outage.proof.is_some()
                || health.silence(now).is_none()
                || now.duration_since(outage.noticed) >= LONGEST_SILENCE;
            if is_over && outage.compared_until == Some(enabled) {
                self.close(&mut outage, enabled, now).await?;
            }
        }
        self.tell_operator(&outage, now).await;
        self.bridge.outages.put(&outage).await
    }

    /// Tells the sinks that ask for it that Haptik had disabled the webhook, and that it is well again. What is
    /// told with each step is told once.
    async fn tell_operator(&self, outage: &Outage, now: Timestamp) {
        if outage.proof.is_none() {
            return;
        }
        let place = format!("haptik/{}", outage.account);
        let context = RequestContext::new("processor", now);
        let mut occurrence = Occurrence {
            event: OperatorEvent::WebhookDisabled,
            place: &place,
            part: None,
            since: outage.began,
            reason: outage.reason.as_deref(),
        };
        self.bridge.try_to_tell_operator(context, occurrence).await;
        if outage.closed.is_some() {
            occurrence.event = OperatorEvent::WebhookEnabled;
            self.bridge.try_to_tell_operator(context, occurrence).await;
        }
    }

    /// The account's open outage, or the one that is suspected now. To be asked for before the webhook is
    /// enabled: once deliveries come again after that, nobody would suspect anything after a kill.
    pub(crate) async fn current(
        &self,
        account: &AccountId,
        health: &WebhookHealth,
        is_due: bool,
        now: Timestamp,
    ) -> Result<Option<Outage>, TableError> {
        let last = match health.outage {
            Some(began) => self.bridge.outages.get(account, began).await?,
            None => None,
        };
        if last.as_ref().is_some_and(|last| last.closed.is_none()) {
            return Ok(last);
        }
        let suspected = suspected(account, health, last.as_ref(), is_due, now);
        // Where they began at the same time, a silence goes on that was followed for long enough.
        let suspected = suspected.filter(|new| last.is_none_or(|last| last.began != new.began));
        if let Some(outage) = &suspected {
            let bridge = self.bridge;
            // Before its record: one that nothing points to would never be closed.
            bridge.health.follow_outage(account, outage.began).await?;
            bridge.outages.put(outage).await?;
        }
        Ok(suspected)
    }

    /// Compares conversations with their transcripts, from the newest hour to the oldest, as far as one
    /// run goes. Each time that the webhook is enabled again it begins anew.
    async fn reconcile(
        &self,
        outage: &mut Outage,
        enabled: Timestamp,
        now: Timestamp,
    ) -> Result<(), TableError> {
        let mut cursor = match outage.cursor.take() {
            Some(cursor) if cursor.until == enabled => cursor,
            _ => Cursor::new(enabled),
        };
        while Instant::now() < self.deadline {
            if cursor.hour < first_hour(outage, enabled) {
                if outage.proof.is_none() && self.has_recovered(outage).await? {
                    // It was no silence: those who wrote before it may have been answered in it, too.
                    prove(outage, Proof::MissingInTheLedger, now);
                    continue;
                }
                outage.compared_until = Some(enabled);
                return Ok(());
            }
            let (activity, after) = (&self.bridge.activity, cursor.after.as_ref());
            let users = activity.active(&outage.account, cursor.hour, after, PAGE);
            let users = users.await?;
            if users.is_empty() {
                (cursor.hour, cursor.after) = (cursor.hour.before(), None);
            }
            for auth_id in users {
                let is_done = Instant::now() < self.deadline
                    && self
                        .reconcile_user(outage, &mut cursor, auth_id, now)
                        .await?;
                outage.cursor = Some(cursor.clone());
                if !is_done {
                    return Ok(());
                }
                self.bridge.outages.put(outage).await?;
            }
        }
        outage.cursor = Some(cursor);
        Ok(())
    }

    /// Reconciles the next user. Whether the cursor is past that user; otherwise the next run tries again.
    async fn reconcile_user(
        &self,
        outage: &mut Outage,
        cursor: &mut Cursor,
        auth_id: AuthId,
        now: Timestamp,
    ) -> Result<bool, TableError> {
        let bridge = self.bridge;
        let reconciler = Reconciler {
            bridge,
            outage,
            cursor,
            now,
        };
        match reconciler.reconcile_user(&auth_id).await {
            Ok(Reconciliation::NotDue) => {}
            Ok(Reconciliation::Compared) => outage.checked += 1,
            Ok(Reconciliation::Impossible(reason)) => {
                bridge.outages.unchecked(outage, &auth_id, &reason).await?;
            }
            Err(failure) => {
                cursor.tries += 1;
                if failure.retry != Retry::Never && cursor.tries < MOST_TRIES {
                    outage.reason = Some(failure.reason);
                    return Ok(false);
                }
                let reason = &failure.reason;
                bridge.outages.unchecked(outage, &auth_id, reason).await?;
            }
        }
        (cursor.after, cursor.tries) = (Some(auth_id), 0);
        Ok(true)
    }

    async fn has_recovered(&self, outage: &Outage) -> Result<bool, TableError> {
        let findings = self.bridge.outages.findings(outage).await?;
        Ok(!findings.recovered.is_empty())
    }

    async fn close(
        &self,
        outage: &mut Outage,
        enabled: Timestamp,
        now: Timestamp,
    ) -> Result<(), TableError> {
        let findings = self.bridge.outages.findings(outage).await?;
        let (recovered, unchecked) = (findings.recovered.len(), findings.unchecked.len());
        outage.ended.get_or_insert(enabled);
        outage.closed = Some(now);
        let outcome = match outage.proof {
            _ if unchecked > 0 => Outcome::Dead,
            Some(_) => Outcome::Ok,
            None => Outcome::Nothing,
        };
        let reason = format!(
            "{} s; {} conversations compared, {recovered} messages recovered, {unchecked} conversations that \
             could not be compared",
            outage.length(now).as_secs(),
            outage.checked,
        );
        record_account_hop("outage_ended", &outage.account, outcome, Some(&reason), now);
        Ok(())
    }
}

/// What makes an outage likely. `last` is the account's last one.
fn suspected(
    account: &AccountId,
    health: &WebhookHealth,
    last: Option<&Outage>,
    is_due: bool,
    now: Timestamp,
) -> Option<Outage> {
    let closed = last.and_then(|last| last.closed);
    if let Some(from) = health.held_back_from
        && deliveries_had_waited(health, health.enabled)
        && closed.is_none_or(|closed| health.held_back > Some(closed))
    {
        let mut outage = Outage::noticed(account.clone(), from, now, Cause::Waiting);
        outage.enabled = health.enabled;
        return Some(outage);
    }
    if !is_due {
        return None;
    }
    // What an outage that is over explains is no sign of another.
    let last_ended = last.filter(|last| last.proof.is_some());
    let last_ended = last_ended.and_then(|last| last.ended);
    let began = health.received.or(health.unanswered).max(last_ended)?;
    let cause = if health.is_unattended(now) {
        Cause::Unattended
    } else if health.silence(now).is_some() && health.sent > last_ended {
        Cause::Silence
    } else {
        return None;
    };
    Some(Outage::noticed(account.clone(), began, now, cause))
}

/// When the webhook was last enabled, if that was not before `noticed`.
fn enabled_since(health: &WebhookHealth, noticed: Timestamp) -> Option<Timestamp> {
    // What is noted is kept to the millisecond.
    let is_since = |at: &Timestamp| at.as_millisecond() >= noticed.as_millisecond();
    health.enabled.filter(is_since)
}

/// Whether deliveries came that had waited until the webhook was enabled.
fn deliveries_had_waited(health: &WebhookHealth, enabled: Option<Timestamp>) -> bool {
    let (Some(enabled), Some(came)) = (enabled, health.held_back) else {
        return false;
    };
    enabled <= came && came <= enabled + SETTLE
}

/// The oldest hour whose users are looked at. A silence takes the users of its own hours only: most are
/// no outage, and a transcript costs calls.
fn first_hour(outage: &Outage, enabled: Timestamp) -> Hour {
    let is_wide = outage.proof.is_some()
        || outage.cause == Cause::Unattended
        || enabled.duration_since(outage.began) >= DROPS_AFTER;
    let back = if is_wide { LOOK_BACK } else { Duration::ZERO };
    Hour::of(outage.began.checked_sub(back).unwrap_or(outage.began))
}

fn prove(outage: &mut Outage, proof: Proof, now: Timestamp) {
    if outage.proof.is_some() {
        return;
    }
    outage.proof = Some(proof);
    outage.ended = outage.enabled;
    let reason = match proof {
        Proof::DeliveriesHadWaited => "deliveries had waited for the webhook to be enabled",
        Proof::MissingInTheLedger => "a transcript has what was never delivered",
    };
    record_account_hop("outage", &outage.account, Outcome::Ok, Some(reason), now);
}

/// Records what became of an account's webhook in the log and the metrics.
pub(crate) fn record_account_hop(
    name: &'static str,
    account: &AccountId,
    outcome: Outcome,
    reason: Option<&str>,
    since: Timestamp,
) {
    Hop::new(name, &format!("haptik/{account}"))
        .outcome(outcome)
        .since(since)
        .reason(reason)
        .emit();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn health(sent: i64, received: Option<i64>, enabled: i64) -> WebhookHealth {
        WebhookHealth {
            sent: Some(at(sent)),
            unanswered: received.is_none().then(|| at(10)),
            received: received.map(at),
            enabled: Some(at(enabled)),
            ..WebhookHealth::default()
        }
    }

    fn suspect(health: &WebhookHealth, last: Option<&Outage>, now: i64) -> Option<(Cause, i64)> {
        let outage = suspected(&"main".into(), health, last, true, at(now))?;
        Some((outage.cause, outage.began.as_second()))
    }

    #[test]
    fn an_outage_is_suspected_from_when_haptik_was_last_heard() {
        let silent = health(1_000, Some(900), 950);
        assert_eq!(suspect(&silent, None, 1_029), None, "too soon");
        assert_eq!(suspect(&silent, None, 1_031), Some((Cause::Silence, 900)));
        let never = health(1_000, None, 950);
        assert_eq!(suspect(&never, None, 1_031), Some((Cause::Silence, 10)));
        let answered = health(1_000, Some(1_001), 950);
        assert_eq!(suspect(&answered, None, 1_100), None);
        let hours_later = 950 + 2 * 3_600;
        let unattended = Some((Cause::Unattended, 1_001));
        assert_eq!(suspect(&answered, None, hours_later), unattended);
    }

    #[test]
    fn a_silence_that_a_proven_outage_explains_is_no_other_outage() {
        let silent = health(1_000, Some(900), 950);
        let mut last = Outage::noticed("main".into(), at(900), at(1_030), Cause::Silence);
        (last.closed, last.ended) = (Some(at(1_100)), Some(at(1_031)));
        last.proof = Some(Proof::MissingInTheLedger);
        assert_eq!(suspect(&silent, Some(&last), 1_200), None);
        let said_since = health(1_150, Some(900), 1_031);
        let again = Some((Cause::Silence, 1_031));
        assert_eq!(suspect(&said_since, Some(&last), 1_200), again);
    }

    #[test]
    fn deliveries_had_waited_if_they_come_right_after_the_webhook_was_enabled() {
        let mut healthy = health(1_000, Some(1_001), 2_000);
        (healthy.held_back, healthy.held_back_from) = (Some(at(2_010)), Some(at(1_500)));
        let waiting = Some((Cause::Waiting, 1_500));
        assert_eq!(suspect(&healthy, None, 2_020), waiting);
        healthy.held_back = Some(at(2_100));
        assert_eq!(suspect(&healthy, None, 2_120), None, "a repeated delivery");
    }
}
