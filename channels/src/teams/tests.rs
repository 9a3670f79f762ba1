use haptik_bridge_shared::config::Secrets;
use haptik_bridge_shared::message::hsl::Hsl;
use haptik_bridge_shared::message::{Content, Outgoing, Sender};
use proptest::prelude::*;
use serde_json::{Value, json};
use url::Url;

use super::*;

/// The settings of a bot.
pub(super) fn config() -> Config {
    let url = "https://login.botframework.com/v1/.well-known/openidconfiguration";
    Config {
        app_id: "11111111-2222-3333-4444-555555555555".to_owned(),
        tenant_id: "a1b2c3d4-e5f6-7890-abcd-ef1234567890".to_owned(),
        client_secret: Secrets::new("secret".to_owned(), []),
        conversation: config::Conversation::User,
        welcome: "Hello!".to_owned(),
        tell_edits: false,
        openid_url: Url::parse(url).expect("a URL"),
        token_url: None,
        service_urls: None,
    }
}

fn outgoing(body: &Value) -> Outgoing {
    Outgoing {
        key: "00000000000000000042#message".into(),
        auth_id: "0123456789abcdef0123456789abcdef".into(),
        user: "00000000-1111-2222-3333-444444444444".to_owned(),
        at: jiff::Timestamp::UNIX_EPOCH,
        received_at: jiff::Timestamp::UNIX_EPOCH,
        sender: Sender::default(),
        message_id: Some(42),
        handoff: None,
        in_reply_to: None,
        content: Content::Message {
            hsl: Hsl::read(body),
            raw: body.clone(),
        },
    }
}

fn sent(body: &Value) -> Vec<Value> {
    let parts = encode::parts(&outgoing(body)).into_iter();
    parts.map(|part| part.body).collect()
}

fn say(label: &str) -> Value {
    json!({"actionable_text": label, "type": "TEXT_ONLY", "payload": {"message": label}})
}

#[test]
fn a_text_is_markdown_whose_lines_are_apart() {
    let sent = sent(&json!({"text": "*bold*\n[shop](https://a.example/)", "type": "TEXT"}));
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["textFormat"], "markdown");
    assert_eq!(sent[0]["text"], "**bold**\n\n[shop](https://a.example/)");
}

#[test]
fn replies_are_in_a_card_with_the_text_and_can_be_taken_away() {
    let quick = json!({"text": "Well?", "type": "TEXT", "data": {"quick_replies": [say("Yes"), say("No")]}});
    let activities = sent(&quick);
    assert_eq!(activities.len(), 1);
    assert_eq!(activities[0].get("text"), None);
    let body = &activities[0]["attachments"][0]["content"]["body"];
    assert_eq!(body[0]["text"], "Well?");
    assert_eq!(body[1]["actions"][0]["data"]["l"], "Yes");
    let page = encode::pages(&outgoing(&quick)).remove(0);
    let settled = encode::settled(&page, "Yes");
    let body = &settled["attachments"][0]["content"]["body"];
    assert_eq!(body[0]["text"], "Well?");
    assert_eq!(body[1]["text"], "**✓ Yes**");
}

#[test]
fn cards_stand_side_by_side_in_an_activity_of_their_own() {
    let card =
        |title: &str| json!({"title": title, "description": "d", "actionables": [say("Take")]});
    let body = json!({
        "text": "These:", "type": "CAROUSEL", "data": {"items": [card("One"), card("Two")]},
    });
    let activities = sent(&body);
    let carousel = activities.last().expect("cards");
    assert_eq!(carousel["attachmentLayout"], "carousel");
    assert_eq!(carousel["attachments"].as_array().map(Vec::len), Some(2));
}

/// Whatever is sent, an activity is either a text or cards, and within the limit.
fn is_taken(activity: &Value) -> bool {
    let has_text = activity.get("text").is_some();
    has_text != activity.get("attachments").is_some() && adaptive_cards::fits(activity, MOST)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn an_activity_is_a_text_or_cards_and_within_28_kb(
        text in "[a-zé*_<\\[\"\\\\\n 🦀]{0,9000}",
        labels in proptest::collection::vec("[a-z\"🦀]{1,90}", 0..25),
    ) {
        let replies: Vec<Value> = labels.iter().map(|label| say(label)).collect();
        let body = json!({"text": text, "type": "TEXT", "data": {"quick_replies": replies}});
        for activity in sent(&body) {
            prop_assert!(is_taken(&activity), "{}", activity.to_string().len());
        }
    }
}
