//! What a message may be made of.

use serde_json::{Map, Value};

/// The longest text, in bytes (<https://developer.webex.com/docs/api/v1/messages/create-a-message>).
const TEXT: usize = 7_439;

/// The most bytes of a card. Not documented; larger ones were seen to be refused.
const CARD: usize = 22_000;

/// What may be in a card of version 1.3 (<https://developer.webex.com/docs/buttons-and-cards>).
const TYPES: &[&str] = &[
    "AdaptiveCard",
    "TextBlock",
    "Image",
    "RichTextBlock",
    "TextRun",
    "Container",
    "ColumnSet",
    "Column",
    "FactSet",
    "ImageSet",
    "ActionSet",
    "Input.Text",
    "Input.Number",
    "Input.Date",
    "Input.Time",
    "Input.Toggle",
    "Input.ChoiceSet",
    "Action.Submit",
    "Action.OpenUrl",
    "Action.ShowCard",
    "Action.ToggleVisibility",
];

/// The fields of a message that is created.
const FIELDS: &[&str] = &[
    "roomId",
    "toPersonId",
    "toPersonEmail",
    "parentId",
    "text",
    "markdown",
    "files",
    "attachments",
];

/// Checks a message that is created.
pub(super) fn message(message: &Value) -> Result<(), String> {
    let fields = message.as_object().ok_or("a message is an object")?;
    if let Some(name) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(format!("there is no field {name}"));
    }
    for name in ["text", "markdown"] {
        let text = fields.get(name).map(|text| text.as_str().ok_or("no text"));
        let text = text.transpose()?;
        if text.is_some_and(|text| text.len() > TEXT) {
            return Err("Message text is too long".to_owned());
        }
    }
    let has = |name: &str| {
        fields
            .get(name)
            .and_then(Value::as_str)
            .is_some_and(|text| !text.trim().is_empty())
    };
    if !has("text") && !has("markdown") {
        // Beside a card one of them is required too, as clients that show no cards have nothing else.
        return Err("One of the following must be non-empty: text, file, or meetingId".to_owned());
    }
    for name in ["files", "attachments"] {
        let list = fields
            .get(name)
            .map(|list| list.as_array().ok_or("no list"));
        if list.transpose()?.is_some_and(|list| list.len() != 1) {
            return Err(format!("{name} has not exactly one"));
        }
    }
    match fields.get("attachments").and_then(|list| list.get(0)) {
        Some(attachment) => card(attachment),
        None => Ok(()),
    }
}

fn card(attachment: &Value) -> Result<(), String> {
    if attachment["contentType"] != "application/vnd.microsoft.card.adaptive" {
        return Err("Unsupported attachment content type".to_owned());
    }
    // A card that is a text of JSON is refused.
    let card = attachment["content"].as_object();
    let card = card.ok_or("Unable to retrieve content")?;
    if card.get("type").is_none_or(|kind| kind != "AdaptiveCard") {
        return Err("the content is no AdaptiveCard".to_owned());
    }
    let version = card.get("version").and_then(Value::as_str);
    if !["1.0", "1.1", "1.2", "1.3"].contains(&version.unwrap_or_default()) {
        return Err("the version is not supported".to_owned());
    }
    if attachment["content"].to_string().len() > CARD {
        return Err("the card is too large".to_owned());
    }
    let mut inputs = Vec::new();
    walk(&attachment["content"], &mut inputs)
}

/// Looks at every object of a card.
fn walk(value: &Value, inputs: &mut Vec<String>) -> Result<(), String> {
    match value {
        Value::Object(object) => {
            look(object, inputs)?;
            let others = object.iter().filter(|(name, _)| *name != "data");
            let mut others = others.map(|(_, value)| value);
            others.try_for_each(|value| walk(value, inputs))
        }
        Value::Array(list) => list.iter().try_for_each(|value| walk(value, inputs)),
        _ => Ok(()),
    }
}

fn look(object: &Map<String, Value>, inputs: &mut Vec<String>) -> Result<(), String> {
    let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
    let kind = text("type");
    if object.contains_key("type") && !TYPES.contains(&kind) {
        return Err(format!("{kind} is not in cards of version 1.3"));
    }
    let is_missing = |name: &str| text(name).is_empty();
    let is_web = text("url").starts_with("https://") || text("url").starts_with("http://");
    if kind.starts_with("Input.") {
        let id = text("id").to_owned();
        if id.is_empty() || inputs.contains(&id) {
            return Err("an input without an id of its own".to_owned());
        }
        inputs.push(id);
    }
    match kind {
        "TextBlock" if is_missing("text") => Err("a text without a text".to_owned()),
        "Image" if !text("url").starts_with("https://") => Err("an image without https".to_owned()),
        "Action.OpenUrl" if !is_web => Err("a link without an address".to_owned()),
        "Action.OpenUrl" | "Action.Submit" if is_missing("title") => {
            Err("an action without a title".to_owned())
        }
        "ActionSet"
            if object
                .get("actions")
                .is_none_or(|list| list == &Value::Array(Vec::new())) =>
        {
            Err("a set of no actions".to_owned())
        }
        _ => Ok(()),
    }
}
