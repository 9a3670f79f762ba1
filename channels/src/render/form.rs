//! Forms: which inputs they have, what is wrong with an answer, and what the user says by sending them.

use std::collections::HashSet;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use regex_lite::Regex;
use serde_json::Value;
use std::ops::Not as _;

use super::inline::{self, Rich, Span, read};
use crate::limits::Size;
use haptik_bridge_shared::config::{Forms, Submit};
use haptik_bridge_shared::message::hsl::{Field, Form, Rules, visible_text};
use haptik_bridge_shared::message::is_email;

pub mod chat;

/// How a field is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// By a text.
    Text {
        /// What an answer may look like; may be empty.
        placeholder: &'static str,
        /// Whether it may be long.
        multiline: bool,
    },
    /// By an e-mail address.
    Email,
    /// By a number.
    Number,
    /// By a date: `2026-01-31`.
    Date,
    /// By a time of day: `18:30`.
    Time,
    /// By one of these.
    One(Vec<String>),
    /// By any of these.
    Several(Vec<String>),
}

impl Input {
    /// The input that suits a field. `shown` says whether a menu of the provider's can carry these options;
    /// where it cannot, the answer is typed.
    #[must_use]
    pub fn of(field: &Field, shown: impl Fn(&[String]) -> bool) -> Self {
        let options =
            || Some(options(field)).filter(|options| !options.is_empty() && shown(options));
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
                options().map_or(text("Several, separated by commas", false), Self::Several)
            }
            "multidaypicker" => {
                options().map_or(text("2026-01-31, 2026-02-01", false), Self::Several)
            }
            "contactpicker" => text("+91 98765 43210", false),
            "savedaddress" => text("", true),
            // What the last has as options are suggestions: something else may be typed.
            "text" | "searcheditable" => typed(),
            _ => options().map_or_else(typed, Self::One),
        }
    }

    /// What is wrong with an answer, in words for the user; `None` when it is right. An answer is one line;
    /// those of [`Input::Several`] are separated by commas.
    #[must_use]
    pub fn wrong(&self, answer: &str, is_optional: bool) -> Option<&'static str> {
        let answer = answer.trim();
        if answer.is_empty() {
            return (!is_optional).then_some("Please fill this in.");
        }
        match self {
            Self::Email if !is_email(answer) => {
                Some("This is not an e-mail address. One looks like name@example.com.")
            }
            Self::Number if !answer.parse::<f64>().is_ok_and(f64::is_finite) => {
                Some("This is not a number.")
            }
            Self::Date if answer.parse::<Date>().is_err() => Some("This is not a date."),
            Self::Time if answer.parse::<Time>().is_err() => Some("This is not a time."),
            _ => None,
        }
    }
}

/// The part that a field has in a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// It is the first day.
    Start,
    /// It is the last day.
    End,
    /// None.
    Neither,
}

impl Ends {
    /// The part of a field.
    #[must_use]
    pub fn of(field: &Field) -> Self {
        match field.kind.to_lowercase().as_str() {
            "startdate" => Self::Start,
            "enddate" => Self::End,
            _ => Self::Neither,
        }
    }
}

/// Finds a last day that is before its first day, going through the answers in order.
#[derive(Debug, Clone, Default)]
struct Days {
    start: Option<String>,
}

impl Days {
    /// Takes the next answer, and says what is wrong with it. Dates as `2026-01-31` sort as they follow each
    /// other.
    fn wrong(&mut self, ends: Ends, answer: &str) -> Option<&'static str> {
        match ends {
            Ends::Start => {
                self.start = Some(answer.to_owned()).filter(|start| !start.is_empty());
                None
            }
            Ends::End => {
                let start = self.start.take().filter(|_| !answer.is_empty());
                let is_before = start.is_some_and(|start| answer < start.as_str());
                is_before.then_some("This is before the start.")
            }
            Ends::Neither => None,
        }
    }
}

/// What is wrong with the answers, one a field: by the field's place. Empty when nothing is.
#[must_use]
fn wrong(form: &Form, answers: &[String], settings: Forms) -> Vec<(usize, &'static str)> {
    let mut days = Days::default();
    let nothing = String::new();
    let fields = form.fields.iter().enumerate();
    let wrong = fields.filter_map(|(place, field)| {
        let answer = one_line(answers.get(place).unwrap_or(&nothing));
        let input = Input::of(field, |_| true);
        let wrong = input.wrong(&answer, !settings.is_required(field.required));
        let wrong = wrong.or_else(|| days.wrong(Ends::of(field), &answer));
        Some((place, wrong?))
    });
    wrong.collect()
}

