//! Tolerant reading of other people's JSON, and strict reading of their headers.
//!
//! [`read`] takes what the writers of JSON write and the standard does not have: one broken character or
//! value never costs the rest. Providers send numbers as strings, leave keys out and add new ones: the
//! other functions read one key and give an empty value where it is missing or of another kind.

use std::borrow::Cow;

use http::HeaderMap;
use serde_json::{Number, Value};

use crate::blank::is_blank;

mod reader;

/// A body is not JSON, also to a tolerant reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not JSON")]
pub struct NotJson;

/// Reads JSON as its writers write it. What is broken is replaced, and nothing else:
///
/// - bytes that are not UTF-8, and half of a surrogate pair, by U+FFFD;
/// - `NaN`, `Infinity` and the like (`-nan`, `inf`, `1.#QNAN`), and what is nested more than 100 deep, by null;
/// - a comma behind the last value of a list or an object by nothing;
/// - a number that has more digits than numbers hold by a text with those digits; one that ends in `.0` by
///   a whole one.
///
/// Control characters inside a string, a byte-order mark, and NULs around the value are taken as they are, numbers
/// written `.5`, `5.` and `+5` as numbers. UTF-16 is read, too, and so is UTF-8 in which a character is a pair of
/// surrogates (CESU-8).
///
/// # Errors
/// When it is no JSON for all that.
pub fn read(body: &[u8]) -> Result<Value, NotJson> {
    let text = text_of(body);
    reader::Reader::of(&text).only_value().ok_or(NotJson)
}

/// The text of a body: UTF-8, or UTF-16, which some writers on Windows make, with a byte-order mark or, since JSON
/// begins with a character of ASCII, known by its zeros.
fn text_of(body: &[u8]) -> Cow<'_, str> {
    let unit: fn([u8; 2]) -> u16 = match body {
        [0xff, 0xfe, ..] | [1..=0x7f, 0, 1..=0xff, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] | [0, 1..=0x7f, 0, 1..=0xff, ..] => u16::from_be_bytes,
        _ => return of_utf_8(body),
    };
    let units = body.chunks_exact(2).map(|pair| match pair {
        [one, other] => unit([*one, *other]),
        _ => 0,
    });
    let text: String = char::decode_utf16(units)
        .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    text.into()
}

/// The text of UTF-8. What Java and old databases write for a character beyond U+FFFF, the halves of its pair one by one
/// (CESU-8: <https://www.unicode.org/reports/tr26/>), is that character; a half by itself is one U+FFFD.
fn of_utf_8(body: &[u8]) -> Cow<'_, str> {
    const HALF: usize = 3;
    let is_half = |at: usize| {
        matches!(
            body.get(at..at + HALF),
            Some([0xed, 0xa0..=0xbf, 0x80..=0xbf])
        )
    };
    if !body.contains(&0xed) || !(0..body.len()).any(is_half) {
        return String::from_utf8_lossy(body);
    }
    let mut text = String::with_capacity(body.len());
    let (mut at, mut from) = (0, 0);
    while at < body.len() {
        if !is_half(at) {
            at += 1;
            continue;
        }
        text.push_str(&String::from_utf8_lossy(
            body.get(from..at).unwrap_or_default(),
        ));
        let mut units = Vec::new();
        while is_half(at) {
            let half = body.get(at + 1..at + HALF).unwrap_or_default();
            if let [second, third] = half {
                units.push(0xd000 | u16::from(second & 0x3f) << 6 | u16::from(third & 0x3f));
            }
            at += HALF;
        }
        let characters = char::decode_utf16(units);
        text.extend(characters.map(|one| one.unwrap_or(char::REPLACEMENT_CHARACTER)));
        from = at;
    }
    text.push_str(&String::from_utf8_lossy(
        body.get(from..).unwrap_or_default(),
    ));
    text.into()
}

/// A body as a text that every reader of JSON takes: as it came where it is one, else what [`read`] reads,
/// written anew.
///
/// # Errors
/// As [`read`].
pub fn strict(body: &[u8]) -> Result<Cow<'_, str>, NotJson> {
    match (
        std::str::from_utf8(body),
        serde_json::from_slice::<Value>(body),
    ) {
        (Ok(text), Ok(_)) => Ok(Cow::Borrowed(text)),
        _ => Ok(Cow::Owned(read(body)?.to_string())),
    }
}

/// A number as people write it: without an exponent, and without a fraction where there is none.
#[must_use]
pub fn digits(number: &Number) -> String {
    match number.as_f64().filter(|_| number.is_f64()) {
        Some(float) => float.to_string(),
        None => number.to_string(),
    }
}

/// The text at `key`: a string as it is, a number or a bool written out, anything else empty.
#[must_use]
pub fn text(value: &Value, key: &str) -> String {
    match value.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => digits(number),
        Some(Value::Bool(flag)) => flag.to_string(),
        _ => String::new(),
    }
}

/// The text at `key`, or `None` where it is missing, empty, or nothing of it can be seen.
#[must_use]
pub fn some_text(value: &Value, key: &str) -> Option<String> {
    Some(text(value, key)).filter(|text| !is_blank(text))
}

/// The first text at one of `keys` that is there: [`some_text`].
#[must_use]
pub fn first_text(value: &Value, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| some_text(value, key))
}

/// The string at a JSON pointer, such as `/user/id`, or `None` where there is none, or an empty one.
#[must_use]
pub fn text_at<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    let text = value.pointer(pointer)?.as_str()?;
    Some(text).filter(|text| !text.is_empty())
}

/// The flag at `key`: `true`, a number other than 0, or one of the strings `true`, `yes`, `1`.
#[must_use]
pub fn flag(value: &Value, key: &str) -> bool {
    match value.get(key) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::Number(number)) => number.as_f64().is_some_and(|number| number != 0.0),
        Some(Value::String(text)) => ["true", "yes", "1"].contains(&text.to_lowercase().as_str()),
        _ => false,
    }
}

/// The whole, non-negative number at `key`, also when it is written as a string.
#[must_use]
pub fn whole(value: &Value, key: &str) -> Option<u64> {
    match value.get(key)? {
        Value::Number(number) => digits(number).parse().ok(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The items of the list at `key`; none where it is missing or not a list.
pub fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// The texts of the list at `key` that are not empty; an option object `{text|label|name|title|value}`
/// counts as its first text.
#[must_use]
pub fn texts(value: &Value, key: &str) -> Vec<String> {
    list(value, key)
        .filter_map(|item| match item {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(digits(number)),
            Value::Object(_) => {
                let keys = ["text", "label", "name", "title", "value", "image", "url"];
                first_text(item, &keys)
            }
            _ => None,
        })
        .filter(|text| !is_blank(text))
        .collect()
}

/// A header's value, if there is exactly one and it is text. Of two with the same name nobody can say
/// which was meant, and API Gateway makes one of them.
#[must_use]
pub fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// `value` itself, or the object written inside it when it is a string that holds JSON
/// (serialised again up to three times over).
#[must_use]
pub fn unwrapped(value: &Value) -> std::borrow::Cow<'_, Value> {
    let mut inner = std::borrow::Cow::Borrowed(value);
    for _ in 0..3 {
        let Value::String(text) = inner.as_ref() else {
            break;
        };
        match read(text.as_bytes()) {
            Ok(parsed @ (Value::Object(_) | Value::String(_))) => {
                inner = std::borrow::Cow::Owned(parsed);
            }
            _ => break,
        }
    }
    inner
}

#[cfg(test)]
mod tests;
