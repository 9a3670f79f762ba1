//! Users who write in Slack to the real binary, a bot that answers, and what of it was lost, doubled or reordered.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use axum::extract::{Path as Method, State};
use axum::routing::post;
use axum::{Json, Router};
use haptik_bridge_simulator::{Reply, Running, Settings, Simulator, UserMessage};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const SIGNING_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";

/// How many users write, and how many messages each.
pub(crate) const USERS: usize = 8;
pub(crate) const MESSAGES: usize = 6;

/// How long Slack takes to answer, so that a kill often comes in between.
pub(crate) const AS_LONG_AS_SLACK: Duration = Duration::from_millis(30);

/// On a machine that has much else to do.
pub(crate) const PATIENCE: Duration = Duration::from_mins(3);

/// The part of Slack that this test needs: it keeps what is posted, and says it when it is asked.
#[derive(Debug, Clone)]
pub(crate) struct Slack {
    posts: Arc<Mutex<Vec<Value>>>,
    /// How long it takes to answer.
    latency: Duration,
}

impl Slack {
    async fn serve(&self) -> anyhow::Result<SocketAddr> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let router = Router::new()
            .route("/api/{method}", post(answer))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(address)
    }

    pub(crate) fn posts(&self) -> Vec<Value> {
        let posts = self.posts.lock();
        posts.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn answer(
    State(slack): State<Slack>,
    Method(method): Method<String>,
    body: String,
) -> Json<Value> {
    tokio::time::sleep(slack.latency).await;
    match method.as_str() {
        "chat.postMessage" => {
            let body: Value = serde_json::from_str(&body).unwrap_or_default();
            let mut posts = slack.posts.lock().unwrap_or_else(PoisonError::into_inner);
            posts.push(body);
            Json(json!({"ok": true, "ts": format!("1700000000.{:06}", posts.len())}))
        }
        "conversations.history" => {
            let channel = body
                .split('&')
                .find_map(|field| field.strip_prefix("channel="));
            let mut messages = slack.posts();
            messages.retain(|post| post.get("channel").and_then(Value::as_str) == channel);
            messages.reverse();
            Json(json!({"ok": true, "messages": messages}))
        }
        "users.info" => Json(json!({"ok": true, "user": {"id": "U", "name": "someone"}})),
        _ => Json(json!({"ok": false, "error": "unknown_method"})),
    }
}

/// The binary; killed when it is dropped.
pub(crate) struct Bridge(Child);

/// This version's.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_haptik-bridge");

impl Bridge {
    /// `program` is the binary, or what becomes it.
    fn start(
        mut program: Command,
        config: &Path,
        data: &Path,
        listen: SocketAddr,
    ) -> anyhow::Result<Self> {
        let child = program
            .args(["serve", "--config"])
            .arg(config)
            .arg("--data-dir")
            .arg(data)
            .args(["--listen", &listen.to_string()])
            .env("RUST_LOG", "error")
            .stdout(Stdio::null())
            .spawn()
            .context("the binary")?;
        Ok(Self(child))
    }

    /// SIGTERM, as a service manager and a container engine stop it.
    pub(crate) fn stop(&mut self) -> anyhow::Result<()> {
        let process = self.0.id().to_string();
        Command::new("kill").args(["-TERM", &process]).status()?;
        let ended = self.0.wait()?;
        ensure!(ended.success(), "it ended with {ended}");
        Ok(())
    }

    /// SIGKILL: nothing of the process gets to say anything.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        // It may be gone.
        let _ = self.kill();
    }
}

fn event(user: usize, number: usize) -> Value {
    json!({
        "type": "event_callback", "team_id": "T1", "api_app_id": "A1",
        "event_id": format!("Ev{user}x{number}"), "event_time": 1_700_000_000,
        "event": {
            "type": "message", "channel_type": "im", "channel": format!("D{user}"), "team": "T1",
            "user": format!("U{user}"), "text": format!("u{user} m{number}"),
            "ts": format!("{}.{number:06}", Timestamp::now().as_second()),
        },
    })
}

