//! Forms: the inputs of a card (<https://developers.google.com/workspace/chat/design-interactive-card-dialog>)
//! and what comes back of them (<https://developers.google.com/workspace/chat/read-form-data>).

use haptik_bridge_shared::config::Forms;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::hsl::{Field, Form};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::limits::Size;
use crate::render::form::{self, Input, answers_as_lines};
use crate::render::inline;

/// How many inputs a card has. Not documented for inputs; a card has 100 widgets.
const MOST_FIELDS: usize = 50;

/// How many options one input has
/// (<https://developers.google.com/workspace/chat/api/reference/rest/v1/cards#selectioninput>).
const MOST_OPTIONS: usize = 100;

/// How long all questions and options may be, in bytes, with the names that come beside them.
const ROOM: usize = 18_000;
const NAMES: usize = 120;
const OPTION_NAMES: usize = 50;

/// From how many options on they are in a menu.
const MENU: usize = 6;

/// Whether a form fits into a card.
pub(super) fn fits(form: &Form) -> bool {
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

/// The inputs of a form, a widget each.
pub(super) fn inputs(form: &Form) -> Vec<Value> {
    let fields = form.fields.iter().enumerate();
    fields.map(|(place, field)| widget(place, field)).collect()
}

/// What is seen of a question, which has no markup there.
fn label(text: &str) -> String {
    inline::label(text, Size::UNLIMITED).unwrap_or_else(|| "…".to_owned())
}

fn widget(place: usize, field: &Field) -> Value {
    let (name, label) = (name(place), label(&field.hint));
    let text = |kind: &str| json!({"name": name, "label": label, "type": kind});
    // What is typed may have suggestions.
    let suggested = field.options.iter();
    let suggested = suggested.map(|option| form::option_label(option));
    let suggested = suggested.filter(|option| !option.is_empty());
    let suggested = suggested.collect::<Vec<_>>().join(", ");
    let hinted = |mut input: Value, hint: &str| {
        let hints = [hint, suggested.as_str()];
        let hints = hints.into_iter().filter(|hint| !hint.is_empty());
        let hint = hints.collect::<Vec<_>>().join(": ");
        if !hint.is_empty() {
            input["hintText"] = hint.into();
        }
        json!({"textInput": input})
    };
    let checked = |kind: &str| {
        let mut input = text("SINGLE_LINE");
        input["validation"] = json!({"inputType": kind});
        hinted(input, "")
    };
    let date = |kind: &str| {
        let mut input = text(kind);
        if !suggested.is_empty() {
            input["label"] = format!("{label} ({suggested})").into();
        }
        json!({"dateTimePicker": input})
    };
    let choice = |kind: &str, choices: &[String]| {
        let items = choices.iter().enumerate();
        let items: Vec<Value> = items
            .map(|(at, option)| json!({"text": form::option_label(option), "value": at.to_string(), "selected": false}))
            .collect();
        let mut input = text(kind);
        input["items"] = items.into();
        json!({"selectionInput": input})
    };
    match input(field) {
        Input::Text {
            placeholder,
            multiline,
        } => {
            let kind = if multiline {
                "MULTIPLE_LINE"
            } else {
                "SINGLE_LINE"
            };
            hinted(text(kind), placeholder)
        }
        Input::Email => checked("EMAIL"),
        Input::Number => checked("FLOAT"),
        Input::Date => date("DATE_ONLY"),
        Input::Time => date("TIME_ONLY"),
        Input::One(options) if options.len() < MENU => choice("RADIO_BUTTON", &options),
        Input::One(options) => choice("DROPDOWN", &options),
        Input::Several(options) => choice("CHECK_BOX", &options),
    }
}

/// The names of the inputs that have to be filled in.
pub(super) fn required(form: &Form) -> Vec<String> {
    let fields = form.fields.iter().enumerate();
    let required = fields.filter(|(_, field)| field.required == Some(true));
    required.map(|(place, _)| name(place)).collect()
}

/// What the user says by a form, as the connection's `forms` have it. Without the form, which may have gone
/// from the ledger, the values alone. The card itself checks no more than that what has to be filled in is.
///
/// # Errors
/// What is wrong with it, in words for the user.
pub(super) fn submission(
    inputs: &Value,
    form: Option<&Form>,
    settings: Forms,
    now: Timestamp,
) -> Result<String, String> {
    let given = |place: usize, field: Option<&Field>| {
        let value = inputs.get(name(place));
        value.map(|value| answer(value, field)).unwrap_or_default()
    };
    let Some(form) = form else {
        let values: Vec<String> = (0..MOST_FIELDS).map(|place| given(place, None)).collect();
        let said = answers_as_lines(values.iter().map(|value| (None, value.as_str())));
        return Some(said)
            .filter(|said| !said.is_empty())
            .ok_or_else(|| form::NOTHING_FILLED_IN.to_owned());
    };
    let fields = form.fields.iter().enumerate();
    let answers = fields.map(|(place, field)| given(place, Some(field)));
    form::submitted(form, &answers.collect::<Vec<_>>(), settings, now)
}

/// One answer in words: options by their labels, dates and times as everywhere.
fn answer(value: &Value, field: Option<&Field>) -> String {
    if let Some(texts) = value.get("stringInputs") {
        let chosen = field.map(input);
        let labels = match &chosen {
            Some(Input::One(options) | Input::Several(options)) => options.as_slice(),
            _ => &[],
        };
        let texts = lenient_json::texts(texts, "value").into_iter().map(|text| {
            let label = text.parse().ok().and_then(|at: usize| labels.get(at));
            label.cloned().unwrap_or(text)
        });
        return texts.collect::<Vec<_>>().join(", ");
    }
    if let Some(date) = value.get("dateInput") {
        return day(date);
    }
    if let Some(both) = value.get("dateTimeInput") {
        return day(both);
    }
    let Some(time) = value.get("timeInput") else {
        return String::new();
    };
    // Numbers may come as 9.0, and zero not at all.
    let number = |key: &str| {
        let number = time.get(key).and_then(Value::as_f64).unwrap_or_default();
        format!("{number:02.0}")
    };
    format!("{}:{}", number("hours"), number("minutes"))
}

/// A day, which comes as the milliseconds since 1970 of its midnight in UTC.
fn day(date: &Value) -> String {
    let milliseconds = lenient_json::text(date, "msSinceEpoch").parse::<f64>();
    let milliseconds = milliseconds.ok().filter(|number| number.is_finite());
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a date is far from the end of an i64"
    )]
    let at = milliseconds.and_then(|number| Timestamp::from_millisecond(number as i64).ok());
    at.map(|at| at.to_zoned(TimeZone::UTC).date().to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
