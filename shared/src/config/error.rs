//! What is wrong with a configuration, said without its secrets.

use std::cell::RefCell;

/// Everything that is wrong with one configuration, in the order of the file.
///
/// It never holds the value of a secret, nor a line of the file, and can be logged. Printed, it is
/// a heading and one line an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// The errors, those about the whole file first, then by position. At least one.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        self.0.iter()
    }
}

impl std::fmt::Display for ConfigErrors {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.len() {
            1 => formatter.write_str("1 error in the configuration:")?,
            count => write!(formatter, "{count} errors in the configuration:")?,
        }
        for error in &self.0 {
            write!(formatter, "\n  {error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// One thing that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The key, as a path: `channels.acme.signing_secrets[1]`. Empty when the text is not
    /// TOML, which has no keys yet.
    pub path: String,
    /// Where in the file; `None` when it is about the whole file.
    pub position: Option<Position>,
    /// What was found (of a secret only its type) and what is allowed.
    pub message: String,
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(Position { line, column }) = self.position {
            write!(formatter, "line {line}, column {column}: ")?;
        }
        if !self.path.is_empty() {
            write!(formatter, "{}: ", self.path)?;
        }
        formatter.write_str(&self.message)
    }
}

/// A place in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// Collects what is wrong while the file is read.
#[derive(Debug, Default)]
pub(super) struct Report {
    findings: RefCell<Vec<Finding>>,
    warnings: RefCell<Vec<String>>,
}

/// Proof that an error was reported: there is no other way to get one, so that a value can't be missing
/// without an error that says why.
#[derive(Debug, Clone, Copy)]
pub struct Reported(());

#[derive(Debug)]
struct Finding {
    at: Option<usize>,
    path: String,
    message: String,
}

impl Report {
    /// Adds an error about `path`; `at` is its byte offset in the file.
    pub(super) fn add(&self, at: Option<usize>, path: String, message: String) -> Reported {
        let finding = Finding { at, path, message };
        self.findings.borrow_mut().push(finding);
        Reported(())
    }

    /// Adds what is allowed but probably not meant.
    pub(super) fn warn(&self, warning: String) {
        self.warnings.borrow_mut().push(warning);
    }

    /// The value with the warnings, when nothing was reported; else what was, with line and column in
    /// `text`.
    pub(super) fn conclude<T>(
        self,
        value: Result<T, Reported>,
        text: &str,
    ) -> Result<(T, Vec<String>), ConfigErrors> {
        let mut findings = self.findings.into_inner();
        if let (Ok(value), true) = (value, findings.is_empty()) {
            return Ok((value, self.warnings.into_inner()));
        }
        findings.sort_by_key(|finding| finding.at);
        let mut cursor = Cursor::new(text);
        let errors = findings.into_iter().map(|finding| ConfigError {
            path: finding.path,
            position: finding.at.map(|offset| cursor.advance(offset)),
            message: finding.message,
        });
        Err(ConfigErrors(errors.collect()))
    }
}

/// Walks a text once, turning rising byte offsets into positions.
struct Cursor<'a> {
    rest: std::iter::Peekable<std::str::CharIndices<'a>>,
    position: Position,
}

impl<'a> Cursor<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            rest: text.char_indices().peekable(),
            position: Position { line: 1, column: 1 },
        }
    }

    fn advance(&mut self, offset: usize) -> Position {
        while let Some((_, character)) = self.rest.next_if(|&(index, _)| index < offset) {
            if character == '\n' {
                self.position.line += 1;
                self.position.column = 1;
            } else {
                self.position.column += 1;
            }
        }
        self.position
    }
}
