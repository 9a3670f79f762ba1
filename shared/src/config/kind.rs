//! The kinds of values that the configuration has: what is allowed, and how it is read.

mod bus;
mod filled;
mod shown;
mod texts;

use std::time::Duration;

use secrecy::SecretString;
use toml::Spanned;
use toml::de::DeValue;
use url::Url;

use super::secrets::Secrets;
pub(super) use bus::{EventBus, EventSource};
pub(super) use filled::{
    Filled, FilledField, FilledList, FilledRequest, Rate, Statuses, UserName, ValueList,
};
pub(super) use shown::{Emoji, Text, Texts};
use texts::{encryption_key, header_text, key, standard_webhooks, url};

use super::wording::{clip, close_to, describe, quote};

/// A kind of value.
pub(super) trait Kind {
    /// What a good value is read as.
    type Value;

    /// What is allowed, to follow "allowed: " in an error.
    fn allowed(&self) -> String;

    /// Reads a value, or says everything that is wrong with it.
    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<Self::Value, Faults>;
}

/// What is wrong with a value: one thing, or one for each bad element of a list.
#[derive(Debug)]
pub(super) struct Faults {
    pub(super) first: Fault,
    pub(super) others: Vec<Fault>,
}

/// One thing that is wrong with a value.
#[derive(Debug)]
pub(super) struct Fault {
    /// The element of a list that it is about, with its byte offset.
    pub(super) element: Option<(usize, usize)>,
    /// What was found. Never a secret.
    pub(super) found: String,
    /// An allowed value that is close to it.
    pub(super) did_you_mean: Option<&'static str>,
}

/// One of a few words.
#[derive(Debug)]
pub(super) struct OneOf<T: 'static> {
    /// The words, and what each is read as.
    pub(super) words: &'static [(&'static str, T)],
    /// What to say after the words that are allowed.
    pub(super) note: &'static str,
}

impl<T: Copy> Kind for OneOf<T> {
    type Value = T;

    fn allowed(&self) -> String {
        let words: Vec<_> = self
            .words
            .iter()
            .map(|(word, _)| format!("{word:?}"))
            .collect();
        words.join(" or ") + self.note
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<T, Faults> {
        let text = text(value)?;
        let found = self.words.iter().find(|(word, _)| *word == text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let mut fault = Fault::new(quote(text));
            fault.did_you_mean = close_to(text, self.words.iter().map(|(word, _)| *word));
            fault.into()
        })
    }
}

/// The name of a `[haptik.NAME]`; whether there is one is for the caller to say.
#[derive(Debug)]
pub(super) struct Name;

impl Kind for Name {
    type Value = String;

    fn allowed(&self) -> String {
        "the name of a [haptik.NAME] of this file".to_owned()
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<String, Faults> {
        text(value).map(str::to_owned)
    }
}

/// `true` or `false`.
#[derive(Debug)]
pub(super) struct Flag;

impl Kind for Flag {
    type Value = bool;

    fn allowed(&self) -> String {
        "true or false, without quotes".to_owned()
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<bool, Faults> {
        match value.get_ref() {
            DeValue::Boolean(flag) => Ok(*flag),
            other => Err(Fault::new(describe(other)).into()),
        }
    }
}

/// A whole number from 0 to a highest one.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) max: u64,
}

impl Whole {
    /// A number that names something; TOML's integers end here.
    pub(super) const ID: Self = Self {
        max: i64::MAX.unsigned_abs(),
    };
}

impl Kind for Whole {
    type Value = u64;

    fn allowed(&self) -> String {
        format!("a whole number without quotes, from 0 to {}", self.max)
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<u64, Faults> {
        let DeValue::Integer(integer) = value.get_ref() else {
            return Err(Fault::new(describe(value.get_ref())).into());
        };
        let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let number = number.filter(|number| *number <= self.max);
        number.ok_or_else(|| Fault::new(clip(&integer.to_string())).into())
    }
}

/// A duration in words, such as `24h` or `1h 30m`.
#[derive(Debug)]
pub(super) struct Between {
    pub(super) min: Duration,
    pub(super) max: Duration,
    /// The limits in words.
    pub(super) allowed: &'static str,
}

impl Kind for Between {
    type Value = Duration;

