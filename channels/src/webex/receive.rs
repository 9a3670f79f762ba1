//! What Webex sends (<https://developer.webex.com/docs/webhooks>): who did something to which message, room or
//! card, by ids. What was said or filled in is not in it: it is [fetched](super::resolve) later.

use haptik_bridge_shared::ids::EntryKey;
use haptik_bridge_shared::key::KeyKind;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::is_email;
use jiff::Timestamp;
use serde_json::Value;

use super::Place;

/// Where the addresses of bots are; those of people never are.
const BOTS: [&str; 2] = ["@webex.bot", "@sparkbot.io"];

/// What stands behind the key of an edit: each has a time of its own.
const EDIT: &str = "edit";

/// What a hook was.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Read {
    /// Nothing for the bot.
    Nothing,
    /// An event of a kind that is new.
    Unknown(String),
    /// A user did something.
    Done(Box<Deed>),
    /// It is not understood, for this reason.
    Odd(&'static str),
}

/// What a user did, and where.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Deed {
    /// Its place among the user's doings.
    pub(super) key: EntryKey,
    /// When.
    pub(super) at: Timestamp,
    /// The user's id at Webex.
    pub(super) user: String,
    /// The user's address, where the hook has it.
    pub(super) email: Option<String>,
    /// Where to answer.
    pub(super) place: Place,
    /// What was done.
    pub(super) what: What,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// The message with this id was written.
    Said(String),
    /// The message with this id was edited.
    Edited(String),
    /// A message was deleted.
    Deleted,
    /// The answers to a card with this id were sent.
    Submitted(String),
    /// This bot, perhaps the one of the connection, was added to a room.
    Added(String),
}

/// Reads a body that was verified.
pub(super) fn read(body: &[u8]) -> Read {
    let Ok(hook) = lenient_json::read(body) else {
        return Read::Odd("a body that is not JSON");
    };
    let resource = lenient_json::text(&hook, "resource");
    let event = lenient_json::text(&hook, "event");
    let Some(data) = hook.get("data").filter(|data| data.is_object()) else {
        return Read::Odd("a hook without data");
    };
    match (resource.as_str(), event.as_str()) {
        ("messages", "created" | "updated" | "deleted") => of_message(&hook, data, &event),
        ("attachmentActions", "created") => done(data, data, "action", What::Submitted),
        ("memberships", "created") => added(&hook, data),
        // The bot was removed, or somebody else was; what else becomes of rooms.
        ("memberships" | "rooms", _) => Read::Nothing,
        ("", _) | (_, "") => Read::Odd("a hook without a resource or an event"),
        _ => Read::Unknown(format!("{resource}/{event}")),
    }
}

/// A message, of whoever is no bot: those of the bot itself come too.
fn of_message(hook: &Value, data: &Value, event: &str) -> Read {
    if is_bots(hook, data) {
        return Read::Nothing;
    }
    match event {
        "created" => done(data, data, "", What::Said),
        "updated" => done(data, data, EDIT, What::Edited),
        _ => done(data, data, "gone", |_| What::Deleted),
    }
}

/// Whether what the hook is about is of a bot: the addresses of all bots are in one place, and the webhook was
/// made by the bot itself.
fn is_bots(hook: &Value, data: &Value) -> bool {
    let person = lenient_json::some_text(data, "personId");
    let email = lenient_json::text(data, "personEmail").to_lowercase();
    let is_own = person.is_some() && person == lenient_json::some_text(hook, "createdBy");
    is_own || BOTS.iter().any(|domain| email.ends_with(domain))
}

/// Somebody was added to a room: who added a bot there is greeted, where that bot is this one.
fn added(hook: &Value, data: &Value) -> Read {
    if !is_bots(hook, data) {
        return Read::Nothing;
    }
    let bot = lenient_json::text(data, "personId");
    // In the data, the person is the bot: who did it stands beside.
    done(data, hook, "", |_| What::Added(bot))
}

/// What was done to the thing that `data` has the id of. `by` has who did it.
fn done(data: &Value, by: &Value, of: &str, what: impl FnOnce(String) -> What) -> Read {
    let id = |key: &str| lenient_json::some_text(data, key).filter(|id| is_id(id));
    let user = lenient_json::first_text(by, &["personId", "actorId"]);
    let (Some(thing), Some(room), Some(user)) = (id("id"), id("roomId"), user) else {
        return Read::Odd("a hook without an id, a room or a person");
    };
    let time = |key: &str| lenient_json::text(data, key).parse::<Timestamp>().ok();
    let edited = time("updated").filter(|_| of == EDIT);
    let Some(at) = edited.or_else(|| time("created")) else {
        return Read::Odd("a hook without a time");
    };
    let key: EntryKey = KeyKind::act(at, thing.as_str()).into();
    let key = if of.is_empty() { key } else { key.then(of) };
    let is_group = lenient_json::text(data, "roomType") == "group";
    let email = lenient_json::some_text(by, "personEmail");
    let what = what(thing.clone());
    let place = match &what {
        // Among others, a thread begins with what is answered.
        What::Said(_) | What::Edited(_) | What::Deleted => Place {
            parent: id("parentId").or(Some(thing).filter(|_| is_group)),
            ..Place::room(room)
        },
        What::Submitted(_) => Place {
            beside: id("messageId"),
            ..Place::room(room)
        },
        What::Added(_) => Place::room(room),
    };
    Read::Done(Box::new(Deed {
        key,
        at,
        user,
        email: email.filter(|email| is_email(email)),
        place,
        what,
    }))
}

/// Whether this may be an id of Webex's: it becomes a part of an address.
pub(super) fn is_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=".contains(&byte);
    !id.is_empty() && id.bytes().all(is_plain)
}

#[cfg(test)]
mod tests;
