//! Secrets.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};

use super::text::{filled_in, header_text};
use super::{Fault, Faults, Given, ValueType};
use crate::config::Secrets;

/// One secret or several, newest first.
#[derive(Debug)]
pub struct SecretList {
    /// What is allowed.
    pub allowed: &'static str,
    /// Gives the secret as it will be used, or says what is wrong without its value.
    pub read: fn(&str) -> Result<String, &'static str>,
    /// What is allowed but probably not meant, each to follow `token[0]`. Never the value.
    pub warnings: fn(&str) -> Vec<String>,
}

impl SecretList {
    /// Tokens that are sent in an `Authorization` header.
    pub const TOKENS: Self = Self {
        allowed: "text of visible ASCII characters, or a list of such, newest first",
        read: header_text,
        warnings: probably_not_meant,
    };
    /// Passwords, and keys of an HMAC, of which every byte counts.
    pub const KEYS: Self = Self {
        allowed: "text, or a list of texts, newest first",
        read: filled_in,
        warnings: probably_not_meant,
    };
    /// Secrets of [Standard Webhooks](https://www.standardwebhooks.com): base64 after `whsec_`.
    pub const STANDARD_WEBHOOKS: Self = Self {
        allowed: "\"whsec_\" followed by the base64 of at least 16 bytes (24 to 64 are usual), \
            or a list of such, newest first",
        read: standard_webhooks,
        warnings: unusual_standard_webhooks,
    };
}

impl ValueType for SecretList {
    type Value = Secrets;

    const SECRET: bool = true;

    fn name(&self) -> String {
        "secret or list".to_owned()
    }

    fn allowed(&self) -> String {
        self.allowed.to_owned()
    }

    fn read(&self, given: &Given<'_>) -> Result<Secrets, Faults> {
        let secrets = given.each(|text| (self.read)(text).map(SecretString::from))?;
        let secrets = Secrets::from_newest_first(secrets);
        Ok(secrets.ok_or_else(|| Fault::new("an empty list"))?)
    }

    fn warnings(&self, secrets: &Secrets) -> Vec<String> {
        let secrets = secrets.iter().enumerate();
        let warnings = secrets.flat_map(|(index, secret)| {
            let warnings = (self.warnings)(secret.expose_secret()).into_iter();
            warnings.map(move |warning| format!("[{index}]{warning}"))
        });
        warnings.collect()
    }
}

/// As the list, of which only the newest is used.
#[derive(Debug)]
pub struct NewestSecret(pub SecretList);

impl ValueType for NewestSecret {
    type Value = SecretString;

    const SECRET: bool = true;

    fn name(&self) -> String {
        self.0.name()
    }

    fn allowed(&self) -> String {
        self.0.allowed()
    }

    fn read(&self, given: &Given<'_>) -> Result<SecretString, Faults> {
        self.0.read(given).map(|secrets| secrets.newest().clone())
    }

    fn warnings(&self, secret: &SecretString) -> Vec<String> {
        self.0.warnings(&Secrets::new(secret.clone(), []))
    }
}

/// The secret in the one spelling that every implementation accepts: `whsec_`, padded base64.
fn standard_webhooks(text: &str) -> Result<String, &'static str> {
    let text = filled_in(text)?;
    let encoded = text.strip_prefix("whsec_").unwrap_or(&text);
    let bytes = STANDARD_NO_PAD.decode(encoded.trim_end_matches('='));
    let bytes = bytes.map_err(|_| "text that is not base64")?;
    if bytes.len() < 16 {
        return Err("a secret of fewer than 16 bytes");
    }
    Ok(format!("whsec_{}", STANDARD.encode(bytes)))
}

/// What is allowed of any secret but probably not meant: that it is the one of `bridge.example.toml`, which
/// everybody knows, or has a stray space.
#[must_use]
pub fn probably_not_meant(secret: &str) -> Vec<String> {
    let mut warnings = Vec::new();
    if is_example(secret) {
        warnings.push(EXAMPLE.to_owned());
    }
    if secret.trim() != secret {
        let warning = " has white space around it, which is part of the secret";
        warnings.push(warning.to_owned());
    }
    warnings
}

/// How a warning ends that is of a secret which is still that of the example.
pub const EXAMPLE: &str =
    " looks like the one of bridge.example.toml, which is no secret; put your own there";

/// Whether it is an `example-`, be it behind how secrets of its kind begin.
fn is_example(secret: &str) -> bool {
    let mut places = secret.match_indices("example-");
    places.any(|(at, _)| {
        let before = secret
            .get(..at)
            .and_then(|before| before.chars().next_back());
        before.is_none_or(|before| !before.is_alphanumeric())
    })
}

fn unusual_standard_webhooks(secret: &str) -> Vec<String> {
    let encoded = secret.trim_start_matches("whsec_");
    let bytes = STANDARD.decode(encoded).unwrap_or_default();
    let mut warnings = Vec::new();
    if bytes.starts_with(b"example-") {
        warnings.push(EXAMPLE.to_owned());
    }
    if !(24..=64).contains(&bytes.len()) {
        let length = bytes.len();
        warnings.push(format!(
            " has {length} bytes; Standard Webhooks wants 24 to 64"
        ));
    }
    warnings
}
