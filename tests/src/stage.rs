//! The scene of an end-to-end test.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use haptik_bridge_local::gateway::LocalBridge;
use haptik_bridge_local::registry;
use haptik_bridge_processor::Limits;
use haptik_bridge_shared::config::Config;
use haptik_bridge_shared::ledger::{Entry, State};
use haptik_bridge_shared::net::aws::AwsEnvironment;
use haptik_bridge_simulator::{Bot, DemoBot, Running, Settings, Simulator};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::app::{self, App};
use crate::fake_slack::{CLIENT_ID, CLIENT_SECRET, FakeSlack, Payload, Reply};
use crate::provider::{self, FakeProvider, Request, Shown};

/// How long everything may take to come to rest at the end of a test.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the tokens of installations are encrypted with: the base64 of 32 bytes, in quotes.
pub const ENCRYPTION_KEY: &str = "\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"";

/// What is different from the usual scene.
#[derive(Debug, Default)]
pub struct Options {
    /// Where the ledger is; in memory when there is none.
    pub data_dir: Option<PathBuf>,
    /// More lines for `[channels.acme-slack]`.
    pub slack: &'static str,
    /// More lines for `[channels.my-app]`.
    pub app: &'static str,
    /// Whether the Slack app is installed by OAuth, in as many workspaces as like it, and not in one by
    /// its token.
    pub oauth: bool,
    /// Who is on the other side of one more connection, or of one of the usual ones; the fake Slack when it
    /// is nobody.
    pub provider: Option<Arc<dyn FakeProvider>>,
    /// More lines for the table of that connection.
    pub connection: &'static str,
    /// More lines for `[haptik.main]`.
    pub account: String,
    /// More tables; `[delivery]` and `[outbound]` are there unless this has them.
    pub tables: String,
    /// The simulated account.
    pub haptik: Settings,
    /// The limits of the processor.
    pub limits: Limits,
}

/// A bridge between a simulated Haptik, a fake Slack workspace (`acme-slack`) and an application
/// (`my-app`).
#[derive(Debug)]
pub struct Stage {
    /// The bridge.
    pub local: LocalBridge,
    /// Slack.
    pub slack: FakeSlack,
    /// Haptik.
    pub haptik: Running,
    /// The application.
    pub app: App,
    /// Whom the scene is about: Slack, unless the options say another.
    pub provider: Arc<dyn FakeProvider>,
    /// The bridge's URL.
    pub url: String,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<anyhow::Result<()>>>,
    finished: bool,
}

impl Stage {
    /// The usual scene, with the bot that shows everything.
    ///
    /// # Errors
    /// When something cannot start.
    pub async fn start() -> anyhow::Result<Self> {
        Self::with(Options::default(), DemoBot).await
    }

    /// The usual scene with another bot.
    ///
    /// # Errors
    /// When something cannot start.
    pub async fn with_bot(bot: impl Bot) -> anyhow::Result<Self> {
        Self::with(Options::default(), bot).await
    }

    /// Another scene.
    ///
    /// # Errors
    /// When something cannot start.
    pub async fn with(options: Options, bot: impl Bot) -> anyhow::Result<Self> {
        let slack = FakeSlack::start().await;
        let app = App::start().await?;
        let simulator = Simulator::with_bot(options.haptik.clone(), bot);
        let haptik = simulator.serve("127.0.0.1:0").await?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let provider = options.provider.clone();
        let provider = provider.unwrap_or_else(|| Arc::new(slack.clone()));
        for provider in [&slack as &dyn FakeProvider, &app, &*provider] {
            provider.set_webhook(&format!("{url}/channels/{}", provider.connection()));
        }
        let toml = config(&options, &haptik, [&slack, &app, &*provider], &url);
        let config = Config::parse(&toml, &registry::all()).context("the test's configuration")?;
        let local = LocalBridge::start_with(
            config,
            options.data_dir.as_deref(),
            options.limits,
            &AwsEnvironment::read(|_| None),
        )
        .await?;
        haptik
            .simulator()
            .set_webhook_url(format!("{url}/haptik/main"));
        let (stop, stopped) = oneshot::channel();
        let router = local.router();
        let serving = tokio::spawn(async move {
            let stopped = async move {
                let _ = stopped.await;
            };
            Ok(axum::serve(listener, router)
                .with_graceful_shutdown(stopped)
                .await?)
        });
        Ok(Self {
            local,
            slack,
            haptik,
            app,
            provider,
            url,
            stop: Some(stop),
            serving: Some(serving),
            finished: false,
        })
    }

