//! Forms: the modal that a tap opens (<https://docs.slack.dev/surfaces/modals/>), and what comes back
//! when it is submitted.
//!
//! What a submission is read with travels in the modal itself: the place of the form's message and the
//! questions in its `private_metadata`, the kind of each answer in its blocks. So a submission is read
//! without looking anything up.

use std::ops::Not;

use haptik_bridge_shared::config::{Forms, RequiredFields, Submit};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use super::address::Place;
use super::limits;
use super::markup::label;
use super::render::{plain_text, sections};
use super::text::plainly_readable;
use crate::limits::Size;
use crate::render::form::{Ends, Input, mistakes, one_line, said};
use crate::render::{inline, read};
use haptik_bridge_shared::lenient_json::{self, text_at};
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

/// Where and when a form was tapped: what a submission needs to be told to Haptik.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Origin {
    /// Where: at the form's message.
    #[serde(flatten)]
    pub(super) place: Place,
    /// When.
    #[serde(rename = "at")]
    pub(super) action_ts: String,
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
        place: Place {
            channel: "C".repeat(20),
            ts: "0".repeat(20),
            is_direct: true,
            thread_ts: Some("0".repeat(20)),
        },
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
    let title = label(&form.title, limits::VIEW_TITLE).unwrap_or_else(|| "Form".to_owned());
    let shortened = label(&form.title, Size::UNLIMITED).is_some_and(|whole| whole != title);
    let mut blocks = Vec::new();
    let intro = [
        Some(&form.title).filter(|_| shortened),
        Some(&form.subtitle),
    ];
    for text in intro.into_iter().flatten() {
        blocks.extend(sections(&read(text)));
    }
    let (metadata, kept) = FormMetadata::of(form, origin, settings).fitting();
    for (index, field) in form.fields.iter().enumerate() {
        let is_searched = kept.searches.get(index).is_some_and(|url| !url.is_empty());
        let is_required = settings.is_required(field.required);
        blocks.extend(input(index, field, is_searched, is_required));
    }
    let submit = label(&form.submit_text, limits::VIEW_TITLE);
    let view = json!({
        "type": "modal",
        "callback_id": FORM,
        "title": plain_text(&title),
        "submit": plain_text(submit.as_deref().unwrap_or("Send")),
        "close": plain_text("Cancel"),
        "private_metadata": metadata,
        "blocks": blocks,
    });
    let fits = blocks.len() <= limits::VIEW_BLOCKS && view.to_string().len() <= limits::VIEW_BYTES;
    fits.then_some(view)
}

/// Reads where a submitted form was tapped; `None` when the view is not one of ours.
pub(super) fn origin(view: &Value) -> Option<Origin> {
    Some(FormMetadata::read(view)?.origin)
}

/// Reads what was filled in (<https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload>);
/// `None` when the view is not one of ours.
pub(super) fn submission(view: &Value, now: Timestamp) -> Option<Submission> {
    let kept = FormMetadata::read(view)?;
    let is_input = |block: &&Value| lenient_json::text(block, "type") == "input";
    let inputs: Vec<&Value> = lenient_json::list(view, "blocks")
        .filter(is_input)
        .collect();
    let ids: Vec<String> = inputs
        .iter()
        .map(|block| lenient_json::text(block, "block_id"))
        .collect();
    let answers = ids.iter().map(|id| {
        let state = view.pointer(&format!("/state/values/{id}"));
        let answer = state.and_then(|state| state.as_object()?.values().next());
        answer.map(value).unwrap_or_default()
    });
    let answers: Vec<String> = answers.collect();
    let form = Form {
        fields: inputs.iter().map(|block| kept.field(block)).collect(),
        ..Form::default()
    };
    let settings = Forms {
        required: RequiredFields::AsMarked,
        submit: if kept.is_json {
            Submit::Json
        } else {
            Submit::Lines
        },
    };
    let mistakes = mistakes(&form, &answers, settings, now).into_iter();
    let mut errors: Map<String, Value> = mistakes
        .filter_map(|(place, wrong)| Some((ids.get(place)?.clone(), wrong.into())))
        .collect();
    let said = said(&form, &answers, settings);
    if let (true, true, Some(first)) = (errors.is_empty(), said.is_empty(), ids.first()) {
        errors.insert(first.clone(), "Please fill in at least one.".into());
    }
    Some(if errors.is_empty() {
        Submission::Answers(said)
    } else {
        Submission::Errors(errors)
    })
}

