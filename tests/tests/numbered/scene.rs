//! A bridge with this channel, its two users, and a Haptik that notes what it is told.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Json, State};
use axum::routing::post;
use haptik_bridge_channels::connections::Outlets;
use haptik_bridge_channels::memory::Memory;
use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_local::queue::LocalQueue;
use haptik_bridge_local::registry;
use haptik_bridge_processor::Processor;
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::config::{Config, Forms as FormSettings};
use haptik_bridge_shared::ingest::RequestContext;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, Payload};
use haptik_bridge_shared::message::{Address, Addressed, Inbound, UserAction};
use haptik_bridge_shared::net;
use haptik_bridge_shared::users::User;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::channel::Texts;
use super::said;

/// What Haptik is told: who, and what. It answers 500 to as many calls as `failing` says, after it took
/// them.
#[derive(Debug, Clone, Default)]
pub(super) struct Haptik {
    told: Arc<Mutex<Vec<(String, String)>>>,
    pub(super) failing: Arc<Mutex<usize>>,
}

async fn take(State(haptik): State<Haptik>, Json(call): Json<Value>) -> (StatusCode, Json<Value>) {
    let rated = call.get("query_rating");
    let said = match rated {
        Some(rating) => format!("rated {rating}"),
        None => call["message_body"].as_str().unwrap_or_default().to_owned(),
    };
    let who = call.get("auth_id").unwrap_or(&call["user"]["auth_id"]);
    let mut told = haptik.told.lock().unwrap_or_else(PoisonError::into_inner);
    told.push((who.as_str().unwrap_or_default().to_owned(), said));
    let mut failing = haptik
        .failing
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if *failing > 0 {
        *failing -= 1;
        return (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({})));
    }
    (StatusCode::OK, Json(json!({"success": true})))
}

pub(super) struct Scene {
    pub(super) bridge: Arc<Bridge>,
    queue: LocalQueue,
    texts: Texts,
    pub(super) haptik: Haptik,
    began: Timestamp,
    _database: EmbeddedDynamoDb,
}

impl Scene {
    pub(super) async fn start() -> anyhow::Result<Self> {
        Self::with(Texts::default()).await
    }

    pub(super) async fn with(texts: Texts) -> anyhow::Result<Self> {
        Self::configured(texts, FormSettings::default()).await
    }

    pub(super) async fn configured(texts: Texts, forms: FormSettings) -> anyhow::Result<Self> {
        let haptik = Haptik::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let router = Router::new()
            .route("/v1.0/log_message_from_user/", post(take))
            .route("/v1.0/log_feedback_from_user/", post(take))
            .with_state(haptik.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let config = format!(
            r#"
            [haptik.main]
            base_url = "http://127.0.0.1:{port}"
            client_id = "client"
            token = "token"
            webhook_secrets = ["secret"]
            business_id = 343

            [channels.texts]
            type = "custom"
            signing_secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
            callback_url = "http://127.0.0.1:9"
            "#
        );
        let config = Config::parse(&config, &registry::all())?;
        let database = EmbeddedDynamoDb::start(None).await?;
        let queue = LocalQueue::new();
        let (table, http) = (database.table.clone(), net::client()?);
        let mut config = config;
        if let Some(channel) = config.channels.get_mut("texts") {
            channel.forms = forms;
        }
        let bridge = Bridge::with_client(config, table.clone(), Arc::new(queue.clone()), &http)?;
        let outlets = Outlets::new(&bridge, &table, &http, &Memory::default())?;
        let outlets = outlets.with::<Texts>("texts".into(), Box::new(texts.clone()));
        let bridge = Arc::new(bridge);
        queue.start(Processor::new(
            bridge.clone(),
            Arc::new(outlets),
            Arc::default(),
        ));
        let scene = Self {
            bridge,
            queue,
            texts,
            haptik,
            // Times are what decides, and not how long the test takes.
            began: Timestamp::now() - SignedDuration::from_hours(2),
            _database: database,
        };
        for name in ["one", "other"] {
            scene.knows(name).await?;
        }
        Ok(scene)
    }

    /// Has a user who is registered and is in the one conversation.
    pub(super) async fn knows(&self, name: &str) -> anyhow::Result<()> {
        let address = Address(json!("group"));
        let user = User::new(name.into(), "texts".into(), name.to_owned(), address);
        let users = &self.bridge.users;
        users.put_place(&user).await?;
        users.put_registered(&user.auth_id, "hash").await?;
        Ok(())
    }

    fn at(&self, second: i64) -> Timestamp {
        self.began + SignedDuration::from_secs(second)
    }

    pub(super) async fn settled(&self) {
        assert!(self.queue.idle(Duration::from_secs(20)).await);
    }

    /// Haptik says something, and it is shown.
    pub(super) async fn bot_says(&self, to: &str, second: i64, body: Value) -> anyhow::Result<()> {
        self.bot_begins_to_say(to, second, &body).await?;
        self.settled().await;
        Ok(())
    }

    pub(super) async fn bot_begins_to_say(
        &self,
        to: &str,
        second: i64,
        body: &Value,
    ) -> anyhow::Result<()> {
        let event = json!({"event_name": "message", "message": {"id": second, "body": body}});
        let payload = Payload::Webhook {
            account: "main".into(),
            body: event.to_string(),
        };
        let (lane, now) = (Lane::Channel(to.into()), self.at(second));
        let key = format!("{second:020}#message").into();
        let context = RequestContext::new("test", now);
        self.bridge
            .accept(context, &lane, &key, &payload, now)
            .await?;
        Ok(())
    }

    /// A user does something, and Haptik is told.
    pub(super) async fn user_does(
        &self,
        who: &str,
        second: i64,
        action: UserAction,
    ) -> anyhow::Result<()> {
        let now = self.at(second);
        let inbound = Inbound {
            key: format!("{second:020}#said").into(),
            at: now,
            auth_id: who.into(),
            user: who.to_owned(),
            address: Address(json!("group")),
            message_id: None,
            profile: None,
            addressed: Addressed::Yes,
            action,
            mentions: Vec::new(),
        };
        let context = RequestContext::new("test", now);
        self.bridge
            .accept_inbound(context, &"texts".into(), inbound, None)
            .await?;
        Ok(())
    }

    pub(super) async fn user_says(&self, who: &str, second: i64, text: &str) -> anyhow::Result<()> {
        self.user_does(who, second, said(text)).await?;
        self.settled().await;
        Ok(())
    }

    pub(super) fn shown(&self) -> Vec<String> {
        let shown = self.texts.shown.lock();
        let shown = shown.unwrap_or_else(PoisonError::into_inner);
        shown.iter().map(|(_, text)| text.clone()).collect()
    }

    /// What Haptik was told of a user.
    pub(super) fn told(&self, who: &str) -> Vec<String> {
        let told = self.haptik.told.lock();
        let told = told.unwrap_or_else(PoisonError::into_inner);
        let of_user = told.iter().filter(|(user, _)| user == who);
        of_user.map(|(_, text)| text.clone()).collect()
    }

    pub(super) async fn entry(&self, auth_id: &str, second: i64) -> anyhow::Result<Entry> {
        let lane = Lane::Channel(auth_id.into());
        let key = format!("{second:020}#message").into();
        let entry = self.bridge.ledger.entry(&lane, &key).await?;
        Ok(entry.expect("it was appended"))
    }

    pub(super) async fn user(&self, auth_id: &str) -> anyhow::Result<User> {
        let user = self.bridge.users.get(&auth_id.into()).await?;
        Ok(user.expect("it is known"))
    }
}
