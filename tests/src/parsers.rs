//! Every parser of what others send, as a function of bytes that must not panic, whatever the bytes are.
//! A test goes through samples and what a seeded [`Mutator`] makes of them; a fuzzer can call
//! [`Parser::read`] as it is.
//!
//! Requests are signed here, so that what is tested is what lies behind the signature.

use std::path::Path;
use std::sync::LazyLock;

use haptik_bridge_shared::channel::custom::Custom;
use haptik_bridge_shared::channel::slack::{Slack, Workspaces};
use haptik_bridge_shared::channel::{Channel, Outgoing, Received, Request};
use haptik_bridge_shared::config::{ChannelKind, Config, Secrets};
use haptik_bridge_shared::haptik::hsl::Hsl;
use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ids::ConnectionId;
use haptik_bridge_shared::outbound::{self, Fetcher};
use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde_json::Value;
use standardwebhooks::Webhook;

use crate::app;
use crate::fake_slack::{self, fixtures};

/// A parser, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parser {
    /// What Slack posts: events, interactions, commands.
    Slack,
    /// What an application on a custom channel posts.
    Custom,
    /// What Haptik delivers, and its rendering for both channels.
    Haptik,
    /// A message body in HSL.
    Hsl,
    /// The configuration.
    Toml,
}

impl Parser {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Slack,
        Self::Custom,
        Self::Haptik,
        Self::Hsl,
        Self::Toml,
    ];

    /// Lets the parser read these bytes.
    pub fn read(self, bytes: &[u8]) {
        match self {
            Self::Slack => drop(slack(bytes)),
            Self::Custom => drop(custom(bytes)),
            Self::Haptik => haptik(bytes),
            Self::Hsl => hsl(bytes),
            Self::Toml => toml(bytes),
        }
    }

    /// Samples of what it reads.
    ///
    /// # Panics
    /// When a sample cannot be read.
    #[must_use]
    pub fn samples(self) -> Vec<Vec<u8>> {
        let shared = |prefix| read_all(Path::new("../shared/tests/samples"), prefix);
        match self {
            Self::Slack => {
                let client = fake_slack::SlackClient::new(
                    SIGNING_SECRET,
                    std::sync::Arc::new(Timestamp::now),
                );
                fixtures()
                    .iter()
                    .map(|fixture| client.signed_parts(fixture.delivery()).1)
                    .collect()
            }
            Self::Custom => CUSTOM.iter().map(|text| text.as_bytes().to_vec()).collect(),
            Self::Haptik => shared("webhook-"),
            Self::Hsl => shared("hsl-"),
            Self::Toml => read_all(Path::new(".."), "bridge.example"),
        }
    }
}

/// Makes new inputs of samples: the same ones for the same seed.
#[derive(Debug)]
pub struct Mutator {
    random: fastrand::Rng,
    samples: Vec<Vec<u8>>,
}

impl Mutator {
    /// A mutator of these samples.
    #[must_use]
    pub fn new(seed: u64, samples: Vec<Vec<u8>>) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            samples,
        }
    }

    /// The next input.
    pub fn next_input(&mut self) -> Vec<u8> {
        let mut input = self.sample();
        for _ in 0..self.random.usize(1..8) {
            let at = self.random.usize(..=input.len());
            let length = self.random.usize(0..64).min(input.len() - at);
            match self.random.u8(0..6) {
                0 => drop(input.drain(at..at + length)),
                1 => {
                    let copy = input[at..at + length].to_vec();
                    input.splice(at..at, copy);
                }
                2 => {
                    let other = self.sample();
                    let from = self.random.usize(..=other.len());
                    input.splice(at.., other[from..].iter().copied());
                }
                3 if at < input.len() => input[at] = self.random.u8(..),
                _ => {
                    let token = self.random.choice(TOKENS).copied().unwrap_or_default();
                    input.splice(at..at + length, token.bytes());
                }
            }
            input.truncate(64 * 1024);
        }
        input
    }

    fn sample(&mut self) -> Vec<u8> {
        let index = self.random.usize(..self.samples.len().max(1));
        self.samples.get(index).cloned().unwrap_or_default()
    }
}

/// What parsers stumble over.
const TOKENS: &[&str] = &[
    "",
    "null",
    "{}",
    "[]",
    "\"\"",
    "true",
    "-1",
    "1e999",
    "18446744073709551616",
    "0.0000001",
    "\"",
    "\\u0000",
    "\\ud800",
    "ü",
    "👩‍👩‍👧",
    "\u{202e}",
    "<!channel>",
    "<@U1|",
    "&lt;",
    "```",
    "*_~`",
    "{{{{",
    "[[[[[[[[[[[[",
    "{\"data\":{\"data\":",
    "%",
    "%00",
    "payload=",
    "=",
    "#",
    "\n",
    "\r\n",
    "[channels.x]\n",
    "\"\"\"",
    "2026-13-45T99:99:99Z",
    "9999999999.999999",
    "https://[::1]",
    "http://169.254.169.254/",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
];

