//! What the fake remembers.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::sync::Notify;

use super::{Call, Message, Refusal, text::Formatted};

/// Where the fake reads the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What kind of chat it is (<https://core.telegram.org/bots/api#chat>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChatKind {
    /// With one user.
    Private,
    /// A basic group.
    Group,
    /// A supergroup.
    Supergroup,
    /// A supergroup with topics.
    Forum,
}

/// Whether the bot may write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Open,
    /// The user blocked the bot, or a group removed it.
    Blocked,
    /// The user deleted the account.
    Deactivated,
    /// The group is a supergroup now, of this id.
    Migrated(i64),
}

#[derive(Clone, Debug)]
pub(super) struct Chat {
    pub(super) id: i64,
    pub(super) kind: ChatKind,
    pub(super) title: String,
    pub(super) access: Access,
    /// The topics that there are, by their `message_thread_id`.
    pub(super) topics: Vec<i64>,
    pub(super) messages: Vec<Message>,
    pub(super) last_message_id: i64,
}

/// A file that a user sent.
#[derive(Clone, Debug)]
pub(super) struct StoredFile {
    pub(super) unique_id: String,
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) content: Option<Bytes>,
}

/// How many messages a chat takes: a burst, and from then on one each interval.
#[derive(Debug)]
pub(super) struct Rate {
    burst: u32,
    interval: Duration,
    left: HashMap<i64, (f64, Instant)>,
}

impl Rate {
    pub(super) fn new(burst: u32, interval: Duration) -> Self {
        Self {
            burst,
            interval,
            left: HashMap::new(),
        }
    }

    /// Counts a message, or says in how many seconds there is room for it.
    pub(super) fn take(&mut self, chat: i64) -> Result<(), u64> {
        let full = f64::from(self.burst);
        let (left, at) = self
            .left
            .entry(chat)
            .or_insert_with(|| (full, Instant::now()));
        let refilled = at.elapsed().as_secs_f64() / self.interval.as_secs_f64();
        (*left, *at) = ((*left + refilled).min(full), Instant::now());
        if *left < 1.0 {
            return Err(self.interval.as_secs().max(1));
        }
        *left -= 1.0;
        Ok(())
    }
}

/// Everything that changes.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) chats: BTreeMap<i64, Chat>,
    pub(super) files: HashMap<String, StoredFile>,
    /// The taps that were not answered yet, and when they were made.
    pub(super) queries: HashMap<String, Timestamp>,
    /// Those that were, with the text that was shown.
    pub(super) answered: Vec<(String, String)>,
    /// Chat, topic and action of each `sendChatAction`.
    pub(super) actions: Vec<(i64, Option<i64>, String)>,
    pub(super) calls: Vec<Call>,
    pub(super) refusals: Vec<Refusal>,
    /// What Telegram takes and does nothing with.
    pub(super) warnings: Vec<String>,
    pub(super) webhook: Map<String, Value>,
    pub(super) commands: Vec<Value>,
    /// URLs of which Telegram does not take the content, and why.
    pub(super) bad_urls: HashMap<String, String>,
    pub(super) is_revoked: bool,
    pub(super) rate: Option<Rate>,
    pub(super) webhook_url: String,
    last_update_id: u64,
    last_id: u64,
}

impl Store {
    /// A number that nothing has yet.
    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Update ids are sequential (<https://core.telegram.org/bots/api#update>).
    pub(super) fn next_update_id(&mut self) -> u64 {
        self.last_update_id = self.last_update_id.max(715_000_000) + 1;
        self.last_update_id
    }

    /// A user's private chat, which begins when the user writes for the first time.
    pub(super) fn private(&mut self, user: i64) -> &mut Chat {
        self.chats
            .entry(user)
            .or_insert_with(|| Chat::new(user, ChatKind::Private, ""))
    }

    pub(super) fn message(&self, chat: i64, id: i64) -> Option<&Message> {
        let mut messages = self.chats.get(&chat)?.messages.iter();
        messages.find(|message| message.id == id)
    }

    pub(super) fn message_mut(&mut self, chat: i64, id: i64) -> Option<&mut Message> {
        let mut messages = self.chats.get_mut(&chat)?.messages.iter_mut();
        messages.find(|message| message.id == id)
    }

    /// What happened, for a test that waited in vain: bodies are a test's own.
    pub(super) fn report(&self) -> String {
        let mut report = String::from("messages:\n");
        for chat in self.chats.values() {
            for message in &chat.messages {
                let _ = writeln!(
                    report,
                    "  {} {} topic {:?} from {}: {:?}",
                    chat.id, message.id, message.topic, message.from, message.text
                );
            }
        }
        report.push_str("calls:\n");
        for call in &self.calls {
            let _ = writeln!(report, "  {} {} {}", call.at, call.method, call.outcome);
        }
        for refusal in &self.refusals {
            let _ = writeln!(
                report,
                "refused: {} {}",
                refusal.method, refusal.description
            );
        }
        report
    }
}

impl Chat {
    pub(super) fn new(id: i64, kind: ChatKind, title: &str) -> Self {
        Self {
            id,
            kind,
            title: title.to_owned(),
            access: Access::Open,
            topics: Vec::new(),
            messages: Vec::new(),
            last_message_id: 0,
        }
    }

