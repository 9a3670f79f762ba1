//! The text that stands for a message's blocks in notifications and for screen readers, which do not look
//! into them (<https://docs.slack.dev/reference/methods/chat.postMessage#text_field>): read alone, it says
//! what is shown, what can be chosen and where links lead.

use serde_json::Value;

use crate::limits::Size;
use crate::render::inline::LONGEST_LINK;
use crate::slack::markup::{escaped, link};
use haptik_bridge_shared::lenient_json;

/// How much of a picture's description is read out.
const DESCRIPTION: Size = Size::utf16(300);

/// The text that stands for all of these blocks, as mrkdwn.
pub(in crate::slack) fn fallback(blocks: &[Value]) -> String {
    let mut text = String::new();
    for block in blocks {
        let mut line = of_block(block);
        if lenient_json::text(block, "type") == "image" && text.contains(&described(block)) {
            // Its description is what was just said.
            "Image".clone_into(&mut line);
        }
        if !text.is_empty() && !line.is_empty() {
            text.push('\n');
        }
        text += &line;
    }
    text
}

/// The text that stands for one block of a kind that we send; empty for any other.
fn of_block(block: &Value) -> String {
    let text = |key: &str| block.get(key).map(mrkdwn).unwrap_or_default();
    let lines: Vec<String> = match lenient_json::text(block, "type").as_str() {
        "section" => vec![text("text")],
        "context" => lenient_json::list(block, "elements").map(mrkdwn).collect(),
        "image" => vec![format!("Image: {}", described(block))],
        "actions" => vec![choices(lenient_json::list(block, "elements"))],
        "card" => {
            let image = block.get("hero_image").map(described);
            let image = image.filter(|image| *image != text("title"));
            let image = image.map(|image| format!("Image: {image}"));
            vec![
                image.unwrap_or_default(),
                text("title"),
                text("subtitle"),
                text("body"),
                choices(lenient_json::list(block, "actions")),
            ]
        }
        "carousel" => lenient_json::list(block, "elements")
            .map(of_block)
            .collect(),
        _ => Vec::new(),
    };
    let lines: Vec<String> = lines.into_iter().filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

/// What can be tapped, in order: what is said by a tap, and where the other buttons lead.
fn choices<'a>(buttons: impl Iterator<Item = &'a Value>) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut chosen = false;
    for button in buttons {
        let label = button.get("text").map(mrkdwn).unwrap_or_default();
        let address = lenient_json::some_text(button, "url").map(|url| link(&url, ""));
        let says = address.is_none();
        match (address, lines.last_mut()) {
            (Some(address), _) if LONGEST_LINK.fits(&address) => {
                lines.push(format!("{label}: {address}"));
            }
            (Some(_), _) => lines.push(format!("{label} (a link)")),
            (None, Some(line)) if chosen => {
                line.push_str(" · ");
                line.push_str(&label);
            }
            (None, _) => lines.push(format!("Choose: {label}")),
        }
        chosen = says;
    }
    lines.join("\n")
}

fn described(image: &Value) -> String {
    escaped(&DESCRIPTION.clip(&lenient_json::text(image, "alt_text")))
}

/// A text object as mrkdwn.
fn mrkdwn(text: &Value) -> String {
    let shown = lenient_json::text(text, "text");
    match lenient_json::text(text, "type").as_str() {
        "plain_text" => escaped(&shown),
        _ => shown,
    }
}
