//! Outages of Haptik's webhook, followed from the suspicion to the end of their reconciliation.
//!
//! Each housekeeping does a bounded amount of it and keeps in the record how far it came, so that it
//! goes on after a crash. Reconciling waits until what Haptik's queue still has has come: a delivery has
//! more than a transcript.

use std::time::Duration;

use haptik_bridge_shared::activity::Hour;
use haptik_bridge_shared::health::Heard;
use haptik_bridge_shared::ids::{AccountId, AuthId};
use haptik_bridge_shared::outage::{Cause, Outage, Pass, Proof};
use haptik_bridge_shared::retry::Retry;
use haptik_bridge_shared::table::TableError;
use haptik_bridge_shared::telemetry::{Hop, Outcome};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::Processor;
use crate::reconcile::Looked;

/// How long after the webhook was enabled Haptik may take to deliver what had waited.
pub(crate) const SETTLE: Duration = Duration::from_mins(1);

/// From which length on an outage can have cost what its users are not known to wait for: Haptik's
/// queue keeps an event for an hour. A little less, because nobody knows when it was disabled.
const DROPS_AFTER: Duration = Duration::from_mins(55);

/// How long before an outage a conversation may have been active for its agent to have spoken during it.
const LOOK_BACK: Duration = Duration::from_hours(24);

/// How long a silence is followed.
const LONGEST_SILENCE: Duration = Duration::from_hours(24);

/// The most users, or hours without users, of one housekeeping; and the longest time for them.
const MOST_A_RUN: usize = 200;
const LONGEST_RUN: Duration = Duration::from_secs(25);

/// How many users are listed at once.
const PAGE: i32 = 50;

/// After how many housekeepings whose call for a user's transcript failed the next user is looked at;
/// and how many of them count for the next user, so that an outage of the calls ends some time.
const MOST_TRIES: u32 = 10;
const TRIES_KEPT: u32 = 7;

impl Processor {
    /// Takes the record of an account's outage one step further, or begins one. `enabled` is what came
    /// of enabling the webhook just now, where that was due.
    pub(crate) async fn follow_outage(
        &self,
        account: &AccountId,
        heard: &Heard,
        enabled: Option<Result<(), String>>,
        now: Timestamp,
    ) -> Result<(), TableError> {
        let last = match heard.outage {
            Some(began) => self.bridge.outages.get(account, began).await?,
            None => None,
        };
        let outage = match last {
            Some(outage) if outage.closed.is_none() => Some(outage),
            last => {
                let suspected = suspected(account, heard, last.as_ref(), enabled.is_some(), now);
                self.open(suspected).await?
            }
        };
        let Some(mut outage) = outage else {
            return Ok(());
        };
        match enabled {
            Some(Ok(())) => (outage.enabled, outage.reason) = (Some(now), None),
            Some(Err(reason)) => {
                outage.failed_enables += 1;
                outage.reason = Some(reason);
            }
            None => {}
        }
        if waited(heard, outage.enabled) {
            prove(&mut outage, Proof::DeliveriesHadWaited, now);
        }
        let enabled_for = |enabled: Timestamp| now.duration_since(enabled).unsigned_abs();
        if let Some(enabled) = outage.enabled.filter(|at| enabled_for(*at) >= SETTLE) {
            if outage.pass.of != Some(enabled) {
                begin_pass(&mut outage, enabled);
            }
            if !outage.pass.over {
                self.compare(&mut outage, enabled, now).await?;
            }
            let answered = heard.heard >= heard.told || heard.heard >= Some(enabled);
            let for_long = now.duration_since(outage.noticed).unsigned_abs() >= LONGEST_SILENCE;
            if outage.pass.over && (outage.proof.is_some() || answered || for_long) {
                self.close(&mut outage, enabled, now).await?;
            }
        }
        self.bridge.outages.put(&outage).await
    }

    /// Begins the record of a suspicion, unless there is one of the same already.
    async fn open(&self, suspected: Option<Outage>) -> Result<Option<Outage>, TableError> {
        let Some(suspected) = suspected else {
            return Ok(None);
        };
        let (account, began) = (&suspected.account, suspected.began);
        let outage = match self.bridge.outages.get(account, began).await? {
            // A silence that goes on although its record is closed.
            Some(known) if known.closed.is_some() => return Ok(None),
            Some(known) => known,
            None => {
                self.bridge.outages.put(&suspected).await?;
                suspected
            }
        };
        let health = &self.bridge.health;
        health
            .follow_outage(&outage.account, outage.began)
            .await
            .map(|()| Some(outage))
    }

