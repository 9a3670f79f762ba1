//! What people are shown.

use toml::Spanned;
use toml::de::DeValue;

use super::{Fault, Faults, Kind, each, text};
use crate::config::wording::{describe, quote};

/// The name of an emoji, or nothing.
#[derive(Debug)]
pub(in crate::config) struct Emoji;

impl Kind for Emoji {
    type Value = String;

    fn allowed(&self) -> String {
        "the name of an emoji without colons, such as \"eyes\", or \"\" for none".to_owned()
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<String, Faults> {
        let name = value.get_ref().as_str();
        let text = name.ok_or_else(|| Fault::new(describe(value.get_ref())))?;
        let is_name = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-+'".contains(&byte)
        };
        if text.len() > 100 || !text.bytes().all(is_name) {
            return Err(Fault::new(quote(text)).into());
        }
        Ok(text.to_owned())
    }
}

/// A text that people read.
#[derive(Debug)]
pub(in crate::config) struct Text {
    /// The most characters.
    pub(in crate::config) max: usize,
}

impl Kind for Text {
    type Value = String;

    fn allowed(&self) -> String {
        format!("text of 1 to {} characters", self.max)
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<String, Faults> {
        shown_text(text(value)?, self.max).map_err(|found| Fault::new(found.to_owned()).into())
    }
}

/// Some texts that people read.
#[derive(Debug)]
pub(in crate::config) struct Texts {
    /// The most texts.
    pub(in crate::config) count: usize,
    /// The most characters of each.
    pub(in crate::config) max: usize,
}

impl Kind for Texts {
    type Value = Vec<String>;

    fn allowed(&self) -> String {
        format!(
            "a list of 1 to {} texts of 1 to {} characters",
            self.count, self.max
        )
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, Faults> {
        let texts = each(value, |text| shown_text(text, self.max))?;
        if texts.len() > self.count {
            return Err(Fault::new(format!("{} texts", texts.len())).into());
        }
        Ok(texts)
    }
}

fn shown_text(text: &str, max: usize) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("an empty string"),
        text if text.chars().count() > max => Err("a longer text"),
        text => Ok(text.to_owned()),
    }
}
