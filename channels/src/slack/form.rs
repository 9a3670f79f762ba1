//! Forms: the modal that a tap opens (<https://docs.slack.dev/surfaces/modals/>), and what comes back
//! when it is submitted.
//!
//! What a submission is read with travels in the modal itself: the place of the form's message and the
//! questions in its `private_metadata`, the kind of each answer in its blocks. So a submission is read
//! without looking anything up.

use std::collections::HashSet;

use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::limits;
use super::markup::{mrkdwn, plain};
use super::render::text_object;
use super::split::split;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::hsl::{Field, Form};

/// The `callback_id` of our modals.
pub(super) const FORM: &str = "form";

/// The `action_id`s of the inputs start with this, and the field's number follows.
const ANSWER: &str = "answer-";

/// The `block_id`s of the inputs start with one of these, and the field's number follows.
const FIELD: &str = "field-";
const START: &str = "start-";
const END: &str = "end-";

/// Where a form was tapped: what a submission needs to be told to Haptik.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    /// The conversation.
    pub(super) channel: String,
    /// The thread, if there is one.
    pub(super) thread_ts: Option<String>,
    /// The form's message.
    pub(super) ts: String,
    /// Whether the conversation is a direct one.
    pub(super) is_direct: bool,
    /// When the form was tapped.
    pub(super) action_ts: String,
}

impl Origin {
    /// As it is kept in an opening, and in a modal.
    pub(super) fn to_json(&self) -> Value {
        let mut json =
            json!({"c": self.channel, "m": self.ts, "d": self.is_direct, "at": self.action_ts});
        if let Some(thread_ts) = &self.thread_ts {
            json["t"] = thread_ts.as_str().into();
        }
        json
    }

    /// Reads what [`Origin::to_json`] made.
    pub(super) fn read(json: &Value) -> Option<Self> {
        Some(Self {
            channel: lenient_json::some_text(json, "c")?,
            thread_ts: lenient_json::some_text(json, "t"),
            ts: lenient_json::some_text(json, "m")?,
            is_direct: lenient_json::flag(json, "d"),
            action_ts: lenient_json::some_text(json, "at")?,
        })
    }
}

/// What a submission says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Submission {
    /// `hint: value`, a line for each field that was filled in, in the order of the fields.
    Answers(String),
    /// What is wrong, by `block_id`
    /// (<https://docs.slack.dev/surfaces/modals/#displaying_errors>).
    Errors(Map<String, Value>),
}

/// How a field is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Input {
    Text {
        placeholder: &'static str,
        multiline: bool,
    },
    Email,
    Number,
    Date,
    Time,
    One(Vec<String>),
    Several(Vec<String>),
}

/// The modal of a form; `None` when it is none, or larger than Slack takes, and is to be answered in the
/// chat.
pub(super) fn view(form: &Form, origin: &Origin) -> Option<Value> {
    if form.fields.is_empty() {
        return None;
    }
    let title = plain(&form.title, limits::VIEW_TITLE).unwrap_or_else(|| "Form".to_owned());
    let shortened = plain(&form.title, usize::MAX).is_some_and(|whole| whole != title);
    let mut blocks = Vec::new();
    let intro = [
        Some(&form.title).filter(|_| shortened),
        Some(&form.subtitle),
    ];
    for text in intro.into_iter().flatten() {
        blocks.extend(sections(&mrkdwn(text)));
    }
    for (index, field) in form.fields.iter().enumerate() {
        blocks.extend(input(index, field));
    }
    let view = json!({
        "type": "modal",
        "callback_id": FORM,
        "title": label(&title),
        "submit": label("Send"),
        "close": label("Cancel"),
        "private_metadata": metadata(form, origin),
        "blocks": blocks,
    });
    let fits = blocks.len() <= limits::VIEW_BLOCKS && view.to_string().len() <= limits::VIEW_BYTES;
    fits.then_some(view)
}

/// Reads where a submitted form was tapped; `None` when the view is not one of ours.
pub(super) fn origin(view: &Value) -> Option<Origin> {
    Origin::read(&kept(view)?)
}

