//! Forms in the chat: where a channel has none of its own, the user is asked one question after the other.
//! Pure: who asks, and keeps the answers, is the processor.

use haptik_bridge_shared::config::Forms;
use haptik_bridge_shared::message::chat_form::FormStep;
use haptik_bridge_shared::message::hsl::{Field, Form, visible_text};
use jiff::Timestamp;
use jiff::civil::Time;
use serde_json::{Value, json};

use super::{Input, day, mistakes, one_line, option_label, options, said};
use crate::choices;

/// What leaves a question out, and what leaves the form. With a slash, as an answer may be the word itself.
const SKIP: &str = "/skip";
const CANCEL: &str = "/cancel";

/// What the user is told of a form that ends without being sent.
pub const CANCELLED: &str = "The form is left, and nothing of it is sent.";
/// The same where nothing was filled in.
pub const EMPTY: &str = "Nothing was filled in, so nothing is sent.";

/// What the user said while a form was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given<'a> {
    /// This was typed.
    Typed(&'a str),
    /// This is what something says that was tapped, or chosen by its number: an option of the question, or
    /// something else.
    Chosen(&'a str),
}

/// What the message of a form says of how it is filled in; `None` where there is only one question.
pub(in crate::render) fn introduction(form: &Form) -> Option<String> {
    let count = form.fields.len();
    (count > 1).then(|| {
        format!("Please answer {count} questions, one after the other. {CANCEL} leaves the form.")
    })
}

/// Takes the answer to the first question that is not answered: it is added to the answers where it is one.
#[must_use]
pub fn next(
    form: &Form,
    settings: Forms,
    answers: &mut Vec<String>,
    given: Given<'_>,
    now: Timestamp,
) -> FormStep {
    let place = answers.len();
    let Some(field) = form.fields.get(place) else {
        return FormStep::Leave;
    };
    let answer = match given {
        Given::Chosen(text) => match chosen_option(text, &options(field), false) {
            Some(option) => Ok(option),
            None => return FormStep::Leave,
        },
        Given::Typed(text) if is_word(text, CANCEL) => return FormStep::Cancel,
        Given::Typed(text) if is_word(text, SKIP) => Ok(String::new()),
        Given::Typed(text) => read(field, text),
    };
    let wrong = match answer {
        Ok(answer) => {
            answers.push(answer);
            let mut mistakes = mistakes(form, answers, settings, now).into_iter();
            mistakes
                .find(|(at, _)| *at == place)
                .map(|(_, wrong)| wrong)
        }
        Err(wrong) => {
            answers.push(String::new());
            Some(match one_line(&field.rules.error) {
                error if error.is_empty() => wrong.to_owned(),
                error => error,
            })
        }
    };
    if let Some(wrong) = wrong {
        answers.truncate(place);
        return FormStep::AskAgain { wrong };
    }
    if answers.len() < form.fields.len() {
        FormStep::Ask
    } else if said(form, answers, settings).is_empty() {
        FormStep::Empty
    } else {
        FormStep::Send
    }
}

/// A question, as HSL: how far the form is, what is asked, what an answer looks like, and the options, to be
/// tapped where there is one to choose. After an answer that was none, what was wrong with it.
#[must_use]
pub fn question(form: &Form, settings: Forms, place: usize, wrong: Option<&str>) -> Value {
    let Some(field) = form.fields.get(place) else {
        return Value::Null;
    };
    let input = Input::of(field, |_| true);
    let hint = match one_line(&field.hint) {
        hint if hint.is_empty() => "…".to_owned(),
        hint => hint,
    };
    let asked = match form.fields.len() {
        1 => hint,
        count => format!("{} of {count}: {hint}", place + 1),
    };
    let example = example(&input, field);
    let mut lines: Vec<String> = wrong.map(str::to_owned).into_iter().collect();
    lines.push(match example.as_str() {
        "" => asked,
        example => format!("{asked} ({example})"),
    });
    if let Input::Several(options) = &input {
        let numbered = (1..).zip(options);
        lines.extend(numbered.map(|(number, option)| choices::line(number, &visible_text(option))));
    }
    let is_optional = !settings.is_required(field.required);
    let leaves_out = is_optional.then(|| format!("{SKIP} leaves this one out."));
    let leaves = wrong.map(|_| format!("{CANCEL} leaves the form."));
    let ways: Vec<String> = leaves_out.into_iter().chain(leaves).collect();
    if !ways.is_empty() {
        lines.push(ways.join(" "));
    }
    let replies = match &input {
        Input::One(options) => options.as_slice(),
        _ => &[],
    };
    let replies = replies.iter().map(|option| {
        json!({
            "actionable_text": option, "type": "TEXT_ONLY",
            "payload": {"message": option, "gogo_message": ""},
        })
    });
    json!({
        "text": lines.join("\n"),
        "type": "TEXT",
        "data": {"quick_replies": replies.collect::<Vec<_>>()},
    })
}

/// What an answer looks like, where that is not plain.
fn example(input: &Input, field: &Field) -> String {
    let form = match input {
        Input::Text { placeholder, .. } => placeholder,
        Input::Date => "a date, as 2026-01-31",
        Input::Time => "a time, as 18:30",
        Input::Several(_) => "several may be chosen: their numbers, separated by commas",
        Input::Email | Input::Number | Input::One(_) => "",
    };
    // What is typed may have suggestions.
    let suggested = match input {
        Input::One(_) | Input::Several(_) => String::new(),
        _ => {
            let options = options(field);
            let labels = options.iter().map(|option| visible_text(option));
            labels.collect::<Vec<_>>().join(", ")
        }
    };
    let parts = [form, suggested.as_str()].into_iter();
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(": ")
}

/// Whether a text is one of the words; in a group, Telegram has the bot's name behind it.
fn is_word(text: &str, word: &str) -> bool {
    let text = text.trim();
    let text = text.split_once('@').map_or(text, |(text, _)| text);
    text.eq_ignore_ascii_case(word)
}

/// An answer as forms elsewhere give it: an option as it is written in the form, a day as `2026-01-31`, a time
/// as `18:30`.
fn read(field: &Field, text: &str) -> Result<String, &'static str> {
    let line = one_line(text);
    match Input::of(field, |_| true) {
        Input::One(options) => chosen_option(&line, &options, false)
            .ok_or("Please choose one of these, by its number or its name."),
        Input::Several(options) => several(text, &options)
            .ok_or("Please choose from these, by their numbers, separated by commas."),
        Input::Date => day(&line)
            .map(|day| day.to_string())
            .ok_or("This is not a date. One looks like 2026-01-31."),
        Input::Time => time(&line).ok_or("This is not a time. One looks like 18:30."),
        Input::Text { .. } | Input::Email | Input::Number => Ok(line),
    }
}

