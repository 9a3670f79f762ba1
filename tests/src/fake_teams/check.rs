//! What an activity may be made of.

use std::collections::BTreeSet;

use serde_json::Value;

/// How long an activity may be.
const MOST: usize = 28 * 1024;

/// The elements and actions of a card of version 1.5 that bots may send
/// (<https://adaptivecards.io/explorer/>); Teams has no `Media`.
const KNOWN: &[&str] = &[
    "TextBlock",
    "Image",
    "Container",
    "ActionSet",
    "Input.Text",
    "Input.Number",
    "Input.Date",
    "Input.Time",
    "Input.ChoiceSet",
    "Action.Submit",
    "Action.OpenUrl",
];

/// What is wrong with an activity, if something is: a status and words.
pub(super) fn wrong(activity: &Value) -> Option<(u16, String)> {
    let bad = |words: String| Some((400, words));
    if activity.to_string().len() > MOST {
        return Some((413, "MessageSizeTooBig".to_owned()));
    }
    if activity["type"] == "typing" {
        return None;
    }
    if activity["type"] != "message" {
        return bad(format!("type {}", activity["type"]));
    }
    let text = activity["text"].as_str().unwrap_or_default();
    let attachments = activity["attachments"].as_array();
    match (text.is_empty(), attachments) {
        (false, None) => None,
        (true, Some(list)) if (1..=10).contains(&list.len()) => {
            list.iter().find_map(card).map(|words| (400, words))
        }
        _ => bad("an activity is either a text or one to ten cards".to_owned()),
    }
}

fn card(attachment: &Value) -> Option<String> {
    let content = &attachment["content"];
    if attachment["contentType"] != "application/vnd.microsoft.card.adaptive" {
        return Some("an attachment that is no card".to_owned());
    }
    if content["type"] != "AdaptiveCard" || content["version"] != "1.5" {
        return Some("a card of another version".to_owned());
    }
    let mut names = BTreeSet::new();
    ["body", "actions"]
        .iter()
        .filter_map(|part| content[part].as_array())
        .flatten()
        .find_map(|element| wrong_in(element, &mut names))
}

fn wrong_in(element: &Value, names: &mut BTreeSet<String>) -> Option<String> {
    let kind = element["type"].as_str().unwrap_or_default();
    if !KNOWN.contains(&kind) {
        return Some(format!("an element of the type {kind:?}"));
    }
    if kind.starts_with("Input.") {
        let name = element["id"].as_str().unwrap_or_default().to_owned();
        if name.is_empty() || !names.insert(name) {
            return Some("an input without an id of its own".to_owned());
        }
    }
    if kind == "TextBlock" && element["text"].as_str().is_none_or(str::is_empty) {
        return Some("a TextBlock without a text".to_owned());
    }
    // Microsoft's renderer drops more.
    if element["actions"]
        .as_array()
        .is_some_and(|actions| actions.len() > 5)
    {
        return Some("more than five actions in a row".to_owned());
    }
    if kind.starts_with("Action.") && element["title"].as_str().is_none_or(str::is_empty) {
        return Some("an action without a title".to_owned());
    }
    ["items", "actions"]
        .iter()
        .filter_map(|part| element[part].as_array())
        .flatten()
        .find_map(|inner| wrong_in(inner, names))
}
