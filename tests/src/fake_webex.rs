//! A fake of Webex: the methods that the bridge calls, and the hooks that it receives.
//!
//! [`FakeWebex::start`] serves the Webex API on a free port of this machine. What it refuses is what the
//! documentation refuses, each rule with its page; it keeps what it refused. Towards the bridge it signs each
//! request as Webex does.
//!
//! Nothing here uses the bridge's own code: the two are written apart from each other.

mod check;
mod provider;
mod server;
mod shown;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha1::Sha1;

use crate::faults::{Port, Server};
use crate::provider::{Request, Shown};

/// The bot's access token.
pub const TOKEN: &str = "fake-webex-bot-token-OTQ0";

/// What Webex signs with.
pub const SECRET: &str = "fake-webex-webhook-secret-4f1d";

/// The bot's own id, and what it is called.
pub const BOT: &str = "Y2lzBOT";
/// Its name.
pub const BOT_NAME: &str = "Help";

/// A running fake. It stops when it is dropped.
#[derive(Debug)]
pub struct FakeWebex {
    state: Arc<State>,
    server: Server,
}

/// Everything that changes.
#[derive(Debug, Default)]
pub(crate) struct Store {
    /// All messages, of users and of the bot, oldest first.
    messages: Vec<Value>,
    actions: BTreeMap<String, Value>,
    files: BTreeMap<String, File>,
    webhooks: Vec<Value>,
    /// What stands in the JSON of messages that are fetched in the place of something, as it is.
    instead: Option<(String, String)>,
    /// Rooms that the bot was removed from.
    removed: BTreeSet<String>,
    refusals: Vec<String>,
    webhook_url: String,
    last_id: u64,
}

/// A file of a user's.
#[derive(Clone, Debug)]
struct File {
    name: String,
    mime_type: String,
    content: Bytes,
    /// Whether it is being scanned, or harmful: the status that is answered then.
    status: u16,
}

