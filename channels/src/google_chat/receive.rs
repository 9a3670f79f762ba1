//! What Google Chat sends: one interaction event a request, in one of two dialects.
//!
//! - That of Chat apps: `type` says what it is
//!   (<https://developers.google.com/workspace/chat/api/reference/rest/v1/Event>).
//! - That of Google Workspace add-ons: under `chat` there is one payload, whose key says it
//!   (<https://developers.google.com/workspace/add-ons/concepts/event-objects#chat-event-object>).
//!
//! `event` makes one of both; here, it is read.

use haptik_bridge_shared::ids::EntryKey;
use haptik_bridge_shared::key::KeyKind;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::{Attachment, Profile, is_blank, language};
use haptik_bridge_shared::redacted_debug;
use jiff::Timestamp;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::Address;
use crate::request::json_object;
use event::{Event, Kind};

mod event;
mod files;

/// What is said to the bot by one who begins without words.
const START: &str = "Hi";

/// What an event was.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Read {
    /// Nothing for the bot.
    Nothing,
    /// A user said something.
    Message(Box<UserEvent<Message>>),
    /// A user tapped a button, or sent a form.
    Tapped(Box<UserEvent<Tap>>),
    /// A user added the app to a space, and said nothing with that.
    Added(Box<UserEvent<()>>),
    /// It is not understood, for this reason.
    Odd(&'static str),
}

/// What a user did, and where.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct UserEvent<A> {
    /// Its place among the user's doings.
    pub(super) key: EntryKey,
    /// When.
    pub(super) at: Timestamp,
    /// The user's number at Google: `1234` of `users/1234`.
    pub(super) user: String,
    /// Where to answer.
    pub(super) place: Address,
    /// What Google says of the user.
    pub(super) profile: Profile,
    /// What was done.
    pub(super) action: A,
}

/// What was said.
#[derive(Clone, PartialEq)]
pub(super) struct Message {
    /// The message's name.
    pub(super) name: String,
    pub(super) text: String,
    pub(super) files: Vec<Attachment>,
}

/// A tap on one of the app's buttons.
#[derive(Clone, PartialEq)]
pub(super) struct Tap {
    /// The name of the message that the button is on, where that is one to change.
    pub(super) message: Option<String>,
    /// What the button carries.
    pub(super) data: String,
    /// Its label, where it goes away once it is used.
    pub(super) label: Option<String>,
    /// What is filled in, in the message.
    pub(super) inputs: Value,
}

redacted_debug!(Message {
    name,
    text: bytes,
    files: len
});
redacted_debug!(Tap { message });

/// The parameters of our buttons: what one carries, and its label.
pub(super) const DATA: &str = "k";
pub(super) const LABEL: &str = "l";

/// Reads a body that was verified.
pub(super) fn read(body: &[u8]) -> Read {
    let body = match json_object(body) {
        Ok(body) => body,
        Err(reason) => return Read::Odd(reason),
    };
    let Some(event) = Event::of(&body) else {
        return Read::Odd("an event of neither dialect");
    };
    // What the app itself or another one does is not for the bot.
    if lenient_json::text(event.user(), "type") == "BOT" {
        return Read::Nothing;
    }
    match event.kind {
        Kind::Message | Kind::Command => read_message(&event),
        Kind::Added if event.message.is_object() => read_message(&event),
        Kind::Added if event.is_followed => Read::Nothing,
        Kind::Added => done(&event, event.at, String::new(), ()).map_or(
            Read::Odd("an event without a space, a user or a time"),
            |user_event| Read::Added(Box::new(user_event)),
        ),
        Kind::Clicked => tapped(&event),
        // Whatever it is, it is not for the bot: that the app was removed, its home, what is new.
        Kind::Other => Read::Nothing,
    }
}

/// Something said: all of it in a direct message; in a space what mentions the app, and its commands, with
/// the mention taken out.
fn read_message(event: &Event<'_>) -> Read {
    let message = event.message;
    // A link that the app could show a preview of is said to others.
    let is_about_a_link = message.get("matchedUrl").is_some_and(Value::is_object);
    if is_about_a_link && !event.is_direct() && !mentions_app(message) {
        return Read::Nothing;
    }
    let name = lenient_json::text(message, "name");
    let at = event::time(message, "createTime").or(event.at);
    let files: Vec<Attachment> = files::of(message).collect();
    let text = match words(event) {
        text if is_blank(&text) && files.is_empty() => START.to_owned(),
        text => text,
    };
    // A command that is no message has no name; then its time tells it from others.
    if !is_name(&name, "messages") && event.kind != Kind::Command {
        return Read::Odd("a message without a name");
    }
    let message = Message {
        name: name.clone(),
        text,
        files,
    };
    let user_event = done(event, at, name, message);
    user_event.map_or(
        Read::Odd("a message without a space, a user or a time"),
        |user_event| Read::Message(Box::new(user_event)),
    )
}

