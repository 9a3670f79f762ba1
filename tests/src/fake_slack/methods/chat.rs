//! `chat.postMessage` and `chat.update`.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::fake_slack::{
    Author, Message, arguments::Arguments, block_kit::check_blocks, message::name_blocks,
    state::State,
};

use super::{conversation, is_timestamp};
use crate::fake_slack::refused::Refused;

/// Characters of a message's text, at most.
const MAX_TEXT: usize = 40_000;
/// Characters of an edited message's text, at most
/// (<https://docs.slack.dev/reference/methods/chat.update>).
const MAX_UPDATED_TEXT: usize = 4_000;
/// Bytes of metadata, at most.
const MAX_METADATA: usize = 8_192;

pub(crate) fn post_message(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    let message = compose(state, arguments)?;
    let response = json!({
        "channel": message.channel,
        "ts": message.ts,
        "message": message.to_json(&state.workspace, false),
    });
    state.change(|store| store.post(message));
    Ok(response)
}

pub(crate) fn update(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    let channel = conversation(&arguments.required("channel")?)?;
    let ts = arguments.required("ts")?;
    let content = content(arguments, MAX_UPDATED_TEXT)?;
    state.change(|store| {
        let Some(message) = store.message_mut(&channel, &ts) else {
            return Err(Refused::new("message_not_found").because(&ts));
        };
        if !message.is_from_bot() {
            return Err(Refused::new("cant_update_message").because(&ts));
        }
        // With a text and without blocks, the old blocks go; without a text they stay.
        match (content.blocks, content.text.is_some()) {
            (Some(blocks), _) => message.blocks = blocks,
            (None, true) => message.blocks.clear(),
            (None, false) => {}
        }
        if let Some(text) = content.text {
            message.text = text;
        }
        if content.metadata.is_some() {
            message.metadata = content.metadata;
        }
        name_blocks(&mut message.blocks, &ts);
        message.edits += 1;
        Ok(json!({
            "channel": channel,
            "ts": ts,
            "text": message.text,
            "message": message.to_json(&state.workspace, false),
        }))
    })
}

/// What a message says.
struct Content {
    text: Option<String>,
    blocks: Option<Vec<Value>>,
    metadata: Option<Value>,
}

fn compose(state: &State, arguments: &Arguments) -> Result<Message, Refused> {
    let channel = conversation(&arguments.required("channel")?)?;
    let content = content(arguments, MAX_TEXT)?;
    let thread_ts = arguments.text("thread_ts");
    if let Some(ts) = thread_ts.as_ref().filter(|ts| !is_timestamp(ts)) {
        return Err(Refused::new("invalid_thread_ts").because(ts));
    }
    let now = Timestamp::now();
    let ts = state.change(|store| store.next_ts(now));
    let mut message = Message::new(&channel, ts, Author::Bot, &content.text.unwrap_or_default());
    message.blocks = content.blocks.unwrap_or_default();
    name_blocks(&mut message.blocks, &message.ts);
    message.metadata = content.metadata;
    message.thread_ts = thread_ts;
    message.username = arguments.text("username");
    message.icon = arguments
        .text("icon_url")
        .or_else(|| arguments.text("icon_emoji"));
    Ok(message)
}

fn content(arguments: &Arguments, max_text: usize) -> Result<Content, Refused> {
    let text = arguments.text("text");
    let blocks = arguments.structure("blocks", "invalid_blocks_format")?;
    let metadata = arguments.structure("metadata", "invalid_metadata_format")?;
    if let Some(blocks) = &blocks {
        check_blocks(blocks)?;
    }
    if let Some(metadata) = &metadata {
        check_metadata(metadata)?;
    }
    let has_blocks = blocks
        .as_ref()
        .and_then(Value::as_array)
        .is_some_and(|list| !list.is_empty());
    let length = text.as_ref().map_or(0, |text| text.chars().count());
    if length > max_text {
        let detail = format!("{length} characters, {max_text} are allowed");
        return Err(Refused::new("msg_too_long").because(detail));
    }
    if !has_blocks && text.is_none() {
        return Err(Refused::new("no_text"));
    }
    Ok(Content {
        text,
        blocks: blocks.and_then(|blocks| blocks.as_array().cloned()),
        metadata,
    })
}

/// `{event_type, event_payload}`, with a flat enough payload
/// (<https://docs.slack.dev/messaging/message-metadata>).
fn check_metadata(metadata: &Value) -> Result<(), Refused> {
    let invalid = |what: &str| Refused::new("invalid_metadata_format").because(what);
    let fields = metadata
        .as_object()
        .ok_or_else(|| invalid("must be an object"))?;
    let event_type = fields
        .get("event_type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let well_named = |letter: char| {
        letter.is_ascii_alphanumeric() || letter == '_' || letter == '-' || letter == '.'
    };
    if event_type.is_empty() || event_type.len() > 255 || !event_type.chars().all(well_named) {
        return Err(invalid("event_type must be an alphanumeric string"));
    }
    let payload = fields
        .get("event_payload")
        .and_then(Value::as_object)
        .ok_or_else(|| invalid("event_payload must be an object"))?;
    if let Some(name) = fields
        .keys()
        .find(|name| !["event_type", "event_payload"].contains(&name.as_str()))
    {
        return Err(invalid(&format!(
            "no additional properties allowed: {name}"
        )));
    }
    if payload.values().any(Value::is_null) {
        let what = "values must be strings, numbers, booleans, objects or arrays";
        return Err(Refused::new("invalid_metadata_schema").because(what));
    }
    if metadata.to_string().len() > MAX_METADATA {
        return Err(Refused::new("metadata_too_large"));
    }
    Ok(())
}
