//! The comparison of an outage's conversations with their transcripts: whose are looked at, in which order, and how far
//! one run goes.
//!
//! A cursor goes over the users who were active, hour by hour, the newest first. Repeating a step changes nothing,
//! because a late delivery has the key that Haptik's own would have had: so the cursor is put after each user, and
//! nothing else has to survive a kill. Whose transcript fails in passing is put off until the cursor has come to its
//! end, and is then tried once a run.

use std::time::{Duration, Instant};

use haptik_bridge_shared::activity::{ACTIVITY_TTL, Hour};
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::outage::{Cause, Outage, Unchecked};
use haptik_bridge_shared::retry::{Failure, Retry};
use haptik_bridge_shared::table::TableError;
use jiff::{SignedDuration, Timestamp};
use tokio::time::timeout;

use crate::reconcile::{Reconciler, Reconciliation};

/// From which length on an outage can have cost messages of those who did not write in it: Haptik's queue
/// keeps an event for an hour. A little less, because nobody knows when the webhook was disabled.
pub(crate) const DROPS_AFTER: SignedDuration = SignedDuration::from_mins(55);

/// How long before an outage a conversation may have been active for its agent to have spoken during it.
const LOOK_BACK: Duration = Duration::from_hours(24);

/// How many users are listed at once.
const PAGE: i32 = 50;

/// How long one user's conversation may take.
const LONGEST_USER: Duration = Duration::from_secs(20);

/// How often a user's transcript is asked for that fails in passing.
const MOST_TRIES: u32 = 10;

/// After how many failures one after the other a run ends: one is the user's own, more are Haptik's.
const MOST_FAILURES: u32 = 2;

/// One run of a comparison, of an outage that has a cursor.
pub(crate) struct Comparison<'a> {
    bridge: &'a Bridge,
    deadline: Instant,
    now: Timestamp,
    /// How many transcripts one after the other failed in passing.
    failures: u32,
    /// Whether somebody is left to be tried again by the next run.
    has_put_off: bool,
}

impl<'a> Comparison<'a> {
    /// One that goes on until `deadline`.
    pub(crate) fn new(bridge: &'a Bridge, deadline: Instant, now: Timestamp) -> Self {
        Self {
            bridge,
            deadline,
            now,
            failures: 0,
            has_put_off: false,
        }
    }

    /// Goes on as far as one run goes; whether that is to the end.
    pub(crate) async fn go_on(&mut self, outage: &mut Outage) -> Result<bool, TableError> {
        Ok(self.walk(outage).await? && self.try_again(outage).await?)
    }

    fn has_time(&self) -> bool {
        Instant::now() < self.deadline && self.failures < MOST_FAILURES
    }

    /// Goes over the users who were active; whether over all of them.
    async fn walk(&mut self, outage: &mut Outage) -> Result<bool, TableError> {
        while let Some(mut cursor) = outage.cursor.clone()
            && cursor.hour >= first_hour(outage, cursor.until)
        {
            if !self.has_time() {
                return Ok(false);
            }
            let (activity, after) = (&self.bridge.activity, cursor.after.as_ref());
            let users = activity.active(&outage.account, cursor.hour, after, PAGE);
            let users = users.await?;
            if users.is_empty() {
                (cursor.hour, cursor.after) = (cursor.hour.before(), None);
                outage.cursor = Some(cursor.clone());
            }
            for auth_id in users {
                if !self.has_time() {
                    return Ok(false);
                }
                let times = (cursor.hour, cursor.until);
                self.compare(outage, times, &auth_id, None).await?;
                cursor.after = Some(auth_id);
                outage.cursor = Some(cursor.clone());
                self.bridge.outages.put(outage).await?;
            }
        }
        Ok(true)
    }

    /// Tries those again who were put off by earlier runs; whether nobody is left.
    async fn try_again(&mut self, outage: &mut Outage) -> Result<bool, TableError> {
        let Some(until) = outage.cursor.as_ref().map(|cursor| cursor.until) else {
            return Ok(true);
        };
        if self.has_put_off {
            return Ok(false);
        }
        let findings = self.bridge.outages.findings(outage).await?;
        let mut put_off = findings.unchecked;
        put_off.retain(|unchecked| unchecked.tries.is_some());
        // Where Haptik does not answer anybody, that is not always at the cost of the same ones.
        put_off.sort_by_key(|unchecked| unchecked.tries);
        for unchecked in put_off {
            if !self.has_time() {
                return Ok(false);
            }
            // By the newest hour, so that no later one has the user.
            let times = (Hour::of(until), until);
            let (auth_id, tries) = (&unchecked.auth_id, unchecked.tries);
            self.compare(outage, times, auth_id, tries).await?;
        }
        Ok(!self.has_put_off)
    }

    /// Compares the conversation of a user of an hour until a time. `tries` is how often that was tried in vain, of one
    /// who was put off.
    async fn compare(
        &mut self,
        outage: &mut Outage,
        (hour, until): (Hour, Timestamp),
        auth_id: &AuthId,
        tries: Option<u32>,
    ) -> Result<(), TableError> {
        let (bridge, now) = (self.bridge, self.now);
        let reconciler = Reconciler {
            bridge,
            outage,
            until,
            hour,
            now,
        };
        let compared = timeout(LONGEST_USER, reconciler.reconcile_user(auth_id)).await;
        let compared = compared.unwrap_or_else(|_| Err(Failure::passing("it takes too long")));
        let (reason, tries) = match compared {
            Ok(Reconciliation::NotDue) if tries.is_none() => return Ok(()),
            Ok(Reconciliation::NotDue) => return bridge.outages.compared(outage, auth_id).await,
            Ok(Reconciliation::Compared) => {
                self.failures = 0;
                outage.checked += 1;
                return bridge.outages.compared(outage, auth_id).await;
            }
            Ok(Reconciliation::Impossible(reason)) => (reason, None),
            Err(failure) if failure.retry == Retry::Never => (failure.reason, None),
            Err(failure) => {
                self.failures += 1;
                outage.reason = Some(failure.reason.clone());
                let tries = tries.unwrap_or(0) + 1;
                (failure.reason, (tries < MOST_TRIES).then_some(tries))
            }
        };
        self.has_put_off |= tries.is_some();
        let unchecked = Unchecked {
            auth_id: auth_id.clone(),
            reason,
            tries,
        };
        bridge.outages.unchecked(outage, &unchecked).await
    }
}

/// The oldest hour whose users are looked at. A silence takes the users of its own hours only: most are
/// no outage, and a transcript costs calls.
fn first_hour(outage: &Outage, until: Timestamp) -> Hour {
    let is_wide = outage.proof.is_some()
        || outage.cause == Cause::Unattended
        || until.duration_since(outage.began) >= DROPS_AFTER;
    let back = if is_wide { LOOK_BACK } else { Duration::ZERO };
    let first = Hour::of(outage.began.checked_sub(back).unwrap_or(outage.began));
    // Who was active before is not known any more.
    let kept = until.checked_sub(ACTIVITY_TTL);
    kept.map_or(first, |kept| first.max(Hour::of(kept)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    #[test]
    fn no_walk_begins_before_what_is_kept_of_activity() {
        let outage = Outage::noticed("main".into(), at(0), at(1_000_000_000), Cause::Unattended);
        let kept = Duration::from_hours(10 * 24);
        let first = first_hour(&outage, at(1_000_000_000));
        assert_eq!(first, Hour::of(at(1_000_000_000) - kept));
    }
}