    /// Compares conversations with their transcripts, from the newest hour to the oldest, as far as one
    /// housekeeping goes.
    async fn compare(
        &self,
        outage: &mut Outage,
        enabled: Timestamp,
        now: Timestamp,
    ) -> Result<(), TableError> {
        let since = Instant::now();
        let mut left = MOST_A_RUN;
        while let Some(hour) = outage.pass.hour {
            if hour < first_hour(outage).number() {
                return self.end_pass(outage, enabled, now).await;
            }
            if left == 0 || since.elapsed() > LONGEST_RUN {
                return self.bridge.outages.put(outage).await;
            }
            let (account, after) = (&outage.account, outage.pass.after.as_ref());
            let activity = &self.bridge.activity;
            let active = activity.active(account, Hour::numbered(hour), after, PAGE);
            let users = active.await?;
            if users.is_empty() {
                left -= 1;
                (outage.pass.hour, outage.pass.after) = (Some(hour - 1), None);
            }
            for auth_id in users {
                if left == 0 || since.elapsed() > LONGEST_RUN {
                    return self.bridge.outages.put(outage).await;
                }
                left -= 1;
                let goes_on = self
                    .compare_one(outage, enabled, hour, auth_id, now)
                    .await?;
                self.bridge.outages.put(outage).await?;
                match goes_on {
                    Next::User => {}
                    Next::Pass => break,
                    Next::Housekeeping => return Ok(()),
                }
            }
        }
        Ok(())
    }

    async fn compare_one(
        &self,
        outage: &mut Outage,
        enabled: Timestamp,
        hour: i64,
        auth_id: AuthId,
        now: Timestamp,
    ) -> Result<Next, TableError> {
        let looked = match self.look(outage, enabled, hour, &auth_id, now).await {
            Ok(looked) => looked,
            Err(failure) if failure.retry == Retry::Never => Looked::Not(failure.reason),
            Err(failure) => {
                outage.reason = Some(failure.reason.clone());
                outage.pass.tries += 1;
                if outage.pass.tries < MOST_TRIES {
                    return Ok(Next::Housekeeping);
                }
                outage.pass.tries = TRIES_KEPT;
                Looked::Not(failure.reason)
            }
        };
        let missing = match looked {
            Looked::Elsewhere => 0,
            Looked::Not(reason) => {
                let outages = &self.bridge.outages;
                outages.unchecked(outage, &auth_id, &reason).await?;
                0
            }
            Looked::At { missing } => {
                outage.pass.tries = 0;
                outage.checked += 1;
                missing
            }
        };
        outage.pass.after = Some(auth_id);
        if missing > 0 && found_missing(outage, enabled, now) {
            return Ok(Next::Pass);
        }
        Ok(Next::User)
    }

    /// Ends a pass. What it has found proves the outage, also where a crash came before that was noted.
    async fn end_pass(
        &self,
        outage: &mut Outage,
        enabled: Timestamp,
        now: Timestamp,
    ) -> Result<(), TableError> {
        outage.pass.over = true;
        if outage.proof.is_none() {
            let findings = self.bridge.outages.findings(outage).await?;
            if !findings.recovered.is_empty() {
                found_missing(outage, enabled, now);
            }
        }
        self.bridge.outages.put(outage).await
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
        let told = format!(
            "{} s; {} conversations compared, {recovered} messages recovered, {unchecked} conversations that \
             could not be compared",
            outage.length(now).as_secs(),
            outage.checked,
        );
        tell("outage_ended", outage, outcome, &told, now);
        Ok(())
    }
}

/// What comes after a user was looked at.
enum Next {
    User,
    /// The pass was begun anew.
    Pass,
    /// Nothing more in this housekeeping.
    Housekeeping,
}

/// What makes an outage likely. `last` is the account's last one.
fn suspected(
    account: &AccountId,
    heard: &Heard,
    last: Option<&Outage>,
    was_due: bool,
    now: Timestamp,
) -> Option<Outage> {
    let closed = last.and_then(|last| last.closed);
    if let Some(from) = heard.held_back_from
        && waited(heard, heard.enabled)
        && closed.is_none_or(|closed| heard.held_back > Some(closed))
    {
        let mut outage = Outage::noticed(account.clone(), from, now, Cause::Waiting);
        outage.enabled = heard.enabled;
        return Some(outage);
    }
    if !was_due {
        return None;
    }
    // What an outage that is over explains is no sign of another.
    let last_ended = last.filter(|last| last.proof.is_some());
    let last_ended = last_ended.and_then(|last| last.ended);
    let began = heard.heard.or(heard.told_first).max(last_ended)?;
    let cause = if heard.is_unattended(now) {
        Cause::Unattended
    } else if heard.silence(now).is_some() && heard.told > last_ended {
        Cause::Silence
    } else {
        return None;
    };
    Some(Outage::noticed(account.clone(), began, now, cause))
}

