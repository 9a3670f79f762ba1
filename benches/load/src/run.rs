//! One run: a fresh bridge, a first message of each user, and then what is measured.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinSet;

use crate::bridge::{Bridge, processor_time};
use crate::fakes::Fakes;
use crate::history;
use crate::report::{Latency, Report, THERE_AND_BACK, number};
use crate::users::{Allowance, Users};
use crate::{Load, report};

/// What calls are counted of: users, and messages of each.
const COUNTED: (usize, u64) = (20, 200);

/// Measures one run.
///
/// # Errors
/// When the bridge does not start, or ends before it is stopped.
pub async fn measure(load: &Load) -> anyhow::Result<Report> {
    let calls = calls(load).await?;
    let mut report = Box::pin(run(load)).await?;
    report.calls = calls;
    Ok(report)
}

/// How often AWS is called for one message. It is counted in a run of its own, which is not measured.
async fn calls(load: &Load) -> anyhow::Result<std::collections::BTreeMap<String, f64>> {
    let (users, count) = COUNTED;
    let load = Load {
        users,
        count: Some(count),
        time: None,
        history: 0,
        ..load.clone()
    };
    let scene = Scene::set(&load, true).await?;
    let users = scene.users()?;
    let first = scene
        .write(
            &users,
            &vec![0; load.users],
            Allowance::new(Some(load.users as u64), None),
        )
        .await?;
    let (before, from) = (scene.bridge.calls().await?, scene.arrived());
    scene
        .write(&users, &first, Allowance::new(load.count, None))
        .await?;
    scene.settle().await;
    let (after, messages) = (scene.bridge.calls().await?, scene.arrived() - from);
    scene.bridge.stop().await?;
    let counted = after.into_iter().map(|(call, count)| {
        let earlier = before.iter().find(|(name, _)| *name == call);
        let earlier = earlier.map_or(0.0, |(_, count)| *count);
        (call, (count - earlier) / number(messages))
    });
    Ok(counted.filter(|(_, count)| *count > 0.0).collect())
}

async fn run(load: &Load) -> anyhow::Result<Report> {
    let began = jiff::Timestamp::now();
    let mut scene = Scene::set(load, false).await?;
    let mut numbers = vec![0; load.users];
    if load.history > 0 {
        let users = scene.users()?;
        numbers = scene.write(&users, &numbers, each_one(load)).await?;
        scene = scene.with_history(load).await?;
    }
    let users = scene.users()?;
    numbers = scene.write(&users, &numbers, each_one(load)).await?;
    scene.settle().await;

    let (before, rig_before) = (scene.bridge.usage()?, rig()?);
    let (disk_before, from, written) = (
        scene.disk()?,
        scene.arrived(),
        scene.fakes.written.load(Ordering::Relaxed),
    );
    let from_here = scene.fakes.clock.now();
    scene.fakes.measured_from.send_replace(Some(from_here));
    scene
        .write(&users, &numbers, Allowance::new(load.count, load.time))
        .await?;
    let seconds = scene
        .fakes
        .clock
        .now()
        .saturating_sub(from_here)
        .as_secs_f64();
    let (after, rig_after) = (scene.bridge.usage()?, rig()?);
    scene.settle().await;
    let messages = scene.arrived() - from;
    let written = scene.fakes.written.load(Ordering::Relaxed) - written;
    let disk = number(scene.disk()?) - number(disk_before);
    let a_message = |seconds: f64| seconds * 1_000.0 / number(messages);
    let (fakes, wrong) = (
        &scene.fakes,
        [scene.fakes.at_haptik.wrong(), scene.fakes.at_users.wrong()],
    );
    let (first_tenth, last_tenth) = tenths(&fakes.there_and_back.times());
    let latency = [
        ("message taken", &users.taken),
        ("message at Haptik", &fakes.at_haptik),
        ("answer taken", &fakes.answers_taken),
        ("answer at the user", &fakes.at_users),
        (THERE_AND_BACK, &fakes.there_and_back),
    ];
    let latency = latency.map(|(name, arrivals)| {
        let times = arrivals.times();
        (
            name.to_owned(),
            Latency::of(times.into_iter().map(|(time, _)| time)),
        )
    });
    let report = Report {
        bridge: load.bridge.display().to_string(),
        version: version(load).await?,
        bytes: fs::metadata(&load.bridge)?.len(),
        began: began.to_string(),
        users: load.users,
        burst: load.burst,
        pause_ms: u64::try_from(load.pause.as_millis())?,
        history: load.history,
        seconds,
        messages,
        messages_per_second: number(messages) / seconds,
        first_tenth_per_second: first_tenth,
        last_tenth_per_second: last_tenth,
        processor_ms: a_message(after.user + after.system - before.user - before.system),
        kernel_ms: a_message(after.system - before.system),
        rig_ms: a_message(rig_after - rig_before),
        memory_before: before.resident,
        memory_after: after.resident,
        memory_most: after.most_resident,
        disk_per_message: disk / number(messages),
        latency: latency.into(),
        lost: (2 * written).saturating_sub(messages),
        doubled: wrong.iter().map(|wrong| wrong.doubled).sum(),
        reordered: wrong.iter().map(|wrong| wrong.reordered).sum(),
        refused: users.refused.load(Ordering::Relaxed) + fakes.refused.load(Ordering::Relaxed),
        ..of_this_machine()
    };
    scene.bridge.stop().await?;
    Ok(report)
}

