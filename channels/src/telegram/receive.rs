//! What Telegram sends (<https://core.telegram.org/bots/api#update>): one update a request.
//!
//! What a user says in the private chat is for the bot. In a group it is when the bot is mentioned, when it
//! replies to one of the bot's messages, or when it is a command; a command that names another bot is not.
//! What bots, channels and groups themselves say never is.

use haptik_bridge_shared::ids::EntryKey;
use haptik_bridge_shared::key::KeyKind;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::{Attachment, Profile, is_blank, language};
use haptik_bridge_shared::redacted_debug;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Chat;
use crate::request::json_object;
use text::{Command, Words};

mod content;
mod text;

/// What is said to the bot by one who begins without words.
const START: &str = "Hi";

/// The bot itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Me {
    /// Its id, which its token begins with (<https://core.telegram.org/bots/api#authorizing-your-bot>).
    pub(super) id: u64,
    /// Its name, without the `@`, once Telegram was asked for it.
    pub(super) name: Option<String>,
}

impl Me {
    fn is_called(&self, name: &str) -> bool {
        let own = self.name.as_deref();
        own.is_some_and(|own| own.eq_ignore_ascii_case(name))
    }
}

/// What an update was.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Update {
    /// Nothing for the bot.
    Nothing,
    /// A user said something.
    Message(Box<UserEvent<Message>>),
    /// A user tapped a button.
    Tapped(Box<UserEvent<Tap>>),
    /// It cannot be told before the bot's name is known.
    NameNeeded,
    /// It is not understood, for this reason.
    Odd(&'static str),
}

/// What a user did, and where.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct UserEvent<A> {
    /// Its place among the user's doings.
    pub(super) key: EntryKey,
    /// When; of a tap, Telegram does not say it.
    pub(super) at: Option<Timestamp>,
    /// The user's id.
    pub(super) user: String,
    /// The topic, which is a conversation of its own.
    pub(super) thread: Option<String>,
    /// Where to answer.
    pub(super) chat: Chat,
    /// What Telegram says of the user.
    pub(super) profile: Profile,
    /// What was done.
    pub(super) action: A,
}

/// What was said.
#[derive(Clone, PartialEq)]
pub(super) struct Message {
    /// Its id in the chat.
    pub(super) id: i64,
    pub(super) text: String,
    pub(super) file: Option<Attachment>,
}

/// A tap (<https://core.telegram.org/bots/api#callbackquery>).
#[derive(Clone, PartialEq)]
pub(super) struct Tap {
    /// What it is answered by.
    pub(super) query: String,
    /// The message that the button is on; an inline message has none.
    pub(super) message: Option<i64>,
    /// What the button carries.
    pub(super) data: String,
    /// Its label, where the message is still known.
    pub(super) label: String,
}

redacted_debug!(Message {
    id,
    text: bytes,
    file
});
redacted_debug!(Tap { message });

/// Reads a body that was verified.
pub(super) fn read(body: &[u8], me: &Me, tell_edits: bool) -> Update {
    let update = match json_object(body) {
        Ok(update) => update,
        Err(reason) => return Update::Odd(reason),
    };
    let at = |key: &str| update.get(key).filter(|value| value.is_object());
    if let Some(message) = at("message") {
        return read_message(message, me);
    }
    if let Some(message) = at("edited_message") {
        return if tell_edits {
            edited(message, me)
        } else {
            Update::Nothing
        };
    }
    match at("callback_query") {
        Some(query) => tapped(query),
        None if lenient_json::whole(&update, "update_id").is_none() => {
            Update::Odd("an update without an update_id")
        }
        // Whatever it is, it is not for the bot: who follows it, reactions, posts of channels, what is new.
        None => Update::Nothing,
    }
}

