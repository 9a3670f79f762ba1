//! Tolerant reading of other people's JSON, and strict reading of their headers.
//!
//! Providers send numbers as strings, leave keys out and add new ones. These functions read one key
//! and give an empty value where it is missing or of another kind: an odd key never costs a message.

use http::HeaderMap;
use serde_json::Value;

/// The text at `key`: a string as it is, a number or a bool written out, anything else empty.
#[must_use]
pub fn text(value: &Value, key: &str) -> String {
    match value.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(flag)) => flag.to_string(),
        _ => String::new(),
    }
}

/// The text at `key`, or `None` where it is missing or empty.
#[must_use]
pub fn some_text(value: &Value, key: &str) -> Option<String> {
    Some(text(value, key)).filter(|text| !text.is_empty())
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
        Value::Number(number) => number.as_u64(),
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
            Value::Number(number) => Some(number.to_string()),
            Value::Object(_) => ["text", "label", "name", "title", "value", "image", "url"]
                .iter()
                .find_map(|key| some_text(item, key)),
            _ => None,
        })
        .filter(|text| !text.is_empty())
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
        match serde_json::from_str::<Value>(text) {
            Ok(parsed @ (Value::Object(_) | Value::String(_))) => {
                inner = std::borrow::Cow::Owned(parsed);
            }
            _ => break,
        }
    }
    inner
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_and_flags_are_read_from_strings() {
        let value = json!({"a": "7", "b": 7, "c": "true", "d": 1, "e": "no", "f": null});
        assert_eq!(whole(&value, "a"), Some(7));
        assert_eq!(whole(&value, "b"), Some(7));
        assert_eq!(text(&value, "b"), "7");
        assert!(flag(&value, "c") && flag(&value, "d"));
        assert!(!flag(&value, "e") && !flag(&value, "f") && !flag(&value, "missing"));
    }

    #[test]
    fn an_object_inside_a_string_is_unwrapped_and_plain_text_is_not() {
        let once = json!(r#"{"text":"hi"}"#);
        let twice = json!(once.to_string());
        assert_eq!(unwrapped(&once).as_ref(), &json!({"text": "hi"}));
        assert_eq!(unwrapped(&twice).as_ref(), &json!({"text": "hi"}));
        assert_eq!(
            unwrapped(&json!("42 is {not} JSON")).as_ref(),
            &json!("42 is {not} JSON")
        );
    }
}
