//! What there is to say of a key: in `docs/configuration.md`, in `bridge.example.toml`, in errors.

use std::fmt::Write as _;

use super::kind::ValueType;

/// What `docs/configuration.md` says of a key, and `bridge.example.toml` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDoc {
    /// The key.
    pub key: &'static str,
    /// What it is, in Markdown.
    pub about: String,
    /// Its kind of value in a few words, in Markdown.
    pub kind: String,
    /// What is allowed, as errors say it.
    pub allowed: String,
    /// Whether its value is never shown.
    pub is_secret: bool,
    /// What holds when it is left out.
    pub otherwise: WhenMissing,
    /// What holds then of types that have a default of their own, with their names.
    pub of_types: Vec<(&'static str, Vec<&'static str>)>,
}

/// What holds when a key is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenMissing {
    /// It must not be.
    Required,
    /// A value, as it would be in the file.
    Value(&'static str),
    /// Something that is said in words, in Markdown.
    Words(&'static str),
    /// A value, as it would be in the file, that is better said in words.
    ValueInWords(&'static str, &'static str),
}

impl KeyDoc {
    /// What there is to say of a key.
    #[must_use]
    pub fn new<K: ValueType>(
        key: &'static str,
        about: &[&str],
        kind: &K,
        otherwise: WhenMissing,
    ) -> Self {
        let lines: Vec<&str> = about.iter().map(|line| line.trim()).collect();
        Self {
            key,
            about: lines.join(" "),
            kind: kind.name(),
            allowed: kind.allowed(),
            is_secret: K::SECRET,
            otherwise,
            of_types: Vec::new(),
        }
    }

    /// The same, knowing that a type has a default of its own for it.
    pub(super) fn with_default_of(&mut self, type_name: &'static str, value: &'static str) {
        match self.of_types.iter_mut().find(|(of, _)| *of == value) {
            Some((_, names)) => names.push(type_name),
            None => self.of_types.push((value, vec![type_name])),
        }
    }

    /// The row of the key in the table of `docs/configuration.md`.
    #[must_use]
    pub fn row(&self) -> String {
        let mut otherwise = match self.otherwise {
            WhenMissing::Required => "required".to_owned(),
            WhenMissing::Value(value) => format!("`{value}`"),
            WhenMissing::Words(words) | WhenMissing::ValueInWords(_, words) => words.to_owned(),
        };
        for (value, names) in &self.of_types {
            let _ = write!(otherwise, "; of `{}`: `{value}`", names.join("`, `"));
        }
        let Self {
            key, about, kind, ..
        } = self;
        format!("| `{key}` | {kind} | {otherwise} | {about} |")
    }
}
