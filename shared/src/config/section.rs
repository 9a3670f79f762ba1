//! One table of the configuration while it is read: every key is asked for by name, and what
//! nobody asked for is unknown.

use std::cell::{Cell, RefCell};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Report, Reported};
use super::key_doc::KeyDoc;
use super::kind::{Fault, Faults, Given, ValueType};
use super::wording::{close_to, describe, list_of, shown};
use crate::template::Check;

/// Defaults that a type has of its own for keys that all types have: the key, and a value as it would be
/// in the file.
pub type Defaults = &'static [(&'static str, &'static str)];

/// A table of the file, with its path.
#[derive(Debug)]
pub struct Section<'a> {
    report: &'a Report,
    check: Check,
    path: String,
    /// Byte offset of the key that names the table; `None` for the file itself.
    at: Option<usize>,
    /// `None` when the file does not have it.
    table: Option<&'a DeTable<'a>>,
    /// The keys asked for so far, which are the keys that there are.
    known: RefCell<Vec<&'static str>>,
    /// What is in the place of the keys' own defaults.
    defaults: Cell<Defaults>,
}

impl<'a> Section<'a> {
    /// The whole file, in which templates are checked by `check`.
    pub(super) fn root(table: Option<&'a DeTable<'a>>, report: &'a Report, check: Check) -> Self {
        Self {
            report,
            check,
            path: String::new(),
            at: None,
            table,
            known: RefCell::default(),
            defaults: Cell::default(),
        }
    }

    /// The value of a key that must be there.
    ///
    /// # Errors
    /// When it is missing or wrong.
    pub fn required<K: ValueType>(
        &self,
        key: &'static str,
        kind: &K,
    ) -> Result<K::Value, Reported> {
        match self.optional(key, kind)? {
            Some(value) => Ok(value),
            None => Err(self.missing(key, &format!("missing; needed: {}", kind.allowed()))),
        }
    }

    /// The value of a key that may be left out.
    ///
    /// # Errors
    /// When it is wrong.
    pub fn optional<K: ValueType>(
        &self,
        key: &'static str,
        kind: &K,
    ) -> Result<Option<K::Value>, Reported> {
        self.know(key);
        let Some(value) = self.get(key) else {
            let defaults = self.defaults.get().iter();
            let mut of_type = defaults.filter(|(of, _)| *of == key);
            return Ok(of_type.next().map(|(_, text)| written(kind, text)));
        };
        match kind.read(&Given::new(value, self.check)) {
            Ok(value) => {
                for warning in kind.warnings(&value) {
                    self.warn(key, &warning);
                }
                Ok(Some(value))
            }
            Err(Faults { first, others }) => {
                let reported = self.fault(key, kind, first, value);
                for fault in others {
                    self.fault(key, kind, fault, value);
                }
                Err(reported)
            }
        }
    }

    /// The value of a key, or a default as it would be in the file.
    ///
    /// # Errors
    /// When it is wrong.
    pub fn or_default<K: ValueType>(
        &self,
        key: &'static str,
        kind: &K,
        default: &str,
    ) -> Result<K::Value, Reported> {
        let value = self.optional(key, kind)?;
        Ok(value.unwrap_or_else(|| written(kind, default)))
    }

    /// The value of a key, or what else there is.
    ///
    /// # Errors
    /// When it is wrong, or what else there is.
    pub fn or_else<K: ValueType>(
        &self,
        key: &'static str,
        kind: &K,
        other: impl FnOnce() -> Result<K::Value, Reported>,
    ) -> Result<K::Value, Reported> {
        self.optional(key, kind)?.map_or_else(other, Ok)
    }

    /// The value of a key, when it is there and good. Nothing is reported: it is read elsewhere.
    pub fn peek<K: ValueType>(&self, key: &str, kind: &K) -> Option<Result<K::Value, Faults>> {
        let value = self.get(key)?;
        Some(kind.read(&Given::new(value, self.check)))
    }

