//! Rate limits: keeping to the pace of a provider ([`Pace`]), for all channels: every message and every command that is
//! one goes through here.
//!
//! A rate that a provider does not publish the bursts of is learnt: a conversation is written to as fast as
//! there is something to write, until the provider asks for a pause; from then on at the rate, by all who
//! write to it from this process, until a minute has passed without another such answer. No other
//! conversation is slower for it.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Refusal, SendError};
use crate::limits::{Pace, Rate};

/// For how long after a pause was asked for the rate is kept to.
const CAREFUL: Duration = Duration::from_mins(1);

/// How long one message is waited with here. A longer pause is the lane's: it is left meanwhile.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The pause after an answer that does not name one.
const DEFAULT_PAUSE: Duration = Duration::from_secs(1);

/// Of how many conversations something is remembered before what is over is forgotten.
const MOST_BUCKETS: usize = 10_000;

/// What a provider counts the messages of.
#[derive(Clone, PartialEq, Eq)]
pub struct Bucket {
    key: String,
    is_group: bool,
}

impl Bucket {
    /// A conversation. The key has all that tells it from others, and from the same one where the provider
    /// counts something else there.
    #[must_use]
    pub fn of(key: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            is_group: false,
        }
    }

    /// A conversation of several people, which has [`Pace::per_group`] too.
    #[must_use]
    pub fn group(key: impl Into<String>) -> Self {
        Self {
            is_group: true,
            ..Self::of(key)
        }
    }
}

// The key has a user's id in it.
haptik_bridge_shared::redacted_debug!(Bucket { is_group });

/// What is known of the conversations of one connection.
#[derive(Debug)]
pub(crate) struct Pacer {
    pace: Pace,
    buckets: Mutex<HashMap<String, BucketPace>>,
}

#[derive(Debug)]
struct BucketPace {
    /// When the next message may be sent, while the rate is kept to.
    next: Instant,
    /// Until when it is, where it is not always.
    careful_until: Instant,
    /// When the last ones were or will be sent, as many as a group's rate counts.
    turns: VecDeque<Instant>,
}

impl Pacer {
    pub(crate) fn new(pace: Pace) -> Self {
        Self {
            pace,
            buckets: Mutex::default(),
        }
    }

    /// Makes a call when its bucket has a turn, and again after a short pause that the provider asks for.
    ///
    /// # Errors
    /// Those of the call; [`Refusal::RateLimited`] with the time to wait where that is above 10 s.
    pub(crate) async fn call<T, C, F>(&self, bucket: &Bucket, call: C) -> Result<T, SendError>
    where
        C: Fn() -> F + Send + Sync,
        F: Future<Output = Result<T, SendError>> + Send,
    {
        if self.pace == Pace::FREE {
            return call().await;
        }
        let patience = Instant::now() + LONGEST_WAIT;
        let mut refused = None;
        loop {
            match self.turn(bucket, patience) {
                Ok(turn) => tokio::time::sleep_until(turn).await,
                Err(after) => {
                    let error = refused.unwrap_or_else(no_turn);
                    let refusal = Refusal::RateLimited(Some(after));
                    return Err(SendError { refusal, ..error });
                }
            }
            let error = match call().await {
                Ok(called) => return Ok(called),
                Err(error) => error,
            };
            if !matches!(error.refusal, Refusal::RateLimited(_)) {
                return Err(error);
            }
            self.slow_down(bucket, error.refusal.pause().unwrap_or(DEFAULT_PAUSE));
            refused = Some(error);
        }
    }

    /// Takes the next turn of a bucket; where it comes after `patience`, takes none and says in how long it
    /// comes.
    fn turn(&self, bucket: &Bucket, patience: Instant) -> Result<Instant, Duration> {
        let now = Instant::now();
        let group = self.pace.per_group.filter(|_| bucket.is_group);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if !buckets.contains_key(&bucket.key) {
            if self.pace.learn_bursts && group.is_none() {
                return Ok(now);
            }
            forget_what_is_over(&mut buckets, self.pace, now);
        }
        let known = buckets.entry(bucket.key.clone()).or_insert(BucketPace {
            next: now,
            careful_until: now,
            turns: VecDeque::new(),
        });
        if known.is_over(self.pace, now) && self.pace.learn_bursts && group.is_none() {
            buckets.remove(&bucket.key);
            return Ok(now);
        }
        let is_kept = !self.pace.learn_bursts || known.careful_until > now;
        let next = if is_kept { known.next } else { now };
        let in_group = group.and_then(|rate| known.turn_in_group(rate));
        let turn = next.max(in_group.unwrap_or(now)).max(now);
        if turn > patience {
            return Err(turn - now);
        }
        known.take(turn, self.pace, group);
        Ok(turn)
    }

    /// Notes that the provider asks for a pause in a bucket.
    fn slow_down(&self, bucket: &Bucket, pause: Duration) {
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.retain(|_, known| !known.is_over(self.pace, now));
        let next = now + pause;
        let known = buckets.entry(bucket.key.clone()).or_insert(BucketPace {
            next,
            careful_until: now,
            turns: VecDeque::new(),
        });
        known.next = known.next.max(next);
        known.careful_until = next + CAREFUL;
    }
}

impl BucketPace {
    /// The first turn that a group's rate leaves; `None` where it leaves every one.
    fn turn_in_group(&self, rate: Rate) -> Option<Instant> {
        let at = self.turns.len().checked_sub(rate.messages as usize)?;
        Some(*self.turns.get(at)? + rate.per)
    }

    fn take(&mut self, turn: Instant, pace: Pace, group: Option<Rate>) {
        self.next = turn + pace.per_conversation.unwrap_or_default();
        if let Some(rate) = group {
            self.turns.push_back(turn);
            while self.turns.len() > rate.messages as usize {
                self.turns.pop_front();
            }
        }
    }

    /// Whether nothing of it slows down a message any more.
    fn is_over(&self, pace: Pace, now: Instant) -> bool {
        let counted_for = pace.per_group.map_or(Duration::ZERO, |rate| rate.per);
        let counts = self
            .turns
            .back()
            .is_some_and(|turn| *turn + counted_for > now);
        let is_kept = !pace.learn_bursts && self.next > now;
        self.careful_until <= now && !is_kept && !counts
    }
}

fn forget_what_is_over(buckets: &mut HashMap<String, BucketPace>, pace: Pace, now: Instant) {
    if buckets.len() >= MOST_BUCKETS {
        buckets.retain(|_, known| !known.is_over(pace, now));
    }
}

fn no_turn() -> SendError {
    let reason = "the conversation was sent as many messages as the provider takes";
    SendError::new(Refusal::RateLimited(None), reason)
}

#[cfg(test)]
mod tests;
