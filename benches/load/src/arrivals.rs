//! What arrived at one end of a direction: each message once, in order, or not.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What one receiver got of one user. Messages are numbered from 0.
#[derive(Debug, Default)]
struct Lane {
    /// All before it have arrived.
    next: u32,
    /// What arrived after it.
    ahead: BTreeSet<u32>,
}

/// What arrived in one direction.
#[derive(Debug)]
pub(crate) struct Arrivals {
    lanes: Vec<Mutex<Lane>>,
    /// How long each took, in microseconds, and when it arrived, in milliseconds since the measuring began.
    times: Mutex<Vec<(u32, u32)>>,
    wrong: Mutex<Wrong>,
}

/// What went wrong in one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// Messages that arrived more than once, each time after the first.
    pub(crate) doubled: u64,
    /// Messages that arrived after one that was written later.
    pub(crate) reordered: u64,
}

impl Arrivals {
    pub(crate) fn new(users: usize) -> Self {
        Self {
            lanes: (0..users).map(|_| Mutex::default()).collect(),
            times: Mutex::default(),
            wrong: Mutex::default(),
        }
    }

    /// Takes note of a message. Whether it is the first time that it arrives.
    pub(crate) fn take(&self, user: usize, number: u32) -> bool {
        let Some(lane) = self.lanes.get(user) else {
            return false;
        };
        let mut lane = lane.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wrong = Wrong::default();
        if number < lane.next || lane.ahead.contains(&number) {
            wrong.doubled = 1;
        } else {
            wrong.reordered = u64::from(lane.ahead.last().is_some_and(|last| *last > number));
            lane.ahead.insert(number);
            let mut next = lane.next;
            while lane.ahead.remove(&next) {
                next += 1;
            }
            lane.next = next;
        }
        drop(lane);
        if wrong != Wrong::default() {
            let mut all = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
            all.doubled += wrong.doubled;
            all.reordered += wrong.reordered;
        }
        wrong.doubled == 0
    }

    /// Takes note of how long a message took that counts, and when it arrived.
    pub(crate) fn took(&self, time: Duration, at: Duration) {
        let micros = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        let at = u32::try_from(at.as_millis()).unwrap_or(u32::MAX);
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.push((micros, at));
    }

    /// How many messages have arrived of a user.
    pub(crate) fn count(&self, user: usize) -> u64 {
        let lane = self.lanes[user].lock();
        let lane = lane.unwrap_or_else(PoisonError::into_inner);
        u64::from(lane.next) + lane.ahead.len() as u64
    }

    pub(crate) fn wrong(&self) -> Wrong {
        *self.wrong.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The times of those that count, in the order in which they arrived.
    pub(crate) fn times(&self) -> Vec<(u32, u32)> {
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_twice_or_late_is_seen() {
        let arrivals = Arrivals::new(2);
        for number in [0, 1, 3, 2, 2, 0, 4] {
            arrivals.take(0, number);
        }
        arrivals.take(1, 0);
        let wrong = arrivals.wrong();
        assert_eq!((wrong.doubled, wrong.reordered), (2, 1));
        assert_eq!((arrivals.count(0), arrivals.count(1)), (5, 1));
    }

    #[test]
    fn what_is_missing_is_not_counted() {
        let arrivals = Arrivals::new(1);
        for number in [0, 2, 3] {
            arrivals.take(0, number);
        }
        assert_eq!(arrivals.count(0), 3);
        assert_eq!(arrivals.wrong(), Wrong::default());
    }
}
