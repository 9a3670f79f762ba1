//! Chaos: many users both ways through the real handlers, with faults at every dependency and the
//! process killed between any two steps, and then a checker: what was lost, doubled, out of order.
//!
//! Around the handlers there is what AWS would be, and is not killed: `DynamoDB` (embedded), a FIFO
//! queue (`doorbell`), and Haptik, Slack and a sink (the simulator and the fakes). Every call passes
//! through one `proxy`, every ring and call is one step of the `world`, which draws what goes wrong with
//! it, or kills the `process` before or after the step takes effect. The `load` and the draws follow
//! from a seed; in which order steps are made is up to the scheduler. `verdict` is the checker.
//!
//! [`run`] is one run at given [`Rates`]; [`Load::kill_at`] kills it at one chosen step, so that a test
//! can go through them all.

use std::collections::{BTreeMap, HashMap};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_local::simulator::{
    DeliveryFault, DeliveryKind, DeliveryOutcome, DeliveryState, Running, Settings, Simulator,
};
use haptik_bridge_shared::channel::Act;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, Ledger, Payload, State};
use secrecy::ExposeSecret as _;
use serde_json::Value;

mod doorbell;
mod load;
mod process;
mod proxy;
mod verdict;
mod world;

pub use verdict::{Counts, Report};
pub use world::{Fault, KillAt, Place, Rates, Tally};

use self::doorbell::Doorbell;
use self::process::{Secrets, Surroundings};
use self::proxy::{Proxy, Upstreams};
use self::verdict::Delivered;
use self::world::World;
use crate::app::{self, App};
use crate::fake_slack::FakeSlack;

/// What is said, and what goes wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// The seed of the load and of the faults.
    pub seed: u64,
    /// How many users write.
    pub users: usize,
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

/// How much of a pause between two tries is waited for.
const PACE: f64 = 0.03;

/// How much of Haptik's pauses between two tries is waited for.
const HAPTIKS_PACE: f64 = 0.004;

/// Carries out one run.
///
/// # Errors
/// When something of the surroundings fails.
pub async fn run(load: Load) -> anyhow::Result<Report> {
    let began = Instant::now();
    let (world, kills) = World::new(load.seed, load.rates, load.kill_at);
    let world = Arc::new(world);
    let slack = FakeSlack::start().await;
    let sink = App::start().await?;
    let haptik = haptik(&load).await?;
    let database = EmbeddedDynamoDb::start(None).await?;
    let upstreams = Upstreams {
        dynamodb: database.endpoint().to_owned(),
        haptik: haptik.base_url(),
        slack: slack.origin().to_owned(),
        sink: sink.url().to_owned(),
    };
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    let url = format!("http://{}", listener.local_addr()?);
    haptik
        .simulator()
        .set_webhook_url(format!("{url}/haptik/main"));
    let surroundings = Arc::new(Surroundings {
        doorbell: Doorbell::new(PACE),
        proxy: Proxy::start(world.clone(), upstreams).await?,
        secrets: secrets(&haptik, &slack),
        world,
        database,
        listener,
        config,
    });
    let keeping = tokio::spawn(process::keep_alive(surroundings.clone(), kills));
    let said = load::speak(&slack, &format!("{url}/channels/acme-slack"), &load).await?;
    settle(&surroundings, haptik.simulator(), load.patience).await;
    let report = judge(&load, &surroundings, &haptik, &slack, &sink, &said).await?;
    keeping.abort();
    Ok(Report {
        took: began.elapsed(),
        ..report
    })
}

async fn haptik(load: &Load) -> anyhow::Result<Running> {
    let settings = Settings {
        time_scale: HAPTIKS_PACE,
        keep_records: 10_000_000,
        seed: load.seed,
        ..Settings::default()
    };
    let simulator = Simulator::with_bot(settings, load::bot(load.replies));
    for outcome in [
        DeliveryOutcome::Duplicate,
        DeliveryOutcome::Swap { hold_ms: 60 },
    ] {
        simulator.add_delivery_fault(DeliveryFault {
            probability: load.disorder,
            ..DeliveryFault::of(outcome)
        });
    }
    Ok(simulator.serve("127.0.0.1:0").await?)
}