/// A message (<https://core.telegram.org/bots/api#message>).
fn read_message(message: &Value, me: &Me) -> Update {
    let Some(place) = MessagePlace::of(message) else {
        return Update::Odd("a message without a chat, an id or a date");
    };
    let Some(user) = person(message, me) else {
        return Update::Nothing;
    };
    let words = Words::of(message);
    // In a private chat, too: the bot's own mention is no part of what is said.
    let is_known = me.name.is_some() || words.mentions(me);
    if !is_known && words.names_somebody() {
        return Update::NameNeeded;
    }
    if !place.is_private && !is_meant(message, &words, me) {
        return Update::Nothing;
    }
    let file = content::file(message);
    let text = match (words_of(message, &words, me), &file) {
        (text, file) if !is_blank(&text) || file.is_some() => text,
        // Who only calls the bot by its name wants to begin; all else is about the chat itself.
        _ if words.mentions(me) => START.to_owned(),
        _ => return Update::Nothing,
    };
    let mut profile = profile(user);
    profile.mobile_no = content::own_number(message);
    Update::Message(Box::new(UserEvent {
        key: place.key(place.at),
        at: Some(place.at),
        user: lenient_json::text(user, "id"),
        thread: place.thread(),
        chat: place.answered_at(),
        profile,
        action: Message {
            id: place.message,
            text,
            file,
        },
    }))
}

/// Whether something said in a group is for the bot.
fn is_meant(message: &Value, words: &Words<'_>, me: &Me) -> bool {
    match words.command() {
        Some(Command { bot: Some(bot), .. }) => me.is_called(bot),
        Some(Command { bot: None, .. }) => true,
        None => is_reply_to(message, me) || words.mentions(me),
    }
}

/// What a message says, in words; empty where that is nothing.
fn words_of(message: &Value, words: &Words<'_>, me: &Me) -> String {
    let text = match words.command() {
        Some(Command {
            name: "/start",
            rest: "",
            ..
        }) => START.to_owned(),
        // The payload of a link to the bot (<https://core.telegram.org/bots/features#deep-linking>) is what
        // the user begins with.
        Some(Command {
            name: "/start",
            rest,
            ..
        }) => rest.to_owned(),
        _ => words.readable(me),
    };
    // Beside a file there is nothing else.
    if is_blank(&text) && content::file(message).is_none() {
        content::special_content_text(message)
    } else {
        text
    }
}

/// An edit: what the message says now in words. Telegram also calls it one when something changes that a bot does
/// not see: then `edit_date` is that of the edit before, or missing, so that the same is not told again. A live
/// location (<https://core.telegram.org/bots/api#location>) is edited every few seconds, and no other one is.
fn edited(message: &Value, me: &Me) -> Update {
    let edited_at = lenient_json::whole(message, "edit_date").and_then(time);
    let (Some(place), Some(edited_at)) = (MessagePlace::of(message), edited_at) else {
        return Update::Nothing;
    };
    let told = match read_message(message, me) {
        Update::Message(told) => told,
        other => return other,
    };
    let words = words_of(message, &Words::of(message), me);
    if is_blank(&words) || message.get("location").is_some() {
        return Update::Nothing;
    }
    let text = format!("Edited message: {words}");
    // Within a second there may be several.
    let which = EntryKey::from(words.as_str()).digest();
    Update::Message(Box::new(UserEvent {
        key: place.key(edited_at).then(format!("edit-{which}")),
        at: Some(edited_at),
        action: Message {
            id: place.message,
            text,
            file: None,
        },
        ..*told
    }))
}

/// A tap. Telegram does not say when it was made; its place is behind the message that was tapped. That
/// message may be gone, or too old to be shown: then its date is 0.
fn tapped(query: &Value) -> Update {
    let nothing = Value::Null;
    let user = query.get("from").unwrap_or(&nothing);
    let (Some(id), Some(user_id)) = (
        lenient_json::some_text(query, "id"),
        lenient_json::some_text(user, "id"),
    ) else {
        return Update::Odd("a tap without an id or a user");
    };
    let message = query.get("message").unwrap_or(&nothing);
    let place = MessagePlace::of(message);
    let data = lenient_json::text(query, "data");
    // The private chat with somebody has the id of the user.
    let alone = || user_id.parse().map(Chat::private).ok();
    let Some(chat) = place.as_ref().map(MessagePlace::written_in).or_else(alone) else {
        return Update::Odd("a tap of nobody");
    };
    let key = match &place {
        Some(place) => place.key(place.at).then(&id),
        None => KeyKind::act(Timestamp::UNIX_EPOCH, format!("{}#{id}", chat.id)).into(),
    };
    Update::Tapped(Box::new(UserEvent {
        key,
        at: None,
        user: user_id,
        thread: place.as_ref().and_then(MessagePlace::thread),
        chat,
        profile: profile(user),
        action: Tap {
            query: id,
            message: place.map(|place| place.message),
            label: label(message, &data),
            data,
        },
    }))
}