    fn allowed(&self) -> String {
        self.allowed.to_owned()
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<Duration, Faults> {
        let text = text(value)?;
        let duration = Some(text).filter(|text| text.is_ascii());
        let duration = duration.and_then(|text| humantime::parse_duration(text).ok());
        let duration = duration.filter(|duration| (self.min..=self.max).contains(duration));
        duration.ok_or_else(|| Fault::new(quote(text)).into())
    }
}

/// As [`Between`], or the word `never`.
#[derive(Debug)]
pub(super) struct OrNever {
    pub(super) min: Duration,
    pub(super) max: Duration,
    /// The limits in words.
    pub(super) allowed: &'static str,
}

impl Kind for OrNever {
    type Value = Option<Duration>;

    fn allowed(&self) -> String {
        self.allowed.to_owned()
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<Self::Value, Faults> {
        if text(value)? == "never" {
            return Ok(None);
        }
        let between = Between {
            min: self.min,
            max: self.max,
            allowed: self.allowed,
        };
        between.read(value).map(Some)
    }
}

/// A small number of seconds.
#[derive(Debug)]
pub(super) struct Seconds {
    pub(super) min: u8,
    pub(super) max: u8,
}

impl Kind for Seconds {
    type Value = u8;

    fn allowed(&self) -> String {
        format!(
            "a whole number of seconds without quotes, from {} to {}",
            self.min, self.max
        )
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<u8, Faults> {
        let max = u64::from(self.max);
        let seconds = u8::try_from(Whole { max }.read(value)?).unwrap_or_default();
        if seconds < self.min {
            return Err(Fault::new(seconds.to_string()).into());
        }
        Ok(seconds)
    }
}

/// A URL below which paths are called; its path always ends in a slash when it has been read, so
/// that [`Url::join`] with a relative path appends it.
#[derive(Debug)]
pub(super) struct BaseUrl;

impl Kind for BaseUrl {
    type Value = Url;

