//! What the application gets, in plain terms.

use serde_json::{Value, json};

use super::{hsl, payload};

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