    /// The URL of a connection.
    #[must_use]
    pub fn channel_url(&self, connection: &str) -> String {
        format!("{}/channels/{connection}", self.url)
    }

    /// The simulated Haptik.
    #[must_use]
    pub fn simulator(&self) -> &Simulator {
        self.haptik.simulator()
    }

    /// Slack sends something, and the bridge acknowledges it; returns what it replied.
    ///
    /// # Panics
    /// When it does not acknowledge it in time.
    pub async fn slack_sends(&self, payload: &impl Payload) -> Reply {
        let url = self.channel_url("acme-slack");
        let reply = self.slack.client().send(&url, payload).await;
        assert!(reply.is_acknowledged(), "{reply:?}");
        reply
    }

    /// A user in Slack says something to the bot in a direct message; returns the channel of it.
    ///
    /// # Panics
    /// As [`Stage::slack_sends`].
    pub async fn slack_user_says(&self, user: &str, text: &str) -> String {
        let event = self.slack.dm(user, text);
        self.slack_sends(&event).await;
        event.channel().to_owned()
    }

    /// The application sends something, and the bridge takes it; returns what it answered.
    ///
    /// # Errors
    /// As [`App::send`].
    ///
    /// # Panics
    /// When it does not take it.
    pub async fn app_sends(&self, body: &Value) -> anyhow::Result<Value> {
        let url = self.channel_url("my-app");
        let (status, answer) = self.app.send(&url, body).await?;
        assert_eq!(status, 202, "{answer}");
        Ok(answer)
    }

    /// The provider sends something; returns the status and the body of the bridge's answer.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn receives(&self, request: &Request) -> anyhow::Result<(u16, String)> {
        provider::send(&app::client()?, request).await
    }

    /// As [`Stage::receives`], where it is taken.
    ///
    /// # Errors
    /// When there is no answer.
    ///
    /// # Panics
    /// When it is not taken.
    pub async fn takes(&self, request: &Request) -> anyhow::Result<()> {
        let (status, body) = self.receives(request).await?;
        assert!((200..300).contains(&status), "{status} {body}");
        Ok(())
    }

    /// Waits until the provider shows the user something, and returns it.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn shown<T>(
        &self,
        user: &str,
        what: &str,
        probe: impl Fn(&[Shown]) -> Option<T>,
    ) -> anyhow::Result<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let shown = self.provider.shown(user);
            if let Some(found) = probe(&shown) {
                return Ok(found);
            }
            anyhow::ensure!(Instant::now() < deadline, "waited for {what}: {shown:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until Haptik was told `count` messages of users, and returns their texts.
    ///
    /// # Errors
    /// When it is not in time.
    ///
    /// # Panics
    /// When it was told more.
    pub async fn haptik_was_told(&self, count: usize) -> anyhow::Result<Vec<String>> {
        let simulator = self.simulator();
        let enough = simulator.wait_until(PATIENCE, |seen| seen.messages.len() >= count);
        enough.await?;
        let told: Vec<String> =
            simulator.records(|seen| seen.messages.iter().map(|said| said.text.clone()).collect());
        assert_eq!(told.len(), count, "{told:#?}");
        Ok(told)
    }

    /// Waits until nothing is left to be done, and checks that nothing was given up and that the provider
    /// refused nothing. To be called at the end of every test.
    ///
    /// # Errors
    /// When the ledger does not answer.
    ///
    /// # Panics
    /// When something is left over.
    pub async fn finish(self) -> anyhow::Result<()> {
        self.slack.assert_nothing_refused();
        let refusals = self.provider.refusals();
        assert!(refusals.is_empty(), "the provider refused: {refusals:#?}");
        let dead = self.finish_with_dead().await?;
        assert!(dead.is_empty(), "given up: {:#?}", summary(&dead));
        Ok(())
    }

    /// As [`Stage::finish`], where something is expected to be given up: returns it.
    ///
    /// # Errors
    /// When the ledger does not answer.
    ///
    /// # Panics
    /// When something is left over.
    pub async fn finish_with_dead(mut self) -> anyhow::Result<Vec<Entry>> {
        self.finished = true;
        let idle = self.local.queue.idle(PATIENCE).await;
        let (pending, dead) = self.left_over().await?;
        assert!(
            idle && pending.is_empty(),
            "left over: {:#?}",
            summary(&pending)
        );
        if let (Some(stop), Some(serving)) = (self.stop.take(), self.serving.take()) {
            // The server may be gone.
            let _ = stop.send(());
            serving.abort();
        }
        Ok(dead)
    }

    /// Ends the bridge as it is, with what it has left over.
    pub fn abandon(mut self) {
        self.finished = true;
    }

    /// The entries that are pending and those that were given up.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn left_over(&self) -> anyhow::Result<(Vec<Entry>, Vec<Entry>)> {
        let ledger = &self.local.bridge.ledger;
        let (mut pending, mut dead) = (Vec::new(), Vec::new());
        for lane in ledger.lanes().await? {
            for entry in ledger.entries(&lane).await? {
                match entry.state {
                    State::Pending => pending.push(entry),
                    State::Dead => dead.push(entry),
                    State::Delivered => {}
                }
            }
        }
        Ok((pending, dead))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
        assert!(
            self.finished || std::thread::panicking(),
            "the test does not end with Stage::finish, so nobody looked for what is left over"
        );
    }
}

