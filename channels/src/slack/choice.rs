//! Showing what a user chose: the message is updated, or, where it is not known well enough, another
//! one says it.

use serde_json::{Value, json};

use super::address::{Address, Command, Method};
use super::limits;
use super::markup::mrkdwn;
use super::render::{context, fallback, text_object};
use super::tap::{BUTTONS, CHOICE, RATING, REMARK, REPLIES};
use crate::limits::Size;
use haptik_bridge_shared::lenient_json;

/// How much is shown of what was chosen.
const SHOWN: Size = Size::utf16(limits::SECTION_TEXT.max / 10);

/// What is to be done after a tap, as the method to call and the body to call it with.
///
/// It is made from nothing but the request, so that the same request makes the same task: repeating
/// it changes nothing.
pub(super) fn command(
    address: &Address,
    ts: &str,
    message: Option<&Value>,
    block_id: &str,
    shown: &str,
) -> Command {
    let chosen = format!("✓ {}", mrkdwn(&SHOWN.clip(shown)));
    let channel = address.channel.as_str();
    let blocks = message
        .and_then(|message| message.get("blocks"))
        .and_then(Value::as_array);
    if let Some(blocks) = blocks.and_then(|blocks| with_choice(blocks, block_id, &chosen)) {
        let whole = fallback(&blocks);
        let text = if limits::MESSAGE_TEXT.fits(&whole) {
            whole
        } else {
            chosen
        };
        let body =
            json!({"channel": channel, "ts": ts, "text": text, "parse": "none", "blocks": blocks});
        return Command::of(Method::Update, body);
    }
    let mut body = json!({"channel": channel, "text": chosen, "parse": "none"});
    if let Some(thread_ts) = &address.thread_ts {
        body["thread_ts"] = thread_ts.as_str().into();
    }
    Command::of(Method::PostMessage, body)
}

/// The blocks of a message with a choice shown below them; `None` when one of them is of a shape that
/// we do not send.
fn with_choice(blocks: &[Value], tapped: &str, chosen: &str) -> Option<Vec<Value>> {
    if blocks.is_empty() {
        return None;
    }
    let goes = |id: &str| {
        (tapped.starts_with(REPLIES) && id.starts_with(REPLIES))
            || tapped.strip_prefix(RATING).is_some_and(|rating| {
                id == tapped || id.strip_prefix(REMARK).is_some_and(|of| of == rating)
            })
    };
    let mut kept = Vec::with_capacity(blocks.len() + 1);
    let mut choices = Vec::new();
    for block in blocks {
        match lenient_json::text(block, "block_id").as_str() {
            // Buttons stay, and may be tapped again: the earlier choices stay too, up to a limit.
            CHOICE => choices.extend(lenient_json::list(block, "elements").filter_map(text_field)),
            id if goes(id) => {}
            _ => kept.push(known(block)?),
        }
    }
    if kept.len() >= limits::BLOCKS {
        return None;
    }
    choices.push(text_object(chosen));
    let surplus = choices.len().saturating_sub(limits::CONTEXT_ELEMENTS);
    choices.drain(..surplus);
    let mut choice = context("");
    choice["block_id"] = CHOICE.into();
    choice["elements"] = choices.into();
    kept.push(choice);
    Some(kept)
}

/// A block with the fields that we send: Slack gives more back, and refuses some of them when they are
/// sent to it.
fn known(block: &Value) -> Option<Value> {
    let mut known = match lenient_json::text(block, "type").as_str() {
        "section" => json!({"type": "section", "text": text_field(block.get("text")?)?}),
        "context" => {
            let elements: Option<Vec<Value>> = lenient_json::list(block, "elements")
                .map(text_field)
                .collect();
            json!({"type": "context", "elements": elements?})
        }
        "image" => image(block)?,
        "actions" => {
            let elements: Option<Vec<Value>> =
                lenient_json::list(block, "elements").map(button).collect();
            json!({"type": "actions", "elements": elements?})
        }
        "input" => remark(block)?,
        "card" => card(block)?,
        "carousel" => {
            let cards: Option<Vec<Value>> =
                lenient_json::list(block, "elements").map(known).collect();
            json!({"type": "carousel", "elements": cards?})
        }
        _ => return None,
    };
    let id = lenient_json::text(block, "block_id");
    if [REPLIES, BUTTONS, RATING, REMARK]
        .iter()
        .any(|ours| id.starts_with(ours))
    {
        known["block_id"] = id.into();
    }
    Some(known)
}

fn card(card: &Value) -> Option<Value> {
    let mut known = json!({"type": "card"});
    for key in ["title", "subtitle", "body", "hero_image"] {
        let Some(field) = card.get(key).filter(|field| !field.is_null()) else {
            continue;
        };
        known[key] = if key == "hero_image" {
            image(field)?
        } else {
            text_field(field)?
        };
    }
    let buttons: Option<Vec<Value>> = lenient_json::list(card, "actions").map(button).collect();
    let buttons = buttons?;
    if !buttons.is_empty() {
        known["actions"] = buttons.into();
    }
    Some(known)
}

/// The place for a remark.
fn remark(block: &Value) -> Option<Value> {
    let element = picked(
        block.get("element")?,
        &["plain_text_input"],
        &["type", "action_id", "multiline"],
        &["action_id"],
    )?;
    let label = text_field(block.get("label")?)?;
    Some(json!({"type": "input", "optional": true, "label": label, "element": element}))
}

fn image(image: &Value) -> Option<Value> {
    Some(json!({
        "type": "image",
        "image_url": lenient_json::some_text(image, "image_url")?,
        "alt_text": lenient_json::some_text(image, "alt_text")?,
    }))
}

fn text_field(text: &Value) -> Option<Value> {
    picked(
        text,
        &["mrkdwn", "plain_text"],
        &["type", "text", "emoji", "verbatim"],
        &["text"],
    )
}

fn button(button: &Value) -> Option<Value> {
    let mut known = picked(
        button,
        &["button"],
        &["type", "action_id", "value", "url", "style"],
        &["action_id"],
    )?;
    known["text"] = text_field(button.get("text")?)?;
    Some(known)
}

/// An object with only some of its fields, if it is of one of these types and has what it must.
fn picked(value: &Value, types: &[&str], fields: &[&str], required: &[&str]) -> Option<Value> {
    if !types.contains(&lenient_json::text(value, "type").as_str())
        || required
            .iter()
            .any(|field| lenient_json::some_text(value, field).is_none())
    {
        return None;
    }
    let fields = fields.iter().filter_map(|field| {
        let field_value = value.get(field).filter(|value| !value.is_null())?;
        Some(((*field).to_owned(), field_value.clone()))
    });
    Some(Value::Object(fields.collect()))
}
