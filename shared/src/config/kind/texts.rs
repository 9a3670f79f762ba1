//! What texts must be like.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use url::Url;

use super::{Fault, Faults};
use crate::seal;

/// A URL without the parts that no URL of a configuration has. What is wrong with it is said
/// without any of it: a token in the wrong key must not be printed, and a path may be a secret.
pub(super) fn url(text: &str) -> Result<Url, Faults> {
    let fault = |found: &str| Fault::new(found.to_owned()).into();
    if is_placeholder(text) {
        return Err(fault("a placeholder"));
    }
    // The URL standard would remove these silently.
    if text
        .chars()
        .any(|character| character.is_whitespace() || character.is_control())
    {
        return Err(fault("a URL with white space or control characters in it"));
    }
    // … and add the slashes.
    let (scheme, _) = text
        .split_once("://")
        .ok_or_else(|| fault("text that is not a URL"))?;
    if !["http", "https"]
        .iter()
        .any(|allowed| scheme.eq_ignore_ascii_case(allowed))
    {
        return Err(fault("a URL that is neither http nor https"));
    }
    let url = Url::parse(text).map_err(|_| fault("text that is not a URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fault("a URL with a user name or password"));
    }
    if url.fragment().is_some() {
        return Err(fault("a URL with a fragment"));
    }
    Ok(url)
}

pub(super) fn header_text(text: &str) -> Result<String, &'static str> {
    let text = key(text)?;
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text)
    } else {
        Err("text with white space, control or non-ASCII characters in it")
    }
}

pub(super) fn key(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() {
        Err("an empty string")
    } else if is_placeholder(text) {
        Err("a placeholder")
    } else {
        Ok(text.to_owned())
    }
}

/// The secret in the one spelling that every implementation accepts: `whsec_`, padded base64.
pub(super) fn standard_webhooks(text: &str) -> Result<String, &'static str> {
    let text = key(text)?;
    let encoded = text.strip_prefix("whsec_").unwrap_or(&text);
    let bytes = STANDARD_NO_PAD.decode(encoded.trim_end_matches('='));
    let bytes = bytes.map_err(|_| "text that is not base64")?;
    if bytes.len() < 16 {
        return Err("a secret of fewer than 16 bytes");
    }
    Ok(format!("whsec_{}", STANDARD.encode(bytes)))
}

pub(super) fn encryption_key(text: &str) -> Result<String, &'static str> {
    let text = key(text)?;
    match seal::key_bytes(&text) {
        Some(_) => Ok(text),
        None => Err("text that is not the base64 of 32 bytes"),
    }
}

/// Whether somebody has still to fill this in.
pub(super) fn is_placeholder(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    let prefixes = ["whsec_", "xoxb-", "https://", "http://"];
    let value = prefixes
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix))
        .unwrap_or(&text);
    let wrapped = [("<", ">"), ("{{", "}}"), ("${", "}")];
    let wrapped = wrapped
        .iter()
        .any(|(start, end)| value.starts_with(start) && value.ends_with(end));
    let filler = value.len() >= 3 && value.chars().all(|character| ".*-_?".contains(character));
    let letters: String = value
        .chars()
        .filter(|character| character.is_alphanumeric())
        .collect();
    let words = [
        "replaceme",
        "replacewith",
        "changeme",
        "placeholder",
        "yourtoken",
        "yoursecret",
    ];
    let word = words.iter().any(|word| letters.starts_with(word));
    text.contains('…') || value.is_empty() || wrapped || filler || word || letters == "todo"
}
