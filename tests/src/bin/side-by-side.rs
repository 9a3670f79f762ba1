//! One connection under load beside one that is not: what the other's messages wait for.
//! `cargo run --profile load -p haptik-bridge-tests --bin side-by-side -- --rate 500 --seconds 60`.
//!
//! A bridge on this machine, the simulated Haptik and two applications, all in this process: `busy`, whose users write
//! so many messages a second, and `quiet`, where one is written each second. First `quiet` alone, then both. Measured
//! is how long a message of `quiet` takes until the bridge has answered that it has it, and until the bot's answer is
//! at the application.

#![expect(clippy::print_stdout, reason = "it is a command line")]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use clap::Parser;
use haptik_bridge_local::gateway::LocalBridge;
use haptik_bridge_local::registry;
use haptik_bridge_shared::config::Config;
use haptik_bridge_shared::net::aws::AwsEnvironment;
use haptik_bridge_simulator::{Reply, Settings, Simulator, UserMessage};
use haptik_bridge_tests::app::{self, SECRET};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::net::TcpListener;
use tokio::time::MissedTickBehavior;

/// What one connection's messages wait for while another brings many.
#[derive(Debug, Clone, Parser)]
struct Arguments {
    /// How many messages a second are written at the busy connection.
    #[arg(long, default_value_t = 500)]
    rate: u32,
    /// By how many users.
    #[arg(long, default_value_t = 1_000)]
    users: usize,
    /// How long each of the two parts takes.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// `rate_per_second` of the busy connection.
    #[arg(long)]
    limit: Option<u32>,
    /// Where the ledger is; in memory without it.
    #[arg(long)]
    data_dir: Option<std::path::PathBuf>,
}

/// What the applications got.
#[derive(Debug, Default)]
struct Got {
    busy: AtomicUsize,
    /// When which message of `quiet` was answered.
    quiet: Mutex<HashMap<String, Instant>>,
}

/// What became of the requests of one part.
#[derive(Debug, Default)]
struct Sent {
    taken: AtomicUsize,
    limited: AtomicUsize,
    failed: AtomicUsize,
}

/// A message of `quiet`.
#[derive(Debug)]
struct Said {
    text: String,
    at: Instant,
    taken: Duration,
}

#[derive(Debug, Clone)]
struct Sender {
    http: reqwest::Client,
    bridge: String,
}