/// Waits until nothing is on its way any more, or for as long as it may take.
async fn settle(surroundings: &Surroundings, haptik: &Simulator, patience: Duration) {
    let deadline = Instant::now() + patience;
    let mut quiet = 0;
    while quiet < 5 && Instant::now() < deadline {
        // Haptik disables a webhook that failed for too long; making it good again is another test's.
        haptik.enable_webhook();
        let undelivered = haptik.records(|seen| {
            let all = seen.deliveries.iter();
            all.filter(|delivery| {
                delivery.kind == DeliveryKind::Event && delivery.state != DeliveryState::Delivered
            })
            .any(|delivery| delivery.state != DeliveryState::Failed)
        });
        let busy = undelivered || surroundings.doorbell.busy() > 0;
        quiet = if busy { 0 } else { quiet + 1 };
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn judge(
    load: &Load,
    surroundings: &Surroundings,
    haptik: &Running,
    slack: &FakeSlack,
    sink: &App,
    said: &[load::Said],
) -> anyhow::Result<Report> {
    let window = Duration::from_millis(200);
    let told: Vec<String> = haptik.simulator().records(|seen| {
        let messages = seen.messages.iter();
        messages.map(|message| message.text.clone()).collect()
    });
    let delivered = delivered(haptik.simulator());
    let (mut said_at, mut replied_at) = (HashMap::new(), HashMap::new());
    let (mut pending, mut dead) = (Vec::new(), Vec::new());
    for entry in entries(surroundings).await? {
        let line = || {
            let reason = entry.reason.as_deref().unwrap_or("-");
            let (attempts, starts) = (entry.attempts, entry.starts);
            format!(
                "{} {}, {attempts} attempts, {starts} starts: {reason}",
                entry.lane, entry.key
            )
        };
        match entry.state {
            State::Pending => pending.push(line()),
            State::Dead => dead.push(line()),
            State::Delivered => {}
        }
        match (&entry.lane, &entry.payload) {
            (Lane::Haptik(_), Payload::Inbound { inbound, .. }) => {
                if let Act::Message { text, .. } = &inbound.act {
                    said_at.insert(text.clone(), entry.received_at);
                }
            }
            (Lane::Channel(_), Payload::Webhook { body, .. }) => {
                let event: Value = serde_json::from_str(body)?;
                if let Some(id) = event.pointer("/message/id").and_then(Value::as_u64) {
                    replied_at.insert(id, entry.received_at);
                }
            }
            _ => {}
        }
    }
    Ok(Report {
        seed: load.seed,
        steps: surroundings.world.steps(),
        faults: surroundings.world.tally(),
        to_haptik: verdict::to_haptik(said, &told, &said_at, window),
        to_slack: verdict::to_slack(&delivered, &slack.all_messages(), &replied_at, window),
        to_sink: verdict::to_sink(&delivered, &sink.callbacks()),
        pending,
        dead,
        took: Duration::ZERO,
    })
}

/// What Haptik had to deliver, by `message.id`.
fn delivered(haptik: &Simulator) -> BTreeMap<u64, Delivered> {
    haptik.records(|seen| {
        let mut delivered: BTreeMap<u64, Delivered> = BTreeMap::new();
        for delivery in seen.deliveries.iter() {
            let Some(id) = delivery.message_id else {
                continue;
            };
            let body: Value = serde_json::from_str(&delivery.body).unwrap_or_default();
            let text = body.pointer("/message/body/text").and_then(Value::as_str);
            let event = delivered.entry(id).or_default();
            text.unwrap_or_default().clone_into(&mut event.text);
            event.tries.extend(delivery.attempts.iter().map(|attempt| {
                let took = Duration::from_millis(attempt.took_ms + 1);
                (attempt.at, attempt.at + took)
            }));
        }
        delivered
    })
}

async fn entries(surroundings: &Surroundings) -> anyhow::Result<Vec<Entry>> {
    let table = surroundings.database.table.clone();
    let ledger = Ledger::new(table.clone(), Duration::from_hours(1));
    let mut items = table
        .client()
        .scan()
        .table_name(table.name())
        .projection_expression("pk, sk")
        .into_paginator()
        .items()
        .send();
    let mut entries = Vec::new();
    while let Some(item) = items.next().await {
        let item = item?;
        let text = |name: &str| item.get(name)?.as_s().ok();
        let lane = text("pk").and_then(|pk| pk.parse::<Lane>().ok());
        if let (Some(lane), Some(key)) = (lane, text("sk")) {
            entries.extend(ledger.entry(&lane, &key.as_str().into()).await?);
        }
    }
    Ok(entries)
}

fn secrets(haptik: &Running, slack: &FakeSlack) -> Secrets {
    let settings = haptik.simulator().settings();
    Secrets {
        client_id: settings.client_id.clone(),
        token: settings.token.expose_secret().to_owned(),
        webhook_secret: settings.webhook_secret.expose_secret().to_owned(),
        business_id: settings.business_id,
        signing_secret: slack.workspace().signing_secret.clone(),
        bot_token: slack.workspace().bot_token.clone(),
    }
}

fn config(surroundings: &Surroundings, process: u64) -> String {
    let url = |upstream| surroundings.proxy.url(process, upstream);
    let Secrets {
        client_id,
        token,
        webhook_secret,
        business_id,
        signing_secret,
        bot_token,
    } = &surroundings.secrets;
    format!(
        r#"
        [haptik.main]
        base_url = "{haptik}"
        client_id = "{client_id}"
        token = "{token}"
        webhook_secrets = ["{webhook_secret}"]
        business_id = {business_id}

        [channels.acme-slack]
        type = "slack"
        signing_secrets = ["{signing_secret}"]
        bot_token = "{bot_token}"
        api_base_url = "{slack}/api"

        [sinks.audit]
        type = "webhook"
        events = ["*"]
        url = "{sink}"
        signing_secrets = ["{sink_secret}"]
        "#,
        haptik = url("haptik"),
        slack = url("slack"),
        sink = url("sink"),
        sink_secret = app::SECRET,
    )
}
