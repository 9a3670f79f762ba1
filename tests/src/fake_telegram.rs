//! A fake of Telegram's Bot API: the methods that the bridge calls, and the updates that it receives.
//!
//! [`FakeTelegram::start`] serves, on a free port of this machine, the methods as strictly as Telegram:
//! lengths, HTML, keyboards, chats, topics, taps. It keeps what is sent, so that a test reads it as a
//! person would, and keeps whatever it refused, so that a test can say that nothing was. What it refuses
//! and in which words is written from the documentation, its machine-readable form
//! (`PaulSonOfLars/telegram-bot-api-spec`, Bot API 10.1) and the server's own source
//! (`tdlib/telegram-bot-api`, `tdlib/td`); each rule names its page.
//!
//! Towards the bridge, [`FakeTelegram::said`] and its siblings make the updates, and
//! [`FakeTelegram::request`] the request that brings one.
//!
//! Nothing here uses the bridge's own code: the two are written apart from each other.

mod html;
mod keyboard;
mod methods;
mod provider;
mod schema;
mod server;
mod state;
mod text;
mod updates;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

pub use state::{ChatKind, Clock};
pub use updates::SentMessage;

use crate::faults::{Port, Server};
use crate::provider::Shown;
use state::State;

/// The bot's token, of Telegram's form (<https://core.telegram.org/bots/api#authorizing-your-bot>).
pub const TOKEN: &str = "123456789:AAH-fake_fake-fake_fake-fake_fake-fa";

/// The bot's id, which its token begins with.
pub const BOT: i64 = 123_456_789;

/// The bot's name.
pub const USERNAME: &str = "acme_support_bot";

/// The secret of the webhook.
pub const SECRET: &str = "fake-secret_token-of-the-webhook-0123456789";

/// How long the waiting methods wait.
const PATIENCE: Duration = Duration::from_secs(40);

/// A running fake. It stops when it is dropped.
#[derive(Debug)]
pub struct FakeTelegram {
    state: Arc<State>,
    server: Server,
}

/// A call that was made, with what became of it.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method in its right case; `file` for a download.
    pub method: String,
    /// The arguments.
    pub arguments: Value,
    /// `ok`, or Telegram's description of what is wrong.
    pub outcome: String,
    /// When it came.
    pub at: Timestamp,
}

/// A call that was refused because of what it said.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The method.
    pub method: String,
    /// Telegram's description.
    pub description: String,
    /// The arguments.
    pub arguments: Value,
}

/// A message of a chat, as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its `message_id`.
    pub id: i64,
    /// The chat's id.
    pub chat: i64,
    /// The sender's id.
    pub from: i64,
    /// When it was sent.
    pub date: Timestamp,
    /// The topic that it is in.
    pub topic: Option<i64>,
    /// The message that it replies to.
    pub reply_to: Option<i64>,
    /// The text or the caption, without its formatting.
    pub text: String,
    /// The formatting.
    pub entities: Vec<Value>,
    /// Whether the text is a caption.
    pub is_caption: bool,
    /// The photo, by its id or its URL.
    pub photo: Option<String>,
    /// The document, by its id or its URL.
    pub document: Option<String>,
    /// The rows of buttons below it.
    pub keyboard: Option<Value>,
    /// Whether it was sent without a notification.
    pub is_silent: bool,
    /// Whether it was edited.
    pub edited: bool,
}

/// Why a call is refused: the status, Telegram's words, and `parameters`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refused {
    code: u16,
    description: String,
    parameters: Value,
}

impl Refused {
    fn new(code: u16, description: impl Into<String>) -> Self {
        Self {
            code,
            description: description.into(),
            parameters: Value::Null,
        }
    }

    fn bad_request(reason: impl fmt::Display) -> Self {
        Self::new(400, format!("Bad Request: {reason}"))
    }

    fn no_chat() -> Self {
        Self::bad_request("chat not found")
    }

    /// <https://core.telegram.org/bots/api#responseparameters>
    fn too_many(seconds: u64) -> Self {
        let description = format!("Too Many Requests: retry after {seconds}");
        Self {
            parameters: serde_json::json!({"retry_after": seconds}),
            ..Self::new(429, description)
        }
    }
}

impl Message {
    fn all_buttons(&self) -> impl Iterator<Item = &Value> {
        let rows = self.keyboard.iter().filter_map(Value::as_array).flatten();
        rows.filter_map(Value::as_array).flatten()
    }

    /// The labels of the buttons that come back to the bridge.
    #[must_use]
    pub fn buttons(&self) -> Vec<String> {
        let tapped = self
            .all_buttons()
            .filter(|button| button["callback_data"].is_string());
        tapped
            .filter_map(|button| Some(button["text"].as_str()?.to_owned()))
            .collect()
    }

    /// Labels and addresses of what opens an address: buttons and links in the text.
    #[must_use]
    pub fn links(&self) -> Vec<(String, String)> {
        let text = |value: &Value, key: &str| value[key].as_str().map(str::to_owned);
        let buttons = self
            .all_buttons()
            .filter_map(|button| Some((text(button, "text")?, text(button, "url")?)));
        let units: Vec<u16> = self.text.encode_utf16().collect();
        let in_text = self.entities.iter().filter_map(|entity| {
            let at = |key: &str| usize::try_from(entity[key].as_u64()?).ok();
            let (from, length) = (at("offset")?, at("length")?);
            let label = String::from_utf16_lossy(units.get(from..from + length)?);
            Some((label, text(entity, "url")?))
        });
        in_text.chain(buttons).collect()
    }