/// What a modal keeps for its submission: its place, and lists that have an entry a field, or none.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct FormMetadata {
    #[serde(flatten)]
    origin: Origin,
    /// Whether the answers are sent as JSON.
    #[serde(rename = "j", default, skip_serializing_if = "Not::not")]
    is_json: bool,
    /// What they are called: the questions as they are, or the fields' keys.
    #[serde(rename = "h", default, skip_serializing_if = "Vec::is_empty")]
    names: Vec<String>,
    /// What they have to be like.
    #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
    rules: Vec<Rules>,
    /// Where is searched for what can be chosen.
    #[serde(rename = "s", default, skip_serializing_if = "Vec::is_empty")]
    searches: Vec<String>,
}

impl FormMetadata {
    fn of(form: &Form, origin: &Origin, settings: Forms) -> Self {
        let is_json = settings.submit == Submit::Json;
        let fields = form.fields.iter();
        let name = |field: &Field| match field.key.as_str() {
            key if is_json && !key.is_empty() => key.to_owned(),
            _ => field.hint.clone(),
        };
        let mut rules: Vec<Rules> = fields.clone().map(|field| field.rules.clone()).collect();
        if rules.iter().all(|rules| *rules == Rules::default()) {
            rules.clear();
        }
        let searches = fields.clone().map(searched);
        let mut searches: Vec<String> = searches.map(Option::unwrap_or_default).collect();
        if searches.iter().all(String::is_empty) {
            searches.clear();
        }
        Self {
            origin: origin.clone(),
            is_json,
            names: fields.map(name).collect(),
            rules,
            searches,
        }
    }

    /// As the modal keeps it, with as much of it as there is room for, and that much. The questions go first where
    /// they are what the answers are called: they stand above the inputs.
    fn fitting(mut self) -> (String, Self) {
        let left_out: [fn(&mut Self); 5] = [
            |kept| {
                if !kept.is_json {
                    kept.names.clear();
                }
            },
            |kept| kept.rules.iter_mut().for_each(|rules| rules.error.clear()),
            |kept| kept.rules.clear(),
            |kept| kept.searches.clear(),
            |kept| kept.names.clear(),
        ];
        for leave_out in left_out {
            if limits::VIEW_METADATA.fits(&self.written()) {
                break;
            }
            leave_out(&mut self);
        }
        (self.written(), self)
    }

    fn written(&self) -> String {
        // A struct of texts is JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what a view of ours keeps; `None` when it is none.
    fn read(view: &Value) -> Option<Self> {
        if lenient_json::text(view, "callback_id") != FORM {
            return None;
        }
        serde_json::from_str(text_at(view, "/private_metadata")?).ok()
    }

    /// The field of an input, as far as its answer is checked and told.
    fn field(&self, input: &Value) -> Field {
        let id = lenient_json::text(input, "block_id");
        let (kind, keyboard_type) = match text_at(input, "/element/type") {
            Some("datepicker") if id.starts_with(START) => ("startdate", ""),
            Some("datepicker") if id.starts_with(END) => ("enddate", ""),
            Some("datepicker") => ("date", ""),
            Some("email_text_input") => ("text", "email"),
            Some("number_input") => ("text", "number"),
            _ => ("text", ""),
        };
        let place = number(&id);
        let name = place.and_then(|place| self.names.get(place).cloned());
        let asked = || text_at(input, "/label/text").map(plainly_readable);
        let rules = place.and_then(|place| self.rules.get(place).cloned());
        Field {
            hint: name.or_else(asked).unwrap_or_default(),
            kind: kind.to_owned(),
            keyboard_type: keyboard_type.to_owned(),
            required: Some(!lenient_json::flag(input, "optional")),
            rules: rules.unwrap_or_default(),
            ..Field::default()
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
    let text = label(&visible_text(value), limits::OPTION_TEXT).unwrap_or_default();
    json!({"text": plain_text(&text), "value": value})
}

/// The blocks of a field: its input, and before it what the input has no room for.
fn input(index: usize, field: &Field, is_searched: bool, is_required: bool) -> Vec<Value> {
    let input = Input::of(field, has_menu);
    let mut blocks = Vec::new();
    let can_be_chosen = matches!(input, Input::One(_) | Input::Several(_));
    let hint = label(&field.hint, limits::INPUT_LABEL).unwrap_or_else(|| "…".to_owned());
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
        "label": plain_text(&hint),
        "element": if is_searched { search_element(index) } else { element(&input, index) },
    });
    if !is_required {
        block["optional"] = true.into();
    }
    blocks.push(block);
    blocks
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
                element["placeholder"] = plain_text(placeholder);
            }
            if *multiline {
                element["multiline"] = true.into();
            }
            element
        }
        Input::Email => {
            json!({"type": "email_text_input", "placeholder": plain_text("name@example.com")})
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
            json!({"label": plain_text(&format!("{first}–{last}")), "options": choices})
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

#[cfg(test)]
mod tests;
