//! The values that are masked, and how they are found in a text: an address and a name in any case, a number however
//! it is written.

use std::collections::BTreeSet;

use haptik_bridge_shared::config::MaskedField;
use serde_json::Value;

use super::MASKED;

/// The shortest value that is looked for in texts; a number has as many digits at least.
const SHORTEST: usize = 3;
const SHORTEST_NUMBER: usize = 6;

/// What may stand between the digits of a number.
const BETWEEN_DIGITS: &str = " -.()/\u{a0}";

/// Values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MaskedValues {
    /// In small letters.
    texts: BTreeSet<String>,
    /// Words of names, in small letters.
    words: BTreeSet<String>,
    /// The digits of numbers.
    numbers: BTreeSet<String>,
}

impl MaskedValues {
    /// Adds a value of a field, with what is inside of it.
    pub(super) fn add(&mut self, field: MaskedField, value: &Value) {
        match value {
            Value::String(text) => self.add_text(field, text),
            Value::Number(number) => self.add_text(field, &number.to_string()),
            Value::Array(values) => values.iter().for_each(|value| self.add(field, value)),
            Value::Object(fields) => fields.values().for_each(|value| self.add(field, value)),
            Value::Bool(_) | Value::Null => {}
        }
    }

    /// Adds a value of a field.
    pub(super) fn add_text(&mut self, field: MaskedField, text: &str) {
        let text = text.trim().to_lowercase();
        if text.chars().count() < SHORTEST || text == MASKED {
            return;
        }
        match field {
            MaskedField::MobileNo if is_number(&text) => {
                self.numbers.insert(digits(&text));
            }
            MaskedField::Name => {
                let words = text.split(|char: char| !char.is_alphanumeric());
                let words = words.filter(|word| word.chars().count() >= SHORTEST);
                self.words.extend(words.map(ToOwned::to_owned));
                self.texts.insert(text);
            }
            MaskedField::MobileNo | MaskedField::Email | MaskedField::CustomData => {
                self.texts.insert(text);
            }
        }
    }

    /// Masks them in all texts and numbers of a value, and in the keys of objects.
    pub(super) fn mask_in(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.masked(text),
            Value::Number(number) => {
                let text = number.to_string();
                if self.masked(&text) != text {
                    *value = MASKED.into();
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.mask_in(value)),
            Value::Object(fields) => {
                for (key, mut value) in std::mem::take(fields) {
                    self.mask_in(&mut value);
                    fields.insert(self.masked(&key), value);
                }
            }
            Value::Bool(_) | Value::Null => {}
        }
    }

    /// A text without them.
    pub(crate) fn masked(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        // The longest first: one may be a part of another.
        let mut texts: Vec<&String> = self.texts.iter().collect();
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        for value in texts {
            masked = without(&masked, value, false);
        }
        for word in &self.words {
            masked = without(&masked, word, true);
        }
        for number in &self.numbers {
            masked = without_number(&masked, number);
        }
        masked
    }
}

