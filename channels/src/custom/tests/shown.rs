//! What the application gets, in plain terms.

use serde_json::{Value, json};

use super::{hsl, payload, render};
use haptik_bridge_shared::message::{Handback, Returned};

/// A message with a card for each of these thumbnails.
fn with_thumbnails(thumbnails: &[&str]) -> Value {
    let cards = thumbnails
        .iter()
        .map(|url| json!({"title": "", "thumbnail": {"image": url}}));
    json!({"text": "t", "type": "CAROUSEL", "data": {"items": cards.collect::<Vec<_>>()}})
}

#[test]
fn what_is_no_picture_is_a_line() {
    let pictures = [
        "https://a.example/a.png",
        "https://a.example/a?id=1",
        "https://a.example/logo.svg",
        "https://a.example/a.avif",
    ];
    let others = [
        "https://www.youtube.com/watch?v=abc",
        "https://youtu.be/abc",
        "https://vimeo.com/1",
        "https://a.example/clip.m4v",
        "https://a.example/clip.MP4?x=1",
        "https://a.example/embed/1",
        "https://a.example/offer.pdf",
        "https://a.example/page.html",
    ];
    let raw = with_thumbnails(&[&pictures[..], &others[..]].concat());
    let payload = payload(&hsl(&raw)).expect("a payload");
    assert_eq!(payload["images"], json!(pictures));
    assert_eq!(payload["text"], format!("t\n{}", others.join("\n")));
}

#[test]
fn a_call_dials_all_of_a_number() {
    let numbers = [
        ("+91 (22) 55", json!("tel:+912255")),
        ("*123#", json!("tel:*123%23")),
        ("*611", json!("tel:*611")),
        ("1800 1234 #2", json!("tel:18001234%232")),
        ("call us", json!(null)),
    ];
    for (number, url) in numbers {
        let call = json!({"actionable_text": "Call", "type": "APP_ACTION", "uri": "CALL", "payload": {"phone": number}});
        let raw = json!({"text": "t", "type": "BUTTON", "data": {"items": [call]}});
        let payload = payload(&hsl(&raw)).expect("a payload");
        assert_eq!(payload["actions"][0]["url"], url, "{number}");
        assert_eq!(payload["text"], format!("t\nCall: {number}"));
    }
}

#[test]
fn a_message_comes_back_as_it_was_sent() {
    let files = json!([
        {"url": "https://a.example/1", "name": "a.png", "mime_type": "image/png", "size": 12_345},
        {"url": "https://a.example/2", "name": "b", "mime_type": ""},
    ]);
    let inbound = json!({
        "key": "0001#m-7", "at": "2026-11-22T10:00:00Z", "auth_id": "a1", "user": "u-42", "address": {},
        "action": {"type": "message", "text": "one more thing", "attachments": files},
    });
    let handback = Handback {
        key: "0002#m-7".into(),
        auth_id: "a1".into(),
        user: "u-42".to_owned(),
        at: jiff::Timestamp::UNIX_EPOCH,
        handoff: "h-1".to_owned(),
        returned: Returned::Message(serde_json::from_value(inbound).expect("a message")),
    };
    let payload = &render::handback(&handback).body["payload"];
    assert_eq!(payload["attachments"], files);
    assert_eq!(payload["text"], "one more thing");
}