fn each_one(load: &Load) -> Allowance {
    Allowance::new(Some(load.users as u64), None)
}

/// A bridge between fakes.
struct Scene {
    fakes: Arc<Fakes>,
    bridge: Bridge,
    address: std::net::SocketAddr,
    directory: tempfile::TempDir,
    load: Load,
}

impl Scene {
    async fn set(load: &Load, counts_calls: bool) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let fakes = Arc::new(Fakes::new(load.users));
        let address = fakes.serve().await?;
        let bridge = Bridge::start(load, directory.path(), address, counts_calls).await?;
        fakes.set_webhook(&bridge.url);
        Ok(Self {
            fakes,
            bridge,
            address,
            directory,
            load: load.clone(),
        })
    }

    /// The same with the past that is asked for.
    async fn with_history(self, load: &Load) -> anyhow::Result<Self> {
        self.bridge.stop().await?;
        let file = self.directory.path().join("data/dynamodb.sqlite");
        let entries = load.history;
        tokio::task::spawn_blocking(move || history::add(&file, entries)).await??;
        let bridge = Bridge::start(load, self.directory.path(), self.address, false).await?;
        self.fakes.set_webhook(&bridge.url);
        Ok(Self { bridge, ..self })
    }

    fn users(&self) -> anyhow::Result<Arc<Users>> {
        Ok(Arc::new(Users::new(self.fakes.clone(), &self.bridge.url)?))
    }

    /// All users write at the same time, from these numbers on; returns those of their next messages.
    async fn write(
        &self,
        users: &Arc<Users>,
        from: &[u32],
        allowance: Allowance,
    ) -> anyhow::Result<Vec<u32>> {
        let mut writing = JoinSet::new();
        for (user, from) in from.iter().copied().enumerate() {
            let (users, load, allowance) = (users.clone(), self.load.clone(), allowance.clone());
            writing.spawn(async move {
                let next = users.write(user, from, &load, &allowance).await?;
                Ok::<_, anyhow::Error>((user, next))
            });
        }
        let mut numbers = from.to_vec();
        while let Some(written) = writing.join_next().await {
            let (user, next) = written??;
            numbers[user] = next;
        }
        Ok(numbers)
    }

    /// Waits for what is still on its way, and lets the bridge note it.
    async fn settle(&self) {
        let deadline = tokio::time::Instant::now() + self.load.patience;
        let written = self.fakes.written.load(Ordering::Relaxed);
        while self.arrived() < 2 * written && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // What comes once too often comes late.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }

    /// How many messages have arrived, in both directions.
    fn arrived(&self) -> u64 {
        let of = |user| self.fakes.at_haptik.count(user) + self.fakes.at_users.count(user);
        (0..self.load.users).map(of).sum()
    }

    /// How large the data directory is, in bytes.
    fn disk(&self) -> anyhow::Result<u64> {
        let mut bytes = 0;
        for entry in fs::read_dir(self.directory.path().join("data"))? {
            bytes += entry?.metadata()?.len();
        }
        Ok(bytes)
    }
}

/// How many messages a second arrived in the first and in the last tenth of all, from their times.
fn tenths(times: &[(u32, u32)]) -> (f64, f64) {
    let tenth = times.len() / 10;
    let rate = |some: Option<&[(u32, u32)]>| {
        let some = some.unwrap_or_default();
        let at = |place: Option<&(u32, u32)>| place.map_or(0.0, |(_, at)| f64::from(*at) / 1_000.0);
        let took = at(some.last()) - at(some.first());
        // Each is a message and its answer.
        if took > 0.0 {
            2.0 * number(some.len() as u64) / took
        } else {
            0.0
        }
    };
    (
        rate(times.get(..tenth)),
        rate(times.get(times.len() - tenth..)),
    )
}

/// The rig's own processor time, in seconds.
fn rig() -> anyhow::Result<f64> {
    let (user, system) = processor_time("/proc/self/stat")?;
    Ok(user + system)
}

async fn version(load: &Load) -> anyhow::Result<String> {
    let asked = tokio::process::Command::new(&load.bridge)
        .arg("--version")
        .output();
    let said = asked
        .await
        .context("the bridge does not say its version")?
        .stdout;
    Ok(String::from_utf8_lossy(&said).trim().to_owned())
}

/// What machine this is, in words.
pub(crate) fn machine() -> String {
    let Report {
        processors,
        processor,
        kernel,
        ..
    } = of_this_machine();
    format!("{processors} processors, {processor}, Linux {kernel}")
}

/// A report that says what machine this is.
fn of_this_machine() -> Report {
    let read = |path: &str| fs::read_to_string(Path::new(path)).unwrap_or_default();
    let processor = read("/proc/cpuinfo");
    let processor = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let processor = processor
        .unwrap_or_default()
        .trim_start_matches([' ', '\t', ':']);
    report::Report {
        processors: std::thread::available_parallelism().map_or(1, Into::into),
        processor: processor.to_owned(),
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        ..Report::default()
    }
}