/// Reads what was filled in (<https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload>).
pub(super) fn submission(view: &Value) -> Submission {
    let hints = kept(view)
        .map(|metadata| lenient_json::texts(&metadata, "h"))
        .unwrap_or_default();
    let mut lines = Vec::new();
    let mut errors = Map::new();
    let mut start = None;
    for block in lenient_json::list(view, "blocks")
        .filter(|block| lenient_json::text(block, "type") == "input")
    {
        let block_id = lenient_json::text(block, "block_id");
        let kind = block.pointer("/element/type").and_then(Value::as_str);
        let state = view.pointer(&format!("/state/values/{block_id}"));
        let answer = state
            .and_then(Value::as_object)
            .and_then(|state| state.values().next());
        let value = answer.map(value).unwrap_or_default();
        let is_optional = lenient_json::flag(block, "optional");
        if let Some(wrong) = wrong(kind.unwrap_or_default(), &value, is_optional) {
            errors.insert(block_id, wrong.into());
            continue;
        }
        if block_id.starts_with(START) {
            start = Some(value.clone()).filter(|start| !start.is_empty());
        }
        // Dates of this form sort as they follow each other.
        if block_id.starts_with(END) && start.take().is_some_and(|start| value < start) {
            errors.insert(block_id, "This is before the start.".into());
            continue;
        }
        if !value.is_empty() {
            let asked = block.pointer("/label/text").and_then(Value::as_str);
            let hint = number(&block_id).and_then(|index| hints.get(index).cloned());
            let hint = hint.or_else(|| asked.map(super::parse::readable));
            lines.push(match hint.map(|hint| one_line(&hint)) {
                Some(hint) if !hint.is_empty() => format!("{hint}: {value}"),
                _ => value,
            });
        }
    }
    if errors.is_empty() {
        Submission::Answers(lines.join("\n"))
    } else {
        Submission::Errors(errors)
    }
}

/// What a modal keeps for its submission: the questions as they are, where there is room for them.
fn metadata(form: &Form, origin: &Origin) -> String {
    let mut kept = origin.to_json();
    let without = kept.to_string();
    kept["h"] = form
        .fields
        .iter()
        .map(|field| field.hint.as_str())
        .collect();
    Some(kept.to_string())
        .filter(|kept| kept.len() <= limits::VIEW_METADATA)
        .unwrap_or(without)
}

fn kept(view: &Value) -> Option<Value> {
    if lenient_json::text(view, "callback_id") != FORM {
        return None;
    }
    serde_json::from_str(&lenient_json::text(view, "private_metadata")).ok()
}

/// The blocks of a field: its input, and before it what the input has no room for.
fn input(index: usize, field: &Field) -> Vec<Value> {
    let input = Input::of(field);
    let mut blocks = Vec::new();
    let can_be_chosen = matches!(input, Input::One(_) | Input::Several(_));
    let hint = plain(&field.hint, limits::INPUT_LABEL).unwrap_or_else(|| "…".to_owned());
    if !can_be_chosen && !field.options.is_empty() {
        let options: Vec<String> = field.options.iter().map(|option| mrkdwn(option)).collect();
        blocks.extend(sections(&options.join("\n")));
    }
    let kind = match field.kind.to_lowercase().as_str() {
        "startdate" => START,
        "enddate" => END,
        _ => FIELD,
    };
    let mut block = json!({
        "type": "input",
        "block_id": format!("{kind}{index}"),
        "label": label(&hint),
        "element": input.element(index),
    });
    if field.is_optional {
        block["optional"] = true.into();
    }
    blocks.push(block);
    blocks
}

impl Input {
    /// <https://docs.slack.dev/reference/block-kit/block-elements/>
    fn of(field: &Field) -> Self {
        let text = |placeholder, multiline| Self::Text {
            placeholder,
            multiline,
        };
        let typed = || match field.keyboard_type.to_lowercase().as_str() {
            "email" => Self::Email,
            "number" => Self::Number,
            _ => text("", false),
        };
        match field.kind.to_lowercase().as_str() {
            "date" | "startdate" | "enddate" | "dob" => Self::Date,
            "time" => Self::Time,
            "multiselectpicker" => {
                options(field).map_or(text("Several, separated by commas", false), Self::Several)
            }
            "multidaypicker" => {
                options(field).map_or(text("2026-01-31, 2026-02-01", false), Self::Several)
            }
            "contactpicker" => text("+91 98765 43210", false),
            "savedaddress" => text("", true),
            // What the last has as options are suggestions: something else may be typed.
            "text" | "searcheditable" => typed(),
            _ => options(field).map_or_else(typed, Self::One),
        }
    }

