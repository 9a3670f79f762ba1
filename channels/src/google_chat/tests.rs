use haptik_bridge_shared::message::hsl::Hsl;
use haptik_bridge_shared::message::{Content, Outgoing, Sender, SenderKind};
use serde_json::{Value, json};

use super::*;
use crate::render::{self, Page};

const URL: &str = "https://bridge.example.com/channels/acme";

fn outgoing(body: &Value, kind: SenderKind) -> Outgoing {
    Outgoing {
        key: "00000000000000000042#message".into(),
        auth_id: "0123456789abcdef0123456789abcdef".into(),
        user: "users/1001".to_owned(),
        at: jiff::Timestamp::UNIX_EPOCH,
        received_at: jiff::Timestamp::UNIX_EPOCH,
        sender: Sender {
            kind,
            name: "Prateek <b>".to_owned(),
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
    render::pages(&outgoing(body, SenderKind::Bot), &LIMITS)
}

fn message(body: &Value) -> Value {
    let pages = pages(body);
    assert_eq!(pages.len(), 1, "{pages:?}");
    encode::message(&pages[0], URL)
}

fn say(label: &str) -> Value {
    json!({"actionable_text": label, "type": "TEXT_ONLY", "payload": {"message": label}})
}

#[test]
fn a_text_is_a_text_in_googles_markup_that_mentions_nobody() {
    let sent = message(&json!({
        "text": "1 < 2 *bold* <users/all> <https://x.example|y> [shop](https://a.example/?a=1) a<b",
        "type": "TEXT",
    }));
    let text = sent["text"].as_str().expect("a text");
    assert!(text.contains("*bold*") && text.contains("1 < 2") && text.contains("a<b"));
    assert!(text.contains("<\u{2060}users/all>"), "{text}");
    assert!(text.contains("<https://a.example/?a=1|shop>"), "{text}");
    assert!(!text.contains("<https://x.example|y>"), "{text}");
    assert_eq!(sent.as_object().map(serde_json::Map::len), Some(1));
}

#[test]
fn replies_are_below_the_message_and_go_and_buttons_stay() {
    let quick = json!({"text": "Well?", "type": "TEXT", "data": {"quick_replies": [say("Yes"), say("No")]}});
    let sent = message(&quick);
    let buttons = &sent["accessoryWidgets"][0]["buttonList"]["buttons"];
    assert_eq!(buttons[0]["text"], "Yes");
    let action = &buttons[0]["onClick"]["action"];
    assert_eq!(action["function"], URL);
    assert_eq!(action["parameters"][1], json!({"key": "l", "value": "Yes"}));
    let stay = json!({"text": "Well?", "type": "BUTTON", "data": {"items": [say("Yes")]}});
    let sent = message(&stay);
    let action = &sent["accessoryWidgets"][0]["buttonList"]["buttons"][0]["onClick"]["action"];
    assert_eq!(action["parameters"].as_array().map(Vec::len), Some(1));
    assert_eq!(sent["text"], "Well?");
}

#[test]
fn cards_stand_side_by_side_and_their_text_has_no_tags_of_others() {
    let card = |title: &str| {
        json!({
            "title": title, "description": "a < b & <x y=z>\n`code`",
            "thumbnail": {"image": "https://a.example/1.png"}, "actionables": [say("Buy")],
        })
    };
    let sent = message(
        &json!({"text": "Hats", "type": "CAROUSEL", "data": {"items": [card("One"), card("Two")]}}),
    );
    assert_eq!(sent["text"], "Hats");
    let cards =
        &sent["cardsV2"][0]["card"]["sections"][0]["widgets"][0]["carousel"]["carouselCards"];
    assert_eq!(cards.as_array().map(Vec::len), Some(2));
    let widgets = &cards[0]["widgets"];
    assert_eq!(widgets[0]["image"]["imageUrl"], "https://a.example/1.png");
    let texts = widgets.to_string();
    assert!(
        texts.contains("a &lt; b &amp; &lt;x y=z&gt;<br>code"),
        "{texts}"
    );
    assert!(!sent["fallbackText"].as_str().unwrap_or_default().is_empty());
}

#[test]
fn a_form_is_a_card_with_inputs_and_a_button_that_wants_them() {
    let sent = message(
        &json!({"type": "FORM", "title": "Where to?", "data": {"fields": [
            {"key": "name", "type": "text", "order": 1, "hint": "Name", "required": true},
            {"key": "city", "type": "picker", "order": 2, "hint": "City", "options": ["Mumbai", "Pune"]},
        ]}}),
    );
    assert_eq!(sent["text"], "*Where to?*");
    assert_eq!(sent["cardsV2"][0]["cardId"], "form");
    let widgets = &sent["cardsV2"][0]["card"]["sections"][0]["widgets"];
    assert_eq!(widgets[0]["textInput"]["label"], "Name");
    assert_eq!(widgets[1]["selectionInput"]["items"][1]["text"], "Pune");
    let button = &widgets[2]["buttonList"]["buttons"][0];
    assert_eq!(
        button["onClick"]["action"]["requiredWidgets"],
        json!(["f0"])
    );
}

#[test]
fn a_picture_that_is_not_at_an_https_address_is_a_link() {
    let picture = |url: &str| json!({"text": "", "type": "CAROUSEL", "data": {"items": [{"title": "", "thumbnail": {"image": url}}]}});
    let sent = message(&picture("https://a.example/1.png")).to_string();
    assert!(
        sent.contains("\"imageUrl\":\"https://a.example/1.png\""),
        "{sent}"
    );
    let sent = message(&picture("http://a.example/1.png")).to_string();
    assert!(
        !sent.contains("imageUrl") && sent.contains("a href="),
        "{sent}"
    );
}

#[test]
fn an_agents_name_stands_above_the_text() {
    let body = json!({"text": "Hello", "type": "TEXT"});
    let pages = render::pages(&outgoing(&body, SenderKind::Agent), &LIMITS);
    let text = encode::message(&pages[0], URL)["text"].clone();
    let text = text.as_str().unwrap_or_default();
    assert!(
        text.contains("Prateek") && text.ends_with("Hello"),
        "{text}"
    );
}

#[test]
fn each_page_has_a_name_of_its_own_that_google_takes_and_is_the_same_again() {
    let long = json!({"text": "word ".repeat(6_000), "type": "TEXT"});
    let names = || -> Vec<String> {
        let pages = pages(&long);
        pages
            .iter()
            .map(|page| {
                encode::encode(page, URL)["id"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect()
    };
    let all = names();
    assert!(all.len() > 1);
    assert_eq!(all, names());
    let mut different = all.clone();
    different.dedup();
    assert_eq!(all, different);
    for name in all {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        assert!(name.starts_with("client-") && name.len() <= 63 && name.bytes().all(plain));
    }
}

#[test]
fn nothing_that_is_said_is_in_a_debug() {
    let place = Address {
        space: "spaces/AAQ".to_owned(),
        thread: None,
    };
    let commands = [
        Command::Notify {
            place,
            id: "client-1".to_owned(),
            text: "between-you-and-me".to_owned(),
        },
        Command::Filled {
            message: "spaces/AAQ/messages/1".to_owned(),
            answers: "between-you-and-me".to_owned(),
        },
    ];
    assert!(!format!("{commands:?}").contains("between"));
    let kept = serde_json::to_value(&commands).expect("JSON");
    let again: [Command; 2] = serde_json::from_value(kept).expect("commands");
    assert!(again == commands);
}