impl Sender {
    /// Sends a message, signed; the status of the answer.
    async fn say(&self, connection: &str, user: &str, text: &str) -> anyhow::Result<u16> {
        let (id, now) = (format!("{user} {text}"), Timestamp::now());
        let body = json!({
            "type": "message", "id": id, "timestamp": now.to_string(), "text": text, "user": {"id": user},
        })
        .to_string();
        let signature = Webhook::new(SECRET)?.sign(&id, now.as_second(), body.as_bytes())?;
        let request = self
            .http
            .post(format!("{}/channels/{connection}", self.bridge))
            .header("webhook-id", id)
            .header("webhook-timestamp", now.as_second().to_string())
            .header("webhook-signature", signature)
            .header("content-type", "application/json");
        Ok(request.body(body).send().await?.status().as_u16())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let got = Arc::new(Got::default());
    let apps = TcpListener::bind("127.0.0.1:0").await?;
    let at = format!("http://{}", apps.local_addr()?);
    let receiving = Router::new()
        .route("/{connection}", post(take))
        .with_state(got.clone());
    tokio::spawn(async move { axum::serve(apps, receiving).await });
    let settings = Settings {
        keep_records: 1_000,
        ..Settings::default()
    };
    let bot = |message: &UserMessage| vec![Reply::Text(message.text.clone())];
    let haptik = Simulator::with_bot(settings.clone(), bot)
        .serve("127.0.0.1:0")
        .await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let bridge = format!("http://{}", listener.local_addr()?);
    haptik
        .simulator()
        .set_webhook_url(format!("{bridge}/haptik/main"));
    let toml = configuration(&settings, &haptik.base_url(), &at, arguments.limit);
    let config = Config::parse(&toml, &registry::all())?;
    let aws = AwsEnvironment::read(|_| None);
    let local = LocalBridge::start(config, arguments.data_dir.as_deref(), &aws).await?;
    let router = local.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let sender = Sender {
        http: app::client()?,
        bridge,
    };
    for rate in [0, arguments.rate] {
        part(&arguments, rate, &sender, &got).await?;
        local.queue.idle(Duration::from_mins(5)).await;
    }
    Ok(())
}

fn configuration(settings: &Settings, haptik: &str, apps: &str, limit: Option<u32>) -> String {
    let limit = limit.map_or_else(String::new, |limit| format!("rate_per_second = {limit}\n"));
    let connection = |name: &str, more: &str| {
        format!(
            "[channels.{name}]\ntype = \"custom\"\nsigning_secrets = [\"{SECRET}\"]\ncallback_url = \"{apps}/{name}\"\n{more}"
        )
    };
    format!(
        "[haptik.main]\nbase_url = \"{haptik}\"\nclient_id = \"{}\"\ntoken = \"{}\"\nwebhook_secrets = [\"{}\"]\n\
         business_id = {}\n{}{}",
        settings.client_id,
        settings.token.expose_secret(),
        settings.webhook_secret.expose_secret(),
        settings.business_id,
        connection("busy", &limit),
        connection("quiet", ""),
    )
}

/// An application gets an answer.
async fn take(
    State(got): State<Arc<Got>>,
    Path(connection): Path<String>,
    Json(body): Json<Value>,
) {
    if connection == "busy" {
        got.busy.fetch_add(1, Ordering::Relaxed);
        return;
    }
    let text = body["text"].as_str().unwrap_or_default().to_owned();
    let mut quiet = got.quiet.lock().unwrap_or_else(PoisonError::into_inner);
    quiet.entry(text).or_insert_with(Instant::now);
}

/// One part: `quiet` beside `busy` at this rate. Says what came of it.
async fn part(arguments: &Arguments, rate: u32, sender: &Sender, got: &Got) -> anyhow::Result<()> {
    let (sent, answered) = (Arc::new(Sent::default()), got.busy.load(Ordering::Relaxed));
    let until = Instant::now() + Duration::from_secs(arguments.seconds);
    let load = tokio::spawn(load(
        arguments.clone(),
        rate,
        until,
        sender.clone(),
        sent.clone(),
    ));
    let mut said = Vec::new();
    let mut second = tokio::time::interval(Duration::from_secs(1));
    while Instant::now() < until {
        second.tick().await;
        let (text, at) = (format!("{rate} {}", said.len()), Instant::now());
        let status = sender.say("quiet", "q-1", &text).await?;
        anyhow::ensure!(status == 202, "quiet was answered {status}");
        said.push(Said {
            text,
            at,
            taken: at.elapsed(),
        });
    }
    load.await??;
    let answered = got.busy.load(Ordering::Relaxed) - answered;
    let patience = Instant::now() + Duration::from_mins(2);
    while !said.iter().all(|said| answer(got, said).is_some()) {
        anyhow::ensure!(Instant::now() < patience, "an answer of quiet is missing");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!(
        "busy: {rate} a second: {} taken, {} answered 429, {} failed; {answered} answers in that time",
        sent.taken.load(Ordering::Relaxed),
        sent.limited.load(Ordering::Relaxed),
        sent.failed.load(Ordering::Relaxed),
    );
    println!("quiet: {} messages", said.len());
    print_times(
        "until it was taken",
        said.iter().map(|said| said.taken).collect(),
    );
    let answers = said.iter().filter_map(|said| answer(got, said));
    print_times("until the answer was there", answers.collect());
    Ok(())
}

/// How long the answer to a message of `quiet` took, once it is there.
fn answer(got: &Got, said: &Said) -> Option<Duration> {
    let quiet = got.quiet.lock().unwrap_or_else(PoisonError::into_inner);
    Some(*quiet.get(&said.text)? - said.at)
}

fn print_times(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |part: usize| times.get((times.len() * part / 100).min(times.len().saturating_sub(1)));
    let [median, most, last] = [50, 95, 100].map(|part| at(part).copied().unwrap_or_default());
    println!("  {what:26} median {median:>9.1?}   95 % {most:>9.1?}   longest {last:>9.1?}");
}

/// Writes at `busy` at this rate, by one user after the other.
async fn load(
    arguments: Arguments,
    rate: u32,
    until: Instant,
    sender: Sender,
    sent: Arc<Sent>,
) -> anyhow::Result<()> {
    if rate == 0 {
        return Ok(());
    }
    let mut tick = tokio::time::interval(Duration::from_secs(1) / rate);
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut requests = tokio::task::JoinSet::new();
    for number in 0_usize.. {
        tick.tick().await;
        if Instant::now() >= until {
            break;
        }
        let (sender, sent) = (sender.clone(), sent.clone());
        let user = format!("b-{}", number % arguments.users);
        requests.spawn(async move {
            let status = sender.say("busy", &user, &format!("{number}")).await;
            let count = match status {
                Ok(202) => &sent.taken,
                Ok(429) => &sent.limited,
                Ok(_) | Err(_) => &sent.failed,
            };
            count.fetch_add(1, Ordering::Relaxed);
        });
        while requests.try_join_next().is_some() {}
    }
    requests.join_all().await;
    Ok(())
}
