//! A fake of Microsoft Teams' Bot Connector: the calls that the bridge makes, and the activities that it
//! receives.
//!
//! [`FakeTeams::start`] serves, on a free port of this machine, the connector's API, the place where bots get
//! their access tokens, and the keys that the connector's own tokens are verified with. It refuses what the
//! documentation refuses: a text and a card in one activity, more than 28 KB, elements that a card of version
//! 1.5 has not, another bot's token.
//!
//! Nothing here uses the bridge's own code but its HTTP client: the two are written apart from each other.

mod check;
mod provider;
mod server;
mod shown;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use haptik_bridge_shared::net;
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::fake_google_chat::tokens;
use crate::faults::{Port, Server};
use crate::provider::Request;

/// The bot's application id.
pub const APP: &str = "11111111-2222-3333-4444-555555555555";

/// The tenant.
pub const TENANT: &str = "a1b2c3d4-e5f6-7890-abcd-ef1234567890";

/// The bot's secret.
pub const SECRET: &str = "fake-client-secret-of-the-bot-0123456789";

/// A running fake. It stops when it is dropped.
#[derive(Debug)]
pub struct FakeTeams {
    state: Arc<State>,
    server: Server,
}

/// An activity of the bot's.
#[derive(Clone, Debug)]
struct Posted {
    conversation: String,
    id: String,
    body: Value,
}

/// Everything that changes.
#[derive(Debug, Default)]
struct Store {
    posted: Vec<Posted>,
    files: HashMap<String, Bytes>,
    /// Conversations that the bot was removed from.
    removed: BTreeSet<String>,
    access_tokens: Vec<String>,
    given_tokens: Vec<String>,
    refusals: Vec<String>,
    /// The paths that were called.
    calls: Vec<String>,
    webhook_url: String,
    /// For which channels the connector's keys are good.
    endorsements: Vec<&'static str>,
    last_id: u64,
    /// Where it is.
    origin: String,
    /// Where the bridge calls it, which may be a proxy before it, another one after each start.
    base_url: String,
}

#[derive(Debug)]
struct State {
    store: Mutex<Store>,
    /// Calls the proxy.
    http: reqwest::Client,
}