    pub(super) fn next_message_id(&mut self) -> i64 {
        self.last_message_id += 1;
        self.last_message_id
    }

    /// <https://core.telegram.org/bots/api#chat>
    pub(super) fn to_json(&self) -> Value {
        match self.kind {
            ChatKind::Private => {
                json!({"id": self.id, "type": "private", "first_name": super::first_name(self.id)})
            }
            ChatKind::Group => json!({"id": self.id, "type": "group", "title": self.title}),
            ChatKind::Supergroup => {
                json!({"id": self.id, "type": "supergroup", "title": self.title})
            }
            ChatKind::Forum => {
                json!({"id": self.id, "type": "supergroup", "title": self.title, "is_forum": true})
            }
        }
    }
}

impl Message {
    /// A message with this text and nothing else.
    pub(super) fn new(chat: i64, from: i64, formatted: Formatted, date: Timestamp) -> Self {
        Self {
            id: 0,
            chat,
            from,
            date,
            topic: None,
            reply_to: None,
            text: formatted.text,
            entities: formatted.entities,
            is_caption: false,
            photo: None,
            document: None,
            keyboard: None,
            is_silent: false,
            edited: false,
        }
    }

    /// <https://core.telegram.org/bots/api#message>
    pub(super) fn to_json(&self, state: &State, chat: &Value) -> Value {
        let mut message = json!({
            "message_id": self.id,
            "from": state.user(self.from),
            "chat": chat,
            "date": self.date.as_second(),
        });
        let (text, entities) = if self.is_caption {
            ("caption", "caption_entities")
        } else {
            ("text", "entities")
        };
        if !self.text.is_empty() {
            message[text] = self.text.clone().into();
        }
        if !self.entities.is_empty() {
            message[entities] = self.entities.clone().into();
        }
        if let Some(topic) = self.topic {
            message["message_thread_id"] = topic.into();
            message["is_topic_message"] = true.into();
        }
        if self.photo.is_some() {
            message["photo"] = json!([photo_size("sent-by-the-bot", 90, 1_000)]);
        }
        if self.document.is_some() {
            message["document"] = json!({"file_id": "sent-by-the-bot", "file_unique_id": "AQAD", "file_name": "file"});
        }
        if let Some(keyboard) = &self.keyboard {
            message["reply_markup"] = json!({"inline_keyboard": keyboard});
        }
        message
    }
}

/// <https://core.telegram.org/bots/api#photosize>
pub(super) fn photo_size(file_id: &str, width: u32, size: u64) -> Value {
    json!({
        "file_id": file_id, "file_unique_id": format!("{file_id}-u"), "width": width,
        "height": width * 3 / 4, "file_size": size,
    })
}

/// What the handle and the server share.
pub(super) struct State {
    pub(super) token: String,
    pub(super) bot_id: i64,
    pub(super) username: String,
    pub(super) secret: String,
    pub(super) connection: String,
    pub(super) changed: Notify,
    clock: Clock,
    store: Mutex<Store>,
}

impl State {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            token: super::TOKEN.to_owned(),
            bot_id: super::BOT,
            username: super::USERNAME.to_owned(),
            secret: super::SECRET.to_owned(),
            connection: "acme-telegram".to_owned(),
            changed: Notify::new(),
            clock,
            store: Mutex::default(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Looks at the store.
    pub(super) fn read<R>(&self, look: impl FnOnce(&Store) -> R) -> R {
        look(&self.store.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the store, and wakes everybody who waits for something.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut Store) -> R) -> R {
        let result = change(&mut self.store.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_waiters();
        result
    }

    /// <https://core.telegram.org/bots/api#user>
    pub(super) fn user(&self, id: i64) -> Value {
        if id == self.bot_id {
            return json!({"id": id, "is_bot": true, "first_name": "Acme", "username": self.username});
        }
        let name = super::first_name(id);
        json!({
            "id": id, "is_bot": false, "first_name": name, "last_name": "Rao",
            "username": format!("user_{id}"), "language_code": "en",
        })
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("bot_id", &self.bot_id)
            .finish_non_exhaustive()
    }
}
