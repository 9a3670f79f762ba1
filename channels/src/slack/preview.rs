//! What an HSL message becomes in Slack, for a look before going live.

use serde_json::{Value, json};
use url::form_urlencoded;

use super::address::Place;
use super::form::{self, Origin};
use super::render;
use crate::preview::{Preview, previewed};
use haptik_bridge_shared::message::Sender;
use haptik_bridge_shared::message::hsl::{Element, Hsl};

/// What a message body of Haptik's (an object, or one in a string) becomes: its messages in order, and
/// the modal of a form.
pub(super) fn preview(body: &Value, sender: &Sender) -> Vec<Preview> {
    let hsl = Hsl::read(body);
    let outgoing = previewed(body, sender);
    let mut previews: Vec<Preview> = render::parts(&outgoing, render::Style::default())
        .into_iter()
        .map(|part| message(part.body))
        .collect();
    let somewhere = Origin {
        place: Place {
            ts: "0".to_owned(),
            ..Place::direct("C0")
        },
        action_ts: "0".to_owned(),
    };
    if let Element::Form(asked) = &hsl.element
        && let Some(view) = form::view(
            asked,
            &somewhere,
            haptik_bridge_shared::config::Forms::default(),
        )
    {
        previews.push(Preview {
            kind: "modal",
            link: Some(builder(&view)),
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
        link: Some(builder(&json!({ "blocks": blocks }))),
        payload,
    }
}

fn builder(payload: &Value) -> String {
    let written = payload.to_string();
    let written: String = form_urlencoded::byte_serialize(written.as_bytes()).collect();
    // A plus sign is a space in forms only.
    let written = written.replace('+', "%20");
    format!("https://app.slack.com/block-kit-builder/#{written}")
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
            let link = preview.link.expect("a link");
            let (_, link) = link.split_once('#').expect("a fragment");
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
        assert!(
            text[0]
                .link
                .as_deref()
                .is_some_and(|link| link.contains("hello"))
        );
    }
}
