//! The demo: what `cargo run` shows when nothing is configured. A page with a chat and a console, an
//! application behind it that talks with the bridge as any application of one's own does (the custom
//! channel, signed both ways), the simulator as the Haptik platform, and a CRM in which a ticket is made
//! after each conversation. Every message takes the whole real path over HTTP.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use crate::registry;
use anyhow::Context as _;
use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::config::Config;
use haptik_bridge_shared::ids::EntryKey;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::Payload;
use haptik_bridge_shared::retry::FailureReason;
use haptik_bridge_simulator::{Behaviour, Settings, Simulator};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::sync::broadcast;

use crate::feed::{Feed, Item};

mod tickets;

use tickets::Tickets;

/// The page.
const PAGE: &str = include_str!("demo/page.html");

/// Where `examples/` have a bot that is not Haptik's, and the signing secret that they expect. It opens
/// nothing but the demo.
const EXTERNAL_BOT: (&str, &str) = (
    "http://127.0.0.1:4000/callback",
    "whsec_aGFwdGlrLWJyaWRnZSBkZW1vOiBub3QgYSBzZWNyZXQ=",
);

/// How many records of each kind the simulator keeps.
const SIMULATOR_KEEPS: usize = 500;

/// How soon a page that has lost its connection comes back.
const COMES_BACK: Duration = Duration::from_millis(500);

/// The demo's secrets, made anew at each start, and where it is served.
#[derive(Debug)]
pub struct Demo {
    base_url: String,
    client_id: String,
    token: SecretString,
    webhook_secret: SecretString,
    signing_secret: SecretString,
}

/// The application behind the page.
#[derive(Clone)]
struct App {
    bridge: Arc<Bridge>,
    hops: Feed,
    messages: Feed,
    /// Tells the messages of this process from those of an earlier one.
    start: u32,
    webhook: Arc<Webhook>,
    channel_url: Arc<str>,
    http: reqwest::Client,
}

/// What the page sends: what the user did, as the custom channel has it, without what the application
/// adds (`id`, `timestamp`).
#[derive(Deserialize)]
struct Done {
    user: Value,
    #[serde(flatten)]
    act: serde_json::Map<String, Value>,
}

/// A place in the ledger.
#[derive(Deserialize)]
struct Place {
    lane: String,
    key: String,
}

impl Demo {
    /// A demo served at `base_url` (`http://127.0.0.1:3000`).
    #[must_use]
    pub fn new(base_url: String) -> Self {
        Self {
            base_url,
            client_id: format!("demo-{:08x}", fastrand::u32(..)),
            token: secret("").into(),
            webhook_secret: secret("").into(),
            signing_secret: secret("whsec_").into(),
        }
    }

    /// The configuration that a real bridge would have in a file.
    ///
    /// # Errors
    /// Never, unless this function is wrong.
    pub fn config(&self) -> anyhow::Result<Config> {
        let Self {
            base_url,
            client_id,
            ..
        } = self;
        let [token, webhook_secret, signing_secret] =
            [&self.token, &self.webhook_secret, &self.signing_secret]
                .map(ExposeSecret::expose_secret);
        let (bot_url, bot_secret) = EXTERNAL_BOT;
        let toml = format!(
            r#"
            [haptik.demo]
            base_url = "{base_url}/simulator"
            client_id = "{client_id}"
            token = "{token}"
            webhook_secrets = ["{webhook_secret}"]
            business_id = 343

            [channels.web]
            type = "custom"
            signing_secrets = ["{signing_secret}"]
            callback_url = "{base_url}/demo/callback"

            [channels.my-bot]
            type = "custom"
            signing_secrets = ["{bot_secret}"]
            callback_url = "{bot_url}"
            handoff_only = true
            team_name = "Support"
            countdown = 5

            [sinks.tickets]
            type = "zendesk"
            events = ["webhook_conversation_complete", "chat_complete"]
            base_url = "{base_url}/demo/crm"
            email = "bridge@demo.example"
            api_token = "{token}"
            follow_ups = true

            [outbound]
            allow_private_networks = true
            "#
        );
        Config::parse(&toml, &registry::all()).context("the demo's own configuration")
    }

    /// The Haptik platform of the demo.
    #[must_use]
    pub fn simulator(&self) -> Simulator {
        Simulator::new(Settings {
            client_id: self.client_id.clone(),
            token: self.token.clone(),
            webhook_secret: self.webhook_secret.clone(),
            webhook_url: Some(format!("{}/haptik/demo", self.base_url)),
            public_url: Some(format!("{}/simulator", self.base_url)),
            keep_records: SIMULATOR_KEEPS,
            behaviour: Behaviour {
                idle_seconds: Some(480),
                ..Behaviour::default()
            },
            ..Settings::default()
        })
    }