    /// The table `[key]`, which may not be there: its keys have their defaults then.
    pub(super) fn table(&self, key: &'static str) -> Result<Section<'a>, Reported> {
        self.know(key);
        match self.get(key) {
            Some(value) => self.open(key, value, &format!("a table, [{key}]")),
            None => Ok(self.below(None, join(&self.path, key), None)),
        }
    }

    /// The tables `[key.NAME]` in alphabetical order, each with its name.
    ///
    /// A name that is not allowed is reported, and its table is read all the same, so that its
    /// other errors are reported too.
    pub(super) fn named_tables(&self, key: &'static str) -> Vec<(String, Section<'a>)> {
        let allowed = format!("tables, [{key}.NAME]");
        self.know(key);
        let Some(Ok(parent)) = self.get(key).map(|value| self.open(key, value, &allowed)) else {
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (name, value) in parent.table.into_iter().flatten() {
            let at = Some(name.span().start);
            let name = name.get_ref().as_ref();
            let path = join(&parent.path, &shown(name));
            match value.get_ref() {
                DeValue::Table(table) => {
                    if !is_name(name) {
                        let message = "found a name that is not allowed; allowed: \
                            1 to 40 of a-z, 0-9 and -, not starting with -";
                        self.report.add(at, path.clone(), message.to_owned());
                    }
                    tables.push((name.to_owned(), parent.below(Some(table), path, at)));
                }
                other => {
                    let message =
                        format!("found {}; allowed: a table, [{key}.NAME]", describe(other));
                    self.report.add(at, path, message);
                }
            }
        }
        tables
    }

    /// Whether the file has this key.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Whether the file has something under this key, be it wrong.
    pub(super) fn has_content(&self, key: &str) -> bool {
        match self.get(key).map(Spanned::get_ref) {
            Some(DeValue::Table(table)) => !table.is_empty(),
            value => value.is_some(),
        }
    }

    /// Reports something about a key that isn't in the table, at the table's own position.
    pub fn missing(&self, key: &str, message: &str) -> Reported {
        self.report
            .add(self.at, join(&self.path, key), message.to_owned())
    }

    /// Reports something about a key, at its value's position, or at the table's.
    pub fn wrong(&self, key: &str, message: String) -> Reported {
        let at = self.get(key).map(|value| value.span().start).or(self.at);
        self.report.add(at, join(&self.path, key), message)
    }

    /// Warns of the value of a key; the warning follows the key's path.
    pub fn warn(&self, key: &str, warning: &str) {
        self.report.warn(join(&self.path, key) + warning);
    }

    /// Takes keys for known that are not asked for in this file.
    pub fn know_all(&self, keys: &[KeyDoc]) {
        for key in keys {
            self.know(key.key);
        }
    }

    /// Puts the defaults of a type in the place of the keys' own, for the keys that are read from now on.
    pub(super) fn set_defaults(&self, defaults: Defaults) {
        self.defaults.set(defaults);
    }

    /// Reports the keys that nobody asked for. To be called when all others have been read.
    pub(super) fn refuse_unknown_keys(&self) {
        let known = self.known.borrow();
        for (key, value) in self.table.into_iter().flatten() {
            let name = key.get_ref().as_ref();
            if known.contains(&name) {
                continue;
            }
            // The value may well be a secret under a misspelt key.
            let hint = close_to(name, known.iter().copied())
                .map(|close| format!("; did you mean {close}?"))
                .unwrap_or_default();
            self.report.add(
                Some(key.span().start),
                join(&self.path, &shown(name)),
                format!(
                    "unknown key (it holds {}){hint}; allowed: {}",
                    describe(value.get_ref()),
                    list_of(&known)
                ),
            );
        }
    }

    /// A table in this one.
    fn below(&self, table: Option<&'a DeTable<'a>>, path: String, at: Option<usize>) -> Self {
        Self {
            path,
            at,
            ..Self::root(table, self.report, self.check)
        }
    }

    fn know(&self, key: &'static str) {
        self.known.borrow_mut().push(key);
    }

    fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table?.get(key)
    }

    fn open(
        &self,
        key: &str,
        value: &'a Spanned<DeValue<'a>>,
        allowed: &str,
    ) -> Result<Section<'a>, Reported> {
        if let DeValue::Table(table) = value.get_ref() {
            let named = self.table.and_then(|table| table.get_key_value(key));
            let at = named.map(|(key, _)| key.span().start);
            return Ok(self.below(Some(table), join(&self.path, key), at));
        }
        let found = describe(value.get_ref());
        Err(self.wrong(key, format!("found {found}; allowed: {allowed}")))
    }

    fn fault<K: ValueType>(
        &self,
        key: &str,
        kind: &K,
        fault: Fault,
        value: &Spanned<DeValue<'_>>,
    ) -> Reported {
        let path = join(&self.path, key);
        let (path, at) = match fault.element {
            Some((element, at)) => (path + &element, at),
            None => (path, value.span().start),
        };
        let hint = fault.did_you_mean;
        let hint = hint
            .map(|close| format!("; did you mean {close:?}?"))
            .unwrap_or_default();
        let allowed = fault.allowed.unwrap_or_else(|| kind.allowed());
        let message = format!("found {}{hint}; allowed: {allowed}", fault.found);
        self.report.add(Some(at), path, message)
    }
}

/// The value of a text of this program, which is good. Templates of its own are not looked at.
fn written<K: ValueType>(kind: &K, text: &str) -> K::Value {
    let value = DeValue::parse(text).expect("a default is TOML");
    let given = Given::new(&value, |_, _| Ok(()));
    kind.read(&given).expect("a default is allowed")
}

/// Whether an account, a connection or a sink may have this name: it becomes part of URLs and of
/// lane names.
fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=40).contains(&name.len()) && name.bytes().all(allowed) && !name.starts_with('-')
}

/// The path of a key of this program, or of one of the file's as it may be shown.
fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
