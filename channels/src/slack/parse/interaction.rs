//! Interactions: taps on the buttons that we sent, and forms that were filled in
//! (<https://docs.slack.dev/reference/interaction-payloads/block_actions-payload>).

use serde_json::{Value, json};

use super::ts::Ts;
use super::{FormToOpen, MessagePlace, Reader, Reading, event_types, nothing};
use crate::channel::Response;
use crate::slack::address::{Address, Command};
use crate::slack::form::{self, Submission};
use crate::slack::notice::{form_not_opened, form_sent};
use crate::slack::tap::{FILL, OPEN, RATE, RATING, REMARK, SAY, Tap};
use crate::slack::text::plainly_readable;
use crate::slack::{choice, home};
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::hsl::visible_text;
use haptik_bridge_shared::message::{Addressed, Inbound, KeyRef, MessageRef, Task, UserAction};

impl Reader<'_> {
    /// Reads an interaction. Those that we do not use are acknowledged: an empty answer closes a view
    /// and takes a shortcut as done.
    pub(super) fn interaction(self, payload: &Value) -> Result<Reading, String> {
        match lenient_json::text(payload, "type").as_str() {
            "block_actions" => self.taps(payload),
            "view_submission" => self.submission(payload),
            "message_action" => Ok(self.message_action(payload)),
            "shortcut" => Ok(self.start(payload)),
            // A menu of somebody else's asks what to offer: an empty answer would show as an error.
            "block_suggestion" | "dialog_suggestion" => Ok(Reading {
                search: self.search(payload),
                ..Reading::answered(Response::json(200, &json!({"options": []})))
            }),
            kind if event_types::is_interaction(kind) => Ok(nothing()),
            "" => Err("an interaction without a type".to_owned()),
            kind => Ok(Reading::unknown(kind)),
        }
    }

    fn taps(self, payload: &Value) -> Result<Reading, String> {
        let mut reading = nothing();
        for action in lenient_json::list(payload, "actions") {
            let id = lenient_json::text(action, "action_id");
            // A link button's tap is reported too: the link is open, and may have something to say.
            let says = id.starts_with(OPEN) && lenient_json::some_text(action, "value").is_some();
            if (id.starts_with(OPEN) && !says) || is_ephemeral(payload) {
                continue;
            }
            if id == home::START {
                return Ok(self.start(payload));
            }
            if id == home::AGENT {
                return Ok(self.ask(payload));
            }
            if id.starts_with(FILL) {
                reading.opening = Some(self.opening(payload, action, &id)?);
                continue;
            }
            if !(says || id.starts_with(SAY) || id.starts_with(RATE)) {
                continue;
            }
            let (inbound, task) = self.tap(payload, action, &id)?;
            reading.inbound.push(inbound);
            reading.tasks.push(task);
        }
        Ok(reading)
    }

    fn tap(
        self,
        payload: &Value,
        action: &Value,
        id: &str,
    ) -> Result<(Inbound<Address>, Task<Command>), String> {
        let value = lenient_json::some_text(action, "value");
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
            Tap::Say { message, .. } => {
                Some(visible_text(message)).filter(|shown| !shown.is_empty())
            }
            Tap::Rate(rating) => Some("★".repeat(usize::from(*rating))),
            Tap::Offered { .. } | Tap::Fill { .. } => None,
        };
        // Slack gives a label back with its escaping.
        let label = text_at(action, "/text/text").map(plainly_readable);
        let shown = shown.or(label).unwrap_or_default();
        let block_id = lenient_json::text(action, "block_id");
        let sent = tap.sent().to_owned();
        let action_of_user = match tap {
            Tap::Say { .. } => UserAction::Message {
                text: sent,
                attachments: Vec::new(),
            },
            Tap::Offered {
                auth_id,
                key,
                index,
            } => UserAction::Choice {
                message: MessageRef {
                    auth_id,
                    key: KeyRef::Key(key),
                },
                index,
            },
            Tap::Fill { .. } => return Err("a button whose value is another one's".to_owned()),
            Tap::Rate(rating) => UserAction::Feedback {
                rating,
                resolved: None,
                comment: remark(payload, &block_id),
            },
        };
        let auth_id = self.auth_id(user, place);
        let address = self.address(place);
        let message = payload.get("message");
        let command = choice::command(&address, place.ts, message, &block_id, &shown);
        let task = self.task(key.clone(), time.at(), auth_id.clone(), command);
        let inbound = Inbound {
            key,
            at: time.at(),
            auth_id,
            user: self.user(user),
            address,
            message_id: None,
            profile: None,
            addressed: addressed(place),
            action: action_of_user,
            mentions: Vec::new(),
        };
        Ok((inbound, task))
    }
}

