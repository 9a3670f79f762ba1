//! Messages (<https://docs.slack.dev/reference/events/message>) and mentions
//! (<https://docs.slack.dev/reference/events/app_mention>).

use serde_json::Value;

use super::text::{leading_mention, mentions, readable};
use super::ts::Ts;
use super::{Place, Reader, nothing};
use crate::channel::{Act, Attachment, Gate, Inbound, Received};
use crate::wire;

/// The subtypes that are a user's own words; the others are the system's, another app's, or about a
/// message that was there before.
const OWN_WORDS: &[&str] = &["", "file_share", "me_message", "thread_broadcast"];

impl Reader<'_> {
    /// Reads a `message` or an `app_mention`. One mention comes as both, and either may come several
    /// times over with other `event_id`s: all have the same key, which is of channel and `ts`.
    pub(super) fn message(self, envelope: &Value, event: &Value) -> Result<Received, String> {
        let own = OwnIds::read(envelope);
        if !is_a_persons(event, &own) {
            return Ok(nothing());
        }
        let user = required(event, "user")?;
        let channel = required(event, "channel")?;
        let ts = required(event, "ts")?;
        let time = Ts::read(ts).ok_or("a message whose ts is no time")?;
        let text = wire::text(event, "text");
        let is_mention = wire::text(event, "type") == "app_mention";
        let place = Place {
            channel,
            thread_ts: event
                .get("thread_ts")
                .and_then(Value::as_str)
                .filter(|thread| !thread.is_empty()),
            ts,
            is_direct: is_direct(event, channel),
        };
        let gate = if place.is_direct {
            Gate::Open
        } else if is_mention || mentions(&text, &own.mentionable()) {
            Gate::Opens(place.thread_id(place.root()))
        } else if place.thread_ts.is_some() {
            Gate::IfOpen(place.thread_id(place.root()))
        } else {
            return Ok(nothing());
        };
        let mut addressed = own.mentionable();
        if is_mention && addressed.is_empty() {
            addressed.extend(leading_mention(&text));
        }
        let text = readable(&text, &addressed);
        let attachments: Vec<Attachment> =
            wire::list(event, "files").filter_map(attachment).collect();
        if text.is_empty() && attachments.is_empty() {
            return Ok(nothing());
        }
        let inbound = Inbound {
            key: time.key(channel),
            at: time.at(),
            auth_id: self.auth_id(user, place),
            user: user.to_owned(),
            address: place.address(),
            profile: None,
            gate,
            act: Act::Message { text, attachments },
        };
        Ok(Received {
            inbound: vec![inbound],
            ..nothing()
        })
    }
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
        let authorizations = || wire::list(envelope, "authorizations");
        let bots = authorizations()
            .filter(|one| wire::flag(one, "is_bot"))
            .filter_map(id)
            .collect();
        let authed = wire::list(envelope, "authed_users").filter_map(Value::as_str);
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
    let user = wire::text(event, "user");
    let is_present = |key| event.get(key).is_some_and(|value| !value.is_null());
    OWN_WORDS.contains(&wire::text(event, "subtype").as_str())
        && !wire::flag(event, "hidden")
        && !is_present("bot_id")
        && !is_present("bot_profile")
        && user != "USLACKBOT"
        && !own.bots.contains(&user.as_str())
}

/// Whether a conversation is with the app alone. `app_home` is the old name of its messages tab.
fn is_direct(event: &Value, channel: &str) -> bool {
    match wire::text(event, "channel_type").as_str() {
        "" => channel.starts_with('D'),
        kind => matches!(kind, "im" | "app_home"),
    }
}

fn required<'a>(event: &'a Value, key: &'static str) -> Result<&'a str, String> {
    let text = event
        .get(key)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty());
    text.ok_or_else(|| format!("a message without {key}"))
}

/// A file (<https://docs.slack.dev/reference/objects/file-object>). One of which Slack tells no more
/// than that it exists (of another workspace, deleted, beyond a limit) has its name at least.
fn attachment(file: &Value) -> Option<Attachment> {
    if !file.is_object() {
        return None;
    }
    let first = |keys: &[&str]| keys.iter().find_map(|key| wire::some_text(file, key));
    Some(Attachment {
        url: first(&["url_private_download", "url_private"]).unwrap_or_default(),
        name: first(&["name", "title", "id"]).unwrap_or_else(|| "file".to_owned()),
        mime_type: wire::text(file, "mimetype"),
        size: wire::whole(file, "size"),
    })
}