/// What is wrong with the answers, one a field, in words for the user: the form's own where it has some. By
/// the field's place; empty when nothing is.
#[must_use]
pub fn mistakes(
    form: &Form,
    answers: &[String],
    settings: Forms,
    now: Timestamp,
) -> Vec<(usize, String)> {
    let wrong = wrong(form, answers, settings);
    let today = latest_day(now);
    let fields = form.fields.iter().zip(answers).enumerate();
    let mistakes = fields.filter_map(|(place, (field, answer))| {
        let of_kind = wrong.iter().find(|(at, _)| *at == place);
        let words = of_kind.map(|(_, words)| match field.rules.error.trim() {
            "" => (*words).to_owned(),
            own => own.to_owned(),
        });
        Some((
            place,
            words.or_else(|| breaks(&field.rules, answer, today))?,
        ))
    });
    mistakes.collect()
}

/// What the user says by a form with these answers, one a field, as the connection's `forms` have it: lines
/// ([`answers_as_lines`]), or JSON.
///
/// # Errors
/// What is wrong with it, in words for the user: a line for each field, or one where nothing was filled in.
pub fn submitted(
    form: &Form,
    answers: &[String],
    settings: Forms,
    now: Timestamp,
) -> Result<String, String> {
    let mistakes = mistakes(form, answers, settings, now).into_iter();
    let lines = mistakes.map(|(place, words)| {
        let hint = form.fields.get(place).map(|field| one_line(&field.hint));
        match hint.unwrap_or_default() {
            hint if hint.is_empty() => words,
            hint => format!("{hint}: {words}"),
        }
    });
    let lines: Vec<String> = lines.collect();
    if !lines.is_empty() {
        return Err(lines.join("\n"));
    }
    let said = said(form, answers, settings);
    if said.is_empty() {
        return Err(NOTHING_FILLED_IN.to_owned());
    }
    Ok(said)
}

/// What is said of a form without anything in it.
pub const NOTHING_FILLED_IN: &str = "Please fill in the form first.";

/// What the user says by a form with these answers, one a field; empty where nothing was filled in.
#[must_use]
pub fn said(form: &Form, answers: &[String], settings: Forms) -> String {
    let answers = form.fields.iter().zip(answers.iter().map(String::as_str));
    match settings.submit {
        Submit::Lines => {
            answers_as_lines(answers.map(|(field, answer)| (Some(field.hint.as_str()), answer)))
        }
        Submit::Json => answers_as_json(answers.map(|(field, answer)| {
            let name = [field.key.as_str(), field.hint.as_str()];
            let name = name.into_iter().find(|name| !name.is_empty());
            (name.unwrap_or_default(), answer)
        })),
    }
}

/// What is wrong with an answer that is of the right kind, by what the form says of it; `None` when it is
/// right, or empty. `today` is the latest day that there is anywhere.
#[must_use]
fn breaks(rules: &Rules, answer: &str, today: Date) -> Option<String> {
    if answer.is_empty() {
        return None;
    }
    let length = answer.chars().count() as u64;
    // Nothing is within bounds that cross: nobody would get past the form.
    let is_bounded = !is_before(&rules.max, &rules.min);
    let is_bad = rules.min_length.is_some_and(|least| length < least)
        || rules.max_length.is_some_and(|most| length > most)
        || is_bounded && (is_before(answer, &rules.min) || is_before(&rules.max, answer))
        || rules.is_past && day(answer).is_some_and(|day| day > today)
        || !matches(&rules.pattern, answer);
    is_bad.then(|| match rules.error.trim() {
        "" => "This is not allowed here. Please look at it again.".to_owned(),
        error => error.to_owned(),
    })
}

/// The latest day that it is anywhere at this time: nobody is further ahead than fourteen hours.
#[must_use]
fn latest_day(now: Timestamp) -> Date {
    let ahead = now.saturating_add(SignedDuration::from_hours(14));
    TimeZone::UTC.to_datetime(ahead.unwrap_or(now)).date()
}

/// Whether one number or day is before another; `false` where one of them is neither.
fn is_before(one: &str, other: &str) -> bool {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    match (number(one), number(other), day(one), day(other)) {
        (Some(one), Some(other), ..) => one < other,
        (_, _, Some(one), Some(other)) => one < other,
        _ => false,
    }
}

/// A day, as it is answered or as Haptik's documentation writes it: `31-01-2026`.
fn day(text: &str) -> Option<Date> {
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let mut parts = text.split(['-', '/', '.']);
        let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
        // Of two digits it is not said which century is meant.
        if year.len() != 4 || parts.next().is_some() {
            return None;
        }
        let number = |part: &str| part.parse().ok();
        Date::new(year.parse().ok()?, number(month)?, number(day)?).ok()
    })
}