/// Delivers an event as Slack does, again until it is acknowledged.
async fn deliver(http: reqwest::Client, url: String, event: Value) -> anyhow::Result<()> {
    let body = event.to_string();
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let at = Timestamp::now().as_second();
        let mut mac = Hmac::<Sha256>::new_from_slice(SIGNING_SECRET.as_bytes())?;
        mac.update(format!("v0:{at}:{body}").as_bytes());
        let signature = format!("v0={}", hex::encode(mac.finalize().into_bytes()));
        let answer = http
            .post(&url)
            .header("content-type", "application/json")
            .header("x-slack-request-timestamp", at)
            .header("x-slack-signature", signature)
            .body(body.clone())
            .send()
            .await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("an event was never acknowledged")
}

fn write_config(file: &Path, haptik: &Running, slack: SocketAddr) -> anyhow::Result<()> {
    let settings = haptik.simulator().settings();
    std::fs::write(
        file,
        format!(
            r#"
            [haptik.main]
            base_url = "{}"
            client_id = "{}"
            token = "{}"
            webhook_secrets = ["{}"]
            business_id = {}

            [channels.acme-slack]
            type = "slack"
            signing_secrets = ["{SIGNING_SECRET}"]
            bot_token = "xoxb-1"
            api_base_url = "http://{slack}/api"
            "#,
            haptik.base_url(),
            settings.client_id,
            settings.token.expose_secret(),
            settings.webhook_secret.expose_secret(),
            settings.business_id,
        ),
    )?;
    Ok(())
}

/// Users who write in Slack to a bridge that is started again and again, and a bot that answers each message twice.
pub(crate) struct Scene {
    data: tempfile::TempDir,
    pub(crate) slack: Slack,
    pub(crate) haptik: Running,
    pub(crate) listen: SocketAddr,
    users: JoinSet<anyhow::Result<()>>,
}