impl State {
    fn read<T>(&self, read: impl FnOnce(&Store) -> T) -> T {
        read(&self.store.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        change(&mut self.store.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn next_id(&self) -> u64 {
        self.change(|store| {
            store.last_id += 1;
            store.last_id
        })
    }
}

/// Whether Teams takes an activity.
///
/// # Errors
/// What is wrong with it.
pub fn takes(activity: &Value) -> Result<(), String> {
    check::wrong(activity).map_or(Ok(()), |(_, words)| Err(words))
}

impl FakeTeams {
    /// Starts it.
    ///
    /// # Panics
    /// When no port can be bound, or there is no TLS.
    pub async fn start() -> Self {
        let port = Port::open().await;
        let state = Arc::new(State {
            store: Mutex::default(),
            http: net::client().expect("a client"),
        });
        state.change(|store| {
            port.origin().clone_into(&mut store.origin);
            port.origin().clone_into(&mut store.base_url);
            store.endorsements = vec!["msteams", "webchat"];
        });
        let router = server::router(Arc::clone(&state));
        let server = port.serve(router, Arc::new(server::TeamsDialect));
        Self { state, server }
    }

    /// The bot's activities in a conversation, oldest first, as they are now, with their `id`.
    #[must_use]
    pub fn activities(&self, conversation: &str) -> Vec<Value> {
        self.state.read(|store| {
            let posted = store.posted.iter();
            let own = posted.filter(|posted| posted.conversation == conversation);
            own.map(|posted| {
                let mut body = posted.body.clone();
                body["id"] = posted.id.clone().into();
                body
            })
            .collect()
        })
    }

    /// The personal chat with a user.
    #[must_use]
    pub fn personal(&self, user: &str) -> String {
        format!("a:{user}")
    }

    /// The bot is removed from a conversation.
    pub fn remove_from(&self, conversation: &str) {
        self.state
            .change(|store| store.removed.insert(conversation.to_owned()));
    }

    /// The connector's keys are good for these channels alone.
    pub fn endorse(&self, channels: Vec<&'static str>) {
        self.state.change(|store| store.endorsements = channels);
    }

    /// What somebody pasted, as an attachment of an activity: only the bot may have it.
    #[must_use]
    pub fn pasted(&self, content: &[u8]) -> Value {
        let path = format!(
            "/amer/v3/attachments/{}/views/original",
            self.state.next_id()
        );
        let content = Bytes::copy_from_slice(content);
        self.state.change(|store| {
            let url = format!("{}{path}", store.origin);
            store.files.insert(path, content);
            json!({"contentType": "image/*", "contentUrl": url})
        })
    }

    /// The calls so far whose path has this in it.
    #[must_use]
    pub fn calls(&self, path: &str) -> usize {
        self.state.read(|store| {
            let calls = store.calls.iter();
            calls.filter(|call| call.contains(path)).count()
        })
    }

    /// A message in a thread of a channel that mentions the bot, or that does not.
    #[must_use]
    pub fn in_channel(&self, user: &str, text: &str, thread: &str, is_mention: bool) -> Value {
        let id = format!("19:d441@thread.tacv2;messageid={thread}");
        let bot = json!({"id": format!("28:{APP}"), "name": "Help"});
        let mention = json!({"type": "mention", "text": "<at>Help</at>", "mentioned": bot});
        let text = if is_mention {
            format!("<at>Help</at> {text}")
        } else {
            text.to_owned()
        };
        let entities: Vec<Value> = is_mention.then_some(mention).into_iter().collect();
        self.activity(
            user,
            &json!({
                "text": text, "entities": entities,
                "conversation": {
                    "isGroup": true, "conversationType": "channel", "tenantId": TENANT, "id": id,
                },
            }),
        )
    }

    /// The access tokens that there are end; new ones are given.
    pub fn end_tokens(&self) {
        self.state.change(|store| store.access_tokens.clear());
    }

    /// An activity of a user in the personal chat, with these fields.
    #[must_use]
    pub fn activity(&self, user: &str, fields: &Value) -> Value {
        let service_url = self.service_url();
        let number = self.state.next_id();
        let mut activity = json!({
            "type": "message", "id": format!("17673260{number:05}"),
            "timestamp": Timestamp::now().to_string(), "localTimezone": "Asia/Kolkata",
            "channelId": "msteams", "serviceUrl": service_url,
            "from": {"id": format!("29:{user}"), "name": format!("User {user}"), "aadObjectId": user},
            "conversation": {
                "conversationType": "personal", "tenantId": TENANT, "id": self.personal(user),
            },
            "recipient": {"id": format!("28:{APP}"), "name": "Help"},
            "channelData": {"tenant": {"id": TENANT}}, "locale": "en-IN",
        });
        for (name, value) in fields.as_object().into_iter().flatten() {
            activity[name] = value.clone();
        }
        activity
    }

    /// The request that brings an activity to the bridge, with a token of now.
    ///
    /// # Panics
    /// Before the webhook is set.
    #[must_use]
    pub fn request(&self, activity: &Value) -> Request {
        let claims = self.claims(Timestamp::now().as_second());
        let token = tokens::signed(&tokens::header("k1"), &claims, "k1");
        self.request_with(activity, &token)
    }

    /// The claims of the connector's token, at this time in seconds since 1970.
    #[must_use]
    pub fn claims(&self, now: i64) -> Value {
        json!({
            "serviceurl": self.service_url(), "nbf": now, "exp": now + 3_600,
            "iss": "https://api.botframework.com", "aud": APP,
        })
    }

    /// The request that brings an activity, with this token.
    ///
    /// # Panics
    /// Before the webhook is set.
    #[must_use]
    pub fn request_with(&self, activity: &Value, token: &str) -> Request {
        http::Request::builder()
            .method(Method::POST)
            .uri(self.state.read(|store| store.webhook_url.clone()))
            .header("content-type", "application/json; charset=utf-8")
            .header(
                "user-agent",
                "Microsoft-SkypeBotApi (Microsoft-BotFramework/3.0)",
            )
            .header("authorization", format!("Bearer {token}"))
            .body(activity.to_string().into_bytes())
            .expect("a request")
    }

    /// Everything that happened, for the message of a failed test.
    #[must_use]
    pub fn report(&self) -> String {
        self.state.read(|store| format!("{store:#?}"))
    }

    /// It is the same for as long as a conversation lasts.
    fn service_url(&self) -> String {
        self.state.read(|store| format!("{}/amer/", store.origin))
    }
}