/// Whether a text is a number that can be called, also with what stands before it: `whatsapp:+15550100`.
pub(super) fn is_number(text: &str) -> bool {
    let number = text.rsplit(':').next().unwrap_or(text);
    let is_part =
        |char: char| char.is_ascii_digit() || char == '+' || BETWEEN_DIGITS.contains(char);
    number.chars().all(is_part) && digits(number).len() >= SHORTEST_NUMBER
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// A text without a value, which is in small letters; as a word of its own where it is one.
fn without(text: &str, value: &str, is_word: bool) -> String {
    let is_letter = |char: Option<char>| char.is_some_and(char::is_alphanumeric);
    let (mut out, mut rest, mut before) = (String::with_capacity(text.len()), text, None);
    while let Some(next) = rest.chars().next() {
        let found = prefix(rest, value);
        let after = found.and_then(|length| rest[length..].chars().next());
        let stands = !is_word || !(is_letter(before) || is_letter(after));
        if let Some(length) = found.filter(|_| stands) {
            out.push_str(MASKED);
            before = rest[..length].chars().next_back();
            rest = &rest[length..];
        } else {
            out.push(next);
            before = Some(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    out
}

/// How many bytes of a text's beginning are this value, in whatever case.
fn prefix(text: &str, value: &str) -> Option<usize> {
    let mut wanted = value.chars();
    let mut length = 0;
    for char in text.chars() {
        for one in char.to_lowercase() {
            if wanted.next() != Some(one) {
                return None;
            }
        }
        length += char.len_utf8();
        if wanted.as_str().is_empty() {
            return Some(length);
        }
    }
    None
}

/// A text without a number, however it is written there.
fn without_number(text: &str, number: &str) -> String {
    let (mut out, mut rest, mut before) = (String::with_capacity(text.len()), text, None::<char>);
    while let Some(next) = rest.chars().next() {
        let begins = !before.is_some_and(|before| before.is_ascii_digit());
        if let Some(length) = number_at(rest, number).filter(|_| begins) {
            out.push_str(MASKED);
            rest = &rest[length..];
            before = Some('0');
        } else {
            out.push(next);
            before = Some(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    out
}

/// How many bytes of a text's beginning are this number. A bracket that it begins with is closed within it.
fn number_at(text: &str, number: &str) -> Option<usize> {
    let mut wanted = number.chars().peekable();
    let mut is_open = false;
    for (at, char) in text.char_indices() {
        match wanted.peek() {
            Some(digit) if *digit == char => {
                wanted.next();
            }
            Some(_) if at == 0 && char == '+' => {}
            Some(_) if at == 0 && char == '(' => is_open = true,
            Some(_) if at > 0 && BETWEEN_DIGITS.contains(char) => is_open &= char != ')',
            Some(_) => return None,
            None if char.is_ascii_digit() => return None,
            None => return (!is_open).then_some(at),
        }
    }
    (wanted.peek().is_none() && !is_open).then_some(text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn values() -> MaskedValues {
        let mut values = MaskedValues::default();
        values.add_text(MaskedField::Name, "Asha Rao");
        values.add_text(MaskedField::Email, "Asha@Example.com");
        values.add(MaskedField::MobileNo, &json!(918_826_755_986_u64));
        values.add(
            MaskedField::CustomData,
            &json!({"plan": "gold-42", "at": [77_123]}),
        );
        values
    }

    #[test]
    fn a_value_is_masked_however_it_is_written() {
        for (text, masked) in [
            (
                "write to asha@example.COM, please",
                "write to [masked], please",
            ),
            ("ASHA RAO here", "[masked] here"),
            ("Hi Asha!", "Hi [masked]!"),
            ("Ashas and rao1", "Ashas and rao1"),
            ("call +91 88267-55986 now", "call [masked] now"),
            ("(91) 88 26 75 59 86", "[masked]"),
            ("918826755986", "[masked]"),
            ("(918826755986)", "([masked])"),
            (
                "9188267559861 and 1918826755986",
                "9188267559861 and 1918826755986",
            ),
            ("my plan is gold-42, 77123", "my plan is [masked], [masked]"),
            ("nothing", "nothing"),
            ("", ""),
        ] {
            assert_eq!(values().masked(text), masked, "{text}");
        }
    }

    #[test]
    fn all_of_a_value_is_masked_its_keys_and_numbers_too() {
        let mut value = json!({
            "asha@example.com": [918_826_755_986_u64, 7, true, null, {"deep": "Rao"}], "n": 77_123, "other": 1.5,
        });
        values().mask_in(&mut value);
        let expected = json!({
            "[masked]": ["[masked]", 7, true, null, {"deep": "[masked]"}], "n": "[masked]", "other": 1.5,
        });
        assert_eq!(value, expected);
    }

    proptest! {
        /// Whatever is said around it and in whatever case, the value is gone, and what is around it stays.
        #[test]
        fn a_value_is_gone_wherever_it_stands(
            before in "[ -/:-@\\PC]{0,20}", email in "[a-z]{3,8}@[a-z]{2,6}\\.example", after in "\\PC{0,20}",
            is_upper: bool,
        ) {
            let mut values = MaskedValues::default();
            values.add_text(MaskedField::Email, &email);
            let written = if is_upper { email.to_uppercase() } else { email.clone() };
            let masked = values.masked(&format!("{before}{written}{after}"));
            prop_assert!(!masked.to_lowercase().contains(&email), "{}", masked);
            prop_assert!(masked.contains(MASKED));
        }

        #[test]
        fn any_text_is_taken(text in "\\PC{0,60}", value in "\\PC{3,12}") {
            let mut values = MaskedValues::default();
            for field in MaskedField::ALL {
                values.add_text(field.1, &value);
            }
            let masked = values.masked(&text);
            if !text.to_lowercase().contains(&value.trim().to_lowercase()) && values.words.is_empty() {
                prop_assert_eq!(masked, text);
            }
        }
    }
}
