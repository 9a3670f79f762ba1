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