/// Whether what had waited came once the webhook was enabled.
fn waited(heard: &Heard, enabled: Option<Timestamp>) -> bool {
    enabled.is_some_and(|enabled| {
        heard
            .held_back
            .is_some_and(|at| enabled <= at && at <= enabled + SETTLE)
    })
}

fn begin_pass(outage: &mut Outage, enabled: Timestamp) {
    let wide = outage.proof.is_some()
        || outage.cause == Cause::Unattended
        || enabled.duration_since(outage.began).unsigned_abs() >= DROPS_AFTER;
    outage.pass = Pass {
        of: Some(enabled),
        wide,
        hour: Some(Hour::of(enabled).number()),
        ..Pass::default()
    };
}

/// Notes that something is missing: it was no silence. Whether a pass begins anew: who wrote before the outage may
/// have been answered in it, too.
fn found_missing(outage: &mut Outage, enabled: Timestamp, now: Timestamp) -> bool {
    prove(outage, Proof::MissingInTheLedger, now);
    let begins = !outage.pass.wide;
    if begins {
        begin_pass(outage, enabled);
    }
    begins
}

/// The oldest hour whose users are looked at.
fn first_hour(outage: &Outage) -> Hour {
    let back = if outage.pass.wide {
        LOOK_BACK
    } else {
        Duration::ZERO
    };
    Hour::of(outage.began.checked_sub(back).unwrap_or(outage.began))
}

fn prove(outage: &mut Outage, proof: Proof, now: Timestamp) {
    if outage.proof.is_some() {
        return;
    }
    outage.proof = Some(proof);
    outage.ended = outage.enabled;
    let what = match proof {
        Proof::DeliveriesHadWaited => "deliveries had waited for the webhook to be enabled",
        Proof::MissingInTheLedger => "a transcript has what was never delivered",
    };
    tell("outage", outage, Outcome::Ok, what, now);
}

fn tell(name: &'static str, outage: &Outage, outcome: Outcome, reason: &str, now: Timestamp) {
    Hop::new(name, &format!("haptik/{}", outage.account))
        .outcome(outcome)
        .since(now)
        .reason(reason)
        .emit();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn heard(told: i64, heard: Option<i64>, enabled: i64) -> Heard {
        Heard {
            told: Some(at(told)),
            told_first: Some(at(10)),
            heard: heard.map(at),
            enabled: Some(at(enabled)),
            ..Heard::default()
        }
    }

    fn suspect(heard: &Heard, last: Option<&Outage>, now: i64) -> Option<(Cause, i64)> {
        let outage = suspected(&"main".into(), heard, last, true, at(now))?;
        Some((outage.cause, outage.began.as_second()))
    }

    #[test]
    fn an_outage_is_suspected_from_when_haptik_was_last_heard() {
        let silent = heard(1_000, Some(900), 950);
        assert_eq!(suspect(&silent, None, 1_029), None, "too soon");
        assert_eq!(suspect(&silent, None, 1_031), Some((Cause::Silence, 900)));
        let never = heard(1_000, None, 950);
        assert_eq!(suspect(&never, None, 1_031), Some((Cause::Silence, 10)));
        let answered = heard(1_000, Some(1_001), 950);
        assert_eq!(suspect(&answered, None, 1_100), None);
        let hours_later = 950 + 2 * 3_600;
        let unattended = Some((Cause::Unattended, 1_001));
        assert_eq!(suspect(&answered, None, hours_later), unattended);
    }

    #[test]
    fn what_an_outage_explains_is_no_sign_of_another() {
        let silent = heard(1_000, Some(900), 950);
        let mut last = Outage::noticed("main".into(), at(900), at(1_030), Cause::Silence);
        (last.closed, last.ended) = (Some(at(1_100)), Some(at(1_031)));
        last.proof = Some(Proof::MissingInTheLedger);
        assert_eq!(suspect(&silent, Some(&last), 1_200), None);
        let said_since = heard(1_150, Some(900), 1_031);
        let again = Some((Cause::Silence, 1_031));
        assert_eq!(suspect(&said_since, Some(&last), 1_200), again);
    }

    #[test]
    fn deliveries_that_had_waited_are_known_by_when_they_come() {
        let mut healthy = heard(1_000, Some(1_001), 2_000);
        (healthy.held_back, healthy.held_back_from) = (Some(at(2_010)), Some(at(1_500)));
        let waiting = Some((Cause::Waiting, 1_500));
        assert_eq!(suspect(&healthy, None, 2_020), waiting);
        healthy.held_back = Some(at(2_100));
        assert_eq!(suspect(&healthy, None, 2_120), None, "a repeated delivery");
    }
}
