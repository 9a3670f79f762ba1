//! Circuit breakers: what holds for a whole sink, over all of its lanes and processes. One item of the table
//! for each sink.
//!
//! - **Rate.** A delivery reserves its time before it begins, `rate_per_second` of them a second. One whose
//!   time is not there yet waits in the queue until then, and no longer: ten thousand of them come one
//!   after the other, and none is asked for in vain.
//! - **Pause.** After a 429, or a `Retry-After`, nothing is sent for that time, the rate is lowered by a
//!   fifth, and what was reserved at the old rate is void: a new **round** begins, in which everybody
//!   reserves again. Every five minutes without a 429 the rate is raised by one such step, until it is
//!   what is configured. After three failures in a row of a sink that is down, nothing is sent for a
//!   while that grows to a minute; then one delivery tries, and when it goes well the others follow.
//! - **Needs attention.** After a 401 or 403 nothing is sent until the credentials work: the lanes are
//!   left as they are, without a ring, a try or an end to their patience, and one delivery tries every
//!   minute. When it goes well, all that is pending is rung for.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;

use crate::ledger::Reservation;
use crate::net::{CallError, CallErrorKind};
use crate::table::{
    Table, TableError, Update, absent, at_least, below, equals, millis, number, text,
};

/// The circuit breakers of all sinks.
#[derive(Debug, Clone)]
pub struct CircuitBreakers {
    table: Table,
}

/// What is known of a sink.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CircuitBreaker {
    /// Why it needs attention, if it does.
    pub attention: Option<String>,
    /// Since when it does.
    pub since: Option<Timestamp>,
    /// Until when nothing is sent.
    pub closed_until: Option<Timestamp>,
    /// How many times in a row it failed.
    pub failures: u32,
    /// When it last ceased to need attention.
    pub resumed_at: Option<Timestamp>,
    /// Times that were reserved in an earlier round do not count.
    pub round: u32,
    /// Until when the rate is lowered as far as it is, and by how many steps.
    pub slow_until: Option<Timestamp>,
    slowed: u32,
}

/// Whether a delivery may begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Open(CircuitBreaker),
    /// Not before this time has passed; then it is to come again. With the time that is reserved for it.
    Wait(Duration, Option<Reservation>),
    /// Not until the sink is well again, when its lane will be rung.
    Closed,
}

/// How long after its time a reservation holds.
const RESERVATION_HOLDS: Duration = Duration::from_mins(2);

/// The shortest pause after a 429 that names none.
const PAUSE: Duration = Duration::from_secs(5);

/// How long after a 429 the rate is lowered; then it is raised by a step each time that has passed.
const SLOW_FOR: Duration = Duration::from_mins(5);

/// What one step leaves of the rate, as a fraction.
const STEP: (u32, u32) = (4, 5);

/// By how many steps the rate is lowered at most: to a tenth.
const MOST_SLOWED: u32 = 10;

/// How much later a pause must end than the one that there is, to be another one: what was sent before
/// the breaker was opened comes back late, and says nothing new.
const ANOTHER: Duration = Duration::from_secs(1);

/// After how many failures in a row a sink is taken to be down.
const DOWN_AFTER: u32 = 3;

/// How long a try of a sink that was down may take before another is begun.
const TRY_TAKES: Duration = Duration::from_secs(15);

/// The longest pause of a sink that is down.
const LONGEST_DOWN: Duration = Duration::from_mins(1);

impl CircuitBreakers {
    /// The circuit breakers that are kept in `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// What is known of a sink.
    pub async fn of(&self, sink: &str) -> Result<CircuitBreaker, TableError> {
        let item = self.table.get(&key(sink), "breaker").await?;
        Ok(CircuitBreaker::read(&item.unwrap_or_default()))
    }

    /// Asks whether a delivery of so many requests may begin. `reserved` is the time that was reserved for
    /// it before, if one was; `probe_every` how often a sink that needs attention is tried.
    pub async fn enter(
        &self,
        sink: &str,
        rate_per_second: Option<u32>,
        requests: u32,
        reserved: Option<Reservation>,
        probe_every: Duration,
    ) -> Result<Admission, TableError> {
        let now = Timestamp::now();
        let breaker = self.of(sink).await?;
        let closed = breaker.closed_until.filter(|until| *until > now);
        if breaker.attention.is_some() {
            let may_try = closed.is_none() && self.claim(sink, &breaker, now + probe_every).await?;
            return Ok(if may_try {
                Admission::Open(breaker)
            } else {
                Admission::Closed
            });
        }
        if breaker.failures >= DOWN_AFTER {
            if closed.is_none() && self.claim(sink, &breaker, now + TRY_TAKES).await? {
                return Ok(Admission::Open(breaker));
            }
            let left = closed.map_or(TRY_TAKES, |until| left(until, now));
            return Ok(Admission::Wait(spread(left), None));
        }
        let Some(rate) = rate_per_second else {
            return Ok(match closed {
                Some(until) => Admission::Wait(spread(left(until, now)), None),
                None => Admission::Open(breaker),
            });
        };
        let holds = |reservation: &Reservation| {
            reservation.round == breaker.round && now <= reservation.at + RESERVATION_HOLDS
        };
        let reservation = match reserved.filter(holds) {
            Some(reservation) => reservation,
            None => Reservation {
                at: self
                    .reserve(sink, breaker.step(rate, requests, now))
                    .await?,
                round: breaker.round,
            },
        };
        let at = closed.map_or(reservation.at, |until| until.max(reservation.at));
        if at > now {
            return Ok(Admission::Wait(left(at, now), Some(reservation)));
        }
        Ok(Admission::Open(breaker))
    }

