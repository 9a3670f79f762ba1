//! Templates, and lists of values.

use serde_json::Value;
use toml::Spanned;
use toml::de::DeValue;

use super::{Fault, Faults, Kind, Whole, each, text};
use crate::config::FieldValue;
use crate::config::wording::describe;
use crate::template::context::NAMES;
use crate::template::{Check, Escape, Template};

/// A template of plain text over an event's values.
#[derive(Debug)]
pub(in crate::config) struct Filled(pub(in crate::config) Check);

impl Kind for Filled {
    type Value = Template;

    fn allowed(&self) -> String {
        format!("a template over {}", NAMES.join(", "))
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<Template, Faults> {
        // An empty text is one that says nothing, on purpose.
        let text = value.get_ref().as_str();
        let text = text.ok_or_else(|| Fault::new(describe(value.get_ref())))?;
        Ok(checked(self.0, text, Escape::Text, &NAMES).map_err(Fault::new)?)
    }
}

/// A template that has been looked at.
fn checked(check: Check, text: &str, escape: Escape, names: &[&str]) -> Result<Template, String> {
    let template = Template::new(text, escape);
    check(&template, names)?;
    Ok(template)
}

/// A template of a part of a request, which may use secrets.
#[derive(Debug)]
pub(in crate::config) struct FilledRequest {
    escape: Escape,
    /// Whether it begins with a scheme and a host.
    is_url: bool,
    check: Check,
}

impl FilledRequest {
    /// The URL.
    pub(in crate::config) fn url(check: Check) -> Self {
        Self {
            is_url: true,
            ..Self::part(Escape::Url, check)
        }
    }

    /// The value of a header, or a body.
    pub(in crate::config) fn part(escape: Escape, check: Check) -> Self {
        Self {
            escape,
            is_url: false,
            check,
        }
    }
}

impl Kind for FilledRequest {
    type Value = Template;

    fn allowed(&self) -> String {
        let what = if self.is_url {
            "a template that begins with the scheme and host of an http or https URL and a slash, "
        } else {
            "a template "
        };
        format!("{what}over secrets, {}", NAMES.join(", "))
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<Template, Faults> {
        let text = text(value)?;
        if self.is_url {
            let written = text.split('{').next().unwrap_or_default();
            let host = ["https://", "http://"]
                .iter()
                .find_map(|scheme| written.strip_prefix(scheme))
                .and_then(|rest| rest.split_once('/'));
            if host.is_none_or(|(host, _)| host.is_empty() || host.contains('@')) {
                return Err(Fault::new("a URL whose host is not written out".to_owned()).into());
            }
        }
        let names: Vec<&str> = NAMES.iter().copied().chain(["secrets"]).collect();
        Ok(checked(self.check, text, self.escape, &names).map_err(Fault::new)?)
    }
}

/// Some HTTP statuses.
#[derive(Debug)]
pub(in crate::config) struct Statuses;

impl Kind for Statuses {
    type Value = Vec<u16>;

    fn allowed(&self) -> String {
        "a list of HTTP statuses from 400 to 499 without 401, 403 and 429".to_owned()
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<Vec<u16>, Faults> {
        let read = |text: String| match text.parse() {
            Ok(status @ 400..=499) if ![401, 403, 429].contains(&status) => Ok(status),
            _ => Err(Fault::new(crate::config::wording::quote(&text)).into()),
        };
        let statuses = ValueList.read(value)?.into_iter();
        statuses.map(read).collect()
    }
}

/// Some templates.
#[derive(Debug)]
pub(in crate::config) struct FilledList(pub(in crate::config) Check);

impl Kind for FilledList {
    type Value = Vec<Template>;

    fn allowed(&self) -> String {
        format!("a list of templates over {}", NAMES.join(", "))
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<Vec<Template>, Faults> {
        if value
            .get_ref()
            .as_array()
            .is_some_and(|list| list.is_empty())
        {
            return Ok(Vec::new());
        }
        each(value, |text| checked(self.0, text, Escape::Text, &NAMES))
    }
}

/// The value of a field: a template, a number, `true` or `false`.
#[derive(Debug)]
pub(in crate::config) struct FilledField(pub(in crate::config) Check);

impl Kind for FilledField {
    type Value = FieldValue;

    fn allowed(&self) -> String {
        format!(
            "a number, true, false, or a template over {}",
            NAMES.join(", ")
        )
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<FieldValue, Faults> {
        let other = || Fault::new(describe(value.get_ref()));
        Ok(match value.get_ref() {
            DeValue::String(_) => FieldValue::Template(Filled(self.0).read(value)?),
            DeValue::Boolean(flag) => FieldValue::Fixed((*flag).into()),
            DeValue::Integer(number) => {
                let number = i64::from_str_radix(number.as_str(), number.radix());
                FieldValue::Fixed(number.map_err(|_| other())?.into())
            }
            DeValue::Float(number) => {
                let number: f64 = number.as_str().parse().map_err(|_| other())?;
                let number = serde_json::Number::from_f64(number);
                FieldValue::Fixed(Value::Number(number.ok_or_else(other)?))
            }
            _ => return Err(other().into()),
        })
    }
}

/// What a value may be: a text, a number, `true` or `false`, or a list of such.
#[derive(Debug)]
pub(in crate::config) struct ValueList;

impl Kind for ValueList {
    type Value = Vec<String>;

    fn allowed(&self) -> String {
        "a text, a number, true or false, or a list of such".to_owned()
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, Faults> {
        let one = |value: &Spanned<DeValue<'_>>| match value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            DeValue::Boolean(flag) => Ok(flag.to_string()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map(|number| number.to_string())
                .map_err(|_| "a number that is too large".to_owned()),
            DeValue::Float(number) => Ok(number.as_str().to_owned()),
            other => Err(describe(other)),
        };
        let Some(list) = value.get_ref().as_array() else {
            return Ok(vec![one(value).map_err(Fault::new)?]);
        };
        if list.is_empty() {
            return Err(Fault::new("an empty list".to_owned()).into());
        }
        let mut values = Vec::new();
        for (index, element) in list.iter().enumerate() {
            values.push(one(element).map_err(|found| Fault {
                element: Some((index, element.span().start)),
                ..Fault::new(found)
            })?);
        }
        Ok(values)
    }
}

/// The name with which somebody logs in: text that is not secret.
#[derive(Debug)]
pub(in crate::config) struct UserName;

impl Kind for UserName {
    type Value = String;

    fn allowed(&self) -> String {
        "text without white space, control characters and colons".to_owned()
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<String, Faults> {
        let name = text(value)?;
        let odd = |character: char| {
            character.is_whitespace() || character.is_control() || character == ':'
        };
        if name.contains(odd) {
            let found = "text with white space, control characters or colons in it";
            return Err(Fault::new(found.to_owned()).into());
        }
        if super::texts::is_placeholder(name) {
            return Err(Fault::new("a placeholder".to_owned()).into());
        }
        Ok(name.to_owned())
    }
}

/// How often something may be done in a second.
#[derive(Debug)]
pub(in crate::config) struct Rate {
    /// The most.
    pub(in crate::config) max: u64,
}

impl Kind for Rate {
    type Value = u64;

    fn allowed(&self) -> String {
        format!("a whole number without quotes, from 1 to {}", self.max)
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<u64, Faults> {
        match (Whole { max: self.max }).read(value)? {
            0 => Err(Fault::new("0".to_owned()).into()),
            rate => Ok(rate),
        }
    }
}