    fn element(&self, index: usize) -> Value {
        let mut element = match self {
            Self::Text {
                placeholder,
                multiline,
            } => {
                let mut element = json!({"type": "plain_text_input"});
                if !placeholder.is_empty() {
                    element["placeholder"] = label(placeholder);
                }
                if *multiline {
                    element["multiline"] = true.into();
                }
                element
            }
            Self::Email => {
                json!({"type": "email_text_input", "placeholder": label("name@example.com")})
            }
            Self::Number => json!({"type": "number_input", "is_decimal_allowed": true}),
            Self::Date => json!({"type": "datepicker"}),
            Self::Time => json!({"type": "timepicker"}),
            Self::One(options) => with_options(json!({"type": "static_select"}), options),
            Self::Several(options) => with_options(json!({"type": "multi_static_select"}), options),
        };
        element["action_id"] = format!("{ANSWER}{index}").into();
        element
    }
}

/// The options of a field, each once; `None` when there are none, or when Slack's menus cannot carry all
/// of them.
fn options(field: &Field) -> Option<Vec<String>> {
    let mut seen = HashSet::new();
    let options: Vec<String> = field
        .options
        .iter()
        .map(|option| one_line(option))
        .filter(|option| {
            plain(option, limits::OPTION_TEXT).is_some() && seen.insert(option.clone())
        })
        .collect();
    let fit = options
        .iter()
        .all(|option| limits::fits(option, limits::OPTION_VALUE));
    let count = options.len();
    (fit && count > 0 && count <= limits::OPTIONS * limits::OPTIONS).then_some(options)
}

/// A menu with its options, in groups where there are more than one list takes.
fn with_options(mut element: Value, options: &[String]) -> Value {
    let choices: Vec<Value> = options
        .iter()
        .map(|option| {
            let text = plain(option, limits::OPTION_TEXT).unwrap_or_default();
            json!({"text": label(&text), "value": option})
        })
        .collect();
    if choices.len() <= limits::OPTIONS {
        element["options"] = choices.into();
        return element;
    }
    let groups = choices.chunks(limits::OPTIONS).enumerate();
    element["option_groups"] = groups
        .map(|(index, choices)| {
            let first = index * limits::OPTIONS + 1;
            let last = first + choices.len() - 1;
            json!({"label": label(&format!("{first}–{last}")), "options": choices})
        })
        .collect();
    element
}

/// What was filled in, on one line; empty when nothing was.
fn value(answer: &Value) -> String {
    let chosen = |option: &Value| lenient_json::text(option, "value");
    let value = match lenient_json::text(answer, "type").as_str() {
        "datepicker" => lenient_json::text(answer, "selected_date"),
        "timepicker" => lenient_json::text(answer, "selected_time"),
        "static_select" => answer
            .get("selected_option")
            .map(chosen)
            .unwrap_or_default(),
        "multi_static_select" => {
            let chosen: Vec<String> = lenient_json::list(answer, "selected_options")
                .map(chosen)
                .collect();
            chosen.join(", ")
        }
        _ => lenient_json::text(answer, "value"),
    };
    one_line(&value)
}

/// What is wrong with an answer, as the modal shows it below the input.
fn wrong(kind: &str, value: &str, is_optional: bool) -> Option<&'static str> {
    if value.is_empty() {
        return (!is_optional).then_some("Please fill this in.");
    }
    match kind {
        "email_text_input" if !is_email(value) => {
            Some("This is not an e-mail address. One looks like name@example.com.")
        }
        "number_input" if !value.parse::<f64>().is_ok_and(f64::is_finite) => {
            Some("This is not a number.")
        }
        "datepicker" if value.parse::<Date>().is_err() => Some("This is not a date."),
        _ => None,
    }
}

/// Whether a text may be an e-mail address: what is before the at sign is for the provider to judge.
fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.rsplit_once('@') else {
        return false;
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|character| character.is_alphanumeric() || character == '-')
    };
    let is_odd = |character: char| character.is_whitespace() || "@,;<>()[]\"\\".contains(character);
    text.len() <= 254
        && !name.is_empty()
        && !name.contains(is_odd)
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..")
        && host.contains('.')
        && host.split('.').all(is_label)
}

/// The number at the end of a `block_id` of ours.
fn number(block_id: &str) -> Option<usize> {
    let (_, number) = block_id.rsplit_once('-')?;
    number.parse().ok()
}

/// A text on one line, so that no answer looks like another field's.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn sections(text: &str) -> impl Iterator<Item = Value> {
    split(text, limits::SECTION_TEXT)
        .into_iter()
        .map(|text| json!({"type": "section", "text": text_object(&text)}))
}

fn label(text: &str) -> Value {
    json!({"type": "plain_text", "text": text, "emoji": true})
}

#[cfg(test)]
mod tests;
