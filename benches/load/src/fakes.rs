//! A fake Haptik, which answers each message with one, and the fake application on a custom channel, which gets the
//! answers. Both do as little as they can: what is measured is the bridge.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, header};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha1::Sha1;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

use crate::arrivals::Arrivals;
use crate::peer::{Caller, Clock, Said};

/// The account's secret, and the queue.
pub(crate) const WEBHOOK_SECRET: &str = "load-webhook-secret";
pub(crate) const BUSINESS_ID: u64 = 343;

/// The fakes of one run, and what they saw.
#[derive(Debug)]
pub(crate) struct Fakes {
    pub(crate) clock: Clock,
    pub(crate) caller: Caller,
    /// What Haptik got of the users.
    pub(crate) at_haptik: Arrivals,
    /// How long the bridge took to take an answer.
    pub(crate) answers_taken: Arrivals,
    /// What the users got.
    pub(crate) at_users: Arrivals,
    /// How long it took from the user's message to its answer.
    pub(crate) there_and_back: Arrivals,
    /// How many messages the users have written.
    pub(crate) written: AtomicU64,
    /// How often the bridge did not take an answer.
    pub(crate) refused: AtomicU64,
    /// Where the bridge takes Haptik's deliveries.
    webhook: Mutex<String>,
    /// Since when it counts.
    pub(crate) measured_from: watch::Sender<Option<Duration>>,
    /// Tells the users that one of them got something.
    pub(crate) got: Vec<Notify>,
    message_ids: AtomicU64,
    /// Whose messages are measured; everybody's where there is nobody.
    of_one: Option<usize>,
}

impl Fakes {
    /// The fakes of a run in which one user's messages are measured.
    pub(crate) fn of_one(users: usize, user: usize) -> Self {
        Self {
            of_one: Some(user),
            ..Self::new(users)
        }
    }

    pub(crate) fn new(users: usize) -> Self {
        Self {
            clock: Clock::begin(),
            caller: Caller::new(),
            at_haptik: Arrivals::new(users),
            answers_taken: Arrivals::new(0),
            at_users: Arrivals::new(users),
            there_and_back: Arrivals::new(0),
            written: AtomicU64::default(),
            refused: AtomicU64::default(),
            webhook: Mutex::default(),
            measured_from: watch::Sender::default(),
            got: (0..users).map(|_| Notify::new()).collect(),
            message_ids: AtomicU64::new(1_000_000),
            of_one: None,
        }
    }

    /// Serves both, Haptik below `/haptik`, the application at `/callback`; returns where.
    pub(crate) async fn serve(self: &Arc<Self>) -> anyhow::Result<SocketAddr> {
        let haptik = Router::new()
            .route("/v1.0/user/", post(taken).put(taken))
            .route("/v1.0/log_message_from_user/", post(log_message))
            .route("/v1.0/webhook/", put(enabled).post(enabled));
        let router = Router::new()
            .nest("/haptik", haptik)
            .route("/callback", post(callback))
            .route("/health", get(async || StatusCode::OK))
            .with_state(self.clone());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(address)
    }

    /// Tells Haptik where the bridge is.
    pub(crate) fn set_webhook(&self, bridge: &str) {
        let mut webhook = self.webhook.lock().unwrap_or_else(PoisonError::into_inner);
        *webhook = format!("{bridge}/haptik/main");
    }

    /// How long ago the measuring began, if a message counts.
    pub(crate) fn counts(&self, said: &Said) -> Option<Duration> {
        let from = (*self.measured_from.borrow())?;
        let is_measured = self.of_one.is_none_or(|one| one == said.user);
        (is_measured && said.written >= from).then(|| self.clock.now().saturating_sub(from))
    }

    /// Answers what a user said, by way of the webhook.
    async fn answer(self: Arc<Self>, auth_id: String, said: Said) {
        let id = self.message_ids.fetch_add(1, Ordering::Relaxed);
        let said = Said {
            answered: self.clock.now(),
            ..said
        };
        let body = event(&auth_id, id, &said.text()).to_string();
        let mut mac = Hmac::<Sha1>::new_from_slice(WEBHOOK_SECRET.as_bytes()).expect("any key");
        mac.update(body.as_bytes());
        let signature = format!("sha1={}", hex::encode(mac.finalize().into_bytes()));
        let webhook = self
            .webhook
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let request = Request::post(webhook)
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-hub-signature", signature)
            .body(Bytes::from(body));
        let Ok(request) = request else { return };
        match self.caller.send(&request).await {
            Ok(refused) => {
                self.refused.fetch_add(refused, Ordering::Relaxed);
                if let Some(at) = self.counts(&said) {
                    let took = self.clock.now().saturating_sub(said.answered);
                    self.answers_taken.took(took, at);
                }
            }
            // What is lost is found at the end.
            Err(error) => eprintln!("load: {error:#}"),
        }
    }
}

/// A delivery, shaped as Haptik's documentation has it (<https://docs.haptik.ai/webhooks/webhook-payload>).
fn event(auth_id: &str, message_id: u64, text: &str) -> Value {
    json!({
        "version": "1.0",
        "timestamp": Timestamp::now().to_string(),
        "event_name": "message",
        "business_id": BUSINESS_ID,
        "business_name": "Load",
        "user": {"auth_id": auth_id, "user_name": format!("name-{auth_id}"), "device_platform": "13"},
        "agent": {"id": 4415, "name": "gogo", "profile_image": "https://example.com/bot.png", "is_automated": true},
        "message": {"id": message_id, "body": {"text": text, "type": "TEXT", "data": {"quick_replies": []}}},
    })
}

async fn taken() -> Json<Value> {
    Json(json!({"success": true}))
}

async fn enabled() -> Json<Value> {
    Json(json!({"enabled": true}))
}

async fn log_message(State(fakes): State<Arc<Fakes>>, Json(body): Json<Value>) -> Json<Value> {
    let id = fakes.message_ids.fetch_add(1, Ordering::Relaxed);
    let text = body["message_body"].as_str().unwrap_or_default();
    let auth_id = body["user"]["auth_id"].as_str().unwrap_or_default();
    if let Some(said) = Said::read(text)
        && fakes.at_haptik.take(said.user, said.number)
    {
        if let Some(at) = fakes.counts(&said) {
            let took = fakes.clock.now().saturating_sub(said.written);
            fakes.at_haptik.took(took, at);
        }
        tokio::spawn(fakes.clone().answer(auth_id.to_owned(), said));
    }
    Json(json!({"success": true, "message_id": id}))
}

async fn callback(State(fakes): State<Arc<Fakes>>, Json(body): Json<Value>) -> StatusCode {
    let text = body["text"].as_str().unwrap_or_default();
    if let Some(said) = Said::read(text)
        && fakes.at_users.take(said.user, said.number)
    {
        if let Some(at) = fakes.counts(&said) {
            let now = fakes.clock.now();
            fakes.at_users.took(now.saturating_sub(said.answered), at);
            fakes
                .there_and_back
                .took(now.saturating_sub(said.written), at);
        }
        if let Some(got) = fakes.got.get(said.user) {
            got.notify_one();
        }
    }
    StatusCode::NO_CONTENT
}