impl Scene {
    /// With a Slack that takes so long to answer.
    pub(crate) async fn begin(latency: Duration) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let slack = Slack {
            posts: Arc::default(),
            latency,
        };
        let bot = |message: &UserMessage| -> Vec<Reply> {
            let reply = |number| {
                Reply::Text(format!(
                    "{} h{} r{number}",
                    message.text, message.message_id
                ))
            };
            (0..2).map(reply).collect()
        };
        let settings = Settings {
            time_scale: 0.01,
            ..Settings::default()
        };
        let haptik = Simulator::with_bot(settings, bot)
            .serve("127.0.0.1:0")
            .await?;
        write_config(
            &data.path().join("bridge.toml"),
            &haptik,
            slack.serve().await?,
        )?;
        let listen = TcpListener::bind(("127.0.0.1", 0)).await?.local_addr()?;
        haptik
            .simulator()
            .set_webhook_url(format!("http://{listen}/haptik/main"));
        Ok(Self {
            data,
            slack,
            haptik,
            listen,
            users: JoinSet::new(),
        })
    }

    pub(crate) fn start(&self, binary: impl AsRef<OsStr>) -> anyhow::Result<Bridge> {
        self.start_as(Command::new(binary))
    }

    /// With so little room for the ledger's files that it is full after some messages.
    pub(crate) fn start_with_little_room(&self) -> anyhow::Result<Bridge> {
        let mut shell = Command::new("sh");
        // Units of 512 bytes. Without the signal it is an error of the write.
        let limited = r#"trap '' XFSZ; ulimit -f 600; exec "$0" "$@""#;
        shell.args(["-c", limited, BINARY]);
        self.start_as(shell)
    }

    fn start_as(&self, program: Command) -> anyhow::Result<Bridge> {
        let data = self.data.path();
        Bridge::start(program, &data.join("bridge.toml"), data, self.listen)
    }

    /// Waits until the bridge answers.
    pub(crate) async fn answers(&self) -> anyhow::Result<()> {
        self.health(200).await.map(|_| ())
    }

    /// Waits until the bridge's health is this status, and returns what else is said of it.
    pub(crate) async fn health(&self, status: u16) -> anyhow::Result<String> {
        let url = format!("http://{}/health", self.listen);
        let http = haptik_bridge_shared::net::client()?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Ok(answer) = http.get(&url).send().await
                && answer.status().as_u16() == status
            {
                return Ok(answer.text().await?);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("the bridge never answered {status}")
    }

    pub(crate) fn write(&mut self) -> anyhow::Result<()> {
        let http = haptik_bridge_shared::net::client()?;
        let url = format!("http://{}/channels/acme-slack", self.listen);
        for user in 0..USERS {
            let (http, url) = (http.clone(), url.clone());
            self.users.spawn(async move {
                for number in 0..MESSAGES {
                    deliver(http.clone(), url.clone(), event(user, number)).await?;
                    tokio::time::sleep(Duration::from_millis(150)).await;
                }
                anyhow::Ok(())
            });
        }
        Ok(())
    }

    /// Waits until the bridge has taken what the users write.
    pub(crate) async fn all_is_taken(&mut self) -> anyhow::Result<()> {
        while let Some(user) = self.users.join_next().await {
            user??;
        }
        Ok(())
    }

    /// Waits until all were answered.
    pub(crate) async fn end(mut self) -> anyhow::Result<Outcome> {
        self.all_is_taken().await?;
        let haptik = self.haptik.simulator();
        let deadline = Instant::now() + PATIENCE;
        while !Outcome::of(haptik, &self.slack).is_complete() && Instant::now() < deadline {
            haptik.enable_webhook();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        // Whatever would come twice comes now.
        tokio::time::sleep(Duration::from_secs(2)).await;
        Ok(Outcome::of(haptik, &self.slack))
    }
}

/// What was said on all sides.
pub(crate) struct Outcome {
    /// What Haptik heard of each user.
    pub(crate) heard: [Vec<String>; USERS],
    /// What Haptik delivered, by conversation: the keys of its messages, and whether the bridge took
    /// the message at the first try.
    said: BTreeMap<String, BTreeMap<String, bool>>,
    /// What Slack shows, by conversation: the keys of Haptik's messages, in the order of their arrival.
    shown: BTreeMap<String, Vec<String>>,
}

impl Outcome {
    fn of(haptik: &Simulator, slack: &Slack) -> Self {
        let mut said = BTreeMap::<String, BTreeMap<String, bool>>::new();
        let heard = haptik.records(|seen| {
            for delivery in seen.deliveries.iter() {
                let body: Value = serde_json::from_str(&delivery.body).unwrap_or_default();
                let text = text_at(&body, "/message/body/text");
                let user = text.split(' ').next().unwrap_or_default();
                let at_once = delivery.attempts.len() == 1;
                if let Some(id) = delivery.message_id {
                    let messages = said.entry(user.replacen('u', "D", 1)).or_default();
                    messages.insert(format!("{id:020}#message"), at_once);
                }
            }
            std::array::from_fn(|user| {
                let texts = seen.messages.iter().map(|said| said.text.clone());
                texts
                    .filter(|text| text.starts_with(&format!("u{user} ")))
                    .collect()
            })
        });
        let mut shown = BTreeMap::<String, Vec<String>>::new();
        for post in slack.posts() {
            let key = text_at(&post, "/metadata/event_payload/key").to_owned();
            shown
                .entry(text_at(&post, "/channel").to_owned())
                .or_default()
                .push(key);
        }
        Self { heard, said, shown }
    }

    fn is_complete(&self) -> bool {
        let heard: BTreeSet<_> = self.heard.iter().flatten().collect();
        let said: usize = self.said.values().map(BTreeMap::len).sum();
        let shown: BTreeSet<_> = self.shown.values().flatten().collect();
        heard.len() == USERS * MESSAGES && shown.len() == said
    }

    pub(crate) fn check(&self) {
        for (user, heard) in self.heard.iter().enumerate() {
            let written: Vec<_> = (0..MESSAGES)
                .map(|number| format!("u{user} m{number}"))
                .collect();
            assert_eq!(heard, &written, "Haptik heard");
        }
        for (channel, said) in &self.said {
            let shown = self.shown.get(channel).cloned().unwrap_or_default();
            let mut sorted = shown.clone();
            sorted.sort();
            assert!(
                sorted.iter().eq(said.keys()),
                "{channel} shows {shown:?} of {said:?}"
            );
            // What the bridge was not there to take comes late.
            let in_time = |key: &&String| said.get(*key).copied().unwrap_or_default();
            let in_order = shown.iter().filter(in_time).is_sorted();
            assert!(in_order, "{channel} shows {shown:?}");
        }
    }
}

fn text_at<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