/// What is said in words, without the mention of the app.
fn words(event: &Event<'_>) -> String {
    let message = event.message;
    let is_command =
        event.kind == Kind::Command || message.get("slashCommand").is_some_and(Value::is_object);
    let argument = message.get("argumentText").and_then(Value::as_str);
    let text = match argument {
        // Of a command, it has only what stands behind it.
        Some(argument) if !is_command => argument.to_owned(),
        _ => lenient_json::text(message, "text"),
    };
    text.trim().to_owned()
}

fn mentions_app(message: &Value) -> bool {
    let mut annotations = lenient_json::list(message, "annotations");
    annotations.any(|annotation| {
        annotation
            .pointer("/userMention/user")
            .is_some_and(|user| lenient_json::text(user, "type") == "BOT")
    })
}

/// A tap. Google gives it no id: its time, which has microseconds, and what it says tell it from others.
fn tapped(event: &Event<'_>) -> Read {
    let message = lenient_json::text(event.message, "name");
    let parameter = |key: &str| event.parameters.get(key).and_then(Value::as_str);
    let Some(data) = parameter(DATA) else {
        return Read::Nothing;
    };
    let said = format!(
        "{}{}",
        Value::Object(event.parameters.clone()),
        event.inputs
    );
    let digest = hex::encode(Sha256::digest(said));
    let digest = digest.get(..16).unwrap_or_default();
    let user = lenient_json::text(event.user(), "name");
    let id = format!("{message}#{user}#{digest}");
    let tap = Tap {
        message: Some(message).filter(|name| is_name(name, "messages")),
        data: data.to_owned(),
        label: parameter(LABEL).map(ToOwned::to_owned),
        inputs: event.inputs.clone(),
    };
    let user_event = done(event, event.at, id, tap);
    user_event.map_or(
        Read::Odd("a tap without a space, a user or a time"),
        |user_event| Read::Tapped(Box::new(user_event)),
    )
}

/// What was done, with all that an event says beside it.
fn done<A>(
    event: &Event<'_>,
    at: Option<Timestamp>,
    id: String,
    action: A,
) -> Option<UserEvent<A>> {
    let at = at?;
    let user = lenient_json::text(event.user(), "name");
    let user = user.strip_prefix("users/").filter(|id| !id.is_empty())?;
    let space = lenient_json::some_text(event.space, "name")?;
    let id = if id.is_empty() {
        format!("{space}#{user}")
    } else {
        id
    };
    Some(UserEvent {
        key: KeyKind::act(at, id).into(),
        at,
        profile: profile(event),
        place: Address {
            thread: event.thread(&space),
            space: Some(space).filter(|space| is_space(space))?,
        },
        user: user.to_owned(),
        action,
    })
}

/// What Google says of a user with each event
/// (<https://developers.google.com/workspace/chat/api/reference/rest/v1/User>).
fn profile(event: &Event<'_>) -> Profile {
    let user = event.user();
    let mut custom_data = Map::new();
    if let Some(name) = lenient_json::some_text(user, "name") {
        custom_data.insert("google_chat_user".to_owned(), name.into());
    }
    Profile {
        name: lenient_json::some_text(user, "displayName"),
        email: lenient_json::some_text(user, "email"),
        language_code: language(&event.locale),
        custom_data,
        ..Profile::default()
    }
}

/// Whether this is the name of a space: it becomes a part of an address.
fn is_space(name: &str) -> bool {
    name.strip_prefix("spaces/").is_some_and(is_id)
}

/// Whether this is the name of something in a space: `spaces/AAAA/{collection}/BBBB`.
pub(super) fn is_name(name: &str, collection: &str) -> bool {
    let mut parts = name.split('/');
    parts.next() == Some("spaces")
        && parts.next().is_some_and(is_id)
        && parts.next() == Some(collection)
        && parts.next().is_some_and(is_id)
        && parts.next().is_none()
}

fn is_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~=".contains(&byte);
    !id.is_empty() && id.bytes().all(is_plain) && !id.bytes().all(|byte| byte == b'.')
}

#[cfg(test)]
mod tests;
