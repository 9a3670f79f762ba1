//! What the application gets: the message in plain terms, with HSL beside it for those who can show
//! more.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::channel::Part;
use crate::limits::Size;
use crate::limits::WITH_WEBP;
use crate::render::media::{Kind, call, kind};
use crate::render::{Markup, inline, read};
use haptik_bridge_shared::ids::{AuthId, EntryKey};
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::handoff::Ended;
use haptik_bridge_shared::message::hsl::{
    Actionable, Card, Effect, Element, Form, Hsl, TapMessage, opened, visible_text,
};
use haptik_bridge_shared::message::receipt::AddressedReceipt;
use haptik_bridge_shared::message::without_machine_parts;
use haptik_bridge_shared::message::{
    Attachment, Content, Handback, Outgoing, Returned, Sender, UserAction,
};
use haptik_bridge_shared::standard_webhooks::message_id;

/// The request that delivers a message; `None` when there is nothing to deliver. `link_says`: whether an
/// action that opens a link has what opening it says.
pub(super) fn part(outgoing: &Outgoing, link_says: bool) -> Option<Part> {
    let (kind, more) = match &outgoing.content {
        Content::Message { hsl, raw } if is_for_the_application(hsl) => {
            ("message", message(hsl, raw, link_says))
        }
        Content::Message { .. } => return None,
        Content::AgentJoined { team_name, .. } => ("agent_joined", json!({"team_name": team_name})),
        Content::ConversationComplete {
            completed_by, data, ..
        } => (
            "conversation_complete",
            json!({"completed_by": completed_by, "data": object_or_none(data)}),
        ),
    };
    let id = outgoing
        .message_id
        .map_or_else(|| outgoing.key.to_string(), |id| id.to_string());
    let mut payload = json!({
        "type": kind,
        "id": id,
        "timestamp": outgoing.at.to_string(),
        "user": {"id": outgoing.user},
    });
    if matches!(
        outgoing.content,
        Content::Message { .. } | Content::AgentJoined { .. }
    ) {
        payload["sender"] = sender(&outgoing.sender);
    }
    if let Some(in_reply_to) = &outgoing.in_reply_to {
        payload["in_reply_to"] = json!(in_reply_to);
    }
    if let Some(handoff) = &outgoing.handoff {
        payload["handoff_id"] = json!(handoff);
    }
    Some(request(&outgoing.auth_id, &outgoing.key, payload, more))
}

/// The request that gives control, or a message, back.
pub(super) fn handback(handback: &Handback) -> Part {
    let (kind, id, more) = match &handback.returned {
        Returned::Control {
            ended,
            agent_joined,
        } => (
            "handoff_ended",
            handback.handoff.clone(),
            handoff_ended(ended, *agent_joined),
        ),
        Returned::Message(inbound) => (
            "message_returned",
            inbound.key.act_id().to_owned(),
            returned(&inbound.action),
        ),
    };
    let payload = json!({
        "type": kind,
        "id": id,
        "timestamp": handback.at.to_string(),
        "user": {"id": handback.user},
        "handoff_id": handback.handoff,
    });
    request(&handback.auth_id, &handback.key, payload, more)
}

/// The request that tells what became of a message.
pub(super) fn receipt(auth_id: &AuthId, key: &EntryKey, addressed: &AddressedReceipt) -> Part {
    let receipt = &addressed.receipt;
    let at = Timestamp::from_millisecond(receipt.ended_at).unwrap_or_default();
    let payload = json!({
        "type": receipt.outcome.event_name(),
        "id": receipt.id,
        "timestamp": at.to_string(),
        "user": {"id": addressed.channel_user},
        "message_id": receipt.message_id,
        "direction": receipt.direction,
    });
    let mut more = json!({});
    if let Some(reason) = &receipt.reason {
        more["reason"] = json!(reason);
    }
    if receipt.replayed {
        more["replayed"] = json!(true);
    }
    request(auth_id, key, payload, more)
}

/// A request with this payload and `more` beside it.
fn request(auth_id: &AuthId, key: &EntryKey, mut payload: Value, more: Value) -> Part {
    if let (Some(payload), Value::Object(more)) = (payload.as_object_mut(), more) {
        payload.extend(more);
    }
    // The same for every try of one message, and for no other message.
    let id_of_request = message_id(&[auth_id.as_str(), key.as_str()]);
    let body = json!({"webhook_id": id_of_request, "payload": payload});
    Part::new(0, body)
}

/// The `webhook-id` and the body of the request that a part is.
pub(super) fn written(part: &Part) -> (String, Value) {
    (
        lenient_json::text(&part.body, "webhook_id"),
        part.body.get("payload").cloned().unwrap_or_default(),
    )
}

/// Whether there is anything for a person to see, or for an application, which may be the very one
/// that a native action or an unknown element is meant for.
fn is_for_the_application(hsl: &Hsl) -> bool {
    match hsl.element {
        Element::Silent => false,
        Element::NativeAction { .. } | Element::Other { .. } => true,
        _ => !hsl.is_silent(),
    }
}

fn handoff_ended(ended: &Ended, agent_joined: bool) -> Value {
    let mut written = json!({"reason": ended.reason, "agent_joined": agent_joined});
    if ended.is_of_completion() {
        written["completed_by"] = json!(ended.completed_by);
        written["completion_by"] = json!(ended.completion_by);
    }
    if let Some(error) = &ended.error {
        written["error"] = json!(error);
    }
    written
}

