//! Messages (<https://docs.slack.dev/reference/events/message>) and mentions
//! (<https://docs.slack.dev/reference/events/app_mention>).

use serde_json::Value;

use super::start::START;
use super::ts::Ts;
use super::words::{Words, is_an_apps};
use super::{Reader, Reading, nothing};
use crate::slack::address::{Address, Place};
use crate::slack::text::{Readable, leading_mention, mentions};
use haptik_bridge_shared::lenient_json::{self, text_at};
use haptik_bridge_shared::message::{Addressed, Inbound, UserAction, is_blank};

/// The subtypes that are a user's own words; the others are the system's, another app's, or about a
/// message that was there before.
const OWN_WORDS: &[&str] = &["", "file_share", "me_message", "thread_broadcast"];

impl Reader<'_> {
    /// Reads a `message` or an `app_mention`. One mention comes as both, and either may come several
    /// times over with other `event_id`s: all have the same key, which is of channel and `ts`.
    pub(super) fn message(self, envelope: &Value, event: &Value) -> Result<Reading, String> {
        let own = OwnIds::read(envelope);
        match lenient_json::text(event, "subtype").as_str() {
            "message_changed" | "message_deleted" if self.tell_edits => {
                return Ok(self.edit(event, &own).unwrap_or_else(nothing));
            }
            _ => {}
        }
        if !is_a_persons(event, &own) {
            return Ok(nothing());
        }
        let user = required(event, "user")?;
        let channel = required(event, "channel")?;
        let ts = required(event, "ts")?;
        let time = Ts::read(ts).ok_or("a message whose ts is no time")?;
        let words = Words::of(event);
        let is_mention = lenient_json::text(event, "type") == "app_mention";
        let mut own_ids = own.mentionable();
        if is_mention && own_ids.is_empty() {
            own_ids.extend(leading_mention(words.own_text()));
        }
        let is_addressed = is_mention || mentions(words.own_text(), &own_ids);
        let place = place_of(event, event, channel, ts);
        let Some(addressed) = addressed(&place, is_addressed) else {
            return Ok(nothing());
        };
        let comes_twice = is_addressed && !place.is_direct;
        let (Readable { mut text, mentions }, beside) = told(&words, &own_ids, comes_twice);
        let attachments = words.files;
        let is_alone = beside.iter().all(|(_, part)| part.text.is_empty());
        if is_blank(&text) && is_alone && attachments.is_empty() {
            if !is_addressed {
                return Ok(nothing());
            }
            // Who only calls the bot by its name wants to begin.
            START.clone_into(&mut text);
        }
        let action = UserAction::Message { text, attachments };
        let inbound = Inbound {
            message_id: Some(ts.to_owned()),
            addressed,
            mentions,
            ..self.inbound(time.key(channel), time.at(), user, &place, action)
        };
        Ok(Reading {
            inbound: if comes_twice {
                in_parts(inbound, beside)
            } else {
                vec![inbound]
            },
            ..nothing()
        })
    }
}

impl Reader<'_> {
    /// An edit or a deletion of something that a user said to the bot, which is told as such. Slack also
    /// calls it an edit when it adds a preview or a reply: then the words are the same.
    fn edit(self, event: &Value, own: &OwnIds<'_>) -> Option<Reading> {
        let before = event.get("previous_message").unwrap_or(&Value::Null);
        // Of a message that has replies, Slack leaves a stone.
        let is_left = |after: &&Value| lenient_json::text(after, "subtype") != "tombstone";
        let after = event.get("message").filter(is_left);
        let message = after.unwrap_or(before);
        let user = text_at(message, "/user")?;
        let channel = text_at(event, "/channel")?;
        let time = Ts::read(text_at(event, "/ts")?)?;
        let own_ids = own.mentionable();
        let said = |message: &Value| Words::of(message).named(&own_ids);
        let says_no_more = |after: &Value| {
            let now = said(after);
            is_blank(&now.text) || now == said(before)
        };
        if !is_a_persons(message, own) || after.is_some_and(says_no_more) {
            return None;
        }
        let ts = text_at(message, "/ts").unwrap_or_default();
        let place = place_of(event, message, channel, ts);
        let was_addressed = |one: &Value| mentions(Words::of(one).own_text(), &own_ids);
        let begins_thread = place.root() == ts;
        if !place.is_direct && begins_thread && !was_addressed(before) && !was_addressed(message) {
            return None;
        }
        let told = match after {
            Some(after) => said(after).after("Edited message: "),
            None => said(before).after("Deleted message: "),
        };
        let Readable { text, mentions } = told;
        let (key, action) = (time.key(channel).then("edit"), UserAction::said(text));
        let inbound = Inbound {
            addressed: if place.is_direct {
                Addressed::Yes
            } else {
                Addressed::IfThreadActive(place.thread())
            },
            mentions,
            ..self.inbound(key, time.at(), user, &place, action)
        };
        Some(Reading {
            inbound: vec![inbound],
            ..nothing()
        })
    }
}

