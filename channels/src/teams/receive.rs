//! What Teams sends: one activity a request
//! (<https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference#activity-object>).

use haptik_bridge_shared::ids::EntryKey;
use haptik_bridge_shared::key::KeyKind;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::{Attachment, Profile, is_blank, language};
use haptik_bridge_shared::redacted_debug;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::Place;
use crate::adaptive_cards::Submitted;
use crate::callback;

mod files;
mod words;

/// What is said to the bot by one who begins without words.
const START: &str = "Hi";

/// How long an id of Teams' may be, in bytes. Not documented.
const LONGEST_ID: usize = 1_024;

/// Nothing, to point to.
static NOTHING: Value = Value::Null;

/// What an activity was.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Read {
    /// Nothing for the bot.
    Nothing,
    /// A user said something.
    Said(Box<Deed<Message>>),
    /// A user tapped a button, or sent a form.
    Tapped(Box<Deed<Tap>>),
    /// A user added the bot.
    Added(Box<Deed<()>>),
    /// A request that wants an answer at once and is of nothing that the bot has shown.
    Foreign(Invoke),
    /// A request that wants an answer at once, of which nothing is known.
    UnknownInvoke,
    /// It is not understood, for this reason.
    Odd(&'static str),
}

/// What a user did, and where.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Deed<A> {
    /// Its place among the user's doings.
    pub(super) key: EntryKey,
    /// When.
    pub(super) at: Timestamp,
    /// The user's object id in the tenant's directory; who has none is known by the bot's own id of them.
    pub(super) user: String,
    /// Where to answer.
    pub(super) place: Place,
    /// What Teams says of the user.
    pub(super) profile: Profile,
    /// What was done.
    pub(super) action: A,
}

/// By which request that wants an answer at once a card was used: each has a form of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Invoke {
    /// `adaptiveCard/action`.
    Card,
    /// `task/fetch` and `task/submit`.
    Task,
}

/// What was said.
#[derive(Clone, PartialEq)]
pub(super) struct Message {
    /// The message's id; none of an edit.
    pub(super) id: Option<String>,
    pub(super) text: String,
    pub(super) files: Vec<Attachment>,
}

/// A tap on one of the bot's buttons.
#[derive(Clone, PartialEq)]
pub(super) struct Tap {
    /// The id of the activity that the button is on, where Teams says it.
    pub(super) message: Option<String>,
    /// What came back.
    pub(super) submitted: Submitted,
    /// How the answer is shown to the user, where it is.
    pub(super) invoke: Option<Invoke>,
}

redacted_debug!(Message {
    id,
    text: bytes,
    files: len
});
redacted_debug!(Tap { message, invoke });

/// Reads an activity that was verified.
pub(super) fn read(activity: &Value, tell_edits: bool) -> Read {
    let (from, bot) = (at(activity, "from"), at(activity, "recipient"));
    let from = lenient_json::text(from, "id");
    // What the bot itself or another one does is not for the bot.
    if from == lenient_json::text(bot, "id") || from.starts_with("28:") {
        return Read::Nothing;
    }
    match lenient_json::text(activity, "type").as_str() {
        "message" => match Submitted::read(at(activity, "value")) {
            Some(submitted) => tapped(activity, submitted, None),
            None => said(activity),
        },
        "invoke" => invoked(activity),
        "messageUpdate" | "messageDelete" if tell_edits => changed(activity),
        "conversationUpdate" if is_added(activity) => added(activity),
        "installationUpdate" if lenient_json::text(activity, "action") == "add" => added(activity),
        "" => Read::Odd("an activity without a type"),
        // Whatever it is, it is not for the bot: that it was removed, reactions, that somebody types or has
        // read, what is new.
        _ => Read::Nothing,
    }
}

/// What is missing of an activity that does not say enough.
const ODD: Read = Read::Odd("an activity without a conversation, a user, a time or an id");

/// Something said: all of it in a personal chat, elsewhere what mentions the bot.
fn said(activity: &Value) -> Read {
    if !is_for_bot(activity) {
        return Read::Nothing;
    }
    let files: Vec<Attachment> = files::of(activity).collect();
    let text = match words::of(activity) {
        text if is_blank(&text) && files.is_empty() => START.to_owned(),
        text => text,
    };
    let id = lenient_json::text(activity, "id");
    let message = Message {
        id: Some(id.clone()),
        text,
        files,
    };
    if id.is_empty() {
        return ODD;
    }
    let deed = done(activity, "", message);
    deed.map_or(ODD, |deed| Read::Said(Box::new(deed)))
}

/// The bot was added. Teams says so twice at the first time, by a conversation's update and by one of the
/// installation, and once when it is added again; both of one hour are one.
fn added(activity: &Value) -> Read {
    let Some(mut deed) = done(activity, "", ()) else {
        return ODD;
    };
    let second = deed.at.as_second();
    let hour = Timestamp::from_second(second - second.rem_euclid(3_600)).unwrap_or(deed.at);
    deed.key = KeyKind::act(hour, format!("{}#added", deed.place.conversation)).into();
    Read::Added(Box::new(deed))
}

