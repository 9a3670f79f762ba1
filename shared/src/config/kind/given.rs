//! A value of the file, and what can be wrong with it.

use toml::Spanned;
use toml::de::DeValue;

use crate::config::wording::{describe, without_secrets};
use crate::template::{Check, Escape, Template};

/// A value of the file.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    value: &'a Spanned<DeValue<'a>>,
    check: Check,
}

/// What is wrong with a value: one thing, or one for each bad element of a list.
#[derive(Debug)]
pub struct Faults {
    /// The first.
    pub first: Fault,
    /// The others, if there are any.
    pub others: Vec<Fault>,
}

/// One thing that is wrong with a value.
#[derive(Debug)]
pub struct Fault {
    /// What it is about inside the value, as the path goes on (`[1]`, `.name`), with its byte offset.
    pub(in crate::config) element: Option<(String, usize)>,
    /// What was found. Never a secret.
    pub found: String,
    /// An allowed value that is close to it.
    pub did_you_mean: Option<&'static str>,
    /// What is allowed in its place, where that is not what is allowed for the whole.
    pub allowed: Option<String>,
}

impl<'a> Given<'a> {
    pub(in crate::config) fn new(value: &'a Spanned<DeValue<'a>>, check: Check) -> Self {
        Self { value, check }
    }

    /// A value inside this one.
    pub(super) fn inner(&self, value: &'a Spanned<DeValue<'a>>) -> Self {
        Self { value, ..*self }
    }

    /// The value itself.
    #[must_use]
    pub fn value(&self) -> &'a DeValue<'a> {
        self.value.get_ref()
    }

    /// That it is of a type that it must not be of.
    #[must_use]
    pub fn other(&self) -> Fault {
        Fault::new(describe(self.value()))
    }

    /// A text that is not empty.
    ///
    /// # Errors
    /// When it is none.
    pub fn text(&self) -> Result<&'a str, Faults> {
        let text = self.value().as_str().filter(|text| !text.is_empty());
        Ok(text.ok_or_else(|| self.other())?)
    }

    /// A list of texts, or a text as a list of one.
    ///
    /// # Errors
    /// When it is empty or something else, and what `read` finds of each of its elements.
    pub fn each<T, E: Into<String>>(
        &self,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Vec<T>, Faults> {
        if self.value().as_array().is_none() {
            self.text()?;
        }
        self.each_value(|value| match value.as_str() {
            Some(text) => read(text).map_err(Into::into),
            None => Err(describe(value)),
        })
    }

    /// A list of values, or a value as a list of one.
    ///
    /// # Errors
    /// When it is empty, and what `read` finds of each of its elements.
    pub fn each_value<T>(
        &self,
        read: impl Fn(&DeValue<'_>) -> Result<T, String>,
    ) -> Result<Vec<T>, Faults> {
        let Some(list) = self.value().as_array() else {
            let one = read(self.value()).map_err(Fault::new)?;
            return Ok(vec![one]);
        };
        if list.is_empty() {
            return Err(self.other().into());
        }
        let (mut values, mut faults) = (Vec::new(), Vec::new());
        for (index, element) in list.iter().enumerate() {
            match read(element.get_ref()) {
                Ok(value) => values.push(value),
                Err(found) => faults.push(Fault {
                    element: Some((format!("[{index}]"), element.span().start)),
                    ..Fault::new(found)
                }),
            }
        }
        Faults::or(faults, values)
    }

    /// A template that may use these names, and was looked at if templates are in this reading.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn template(&self, text: &str, escape: Escape, names: &[&str]) -> Result<Template, String> {
        let template = Template::new(text, escape);
        let checked = (self.check)(&template, names);
        checked.map_err(|found| without_secrets(&found))?;
        Ok(template)
    }
}

impl Fault {
    /// What was found, without its value where that may be a secret.
    #[must_use]
    pub fn new(found: impl Into<String>) -> Self {
        Self {
            element: None,
            found: found.into(),
            did_you_mean: None,
            allowed: None,
        }
    }
}

impl Faults {
    /// Some faults, or the value if there are none.
    pub(super) fn or<T>(faults: Vec<Fault>, value: T) -> Result<T, Self> {
        let mut faults = faults.into_iter();
        match faults.next() {
            Some(first) => Err(Self {
                first,
                others: faults.collect(),
            }),
            None => Ok(value),
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
