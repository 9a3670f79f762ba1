//! The same message in simpler blocks, for when Slack refuses it: an image that it cannot load, or a block
//! that a workspace does not have yet.

use serde_json::{Value, json};

use super::{context, text_object};
use crate::limits::Size;
use crate::render::inline::LONGEST_LINK;
use crate::slack::limits;
use crate::slack::markup::{escaped, link};
use crate::slack::tap::BUTTONS;
use haptik_bridge_shared::lenient_json;

/// The next simpler form of a message: cards below each other, then images as links; `None` when there is
/// none.
pub(in crate::slack) fn simpler(body: &Value) -> Option<Value> {
    let blocks = body.get("blocks")?.as_array()?;
    let stacked = |block: &Value| Some(cards(block)?.iter().flat_map(stacked).collect());
    let linked = |block: &Value| Some(vec![image_as_link(block)?]);
    let simple = each(blocks, stacked).or_else(|| each(blocks, linked))?;
    let mut body = body.clone();
    body["blocks"] = simple.into();
    Some(body)
}

/// The blocks with some of them replaced; `None` when none is.
fn each(blocks: &[Value], replaced: impl Fn(&Value) -> Option<Vec<Value>>) -> Option<Vec<Value>> {
    let mut changed = false;
    let blocks = blocks.iter().flat_map(|block| {
        let others = replaced(block);
        changed |= others.is_some();
        others.unwrap_or_else(|| vec![block.clone()])
    });
    let blocks: Vec<Value> = blocks.collect();
    changed.then_some(blocks)
}

/// The cards of a block of cards.
fn cards(block: &Value) -> Option<Vec<Value>> {
    match lenient_json::text(block, "type").as_str() {
        "card" => Some(vec![block.clone()]),
        "carousel" => Some(lenient_json::list(block, "elements").cloned().collect()),
        _ => None,
    }
}

/// A card as an image, a section and a row of buttons.
fn stacked(card: &Value) -> Vec<Value> {
    let mut blocks = Vec::new();
    // An image is the same as an element and as a block.
    blocks.extend(card.get("hero_image").cloned());
    let texts = ["title", "subtitle", "body"].map(|key| {
        let text = card.get(key).map(|text| lenient_json::text(text, "text"));
        text.unwrap_or_default()
    });
    let lines: Vec<String> = texts.into_iter().filter(|line| !line.is_empty()).collect();
    if !lines.is_empty() {
        blocks.push(json!({"type": "section", "text": text_object(&lines.join("\n"))}));
    }
    if let Some(actions) = card.get("actions") {
        let id = lenient_json::some_text(card, "block_id").unwrap_or_else(|| BUTTONS.to_owned());
        blocks.push(json!({"type": "actions", "block_id": id, "elements": actions}));
    }
    blocks
}

/// How long a picture's description is as the label of a link.
const LABEL: Size = Size::utf16(LONGEST_LINK.max / 4);

/// An image block as a link to the image, small print without its pictures; `None` for any other block.
fn image_as_link(block: &Value) -> Option<Value> {
    let is_picture = |element: &Value| lenient_json::text(element, "type") == "image";
    if lenient_json::text(block, "type") == "context"
        && lenient_json::list(block, "elements").any(is_picture)
    {
        let mut block = block.clone();
        block["elements"]
            .as_array_mut()?
            .retain(|element| !is_picture(element));
        return Some(block);
    }
    if block.get("type").and_then(Value::as_str) != Some("image") {
        return None;
    }
    let field = |key| block.get(key).and_then(Value::as_str);
    let (address, label) = (field("image_url")?, LABEL.clip(field("alt_text")?));
    let link = link(address, &label);
    let link = if limits::SECTION_TEXT.fits(&link) {
        link
    } else {
        escaped(&label)
    };
    Some(context(&link))
}