/// Where a message is, which an event tells.
fn place_of(event: &Value, message: &Value, channel: &str, ts: &str) -> Place {
    Place {
        channel: channel.to_owned(),
        ts: ts.to_owned(),
        is_direct: is_direct(event, channel),
        thread_ts: text_at(message, "/thread_ts").map(ToOwned::to_owned),
    }
}

/// Whether what is said in a place is for the bot; `None` where it is not.
fn addressed(place: &Place, is_addressed: bool) -> Option<Addressed> {
    if place.is_direct || is_addressed {
        return Some(place.addressed());
    }
    let is_reply = place.thread_ts.is_some();
    is_reply.then(|| Addressed::IfThreadActive(place.thread()))
}

/// What a message says, and apart from it, each by a name, what only one of its two events may have.
fn told(
    words: &Words<'_>,
    own_ids: &[&str],
    comes_twice: bool,
) -> (Readable, Vec<(&'static str, Readable)>) {
    if comes_twice {
        let [said, tables, forwarded] = words.readable_apart(own_ids);
        (said, vec![("tables", tables), ("forwarded", forwarded)])
    } else {
        (words.readable(own_ids), Vec::new())
    }
}

/// A message whose files, tables and forwarded messages, each by the name of its key, are told apart from its words:
/// of the two events that a mention comes as, either may be without them, and either may come first. What only one
/// of them has is told then as well.
fn in_parts(
    mut inbound: Inbound<Address>,
    beside: Vec<(&'static str, Readable)>,
) -> Vec<Inbound<Address>> {
    let UserAction::Message { text, attachments } = &mut inbound.action else {
        return vec![inbound];
    };
    let (files, has_words) = (std::mem::take(attachments), !text.is_empty());
    let part = |key, text, attachments, mentions| Inbound {
        key,
        message_id: None,
        action: UserAction::Message { text, attachments },
        mentions,
        ..inbound.clone()
    };
    let mut parts = Vec::new();
    for (name, Readable { text, mentions }) in beside {
        if !text.is_empty() {
            parts.push(part(inbound.key.then(name), text, Vec::new(), mentions));
        }
    }
    for (index, file) in files.into_iter().enumerate() {
        let id = file.id.clone().unwrap_or_else(|| index.to_string());
        let key = inbound.key.then("file").then(id);
        parts.push(part(key, String::new(), vec![file], Vec::new()));
    }
    // The message is shown to be taken once.
    let message_id = inbound.message_id.clone();
    match parts.first_mut().filter(|_| !has_words) {
        Some(first) => first.message_id = message_id,
        None => parts.insert(0, inbound),
    }
    parts
}

/// The ids under which the app is known in the workspace
/// (<https://docs.slack.dev/apis/events-api/#authorizations>).
struct OwnIds<'a> {
    /// Those that Slack says are the app's bot user.
    bots: Vec<&'a str>,
    /// Everybody for whom the event was sent, the person who installed the app perhaps among them.
    all: Vec<&'a str>,
}

impl<'a> OwnIds<'a> {
    fn read(envelope: &'a Value) -> Self {
        let id = |authorization: &'a Value| authorization.get("user_id").and_then(Value::as_str);
        let authorizations = || lenient_json::list(envelope, "authorizations");
        let bots = authorizations()
            .filter(|one| lenient_json::flag(one, "is_bot"))
            .filter_map(id)
            .collect();
        let authed = lenient_json::list(envelope, "authed_users").filter_map(Value::as_str);
        Self {
            bots,
            all: authorizations().filter_map(id).chain(authed).collect(),
        }
    }

    /// The ids whose mention addresses the app.
    fn mentionable(&self) -> Vec<&'a str> {
        let ids = if self.bots.is_empty() {
            &self.all
        } else {
            &self.bots
        };
        ids.iter().copied().filter(|id| !id.is_empty()).collect()
    }
}

/// Whether a person said it, with words or files of their own.
fn is_a_persons(event: &Value, own: &OwnIds<'_>) -> bool {
    let user = lenient_json::text(event, "user");
    OWN_WORDS.contains(&lenient_json::text(event, "subtype").as_str())
        && !lenient_json::flag(event, "hidden")
        && !is_an_apps(event)
        && user != "USLACKBOT"
        && !own.bots.contains(&user.as_str())
}

/// Whether a conversation is with the app alone. `app_home` is the old name of its messages tab.
fn is_direct(event: &Value, channel: &str) -> bool {
    match lenient_json::text(event, "channel_type").as_str() {
        "" => channel.starts_with('D'),
        kind => matches!(kind, "im" | "app_home"),
    }
}

fn required<'a>(event: &'a Value, key: &'static str) -> Result<&'a str, String> {
    let text = text_at(event, &format!("/{key}"));
    text.ok_or_else(|| format!("a message without {key}"))
}
