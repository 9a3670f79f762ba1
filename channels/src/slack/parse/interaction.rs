//! Interactions: taps on the buttons that we sent, and forms that were filled in
//! (<https://docs.slack.dev/reference/interaction-payloads/block_actions-payload>).

use serde_json::{Value, json};

use super::ts::Ts;
use super::{FormToOpen, Reader, Reading, event_types, nothing};
use crate::channel::Response;
use crate::slack::address::{Address, Command, Place};
use crate::slack::form::{self, Submission};
use crate::slack::notice::{form_not_opened, form_sent};
use crate::slack::tap::{FILL, OPEN, RATE, RATING, REMARK, SAY, Tap};
use crate::slack::text::plainly_readable;
use crate::slack::{choice, home};
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::lenient_json::{self, text_at};
use haptik_bridge_shared::message::hsl::visible_text;
use haptik_bridge_shared::message::{Inbound, KeyRef, MessageRef, Task, UserAction};

impl Reader<'_> {
    /// Reads an interaction. Those that we do not use are acknowledged: an empty answer closes a view
    /// and takes a shortcut as done.
    pub(super) fn interaction(self, payload: &Value) -> Result<Reading, String> {
        match lenient_json::text(payload, "type").as_str() {
            "block_actions" => self.taps(payload),
            "view_submission" => self.submission(payload),
            "message_action" => Ok(self.message_action(payload).unwrap_or_else(nothing)),
            "shortcut" => Ok(self.start(payload).unwrap_or_else(nothing)),
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
                return Ok(self.start(payload).unwrap_or_else(nothing));
            }
            if id == home::AGENT {
                return Ok(self.ask(payload).unwrap_or_else(nothing));
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
        let time = text_at(action, "/action_ts").and_then(Ts::read);
        let time = time.ok_or("a tap whose action_ts is no time")?;
        let key = time.key(&place.channel).then(&place.ts).then(id);
        let shown = match &tap {
            Tap::Say { message, .. } => {
                Some(visible_text(message)).filter(|shown| !shown.is_empty())
            }
            Tap::Rate { rating } => Some("★".repeat(usize::from(*rating))),
            Tap::Offered { .. } | Tap::Fill { .. } => None,
        };
        // Slack gives a label back with its escaping.
        let label = text_at(action, "/text/text").map(plainly_readable);
        let shown = shown.or(label).unwrap_or_default();
        let block_id = lenient_json::text(action, "block_id");
        let sent = tap.sent().to_owned();
        let action_of_user = match tap {
            Tap::Say { .. } => UserAction::said(sent),
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
            Tap::Rate { rating } => UserAction::Feedback {
                rating,
                resolved: None,
                comment: remark(payload, &block_id),
            },
        };
        let inbound = self.inbound(key, time.at(), user, &place, action_of_user);
        let message = payload.get("message");
        let command = choice::command(&inbound.address, &place.ts, message, &block_id, &shown);
        let task = self.task_of(&inbound, command);
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
        let fallback_key = time.key(&place.channel).then(&place.ts).then(id);
        let auth_id_of_user = self.auth_id(user, &place);
        let not_opened = form_not_opened(&self.address(&place));
        Ok(FormToOpen {
            message: MessageRef {
                auth_id,
                key: KeyRef::Key(key),
            },
            trigger_id: lenient_json::text(payload, "trigger_id"),
            origin: form::Origin { place, action_ts },
            workspace: self.workspace.cloned(),
            fallback: self.task(fallback_key, time.at(), auth_id_of_user, not_opened),
        })
    }

    /// What a user searches in a field of a form of ours.
    fn search(self, payload: &Value) -> Option<(form::Search, AuthId)> {
        let search = form::search(payload)?;
        let user = text_at(payload, "/user/id")?;
        let auth_id = self.auth_id(user, &search.origin.place);
        Some((search, auth_id))
    }

    /// A submitted modal
    /// (<https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload>): what is wrong
    /// is shown in it; what is right closes it, and is said by the user.
    fn submission(self, payload: &Value) -> Result<Reading, String> {
        let view = payload.get("view").unwrap_or(&Value::Null);
        let (Some(origin), Some(submission)) =
            (form::origin(view), form::submission(view, self.sent))
        else {
            return Ok(nothing());
        };
        let user = text_at(payload, "/user/id").ok_or("a submission without a user")?;
        let time = Ts::read(&origin.action_ts).ok_or("a form whose time is none")?;
        let text = match submission {
            Submission::Answers(text) if text.is_empty() => return Ok(nothing()),
            Submission::Answers(text) => text,
            Submission::Errors(errors) => {
                let errors = json!({"response_action": "errors", "errors": errors});
                return Ok(Reading::answered(Response::json(200, &errors)));
            }
        };
        let place = &origin.place;
        let key = time
            .key(&place.channel)
            .then(lenient_json::text(view, "id"));
        let inbound = self.inbound(key, time.at(), user, place, UserAction::said(text));
        let task = self.task_of(&inbound, form_sent(&inbound.address));
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

/// The place of the message with the button.
fn place(payload: &Value) -> Result<Place, String> {
    let either = |one, other| text_at(payload, one).or_else(|| text_at(payload, other));
    let channel =
        either("/container/channel_id", "/channel/id").ok_or("a tap without a channel")?;
    let ts = either("/container/message_ts", "/message/ts").ok_or("a tap without a message")?;
    let thread_ts = either("/message/thread_ts", "/container/thread_ts");
    let name = text_at(payload, "/channel/name");
    Ok(Place {
        channel: channel.to_owned(),
        ts: ts.to_owned(),
        is_direct: channel.starts_with('D') || name == Some("directmessage"),
        thread_ts: thread_ts.map(ToOwned::to_owned),
    })
}

/// Whether only one person sees the message: we send none like that, and it cannot be updated.
fn is_ephemeral(payload: &Value) -> bool {
    payload
        .get("container")
        .is_some_and(|container| lenient_json::flag(container, "is_ephemeral"))
}
