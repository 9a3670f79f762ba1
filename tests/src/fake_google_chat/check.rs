//! What a message may be made of: `schema.json`, made of Google's own client, and what the pages say beside it
//! (<https://developers.google.com/workspace/chat/api/reference/rest/v1/cards>).

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde_json::{Map, Value};

use super::Kind;
use super::refused::Refused;

/// A message with its cards, in bytes
/// (<https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages/create>).
const MESSAGE: usize = 32_000;

/// The widgets of a card (<https://developers.google.com/workspace/chat/api/reference/rest/v1/cards#section>).
const WIDGETS: usize = 100;

/// Enumerations, by the type and the field.
const ENUMS: &[(&str, &str, &[&str])] = &[
    (
        "GoogleAppsCardV1TextInput",
        "type",
        &["SINGLE_LINE", "MULTIPLE_LINE"],
    ),
    (
        "GoogleAppsCardV1SelectionInput",
        "type",
        &[
            "CHECK_BOX",
            "RADIO_BUTTON",
            "SWITCH",
            "DROPDOWN",
            "MULTI_SELECT",
        ],
    ),
    (
        "GoogleAppsCardV1DateTimePicker",
        "type",
        &["DATE_AND_TIME", "DATE_ONLY", "TIME_ONLY"],
    ),
    (
        "GoogleAppsCardV1Validation",
        "inputType",
        &["TEXT", "INTEGER", "FLOAT", "EMAIL", "EMOJI_PICKER"],
    ),
];

/// The tags of card text (<https://developers.google.com/workspace/chat/format-messages#card-formatting>).
const TAGS: &[&str] = &["b", "i", "u", "s", "a", "font", "br"];

fn schema() -> &'static Map<String, Value> {
    static SCHEMA: OnceLock<Map<String, Value>> = OnceLock::new();
    SCHEMA.get_or_init(|| serde_json::from_str(include_str!("schema.json")).expect("JSON"))
}

/// Checks a message that is created, or as it is after a change.
pub(super) fn message(message: &Value, kind: Kind) -> Result<(), Refused> {
    typed(message, "Message", "message")?;
    let size = message.to_string().len();
    if size > MESSAGE {
        return Err(Refused::invalid(format!("the message has {size} bytes")));
    }
    let has = |field: &str| match &message[field] {
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => false,
    };
    if !has("text") && !has("cardsV2") {
        return Err(Refused::invalid("Message cannot be empty."));
    }
    let mut names = BTreeSet::new();
    let mut found = Found::default();
    walk(message, &mut |object| found.look(object, kind, &mut names))?;
    if found.widgets > WIDGETS {
        return Err(Refused::invalid("a card has more than 100 widgets"));
    }
    let is_unknown = |name: &&String| !names.contains(*name);
    if let Some(name) = found.required.iter().find(is_unknown) {
        return Err(Refused::invalid(format!("there is no widget {name}")));
    }
    Ok(())
}

/// Checks the fields of a value of a type.
fn typed(value: &Value, of: &str, path: &str) -> Result<(), Refused> {
    let fields = schema().get(of).and_then(Value::as_object);
    let fields = fields.ok_or_else(|| Refused::invalid(format!("the fake has no {of}")))?;
    let object = value.as_object();
    let object = object.ok_or_else(|| Refused::invalid(format!("{path} is no object")))?;
    for (name, value) in object {
        let path = format!("{path}.{name}");
        let unknown = || Refused::invalid(format!("Unknown name \"{path}\": Cannot find field."));
        let kind = fields.get(name).ok_or_else(unknown)?;
        let odd = || Refused::invalid(format!("Invalid value at '{path}'"));
        match kind {
            Value::String(kind) => {
                let is_right = match kind.as_str() {
                    "string" => value.is_string(),
                    "number" => value.is_number(),
                    "boolean" => value.is_boolean(),
                    "strings" => value
                        .as_array()
                        .is_some_and(|list| list.iter().all(Value::is_string)),
                    _ => value.is_object(),
                };
                let allowed = ENUMS
                    .iter()
                    .find(|(known, field, _)| *known == of && field == name);
                let is_allowed = allowed.is_none_or(|(_, _, words)| {
                    value.as_str().is_some_and(|word| words.contains(&word))
                });
                if !is_right || !is_allowed {
                    return Err(odd());
                }
            }
            kind => match (kind["of"].as_str(), kind["list"].as_str()) {
                (Some(of), _) => typed(value, of, &path)?,
                (_, Some(of)) => {
                    for (at, value) in value.as_array().ok_or_else(odd)?.iter().enumerate() {
                        typed(value, of, &format!("{path}[{at}]"))?;
                    }
                }
                _ => return Err(odd()),
            },
        }
    }
    Ok(())
}

