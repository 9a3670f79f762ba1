//! Texts.

use super::{Fault, Faults, Given, ValueType};

/// A text of some form.
#[derive(Debug)]
pub struct TextOf {
    /// What it is in a few words.
    pub name: &'static str,
    /// What is allowed.
    pub allowed: &'static str,
    /// Says what was found instead. Never a secret.
    pub check: fn(&str) -> Result<(), String>,
}

impl TextOf {
    /// A value that travels in an HTTP header beside a secret, and isn't printed in errors.
    pub const HEADER: Self = Self {
        name: "text",
        allowed: "text of visible ASCII characters",
        check: |text| header_text(text).map(drop).map_err(str::to_owned),
    };
    /// The name with which somebody logs in: text that is not secret.
    pub const USER_NAME: Self = Self {
        name: "text",
        allowed: "text without white space, control characters and colons",
        check: |name| {
            let odd = |character: char| {
                character.is_whitespace() || character.is_control() || character == ':'
            };
            if name.contains(odd) {
                let found = "text with white space, control characters or colons in it";
                return Err(found.to_owned());
            }
            if is_placeholder(name) {
                return Err("a placeholder".to_owned());
            }
            Ok(())
        },
    };
}

impl ValueType for TextOf {
    type Value = String;

    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn allowed(&self) -> String {
        self.allowed.to_owned()
    }

    fn read(&self, given: &Given<'_>) -> Result<String, Faults> {
        let text = given.text()?;
        (self.check)(text).map_err(Fault::new)?;
        Ok(text.to_owned())
    }

    fn warnings(&self, text: &String) -> Vec<String> {
        let is_example = text.starts_with("example-");
        is_example
            .then(|| EXAMPLE_TEXT.to_owned())
            .into_iter()
            .collect()
    }
}

/// How a warning ends that is of a text which is still that of the example.
pub const EXAMPLE_TEXT: &str = " is still the one of bridge.example.toml; put your own there";

/// A text that people read.
#[derive(Debug)]
pub struct Text {
    /// The most characters.
    pub max: usize,
}

impl ValueType for Text {
    type Value = String;

    fn name(&self) -> String {
        "text".to_owned()
    }

    fn allowed(&self) -> String {
        format!("text of 1 to {} characters", self.max)
    }

    fn read(&self, given: &Given<'_>) -> Result<String, Faults> {
        Ok(shown_text(given.text()?, self.max).map_err(Fault::new)?)
    }
}

/// Some texts that people read.
#[derive(Debug)]
pub struct Texts {
    /// The most texts.
    pub count: usize,
    /// The most characters of each.
    pub max: usize,
}

impl ValueType for Texts {
    type Value = Vec<String>;

    fn name(&self) -> String {
        "list of texts".to_owned()
    }

    fn allowed(&self) -> String {
        format!(
            "a list of 1 to {} texts of 1 to {} characters",
            self.count, self.max
        )
    }

    fn read(&self, given: &Given<'_>) -> Result<Vec<String>, Faults> {
        let texts = given.each(|text| shown_text(text, self.max))?;
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

/// A text of visible ASCII characters that somebody has filled in.
pub(super) fn header_text(text: &str) -> Result<String, &'static str> {
    let text = filled_in(text)?;
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text)
    } else {
        Err("text with white space, control or non-ASCII characters in it")
    }
}

/// A text that somebody has filled in.
pub(super) fn filled_in(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() {
        Err("an empty string")
    } else if is_placeholder(text) {
        Err("a placeholder")
    } else {
        Ok(text.to_owned())
    }
}

/// Whether somebody has still to fill this in.
pub(super) fn is_placeholder(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    let end = text.find(|character: char| !character.is_ascii_lowercase());
    let after_scheme = ["https://", "http://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    // As secrets begin whose kind can be seen: `xxxx-…`, `xxxxx_…`.
    let after_prefix = end
        .filter(|end| (1..=8).contains(end))
        .and_then(|end| text.get(end..))
        .and_then(|rest| rest.strip_prefix(['-', '_']));
    [Some(text.as_str()), after_scheme, after_prefix]
        .into_iter()
        .flatten()
        .any(is_filler)
}

fn is_filler(value: &str) -> bool {
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
    value.contains('…') || value.is_empty() || wrapped || filler || word || letters == "todo"
}
