//! Forms: the modal that a tap opens (<https://docs.slack.dev/surfaces/modals/>), and what comes back
//! when it is submitted.
//!
//! What a submission is read with travels in the modal itself: the place of the form's message and the
//! questions in its `private_metadata`, the kind of each answer in its blocks. So a submission is read
//! without looking anything up.

use haptik_bridge_shared::config::{Forms, Submit};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use url::Url;

use super::limits;
use super::markup::plain;
use super::render::sections;
use crate::limits::Size;
use crate::render::form::{
    Days, Ends, Input, answers_as_json, answers_as_lines, breaks, latest_day, one_line,
};
use crate::render::{inline, read};
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::hsl::{Field, Form, Rules, visible_text};

mod search;

pub(super) use search::{Search, found, search};

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

/// Whether a form has a modal that holds it all.
pub(super) fn fits(form: &Form) -> bool {
    // Slack's ids are no longer than these.
    let somewhere = Origin {
        channel: "C".repeat(20),
        thread_ts: Some("0".repeat(20)),
        ts: "0".repeat(20),
        is_direct: true,
        action_ts: "0".repeat(20),
    };
    view(form, &somewhere, Forms::default()).is_some()
}

/// The modal of a form; `None` when it is none, or larger than Slack takes, and is to be answered in the
/// chat.
pub(super) fn view(form: &Form, origin: &Origin, settings: Forms) -> Option<Value> {
    if form.fields.is_empty() {
        return None;
    }
    let title = plain(&form.title, limits::VIEW_TITLE).unwrap_or_else(|| "Form".to_owned());
    let shortened = plain(&form.title, Size::UNLIMITED).is_some_and(|whole| whole != title);
    let mut blocks = Vec::new();
    let intro = [
        Some(&form.title).filter(|_| shortened),
        Some(&form.subtitle),
    ];
    for text in intro.into_iter().flatten() {
        blocks.extend(sections(&read(text)));
    }
    let kept = FormMetadata::of(form, settings);
    let (metadata, kept) = kept.fitting(origin);
    for (index, field) in form.fields.iter().enumerate() {
        let is_searched = kept.searches.get(index).is_some_and(|url| !url.is_empty());
        let is_required = settings.is_required(field.required);
        blocks.extend(input(index, field, is_searched, is_required));
    }
    let submit = plain(&form.submit_text, limits::VIEW_TITLE);
    let view = json!({
        "type": "modal",
        "callback_id": FORM,
        "title": label(&title),
        "submit": label(submit.as_deref().unwrap_or("Send")),
        "close": label("Cancel"),
        "private_metadata": metadata,
        "blocks": blocks,
    });
    let fits = blocks.len() <= limits::VIEW_BLOCKS && view.to_string().len() <= limits::VIEW_BYTES;
    fits.then_some(view)
}

/// Reads where a submitted form was tapped; `None` when the view is not one of ours.
pub(super) fn origin(view: &Value) -> Option<Origin> {
    Origin::read(&private_metadata(view)?)
}

/// Reads what was filled in (<https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload>).
pub(super) fn submission(view: &Value, now: Timestamp) -> Submission {
    let kept = FormMetadata::read(&private_metadata(view).unwrap_or_default());
    let today = latest_day(now);
    let mut answers = Vec::new();
    let mut errors = Map::new();
    let mut days = Days::default();
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
        let input = input_of(kind.unwrap_or_default());
        let index = number(&block_id);
        let rules = index.and_then(|index| kept.rules.get(index));
        let wrong = input
            .wrong(&value, lenient_json::flag(block, "optional"))
            .or_else(|| days.wrong(ends_of(&block_id), &value));
        let error = rules.map(|rules| rules.error.trim()).unwrap_or_default();
        let wrong = wrong.map(|wrong| if error.is_empty() { wrong } else { error }.to_owned());
        let wrong = wrong.or_else(|| breaks(rules?, &value, today));
        if let Some(wrong) = wrong {
            errors.insert(block_id, wrong.into());
            continue;
        }
        let asked = block.pointer("/label/text").and_then(Value::as_str);
        let name = index.and_then(|index| kept.names.get(index).cloned());
        answers.push((
            name.or_else(|| asked.map(super::text::plainly_readable)),
            value,
        ));
    }
    if errors.is_empty()
        && answers.iter().all(|(_, value)| value.is_empty())
        && let Some(first) = lenient_json::list(view, "blocks").find_map(|block| {
            lenient_json::some_text(block, "block_id").filter(|_| block["type"] == "input")
        })
    {
        errors.insert(first, "Please fill in at least one.".into());
    }
    if !errors.is_empty() {
        return Submission::Errors(errors);
    }
    let answers = answers.iter();
    Submission::Answers(if kept.is_json {
        let named = |(name, value): &'_ (Option<String>, String)| {
            (name.clone().unwrap_or_default(), value.clone())
        };
        let named: Vec<(String, String)> = answers.map(named).collect();
        answers_as_json(
            named
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        )
    } else {
        answers_as_lines(answers.map(|(name, value)| (name.as_deref(), value.as_str())))
    })
}

