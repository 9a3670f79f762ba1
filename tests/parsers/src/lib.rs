//! Every parser of what others send, as a function of bytes ([`Parser::read`]) that must not panic,
//! whatever the bytes are: for the tests, which go through samples and mutations of them, and for the
//! fuzz targets in `fuzz/`.
//!
//! Requests are signed here, so that what is tested is what lies behind the signature. All of them are
//! of one time: the same bytes do the same.

use std::sync::LazyLock;
use std::time::Duration;

use aws_sdk_dynamodb::config::BehaviorVersion;
use futures_util::FutureExt as _;
use haptik_bridge_channels::channel::{EdgeDeps, OutletDeps, Request};
use haptik_bridge_channels::erased::{AnyEdge, AnyEffect, AnyOutlet};
use haptik_bridge_channels::memory::Memory;
use haptik_bridge_channels::peer::PeerRequest;
use haptik_bridge_channels::registry::{DEFINITIONS, EDGES, OUTLETS};
use haptik_bridge_shared::config::{self, Config, Registry};
use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ids::{AuthIdSource, AuthIds, ConnectionId};
use haptik_bridge_shared::ledger::{Ledger, Payload};
use haptik_bridge_shared::message::hsl::Hsl;
use haptik_bridge_shared::message::{Inbound, Outgoing};
use haptik_bridge_shared::net::{self, Fetcher};
use haptik_bridge_shared::offers::Offers;
use haptik_bridge_shared::table::Table;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;
use standardwebhooks::Webhook;

/// A parser, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parser {
    /// What Slack posts, as it is: events are JSON, slash commands a form.
    Slack,
    /// The JSON in the form that Slack posts an interaction as.
    SlackInteraction,
    /// What an application on a custom channel posts.
    Custom,
    /// What Haptik delivers, and its rendering for both channels.
    Haptik,
    /// A message body in HSL, and its rendering for both channels.
    Hsl,
    /// The configuration.
    Toml,
}

impl Parser {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Slack,
        Self::SlackInteraction,
        Self::Custom,
        Self::Haptik,
        Self::Hsl,
        Self::Toml,
    ];

    /// Lets the parser read these bytes.
    ///
    /// # Panics
    /// When there is a mistake in it: when it panics itself, or what it made of the bytes cannot be read
    /// back from the ledger, or is inconsistent.
    pub fn read(self, bytes: &[u8]) {
        match self {
            Self::Slack => slack(bytes),
            Self::SlackInteraction => {
                let payload = String::from_utf8_lossy(bytes);
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                slack(form.append_pair("payload", &payload).finish().as_bytes());
            }
            Self::Custom => custom(bytes),
            Self::Haptik => haptik(bytes),
            Self::Hsl => hsl(bytes),
            Self::Toml => toml(bytes),
        }
    }
}

/// The time of all requests, in seconds since 1970.
const NOW: i64 = 1_795_341_600;

const SLACK_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const CUSTOM_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const REGISTRY: Registry = Registry {
    channels: DEFINITIONS,
    sinks: haptik_bridge_sinks::DEFINITIONS,
};

static CHANNELS: LazyLock<[Connection; 2]> = LazyLock::new(channels);

/// Both sides of a connection.
struct Connection {
    edge: Box<dyn AnyEdge>,
    outlet: Box<dyn AnyOutlet>,
}

fn channels() -> [Connection; 2] {
    let toml = format!(
        r#"
        [haptik.main]
        base_url = "https://haptik.example"
        client_id = "client"
        token = "token"
        webhook_secrets = ["secret"]
        business_id = 343

        [channels.slack]
        type = "slack"
        signing_secrets = ["{SLACK_SECRET}"]
        bot_token = "xoxb-1"
        tell_edits = true

        [channels.custom]
        type = "custom"
        signing_secrets = ["{CUSTOM_SECRET}"]
        callback_url = "https://app.example"
        "#
    );
    let config = Config::parse(&toml, &REGISTRY).expect("a good configuration");
    ["slack", "custom"].map(|name| connection(name, &config.channels[name]))
}

/// A connection whose table cannot be reached: no parser has to ask it.
fn connection(name: &str, channel: &config::Channel) -> Connection {
    let http = net::client().expect("a client");
    let dynamodb = aws_sdk_dynamodb::Config::builder().behavior_version(BehaviorVersion::latest());
    let table = Table::new(
        aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
        "none",
    );
    let edge = EdgeDeps {
        connection: name.into(),
        auth_ids: AuthIds::new(name.into(), AuthIdSource::Derived),
        http: http.clone(),
        table: table.clone(),
        memory: Memory::default(),
        offers: Offers::new(Ledger::new(table.clone(), Duration::from_secs(1))),
        agent_phrase: None,
        forms: haptik_bridge_shared::config::Forms::default(),
        fetcher: haptik_bridge_shared::net::Fetcher::new(true).expect("a client"),
    };
    let outlet = OutletDeps {
        connection: name.into(),
        http,
        fetcher: Fetcher::new(false).expect("a fetcher"),
        table: table.clone(),
        memory: Memory::default(),
        offers: Offers::new(Ledger::new(table, Duration::from_secs(1))),
        forms: config::Forms::default(),
    };
    let build_edge = EDGES.iter().find(|(known, _)| *known == name);
    let build_outlet = OUTLETS.iter().find(|(known, _)| *known == name);
    let (Some((_, build_edge)), Some((_, build_outlet))) = (build_edge, build_outlet) else {
        panic!("{name} is a channel");
    };
    Connection {
        edge: build_edge(channel, edge).expect("an edge"),
        outlet: build_outlet(channel, outlet).expect("an outlet"),
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).expect("a time")
}

