//! The values that are masked, and a text without them.

use std::collections::{BTreeMap, BTreeSet};

use haptik_bridge_shared::config::MaskedField;
use haptik_bridge_shared::lenient_json;
use serde_json::Value;

use super::MASKED;
use super::find::{self, BETWEEN_DIGITS, Reading, Unit, folded, is_unspaced};

/// The shortest value that is looked for in texts, and the shortest name in a script in which a character is a
/// syllable or a word; a number has as many digits at least.
const SHORTEST: usize = 3;
const SHORTEST_UNSPACED: usize = 2;
const SHORTEST_NUMBER: usize = 6;

/// The shortest number that people dial without a country's code, and the longest that may be known without it.
const SHORTEST_NATIONAL: usize = 8;
const LONGEST_NATIONAL: usize = 10;

/// Values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MaskedValues {
    /// What is found anywhere, also within other words: addresses. Folded.
    texts: BTreeSet<String>,
    /// What is found as a word of its own: names and further data. Folded.
    words: BTreeSet<String>,
    /// The digits of numbers, without zeros before them; whether no code of a country may stand before them.
    numbers: BTreeMap<String, bool>,
}

impl MaskedValues {
    /// Adds a value of a field, with what is inside of it.
    pub(super) fn add(&mut self, field: MaskedField, value: &Value) {
        match lenient_json::unwrapped(value).as_ref() {
            Value::String(text) => self.add_text(field, text),
            Value::Number(number) => self.add_text(field, &number.to_string()),
            Value::Array(values) => values.iter().for_each(|value| self.add(field, value)),
            Value::Object(fields) => fields.values().for_each(|value| self.add(field, value)),
            Value::Bool(_) | Value::Null => {}
        }
    }

    /// Adds a value of a field.
    pub(crate) fn add_text(&mut self, field: MaskedField, text: &str) {
        let text = text.trim();
        match field {
            MaskedField::MobileNo if is_number(text) => self.add_number(text),
            MaskedField::Email if text.contains('@') && is_long_enough(text) => {
                self.texts.insert(folded(text));
            }
            MaskedField::Name => {
                let words = text.split(|char: char| !char.is_alphanumeric());
                words.chain([text]).for_each(|word| self.add_word(word));
            }
            MaskedField::Email | MaskedField::MobileNo | MaskedField::CustomData => {
                self.add_word(text);
            }
        }
    }

    /// Adds what is found as a word of its own.
    fn add_word(&mut self, word: &str) {
        let word = folded(word);
        // What stands in the place of a value is none.
        let is_mark = word.trim_matches(['[', ']']) == MASKED.trim_matches(['[', ']']);
        if is_long_enough(&word) && !is_mark {
            self.words.insert(word);
        }
    }

    /// Adds Haptik's own name of a user: as a whole, and one that is a number is none of theirs.
    pub(super) fn add_user_name(&mut self, name: &str) {
        if name.contains(char::is_alphabetic) {
            self.add_word(name.trim());
        }
    }

    /// Adds a number, also as it is dialled within its country.
    fn add_number(&mut self, text: &str) {
        let number = digits(text);
        let number = number.trim_start_matches('0');
        if number.len() < SHORTEST_NUMBER {
            return;
        }
        let has_country = text.contains('+') || number.len() > LONGEST_NATIONAL;
        let is_long = number.len() >= SHORTEST_NATIONAL;
        self.add_digits(number, has_country || !is_long);
        let longest_code = if has_country {
            find::LONGEST_COUNTRY
        } else {
            0
        };
        let national = (1..=longest_code).filter_map(|code| number.get(code..));
        for number in national {
            if number.len() >= SHORTEST_NATIONAL && !number.starts_with('0') {
                self.add_digits(number, true);
            }
        }
    }

    fn add_digits(&mut self, number: &str, stands_alone: bool) {
        let known = self.numbers.entry(number.to_owned()).or_insert(true);
        *known &= stands_alone;
    }

    /// A text without them.
    pub(crate) fn masked(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for reading in Reading::of(text) {
            masked = self.masked_as(&masked, reading);
        }
        masked
    }

    /// Whether an address or a number is in a text.
    pub(super) fn have_contact_in(&self, text: &str) -> bool {
        let contacts = Self {
            words: BTreeSet::new(),
            ..self.clone()
        };
        contacts.masked(text) != text
    }

    /// Whether all of a text is one of them.
    pub(super) fn are_all_of(&self, text: &str) -> bool {
        self.masked(text) == MASKED
    }

    fn masked_as(&self, text: &str, reading: Reading) -> String {
        let units = find::units(text, reading);
        let mut masked = String::with_capacity(text.len());
        let mut at = 0;
        while let Some(Unit { from, to, .. }) = units.get(at).copied() {
            let masks = self.longest_at(&units, at);
            let as_written = text.get(from..to).unwrap_or_default();
            masked.push_str(masks.map_or(as_written, |_| MASKED));
            at += masks.unwrap_or(1);
        }
        masked
    }

