//! Texts and captions: what is left of them after parsing, and how long it is.

use serde_json::{Map, Value};

use super::html::units;
use super::{Refused, html};

/// The longest text (<https://core.telegram.org/bots/api#sendmessage>: "1-4096 characters after entities
/// parsing"). Telegram's server counts code points; its clients and its own other limits count UTF-16
/// units, as entities do, so that is counted here, which is never less.
pub(super) const TEXT: usize = 4096;

/// The longest caption (<https://core.telegram.org/bots/api#sendphoto>).
pub(super) const CAPTION: usize = 1024;

/// The longest text before parsing, in bytes (`Client::get_formatted_text` of `tdlib/telegram-bot-api`).
const UNPARSED: usize = 1 << 15;

/// The kinds of entities (<https://core.telegram.org/bots/api#messageentity>).
const ENTITIES: &[&str] = &[
    "mention",
    "hashtag",
    "cashtag",
    "bot_command",
    "url",
    "email",
    "phone_number",
    "bold",
    "italic",
    "underline",
    "strikethrough",
    "spoiler",
    "blockquote",
    "expandable_blockquote",
    "code",
    "pre",
    "text_link",
    "text_mention",
    "custom_emoji",
    "date_time",
];

/// A text as people see it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Formatted {
    pub(super) text: String,
    pub(super) entities: Vec<Value>,
}

/// A text or a caption with its formatting.
///
/// <https://core.telegram.org/bots/api#formatting-options>
pub(super) fn formatted(
    arguments: &Map<String, Value>,
    field: &str,
    entities: &str,
) -> Result<Formatted, Refused> {
    let text = arguments
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default();
    if text.len() > UNPARSED {
        return Err(Refused::bad_request("text is too long"));
    }
    let mode = arguments
        .get("parse_mode")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let formatted = match mode.to_lowercase().as_str() {
        "html" => {
            let parsed = html::parse(text).map_err(|reason| {
                Refused::bad_request(format!("can't parse entities: {reason}"))
            })?;
            Formatted {
                text: parsed.0,
                entities: parsed.1,
            }
        }
        "" | "none" => Formatted {
            text: text.to_owned(),
            entities: given(arguments.get(entities), text)?,
        },
        "markdown" | "markdownv2" => {
            return Err(Refused::bad_request("the fake does not read Markdown"));
        }
        _ => return Err(Refused::bad_request("unsupported parse_mode")),
    };
    Ok(formatted)
}

/// Entities that are given apart from the text.
fn given(entities: Option<&Value>, text: &str) -> Result<Vec<Value>, Refused> {
    let entities = entities
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    for entity in &entities {
        let kind = entity
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let at = |key: &str| entity.get(key).and_then(Value::as_u64);
        let (Some(offset), Some(length)) = (at("offset"), at("length")) else {
            return Err(Refused::bad_request(
                "can't parse MessageEntity: an offset or a length is missing",
            ));
        };
        if !ENTITIES.contains(&kind) || length == 0 || offset + length > units(text) as u64 {
            return Err(Refused::bad_request(format!(
                "can't parse MessageEntity: {kind:?} at {offset} of {length} units"
            )));
        }
    }
    Ok(entities)
}

/// The text of a message: there has to be one.
pub(super) fn of_message(arguments: &Map<String, Value>) -> Result<Formatted, Refused> {
    let given = arguments
        .get("text")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if given.is_empty() {
        return Err(Refused::bad_request("message text is empty"));
    }
    let formatted = formatted(arguments, "text", "entities")?;
    if formatted.text.trim().is_empty() {
        return Err(Refused::bad_request("text must be non-empty"));
    }
    if units(&formatted.text) > TEXT {
        return Err(Refused::bad_request("message is too long"));
    }
    Ok(formatted)
}

/// A caption, which may be missing.
pub(super) fn of_caption(arguments: &Map<String, Value>) -> Result<Formatted, Refused> {
    let formatted = formatted(arguments, "caption", "caption_entities")?;
    if units(&formatted.text) > CAPTION {
        return Err(Refused::bad_request("message caption is too long"));
    }
    Ok(formatted)
}
