//! The demo: what `cargo run` shows when nothing is configured. A page with a chat and a console, an
//! application behind it that talks with the bridge as any application of one's own does (the custom
//! channel, signed both ways), the simulator as the Haptik platform, and a CRM in which a ticket is made
//! after each conversation. Every message takes the whole real path over HTTP.

use std::sync::Arc;

use anyhow::Context as _;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::config::Config;
use haptik_bridge_shared::ids::EntryKey;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, Payload};
use haptik_bridge_shared::retry::FailureReason;
use haptik_bridge_simulator::{Behaviour, Settings, Simulator};
use http::StatusCode;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use standardwebhooks::Webhook;

use crate::feed::Feed;
use crate::registry;
use crate::replay::revive;

mod conversation;
mod page;
mod tickets;

use conversation::Conversation;
use tickets::Tickets;

/// Where `examples/` have a bot that is not Haptik's, and the signing secret that they expect. It opens
/// nothing but the demo.
const EXTERNAL_BOT: (&str, &str) = (
    "http://127.0.0.1:4000/callback",
    "whsec_aGFwdGlrLWJyaWRnZSBkZW1vOiBub3QgYSBzZWNyZXQ=",
);

/// How many records of each kind the simulator keeps.
const SIMULATOR_KEEPS: usize = 500;

/// The demo's secrets, made anew at each start, and where it is served.
#[derive(Debug)]
pub struct Demo {
    base_url: String,
    client_id: String,
    token: SecretString,
    webhook_secret: SecretString,
    signing_secret: SecretString,
}

/// What the page looks up: the ledger, and the queue by which something is taken up again.
#[derive(Clone)]
struct Lookup(Arc<Bridge>);

/// A place in the ledger.
#[derive(Deserialize)]
struct EntryRef {
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

    /// The routes, for whoever calls this machine by its address or as `localhost`: with a name that
    /// somebody else's server resolves to this machine (DNS rebinding), any web page could drive the demo.
    pub fn guarded(router: Router) -> Router {
        page::guarded(router)
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
        let webhook = Webhook::new(self.signing_secret.expose_secret())?;
        let conversation = Conversation::new(hops, webhook, &self.base_url)?;
        let tickets = Tickets::default();
        let shown = tickets.clone();
        Ok(Router::new()
            .route("/demo/entry", get(entry))
            .route("/demo/replay", post(replay))
            .with_state(Lookup(bridge))
            .route(
                "/demo/tickets",
                get(move || async move { Json(shown.all()) }),
            )
            .merge(page::router())
            .merge(conversation.router())
            .nest("/demo/crm", tickets.router())
            .nest("/simulator", simulator.router()))
    }
}

/// What an entry of the ledger holds: the page asks for it when somebody wants to see a payload.
async fn entry(State(lookup): State<Lookup>, Query(place): Query<EntryRef>) -> Response {
    match lookup.entry(place).await {
        Ok(entry) => {
            let payload = match &entry.payload {
                Payload::Webhook { body, .. } => {
                    serde_json::from_str(body).unwrap_or_else(|_| body.as_str().into())
                }
                payload => payload.shown(),
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
        Err(status) => status.into_response(),
    }
}

/// Delivers again what was given up, at once.
async fn replay(State(lookup): State<Lookup>, Json(place): Json<EntryRef>) -> Response {
    let entry = match lookup.entry(place).await {
        Ok(entry) => entry,
        Err(status) => return status.into_response(),
    };
    let bridge = &lookup.0;
    match revive(
        &bridge.ledger,
        Some(&*bridge.queue),
        &entry,
        Timestamp::now(),
    )
    .await
    {
        Ok(true) => StatusCode::ACCEPTED.into_response(),
        Ok(false) => StatusCode::CONFLICT.into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

impl Lookup {
    async fn entry(&self, place: EntryRef) -> Result<Entry, StatusCode> {
        let Ok(lane) = place.lane.parse::<Lane>() else {
            return Err(StatusCode::NOT_FOUND);
        };
        let found = self.0.ledger.entry(&lane, &EntryKey::from(place.key)).await;
        let found = found.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        found.ok_or(StatusCode::NOT_FOUND)
    }
}

/// A prefix and 32 random bytes in base64. The demo is on this machine only: a fast generator will do.
fn secret(prefix: &str) -> String {
    let bytes: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..))
        .take(32)
        .collect();
    prefix.to_owned() + &STANDARD.encode(bytes)
}