/// The option that a text chooses: as it is written, by what people see of it, or by its number, which goes
/// before where the options are shown with their numbers.
fn chosen_option(text: &str, options: &[String], is_numbered: bool) -> Option<String> {
    let text = one_line(text);
    let labels = options.iter().map(|option| option_label(option));
    let labels: Vec<String> = labels.collect();
    let by_label: Vec<(usize, &str)> = labels
        .iter()
        .map(|label| (usize::MAX, label.as_str()))
        .collect();
    let by_number: Vec<(usize, &str)> = (1..).zip(labels.iter().map(String::as_str)).collect();
    let written = || options.iter().position(|option| *option == text);
    let seen = || choices::chosen(&text, &by_label);
    let numbered = || choices::chosen(&text, &by_number);
    let place = if is_numbered {
        numbered().or_else(written)
    } else {
        written().or_else(seen).or_else(numbered)
    };
    options.get(place?).cloned()
}

/// The options that a text chooses, in the form's order; `None` where part of it chooses nothing.
fn several(text: &str, options: &[String]) -> Option<String> {
    if let Some(one) = chosen_option(text, options, true) {
        return Some(one);
    }
    let is_numbers = text
        .chars()
        .all(|character| character.is_ascii_digit() || character.is_whitespace());
    let parts: Vec<&str> = if is_numbers {
        text.split_whitespace().collect()
    } else {
        let parts = text.split([',', ';', '\n']).map(str::trim);
        parts.filter(|part| !part.is_empty()).collect()
    };
    let chosen: Option<Vec<String>> = parts
        .iter()
        .map(|part| chosen_option(part, options, true))
        .collect();
    let chosen = chosen.filter(|chosen| !chosen.is_empty())?;
    let in_order = options.iter().filter(|option| chosen.contains(option));
    Some(in_order.cloned().collect::<Vec<_>>().join(", "))
}

/// A time of day: `18:30`, `6:30 pm`, `6pm`, `18.30`.
fn time(text: &str) -> Option<String> {
    let text = text.to_lowercase().replace(['.', ' '], ":");
    let text = text.trim_end_matches(':').replace(":m", "m");
    let (digits, half) = match (text.strip_suffix("am"), text.strip_suffix("pm")) {
        (Some(digits), _) => (digits, Some(0)),
        (_, Some(digits)) => (digits, Some(12)),
        _ => (text.as_str(), None),
    };
    let mut parts = digits.trim_end_matches(':').split(':');
    let hour: i8 = parts.next()?.parse().ok()?;
    let minute = match parts.next() {
        Some(minute) if minute.len() == 2 => minute.parse().ok()?,
        None if half.is_some() => 0,
        _ => return None,
    };
    let seconds = parts.next().is_none_or(|seconds| seconds == "00");
    let hour = match half {
        Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
        Some(_) => return None,
        None => hour,
    };
    let time = Time::new(hour, minute, 0, 0).ok().filter(|_| seconds)?;
    Some(time.strftime("%H:%M").to_string())
}

#[cfg(test)]
mod tests;
