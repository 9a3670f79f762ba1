use haptik_bridge_shared::message::hsl::Hsl;
use haptik_bridge_shared::message::{Content, Outgoing, SenderKind};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::render;

fn messages(body: &Value, limits: &Limits) -> Vec<Value> {
    let outgoing = Outgoing {
        key: "00000000000000000902#message".into(),
        auth_id: "0123456789abcdef0123456789abcdef".into(),
        user: "+15551234567".to_owned(),
        at: Timestamp::UNIX_EPOCH,
        received_at: Timestamp::UNIX_EPOCH,
        sender: Sender {
            kind: SenderKind::Bot,
            name: String::new(),
            profile_image: String::new(),
        },
        message_id: None,
        in_reply_to: None,
        handoff: None,
        content: Content::Message {
            hsl: Hsl::read(body),
            raw: body.clone(),
        },
    };
    let pages = render::pages(&outgoing, limits);
    pages.iter().map(encode::encode).collect()
}

fn say(label: &str) -> Value {
    json!({"actionable_text": label, "type": "TEXT_ONLY", "payload": {"message": label}})
}

#[test]
fn what_can_be_chosen_is_lines_with_numbers() {
    let body =
        json!({"text": "Well?", "type": "BUTTON", "data": {"items": [say("Yes"), say("No")]}});
    let messages = messages(&body, &LIMITS);
    assert_eq!(messages.len(), 1);
    let text = messages[0]["Body"].as_str().unwrap_or_default();
    assert!(text.starts_with("Well?"), "{text}");
    assert!(text.contains("1. Yes\n2. No"), "{text}");
}

#[test]
fn a_picture_is_a_media_url_where_there_is_mms_and_else_a_link() {
    let url = "https://a.example/blue.png";
    let body = json!({"text": "", "type": "CAROUSEL", "data": {"items": [
        {"title": "Blue", "thumbnail": {"image": url}, "actionables": [say("Buy")]},
    ]}});
    let with = messages(&body, &LIMITS);
    assert_eq!(with[0]["MediaUrl"], url);
    let without = messages(&body, &WITHOUT_MMS);
    assert!(without.iter().all(|message| message["MediaUrl"].is_null()));
    let texts: String = without
        .iter()
        .filter_map(|message| message["Body"].as_str())
        .collect();
    assert!(texts.contains(url), "{texts}");
}

#[test]
fn no_text_is_longer_than_twilio_takes() {
    let body = json!({"text": "A word 🙂 and more. ".repeat(400), "type": "TEXT"});
    let messages = messages(&body, &LIMITS);
    assert!(messages.len() > 1);
    for message in &messages {
        let text = message["Body"].as_str().unwrap_or_default();
        assert!((1..=1_600).contains(&text.encode_utf16().count()));
    }
}

#[test]
fn nothing_that_is_said_and_no_number_is_in_a_debug() {
    let user = User {
        to: "+15551234567".to_owned(),
    };
    let notify = Notify {
        user: user.clone(),
        text: "between-you-and-me".to_owned(),
    };
    let shown = format!("{user:?} {notify:?}");
    assert!(
        !shown.contains("1555") && !shown.contains("between"),
        "{shown}"
    );
    let kept = serde_json::to_value(&user).expect("JSON");
    assert_eq!(
        serde_json::from_value::<User>(kept).expect("an address"),
        user
    );
}
