//! The Content API (<https://www.twilio.com/docs/content>): what can be made, and what a message with it shows.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Says what is wrong with a content (<https://www.twilio.com/docs/content/content-api-resources>).
pub(super) fn fault(content: &Value) -> Option<String> {
    let samples = content["variables"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    let Some(types) = content["types"]
        .as_object()
        .filter(|types| types.len() == 1)
    else {
        return Some("one type is known here".to_owned());
    };
    if content["language"].as_str().is_none_or(str::is_empty) {
        return Some("a language is required".to_owned());
    }
    if samples.len() > 100 {
        return Some("at most 100 variables".to_owned());
    }
    let without_sample = placeholders(&content["types"].to_string())
        .into_iter()
        .find(|name| {
            samples
                .get(name)
                .and_then(Value::as_str)
                .is_none_or(str::is_empty)
        });
    if let Some(name) = without_sample {
        return Some(format!("no sample of {name}"));
    }
    match types.keys().next().map(String::as_str) {
        Some("twilio/quick-reply" | "twilio/card") => {
            let actions = types.values().next().map(|content| &content["actions"]);
            let actions = actions.and_then(Value::as_array).map_or(0, Vec::len);
            (!(1..=10).contains(&actions)).then(|| "1 to 10 actions".to_owned())
        }
        Some("twilio/list-picker") => {
            let items = types["twilio/list-picker"]["items"].as_array();
            let items = items.map_or(0, Vec::len);
            (!(1..=10).contains(&items)).then(|| "1 to 10 items".to_owned())
        }
        _ => Some("an unknown type".to_owned()),
    }
}

/// The names in double braces.
fn placeholders(text: &str) -> BTreeSet<String> {
    let mut rest = text;
    let mut names = BTreeSet::new();
    while let Some((_, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        names.insert(name.to_owned());
        rest = after;
    }
    names
}

/// What a variable that is used in the body may not have: "a newline, a tab, or more than four consecutive spaces"
/// (<https://www.twilio.com/docs/api/errors/21656>).
fn breaks_a_line(value: &str) -> bool {
    value.contains(['\n', '\r', '\t']) || value.contains("     ")
}

/// What can be tapped: label and id.
pub(super) type Choices = Vec<(String, String)>;

/// What a message with a content shows on WhatsApp without approval: its text, and what can be tapped; or the code
/// and the words by which it is refused.
pub(super) fn shown(content: &Value, variables: &str) -> Result<(String, Choices), (u32, String)> {
    let invalid = || {
        (
            21656,
            "The ContentVariables parameter is invalid".to_owned(),
        )
    };
    let variables: Map<String, Value> = serde_json::from_str(variables).map_err(|_| invalid())?;
    let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    if !variables.values().all(is_text) {
        return Err(invalid());
    }
    let in_body = content["types"]
        .as_object()
        .and_then(|types| types.values().next())
        .map(|content| placeholders(content["body"].as_str().unwrap_or_default()))
        .unwrap_or_default();
    let is_odd = |name: &String| {
        variables
            .get(name)
            .and_then(Value::as_str)
            .is_some_and(breaks_a_line)
    };
    if in_body.iter().any(is_odd) {
        return Err(invalid());
    }
    let filled = |text: &Value| {
        let mut text = text.as_str().unwrap_or_default().to_owned();
        for name in placeholders(&text) {
            let value = variables
                .get(&name)
                .or_else(|| content["variables"].get(&name));
            let value = value.and_then(Value::as_str).unwrap_or_default();
            text = text.replace(&format!("{{{{{name}}}}}"), value);
        }
        text
    };
    let too_long = |what: &str| Err((63021, format!("Channel invalid content: {what}")));
    let (kind, content) = content["types"]
        .as_object()
        .and_then(|types| types.iter().next())
        .ok_or_else(invalid)?;
    let body = filled(&content["body"]);
    if !(1..=1_024).contains(&body.encode_utf16().count()) {
        return too_long("1 to 1024 characters");
    }
    let (list, label, most, longest) = match kind.as_str() {
        "twilio/list-picker" => ("items", "item", 10, 24),
        // <https://www.twilio.com/docs/content/twilio-quick-reply>: "only three buttons are allowed".
        "twilio/quick-reply" => ("actions", "title", 3, 20),
        other => return too_long(&format!("{other} needs approval")),
    };
    let choices = content[list].as_array().cloned().unwrap_or_default();
    let choices: Choices = choices
        .iter()
        .map(|choice| (filled(&choice[label]), filled(&choice["id"])))
        .collect();
    let labels: BTreeSet<&str> = choices.iter().map(|(label, _)| label.as_str()).collect();
    let fits = |text: &str, most: usize| (1..=most).contains(&text.encode_utf16().count());
    let all_fit = choices
        .iter()
        .all(|(label, id)| fits(label, longest) && fits(id, 200));
    let button = filled(&content["button"]);
    if choices.len() > most || labels.len() < choices.len() || !all_fit {
        return too_long("the choices");
    }
    if kind == "twilio/list-picker" && !fits(&button, 20) {
        return too_long("the button");
    }
    Ok((body, choices))
}