    /// How many units from `at` on are a value; of several that begin there, the longest.
    fn longest_at(&self, units: &[Unit], at: usize) -> Option<usize> {
        let first = find::first_folded(units.get(at..)?)?;
        let texts = beginning_with(&self.texts, first);
        let texts = texts.filter_map(|value| find::value_at(units, at, value));
        let words = beginning_with(&self.words, first);
        let words = words.filter_map(|word| find::word_at(units, at, word));
        let may_be_number = first.is_ascii_digit() || "+(".contains(first);
        let numbers = self.numbers.iter().filter(|_| may_be_number);
        let numbers = numbers
            .filter_map(|(number, stands_alone)| find::number_at(units, at, number, *stands_alone));
        texts.chain(words).chain(numbers).max()
    }
}

/// The values that begin with a character.
fn beginning_with(values: &BTreeSet<String>, first: char) -> impl Iterator<Item = &String> {
    let values = values.range(first.to_string()..);
    values.take_while(move |value| value.starts_with(first))
}

/// Whether a value is long enough to be looked for.
fn is_long_enough(text: &str) -> bool {
    let shortest = if !text.is_empty() && text.chars().all(is_unspaced) {
        SHORTEST_UNSPACED
    } else {
        SHORTEST
    };
    text.chars().count() >= shortest
}

/// The fewest digits of an id that is taken for a telephone number though it has no plus: those of customers are shorter.
const SHORTEST_ID: usize = 10;

/// Whether an id is a telephone number.
pub(super) fn is_callable(id: &str) -> bool {
    is_number(id) && (id.contains('+') || digits(id).len() >= SHORTEST_ID)
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
            ("8826755986 or 08826755986", "[masked] or [masked]"),
            ("dial 0091 88267 55986", "dial [masked]"),
            ("+91 (0) 88267–55986", "+91 [masked]"),
            ("26755986 and 188267559860", "26755986 and 188267559860"),
            (
                "at 2026-11-24 10:00, for 1,882.67",
                "at 2026-11-24 10:00, for 1,882.67",
            ),
            ("not gold-421 or 177123", "not gold-421 or 177123"),
            (
                r#"Hello\nAsha, \\\"Rao\\\""#,
                r#"Hello\n[masked], \\\"[masked]\\\""#,
            ),
            (
                "https://x.example/?to=asha%40example.com",
                "https://x.example/?to=[masked]",
            ),
            (r"C:\nasha", r"C:\n[masked]"),
        ] {
            assert_eq!(values().masked(text), masked, "{text}");
        }
    }

    #[test]
    fn a_name_is_found_in_any_case_and_script_and_as_words_alone() {
        for (name, text, masked) in [
            (
                "ΝΙΚΟΣ",
                "ΝΙΚΟΣ, Νίκος or νικος",
                "[masked], Νίκος or [masked]",
            ),
            ("Νικος Παππας", "ΠΑΠΠΑΣ", "[masked]"),
            ("Groß", "GROSS groß", "[masked] [masked]"),
            ("Ann", "Planning with ann", "Planning with [masked]"),
            ("José", r"Jos\u00e9, jos%C3%A9", "[masked], [masked]"),
            ("王小明", "我是王小明先生", "我是[masked]先生"),
            ("田中", "田中さん", "[masked]さん"),
            ("nasha", r"C:\nasha", r"C:\[masked]"),
            ("Masked Man", "[masked] man", "[masked] [masked]"),
            ("🙂🙂🙂", r"\ud83d\ude42\ud83d\ude42🙂", "[masked]"),
        ] {
            let mut values = MaskedValues::default();
            values.add_text(MaskedField::Name, name);
            assert_eq!(values.masked(text), masked, "{name} in {text}");
        }
    }

    #[test]
    fn a_number_is_found_with_and_without_the_code_of_its_country() {
        for (known, text, masked) in [
            (
                "8826755986",
                "+918826755986, 8826755986",
                "+91[masked], [masked]",
            ),
            (
                "08826755986",
                "00918826755986 or 8826755986",
                "0091[masked] or [masked]",
            ),
            (
                "whatsapp:+4512345678",
                "12345678 or 4512345678",
                "[masked] or [masked]",
            ),
            ("+33 6 12 34 56 78", "06.12.34.56.78", "[masked]"),
            ("+49 151 23456789", "0151/23456789", "[masked]"),
            (
                "123456",
                "00123456 but not 9123456",
                "[masked] but not 9123456",
            ),
            ("000012", "000012 or 12", "000012 or 12"),
            ("n/a", "inn/able n/a", "inn/able [masked]"),
        ] {
            let mut values = MaskedValues::default();
            values.add_text(MaskedField::MobileNo, known);
            assert_eq!(values.masked(text), masked, "{known} in {text}");
        }
    }

    /// Each of these took as many steps as the square of its length.
    #[test]
    fn what_is_made_to_take_long_does_not() {
        let mut values = values();
        values.add_text(MaskedField::MobileNo, "+4512345678");
        for text in ["(", "(+", "9", "0", "\\", "\\u", "%", "a", "<", "1-"] {
            let text = text.repeat(300_000 / text.len());
            let began = std::time::Instant::now();
            assert_eq!(values.masked(&text), text);
            assert_eq!(crate::plain::said_in_html(&text), text);
            // Some milliseconds; it was an hour.
            assert!(
                began.elapsed() < std::time::Duration::from_secs(20),
                "{}",
                &text[..2]
            );
        }
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