/// An edit, or that a message was deleted or brought back.
fn changed(activity: &Value) -> Read {
    let what = at(activity, "channelData");
    let text = match lenient_json::text(what, "eventType").as_str() {
        "editMessage" if is_for_bot(activity) => match words::of(activity) {
            text if is_blank(&text) => return Read::Nothing,
            text => format!("Edited message: {text}"),
        },
        "undeleteMessage" if is_for_bot(activity) => {
            format!("Restored message: {}", words::of(activity))
        }
        // Whether the bot was mentioned in it is not said any more.
        "softDeleteMessage" if is_personal(activity) => "Deleted a message.".to_owned(),
        _ => return Read::Nothing,
    };
    let message = Message {
        id: None,
        text,
        files: Vec::new(),
    };
    let deed = done(activity, "edit", message);
    deed.map_or(ODD, |deed| Read::Said(Box::new(deed)))
}

/// A request that wants its answer at once.
fn invoked(activity: &Value) -> Read {
    let value = at(activity, "value");
    let (invoke, data) = match lenient_json::text(activity, "name").as_str() {
        "adaptiveCard/action" => (Invoke::Card, at(at(value, "action"), "data")),
        "task/fetch" | "task/submit" => (Invoke::Task, at(value, "data")),
        // The bot offers no files in this way, and asks for no remarks.
        "fileConsent/invoke" | "message/submitAction" => return Read::Nothing,
        _ => return Read::UnknownInvoke,
    };
    match Submitted::read(data).filter(|submitted| callback::read(&submitted.data).is_some()) {
        Some(submitted) => tapped(activity, submitted, Some(invoke)),
        None => Read::Foreign(invoke),
    }
}

fn tapped(activity: &Value, submitted: Submitted, invoke: Option<Invoke>) -> Read {
    let message = lenient_json::some_text(activity, "replyToId");
    let tap = Tap {
        message: message.filter(|id| is_id(id)),
        submitted,
        invoke,
    };
    let deed = done(activity, "", tap);
    deed.map_or(ODD, |deed| Read::Tapped(Box::new(deed)))
}

/// Whether the bot was added, rather than somebody else.
fn is_added(activity: &Value) -> bool {
    let bot = lenient_json::text(at(activity, "recipient"), "id");
    let mut added = lenient_json::list(activity, "membersAdded");
    !bot.is_empty() && added.any(|member| lenient_json::text(member, "id") == bot)
}

fn is_for_bot(activity: &Value) -> bool {
    is_personal(activity) || words::mentions_bot(activity)
}

fn is_personal(activity: &Value) -> bool {
    lenient_json::text(at(activity, "conversation"), "conversationType") == "personal"
}

/// What was done, with all that an activity says beside it. The same message can be delivered, edited and
/// deleted, each once: `what` tells these apart.
fn done<A>(activity: &Value, what: &str, action: A) -> Option<Deed<A>> {
    let from = at(activity, "from");
    let conversation = lenient_json::text(at(activity, "conversation"), "id");
    let id = lenient_json::some_text(activity, "id");
    let known_as = lenient_json::some_text(from, "id").filter(|id| is_id(id))?;
    let time: Timestamp = lenient_json::text(activity, "timestamp").parse().ok()?;
    // An update of a conversation may have no id.
    let id = id.unwrap_or_else(|| format!("{known_as}#{time}"));
    let key: EntryKey = KeyKind::act(time, format!("{conversation}#{id}")).into();
    let user = lenient_json::some_text(from, "aadObjectId");
    Some(Deed {
        key: if what.is_empty() { key } else { key.then(what) },
        at: time,
        user: user.map_or_else(|| known_as.clone(), |user| user.to_ascii_lowercase()),
        place: Place {
            service_url: lenient_json::text(activity, "serviceUrl"),
            conversation: Some(conversation).filter(|id| is_id(id))?,
            personal: is_personal(activity),
            user: known_as,
        },
        profile: profile(activity),
        action,
    })
}

/// What Teams says of a user with each activity.
fn profile(activity: &Value) -> Profile {
    let from = at(activity, "from");
    let client = lenient_json::list(activity, "entities")
        .find(|entity| lenient_json::text(entity, "type") == "clientInfo");
    let client = client.unwrap_or(&NOTHING);
    let said = |here: &str, there: &str| {
        let here = lenient_json::some_text(activity, here);
        here.or_else(|| lenient_json::some_text(client, there))
    };
    let mut custom_data = Map::new();
    if let Some(id) = lenient_json::some_text(from, "aadObjectId") {
        custom_data.insert("teams_user".to_owned(), id.into());
    }
    if let Some(zone) = said("localTimezone", "timezone") {
        custom_data.insert("time_zone".to_owned(), zone.into());
    }
    Profile {
        name: lenient_json::some_text(from, "name"),
        language_code: said("locale", "locale").and_then(|locale| language(&locale)),
        custom_data,
        ..Profile::default()
    }
}

/// Whether this can be an id: it becomes a segment of an address.
pub(super) fn is_id(id: &str) -> bool {
    let is_plain = |character: char| !character.is_control() && !character.is_whitespace();
    !id.is_empty()
        && id.len() <= LONGEST_ID
        && id.chars().all(is_plain)
        && !id.bytes().all(|byte| byte == b'.')
}

fn at<'a>(value: &'a Value, key: &str) -> &'a Value {
    value.get(key).unwrap_or(&NOTHING)
}

#[cfg(test)]
mod tests;
