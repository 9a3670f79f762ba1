//! A rate limit at the edge: how much one connection or account may bring in, so that it does not use up what
//! the others need. What is above it is answered 429, and comes again: the backpressure on who sends.
//!
//! All processes share one count a second, which is kept in the table. A process takes from it in portions, a
//! tenth of the rate each, so that what is counted costs a write for ten requests and not for each. What is left
//! of a portion is lost with its second: towards the end of one, a rate that is shared by many processes may be
//! used up a little early, and it is never exceeded.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::table::{Table, TableError, absent, at_most, below, equals, number};

/// How many portions a rate has.
const PORTIONS: u32 = 10;

/// How long the count of a second is kept, in seconds.
const KEPT_SECONDS: i64 = 3_600;

/// Rate limits, by place.
#[derive(Debug)]
pub struct RateLimits {
    table: Table,
    /// What this process has left.
    portions: Mutex<BTreeMap<String, Portion>>,
}

/// What a process may still take of a second.
#[derive(Debug, Clone, Copy)]
struct Portion {
    second: i64,
    left: u32,
    /// Whether nothing is left of the second at all.
    is_over: bool,
}

/// Too much came: not before this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    /// What `Retry-After` is to say.
    pub retry_after: Duration,
}

impl RateLimits {
    /// The limits that are kept in `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self {
            table,
            portions: Mutex::default(),
        }
    }

    /// Counts a request at a place, `channels/acme` or `haptik/main`, of which `per_second` requests are taken;
    /// all, where that is `None`. Where the table does not answer, the request is taken: whether it can be
    /// stored is for the ledger to say.
    ///
    /// # Errors
    /// When more came in this second than that.
    pub async fn admit(
        &self,
        place: &str,
        per_second: Option<u32>,
        now: Timestamp,
    ) -> Result<(), TooMany> {
        let Some(per_second) = per_second else {
            return Ok(());
        };
        let second = now.as_second();
        let too_many = TooMany {
            retry_after: Duration::from_secs(1),
        };
        match self.take_here(place, second) {
            Some(true) => return Ok(()),
            Some(false) => return Err(too_many),
            None => {}
        }
        let portion = (per_second / PORTIONS).max(1);
        let is_there = match self.take_portion(place, second, portion, per_second).await {
            Ok(is_there) => is_there,
            Err(error) => {
                tracing::warn!(place, %error, "a request is not counted");
                return Ok(());
            }
        };
        let mut portions = self.portions();
        let mine = portions.entry(place.to_owned()).or_insert(Portion {
            second,
            left: 0,
            is_over: false,
        });
        if mine.second < second {
            (mine.second, mine.left) = (second, 0);
        }
        mine.is_over = !is_there;
        if !is_there {
            return Err(too_many);
        }
        mine.left += portion - 1;
        Ok(())
    }

    /// Takes one of what this process has: whether there was one; `None` where the table is to be asked.
    fn take_here(&self, place: &str, second: i64) -> Option<bool> {
        let mut portions = self.portions();
        let mine = portions.get_mut(place)?;
        if mine.second != second {
            return None;
        }
        if mine.left > 0 {
            mine.left -= 1;
            return Some(true);
        }
        mine.is_over.then_some(false)
    }

    /// Takes a portion of a second: whether there was one.
    async fn take_portion(
        &self,
        place: &str,
        second: i64,
        portion: u32,
        per_second: u32,
    ) -> Result<bool, TableError> {
        let pk = || format!("rate#{place}");
        let begin = || {
            let is_older = absent("second").or(below("second", number(second)));
            let update = self.table.update(pk(), "rate").condition(is_older);
            update
                .set("second", number(second))
                .set("taken", number(portion))
                .set("expires_at", number(second.saturating_add(KEPT_SECONDS)))
                .send_if()
        };
        let go_on = || {
            let room = per_second.saturating_sub(portion);
            let has_room = at_most("taken", number(room));
            let update = self.table.update(pk(), "rate");
            update
                .condition(equals("second", number(second)))
                .condition(has_room)
                .add("taken", number(portion))
                .send_if()
        };
        // Most of what comes in a second comes after its first.
        Ok(go_on().await? || begin().await? || go_on().await?)
    }

    fn portions(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Portion>> {
        self.portions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