/// Looks at every object of a message.
fn walk(
    value: &Value,
    look: &mut impl FnMut(&Map<String, Value>) -> Result<(), Refused>,
) -> Result<(), Refused> {
    match value {
        Value::Object(object) => {
            look(object)?;
            object.values().try_for_each(|value| walk(value, look))
        }
        Value::Array(list) => list.iter().try_for_each(|value| walk(value, look)),
        _ => Ok(()),
    }
}

/// What there is in a message.
#[derive(Default)]
struct Found {
    widgets: usize,
    required: Vec<String>,
}

impl Found {
    fn look(
        &mut self,
        object: &Map<String, Value>,
        kind: Kind,
        names: &mut BTreeSet<String>,
    ) -> Result<(), Refused> {
        let invalid = |words: &str| Err(Refused::invalid(words));
        let text = |field: &str| object.get(field).and_then(Value::as_str);
        if let Some(widgets) = object.get("widgets").and_then(Value::as_array) {
            self.widgets += widgets.len();
            let is_one =
                |widget: &Value| widget.as_object().is_some_and(|fields| fields.len() == 1);
            if widgets.is_empty() || !widgets.iter().all(is_one) {
                return invalid("a widget is exactly one thing");
            }
        }
        if object.contains_key("buttons") {
            let buttons = object["buttons"].as_array();
            if buttons.is_none_or(Vec::is_empty) {
                return invalid("a list of no buttons");
            }
        }
        if let Some(click) = object.get("onClick") {
            on_click(click, kind)?;
            let required = click.pointer("/action/requiredWidgets");
            let required = required.and_then(Value::as_array).into_iter().flatten();
            self.required
                .extend(required.filter_map(Value::as_str).map(ToOwned::to_owned));
            if text("text").is_none_or(str::is_empty) && !object.contains_key("icon") {
                return invalid("a button without a text or an icon");
            }
        }
        if object.contains_key("imageUrl")
            && !text("imageUrl").is_some_and(|url| url.starts_with("https://"))
        {
            return invalid("an image whose address is not https");
        }
        for input in ["textInput", "selectionInput", "dateTimePicker"] {
            if let Some(input) = object.get(input) {
                let name = input["name"].as_str().unwrap_or_default();
                if name.is_empty() || !names.insert(name.to_owned()) {
                    return invalid("an input without a name of its own");
                }
                if input["label"].as_str().is_none_or(str::is_empty) {
                    return invalid("an input without a label");
                }
                let items = input["items"].as_array().map_or(0, Vec::len);
                if items > 100 {
                    return invalid("more than 100 items");
                }
            }
        }
        if let Some(paragraph) = object.get("textParagraph") {
            html(paragraph["text"].as_str().unwrap_or_default())?;
        }
        Ok(())
    }
}

/// <https://developers.google.com/workspace/chat/api/reference/rest/v1/cards#onclick>
fn on_click(click: &Value, kind: Kind) -> Result<(), Refused> {
    let (action, link) = (click.get("action"), click.get("openLink"));
    let is_web = |url: &str| url.starts_with("https://") || url.starts_with("http://");
    match (action, link) {
        (Some(action), None) => {
            let function = action["function"].as_str().unwrap_or_default();
            // <https://developers.google.com/workspace/add-ons/chat/convert>: the function of an HTTP add-on
            // is a URL.
            if function.is_empty() || (kind == Kind::AddOn && !function.starts_with("https://")) {
                return Err(Refused::invalid("the function is not a URL"));
            }
            Ok(())
        }
        (None, Some(link)) if link["url"].as_str().is_some_and(is_web) => Ok(()),
        _ => Err(Refused::invalid("on_click is exactly one thing")),
    }
}

/// Whether a text of a card has no tags but those that there are, closed, and no `&` that is no entity.
fn html(text: &str) -> Result<(), Refused> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['<', '>', '&']) {
        let odd = || {
            Refused::invalid(format!(
                "the text of a card is no HTML at {:?}",
                &rest[at..]
            ))
        };
        if rest[at..].starts_with('&') {
            let entity = rest[at..].split_once(';').map(|(entity, _)| entity);
            let known = ["&amp", "&lt", "&gt", "&quot", "&#39"];
            if !entity.is_some_and(|entity| known.contains(&entity)) {
                return Err(odd());
            }
            rest = &rest[at + 1..];
            continue;
        }
        let (tag, after) = rest[at..]
            .strip_prefix('<')
            .and_then(|tag| tag.split_once('>'))
            .ok_or_else(odd)?;
        let name = tag
            .trim_start_matches('/')
            .split(' ')
            .next()
            .unwrap_or_default();
        if !TAGS.contains(&name) {
            return Err(odd());
        }
        if tag.starts_with('/') {
            if open.pop() != Some(name) {
                return Err(odd());
            }
        } else if name != "br" {
            open.push(name);
        }
        rest = after;
    }
    if open.is_empty() {
        Ok(())
    } else {
        Err(Refused::invalid("a tag is not closed"))
    }
}
