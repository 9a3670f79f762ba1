//! One event of both dialects.

use haptik_bridge_shared::lenient_json;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::is_name;

/// Nothing, to point to.
static NOTHING: Value = Value::Null;

/// What an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A message to the app.
    Message,
    /// One of the app's commands.
    Command,
    /// The app was added to a space.
    Added,
    /// A button was tapped.
    Clicked,
    /// Anything else.
    Other,
}

/// An event, in no dialect.
pub(super) struct Event<'a> {
    pub(super) kind: Kind,
    /// When, by Google's clock.
    pub(super) at: Option<Timestamp>,
    pub(super) space: &'a Value,
    /// The message that was written, or whose button was tapped; null where there is none.
    pub(super) message: &'a Value,
    /// The parameters of a button.
    pub(super) parameters: Map<String, Value>,
    /// What is filled in: `{"name": {"stringInputs": {"value": ["Ann"]}}}`.
    pub(super) inputs: &'a Value,
    /// The user's language: `en-GB`.
    pub(super) locale: String,
    /// Whether another event has what was said with this one.
    pub(super) is_followed: bool,
    user: &'a Value,
    thread: &'a Value,
}

/// The payloads of the add-ons' dialect, and what they are; those of other kinds are [`Kind::Other`].
const PAYLOADS: &[(&str, Kind)] = &[
    ("messagePayload", Kind::Message),
    ("appCommandPayload", Kind::Command),
    ("addedToSpacePayload", Kind::Added),
    ("buttonClickedPayload", Kind::Clicked),
];

impl<'a> Event<'a> {
    /// Reads an event; `None` when it is of neither dialect.
    pub(super) fn of(body: &'a Value) -> Option<Self> {
        match body.get("chat").filter(|chat| chat.is_object()) {
            Some(chat) => Some(Self::of_add_on(body, chat)),
            None => Self::of_app(body),
        }
    }

    fn of_add_on(body: &'a Value, chat: &'a Value) -> Self {
        let common = at(body, "commonEventObject");
        let payload = |(key, kind): &(&str, Kind)| Some((*kind, chat.get(*key)?));
        let payload = PAYLOADS.iter().find_map(payload);
        let (kind, payload) = payload.unwrap_or((Kind::Other, &NOTHING));
        let message = at(payload, "message");
        Self {
            kind,
            at: time(chat, "eventTime"),
            space: either(at(payload, "space"), at(message, "space")),
            message,
            parameters: at(common, "parameters")
                .as_object()
                .cloned()
                .unwrap_or_default(),
            inputs: at(common, "formInputs"),
            locale: lenient_json::text(common, "userLocale"),
            is_followed: lenient_json::flag(payload, "interactionAdd"),
            user: at(chat, "user"),
            thread: either(at(message, "thread"), at(payload, "thread")),
        }
    }

    fn of_app(body: &'a Value) -> Option<Self> {
        let common = at(body, "common");
        let message = at(body, "message");
        // Before there was `common`, parameters were a list.
        let listed = lenient_json::list(at(body, "action"), "parameters").filter_map(|each| {
            let value = lenient_json::text(each, "value");
            Some((lenient_json::some_text(each, "key")?, value.into()))
        });
        let parameters = at(common, "parameters").as_object().cloned();
        let parameters = parameters.filter(|parameters| !parameters.is_empty());
        Some(Self {
            kind: match lenient_json::some_text(body, "type")?.as_str() {
                "MESSAGE" => Kind::Message,
                "APP_COMMAND" => Kind::Command,
                "ADDED_TO_SPACE" => Kind::Added,
                "CARD_CLICKED" => Kind::Clicked,
                _ => Kind::Other,
            },
            at: time(body, "eventTime"),
            space: either(at(body, "space"), at(message, "space")),
            message,
            parameters: parameters.unwrap_or_else(|| listed.collect()),
            inputs: at(common, "formInputs"),
            locale: lenient_json::text(common, "userLocale"),
            is_followed: false,
            user: at(body, "user"),
            thread: either(at(message, "thread"), at(body, "thread")),
        })
    }

    /// Who did it.
    pub(super) fn user(&self) -> &'a Value {
        match self.kind {
            // The message that a button is on is the app's own.
            Kind::Clicked => self.user,
            _ => either(self.user, at(self.message, "sender")),
        }
    }

    /// Whether it is in the direct message of one user with the app.
    pub(super) fn is_direct(&self) -> bool {
        lenient_json::text(self.space, "spaceType") == "DIRECT_MESSAGE"
            || lenient_json::text(self.space, "type") == "DM"
    }

    /// The thread that is answered in; a direct message is one conversation.
    pub(super) fn thread(&self, space: &str) -> Option<String> {
        let name = lenient_json::text(self.thread, "name");
        let is_there = is_name(&name, "threads") && name.starts_with(&format!("{space}/"));
        Some(name).filter(|_| is_there && !self.is_direct())
    }
}

/// A time, as Google writes it.
pub(super) fn time(value: &Value, key: &str) -> Option<Timestamp> {
    lenient_json::text(value, key).parse().ok()
}

fn at<'a>(value: &'a Value, key: &str) -> &'a Value {
    value.get(key).unwrap_or(&NOTHING)
}

/// The first, if it is an object.
fn either<'a>(first: &'a Value, second: &'a Value) -> &'a Value {
    if first.is_object() { first } else { second }
}