/// What the user did, as the application sent it.
fn returned(act: &UserAction) -> Value {
    match act {
        UserAction::Message { text, attachments } => json!({
            "text": text,
            "attachments": attachments.iter().map(returned_file).collect::<Vec<_>>(),
        }),
        _ => json!({}),
    }
}

fn returned_file(file: &Attachment) -> Value {
    let mut written = json!({"url": file.url, "name": file.name, "mime_type": file.mime_type});
    if let Some(size) = file.size {
        written["size"] = size.into();
    }
    written
}

fn sender(sender: &Sender) -> Value {
    let mut written = json!({"kind": sender.kind, "name": sender.name});
    if !sender.profile_image.is_empty() {
        written["profile_image"] = json!(sender.profile_image);
    }
    written
}

fn message(hsl: &Hsl, raw: &Value, link_says: bool) -> Value {
    let mut plain = Plain {
        link_says,
        ..Plain::default()
    };
    plain.text(&hsl.text);
    match &hsl.element {
        Element::Text {
            quick_replies: items,
        }
        | Element::Button { items } => plain.actionables(items),
        Element::Carousel { items } => items.iter().for_each(|card| plain.card(card)),
        Element::Form(form) => plain.form(form),
        Element::NativeAction { .. }
        | Element::Silent
        | Element::System { .. }
        | Element::Other { .. } => {}
    }
    json!({
        "type": "message",
        "text": plain.lines.join("\n"),
        "actions": plain.actions,
        "images": plain.images,
        "hsl": as_object(raw),
    })
}

/// The raw message as an object, whichever way Haptik sent it.
fn as_object(raw: &Value) -> Value {
    match lenient_json::unwrapped(raw).into_owned() {
        object @ Value::Object(_) => object,
        Value::String(text) => json!({"text": text, "type": "TEXT", "data": {}}),
        _ => Value::Object(Map::new()),
    }
}

/// What Haptik says about a conversation, which is always an object for the application.
fn object_or_none(data: &Value) -> Value {
    Value::Object(data.as_object().cloned().unwrap_or_default())
}

/// A message as a channel without any elements would show it.
#[derive(Default)]
struct Plain {
    lines: Vec<String>,
    actions: Vec<Value>,
    images: Vec<String>,
    link_says: bool,
}

/// A text without markup.
fn plain(text: &str) -> String {
    Markup::Plain.print(&read(text))
}

impl Plain {
    /// A text with markup.
    fn text(&mut self, text: &str) {
        self.line(&plain(text));
    }

    fn line(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.lines.push(text.to_owned());
        }
    }

    fn image(&mut self, url: &str) {
        let url = url.trim();
        if !matches!(kind(url, WITH_WEBP), Kind::Image | Kind::OtherPicture) {
            self.line(url);
        } else if !self.images.iter().any(|image| image == url) {
            self.images.push(url.to_owned());
        }
    }

    fn card(&mut self, card: &Card) {
        self.image(&card.thumbnail);
        for text in [&card.title, &card.sub_title, &card.description] {
            self.text(text);
        }
        self.actionables(&card.actionables);
    }

    fn form(&mut self, form: &Form) {
        self.text(&form.title);
        self.text(&form.subtitle);
        for field in &form.fields {
            let options = field.options.iter().map(|option| visible_text(option));
            match options.collect::<Vec<_>>().join(", ") {
                options if options.is_empty() => self.text(&field.hint),
                options => self.line(&format!("{} ({options})", plain(&field.hint))),
            }
        }
    }

    fn actionables(&mut self, actionables: &[Actionable]) {
        for actionable in actionables {
            self.actionable(actionable);
        }
    }

    fn actionable(&mut self, actionable: &Actionable) {
        let label = inline::label(&actionable.label(), Size::UNLIMITED);
        let label = label.unwrap_or_else(|| "…".to_owned());
        match actionable.effect() {
            Effect::Say(TapMessage { sent, .. }) => {
                self.actions.push(json!({"label": label, "value": sent}));
            }
            Effect::Open { url, said } => {
                self.line(&format!("{label}: {url}"));
                let mut action = json!({"label": label, "url": url});
                if let Some(said) = said.filter(|_| self.link_says) {
                    action["value"] = said.sent.into();
                }
                self.actions.push(action);
            }
            Effect::Share => self.shared(actionable, &label),
            Effect::Call { number } => {
                self.line(&format!("{label}: {number}"));
                if let Some(url) = call(&number) {
                    self.actions.push(json!({"label": label, "url": url}));
                }
            }
            Effect::Location => self.actions.push(json!({"label": label, "location": true})),
            Effect::Upload => self.actions.push(json!({"label": label, "upload": true})),
            Effect::Feedback => self.actions.push(json!({"label": label, "feedback": true})),
            Effect::Detail => {
                let detail = &actionable.payload;
                for text in [&detail.title, &detail.sub_title, &detail.description] {
                    self.text(text);
                }
                for image in &detail.images {
                    self.image(image);
                }
                if let Some(url) = opened(&detail.url) {
                    self.line(&format!("{label}: {url}"));
                    self.actions.push(json!({"label": label, "url": url}));
                }
                self.actionables(&detail.actionables);
                detail.items.iter().for_each(|card| self.card(card));
            }
        }
    }

    /// What is there to be passed on.
    fn shared(&mut self, actionable: &Actionable, label: &str) {
        let message = plain(&without_machine_parts(&actionable.payload.message));
        match message.trim() {
            "" => self.line(label),
            message => self.line(&format!("{label}: {message}")),
        }
        for image in &actionable.payload.images {
            self.image(image);
        }
    }
}