/// Whether all of an answer matches an expression; one that cannot be read asks for nothing.
fn matches(pattern: &str, answer: &str) -> bool {
    if pattern.is_empty() || pattern.len() > LONGEST_PATTERN {
        return true;
    }
    let whole = Regex::new(&format!("^(?:{pattern})$"));
    whole.is_ok_and(|whole| !whole.is_match(answer)).not()
}

/// The longest expression that is looked at, in bytes.
const LONGEST_PATTERN: usize = 500;

/// What the user says as JSON: each answer that is there by its name, in order. The later of two that have
/// the same name counts.
#[must_use]
fn answers_as_json<'a>(answers: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut members: Vec<(&str, String)> = Vec::new();
    for (name, answer) in answers {
        let answer = one_line(answer);
        if !answer.is_empty() {
            members.retain(|(other, _)| *other != name);
            members.push((name, answer));
        }
    }
    if members.is_empty() {
        return String::new();
    }
    let quoted = |text: &str| Value::from(text).to_string();
    let members = members
        .iter()
        .map(|(name, answer)| format!("{}: {}", quoted(name), quoted(answer)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
}

/// What the user says: `hint: value`, a line for each field that was filled in.
#[must_use]
pub fn answers_as_lines<'a>(
    answers: impl IntoIterator<Item = (Option<&'a str>, &'a str)>,
) -> String {
    let lines = answers.into_iter().filter_map(|(hint, answer)| {
        let answer = one_line(answer);
        if answer.is_empty() {
            return None;
        }
        Some(match hint.map(one_line) {
            Some(hint) if !hint.is_empty() => format!("{hint}: {answer}"),
            _ => answer,
        })
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The options of a field, each once and on one line.
#[must_use]
pub fn options(field: &Field) -> Vec<String> {
    let mut seen = HashSet::new();
    let options = field.options.iter().map(|option| one_line(option));
    options
        .filter(|option| !option_label(option).is_empty() && seen.insert(option.clone()))
        .collect()
}

/// What people see of an option, on one line; empty where there is nothing to see.
#[must_use]
pub fn option_label(option: &str) -> String {
    inline::label(&visible_text(option), Size::UNLIMITED).unwrap_or_default()
}

/// How much of a form the card of a provider holds.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// The most fields.
    pub fields: usize,
    /// The most bytes of all questions and options, with the names that come beside them.
    pub bytes: usize,
    /// The bytes that come beside each question.
    pub beside_question: usize,
    /// The bytes that come beside each option.
    pub beside_option: usize,
}

impl Room {
    /// Whether there is room for a form.
    #[must_use]
    pub fn holds(self, form: &Form) -> bool {
        let size = |field: &Field| {
            let options = field.options.iter();
            let options: usize = options.map(|one| one.len() + self.beside_option).sum();
            field.hint.len() + self.beside_question + options
        };
        form.fields.len() <= self.fields
            && form.fields.iter().map(size).sum::<usize>() <= self.bytes
    }
}

/// What is seen of a field's question where it has no markup.
#[must_use]
pub fn question_label(field: &Field) -> String {
    inline::label(&field.hint, Size::UNLIMITED).unwrap_or_else(|| "…".to_owned())
}

/// The options of a field whose answer is typed: suggestions.
#[must_use]
pub fn suggestions(field: &Field) -> String {
    let labels = field.options.iter().map(|option| option_label(option));
    let labels = labels.filter(|label| !label.is_empty());
    labels.collect::<Vec<_>>().join(", ")
}

/// What stands in an input that is empty: what an answer may look like, and suggestions; either may be empty.
#[must_use]
pub fn placeholder(looks_like: &str, suggestions: &str) -> String {
    let parts = [looks_like, suggestions].into_iter();
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(": ")
}

/// The questions of a form, a line each, as they are shown where they are only read.
#[must_use]
pub fn questions(form: &Form) -> Rich {
    inline::lines(form.fields.iter().filter_map(question))
}

fn question(field: &Field) -> Option<Rich> {
    let mut options = Rich::new();
    for option in &field.options {
        if !options.is_empty() {
            options.push(Span::Text(", ".to_owned()));
        }
        options.extend(read(&visible_text(option)));
    }
    let has_options =
        field.options.iter().any(|option| !option.trim().is_empty()) || field.options.len() > 1;
    if field.hint.trim().is_empty() && !has_options {
        return None;
    }
    let mut line = vec![Span::Bullet];
    line.extend(read(&field.hint));
    if has_options {
        line.push(Span::Text(" (".to_owned()));
        line.extend(options);
        line.push(Span::Text(")".to_owned()));
    }
    Some(line)
}

/// A text on one line, so that no answer looks like another field's.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
