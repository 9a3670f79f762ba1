//! The scene: a bridge with one ticket sink, a CRM, and a Haptik that has the transcript.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use haptik_bridge_local::gateway::LocalBridge;
use haptik_bridge_local::registry;
use haptik_bridge_shared::config::Config;
use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ids::{AccountId, EntryKey};
use haptik_bridge_shared::key::KeyKind;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{self, Payload};
use haptik_bridge_shared::net::aws::AwsEnvironment;
use haptik_bridge_shared::retry::{Retry, Retryable as _};
use haptik_bridge_simulator::HISTORY_PATH;
use haptik_bridge_sinks::{Delivered, Delivery, Sink, SinkError};
use haptik_bridge_tests::fake_crm::{FakeCrm, Ticket};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(super) use haptik_bridge_tests::fake_crm::Kind;
pub(super) use haptik_bridge_tests::random_completion::plain_completion as completion;

pub(super) struct Scene {
    pub(super) kind: Kind,
    pub(super) crm: FakeCrm,
    local: LocalBridge,
    /// Now, as the sink is told.
    now: Timestamp,
    /// When the events came; now, where a test does not say it.
    came: Option<Timestamp>,
    history: History,
    serving: JoinHandle<()>,
}

type History = Arc<Mutex<Value>>;

impl Scene {
    /// A bridge whose sink has more lines in its configuration.
    pub(super) async fn with(kind: Kind, lines: &str) -> anyhow::Result<Self> {
        Self::logged_in(kind, &kind.login(), lines).await
    }

    /// A bridge whose sink gets these events besides the completions.
    pub(super) async fn opened_by(kind: Kind, event: &str, lines: &str) -> anyhow::Result<Self> {
        Self::of(kind, &kind.login(), &format!(", '{event}'"), lines).await
    }

    /// A bridge that logs in there in this way.
    pub(super) async fn logged_in(kind: Kind, login: &str, lines: &str) -> anyhow::Result<Self> {
        Self::of(kind, login, "", lines).await
    }

    async fn of(kind: Kind, login: &str, events: &str, lines: &str) -> anyhow::Result<Self> {
        let crm = kind.start().await;
        let history = History::default();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let haptik = format!("http://{}", listener.local_addr()?);
        let router = Router::new()
            .route(HISTORY_PATH, get(get_chat_history))
            .with_state(history.clone());
        let serving = tokio::spawn(async move {
            // The test has ended when this does.
            let _ = axum::serve(listener, router).await;
        });
        let toml = format!(
            "[haptik.main]\nbase_url = '{haptik}'\nclient_id = 'c'\ntoken = 't'\nwebhook_secrets = 's'\n\
             business_id = 343\n[channels.app]\ntype = 'custom'\ncallback_url = 'https://a.example'\n\
             signing_secrets = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'\n[sinks.crm]\n{}\n\
             base_url = '{}'\nevents = ['webhook_conversation_complete', 'chat_complete'{events}]\n{lines}\n",
            login,
            crm.base_url()
        );
        let config = Config::parse(&toml, &registry::all()).context("the test's configuration")?;
        let scene = Self {
            kind,
            crm,
            local: LocalBridge::start(config, None, &AwsEnvironment::read(|_| None)).await?,
            now: Timestamp::now(),
            came: None,
            history,
            serving,
        };
        scene.was_said(&CHAT);
        Ok(scene)
    }

    pub(super) async fn start(kind: Kind) -> anyhow::Result<Self> {
        Self::with(kind, "").await
    }

    /// Haptik gives no transcript.
    pub(super) fn nothing_was_kept(&self) {
        *self.history.lock().expect("no panic before") =
            json!({"error_message": "Invalid user_name"});
    }

    /// Haptik accepts no token.
    pub(super) fn no_token_is_accepted(&self) {
        *self.history.lock().expect("no panic before") = json!({"error_message": "Invalid token"});
    }

    /// What is delivered from now on has come by now.
    pub(super) fn events_come_now(&mut self) {
        self.came = Some(self.now);
    }

    /// The ledger has what Haptik delivered, or what a user did.
    pub(super) async fn recorded(
        &self,
        lane: &Lane,
        payload: &Payload,
        at: &str,
    ) -> anyhow::Result<()> {
        let key = match payload {
            Payload::Webhook { body, .. } => Event::read(body.as_bytes())?.key(body.as_bytes()),
            _ => KeyKind::act(at.parse()?, at).into(),
        };
        let kept = &self.local.bridge.ledger;
        let at = at.parse()?;
        kept.append(lane, &key, payload, at, self.now).await?;
        let entry = kept.entry(lane, &key).await?.context("the entry")?;
        if let Payload::Inbound { .. } = payload {
            kept.file_taken(&entry, 1, "https://haptik.example/f/1")
                .await?;
        }
        Ok(kept
            .end(&entry, ledger::State::Delivered, None, self.now)
            .await?)
    }

    /// What Haptik has as the transcript: sender and text.
    pub(super) fn was_said(&self, lines: &[(&str, &str)]) {
        let lines = (1..)
            .zip(lines)
            .map(|(id, (sender, text))| (id, *sender, *text));
        self.was_said_as(&lines.collect::<Vec<_>>());
    }

