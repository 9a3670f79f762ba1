//! Forms: the inputs of a card (<https://adaptivecards.io/explorer/Input.Text.html>) and what comes back of
//! them. All values are texts; several that were chosen are in one, with commas between them.

use haptik_bridge_shared::config::Forms;
use haptik_bridge_shared::message::hsl::{Field, Form};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::limits::Size;
use crate::render::form::{self, Input, answers_as_lines};
use crate::render::inline;

/// How many inputs a card has. Not documented.
const MOST_FIELDS: usize = 30;

/// How many options one input has. Not documented.
const MOST_OPTIONS: usize = 100;

/// How long all questions and options may be, in bytes, with the names that come beside them: Webex takes
/// fewer bytes in a card than Teams.
const ROOM: usize = 9_000;
const NAMES: usize = 180;
const OPTION_NAMES: usize = 30;

/// From how many options on they are in a menu.
const MENU: usize = 6;

/// Whether a form fits into a card.
#[must_use]
pub fn fits(form: &Form) -> bool {
    form.fields.len() <= MOST_FIELDS && form::bytes(form, NAMES, OPTION_NAMES) <= ROOM
}

/// How a field is asked for.
fn input(field: &Field) -> Input {
    Input::of(field, |options| options.len() <= MOST_OPTIONS)
}

/// The name of the input of a field, by its place.
fn name(place: usize) -> String {
    format!("f{place}")
}

/// Whether this is the name of an input of ours.
pub(super) fn is_name(name: &str) -> bool {
    let digits = name.strip_prefix('f').unwrap_or_default();
    !digits.is_empty() && digits.len() <= 3 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The inputs of a form, from top to bottom.
#[must_use]
pub fn inputs(form: &Form) -> Vec<Value> {
    let fields = form.fields.iter().enumerate();
    fields
        .map(|(place, field)| labelled(place, field))
        .collect()
}

/// An input with its question.
fn labelled(place: usize, field: &Field) -> Value {
    let question = label(&field.hint);
    let suggested = suggested(field);
    let has_placeholder = !matches!(input(field), Input::Date | Input::Time);
    let mut element = element(field, &suggested);
    element["id"] = name(place).into();
    element["label"] = if suggested.is_empty() || has_placeholder {
        question.into()
    } else {
        format!("{question} ({suggested})").into()
    };
    if field.required == Some(true) {
        element["isRequired"] = true.into();
        element["errorMessage"] = "Please fill this in.".into();
    }
    element
}

/// What is seen of a question, which has no markup there.
fn label(text: &str) -> String {
    inline::label(text, Size::UNLIMITED).unwrap_or_else(|| "…".to_owned())
}

/// What is typed may have suggestions.
fn suggested(field: &Field) -> String {
    let suggested = field.options.iter();
    let suggested = suggested.map(|option| form::option_label(option));
    let suggested = suggested.filter(|option| !option.is_empty());
    suggested.collect::<Vec<_>>().join(", ")
}

fn element(field: &Field, suggested: &str) -> Value {
    let typed = |mut element: Value, hint: &str| {
        let hints = [hint, suggested];
        let hints = hints.into_iter().filter(|hint| !hint.is_empty());
        let hint = hints.collect::<Vec<_>>().join(": ");
        if !hint.is_empty() {
            element["placeholder"] = hint.into();
        }
        element
    };
    match input(field) {
        Input::Text {
            placeholder,
            multiline,
        } => typed(
            json!({"type": "Input.Text", "isMultiline": multiline}),
            placeholder,
        ),
        Input::Email => typed(json!({"type": "Input.Text", "style": "Email"}), ""),
        Input::Number => typed(json!({"type": "Input.Number"}), ""),
        Input::Date => typed(json!({"type": "Input.Date"}), ""),
        Input::Time => typed(json!({"type": "Input.Time"}), ""),
        Input::One(options) => {
            let style = if options.len() < MENU {
                "expanded"
            } else {
                "compact"
            };
            choice_set(&options, false, style)
        }
        Input::Several(options) => choice_set(&options, true, "expanded"),
    }
}

/// <https://adaptivecards.io/explorer/Input.ChoiceSet.html>. The values are places: a label may have a comma.
fn choice_set(options: &[String], several: bool, style: &str) -> Value {
    let choices = options
        .iter()
        .enumerate()
        .map(|(at, option)| json!({"title": form::option_label(option), "value": at.to_string()}));
    let choices: Vec<Value> = choices.collect();
    json!({
        "type": "Input.ChoiceSet", "isMultiSelect": several, "style": style,
        "wrap": true, "choices": choices,
    })
}

/// What the user says by a form: `hint: value`, a line for each field that was filled in. Without the form,
/// which may have gone from the ledger, the values alone.
#[must_use]
pub fn answers(inputs: &Value, form: Option<&Form>) -> String {
    let Some(form) = form else {
        let values = (0..MOST_FIELDS).map(|place| answer(inputs.get(name(place)), None));
        let values: Vec<String> = values.collect();
        return answers_as_lines(values.iter().map(|value| (None, value.as_str())));
    };
    let hints = form.fields.iter().map(|field| Some(field.hint.as_str()));
    let answers = answers_of(inputs, form);
    answers_as_lines(hints.zip(answers.iter().map(String::as_str)))
}

/// What the user says by a form, as the connection's `forms` have it: [`answers`], or JSON. The card itself
/// checks no more than that what has to be filled in is.
///
/// # Errors
/// What is wrong with it, in words for the user: a line for each field, or one where nothing was filled in.
pub fn submission(
    inputs: &Value,
    form: Option<&Form>,
    settings: Forms,
    now: Timestamp,
) -> Result<String, String> {
    match form {
        Some(form) => form::submitted(form, &answers_of(inputs, form), settings, now),
        // What it is called is gone with it.
        None => match answers(inputs, None) {
            said if said.is_empty() => Err(form::NOTHING_FILLED_IN.to_owned()),
            said => Ok(said),
        },
    }
}

/// The answers, one a field.
fn answers_of(inputs: &Value, form: &Form) -> Vec<String> {
    let fields = form.fields.iter().enumerate();
    fields
        .map(|(place, field)| answer(inputs.get(name(place)), Some(field)))
        .collect()
}

/// One answer in words: options by their labels.
fn answer(value: Option<&Value>, field: Option<&Field>) -> String {
    let text = match value {
        Some(Value::String(text)) => form::one_line(text),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(_) | Value::Null | Value::Array(_) | Value::Object(_)) | None => {
            return String::new();
        }
    };
    let label = |options: &[String], at: &str| {
        let at: Option<usize> = at.trim().parse().ok();
        at.and_then(|at| options.get(at).cloned())
    };
    match field.map(input) {
        Some(Input::One(options)) => label(&options, &text).unwrap_or(text),
        Some(Input::Several(options)) => {
            let chosen = text.split([',', ';']);
            let chosen: Option<Vec<String>> = chosen.map(|at| label(&options, at)).collect();
            chosen.map_or(text, |chosen| chosen.join(", "))
        }
        _ => text,
    }
}
