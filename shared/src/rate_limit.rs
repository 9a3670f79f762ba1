//! A rate limit at the edge: how much one connection or account may bring in, so that it does not use up what
//! the others need. What is above it is answered 429, and comes again: the backpressure on who sends.
//!
//! All processes share one count a second, which is kept in the table. A process takes from it in portions, a
//! tenth of the rate each, so that what is counted costs a write for ten requests and not for each. What is left
//! of a portion is lost with its second: towards the end of one, a rate that is shared by many processes may be
//! used up a little early. A request that comes to be counted when another process has begun the next second is
//! counted there.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;

use crate::table::{Item, Table, TableError, above, absent, at_least, at_most, below, number};

/// How many portions a rate has.
const PORTIONS: u32 = 10;

/// How long the count of a second is kept, in seconds.
const KEPT_SECONDS: i64 = 3_600;

/// How far apart the clocks of processes may be, in seconds. A count of a second that is further ahead is of a clock
/// that was wrong, and ends.
const CLOCK_SKEW_SECONDS: i64 = 5;

/// How long counting may take, of the time in which an edge has to answer.
const COUNTED_WITHIN: Duration = Duration::from_secs(1);

/// Rate limits, by place.
#[derive(Debug)]
pub struct RateLimits {
    table: Table,
    /// What this process has left.
    portions: Mutex<BTreeMap<String, Portion>>,
}

/// What a process may still take of a second.
#[derive(Debug, Clone, Copy, Default)]
struct Portion {
    second: i64,
    left: u32,
    /// Whether nothing is left of the second at all.
    is_over: bool,
}

impl Portion {
    /// Goes on to a second that is later.
    fn begin(&mut self, second: i64) {
        if self.second < second {
            *self = Self {
                second,
                ..Self::default()
            };
        }
    }
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
        let taken = self.take_portion(place, second, portion, per_second);
        let taken = match tokio::time::timeout(COUNTED_WITHIN, taken).await {
            Ok(Ok(taken)) => taken,
            Ok(Err(error)) => {
                tracing::warn!(place, %error, "a request is not counted");
                return Ok(());
            }
            Err(_) => {
                tracing::warn!(place, "a request is not counted: the table takes long");
                return Ok(());
            }
        };
        let mut portions = self.portions();
        let mine = portions.entry(place.to_owned()).or_default();
        mine.begin(taken.unwrap_or(second));
        match taken {
            Some(of) if of == mine.second => mine.left += portion - 1,
            // It is of a second that is over.
            Some(_) => {}
            None => {
                mine.is_over |= second == mine.second;
                return Err(too_many);
            }
        }
        Ok(())
    }

    /// Takes one of what this process has: whether there was one; `None` where the table is to be asked.
    fn take_here(&self, place: &str, second: i64) -> Option<bool> {
        let mut portions = self.portions();
        let mine = portions.get_mut(place)?;
        if mine.second < second {
            return None;
        }
        if mine.left > 0 {
            mine.left -= 1;
            return Some(true);
        }
        (mine.is_over && mine.second == second).then_some(false)
    }

    /// Takes a portion of a second, or of a later one that has begun: of which, `None` where there is none.
    async fn take_portion(
        &self,
        place: &str,
        second: i64,
        portion: u32,
        per_second: u32,
    ) -> Result<Option<i64>, TableError> {
        let pk = || format!("rate#{place}");
        let begin = || {
            let ahead = second.saturating_add(CLOCK_SKEW_SECONDS);
            let is_another = absent("second")
                .or(below("second", number(second)))
                .or(above("second", number(ahead)));
            let update = self.table.update(pk(), "rate").condition(is_another);
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
                .condition(at_least("second", number(second)))
                .condition(has_room)
                .add("taken", number(portion))
                .returning_if(ReturnValue::AllNew)
        };
        // Most of what comes in a second comes after its first.
        if let Some(item) = go_on().await? {
            return Ok(Some(second_of(&item).unwrap_or(second)));
        }
        if begin().await? {
            return Ok(Some(second));
        }
        let item = go_on().await?;
        Ok(item.map(|item| second_of(&item).unwrap_or(second)))
    }

    fn portions(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Portion>> {
        self.portions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn second_of(item: &Item) -> Option<i64> {
    let second = item.get("second").map(AttributeValue::as_n)?;
    second.ok()?.parse().ok()
}
