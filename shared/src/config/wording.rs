//! How errors and warnings say things, so that none of them prints a secret.

use toml::de::DeValue;

/// What a value is, without saying its value.
pub(super) fn describe(value: &DeValue<'_>) -> String {
    let description = match value {
        DeValue::String(text) if text.is_empty() => "an empty string",
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(list) if list.is_empty() => "an empty list",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    description.to_owned()
}

/// The candidate that `text` is probably a misspelling of.
pub(super) fn close_to<'a>(
    text: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    if text.len() > 40 {
        return None;
    }
    let text = text.to_lowercase().replace('-', "_");
    let distance = |candidate: &str| {
        strsim::damerau_levenshtein(&text, &candidate.to_lowercase().replace('-', "_"))
    };
    candidates
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, candidate)| distance * 3 <= candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Names with commas between them.
pub(super) fn list_of(names: &[impl AsRef<str>]) -> String {
    names
        .iter()
        .map(AsRef::as_ref)
        .collect::<Vec<_>>()
        .join(", ")
}

/// From how many characters on a text without a space is never quoted. No secret is known by how it
/// begins: the next provider's begins otherwise. But all are long, and none has a space in it.
const LIKE_A_SECRET: usize = 20;

/// The value of a key that holds no secret, as an error may say it: quoted, of bounded length, and not what may be a secret all
/// the same, under the wrong key.
#[must_use]
pub fn quote(text: &str) -> String {
    if is_like_a_secret(text) {
        format!("a string of {} characters", text.chars().count())
    } else {
        format!("{:?}", clip(text))
    }
}

/// A number of bounded length, as it may be printed.
pub(super) fn number(digits: &str) -> String {
    if is_like_a_secret(digits) {
        format!("a number of {} digits", digits.len())
    } else {
        digits.to_owned()
    }
}

/// A sentence of somebody else's, without the words that may be secrets.
pub(super) fn without_secrets(sentence: &str) -> String {
    let words = sentence.split(' ').map(|word| {
        if is_name_of_words(word) || !is_like_a_secret(word) {
            word
        } else {
            "…"
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A text of bounded length.
fn clip(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A key or a name as it may be printed: no control characters, and nothing that may be a secret, since
/// a file with its keys and values mixed up has secrets for keys.
pub(super) fn shown(key: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if (is_like_a_secret(key) && !is_name_of_words(key)) || key.len() > 40 {
        format!("(a key of {} bytes)", key.len())
    } else if !key.is_empty() && key.bytes().all(bare) {
        key.to_owned()
    } else {
        format!("{key:?}")
    }
}

/// Whether any part of a text between spaces is as long as secrets are.
fn is_like_a_secret(text: &str) -> bool {
    text.split(char::is_whitespace)
        .any(|part| part.chars().count() >= LIKE_A_SECRET)
}

/// Whether a long name is made of words, as people make them: `integration_base_url`, `acme-support-2`.
fn is_name_of_words(name: &str) -> bool {
    name.split(['_', '-']).all(|word| {
        let letters = word.len() <= 15 && word.bytes().all(|byte| byte.is_ascii_lowercase());
        letters || word.len() <= 4 && word.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_never_quoted() {
        for secret in [
            "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw",
            "8f742231b10e8888abcd99yyyzzz85a5",
            "whsec_MDEyMzQ1Njc4OWFiY2RlZg",
            "token: pat-eu1-0123456789abcdef",
            "18446744073709551616",
        ] {
            let (quoted, shown) = (quote(secret), shown(secret));
            assert!(quoted.starts_with("a string of "), "{quoted}");
            assert!(shown.starts_with("(a key of "), "{shown}");
            let sentence = without_secrets(&format!("a name that there is not: {secret}"));
            assert!(sentence.contains('…') && sentence.starts_with("a name"));
        }
        assert_eq!(number("18446744073709551616"), "a number of 20 digits");
    }

    #[test]
    fn what_people_write_is_said() {
        assert_eq!(quote("user"), "\"user\"");
        assert_eq!(
            quote("a text with spaces, however long it may be"),
            "\"a text with spaces, however long it may …\""
        );
        for name in [
            "integration_base_url",
            "acme-support-europe-2",
            "token_encryption_keyz",
        ] {
            assert_eq!(shown(name), name);
        }
    }
}
