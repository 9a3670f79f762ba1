//! What an HSL message becomes in Slack, for a look before going live.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::form::{self, Origin};
use super::render;
use crate::channel::{Content, Outgoing, Sender};
use crate::haptik::hsl::{Element, Hsl};

/// One thing that Slack shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// What it is.
    pub kind: &'static str,
    /// What Slack is sent: a message's text and blocks, or a modal.
    pub payload: Value,
    /// A link that shows it in Slack's Block Kit Builder
    /// (<https://app.slack.com/block-kit-builder>). It holds all of it, and nothing is sent by making it.
    pub builder: String,
}

/// What a message body of Haptik's (an object, or one in a string) becomes: its messages in order, and
/// the modal of a form.
#[must_use]
pub fn preview(body: &Value, sender: &Sender) -> Vec<Preview> {
    let hsl = Hsl::read(body);
    let outgoing = Outgoing {
        key: "preview".into(),
        auth_id: "preview".into(),
        user: "preview".to_owned(),
        at: jiff::Timestamp::UNIX_EPOCH,
        received_at: jiff::Timestamp::UNIX_EPOCH,
        sender: sender.clone(),
        message_id: None,
        handoff: None,
        content: Content::Message {
            hsl: hsl.clone(),
            raw: body.clone(),
        },
    };
    let mut previews: Vec<Preview> = render::parts(&outgoing, render::Style::default())
        .into_iter()
        .map(|part| message(part.body))
        .collect();
    let somewhere = Origin {
        channel: "C0".to_owned(),
        thread_ts: None,
        ts: "0".to_owned(),
        is_direct: true,
        action_ts: "0".to_owned(),
    };
    if let Element::Form(asked) = &hsl.element
        && let Some(view) = form::view(asked, &somewhere)
    {
        previews.push(Preview {
            kind: "modal",
            builder: builder(&view),
            payload: view,
        });
    }
    previews
}

fn message(mut payload: Value) -> Preview {
    if let Some(fields) = payload.as_object_mut() {
        fields.remove("metadata");
    }
    let text = payload.get("text").and_then(Value::as_str);
    let text = render::text_object(text.unwrap_or_default());
    let blocks = payload.get("blocks").cloned();
    let blocks = blocks.unwrap_or_else(|| json!([{"type": "section", "text": text}]));
    Preview {
        kind: "message",
        builder: builder(&json!({ "blocks": blocks })),
        payload,
    }
}

fn builder(payload: &Value) -> String {
    let mut link = "https://app.slack.com/block-kit-builder/#".to_owned();
    for byte in payload.to_string().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                link.push(char::from(byte));
            }
            // Writing to a string does not fail.
            _ => drop(write!(link, "%{byte:02X}")),
        }
    }
    link
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_previewed_as_its_message_and_its_modal_with_links_that_hold_all_of_it() {
        let body = json!({"type": "FORM", "title": "Größe", "data": {"fields": [{"hint": "Name", "type": "text"}]}});
        let previews = preview(&body, &Sender::default());
        let kinds: Vec<_> = previews.iter().map(|preview| preview.kind).collect();
        assert_eq!(kinds, ["message", "modal"]);
        for preview in previews {
            let (_, link) = preview.builder.split_once('#').expect("a fragment");
            let held = url::form_urlencoded::parse(format!("x={link}").as_bytes())
                .next()
                .map(|(_, json)| json.into_owned())
                .expect("a value");
            let held: Value = serde_json::from_str(&held).expect("JSON");
            assert_eq!(held["blocks"], preview.payload["blocks"]);
            assert_eq!(preview.payload.get("metadata"), None);
        }
    }

    #[test]
    fn what_shows_nothing_has_no_preview() {
        assert_eq!(preview(&json!({"type": "SILENT"}), &Sender::default()), []);
        let text = preview(&json!("hello"), &Sender::default());
        assert!(text[0].builder.contains("hello"));
    }
}
