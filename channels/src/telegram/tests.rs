use haptik_bridge_shared::message::hsl::Hsl;
use haptik_bridge_shared::message::{Content, Outgoing, Sender, SenderKind};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::render::{self, Page};

fn outgoing(body: &Value, kind: SenderKind) -> Outgoing {
    Outgoing {
        key: "00000000000000000902#message".into(),
        auth_id: "0123456789abcdef0123456789abcdef".into(),
        user: "7000000001".to_owned(),
        at: Timestamp::UNIX_EPOCH,
        received_at: Timestamp::UNIX_EPOCH,
        sender: Sender {
            kind,
            name: "Prateek <b>".to_owned(),
            profile_image: String::new(),
        },
        message_id: None,
        in_reply_to: None,
        handoff: None,
        content: Content::Message {
            hsl: Hsl::read(body),
            raw: body.clone(),
        },
    }
}

fn pages(body: &Value) -> Vec<Page> {
    render::pages(&outgoing(body, SenderKind::Bot), &LIMITS)
}

/// What a body becomes: the methods and their arguments.
fn calls(body: &Value) -> Vec<(String, Value)> {
    let pages = pages(body);
    let calls = pages.iter().map(|page| {
        let call = encode::encode(page);
        let method = call["method"].as_str().unwrap_or_default().to_owned();
        (method, call["arguments"].clone())
    });
    calls.collect()
}

fn say(label: &str) -> Value {
    json!({"actionable_text": label, "type": "TEXT_ONLY", "payload": {"message": label}})
}

/// The labels of a keyboard, row by row.
fn labels(arguments: &Value) -> Vec<Vec<&str>> {
    let rows = arguments["reply_markup"]["inline_keyboard"].as_array();
    rows.into_iter()
        .flatten()
        .map(|row| {
            let buttons = row.as_array().into_iter().flatten();
            buttons
                .map(|button| button["text"].as_str().unwrap_or_default())
                .collect()
        })
        .collect()
}

#[test]
fn what_could_be_a_tag_is_escaped_and_markup_becomes_tags() {
    let calls = calls(
        &json!({"text": "1 < 2 & *bold* [shop](https://a.example/?a=1&b=\"2\")", "type": "TEXT"}),
    );
    assert_eq!(calls[0].0, "sendMessage");
    let text = calls[0].1["text"].as_str().unwrap_or_default();
    assert_eq!(
        text,
        "1 &lt; 2 &amp; <b>bold</b> <a href=\"https://a.example/?a=1&amp;b=%222%22\">shop</a>"
    );
    assert_eq!(calls[0].1["parse_mode"], "HTML");
}

#[test]
fn quick_replies_are_marked_to_vanish_and_buttons_are_not() {
    let quick = calls(
        &json!({"text": "Well?", "type": "TEXT", "data": {"quick_replies": [say("Yes"), say("No")]}}),
    );
    let stay = calls(
        &json!({"text": "Well?", "type": "BUTTON", "data": {"items": [say("Yes"), say("No")]}}),
    );
    let data = |calls: &[(String, Value)]| {
        calls[0].1["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let (quick, stay) = (data(&quick), data(&stay));
    assert_eq!(encode::carried(&quick), (stay.as_str(), true));
    assert_eq!(encode::carried(&stay), (stay.as_str(), false));
    assert!(quick.len() <= 64, "{quick}");
}

#[test]
fn short_labels_stand_beside_each_other_and_the_stars_in_one_row() {
    let buttons = |all: &[&str]| {
        let items: Vec<_> = all.iter().map(|label| say(label)).collect();
        calls(&json!({"text": "Well?", "type": "BUTTON", "data": {"items": items}}))
    };
    assert_eq!(
        labels(&buttons(&["Yes", "No", "Maybe"])[0].1),
        [["Yes", "No", "Maybe"]]
    );
    assert_eq!(
        labels(&buttons(&["Track my order", "Cancel it"])[0].1),
        [["Track my order", "Cancel it"]]
    );
    let long = "Tell me more about this order";
    assert_eq!(labels(&buttons(&[long, "No"])[0].1), [[long], ["No"]]);
    let rating = json!({"text": "How was it?", "type": "BUTTON", "data": {"items": [
        {"actionable_text": "Rate", "type": "APP_FEEDBACK", "payload": {}},
    ]}});
    assert_eq!(
        labels(&calls(&rating)[0].1)
            .iter()
            .map(Vec::len)
            .collect::<Vec<_>>(),
        [5]
    );
}

#[test]
fn a_picture_is_a_photo_with_a_caption_and_a_pdf_a_document() {
    let item = |url: &str| {
        json!({"text": "", "type": "CAROUSEL", "data": {"items": [
            {"title": "Blue & white", "thumbnail": {"image": url}, "actionables": [say("Buy")]},
        ]}})
    };
    let photo = calls(&item("https://a.example/blue.png"));
    assert_eq!(photo[0].0, "sendPhoto");
    assert_eq!(photo[0].1["photo"], "https://a.example/blue.png");
    assert!(
        photo[0].1["caption"]
            .as_str()
            .is_some_and(|caption| caption.contains("Blue &amp; white"))
    );
    assert_eq!(labels(&photo[0].1), [["Buy"]]);
    let document = calls(&item("https://a.example/bill.pdf"));
    assert_eq!(document[0].0, "sendDocument");
    assert_eq!(document[0].1["document"], "https://a.example/bill.pdf");
    // Were it refused, it would be a text with a link.
    let page = pages(&item("https://a.example/bill.pdf")).remove(0);
    let simpler = page.simpler().expect("something simpler");
    let simpler = encode::encode(&simpler);
    assert_eq!(simpler["method"], "sendMessage");
    assert!(
        simpler["arguments"]["text"]
            .as_str()
            .is_some_and(|text| text.contains("bill.pdf"))
    );
}

#[test]
fn an_agents_name_stands_above_the_text() {
    let body = json!({"text": "Hello", "type": "TEXT"});
    let pages = render::pages(&outgoing(&body, SenderKind::Agent), &LIMITS);
    let call = encode::encode(&pages[0]);
    let text = call["arguments"]["text"].as_str().unwrap_or_default();
    assert_eq!(text, "<b>Prateek &lt;b&gt;</b>\nHello");
}

#[test]
fn a_place_is_written_into_a_call_and_an_old_one_replaced() {
    let forum = Chat {
        id: -100,
        topic: Some(17),
        reply_to: Some(30),
    };
    let mut arguments = json!({"text": "x"});
    forum.write(&mut arguments);
    assert_eq!(
        arguments,
        json!({
            "text": "x", "chat_id": -100, "message_thread_id": 17,
            "reply_parameters": {"message_id": 30, "allow_sending_without_reply": true},
        })
    );
    Chat::private(7).write(&mut arguments);
    assert_eq!(arguments, json!({"text": "x", "chat_id": 7}));
    let kept = serde_json::to_value(&forum).expect("JSON");
    assert_eq!(
        serde_json::from_value::<Chat>(kept).expect("an address"),
        forum
    );
}

#[test]
fn nothing_that_is_said_is_in_a_debug() {
    let command = Command::Notify {
        chat: Chat::private(7),
        text: "between-you-and-me".to_owned(),
    };
    assert!(!format!("{command:?}").contains("between"));
    let answer = Command::Answer {
        query: "between-you-and-me".to_owned(),
        chosen: "between-you-and-me".to_owned(),
        vanishes: None,
    };
    assert!(!format!("{answer:?}").contains("between"));
}
