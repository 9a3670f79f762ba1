use haptik_bridge_shared::message::hsl::Hsl;
use haptik_bridge_shared::message::{Content, Outgoing, Sender, SenderKind};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::render::Page;

fn outgoing(body: &Value) -> Outgoing {
    Outgoing {
        key: "00000000000000000042#message".into(),
        auth_id: "0123456789abcdef0123456789abcdef".into(),
        user: "Y2lzUSER".to_owned(),
        at: jiff::Timestamp::UNIX_EPOCH,
        received_at: jiff::Timestamp::UNIX_EPOCH,
        sender: Sender {
            kind: SenderKind::Bot,
            name: String::new(),
            profile_image: String::new(),
        },
        message_id: Some(42),
        handoff: None,
        in_reply_to: None,
        content: Content::Message {
            hsl: Hsl::read(body),
            raw: body.clone(),
        },
    }
}

fn pages(body: &Value) -> Vec<Page> {
    encode::pages(&outgoing(body))
}

fn message(body: &Value) -> Value {
    let pages = pages(body);
    assert_eq!(pages.len(), 1, "{pages:?}");
    encode::message(&pages[0])
}

fn say(label: &str) -> Value {
    json!({"actionable_text": label, "type": "TEXT_ONLY", "payload": {"message": label}})
}

#[test]
fn a_text_is_markdown_without_a_card() {
    let sent = message(&json!({"text": "*bold* [shop](https://a.example/)\nnext", "type": "TEXT"}));
    let text = sent["markdown"].as_str().expect("a text");
    assert!(
        text.contains("**bold**") && text.contains("  \nnext"),
        "{text}"
    );
    assert!(sent.get("attachments").is_none());
}

#[test]
fn what_can_be_tapped_is_in_one_card_with_all_that_is_said() {
    let body = json!({"text": "Well?", "type": "TEXT", "data": {"quick_replies": [say("Yes"), say("No")]}});
    let sent = message(&body);
    let attachments = sent["attachments"].as_array().expect("a card");
    assert_eq!(attachments.len(), 1);
    assert_eq!(
        attachments[0]["contentType"],
        "application/vnd.microsoft.card.adaptive"
    );
    let card = attachments[0]["content"].to_string();
    assert!(
        card.contains("Well?") && card.contains("\"version\":\"1.3\""),
        "{card}"
    );
    assert!(!card.contains("Action.Execute"));
    assert!(
        sent["markdown"]
            .as_str()
            .is_some_and(|text| text.contains("Well?"))
    );
}

#[test]
fn a_form_is_a_card_with_inputs() {
    let sent = message(
        &json!({"type": "FORM", "title": "Where to?", "data": {"fields": [
            {"key": "name", "type": "text", "order": 1, "hint": "Name", "required": true},
            {"key": "city", "type": "picker", "order": 2, "hint": "City", "options": ["Mumbai", "Pune"]},
        ]}}),
    );
    let card = sent["attachments"][0]["content"].to_string();
    assert!(
        card.contains("Where to?") && card.contains("Input.ChoiceSet"),
        "{card}"
    );
}

#[test]
fn an_address_is_kept_short_and_read_back() {
    let place = Place::room("Y2lzROOM".to_owned());
    let json = serde_json::to_value(&place).expect("JSON");
    assert_eq!(json, json!({"room": "Y2lzROOM"}));
    assert_eq!(serde_json::from_value::<Place>(json).ok(), Some(place));
}

/// All texts that a message becomes, in one.
fn said(body: &Value) -> String {
    let pages = pages(body);
    let texts = pages.iter().map(|page| {
        let sent = encode::message(page);
        sent["markdown"].as_str().unwrap_or_default().to_owned()
    });
    texts.collect()
}

#[test]
fn what_becomes_longer_as_it_is_sent_is_in_several_messages() {
    for (count, one) in [
        (649, "<@all>"),
        (649, "<@all> "),
        (2_500, "a\n"),
        (900, "(<@all>)"),
    ] {
        let text = one.repeat(count);
        let said = said(&json!({"text": text, "type": "TEXT"}));
        let letter = if one.contains("all") { "all" } else { "a" };
        assert_eq!(said.matches(letter).count(), count, "{one}");
    }
}

proptest! {
    #[test]
    fn every_message_is_within_what_webex_takes(text in "\\PC{0,4000}|([a-z]\n){0,4000}") {
        for page in pages(&json!({"text": text, "type": "TEXT"})) {
            let sent = encode::message(&page);
            let markdown = sent["markdown"].as_str().unwrap_or_default();
            prop_assert!(!markdown.is_empty() && markdown.len() <= 7_439, "{}", markdown.len());
        }
    }
}
