//! Haptik disables the webhook and drops what waits, and the process is killed at one chosen step of the
//! housekeepings that find that out and deliver it late, or of those deliveries.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use haptik_bridge_processor::Limits;
use haptik_bridge_shared::ledger::State;
use haptik_bridge_shared::outage::{Outages, Proof};
use haptik_bridge_simulator::{Reply, UserMessage};
use jiff::{SignedDuration, Timestamp};

use super::doorbell::Doorbell;
use super::process::{self, Secrets, Setup, Surroundings};
use super::world::{KillAt, Rates, World};
use super::{Neighbours, PACE, evidence};
use crate::{app, provider};

/// What came of an outage.
#[derive(Debug)]
pub struct Recovery {
    /// How many steps the housekeepings take that notice it and deliver what was dropped, and these deliveries.
    pub steps: u64,
    /// Whether the process was killed.
    pub was_killed: bool,
    /// What is not as promised.
    pub wrong: Vec<String>,
}

const USER: usize = 1;

/// How long anything that should come may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// When house is kept, in minutes from the outage's beginning, until all is delivered where nothing goes wrong.
const AT_FIRST: [i64; 2] = [61, 62];

/// And after that: what a kill has left undone, the next ones do, or the one of the next hour.
const LATER: [i64; 4] = [63, 64, 127, 128];

/// Gives two replies.
fn echo(message: &UserMessage) -> Vec<Reply> {
    let reply = |number: usize| Reply::Text(format!("{} {number}", message.text));
    [1, 2].map(reply).to_vec()
}

/// Carries out one outage; `kill_in` is counted from the first of [`Recovery::steps`].
///
/// # Errors
/// When something of the surroundings fails, or what should come does not.
pub async fn recover(kill_in: Option<KillAt>) -> anyhow::Result<Recovery> {
    let (world, kills) = World::new(1, Rates::NONE, None);
    // An hour is an hour, and not waited for.
    let neighbours = Neighbours::start(super::slack().await, echo, 1, 0.0, 1.0).await?;
    let setup = Setup {
        config: super::configuration_of,
        secrets: Secrets::of(&neighbours.haptik),
        provider: neighbours.provider.clone(),
        sinks: super::audit(),
        limits: Limits::default(),
    };
    let upstreams = neighbours.upstreams();
    let surroundings = Surroundings::new(world, Doorbell::new(PACE), upstreams, setup).await?;
    neighbours.set_bridge(&surroundings.url()?);
    let keeping = tokio::spawn(process::keep_alive(surroundings.clone(), kills));
    let scene = Scene {
        surroundings,
        neighbours,
    };
    let recovery = scene.play(kill_in).await;
    keeping.abort();
    recovery
}

struct Scene {
    surroundings: Arc<Surroundings>,
    neighbours: Neighbours,
}

impl Scene {
    async fn play(&self, kill_in: Option<KillAt>) -> anyhow::Result<Recovery> {
        let haptik = self.neighbours.haptik.simulator();
        let world = &self.surroundings.world;
        self.surroundings
            .run_maintenance(SignedDuration::ZERO)
            .await?;
        self.say("before").await?;
        self.shown(2).await?;
        self.rest().await?;
        haptik.disable_webhook();
        for text in ["one", "two"] {
            self.say(text).await?;
        }
        let told = haptik.wait_until(PATIENCE, |seen| seen.messages.len() == 3);
        told.await?;
        self.rest().await?;
        haptik.let_time_pass(Duration::from_mins(61));
        let begins_at = world.steps();
        if let Some(kill_in) = kill_in {
            world.kill_in(kill_in);
        }
        self.run_maintenance(&AT_FIRST).await?;
        let steps = world.steps() - begins_at;
        self.run_maintenance(&LATER).await?;
        Ok(Recovery {
            steps,
            was_killed: !world.tally().is_empty(),
            wrong: self.wrong().await?,
        })
    }

    /// Keeps house at these times. One in which the process is killed is over: the next one goes on.
    async fn run_maintenance(&self, minutes: &[i64]) -> anyhow::Result<()> {
        for minutes in minutes {
            let ahead = SignedDuration::from_mins(*minutes);
            self.surroundings.run_maintenance(ahead).await?;
            self.rest().await?;
        }
        Ok(())
    }

    async fn say(&self, text: &str) -> anyhow::Result<()> {
        let provider = &self.neighbours.provider;
        let (user, client) = (provider.user(USER), app::client()?);
        let request = provider.say(&user, text);
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let status = provider::send(&client, &request).await;
            if status.is_ok_and(|(status, _)| (200..300).contains(&status)) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("{text:?} was never acknowledged")
    }

    /// What the user is shown.
    fn texts(&self) -> Vec<String> {
        let provider = &self.neighbours.provider;
        let shown = provider.shown(&provider.user(USER));
        shown.into_iter().map(|shown| shown.text).collect()
    }

    async fn shown(&self, count: usize) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.texts().len() < count {
            if Instant::now() > deadline {
                bail!("there are no {count} messages");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Waits until nothing is under way.
    async fn rest(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut quiet = 0;
        while quiet < 3 {
            if Instant::now() > deadline {
                bail!("it does not come to rest");
            }
            let is_busy = self.surroundings.doorbell.busy() > 0;
            quiet = if is_busy { 0 } else { quiet + 1 };
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// What is not as promised.
    async fn wrong(&self) -> anyhow::Result<Vec<String>> {
        let mut wrong = Vec::new();
        let late = self.texts().into_iter().skip(2);
        let late = late.map(|text| match text.split_once("\n(sent ") {
            Some((said, note)) if note.ends_with("UTC, delivered late)") => said.to_owned(),
            _ => format!("not marked: {text}"),
        });
        let late: Vec<String> = late.collect();
        if late != ["one 1", "one 2", "two 1", "two 2"] {
            wrong.push(format!("the user is shown {late:#?}"));
        }
        let table = &self.surroundings.database.table;
        for entry in evidence::entries(table).await? {
            if entry.state != State::Delivered {
                let why = entry.reason.as_deref().unwrap_or("-");
                wrong.push(format!(
                    "{} {} is {:?}: {why}",
                    entry.lane, entry.key, entry.state
                ));
            }
        }
        let outages = Outages::new(table.clone());
        let (hour, now) = (SignedDuration::from_hours(1), Timestamp::now());
        let found = outages.list(now - hour, now + 3 * hour).await?;
        let [outage] = &found[..] else {
            wrong.push(format!("not one outage: {found:#?}"));
            return Ok(wrong);
        };
        let findings = outages.findings(outage).await?;
        let is_whole = outage.closed.is_some()
            && outage.proof == Some(Proof::MissingInTheLedger)
            && findings.recovered.len() == 4
            && findings.unchecked.is_empty();
        if !is_whole {
            wrong.push(format!("{outage:#?} {findings:#?}"));
        }
        Ok(wrong)
    }
}
