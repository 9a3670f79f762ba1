//! Interactions: taps on the buttons that we sent
//! (<https://docs.slack.dev/reference/interaction-payloads/block_actions-payload>).

use serde_json::Value;

use super::ts::Ts;
use super::{Place, Reader, event_types, named, nothing};
use crate::channel::slack::choice;
use crate::channel::slack::tap::{OPEN, RATE, SAY, Tap};
use crate::channel::{Act, Gate, Inbound, Received, Task};
use crate::haptik::hsl::spoken;
use crate::ids::EntryKey;
use crate::wire;

impl Reader<'_> {
    /// Reads an interaction. Those that we do not use are acknowledged: an empty answer closes a view
    /// and takes a shortcut as done.
    pub(super) fn interaction(self, payload: &Value) -> Result<Received, String> {
        match wire::text(payload, "type").as_str() {
            "block_actions" => self.taps(payload),
            kind if event_types::is_interaction(kind) => Ok(nothing()),
            kind => Err(format!("an interaction of the type {}", named(kind))),
        }
    }

    fn taps(self, payload: &Value) -> Result<Received, String> {
        let mut received = nothing();
        for action in wire::list(payload, "actions") {
            let id = wire::text(action, "action_id");
            // A link button's tap is reported too: the link is open, there is nothing to say.
            if id.starts_with(OPEN)
                || !(id.starts_with(SAY) || id.starts_with(RATE))
                || is_ephemeral(payload)
            {
                continue;
            }
            let (inbound, task) = self.tap(payload, action, &id)?;
            received.inbound.push(inbound);
            received.tasks.push(task);
        }
        Ok(received)
    }

    fn tap(self, payload: &Value, action: &Value, id: &str) -> Result<(Inbound, Task), String> {
        let value = wire::some_text(action, "value");
        let tap = value
            .as_deref()
            .and_then(Tap::read)
            .ok_or("a tap whose value is not ours")?;
        let user = text_at(payload, "/user/id").ok_or("a tap without a user")?;
        let place = place(payload)?;
        let time = action
            .get("action_ts")
            .and_then(Value::as_str)
            .and_then(Ts::read);
        let time = time.ok_or("a tap whose action_ts is no time")?;
        let key = EntryKey::from(format!("{}#{}#{id}", time.key(place.channel), place.ts));
        let shown = match &tap {
            Tap::Say { message, .. } => Some(spoken(message)).filter(|shown| !shown.is_empty()),
            Tap::Rate(rating) => Some("★".repeat(usize::from(*rating))),
            Tap::Offered { .. } => None,
        };
        // Slack gives a label back with its escaping.
        let label = text_at(action, "/text/text").map(|label| super::text::readable(label, &[]));
        let shown = shown.or(label).unwrap_or_default();
        let sent = tap.sent().to_owned();
        let act = match tap {
            Tap::Say { .. } => Act::Message {
                text: sent,
                attachments: Vec::new(),
            },
            Tap::Offered {
                auth_id,
                key,
                index,
            } => Act::Tap {
                auth_id,
                key,
                index,
            },
            Tap::Rate(rating) => Act::Feedback {
                rating,
                resolved: rating >= 4,
                comment: None,
            },
        };
        let auth_id = self.auth_id(user, place);
        let block_id = wire::text(action, "block_id");
        let task = choice::task(
            &place.address(),
            place.ts,
            payload.get("message"),
            &block_id,
            &shown,
        );
        let task = Task {
            key: key.clone(),
            at: time.at(),
            auth_id: auth_id.clone(),
            task,
        };
        let inbound = Inbound {
            key,
            at: time.at(),
            auth_id,
            user: user.to_owned(),
            address: place.address(),
            profile: None,
            // In a channel, a tap is as good as a mention.
            gate: if place.is_direct {
                Gate::Open
            } else {
                Gate::Opens(place.thread_id(place.root()))
            },
            act,
        };
        Ok((inbound, task))
    }
}

/// The place of the message with the button.
fn place(payload: &Value) -> Result<Place<'_>, String> {
    let first = |pointers: &[&str]| {
        pointers
            .iter()
            .find_map(|pointer| text_at(payload, pointer))
    };
    let channel =
        first(&["/container/channel_id", "/channel/id"]).ok_or("a tap without a channel")?;
    let ts = first(&["/container/message_ts", "/message/ts"]).ok_or("a tap without a message")?;
    let thread_ts = first(&["/message/thread_ts", "/container/thread_ts"]);
    let name = text_at(payload, "/channel/name").unwrap_or_default();
    Ok(Place {
        channel,
        thread_ts,
        ts,
        is_direct: channel.starts_with('D') || name == "directmessage",
    })
}

/// Whether only one person sees the message: we send none like that, and it cannot be updated.
fn is_ephemeral(payload: &Value) -> bool {
    payload
        .get("container")
        .is_some_and(|container| wire::flag(container, "is_ephemeral"))
}

fn text_at<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value
        .pointer(pointer)?
        .as_str()
        .filter(|text| !text.is_empty())
}