/// The label of the button that carries this.
fn label(message: &Value, data: &str) -> String {
    let rows = message
        .pointer("/reply_markup/inline_keyboard")
        .and_then(Value::as_array);
    let mut buttons = rows
        .into_iter()
        .flatten()
        .filter_map(Value::as_array)
        .flatten();
    let button = buttons.find(|button| lenient_json::text(button, "callback_data") == data);
    button
        .map(|button| lenient_json::text(button, "text"))
        .unwrap_or_default()
}

/// Where something was said.
#[derive(Debug)]
struct MessagePlace {
    chat: i64,
    message: i64,
    at: Timestamp,
    topic: Option<i64>,
    is_private: bool,
}

impl MessagePlace {
    fn of(message: &Value) -> Option<Self> {
        let chat = message.get("chat")?;
        let number = |value: &Value, key: &str| lenient_json::text(value, key).parse::<i64>().ok();
        // Outside of topics, a thread is only a chain of replies, to which nothing can be sent.
        let is_topic = lenient_json::flag(message, "is_topic_message");
        Some(Self {
            chat: number(chat, "id")?,
            message: number(message, "message_id")?,
            at: lenient_json::whole(message, "date").and_then(time)?,
            topic: number(message, "message_thread_id").filter(|_| is_topic),
            is_private: lenient_json::text(chat, "type") == "private",
        })
    }

    fn thread(&self) -> Option<String> {
        self.topic.map(|topic| format!("{}:{topic}", self.chat))
    }

    /// Where it was said.
    fn written_in(&self) -> Chat {
        Chat {
            id: self.chat,
            topic: self.topic,
            reply_to: None,
        }
    }

    /// Where it is answered: among others, as a reply.
    fn answered_at(&self) -> Chat {
        Chat {
            reply_to: Some(self.message).filter(|_| !self.is_private),
            ..self.written_in()
        }
    }

    /// The key of what happened then to this message. Telegram's times are whole seconds: within one, the
    /// order is that of the messages, which are numbered.
    fn key(&self, at: Timestamp) -> EntryKey {
        let within = SignedDuration::from_micros(self.message.rem_euclid(1_000_000));
        let at = at.checked_add(within).unwrap_or(at);
        KeyKind::act(at, format!("{}#{}", self.chat, self.message)).into()
    }
}

/// The person who wrote a message; `None` where that was a bot, a channel, or a group in its own name.
fn person<'a>(message: &'a Value, me: &Me) -> Option<&'a Value> {
    let user = message
        .get("from")
        .filter(|user| lenient_json::some_text(user, "id").is_some())?;
    let is_bot =
        lenient_json::flag(user, "is_bot") || lenient_json::whole(user, "id") == Some(me.id);
    let is_chats =
        message.get("sender_chat").is_some() || lenient_json::flag(message, "is_automatic_forward");
    (!is_bot && !is_chats).then_some(user)
}

/// Whether it replies to something that the bot said. The first message of a topic, to which everything in
/// it replies, says nothing.
fn is_reply_to(message: &Value, me: &Me) -> bool {
    let Some(replied) = message.get("reply_to_message") else {
        return false;
    };
    let from = replied
        .get("from")
        .and_then(|from| lenient_json::whole(from, "id"));
    from == Some(me.id) && replied.get("forum_topic_created").is_none()
}

/// <https://core.telegram.org/bots/api#user>
fn profile(user: &Value) -> Profile {
    let mut profile = Profile {
        name: full_name(user),
        language_code: language(&lenient_json::text(user, "language_code")),
        ..Profile::default()
    };
    if let Some(name) = lenient_json::some_text(user, "username") {
        profile
            .custom_data
            .insert("telegram_username".to_owned(), name.into());
    }
    profile
}

fn full_name(user: &Value) -> Option<String> {
    let names = [
        lenient_json::text(user, "first_name"),
        lenient_json::text(user, "last_name"),
    ];
    Some(names.join(" ").trim().to_owned()).filter(|name| !name.is_empty())
}

fn time(seconds: u64) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
}

#[cfg(test)]
mod tests;