impl Store {
    /// A number that nothing has yet.
    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

#[derive(Debug, Default)]
pub(crate) struct State {
    store: Mutex<Store>,
}

impl State {
    fn read<T>(&self, read: impl FnOnce(&Store) -> T) -> T {
        read(&self.store.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        change(&mut self.store.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl FakeWebex {
    /// Starts it.
    ///
    /// # Panics
    /// When no port can be bound.
    pub async fn start() -> Self {
        let port = Port::open().await;
        let state = Arc::new(State::default());
        let router = server::router(Arc::clone(&state));
        let server = port.serve(router, Arc::new(server::WebexDialect));
        Self { state, server }
    }

    /// The id of the direct room with a user.
    #[must_use]
    pub fn direct(user: &str) -> String {
        format!("Y2lzROOM{user}")
    }

    /// The bot's messages in a room, oldest first.
    #[must_use]
    pub fn messages(&self, room: &str) -> Vec<Value> {
        self.state.read(|store| {
            let messages = store.messages.iter();
            let own = messages.filter(|each| each["roomId"] == room && each["personId"] == BOT);
            own.cloned().collect()
        })
    }

    /// Forgets what was refused: a test expected it.
    pub fn forgive(&self) {
        self.state.change(|store| store.refusals.clear());
    }

    /// The webhooks that were made, as Webex has them.
    #[must_use]
    pub fn webhooks(&self) -> Vec<Value> {
        self.state.read(|store| store.webhooks.clone())
    }

    /// Makes a webhook as somebody else did.
    pub fn make_webhook(&self, name: &str, url: &str) {
        self.state.change(|store| {
            let id = format!("Y2lzHOOK{}", store.next_id());
            store.webhooks.push(json!({
                "id": id, "name": name, "targetUrl": url, "resource": "messages",
                "event": "created", "status": "active",
            }));
        });
    }

    /// Ends all webhooks, as Webex does when they are not answered.
    pub fn end_webhooks(&self) {
        self.state.change(|store| {
            for webhook in &mut store.webhooks {
                webhook["status"] = "inactive".into();
            }
        });
    }

    /// Says this in the JSON of messages that are fetched in the place of that, whatever becomes of the JSON.
    pub fn say_instead(&self, that: &str, this: &str) {
        let instead = Some((that.to_owned(), this.to_owned()));
        self.state.change(|store| store.instead = instead);
    }

    /// Removes the bot from a room.
    pub fn remove_from(&self, room: &str) {
        self.state
            .change(|store| store.removed.insert(room.to_owned()));
    }

    /// What a file is answered with from now on: 200, 423 while it is scanned, 410 when it is harmful, 428 when it
    /// cannot be scanned.
    pub fn set_file_status(&self, status: u16) {
        self.state.change(|store| {
            for file in store.files.values_mut() {
                file.status = status;
            }
        });
    }

    /// A user writes in a room, with more fields of the message; gives the hook of it.
    #[must_use]
    pub fn said(&self, user: &str, room: &str, fields: &Value) -> Value {
        let message = self.state.change(|store| {
            let id = format!("Y2lzMSG{}", store.next_id());
            let kind = if room == Self::direct(user) {
                "direct"
            } else {
                "group"
            };
            let mut message = json!({
                "id": id, "roomId": room, "roomType": kind, "personId": user,
                "personEmail": email(user), "created": now(),
            });
            for (name, value) in fields.as_object().into_iter().flatten() {
                message[name] = value.clone();
            }
            store.messages.push(message.clone());
            message
        });
        Self::hook("messages", "created", user, &without_words(&message))
    }

    /// A user mentions the bot in a space, before a text; `parent` is what the thread begins with.
    #[must_use]
    pub fn mentioned(&self, user: &str, room: &str, text: &str, parent: Option<&str>) -> Value {
        let mut fields = json!({
            "text": format!("{BOT_NAME} {text}"),
            "html": format!(
                "<p><spark-mention data-object-type=\"person\" data-object-id=\"{BOT}\">{BOT_NAME}\
                 </spark-mention> {text}</p>"
            ),
            "mentionedPeople": [BOT],
        });
        if let Some(parent) = parent {
            fields["parentId"] = parent.into();
        }
        self.said(user, room, &fields)
    }

    /// A user taps a button of a card, or sends what is filled in there; gives the hook of it
    /// (<https://developer.webex.com/docs/api/v1/attachment-actions>).
    #[must_use]
    pub fn submitted(&self, user: &str, message: &Value, inputs: &Map<String, Value>) -> Value {
        let action = self.state.change(|store| {
            let id = format!("Y2lzACT{}", store.next_id());
            let action = json!({
                "id": id, "type": "submit", "messageId": message["id"], "personId": user,
                "roomId": message["roomId"], "inputs": inputs, "created": now(),
            });
            store.actions.insert(id, action.clone());
            action
        });
        Self::hook(
            "attachmentActions",
            "created",
            user,
            &without_words(&action),
        )
    }

    /// The bot is added to a space by a user; gives the hook of it.
    #[must_use]
    pub fn added(&self, user: &str, room: &str) -> Value {
        let id = self.state.change(Store::next_id);
        let membership = json!({
            "id": format!("Y2lzMEM{id}"), "roomId": room, "roomType": "group", "personId": BOT,
            "personEmail": "help@webex.bot", "personDisplayName": BOT_NAME, "created": now(),
        });
        Self::hook("memberships", "created", user, &membership)
    }

    /// A hook (<https://developer.webex.com/docs/webhooks>): ids, and no words.
    #[must_use]
    pub fn hook(resource: &str, event: &str, by: &str, data: &Value) -> Value {
        json!({
            "id": "Y2lzWEBHOOK", "name": format!("{resource} {event}"),
            "targetUrl": "https://bridge.example.com/channels/acme-webex", "resource": resource,
            "event": event, "orgId": "Y2lzORG", "createdBy": BOT, "appId": "Y2lzAPP",
            "ownedBy": "creator", "status": "active", "created": "2026-01-01T00:00:00.000Z",
            "actorId": by, "data": data,
        })
    }

    /// The request that brings a hook to the bridge, signed.
    ///
    /// # Panics
    /// Before the webhook is set.
    #[must_use]
    pub fn request(&self, hook: &Value) -> Request {
        self.request_of(hook.to_string().into_bytes())
    }

    /// The request that brings a body to the bridge, signed.
    fn request_of(&self, body: Vec<u8>) -> Request {
        let mac = <Hmac<Sha1>>::new_from_slice(SECRET.as_bytes()).expect("any key is one");
        let signature = hex::encode(mac.chain_update(&body).finalize().into_bytes());
        http::Request::builder()
            .method(Method::POST)
            .uri(self.state.read(|store| store.webhook_url.clone()))
            .header("content-type", "application/json; charset=utf-8")
            .header("x-spark-signature", signature)
            .body(body)
            .expect("a request")
    }

    /// A file of a user's; gives its address.
    #[must_use]
    pub fn add_file(&self, name: &str, mime_type: &str, content: &[u8]) -> String {
        let id = self.state.change(|store| {
            let id = format!("Y2lzFILE{}", store.next_id());
            let file = File {
                name: name.to_owned(),
                mime_type: mime_type.to_owned(),
                content: Bytes::copy_from_slice(content),
                status: 200,
            };
            store.files.insert(id.clone(), file);
            id
        });
        format!("https://webexapis.com/v1/contents/{id}")
    }

    /// Everything that happened, for the message of a failed test.
    #[must_use]
    pub fn report(&self) -> String {
        self.state.read(|store| format!("{store:#?}"))
    }
}

/// Whether Webex takes a message, without its room and thread.
///
/// # Errors
/// When it does not; says why.
pub fn takes(message: &Value) -> Result<(), String> {
    check::message(message)
}

/// A message as a person sees it.
#[must_use]
pub fn shown(message: &Value) -> Shown {
    shown::shown(message)
}

/// What a hook has of something: neither what is said nor what is filled in.
fn without_words(of: &Value) -> Value {
    let mut data = of.clone();
    if let Some(fields) = data.as_object_mut() {
        for words in ["text", "html", "markdown", "inputs"] {
            fields.remove(words);
        }
    }
    data
}

/// A time as Webex writes it: with milliseconds.
fn now() -> String {
    let now = Timestamp::now().as_millisecond();
    let now = Timestamp::from_millisecond(now).expect("a time");
    format!("{now:.3}")
}

/// The address of a user.
fn email(user: &str) -> String {
    format!("{}@acme.example", user.to_lowercase())
}