/// The configuration of the usual scene, as a file would have it. The last one of the providers is whom
/// the scene is about.
fn config(
    options: &Options,
    haptik: &Running,
    providers: [&dyn FakeProvider; 3],
    url: &str,
) -> String {
    let settings = haptik.simulator().settings();
    let (account, tables) = (&options.account, &options.tables);
    let outbound = if tables.contains("[outbound]") {
        ""
    } else {
        "[outbound]\nallow_private_networks = true"
    };
    format!(
        r#"
        [haptik.main]
        base_url = "{base_url}"
        client_id = "{client_id}"
        token = "{token}"
        webhook_secrets = ["{webhook_secret}"]
        business_id = {business_id}
        {account}

        {channels}
        {outbound}
        {tables}
        "#,
        base_url = haptik.base_url(),
        client_id = settings.client_id,
        token = settings.token.expose_secret(),
        webhook_secret = settings.webhook_secret.expose_secret(),
        business_id = settings.business_id,
        channels = channels(options, providers, url),
    )
}

/// The tables of the connections.
fn channels(options: &Options, providers: [&dyn FakeProvider; 3], url: &str) -> String {
    let [slack, app, subject] = providers;
    let mut tables = BTreeMap::new();
    for (provider, lines) in [(slack, options.slack), (app, options.app)] {
        let table = provider.toml(provider.server().origin());
        tables.insert(provider.connection(), format!("{table}{lines}\n"));
    }
    if options.oauth {
        let token = |line: &&str| !line.starts_with("bot_token");
        let table = slack.toml(slack.server().origin());
        let table: Vec<&str> = table.lines().filter(token).collect();
        let access = oauth(slack.server().origin(), url, ENCRYPTION_KEY);
        let table = format!("{}\n{access}\n{}\n", table.join("\n"), options.slack);
        tables.insert(slack.connection(), table);
    }
    if options.provider.is_some() {
        let table = subject.toml(subject.server().origin());
        let lines = format!("{table}{}\n", options.connection);
        tables.insert(subject.connection(), lines);
    }
    let tables = tables.iter();
    let tables = tables.map(|(connection, lines)| format!("[channels.{connection}]\n{lines}\n"));
    tables.collect()
}

/// The keys of a Slack app that is installed by OAuth, at a Slack with this origin.
#[must_use]
pub fn oauth(slack: &str, url: &str, encryption_keys: &str) -> String {
    format!(
        r#"
        client_id = "{CLIENT_ID}"
        client_secrets = ["{CLIENT_SECRET}"]
        token_encryption_keys = [{encryption_keys}]
        oauth_base_url = "{slack}/oauth"
        public_url = "{url}"
        "#
    )
}

/// What may be printed of entries: where and why, not what.
fn summary(entries: &[Entry]) -> Vec<String> {
    let line = |entry: &Entry| {
        let reason = entry.reason.as_deref().unwrap_or("-");
        format!(
            "{} {} {:?}, {} attempts: {reason}",
            entry.lane, entry.key, entry.state, entry.attempts
        )
    };
    entries.iter().map(line).collect()
}
