//! Chaos: many users both ways through the real handlers, with faults at every dependency and the
//! process killed between any two steps, and then a checker: what was lost, doubled, out of order.
//!
//! Around the handlers there is what AWS would be, and is not killed: `DynamoDB` (embedded), a FIFO
//! queue (`doorbell`), and Haptik, the provider of a channel and a sink (the simulator and the fakes). Every call passes
//! through one `proxy`, every ring and call is one step of the `world`, which draws what goes wrong with
//! it, or kills the `process` before or after the step takes effect. The `load` and the draws follow
//! from a seed; in which order steps are made is up to the scheduler. `verdict` is the checker.
//!
//! [`run`] is one run at given [`Rates`], in Slack, and [`run_with`] one with any provider; [`Load::kill_at`] kills it at one chosen step, so that a test
//! can go through them all. [`Completions`] is a run in which a conversation completes, and a CRM gets
//! its ticket; [`handoff`] is a hand-off's life, [`outage`] one of the webhook, [`forms`] a form that is asked
//! in the chat. [`KillableTable`] is for what is run beside
//! the bridge.

use std::sync::Arc;
use std::time::{Duration, Instant};

use haptik_bridge_processor::Limits;
use haptik_bridge_shared::ledger::Ledger;
use haptik_bridge_simulator::{
    Bot, DeliveryFault, DeliveryKind, DeliveryOutcome, DeliveryState, Running, Settings, Simulator,
};
use jiff::{SignedDuration, Timestamp};

pub mod deployed;

mod doorbell;
mod evidence;
pub mod forms;
pub mod handoff;
mod killable;
mod load;
pub mod outage;
mod process;
mod proxy;
mod tickets;
mod verdict;
mod world;

pub use killable::KillableTable;
pub use tickets::{Completions, Outcome};
pub use verdict::{Counts, Report};
pub use world::{ALL_KILLS, Dependency, Fault, KillAt, Rates, Tally};

use self::doorbell::Doorbell;
use self::process::{Secrets, Setup, Surroundings};
use self::proxy::{Proxy, Upstreams};
use self::world::World;
use crate::app::{self, App};
use crate::fake_slack::FakeSlack;
use crate::provider::FakeProvider;

/// What is said, and what goes wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// The seed of the load and of the faults.
    pub seed: u64,
    /// How many users write.
    pub users: usize,
    /// How many of them at the same time: the next one begins when one has all answers.
    pub at_once: usize,
    /// How many messages each of them writes.
    pub messages: usize,
    /// How many replies the bot gives to each.
    pub replies: usize,
    /// How likely faults are.
    pub rates: Rates,
    /// Where to kill the process, besides.
    pub kill_at: Option<KillAt>,
    /// How likely Haptik delivers something twice, and how likely two deliveries change places.
    pub disorder: f64,
    /// How long everything may take to arrive once all is said.
    pub patience: Duration,
}

/// Longer than a receipt waits for what a channel says later.
const WAITED_FOR: Duration = Duration::from_hours(2);

/// How many crashes in a row are no message's doing. At the highest rate of kills an eighth of the tries of an entry that
/// is delivered alone end in one, so one in some thousand would be parked by chance.
const CRASHES_BY_CHANCE: u32 = 20;

/// How much of a pause between two tries is waited for.
const PACE: f64 = 0.03;

/// How much of Haptik's pauses between two tries is waited for.
const HAPTIKS_PACE: f64 = 0.004;

/// Carries out one run in Slack.
///
/// # Errors
/// When something of the surroundings fails.
pub async fn run(load: Load) -> anyhow::Result<Report> {
    run_with(slack().await, load).await
}

/// Carries out one run with this provider.
///
/// # Errors
/// When something of the surroundings fails.
pub async fn run_with(provider: Arc<dyn FakeProvider>, load: Load) -> anyhow::Result<Report> {
    let began = Instant::now();
    let (world, kills) = World::new(load.seed, load.rates, load.kill_at);
    let neighbours = neighbours(provider, &load, HAPTIKS_PACE).await?;
    let setup = Setup {
        config: configuration_of,
        secrets: Secrets::of(&neighbours.haptik),
        provider: neighbours.provider.clone(),
        sinks: audit(),
        limits: Limits {
            most_crashes: CRASHES_BY_CHANCE,
            ..Limits::default()
        },
    };
    let upstreams = neighbours.upstreams();
    let surroundings = Surroundings::new(world, Doorbell::new(PACE), upstreams, setup).await?;
    let url = surroundings.url()?;
    neighbours.set_bridge(&url);
    let keeping = tokio::spawn(process::keep_alive(surroundings.clone(), kills));
    let said = load::speak(&neighbours.provider, &load).await?;
    come_to_rest(&surroundings, &neighbours, load.patience).await;
    if neighbours.provider.reports().is_some() {
        close_receipts(&surroundings, &neighbours, load.patience).await?;
    }
    let Surroundings {
        world, database, ..
    } = &*surroundings;
    let report = evidence::judge(&load, world, &database.table, &neighbours, &said).await?;
    keeping.abort();
    Ok(Report {
        took: began.elapsed(),
        ..report
    })
}