/// What a modal keeps for its submission beside its place, a list each with an entry a field.
#[derive(Debug, Clone, Default)]
struct FormMetadata {
    /// Whether the answers are sent as JSON.
    is_json: bool,
    /// What they are called: the questions as they are, or the fields' keys.
    names: Vec<String>,
    /// What they have to be like.
    rules: Vec<Rules>,
    /// Where is searched for what can be chosen.
    searches: Vec<String>,
}

impl FormMetadata {
    fn of(form: &Form, settings: Forms) -> Self {
        let is_json = settings.submit == Submit::Json;
        let fields = form.fields.iter();
        let name = |field: &Field| match field.key.as_str() {
            key if is_json && !key.is_empty() => key.to_owned(),
            _ => field.hint.clone(),
        };
        Self {
            is_json,
            names: fields.clone().map(name).collect(),
            rules: fields.clone().map(|field| field.rules.clone()).collect(),
            searches: fields
                .map(|field| searched(field).unwrap_or_default())
                .collect(),
        }
    }

    /// As the modal keeps it, with as much of it as there is room for, and that much.
    fn fitting(self, origin: &Origin) -> (String, Self) {
        let without_rules = Self {
            rules: Vec::new(),
            ..self.clone()
        };
        let names = Self {
            searches: Vec::new(),
            ..without_rules.clone()
        };
        let nothing = Self {
            is_json: self.is_json,
            ..Self::default()
        };
        let smaller = [self, without_rules, names].into_iter();
        let mut written = smaller.map(|kept| (kept.written(origin), kept));
        let fits = written.find(|(text, _)| text.len() <= limits::VIEW_METADATA);
        fits.unwrap_or_else(|| (nothing.written(origin), nothing))
    }

    fn written(&self, origin: &Origin) -> String {
        let mut json = origin.to_json();
        if self.is_json {
            json["j"] = true.into();
        }
        if !self.names.is_empty() {
            json["h"] = self.names.iter().map(String::as_str).collect();
        }
        if self.rules.iter().any(|rules| *rules != Rules::default()) {
            json["r"] = serde_json::to_value(&self.rules).unwrap_or_default();
        }
        if self.searches.iter().any(|url| !url.is_empty()) {
            json["s"] = self.searches.iter().map(String::as_str).collect();
        }
        json.to_string()
    }

    fn read(json: &Value) -> Self {
        let rules = json.get("r").cloned().unwrap_or_default();
        let texts = |key: &str| {
            let texts = lenient_json::list(json, key);
            texts
                .map(|text| text.as_str().unwrap_or_default().to_owned())
                .collect()
        };
        Self {
            is_json: lenient_json::flag(json, "j"),
            names: texts("h"),
            rules: serde_json::from_value(rules).unwrap_or_default(),
            searches: texts("s"),
        }
    }
}

/// Where is searched for what can be chosen in a field, of search fields that have no choices of their own.
fn searched(field: &Field) -> Option<String> {
    let is_search = ["search", "searcheditable"].contains(&field.kind.to_lowercase().as_str());
    let url = Some(&field.search_source).filter(|_| is_search && field.options.is_empty())?;
    let url = Url::parse(url).ok()?;
    ["http", "https"]
        .contains(&url.scheme())
        .then(|| url.to_string())
}