/// Requests of the custom channel.
const CUSTOM: &[&str] = &[
    r#"{"type": "message", "id": "m-1", "timestamp": "2026-11-22T10:00:00Z", "text": "hello", "user": {"id": "u-42", "name": "Asha", "email": "a@example.com", "mobile_no": "1", "language_code": "en", "custom_data": {"plan": "gold"}}, "attachments": [{"url": "https://example.com/bill.pdf", "name": "bill.pdf", "mime_type": "application/pdf"}]}"#,
    r#"{"type": "action", "id": "m-2", "timestamp": "2026-11-22T10:00:00Z", "user": {"id": "u-42"}, "value": "yes"}"#,
    r#"{"type": "feedback", "id": "m-3", "timestamp": "2026-11-22T10:00:00Z", "user": {"id": "u-42"}, "rating": 5, "resolved": true, "comment": "good"}"#,
];

const SIGNING_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";

static CHANNELS: LazyLock<(Slack, Custom)> = LazyLock::new(channels);

fn channels() -> (Slack, Custom) {
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
        signing_secrets = ["{SIGNING_SECRET}"]
        bot_token = "xoxb-1"

        [channels.custom]
        type = "custom"
        signing_secrets = ["{}"]
        callback_url = "https://app.example"
        "#,
        app::SECRET
    );
    let config = Config::parse(&toml).expect("a good configuration");
    let http = outbound::client().expect("a client");
    let fetcher = Fetcher::new(false).expect("a fetcher");
    let (mut slack, mut custom) = (None, None);
    for (name, channel) in config.channels {
        let id = ConnectionId::from(name);
        let (http, fetcher) = (http.clone(), fetcher.clone());
        match &channel.kind {
            ChannelKind::Slack(settings) => {
                let workspaces = Workspaces::one(Secrets::new("xoxb-1", []));
                slack = Some(Slack::new(id, settings, workspaces, http, fetcher));
            }
            ChannelKind::Custom(settings) => custom = Custom::new(id, settings, http, fetcher).ok(),
        }
    }
    slack.zip(custom).expect("both are configured")
}

fn slack(bytes: &[u8]) -> Option<Received> {
    let now = Timestamp::now();
    let at = now.as_second().to_string();
    let signature = fake_slack::sign(SIGNING_SECRET, &at, bytes);
    let headers = headers(&[
        ("x-slack-request-timestamp", &at),
        ("x-slack-signature", &signature),
    ]);
    receive(&CHANNELS.0, &headers, bytes, now)
}

fn custom(bytes: &[u8]) -> Option<Received> {
    let now = Timestamp::now();
    let signature =
        Webhook::new(app::SECRET).and_then(|key| key.sign("msg_1", now.as_second(), bytes));
    let headers = headers(&[
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", &now.as_second().to_string()),
        ("webhook-signature", &signature.ok()?),
    ]);
    receive(&CHANNELS.1, &headers, bytes, now)
}

fn receive(
    channel: &dyn Channel,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Option<Received> {
    let request = Request {
        method: &Method::POST,
        path: "",
        query: "",
        headers,
        body,
    };
    channel.receive(&request, now).ok()
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let value = |text: &str| text.parse().ok();
    pairs
        .iter()
        .filter_map(|(name, text)| Some((http::HeaderName::from_static(name), value(text)?)))
        .collect()
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
        received_at: Timestamp::now(),
        sender: event.sender,
        message_id: event.message_id,
        handoff: None,
        content,
    };
    for channel in [&CHANNELS.0 as &dyn Channel, &CHANNELS.1] {
        let parts = channel.render(&outgoing);
        assert!(
            parts
                .iter()
                .enumerate()
                .all(|(index, part)| part.index == index)
        );
    }
}

/// As the body of a message that Haptik delivers: an object, or one in a string.
fn hsl(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let object: Value = serde_json::from_slice(bytes).unwrap_or_default();
    for body in [object, Value::from(text)] {
        let actionables = Hsl::read(&body).actionables().count();
        assert!(actionables <= bytes.len());
        let event =
            serde_json::json!({"event_name": "message", "message": {"id": 1, "body": body}});
        haptik(event.to_string().as_bytes());
    }
}

fn toml(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Config::parse(text) {
        Ok(config) => drop(config.warnings()),
        Err(errors) => assert!(!errors.to_string().is_empty(), "an error that says nothing"),
    }
}

/// The files in a directory of the repository whose name begins like this.
fn read_all(directory: &Path, prefix: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let files = std::fs::read_dir(&directory).expect("the directory of the samples");
    let mut paths: Vec<_> = files
        .filter_map(|file| Some(file.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy());
            name.is_some_and(|name| name.starts_with(prefix))
        })
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).expect("a readable sample"))
        .collect()
}