    /// What Haptik has as the transcript: id, sender and text.
    pub(super) fn was_said_as(&self, lines: &[(u64, &str, &str)]) {
        let lines = lines.iter().map(|(id, sender, text)| {
            json!({"sender": sender, "text": text, "message_id": id, "timestamp": "2026-11-24T10:00:00Z"})
        });
        let said = json!({"chat_json": lines.collect::<Vec<_>>()});
        *self.history.lock().expect("no panic before") = said;
    }

    /// One try to deliver an event.
    pub(super) async fn attempt(&self, event: &Value, again: bool) -> Result<Delivered, SinkError> {
        let body = event.to_string();
        let read = Event::read(body.as_bytes()).expect("an event");
        let key = read.key(body.as_bytes());
        let account = AccountId::from("main");
        let delivery = self.delivery((&body, &read), (&account, &key), again);
        self.sink().deliver(&delivery).await
    }

    /// The requests that the creation of a ticket would send, as a person is shown them.
    pub(super) async fn preview(&self, event: &Value) -> Result<String, SinkError> {
        let body = event.to_string();
        let read = Event::read(body.as_bytes()).expect("an event");
        let key = read.key(body.as_bytes());
        let account = AccountId::from("main");
        let delivery = self.delivery((&body, &read), (&account, &key), false);
        let shown = self.sink().preview(&delivery).await?;
        Ok(shown.iter().map(ToString::to_string).collect())
    }

    fn sink(&self) -> &dyn Sink {
        self.local.sinks.get("crm").expect("the sink")
    }

    fn delivery<'a>(
        &'a self,
        (body, event): (&'a str, &'a Event),
        (account, key): (&'a AccountId, &'a EntryKey),
        again: bool,
    ) -> Delivery<'a> {
        Delivery {
            sink: "crm",
            account,
            event,
            body,
            unmasked: body,
            key,
            received_at: self.came.unwrap_or(self.now),
            now: self.now,
            again,
            completion_wait: Duration::ZERO,
            longest_settling: Duration::MAX,
        }
    }

    /// Delivers an event as the processor does: tries until it is delivered, and waits in between.
    pub(super) async fn deliver(&mut self, event: &Value) -> Result<Delivered, SinkError> {
        let mut again = false;
        for _ in 0..20 {
            match self.attempt(event, again).await {
                Ok(Delivered::Later(pause, _)) => self.pass(pause),
                Ok(delivered) => return Ok(delivered),
                Err(error) => match error.retry() {
                    Retry::Never => return Err(error),
                    Retry::Later(after) => self.pass(after.unwrap_or(Duration::from_secs(1))),
                },
            }
            again = true;
        }
        panic!("twenty tries came to nothing\n{}", self.crm.report());
    }

    /// So much time passes, here and at the CRM.
    pub(super) fn pass(&mut self, time: Duration) {
        self.now += time;
        self.crm.pass(time);
    }

    /// The only ticket there is.
    #[track_caller]
    pub(super) fn ticket(&self) -> Ticket {
        let mut tickets = self.crm.tickets();
        assert_eq!(tickets.len(), 1, "{:?}\n{}", self.kind, self.crm.report());
        assert_eq!(self.crm.ignored(), Vec::<String>::new(), "{:?}", self.kind);
        tickets.remove(0)
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn get_chat_history(State(history): State<History>) -> Json<Value> {
    Json(history.lock().expect("no panic before").clone())
}

/// What was said in the conversation, unless a test says otherwise.
pub(super) const CHAT: [(&str, &str); 3] = [
    ("user", "Where is my order?"),
    ("bot", "Let me find somebody who knows."),
    ("Prateek", "It arrives tomorrow."),
];

/// The other event of it, `chat_complete`.
pub(super) fn short_completion() -> Value {
    json!({
        "version": "1.0",
        "timestamp": "2026-11-24T10:00:05.000Z",
        "event_name": "chat_complete",
        "business_id": 343,
        "user": {"auth_id": "u42", "user_name": "user_42"},
        "agent": {"id": 1, "name": "Prateek", "is_automated": false},
        "message": {"id": 1_982_471, "body": {"text": "The conversation has been completed", "type": "SYSTEM", "data": {}}},
    })
}

/// An agent joins the chat.
pub(super) fn pinned(at: &str) -> Value {
    json!({
        "version": "1.0",
        "timestamp": at,
        "event_name": "chat_pinned",
        "business_id": 343,
        "user": {"auth_id": "u42", "user_name": "user_42"},
        "agent": {"id": 1, "name": "Prateek", "is_automated": false},
        "message": {"id": 1_982_400, "body": {"text": "Prateek has entered the conversation", "type": "SYSTEM", "data": {}}},
    })
}

/// Somebody at Haptik says something.
pub(super) fn message(id: u64, at: &str, body: &Value) -> Value {
    json!({
        "version": "1.0",
        "timestamp": at,
        "event_name": "message",
        "business_id": 343,
        "user": {"auth_id": "u42", "user_name": "user_42"},
        "agent": {"name": "gogo", "is_automated": true},
        "message": {"id": id, "body": body},
    })
}