    /// Notes that a sink answered as one that is well; returns whether it needed attention until now, and
    /// its lanes are to be rung. `breaker` is what was known when the delivery began.
    pub async fn record_success(
        &self,
        sink: &str,
        breaker: &CircuitBreaker,
    ) -> Result<bool, TableError> {
        if breaker.attention.is_none() && breaker.failures == 0 {
            return Ok(false);
        }
        if breaker.attention.is_some() {
            let update = self.update(sink).remove("attention").remove("since");
            let update = update.remove("closed_until").remove("failures");
            let update = update.set("resumed_at", millis(Timestamp::now()));
            update.send().await?;
            return Ok(true);
        }
        // A 401 or a 429 that came since this began says more than it does.
        let recovered = || {
            let update = self.update(sink).remove("failures");
            update.condition(absent("attention"))
        };
        let is_same_round = match breaker.round {
            0 => absent("round"),
            round => equals("round", number(round)),
        };
        let opened = recovered().condition(is_same_round).remove("closed_until");
        if !opened.send_if().await? {
            recovered().send_if().await?;
        }
        Ok(false)
    }

    /// Notes that a sink needs attention, and stops; `false` where it has ceased to since the
    /// delivery began, of which `breaker` is what was known then.
    pub async fn needs_attention(
        &self,
        sink: &str,
        breaker: &CircuitBreaker,
        reason: &str,
        probe_every: Duration,
    ) -> Result<bool, TableError> {
        let now = Timestamp::now();
        let has_not_resumed = match breaker.resumed_at {
            Some(resumed_at) => equals("resumed_at", millis(resumed_at)),
            None => absent("resumed_at"),
        };
        self.update(sink)
            .condition(has_not_resumed)
            .set("attention", text(reason))
            .set_if_absent("since", millis(now))
            .set("closed_until", millis(now + probe_every))
            .send_if()
            .await
    }

    /// Notes what a failure says of the sink as a whole; returns the pause that it asks of all lanes, if it
    /// does. `breaker` is what was known when the delivery began.
    pub async fn failed(
        &self,
        sink: &str,
        breaker: &CircuitBreaker,
        error: &CallError,
    ) -> Result<Option<Duration>, TableError> {
        match (&error.kind, error.retry_after) {
            (CallErrorKind::RateLimited, retry_after) => {
                let pause = retry_after.unwrap_or(PAUSE).max(Duration::from_secs(1));
                self.pause(sink, breaker, pause).await.map(Some)
            }
            (CallErrorKind::Unavailable, Some(pause)) => {
                self.pause(sink, breaker, pause).await.map(Some)
            }
            (CallErrorKind::Unavailable | CallErrorKind::Unreachable(_), _) => {
                self.down(sink, breaker).await.map(|()| None)
            }
            (
                CallErrorKind::Unauthorized
                | CallErrorKind::Unreadable
                | CallErrorKind::Refused
                | CallErrorKind::Unsendable(_),
                _,
            ) => Ok(None),
        }
    }

    /// Stops for a time, and lowers the rate.
    async fn pause(
        &self,
        sink: &str,
        breaker: &CircuitBreaker,
        pause: Duration,
    ) -> Result<Duration, TableError> {
        let now = Timestamp::now();
        let slowed = breaker.slowed_at(now);
        let until = now + pause;
        let is_another = absent("closed_until").or(below("closed_until", millis(until - ANOTHER)));
        self.update(sink)
            .condition(is_another)
            .set("closed_until", millis(until))
            .set("next_at", millis(until))
            .set("slow_until", millis(until + SLOW_FOR))
            .set("slowed", number((slowed + 1).min(MOST_SLOWED)))
            .add("round", number(1))
            .send_if()
            .await?;
        Ok(spread(pause))
    }

    /// Counts a failure, and stops after some. Of those that began before it was closed, none
    /// makes the pause longer: a hundred at once are one outage.
    async fn down(&self, sink: &str, breaker: &CircuitBreaker) -> Result<(), TableError> {
        let mut count = self.update(sink).add("failures", number(1));
        if breaker.failures < DOWN_AFTER {
            let is_open = absent("failures").or(below("failures", number(DOWN_AFTER)));
            count = count.condition(is_open);
        }
        let Some(counted) = count.returning_if(ReturnValue::UpdatedNew).await? else {
            return Ok(());
        };
        let failures = CircuitBreaker::read(&counted).failures;
        if failures < DOWN_AFTER {
            return Ok(());
        }
        let doublings = (failures - DOWN_AFTER).min(6);
        let pause = Duration::from_secs(1 << doublings).min(LONGEST_DOWN);
        let until = millis(Timestamp::now() + pause);
        self.update(sink).set("closed_until", until).send().await
    }