fn slack(bytes: &[u8]) {
    let at = NOW.to_string();
    let mac = Hmac::<Sha256>::new_from_slice(SLACK_SECRET.as_bytes()).expect("any key");
    let mac = mac.chain_update(format!("v0:{at}:")).chain_update(bytes);
    let signature = format!("v0={}", hex::encode(mac.finalize().into_bytes()));
    let headers = headers(&[
        ("x-slack-request-timestamp", &at),
        ("x-slack-signature", &signature),
    ]);
    let received = receive(&CHANNELS[0], &headers, bytes);
    assert_ne!(
        received,
        Received::TurnedAway,
        "Slack is answered 200 whatever it sends"
    );
}

fn custom(bytes: &[u8]) {
    let key = Webhook::new(CUSTOM_SECRET).expect("a key");
    // The library signs text only.
    let Ok(signature) = key.sign("msg_1", NOW, bytes) else {
        return;
    };
    let headers = headers(&[
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", &NOW.to_string()),
        ("webhook-signature", &signature),
    ]);
    receive(&CHANNELS[1], &headers, bytes);
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let value = |text: &str| text.parse().expect("a header");
    pairs
        .iter()
        .map(|(name, text)| (http::HeaderName::from_static(name), value(text)))
        .collect()
}

/// What came of a request.
#[derive(Debug, PartialEq, Eq)]
enum Received {
    Taken,
    TurnedAway,
    /// The table would have to be asked first.
    NeedsTheTable,
}

/// What the function would do: what was received is stored, and read back to be delivered.
fn receive(channel: &Connection, headers: &HeaderMap, body: &[u8]) -> Received {
    let request = Request {
        method: &Method::POST,
        public_url: "https://bridge.example/channels/connection",
        path: "",
        query: "",
        headers,
        body,
    };
    let receipt = match channel.edge.receive(&request, now()).now_or_never() {
        Some(Ok(receipt)) => receipt,
        Some(Err(_)) => return Received::TurnedAway,
        None => return Received::NeedsTheTable,
    };
    for effect in &receipt.effects {
        match effect {
            AnyEffect::Inbound(inbound)
            | AnyEffect::Peer(PeerRequest::Begin(inbound) | PeerRequest::Forward(inbound)) => {
                inbound_survives(inbound);
            }
            AnyEffect::Run(task) => survives_the_ledger(&Payload::Task {
                connection: ConnectionId::from("connection"),
                task: task.clone(),
            }),
            AnyEffect::DeliveryReport { .. }
            | AnyEffect::Peer(PeerRequest::End(_))
            | AnyEffect::Operator(..)
            | AnyEffect::Unknown(_)
            | AnyEffect::NotUnderstood(_) => {}
        }
    }
    Received::Taken
}

fn inbound_survives(inbound: &Inbound) {
    survives_the_ledger(&Payload::Inbound {
        connection: ConnectionId::from("connection"),
        inbound: Box::new(inbound.clone()),
        handoff: None,
    });
}

fn survives_the_ledger(payload: &Payload) {
    let stored = serde_json::to_string(payload).expect("JSON");
    let read: Payload = serde_json::from_str(&stored).expect("what was stored can be read");
    // Numbers may differ in how they are written; what matters is that nothing is lost.
    assert_eq!(
        serde_json::to_string(&read).expect("JSON").len(),
        stored.len(),
        "what is read is what was stored"
    );
}

fn haptik(bytes: &[u8]) {
    let Ok(event) = Event::read(bytes) else {
        return;
    };
    let key = event.key(bytes);
    let Some(content) = event.content() else {
        return;
    };
    let outgoing = Outgoing {
        key,
        auth_id: event.auth_id.unwrap_or_else(|| "nobody".into()),
        user: "U1".to_owned(),
        at: event.timestamp.unwrap_or_default(),
        received_at: now(),
        sender: event.sender,
        message_id: event.message_id,
        in_reply_to: None,
        handoff: None,
        content,
    };
    for channel in CHANNELS.iter() {
        for (index, part) in channel.outlet.render(&outgoing).iter().enumerate() {
            assert_eq!(part.index, index, "parts are numbered");
            assert!(part.body.is_object(), "a part is a JSON object");
        }
    }
}

/// As the body of a message that Haptik delivers: an object, or one in a string.
fn hsl(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let object: Value = serde_json::from_slice(bytes).unwrap_or_default();
    for body in [object, Value::from(text)] {
        let actionables = Hsl::read(&body).actionables().count();
        assert!(actionables <= bytes.len());
        let event = json!({"event_name": "message", "message": {"id": 1, "body": body}});
        haptik(event.to_string().as_bytes());
    }
}

fn toml(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Config::parse(text, &REGISTRY) {
        Ok(config) => drop(config.warnings()),
        Err(errors) => assert!(!errors.to_string().is_empty(), "an error that says nothing"),
    }
}