    /// The message as a person sees it.
    #[must_use]
    pub fn shown(&self) -> Shown {
        Shown {
            text: self.text.clone(),
            buttons: self.buttons(),
            links: self.links(),
            files: self.photo.iter().chain(&self.document).cloned().collect(),
            sender: None,
        }
    }
}

impl FakeTelegram {
    /// Starts a fake with the time of this machine.
    ///
    /// # Panics
    /// When no port can be bound.
    pub async fn start() -> Self {
        Self::start_at(Arc::new(Timestamp::now)).await
    }

    /// Starts a fake that follows a clock.
    ///
    /// # Panics
    /// When no port can be bound.
    pub async fn start_at(clock: Clock) -> Self {
        let port = Port::open().await;
        let state = Arc::new(State::new(clock));
        let router = server::router(Arc::clone(&state));
        let server = port.serve(router, Arc::new(server::TelegramDialect));
        Self { state, server }
    }

    /// The bot's messages in a chat, oldest first.
    #[must_use]
    pub fn messages(&self, chat: i64) -> Vec<Message> {
        self.state.read(|store| {
            let messages = store.chats.get(&chat).map(|chat| chat.messages.as_slice());
            let own = messages.into_iter().flatten();
            own.filter(|message| message.from == self.state.bot_id)
                .cloned()
                .collect()
        })
    }

    /// Waits until the bot has sent `count` messages to a chat.
    ///
    /// # Panics
    /// After 40 s, with what did arrive, and at once when there are more than `count`.
    pub async fn wait_for_messages(&self, chat: i64, count: usize) -> Vec<Message> {
        let what = format!("{count} messages in {chat}");
        let probe = || Some(self.messages(chat)).filter(|messages| messages.len() >= count);
        let messages = self.wait_until(&what, probe).await;
        assert!(
            messages.len() == count,
            "waited for {what}\n{}",
            self.report()
        );
        messages
    }

    /// Waits until `probe` finds what it looks for; it is asked after every change.
    ///
    /// # Panics
    /// After 40 s, with `what` was waited for and what did arrive.
    pub async fn wait_until<T>(&self, what: &str, probe: impl Fn() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // Made before the look, so that a change in between is not missed.
            let changed = self.state.changed.notified();
            if let Some(found) = probe() {
                return found;
            }
            let in_time = tokio::time::timeout_at(deadline, changed).await;
            assert!(in_time.is_ok(), "waited for {what}\n{}", self.report());
        }
    }

    /// The calls of one method so far, oldest first; of all methods for `*`.
    #[must_use]
    pub fn calls(&self, method: &str) -> Vec<Call> {
        self.state.read(|store| {
            let calls = store
                .calls
                .iter()
                .filter(|call| method == "*" || call.method == method);
            calls.cloned().collect()
        })
    }

    /// Calls that were refused for what they said, oldest first.
    #[must_use]
    pub fn refusals(&self) -> Vec<Refusal> {
        self.state.read(|store| store.refusals.clone())
    }

    /// What Telegram takes and does nothing with.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.state.read(|store| store.warnings.clone())
    }

    /// The taps that were answered: their ids, with what was shown.
    #[must_use]
    pub fn answered_taps(&self) -> Vec<(String, String)> {
        self.state.read(|store| store.answered.clone())
    }

    /// How many taps still wait for an answer.
    #[must_use]
    pub fn unanswered_taps(&self) -> usize {
        self.state.read(|store| store.queries.len())
    }

    /// Chat, topic and action of each `sendChatAction`.
    #[must_use]
    pub fn actions(&self) -> Vec<(i64, Option<i64>, String)> {
        self.state.read(|store| store.actions.clone())
    }

    /// The webhook's settings as they were given.
    #[must_use]
    pub fn webhook(&self) -> Value {
        self.state
            .read(|store| Value::Object(store.webhook.clone()))
    }

    /// The commands that are offered.
    #[must_use]
    pub fn commands(&self) -> Vec<Value> {
        self.state.read(|store| store.commands.clone())
    }

    /// Telegram does not take what lies at this URL, for this reason: `wrong type of the web page
    /// content`, `failed to get HTTP URL content`.
    pub fn refuse_url(&self, url: &str, reason: &str) {
        let refused = (url.to_owned(), reason.to_owned());
        self.state.change(|store| store.bad_urls.extend([refused]));
    }

    /// The token is no longer good.
    pub fn revoke(&self) {
        self.state.change(|store| store.is_revoked = true);
    }

    /// From now on each chat takes `burst` messages at once, and one each `interval`
    /// (<https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this>).
    pub fn limit_messages(&self, burst: u32, interval: Duration) {
        self.state
            .change(|store| store.rate = Some(state::Rate::new(burst, interval)));
    }

    /// Everything that happened, for the message of a failed test.
    #[must_use]
    pub fn report(&self) -> String {
        self.state.read(state::Store::report)
    }
}

/// A user's first name, which is made from the id.
fn first_name(id: i64) -> String {
    format!("User{}", id.rem_euclid(1_000))
}