/// Something that can be chosen.
fn option(value: &str) -> Value {
    let text = plain(&visible_text(value), limits::OPTION_TEXT).unwrap_or_default();
    json!({"text": label(&text), "value": value})
}

fn private_metadata(view: &Value) -> Option<Value> {
    if lenient_json::text(view, "callback_id") != FORM {
        return None;
    }
    serde_json::from_str(&lenient_json::text(view, "private_metadata")).ok()
}

/// The blocks of a field: its input, and before it what the input has no room for.
fn input(index: usize, field: &Field, is_searched: bool, is_required: bool) -> Vec<Value> {
    let input = Input::of(field, has_menu);
    let mut blocks = Vec::new();
    let can_be_chosen = matches!(input, Input::One(_) | Input::Several(_));
    let hint = plain(&field.hint, limits::INPUT_LABEL).unwrap_or_else(|| "…".to_owned());
    if !can_be_chosen && !field.options.is_empty() {
        let options = field.options.iter();
        let options = options.map(|option| read(&visible_text(option)));
        blocks.extend(sections(&inline::lines(options)));
    }
    let kind = match Ends::of(field) {
        Ends::Start => START,
        Ends::End => END,
        Ends::Neither => FIELD,
    };
    let mut block = json!({
        "type": "input",
        "block_id": format!("{kind}{index}"),
        "label": label(&hint),
        "element": if is_searched { search_element(index) } else { element(&input, index) },
    });
    if !is_required {
        block["optional"] = true.into();
    }
    blocks.push(block);
    blocks
}

fn ends_of(block_id: &str) -> Ends {
    if block_id.starts_with(START) {
        Ends::Start
    } else if block_id.starts_with(END) {
        Ends::End
    } else {
        Ends::Neither
    }
}

/// The element of an input (<https://docs.slack.dev/reference/block-kit/block-elements/>).
fn element(input: &Input, index: usize) -> Value {
    let mut element = match input {
        Input::Text {
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
        Input::Email => {
            json!({"type": "email_text_input", "placeholder": label("name@example.com")})
        }
        Input::Number => json!({"type": "number_input", "is_decimal_allowed": true}),
        Input::Date => json!({"type": "datepicker"}),
        Input::Time => json!({"type": "timepicker"}),
        Input::One(options) => with_options(json!({"type": "static_select"}), options),
        Input::Several(options) => with_options(json!({"type": "multi_static_select"}), options),
    };
    element["action_id"] = format!("{ANSWER}{index}").into();
    element
}

/// A menu whose choices Slack asks for while the user types
/// (<https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element#external_select>).
fn search_element(index: usize) -> Value {
    json!({
        "type": "external_select",
        "action_id": format!("{ANSWER}{index}"),
        "min_query_length": 1,
    })
}

/// What an element asks for, as far as its answers are checked.
fn input_of(kind: &str) -> Input {
    match kind {
        "email_text_input" => Input::Email,
        "number_input" => Input::Number,
        "datepicker" => Input::Date,
        _ => Input::Text {
            placeholder: "",
            multiline: false,
        },
    }
}

/// Whether Slack's menus can carry these options.
fn has_menu(options: &[String]) -> bool {
    let fit = options
        .iter()
        .all(|option| limits::OPTION_VALUE.fits(option));
    fit && options.len() <= limits::OPTIONS * limits::OPTIONS
}

/// A menu with its options, in groups where there are more than one list takes.
fn with_options(mut element: Value, options: &[String]) -> Value {
    let choices: Vec<Value> = options.iter().map(|value| option(value)).collect();
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
        "static_select" | "external_select" => answer
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

/// The number at the end of a `block_id` of ours.
fn number(block_id: &str) -> Option<usize> {
    let (_, number) = block_id.rsplit_once('-')?;
    number.parse().ok()
}

fn label(text: &str) -> Value {
    json!({"type": "plain_text", "text": text, "emoji": true})
}

#[cfg(test)]
mod tests;
