//! What Slack refuses, written down once more and apart from the renderer.

use std::collections::HashSet;

use serde_json::Value;

use crate::channel::Part;

/// Panics when Slack would refuse one of the messages, or when one could notify somebody.
pub(super) fn validate(parts: &[Part]) {
    for (index, part) in parts.iter().enumerate() {
        assert_eq!(part.index, index);
        let body = &part.body;
        fields(
            body,
            &["text", "parse", "unfurl_links", "unfurl_media", "metadata"],
            &["blocks"],
        );
        text(&body["text"], 4_000);
        mrkdwn(body["text"].as_str().expect("text"));
        assert_eq!(body["metadata"]["event_type"], "haptik_bridge");
        assert_eq!(body["metadata"]["event_payload"]["part"], index);
        let Some(blocks) = body.get("blocks") else {
            continue;
        };
        let blocks = blocks.as_array().expect("blocks are a list");
        assert!((1..=50).contains(&blocks.len()), "{} blocks", blocks.len());
        let mut ids = HashSet::new();
        let total: usize = blocks
            .iter()
            .map(|block| self::block(block, &mut ids))
            .sum();
        assert!(total <= 13_200, "{total} characters in blocks");
    }
}

/// Checks a block and gives the length of its texts.
fn block(block: &Value, ids: &mut HashSet<String>) -> usize {
    match block["type"].as_str().expect("a block has a type") {
        "section" => {
            fields(block, &["type", "text"], &[]);
            text_object(&block["text"], 3_000)
        }
        "context" => {
            fields(block, &["type", "elements"], &[]);
            let elements = block["elements"].as_array().expect("elements");
            assert!((1..=10).contains(&elements.len()));
            elements
                .iter()
                .map(|element| match element["type"].as_str() {
                    Some("image") => image(element),
                    _ => text_object(element, 3_000),
                })
                .sum()
        }
        "image" => image(block),
        "actions" => {
            fields(block, &["type", "block_id", "elements"], &[]);
            assert!(
                ids.insert(block["block_id"].to_string()),
                "a block_id twice"
            );
            text(&block["block_id"], 255);
            let elements = block["elements"].as_array().expect("elements");
            assert!((1..=25).contains(&elements.len()));
            elements.iter().map(|element| button(element, ids)).sum()
        }
        "input" => {
            let needed = ["type", "block_id", "label", "element"];
            fields(block, &needed, &["optional"]);
            assert!(
                ids.insert(block["block_id"].to_string()),
                "a block_id twice"
            );
            text(&block["block_id"], 255);
            let element = ["type", "action_id"];
            fields(&block["element"], &element, &["multiline"]);
            text(&block["label"]["text"], 2_000);
            0
        }
        "card" => card(block, ids),
        "carousel" => {
            fields(block, &["type", "elements"], &[]);
            let cards = block["elements"].as_array().expect("cards");
            assert!((1..=10).contains(&cards.len()), "{} cards", cards.len());
            cards.iter().map(|one| card(one, ids)).sum()
        }
        other => panic!("a block of the type {other}"),
    }
}

fn image(image: &Value) -> usize {
    fields(image, &["type", "image_url", "alt_text"], &[]);
    assert_eq!(image["type"], "image");
    let url = image["image_url"].as_str().expect("an address");
    assert!(
        url.starts_with("http://") || url.starts_with("https://"),
        "{url}"
    );
    text(&image["image_url"], 3_000) + text(&image["alt_text"], 2_000)
}

/// <https://docs.slack.dev/reference/block-kit/blocks/card-block>
fn card(card: &Value, ids: &mut HashSet<String>) -> usize {
    let optional = ["hero_image", "title", "subtitle", "body", "actions"];
    fields(card, &["type", "block_id"], &optional);
    assert_eq!(card["type"], "card");
    assert!(ids.insert(card["block_id"].to_string()), "a block_id twice");
    let has_one = ["hero_image", "title", "body", "actions"];
    assert!(
        has_one.iter().any(|field| card.get(*field).is_some()),
        "an empty card"
    );
    let texts = [("title", 150), ("subtitle", 150), ("body", 200)];
    let texts = texts
        .iter()
        .filter_map(|(key, limit)| Some(text_object(card.get(*key)?, *limit)));
    let mut total = texts.sum::<usize>() + card.get("hero_image").map_or(0, image);
    if let Some(actions) = card.get("actions") {
        let actions = actions.as_array().expect("actions");
        assert!(
            (1..=3).contains(&actions.len()),
            "{} buttons",
            actions.len()
        );
        total += actions
            .iter()
            .map(|element| button(element, ids))
            .sum::<usize>();
    }
    total
}

fn button(button: &Value, ids: &mut HashSet<String>) -> usize {
    fields(
        button,
        &["type", "action_id", "text"],
        &["value", "url", "style"],
    );
    assert_eq!(button["type"], "button");
    assert!(
        ids.insert(button["action_id"].to_string()),
        "an action_id twice"
    );
    text(&button["action_id"], 255);
    if let Some(value) = button.get("value") {
        text(value, 2_000);
    }
    if let Some(url) = button.get("url") {
        text(url, 3_000);
    }
    assert!(button.get("style").is_none_or(|style| style == "primary"));
    assert_eq!(button["text"]["type"], "plain_text");
    text_object(&button["text"], 75)
}

fn text_object(object: &Value, limit: usize) -> usize {
    match object["type"].as_str().expect("a text has a type") {
        "mrkdwn" => {
            fields(object, &["type", "text", "verbatim"], &[]);
            assert_eq!(object["verbatim"], true);
            mrkdwn(object["text"].as_str().expect("text"));
        }
        "plain_text" => fields(object, &["type", "text", "emoji"], &[]),
        other => panic!("a text of the type {other}"),
    }
    text(&object["text"], limit)
}

/// Checks a text's length, in UTF-16 units, and gives it.
fn text(text: &Value, limit: usize) -> usize {
    let text = text.as_str().expect("a text");
    let length = text.encode_utf16().count();
    assert!(
        (1..=limit).contains(&length),
        "a text of {length}, limit {limit}"
    );
    assert!(!text.trim().is_empty(), "a blank text");
    length
}

/// Checks that every control sequence is a link.
fn mrkdwn(text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(['<', '>']) {
        let sequence = rest.get(at..).expect("a boundary");
        let is_link = ["<https://", "<http://", "<tel:"]
            .iter()
            .any(|start| sequence.starts_with(start));
        assert!(is_link, "a control sequence that is no link in {text}");
        rest = sequence.split_once('>').expect("a link that ends").1;
    }
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        rest = rest.get(at + 1..).expect("a boundary");
        assert!(
            ["amp;", "lt;", "gt;"]
                .iter()
                .any(|entity| rest.starts_with(entity)),
            "an entity cut in {text}"
        );
    }
}

fn fields(object: &Value, required: &[&str], optional: &[&str]) {
    let object = object.as_object().expect("an object");
    for field in required {
        assert!(
            object.contains_key(*field),
            "{field} is missing in {object:?}"
        );
    }
    for field in object.keys() {
        assert!(
            required.contains(&field.as_str()) || optional.contains(&field.as_str()),
            "{field} in {object:?}"
        );
    }
}
