//! What users do, as the updates that Telegram makes of it (<https://core.telegram.org/bots/api#update>).

use bytes::Bytes;
use serde_json::{Value, json};

use super::html::units;
use super::state::{Access, Chat, ChatKind, StoredFile, photo_size};
use super::text::Formatted;
use super::{FakeTelegram, Message};

/// What a user says, and where.
#[derive(Clone, Debug, Default)]
pub struct SentMessage {
    user: i64,
    chat: Option<i64>,
    text: String,
    topic: Option<i64>,
    reply_to: Option<i64>,
    /// The key of the message that a file is under, and the file's object.
    file: Option<(&'static str, Value)>,
    more: Vec<(&'static str, Value)>,
}

impl SentMessage {
    /// This, by this user, in the private chat with the bot.
    #[must_use]
    pub fn new(user: i64, text: &str) -> Self {
        Self {
            user,
            text: text.to_owned(),
            ..Self::default()
        }
    }

    /// In this chat.
    #[must_use]
    pub fn in_chat(mut self, chat: i64) -> Self {
        self.chat = Some(chat);
        self
    }

    /// In this topic of it.
    #[must_use]
    pub fn in_topic(mut self, topic: i64) -> Self {
        self.topic = Some(topic);
        self
    }

    /// As a reply to this message.
    #[must_use]
    pub fn replying_to(mut self, message: i64) -> Self {
        self.reply_to = Some(message);
        self
    }

    /// With a file of [`FakeTelegram::add_photo`] or its siblings; the text is its caption.
    #[must_use]
    pub fn with_file(mut self, file: &(&'static str, Value)) -> Self {
        self.file = Some(file.clone());
        self
    }

    /// With another field of the message.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: Value) -> Self {
        self.more.push((key, value));
        self
    }
}

impl FakeTelegram {
    /// The update of something said; the message is kept.
    #[must_use]
    pub fn said(&self, said: &SentMessage) -> Value {
        let now = self.state.now();
        let formatted = Formatted {
            text: said.text.clone(),
            entities: entities(&said.text),
        };
        let (message, chat, replied, update_id) = self.state.change(|store| {
            let id = said.chat.unwrap_or(said.user);
            store.private(said.user);
            let replied = said
                .reply_to
                .and_then(|reply| store.message(id, reply).cloned());
            let chat = store
                .chats
                .entry(id)
                .or_insert_with(|| Chat::new(id, ChatKind::Private, ""));
            let mut message = Message::new(id, said.user, formatted, now);
            message.topic = said.topic;
            message.reply_to = said.reply_to;
            message.is_caption = said.file.is_some();
            message.id = chat.next_message_id();
            chat.messages.push(message.clone());
            let chat = chat.to_json();
            (message, chat, replied, store.next_update_id())
        });
        let mut json = message.to_json(&self.state, &chat);
        if let Some(replied) = replied {
            json["reply_to_message"] = replied.to_json(&self.state, &chat);
        }
        if let Some((key, file)) = &said.file {
            json[*key] = file.clone();
        }
        for (key, value) in &said.more {
            json[*key] = value.clone();
        }
        json!({"update_id": update_id, "message": json})
    }

    /// The update of an edit of a message that a user wrote.
    ///
    /// # Panics
    /// When there is no such message.
    #[must_use]
    pub fn edited(&self, chat: i64, message: i64, text: &str) -> Value {
        let now = self.state.now();
        let (message, chat, update_id) = self.state.change(|store| {
            let found = store
                .message_mut(chat, message)
                .expect("a message of the chat");
            text.clone_into(&mut found.text);
            found.entities = entities(text);
            let message = found.clone();
            let chat = store
                .chats
                .get(&chat)
                .map(Chat::to_json)
                .unwrap_or_default();
            (message, chat, store.next_update_id())
        });
        let mut json = message.to_json(&self.state, &chat);
        json["edit_date"] = now.as_second().into();
        json!({"update_id": update_id, "edited_message": json})
    }

    /// The update of a tap (<https://core.telegram.org/bots/api#callbackquery>) on the button with this
    /// label, of the newest of the bot's messages in the chat that has it.
    ///
    /// # Panics
    /// When no message has it.
    #[must_use]
    pub fn tapped(&self, user: i64, chat: i64, label: &str) -> Value {
        let found = self.state.read(|store| {
            let messages = store.chats.get(&chat)?.messages.iter().rev();
            let mut all = messages.filter(|message| message.from == self.state.bot_id);
            all.find_map(|message| {
                Some((message.clone(), data(message.keyboard.as_ref()?, label)?))
            })
        });
        let (message, data) =
            found.unwrap_or_else(|| panic!("no button {label:?} in {chat}\n{}", self.report()));
        self.tapped_with(user, &message, &data)
    }

    /// The update of a tap that brings this data.
    #[must_use]
    pub fn tapped_with(&self, user: i64, message: &Message, data: &str) -> Value {
        let now = self.state.now();
        let (id, chat, update_id) = self.state.change(|store| {
            let id = format!("{}", 4_382_000_000_000_000_000_u64 + store.next_id());
            store.queries.insert(id.clone(), now);
            let chat = store.chats.get(&message.chat).map(Chat::to_json);
            (id, chat.unwrap_or_default(), store.next_update_id())
        });
        json!({"update_id": update_id, "callback_query": {
            "id": id,
            "from": self.state.user(user),
            "message": message.to_json(&self.state, &chat),
            "chat_instance": format!("-{}", message.chat.unsigned_abs()),
            "data": data,
        }})
    }

    /// The user blocks the bot, or takes it back: `my_chat_member`
    /// (<https://core.telegram.org/bots/api#chatmemberupdated>).
    #[must_use]
    pub fn blocked(&self, user: i64, is_blocked: bool) -> Value {
        let now = self.state.now();
        let (chat, update_id) = self.state.change(|store| {
            let chat = store.private(user);
            chat.access = if is_blocked {
                Access::Blocked
            } else {
                Access::Open
            };
            (chat.to_json(), store.next_update_id())
        });
        let bot = self.state.user(self.state.bot_id);
        let member = |is_kicked: bool| {
            if is_kicked {
                json!({"user": bot, "status": "kicked", "until_date": 0})
            } else {
                json!({"user": bot, "status": "member"})
            }
        };
        json!({"update_id": update_id, "my_chat_member": {
            "chat": chat, "from": self.state.user(user), "date": now.as_second(),
            "old_chat_member": member(!is_blocked), "new_chat_member": member(is_blocked),
        }})
    }

    /// A group that the bot is in; returns its id.
    #[must_use]
    pub fn add_group(&self, kind: ChatKind, title: &str) -> i64 {
        self.state.change(|store| {
            let number = i64::try_from(store.next_id()).unwrap_or_default();
            let id = match kind {
                ChatKind::Group => -(4_000_000_000 + number),
                _ => -(1_002_000_000_000 + number),
            };
            store.chats.insert(id, Chat::new(id, kind, title));
            id
        })
    }

    /// A topic of a group, or of a private chat; returns its id.
    #[must_use]
    pub fn add_topic(&self, chat: i64) -> i64 {
        self.state.change(|store| {
            let id = if chat > 0 {
                store.private(chat).next_message_id()
            } else {
                store.chats.get_mut(&chat).map_or(0, Chat::next_message_id)
            };
            if let Some(chat) = store.chats.get_mut(&chat) {
                chat.topics.push(id);
            }
            id
        })
    }

    /// A topic is gone, with the group's other topics.
    pub fn remove_topics(&self, chat: i64) {
        self.state.change(|store| {
            if let Some(chat) = store.chats.get_mut(&chat) {
                chat.topics.clear();
            }
        });
    }

    /// A group becomes a supergroup: returns its new id. What is sent to the old one is refused.
    #[must_use]
    pub fn migrate(&self, chat: i64) -> i64 {
        let to = self.add_group(ChatKind::Supergroup, "migrated");
        self.state.change(|store| {
            if let Some(chat) = store.chats.get_mut(&chat) {
                chat.access = Access::Migrated(to);
            }
        });
        to
    }

    /// The user deletes the account, without a word to the bot.
    pub fn deactivate(&self, user: i64) {
        self.state
            .change(|store| store.private(user).access = Access::Deactivated);
    }

    /// A photo, in the sizes that Telegram makes of it.
    #[must_use]
    pub fn add_photo(&self, content: impl Into<Bytes>) -> (&'static str, Value) {
        let content = content.into();
        let small = self.add_file("photos", "jpg", Bytes::from_static(b"small"), None);
        let size = content.len() as u64;
        let large = self.add_file("photos", "jpg", content, None);
        (
            "photo",
            json!([photo_size(&small, 90, 5), photo_size(&large, 1280, size)]),
        )
    }

    /// A document. `size` is what Telegram says of it, where it is not what it has.
    #[must_use]
    pub fn add_document(
        &self,
        name: &str,
        mime_type: &str,
        content: impl Into<Bytes>,
        size: Option<u64>,
    ) -> (&'static str, Value) {
        let content = content.into();
        let said = size.unwrap_or(content.len() as u64);
        let ending = name
            .rsplit_once('.')
            .map_or("bin", |(_, ending)| ending)
            .to_owned();
        let id = self.add_file("documents", &ending, content, size);
        let document = json!({
            "file_id": id, "file_unique_id": format!("{id}-u"), "file_name": name,
            "mime_type": mime_type, "file_size": said,
        });
        ("document", document)
    }

    /// A voice message.
    #[must_use]
    pub fn add_voice(&self, content: impl Into<Bytes>) -> (&'static str, Value) {
        let content = content.into();
        let size = content.len();
        let id = self.add_file("voice", "oga", content, None);
        let voice = json!({
            "file_id": id, "file_unique_id": format!("{id}-u"), "duration": 3,
            "mime_type": "audio/ogg", "file_size": size,
        });
        ("voice", voice)
    }

    /// The content of a file is gone.
    pub fn delete_file(&self, file_id: &str) {
        self.state.change(|store| {
            if let Some(file) = store.files.get_mut(file_id) {
                file.content = None;
            }
        });
    }

    fn add_file(&self, folder: &str, ending: &str, content: Bytes, size: Option<u64>) -> String {
        let ending: String = ending.chars().filter(char::is_ascii_alphanumeric).collect();
        self.state.change(|store| {
            let number = store.next_id();
            let id = format!("AgACAgQAAxkBAAI{number:06}");
            let file = StoredFile {
                unique_id: format!("{id}-u"),
                path: format!("{folder}/file_{number}.{ending}"),
                size: size.unwrap_or(content.len() as u64),
                content: Some(content),
            };
            store.files.insert(id.clone(), file);
            id
        })
    }
}

/// The data of the button with this label.
fn data(keyboard: &Value, label: &str) -> Option<String> {
    let mut buttons = keyboard
        .as_array()?
        .iter()
        .filter_map(Value::as_array)
        .flatten();
    let button =
        buttons.find(|button| button["text"] == label && button["callback_data"].is_string())?;
    Some(button["callback_data"].as_str()?.to_owned())
}

/// The entities that Telegram finds in what people write: commands, mentions, links.
fn entities(text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut at = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end();
        let is_name = |name: &str| {
            name.len() >= 5
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        let bare = bare.trim_end_matches(['.', ',', '!', '?', ':', ';']);
        let command = bare
            .strip_prefix('/')
            .map(|rest| rest.split('@').next().unwrap_or_default());
        let is_command = command.is_some_and(|name| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
        let kind = if is_command {
            Some("bot_command")
        } else if bare.strip_prefix('@').is_some_and(is_name) {
            Some("mention")
        } else if bare.starts_with("http://") || bare.starts_with("https://") {
            Some("url")
        } else {
            None
        };
        if let Some(kind) = kind {
            let offset = units(text.get(..at).unwrap_or_default());
            found.push(json!({"type": kind, "offset": offset, "length": units(bare)}));
        }
        at += word.len();
    }
    found
}