    /// Takes the one try of a sink that is closed; whether nobody else has.
    async fn claim(
        &self,
        sink: &str,
        breaker: &CircuitBreaker,
        until: Timestamp,
    ) -> Result<bool, TableError> {
        let seen = breaker.closed_until.map_or_else(|| number(0), millis);
        self.update(sink)
            .condition(equals("closed_until", seen).or(absent("closed_until")))
            .set("closed_until", millis(until))
            .send_if()
            .await
    }

    /// Reserves the next time that is free, for `step`.
    async fn reserve(&self, sink: &str, step: Duration) -> Result<Timestamp, TableError> {
        // Rounded up: rounded down, it would be more than the rate.
        let step_ms = i64::try_from(step.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX);
        let step = Duration::from_millis(step_ms.unsigned_abs());
        loop {
            let now = Timestamp::now();
            // There is a backlog: behind its end.
            let behind = self
                .update(sink)
                .condition(at_least("next_at", millis(now)))
                .add("next_at", number(step_ms));
            if let Some(reserved) = behind.returning_if(ReturnValue::UpdatedNew).await? {
                let next_at = time(&reserved, "next_at");
                return Ok(next_at.map_or(now, |next_at| next_at - step));
            }
            let first = self
                .update(sink)
                .condition(absent("next_at").or(below("next_at", millis(now))))
                .set("next_at", millis(now + step));
            if first.send_if().await? {
                return Ok(now);
            }
        }
    }

    fn update(&self, sink: &str) -> Update<'_> {
        self.table.update(key(sink), "breaker")
    }
}

impl CircuitBreaker {
    fn read(item: &HashMap<String, AttributeValue>) -> Self {
        let words = |name: &str| item.get(name)?.as_s().ok().cloned();
        let count = |name: &str| {
            let count = item.get(name)?.as_n().ok()?.parse().ok();
            count as Option<u32>
        };
        Self {
            attention: words("attention"),
            since: time(item, "since"),
            closed_until: time(item, "closed_until"),
            failures: count("failures").unwrap_or_default(),
            resumed_at: time(item, "resumed_at"),
            round: count("round").unwrap_or_default(),
            slow_until: time(item, "slow_until"),
            slowed: count("slowed").unwrap_or_default(),
        }
    }

    /// How long a delivery of so many requests takes of a rate.
    fn step(&self, rate_per_second: u32, requests: u32, now: Timestamp) -> Duration {
        let step = Duration::from_secs(1) * requests.max(1) / rate_per_second.max(1);
        (0..self.slowed_at(now)).fold(step, |step, _| step * STEP.1 / STEP.0)
    }

    /// By how many steps the rate is lowered.
    fn slowed_at(&self, now: Timestamp) -> u32 {
        let Some(slow_until) = self.slow_until else {
            return 0;
        };
        let over = now.duration_since(slow_until);
        if over.is_negative() {
            return self.slowed;
        }
        let raised = 1 + over.unsigned_abs().as_secs() / SLOW_FOR.as_secs();
        let raised = u32::try_from(raised).unwrap_or(u32::MAX);
        self.slowed.saturating_sub(raised)
    }
}

fn key(sink: &str) -> String {
    format!("breaker#{sink}")
}

fn time(item: &HashMap<String, AttributeValue>, name: &str) -> Option<Timestamp> {
    let milliseconds = item.get(name)?.as_n().ok()?.parse().ok()?;
    Timestamp::from_millisecond(milliseconds).ok()
}

fn left(until: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(now)).unwrap_or_default()
}

/// A pause with up to a quarter more, so that lanes do not return in step.
fn spread(pause: Duration) -> Duration {
    pause.mul_f64(1.0 + 0.25 * fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_lowered_for_a_while_and_raised_step_by_step() {
        let now = Timestamp::UNIX_EPOCH;
        let mut breaker = CircuitBreaker::default();
        assert_eq!(breaker.step(10, 1, now), Duration::from_millis(100));
        assert_eq!(breaker.step(10, 2, now), Duration::from_millis(200));
        breaker.slow_until = Some(now + SLOW_FOR);
        breaker.slowed = 2;
        let after = |minutes| {
            breaker
                .step(10, 1, now + Duration::from_mins(minutes))
                .as_micros()
        };
        assert_eq!([after(0), after(4)], [156_250, 156_250]);
        assert_eq!([after(5), after(9)], [125_000, 125_000]);
        assert_eq!([after(10), after(60)], [100_000, 100_000]);
    }
}
