//! The kinds of values that sinks have: templates, and what APIs call things.

use serde_json::Value;

use crate::context::NAMES;
use haptik_bridge_shared::config::kind::{DeValue, Fault, Faults, Given, TextOf, ValueType, quote};
use haptik_bridge_shared::config::{Escape, Template};

/// A template of plain text over an event's values.
#[derive(Debug)]
pub struct Filled;

impl ValueType for Filled {
    type Value = Template;

    fn name(&self) -> String {
        "template".to_owned()
    }

    fn allowed(&self) -> String {
        format!("a template over {}", NAMES.join(", "))
    }

    fn read(&self, given: &Given<'_>) -> Result<Template, Faults> {
        // An empty text is one that says nothing, on purpose.
        let text = given.value().as_str().ok_or_else(|| given.other())?;
        let template = given.template(text, Escape::Text, &NAMES);
        Ok(template.map_err(Fault::new)?)
    }
}

/// Some templates.
#[derive(Debug)]
pub struct FilledList;

impl ValueType for FilledList {
    type Value = Vec<Template>;

    fn name(&self) -> String {
        "list of templates".to_owned()
    }

    fn allowed(&self) -> String {
        format!("a list of templates over {}", NAMES.join(", "))
    }

    fn read(&self, given: &Given<'_>) -> Result<Vec<Template>, Faults> {
        match given.value() {
            DeValue::Array(list) if list.is_empty() => Ok(Vec::new()),
            _ => given.each(|text| given.template(text, Escape::Text, &NAMES)),
        }
    }
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue {
    /// A template; one that is an expression and nothing else keeps the type of its value.
    Template(Template),
    /// A number, `true` or `false`, as it is.
    Fixed(Value),
}

/// The value of a field: a template, a number, `true` or `false`.
#[derive(Debug)]
pub struct FilledField;

impl ValueType for FilledField {
    type Value = FieldValue;

    fn name(&self) -> String {
        "template or value".to_owned()
    }

    fn allowed(&self) -> String {
        format!(
            "a number, true, false, or a template over {}",
            NAMES.join(", ")
        )
    }

    fn read(&self, given: &Given<'_>) -> Result<FieldValue, Faults> {
        let other = || given.other();
        Ok(match given.value() {
            DeValue::String(_) => FieldValue::Template(Filled.read(given)?),
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

/// A template of a part of a request, which may use secrets.
#[derive(Debug)]
pub struct FilledRequest {
    escape: Escape,
    /// Whether it begins with a scheme and a host.
    is_url: bool,
}

impl FilledRequest {
    /// The URL.
    pub const URL: Self = Self {
        escape: Escape::Url,
        is_url: true,
    };
    /// The value of a header.
    pub const HEADER: Self = Self {
        escape: Escape::Text,
        is_url: false,
    };
    /// A body; how its values are written depends on its type.
    pub const BODY: Self = Self {
        escape: Escape::Json,
        is_url: false,
    };
}

impl ValueType for FilledRequest {
    type Value = Template;

    fn name(&self) -> String {
        "template".to_owned()
    }

    fn allowed(&self) -> String {
        let what = if self.is_url {
            "a template that begins with the scheme and host of an http or https URL and a slash, "
        } else {
            "a template "
        };
        format!("{what}over secrets, {}", NAMES.join(", "))
    }

    fn read(&self, given: &Given<'_>) -> Result<Template, Faults> {
        let text = given.text()?;
        if self.is_url {
            let written = text.split('{').next().unwrap_or_default();
            let host = ["https://", "http://"]
                .iter()
                .find_map(|scheme| written.strip_prefix(scheme))
                .and_then(|rest| rest.split_once('/'));
            if host.is_none_or(|(host, _)| host.is_empty() || host.contains('@')) {
                return Err(Fault::new("a URL whose host is not written out").into());
            }
        }
        let names: Vec<&str> = NAMES.iter().copied().chain(["secrets"]).collect();
        let template = given.template(text, self.escape, &names);
        Ok(template.map_err(Fault::new)?)
    }
}

/// What an API calls something: a field, a property or a table.
pub const API_NAME: TextOf = TextOf {
    name: "name",
    allowed: "a name as an API has it: 1 to 80 letters, digits and underscores",
    check: |name| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if name.len() > 80 || !name.bytes().all(allowed) {
            return Err(quote(name));
        }
        Ok(())
    },
};