    /// The page at `/`, the application behind it below `/demo`, and the simulator below `/simulator`.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn router(
        &self,
        bridge: Arc<Bridge>,
        hops: Feed,
        simulator: &Simulator,
    ) -> anyhow::Result<Router> {
        let app = App {
            bridge,
            hops,
            messages: Feed::new(),
            start: fastrand::u32(..),
            webhook: Arc::new(Webhook::new(self.signing_secret.expose_secret())?),
            channel_url: format!("{}/channels/web", self.base_url).into(),
            http: haptik_bridge_shared::net::client()?,
        };
        let tickets = Tickets::default();
        let shown = tickets.clone();
        Ok(Router::new()
            .route("/", get(|| async { Html(PAGE) }))
            .route("/demo/do", post(act))
            .route("/demo/callback", post(callback))
            .route("/demo/events", get(events))
            .route("/demo/entry", get(entry))
            .with_state(app)
            .route(
                "/demo/tickets",
                get(move || async move { Json(shown.all()) }),
            )
            .nest("/demo/crm", tickets.router())
            .nest("/simulator", simulator.router()))
    }
}

/// Passes on what the user did, signed, as any application would.
async fn act(State(app): State<App>, Json(done): Json<Done>) -> Response {
    let now = Timestamp::now();
    let id = format!("web-{:016x}", fastrand::u64(..));
    let mut body = done.act;
    body.insert("id".to_owned(), id.as_str().into());
    body.insert("timestamp".to_owned(), now.to_string().into());
    body.insert("user".to_owned(), done.user);
    let body = Value::Object(body).to_string();
    let Ok(signature) = app.webhook.sign(&id, now.as_second(), body.as_bytes()) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let sent = app
        .http
        .post(app.channel_url.as_ref())
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", now.as_second())
        .header("webhook-signature", signature)
        .body(body)
        .send()
        .await;
    let answered = match sent {
        Ok(response) => (response.status(), response.text().await.unwrap_or_default()),
        Err(_) => (
            StatusCode::BAD_GATEWAY,
            "the bridge does not answer".to_owned(),
        ),
    };
    answered.into_response()
}

/// Takes what the bridge brings, once its signature is checked, and shows it on the page.
async fn callback(State(app): State<App>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if app.webhook.verify(&body, &headers).is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(text) = std::str::from_utf8(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    app.messages.push(text);
    StatusCode::NO_CONTENT
}

/// Everything that the page shows, as it happens: `message` events for the chat, `hop` events for the
/// console. A page that has lost its connection gets the messages that it missed.
async fn events(
    State(app): State<App>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let start = app.start;
    let hop = |(_, hop): Item| Event::default().event("hop").data(hop);
    let message = move |(number, message): Item| {
        let id = format!("{start}-{number}");
        Event::default().event("message").id(id).data(message)
    };
    let hops = stream_of(app.hops.listen(0)).map(hop);
    let messages = stream_of(app.messages.listen(seen(&headers, start))).map(message);
    let first = stream::iter([Event::default().retry(COMES_BACK)]);
    let events = first.chain(stream::select(hops, messages));
    Sse::new(events.map(Ok)).keep_alive(KeepAlive::default())
}

/// The number of the last message that a page has seen: none of this process when it comes from an
/// earlier one, all when it is new.
fn seen(headers: &HeaderMap, start: u32) -> u64 {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let Some((of, number)) = last.and_then(|id| id.split_once('-')) else {
        return u64::MAX;
    };
    if of == start.to_string() {
        number.parse().unwrap_or(0)
    } else {
        0
    }
}

fn stream_of((past, coming): (Vec<Item>, broadcast::Receiver<Item>)) -> impl Stream<Item = Item> {
    let coming = stream::unfold(coming, |mut coming| async move {
        loop {
            match coming.recv().await {
                Ok(item) => return Some((item, coming)),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    });
    stream::iter(past).chain(coming)
}

/// What an entry of the ledger holds: the page asks for it when somebody wants to see a payload.
async fn entry(State(app): State<App>, Query(place): Query<Place>) -> Response {
    let Ok(lane) = place.lane.parse::<Lane>() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match app
        .bridge
        .ledger
        .entry(&lane, &EntryKey::from(place.key))
        .await
    {
        Ok(Some(entry)) => {
            let payload = match &entry.payload {
                Payload::Webhook { body, .. } => {
                    serde_json::from_str(body).unwrap_or_else(|_| body.as_str().into())
                }
                payload => serde_json::to_value(payload).unwrap_or_default(),
            };
            Json(json!({
                "state": entry.state,
                "attempts": entry.attempts,
                "reason": entry.why().map(FailureReason::in_full),
                "received_at": entry.received_at,
                "ended_at": entry.ended_at,
                "payload": payload,
            }))
            .into_response()
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// A prefix and 32 random bytes in base64. The demo is on this machine only: a fast generator will do.
fn secret(prefix: &str) -> String {
    let bytes: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..))
        .take(32)
        .collect();
    prefix.to_owned() + &STANDARD.encode(bytes)
}
