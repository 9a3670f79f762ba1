//! One connection that is busy beside one that is not: how long the quiet one's messages take meanwhile.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::arrivals::Arrivals;
use crate::bridge::Bridge;
use crate::fakes::Fakes;
use crate::report::{Latency, number};
use crate::run::machine;
use crate::users::Users;

/// The connection's name by which the quiet user writes.
const QUIET: &str = "quiet";

/// The quiet user's number; the others are busy.
const QUIET_USER: usize = 0;

/// What is measured.
#[derive(Debug, Clone)]
pub struct Beside {
    /// The bridge, and how many users are busy.
    pub load: crate::Load,
    /// How many messages the busy connection brings a second, whether or not they are answered.
    pub busy_per_second: u32,
    /// How many it brings at most.
    pub busy_count: Option<u32>,
    /// The busy connection's `rate_per_second`.
    pub rate_per_second: Option<u32>,
    /// How long the quiet user writes, a message a second.
    pub time: Duration,
}

/// What came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BesideReport {
    /// The processor, and how many.
    pub machine: String,
    /// How long the quiet user wrote: longer than was asked for where the bridge took a message late.
    pub seconds: f64,
    /// The busy connection's messages that were written, those that the bridge turned away, and those that had come to
    /// Haptik when the quiet user wrote the last.
    pub busy_written: u64,
    /// See `busy_written`.
    pub busy_turned_away: u64,
    /// See `busy_written`.
    pub busy_at_haptik: u64,
    /// The quiet user's messages, and those that were never answered.
    pub quiet_written: u64,
    /// See `quiet_written`.
    pub quiet_lost: u64,
    /// How long the quiet user's messages took, milliseconds: until they were taken, until Haptik had them, and until
    /// the answer was there.
    pub taken: Latency,
    /// See `taken`.
    pub at_haptik: Latency,
    /// See `taken`.
    pub there_and_back: Latency,
}

/// Measures it.
///
/// # Errors
/// When the bridge does not start, or ends before it is stopped.
pub async fn beside(beside: &Beside) -> anyhow::Result<BesideReport> {
    let directory = tempfile::tempdir()?;
    let users = beside.load.users + 1;
    let fakes = Arc::new(Fakes::of_one(users, QUIET_USER));
    let address = fakes.serve().await?;
    let rate = beside
        .rate_per_second
        .map(|rate| format!("rate_per_second = {rate}\n"));
    let more = rate.unwrap_or_default() + &crate::bridge::connection(QUIET, address);
    let bridge = Bridge::start_with(&beside.load, directory.path(), address, &more).await?;
    fakes.set_webhook(&bridge.url);
    let quiet = Users::at(fakes.clone(), &bridge.url, QUIET)?;
    let busy = Arc::new(Users::new(fakes.clone(), &bridge.url)?);
    // Everybody is known before it is measured.
    quiet.say(QUIET_USER, 0).await?;
    for user in 1..users {
        busy.say(user, 0).await?;
    }
    let known = Instant::now() + beside.load.patience;
    while (0..users).any(|user| fakes.at_users.count(user) == 0) && Instant::now() < known {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    fakes.measured_from.send_replace(Some(fakes.clock.now()));
    let from = (
        at_haptik(&fakes, users),
        busy.written.load(Ordering::Relaxed),
    );
    let pressing = tokio::spawn(press(busy.clone(), beside.clone()));
    let began = Instant::now();
    let written = write(&quiet, beside.time).await?;
    let seconds = began.elapsed().as_secs_f64();
    let busy_at_haptik = at_haptik(&fakes, users) - from.0;
    pressing.abort();
    let deadline = Instant::now() + beside.load.patience;
    while fakes.at_users.count(QUIET_USER) <= written && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let report = BesideReport {
        machine: machine(),
        seconds,
        busy_written: busy.written.load(Ordering::Relaxed) - from.1,
        busy_turned_away: busy.refused.load(Ordering::Relaxed),
        busy_at_haptik,
        quiet_written: written,
        quiet_lost: (written + 1).saturating_sub(fakes.at_users.count(QUIET_USER)),
        taken: latency(&quiet.taken),
        at_haptik: latency(&fakes.at_haptik),
        there_and_back: latency(&fakes.there_and_back),
    };
    // With what it has still to do.
    drop(bridge);
    Ok(report)
}

/// How many of the busy users' messages have come to Haptik.
fn at_haptik(fakes: &Fakes, users: usize) -> u64 {
    (1..users).map(|user| fakes.at_haptik.count(user)).sum()
}

/// The quiet user writes every second; how many messages.
async fn write(users: &Users, time: Duration) -> anyhow::Result<u64> {
    let (until, mut second) = (
        Instant::now() + time,
        tokio::time::interval(Duration::from_secs(1)),
    );
    let mut next = 1;
    while Instant::now() < until {
        second.tick().await;
        users.say(QUIET_USER, next).await?;
        next += 1;
    }
    Ok(u64::from(next) - 1)
}

/// The busy users write by turns, at their rate, whatever becomes of it; what is turned away is not repeated.
async fn press(users: Arc<Users>, beside: Beside) {
    /// How often in a second some are written.
    const STEPS: u32 = 50;
    /// How many requests are under way at most.
    const UNDER_WAY: usize = 400;
    let mut step = tokio::time::interval(Duration::from_secs(1) / STEPS);
    let (mut written, mut due, mut under_way) = (0, 0.0, JoinSet::new());
    let busy = u32::try_from(beside.load.users.max(1)).unwrap_or(u32::MAX);
    loop {
        step.tick().await;
        due += f64::from(beside.busy_per_second) / f64::from(STEPS);
        while due >= 1.0 {
            due -= 1.0;
            if beside.busy_count.is_some_and(|most| written >= most) {
                while under_way.join_next().await.is_some() {}
                return;
            }
            let (user, number) = (1 + written % busy, 1 + written / busy);
            let users = users.clone();
            under_way.spawn(async move { users.say_once(user as usize, number).await });
            written += 1;
            while under_way.len() > UNDER_WAY {
                under_way.join_next().await;
            }
        }
        while under_way.try_join_next().is_some() {}
    }
}

fn latency(arrivals: &Arrivals) -> Latency {
    Latency::of(arrivals.times().into_iter().map(|(time, _)| time))
}

/// What came of it, in words.
#[must_use]
pub fn in_words(report: &BesideReport) -> String {
    let seconds = report.seconds;
    let row = |name: &str, latency: &Latency| {
        format!(
            "{name:<24}{:>9.0} ms{:>9.0} ms{:>9.0} ms",
            latency.p50, latency.p99, latency.most
        )
    };
    [
        report.machine.clone(),
        format!(
            "busy, in {seconds:.0} s: {} written ({:.0} a second), {} turned away, {} had come to Haptik ({:.0} a second)",
            report.busy_written,
            number(report.busy_written) / seconds,
            report.busy_turned_away,
            report.busy_at_haptik,
            number(report.busy_at_haptik) / seconds,
        ),
        format!("quiet: {} written, {} never answered", report.quiet_written, report.quiet_lost),
        format!("{:<24}{:>12}{:>12}{:>12}", "the quiet one's messages", "p50", "p99", "most"),
        row("taken", &report.taken),
        row("at Haptik", &report.at_haptik),
        row("there and back", &report.there_and_back),
    ]
    .join("\n")
}
