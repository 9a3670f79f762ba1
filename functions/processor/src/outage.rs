//! Outages of Haptik's webhook, followed from the suspicion to the end of their reconciliation.
//!
//! The record of an outage is all the state: when it began, when the webhook was last enabled, and how far the
//! `comparison` with transcripts has come. Each run of the maintenance takes it some seconds further.
//!
//! Reconciling waits until what Haptik's queue still has has come: a delivery has more than a transcript.

use std::time::Instant;

use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::health::WebhookHealth;
use haptik_bridge_shared::ids::AccountId;
use haptik_bridge_shared::ingest::{Occurrence, RequestContext};
use haptik_bridge_shared::outage::{Cause, Cursor, Outage, Proof};
use haptik_bridge_shared::own_events::OperatorEvent;
use haptik_bridge_shared::table::TableError;
use haptik_bridge_shared::telemetry::{Hop, Outcome};
use jiff::{SignedDuration, Timestamp};

use crate::comparison::{Comparison, DROPS_AFTER};

/// How long after the webhook was enabled Haptik may take to deliver what had waited.
const SETTLE: SignedDuration = SignedDuration::from_mins(1);

/// How long a silence is followed.
const LONGEST_SILENCE: SignedDuration = SignedDuration::from_hours(24);

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
            Some(Ok(())) => {
                (outage.enabled, outage.reason) = (Some(now), None);
                if is_out_again(&outage, health, now) {
                    outage.ended = None;
                }
            }
            Some(Err(reason)) => {
                outage.failed_enables += 1;
                outage.reason = Some(reason);
            }
            // It may have been enabled right before a kill.
            None => outage.enabled = outage.enabled.max(enabled_since(health, outage.noticed)),
        }
        if deliveries_had_waited(health, outage.enabled) {
            let ended = outage.enabled;
            prove(&mut outage, Proof::DeliveriesHadWaited, ended, now);
        }
        let is_over =
            health.silence(now).is_none() || now.duration_since(outage.noticed) >= LONGEST_SILENCE;
        if let Some(enabled) = outage.enabled.filter(|at| is_over && has_settled(*at, now)) {
            outage.ended.get_or_insert(enabled);
        }
        if let Some(until) = compared_next(&outage, now) {
            self.compare(&mut outage, until, now).await?;
        }
        let is_compared = outage.cursor.is_none() && outage.compared_until >= outage.ended;
        if outage.ended.is_some() && is_compared {
            self.close(&mut outage, now).await?;
        }
        self.tell_operator(&outage, now).await;
        self.bridge.outages.put(&outage).await
    }

    /// Compares conversations with their transcripts, as far as one run goes.
    async fn compare(
        &self,
        outage: &mut Outage,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), TableError> {
        outage.cursor.get_or_insert_with(|| Cursor::new(until));
        let mut comparison = Comparison::new(self.bridge, self.deadline, now);
        while comparison.go_on(outage).await? {
            if outage.proof.is_some() || !self.has_recovered(outage).await? {
                (outage.cursor, outage.compared_until) = (None, Some(until));
                return Ok(());
            }
            // It was no silence: those who wrote before it may have been answered in it, too.
            prove(outage, Proof::MissingInTheLedger, Some(until), now);
        }
        Ok(())
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

    async fn has_recovered(&self, outage: &Outage) -> Result<bool, TableError> {
        let findings = self.bridge.outages.findings(outage).await?;
        Ok(!findings.recovered.is_empty())
    }

    async fn close(&self, outage: &mut Outage, now: Timestamp) -> Result<(), TableError> {
        let findings = self.bridge.outages.findings(outage).await?;
        let (recovered, unchecked) = (findings.recovered.len(), findings.unchecked.len());
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

/// Until when conversations are to be compared now. A comparison that is under way goes on to its end, although the
/// webhook was enabled again meanwhile: what was said since is compared after it, unless the outage was over before.
fn compared_next(outage: &Outage, now: Timestamp) -> Option<Timestamp> {
    if let Some(cursor) = &outage.cursor {
        return Some(cursor.until);
    }
    let until = outage.ended.or(outage.enabled)?;
    (has_settled(until, now) && outage.compared_until < Some(until)).then_some(until)
}

/// Whether so little has come since an outage was over, although something was said, that Haptik may have dropped
/// something again.
fn is_out_again(outage: &Outage, health: &WebhookHealth, now: Timestamp) -> bool {
    let Some(ended) = outage.ended.filter(|_| health.silence(now).is_some()) else {
        return false;
    };
    let heard = health.received.unwrap_or(ended).max(ended);
    health.sent > Some(ended) && now.duration_since(heard) >= DROPS_AFTER
}

/// Whether what had waited until the webhook was enabled has come.
fn has_settled(enabled: Timestamp, now: Timestamp) -> bool {
    now.duration_since(enabled) >= SETTLE
}

/// Notes what proves an outage, which was over at `ended` unless it was known to be before.
fn prove(outage: &mut Outage, proof: Proof, ended: Option<Timestamp>, now: Timestamp) {
    if outage.proof.is_some() {
        return;
    }
    outage.proof = Some(proof);
    outage.ended = outage.ended.or(ended);
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
    fn a_comparison_goes_on_to_its_end_and_another_follows_if_the_outage_was_not_over() {
        let mut outage = Outage::noticed("main".into(), at(900), at(1_030), Cause::Silence);
        outage.enabled = Some(at(1_030));
        assert_eq!(compared_next(&outage, at(1_089)), None, "too soon");
        assert_eq!(compared_next(&outage, at(1_090)), Some(at(1_030)));
        outage.cursor = Some(Cursor::new(at(1_030)));
        outage.enabled = Some(at(5_000));
        assert_eq!(compared_next(&outage, at(5_001)), Some(at(1_030)));
        (outage.cursor, outage.compared_until) = (None, Some(at(1_030)));
        assert_eq!(compared_next(&outage, at(5_060)), Some(at(5_000)));
        outage.ended = Some(at(1_030));
        assert_eq!(compared_next(&outage, at(5_060)), None, "it was over");
    }

    #[test]
    fn an_outage_goes_on_if_something_may_have_been_dropped_again() {
        let mut outage = Outage::noticed("main".into(), at(900), at(1_030), Cause::Silence);
        outage.ended = Some(at(1_030));
        let hour_later = at(1_030 + 3_600);
        assert!(is_out_again(
            &outage,
            &health(1_500, Some(1_100), 1_030),
            hour_later
        ));
        let heard = health(2_500, Some(2_000), 1_030);
        assert!(
            !is_out_again(&outage, &heard, hour_later),
            "not for so long"
        );
        let said_before = health(1_000, Some(900), 1_030);
        assert!(
            !is_out_again(&outage, &said_before, hour_later),
            "nothing was said since"
        );
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