    fn allowed(&self) -> String {
        "an http or https URL with a host, without user, password, query and fragment".to_owned()
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<Url, Faults> {
        let mut url = url(text(value)?)?;
        if url.query().is_some() {
            return Err(Fault::new("a URL with a query".to_owned()).into());
        }
        let path = format!("{}/", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Ok(url)
    }
}

/// A URL that is called as it is.
#[derive(Debug)]
pub(super) struct FullUrl;

impl Kind for FullUrl {
    type Value = Url;

    fn allowed(&self) -> String {
        "an http or https URL with a host, without user, password and fragment".to_owned()
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<Url, Faults> {
        url(text(value)?)
    }
}

/// A value that travels in an HTTP header beside a secret, and isn't printed in errors.
#[derive(Debug)]
pub(super) struct HeaderText;

impl Kind for HeaderText {
    type Value = String;

    fn allowed(&self) -> String {
        "text of visible ASCII characters".to_owned()
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<String, Faults> {
        let text = header_text(text(value)?);
        text.map_err(|found| Fault::new(found.to_owned()).into())
    }
}

/// What an API calls something: a field, a property or a table.
#[derive(Debug)]
pub(super) struct ApiName;

impl Kind for ApiName {
    type Value = String;

    fn allowed(&self) -> String {
        "a name as an API has it: 1 to 80 letters, digits and underscores".to_owned()
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<String, Faults> {
        let name = text(value)?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if name.len() > 80 || !name.bytes().all(allowed) {
            return Err(Fault::new(quote(name)).into());
        }
        Ok(name.to_owned())
    }
}

/// The events that a sink gets: names, or `*`.
#[derive(Debug)]
pub(super) struct Events;

impl Kind for Events {
    type Value = Vec<String>;

    fn allowed(&self) -> String {
        "a list of event names, or [\"*\"] for all".to_owned()
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, Faults> {
        let event = |text: &str| match text.trim() {
            "" => Err("an empty string"),
            name if name != text => Err("a name with white space around it"),
            name => Ok(name.to_owned()),
        };
        each(value, event)
    }
}

/// Scopes of Slack's.
#[derive(Debug)]
pub(super) struct Scopes;

impl Kind for Scopes {
    type Value = Vec<String>;

    fn allowed(&self) -> String {
        "a list of Slack's bot scopes, such as [\"chat:write\", \"im:history\"]".to_owned()
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, Faults> {
        let is_scope = |byte: u8| byte.is_ascii_lowercase() || b":._-".contains(&byte);
        each(value, |text| match text {
            "" => Err("an empty string"),
            text if text.bytes().all(is_scope) => Ok(text.to_owned()),
            _ => Err("a text that is no scope"),
        })
    }
}

/// One secret or several, newest first.
#[derive(Debug)]
pub(super) struct SecretList {
    allowed: &'static str,
    /// Gives the secret as it will be used, or says what is wrong without its value.
    check: fn(&str) -> Result<String, &'static str>,
}

impl SecretList {
    /// Tokens that are sent in an `Authorization` header.
    pub(super) const TOKENS: Self = Self {
        allowed: "text of visible ASCII characters, or a list of such, newest first",
        check: header_text,
    };
    /// Passwords, and keys of an HMAC, of which every byte counts.
    pub(super) const KEYS: Self = Self {
        allowed: "text, or a list of texts, newest first",
        check: key,
    };
    /// Keys of AES-256.
    pub(super) const ENCRYPTION_KEYS: Self = Self {
        allowed: "the base64 of 32 random bytes (make one with: openssl rand -base64 32), or a list of \
            such, newest first",
        check: encryption_key,
    };
    /// Secrets of [Standard Webhooks](https://www.standardwebhooks.com): base64 after `whsec_`.
    pub(super) const STANDARD_WEBHOOKS: Self = Self {
        allowed: "\"whsec_\" followed by the base64 of at least 16 bytes (24 to 64 are usual), \
            or a list of such, newest first",
        check: standard_webhooks,
    };
}

impl Kind for SecretList {
    type Value = Secrets;

    fn allowed(&self) -> String {
        self.allowed.to_owned()
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<Secrets, Faults> {
        let secrets = each(value, |text| (self.check)(text).map(SecretString::from))?;
        Secrets::from_newest_first(secrets).ok_or_else(|| Fault::new("an empty list".into()).into())
    }
}

impl Fault {
    fn new(found: String) -> Self {
        Self {
            element: None,
            found,
            did_you_mean: None,
        }
    }
}

impl From<Fault> for Faults {
    fn from(first: Fault) -> Self {
        Self {
            first,
            others: Vec::new(),
        }
    }
}

fn text<'a>(value: &'a Spanned<DeValue<'_>>) -> Result<&'a str, Faults> {
    let text = value.get_ref().as_str().filter(|text| !text.is_empty());
    text.ok_or_else(|| Fault::new(describe(value.get_ref())).into())
}

/// Reads a list of texts, or a text as a list of one; every bad element is a fault.
fn each<T, E: Into<String>>(
    value: &Spanned<DeValue<'_>>,
    read: impl Fn(&str) -> Result<T, E>,
) -> Result<Vec<T>, Faults> {
    let DeValue::Array(list) = value.get_ref() else {
        let one = read(text(value)?);
        return one
            .map(|one| vec![one])
            .map_err(|found| Fault::new(found.into()).into());
    };
    let mut values = Vec::new();
    let mut faults = Vec::new();
    for (index, element) in list.iter().enumerate() {
        let read = match element.get_ref() {
            DeValue::String(text) => read(text).map_err(Into::into),
            other => Err(describe(other)),
        };
        match read {
            Ok(value) => values.push(value),
            Err(found) => {
                let element = Some((index, element.span().start));
                faults.push(Fault {
                    element,
                    ..Fault::new(found)
                });
            }
        }
    }
    let mut faults = faults.into_iter();
    match faults.next() {
        Some(first) => Err(Faults {
            first,
            others: faults.collect(),
        }),
        None if values.is_empty() => Err(Fault::new("an empty list".to_owned()).into()),
        None => Ok(values),
    }
}
