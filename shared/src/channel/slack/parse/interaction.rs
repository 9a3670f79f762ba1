//! Interactions: taps on the buttons that we sent, and forms that were filled in
//! (<https://docs.slack.dev/reference/interaction-payloads/block_actions-payload>).

use serde_json::{Value, json};

use super::ts::Ts;
use super::{Place, Reader, event_types, named, nothing};
use crate::channel::slack::form::{self, Submission};
use crate::channel::slack::notice::{form_not_opened, form_sent};
use crate::channel::slack::tap::{FILL, OPEN, RATE, SAY, Tap};
use crate::channel::slack::{choice, home};
use crate::channel::{Act, Gate, Inbound, Opening, Received, Reply, Task};
use crate::haptik::hsl::spoken;
use crate::wire;

impl Reader<'_> {
    /// Reads an interaction. Those that we do not use are acknowledged: an empty answer closes a view
    /// and takes a shortcut as done.
    pub(super) fn interaction(self, payload: &Value) -> Result<Received, String> {
        match wire::text(payload, "type").as_str() {
            "block_actions" => self.taps(payload),
            "view_submission" => self.submission(payload),
            "message_action" => Ok(self.message_action(payload)),
            "shortcut" => Ok(self.start(payload)),
            // A menu of somebody else's asks what to offer: an empty answer would show as an error.
            "block_suggestion" | "dialog_suggestion" => {
                Ok(Received::nothing(Reply::json(200, &json!({"options": []}))))
            }
            kind if event_types::is_interaction(kind) => Ok(nothing()),
            kind => Err(format!("an interaction of the type {}", named(kind))),
        }
    }

    fn taps(self, payload: &Value) -> Result<Received, String> {
        let mut received = nothing();
        for action in wire::list(payload, "actions") {
            let id = wire::text(action, "action_id");
            // A link button's tap is reported too: the link is open, there is nothing to say.
            if id.starts_with(OPEN) || is_ephemeral(payload) {
                continue;
            }
            if id == home::START {
                return Ok(self.start(payload));
            }
            if id == home::AGENT {
                return Ok(self.ask(payload));
            }
            if id.starts_with(FILL) {
                received.opening = Some(self.opening(payload, action, &id)?);
                continue;
            }
            if !(id.starts_with(SAY) || id.starts_with(RATE)) {
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
        let key = time.key(place.channel).then(place.ts).then(id);
        let shown = match &tap {
            Tap::Say { message, .. } => Some(spoken(message)).filter(|shown| !shown.is_empty()),
            Tap::Rate(rating) => Some("★".repeat(usize::from(*rating))),
            Tap::Offered { .. } | Tap::Fill { .. } => None,
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
            Tap::Fill { .. } => return Err("a button whose value is another one's".to_owned()),
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
            gate: gate(place),
            act,
            unnamed: Vec::new(),
            mark: None,
        };
        Ok((inbound, task))
    }
}

impl Reader<'_> {
    /// A tap that opens a form.
    fn opening(self, payload: &Value, action: &Value, id: &str) -> Result<Opening, String> {
        let value = wire::some_text(action, "value");
        let Some(Tap::Fill { auth_id, key }) = value.as_deref().and_then(Tap::read) else {
            return Err("a form's button whose value is not ours".to_owned());
        };
        let user = text_at(payload, "/user/id").ok_or("a tap without a user")?;
        let place = place(payload)?;
        let action_ts = wire::text(action, "action_ts");
        let time = Ts::read(&action_ts).ok_or("a tap whose action_ts is no time")?;
        let origin = form::Origin {
            channel: place.channel.to_owned(),
            thread_ts: place.thread_ts.map(ToOwned::to_owned),
            ts: place.ts.to_owned(),
            is_direct: place.is_direct,
            action_ts,
        };
        let mut with = origin.to_json();
        with["trigger_id"] = wire::text(payload, "trigger_id").into();
        Ok(Opening {
            auth_id,
            key,
            with,
            otherwise: Task {
                key: time.key(place.channel).then(place.ts).then(id),
                at: time.at(),
                auth_id: self.auth_id(user, place),
                task: form_not_opened(&place.address()),
            },
        })
    }

    /// A submitted modal
    /// (<https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload>): what is wrong
    /// is shown in it; what is right closes it, and is said by the user.
    fn submission(self, payload: &Value) -> Result<Received, String> {
        let view = payload.get("view").unwrap_or(&Value::Null);
        let Some(origin) = form::origin(view) else {
            return Ok(nothing());
        };
        let user = text_at(payload, "/user/id").ok_or("a submission without a user")?;
        let view_id = wire::text(view, "id");
        let time = Ts::read(&origin.action_ts).ok_or("a form whose time is none")?;
        let text = match form::submission(view) {
            Submission::Answers(text) => text,
            Submission::Errors(errors) => {
                let errors = json!({"response_action": "errors", "errors": errors});
                return Ok(Received::nothing(Reply::json(200, &errors)));
            }
        };
        if text.is_empty() {
            return Ok(nothing());
        }
        let place = Place {
            channel: &origin.channel,
            thread_ts: origin.thread_ts.as_deref(),
            ts: &origin.ts,
            is_direct: origin.is_direct,
        };
        let inbound = Inbound {
            key: time.key(place.channel).then(view_id),
            at: time.at(),
            auth_id: self.auth_id(user, place),
            user: user.to_owned(),
            address: place.address(),
            profile: None,
            gate: gate(place),
            act: Act::Message {
                text,
                attachments: Vec::new(),
            },
            unnamed: Vec::new(),
            mark: None,
        };
        let task = Task {
            key: inbound.key.clone(),
            at: inbound.at,
            auth_id: inbound.auth_id.clone(),
            task: form_sent(&inbound.address),
        };
        Ok(Received {
            inbound: vec![inbound],
            tasks: vec![task],
            ..nothing()
        })
    }
}

/// In a channel, a tap is as good as a mention.
fn gate(place: Place<'_>) -> Gate {
    if place.is_direct {
        Gate::Open
    } else {
        Gate::Opens(place.thread_id(place.root()))
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
