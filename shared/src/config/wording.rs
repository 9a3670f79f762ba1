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

/// The value of a key that holds no secret: quoted, of bounded length, and not what has a secret's
/// prefix all the same.
pub(super) fn quote(text: &str) -> String {
    if has_secret_prefix(text) {
        "a string that looks like a secret".to_owned()
    } else {
        format!("{:?}", clip(text))
    }
}

/// A text of bounded length.
pub(super) fn clip(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A key or a name as it may be printed: no control characters, and nothing as long as a secret or
/// starting like one, since a file with its keys and values mixed up has secrets for keys.
pub(super) fn shown(key: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if has_secret_prefix(key) || key.len() > 40 {
        format!("(a key of {} bytes)", key.len())
    } else if !key.is_empty() && key.bytes().all(bare) {
        key.to_owned()
    } else {
        format!("{key:?}")
    }
}

/// Whether a text starts as the secrets of Slack and Standard Webhooks do.
fn has_secret_prefix(text: &str) -> bool {
    let prefixes = ["xoxb-", "xoxp-", "xoxe", "xapp-", "whsec_"];
    prefixes.iter().any(|prefix| text.starts_with(prefix))
}