impl Reader<'_> {
    /// A tap that opens a form.
    fn opening(self, payload: &Value, action: &Value, id: &str) -> Result<FormToOpen, String> {
        let value = lenient_json::some_text(action, "value");
        let Some(Tap::Fill { auth_id, key }) = value.as_deref().and_then(Tap::read) else {
            return Err("a form's button whose value is not ours".to_owned());
        };
        let user = text_at(payload, "/user/id").ok_or("a tap without a user")?;
        let place = place(payload)?;
        let action_ts = lenient_json::text(action, "action_ts");
        let time = Ts::read(&action_ts).ok_or("a tap whose action_ts is no time")?;
        let origin = form::Origin {
            channel: place.channel.to_owned(),
            thread_ts: place.thread_ts.map(ToOwned::to_owned),
            ts: place.ts.to_owned(),
            is_direct: place.is_direct,
            action_ts,
        };
        let fallback_key = time.key(place.channel).then(place.ts).then(id);
        let not_opened = form_not_opened(&self.address(place));
        Ok(FormToOpen {
            message: MessageRef {
                auth_id,
                key: KeyRef::Key(key),
            },
            trigger_id: lenient_json::text(payload, "trigger_id"),
            origin,
            workspace: self.workspace.cloned(),
            fallback: self.task(
                fallback_key,
                time.at(),
                self.auth_id(user, place),
                not_opened,
            ),
        })
    }

    /// What a user searches in a field of a form of ours.
    fn search(self, payload: &Value) -> Option<(form::Search, AuthId)> {
        let search = form::search(payload)?;
        let user = text_at(payload, "/user/id")?;
        let origin = &search.origin;
        let place = MessagePlace {
            channel: &origin.channel,
            thread_ts: origin.thread_ts.as_deref(),
            ts: &origin.ts,
            is_direct: origin.is_direct,
        };
        let auth_id = self.auth_id(user, place);
        Some((search, auth_id))
    }

    /// A submitted modal
    /// (<https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload>): what is wrong
    /// is shown in it; what is right closes it, and is said by the user.
    fn submission(self, payload: &Value) -> Result<Reading, String> {
        let view = payload.get("view").unwrap_or(&Value::Null);
        let Some(origin) = form::origin(view) else {
            return Ok(nothing());
        };
        let user = text_at(payload, "/user/id").ok_or("a submission without a user")?;
        let view_id = lenient_json::text(view, "id");
        let time = Ts::read(&origin.action_ts).ok_or("a form whose time is none")?;
        let text = match form::submission(view, self.sent) {
            Submission::Answers(text) => text,
            Submission::Errors(errors) => {
                let errors = json!({"response_action": "errors", "errors": errors});
                return Ok(Reading::answered(Response::json(200, &errors)));
            }
        };
        if text.is_empty() {
            return Ok(nothing());
        }
        let place = MessagePlace {
            channel: &origin.channel,
            thread_ts: origin.thread_ts.as_deref(),
            ts: &origin.ts,
            is_direct: origin.is_direct,
        };
        let inbound = Inbound {
            key: time.key(place.channel).then(view_id),
            at: time.at(),
            auth_id: self.auth_id(user, place),
            user: self.user(user),
            address: self.address(place),
            message_id: None,
            profile: None,
            addressed: addressed(place),
            action: UserAction::Message {
                text,
                attachments: Vec::new(),
            },
            mentions: Vec::new(),
        };
        let auth_id = inbound.auth_id.clone();
        let sent = form_sent(&inbound.address);
        let task = self.task(inbound.key.clone(), inbound.at, auth_id, sent);
        Ok(Reading {
            inbound: vec![inbound],
            tasks: vec![task],
            ..nothing()
        })
    }
}

/// What was typed beside the buttons of a rating
/// (<https://docs.slack.dev/reference/block-kit/blocks/input-block>).
fn remark(payload: &Value, rating: &str) -> Option<String> {
    let id = rating.strip_prefix(RATING)?;
    let state = payload
        .pointer("/state/values")?
        .get(format!("{REMARK}{id}"))?;
    let typed = state.as_object()?.values().next()?;
    let typed = lenient_json::text(typed, "value").trim().to_owned();
    Some(typed).filter(|typed| !typed.is_empty())
}

/// In a channel, a tap is as good as a mention.
fn addressed(place: MessagePlace<'_>) -> Addressed {
    if place.is_direct {
        Addressed::Yes
    } else {
        Addressed::StartsThread(place.thread_id(place.root()))
    }
}

/// The place of the message with the button.
fn place(payload: &Value) -> Result<MessagePlace<'_>, String> {
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
    Ok(MessagePlace {
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
        .is_some_and(|container| lenient_json::flag(container, "is_ephemeral"))
}

fn text_at<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value
        .pointer(pointer)?
        .as_str()
        .filter(|text| !text.is_empty())
}