/// Waits until nothing is on its way any more, or for as long as it may take.
async fn settle(surroundings: &Surroundings, haptik: &Simulator, patience: Duration) {
    let deadline = Instant::now() + patience;
    let mut quiet = 0;
    while quiet < 5 && Instant::now() < deadline {
        let busy = has_undelivered(haptik) || surroundings.doorbell.busy() > 0;
        quiet = if busy { 0 } else { quiet + 1 };
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// As [`settle`], and so that the channel has said what became of what it was given.
async fn come_to_rest(surroundings: &Surroundings, neighbours: &Neighbours, patience: Duration) {
    let haptik = neighbours.haptik.simulator();
    settle(surroundings, haptik, patience).await;
    let deadline = Instant::now() + patience;
    let under_way = || neighbours.provider.reports().unwrap_or_default().under_way;
    while under_way() > 0 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    settle(surroundings, haptik, patience).await;
}

/// Keeps house until no receipt waits any more for what the channel says later: of what a kill kept it from saying it
/// says nothing again.
async fn close_receipts(
    surroundings: &Surroundings,
    neighbours: &Neighbours,
    patience: Duration,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + patience;
    let ledger = Ledger::new(surroundings.database.table.clone(), WAITED_FOR);
    let ahead = SignedDuration::try_from(WAITED_FOR)?;
    while !ledger
        .receipts_due(Timestamp::now() + ahead, None)
        .await?
        .is_empty()
    {
        anyhow::ensure!(Instant::now() < deadline, "receipts stay open");
        surroundings.run_maintenance(ahead).await?;
    }
    // What was written before a kill is rung for by the housekeeping of the hour.
    surroundings.run_maintenance(ahead + ahead).await?;
    come_to_rest(surroundings, neighbours, patience).await;
    Ok(())
}

/// Whether Haptik has something to deliver that it has not given up.
fn has_undelivered(haptik: &Simulator) -> bool {
    // Haptik disables a webhook that failed for too long; making it good again is another test's.
    haptik.enable_webhook();
    haptik.records(|seen| {
        let mut events = seen
            .deliveries
            .iter()
            .filter(|delivery| delivery.kind == DeliveryKind::Event);
        events.any(|event| {
            !matches!(
                event.state,
                DeliveryState::Delivered | DeliveryState::Failed
            )
        })
    })
}

/// The neighbours of a run with this load.
async fn neighbours(
    provider: Arc<dyn FakeProvider>,
    load: &Load,
    pace: f64,
) -> anyhow::Result<Neighbours> {
    let bot = load::bot(load.replies);
    Neighbours::start(provider, bot, load.seed, load.disorder, pace).await
}

/// The provider of a run that names none.
async fn slack() -> Arc<dyn FakeProvider> {
    Arc::new(FakeSlack::start().await)
}

/// What is not the bridge, and is not killed: Haptik, the provider of a channel and a sink.
#[derive(Debug)]
pub(crate) struct Neighbours {
    pub(crate) haptik: Running,
    pub(crate) provider: Arc<dyn FakeProvider>,
    pub(crate) sink: App,
}

impl Neighbours {
    /// Starts them. `disorder` is how likely Haptik delivers something twice, and how likely two deliveries
    /// change places; `pace` is how much of Haptik's pauses between two tries is waited for.
    pub(crate) async fn start(
        provider: Arc<dyn FakeProvider>,
        bot: impl Bot,
        seed: u64,
        disorder: f64,
        pace: f64,
    ) -> anyhow::Result<Self> {
        let settings = Settings {
            time_scale: pace,
            keep_records: 10_000_000,
            seed,
            ..Settings::default()
        };
        let simulator = Simulator::with_bot(settings, bot);
        for outcome in [
            DeliveryOutcome::Duplicate,
            DeliveryOutcome::Swap { hold_ms: 60 },
        ] {
            simulator.add_delivery_fault(DeliveryFault {
                probability: disorder,
                ..DeliveryFault::of(outcome)
            });
        }
        Ok(Self {
            haptik: simulator.serve("127.0.0.1:0").await?,
            provider,
            sink: App::start().await?,
        })
    }

    /// Where they are.
    fn upstreams(&self) -> Upstreams {
        Upstreams {
            haptik: self.haptik.base_url(),
            channel: self.provider.server().origin().to_owned(),
            sink: self.sink.url().to_owned(),
            ..Upstreams::default()
        }
    }

    /// Tells them where the bridge is.
    fn set_bridge(&self, bridge: &str) {
        let url = format!("{bridge}/haptik/main");
        self.haptik.simulator().set_webhook_url(url);
        let connection = self.provider.connection();
        let url = format!("{bridge}/channels/{connection}");
        self.provider.set_webhook(&url);
    }
}

/// A webhook sink that gets all events, and receipts.
fn audit() -> String {
    format!(
        r#"
        [sinks.audit]
        type = "webhook"
        events = ["*", "message_delivered", "message_failed"]
        url = "@sink@"
        signing_secrets = ["{}"]
        "#,
        app::SECRET
    )
}

fn configuration_of(around: &Surroundings, process: u64) -> String {
    configuration(&around.proxy, &around.setup, process)
}

/// The configuration of a process, whose calls pass through the proxy; so do those to a sink, whose URL is
/// `@sink@`.
fn configuration(proxy: &Proxy, setup: &Setup, process: u64) -> String {
    let Setup {
        secrets,
        provider,
        sinks,
        ..
    } = setup;
    format!(
        r"
        {account}
        [channels.{connection}]
        {channel}

        {sinks}
        ",
        account = account(proxy, secrets, process),
        connection = provider.connection(),
        channel = provider.toml(&proxy.url(process, "channel")),
        sinks = sinks.replace("@sink@", &proxy.url(process, "sink")),
    )
}

/// The account at Haptik in the configuration of a process.
fn account(proxy: &Proxy, secrets: &Secrets, process: u64) -> String {
    let Secrets {
        client_id,
        token,
        webhook_secret,
        business_id,
        ..
    } = secrets;
    format!(
        r#"
        [haptik.main]
        base_url = "{haptik}"
        client_id = "{client_id}"
        token = "{token}"
        webhook_secrets = ["{webhook_secret}"]
        business_id = {business_id}
        "#,
        haptik = proxy.url(process, "haptik"),
    )
}
