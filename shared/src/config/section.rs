//! One table of the configuration while it is read: every key is asked for by name, and what
//! nobody asked for is unknown.

use std::cell::RefCell;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Report, Reported};
use super::kind::{Fault, Kind};
use super::wording::{close_to, describe, list_of, shown};
use crate::template::Check;

/// A table of the file, with its path.
#[derive(Debug)]
pub(super) struct Section<'a> {
    report: &'a Report,
    check: Check,
    path: String,
    /// Byte offset of the key that names the table; `None` for the file itself.
    at: Option<usize>,
    table: &'a DeTable<'a>,
    /// The keys asked for so far, which are the keys that there are.
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    /// The whole file, in which templates are checked by `check`.
    pub(super) fn root(table: &'a DeTable<'a>, report: &'a Report, check: Check) -> Self {
        Self {
            report,
            check,
            path: String::new(),
            at: None,
            table,
            known: RefCell::default(),
        }
    }

    /// How templates are checked.
    pub(super) fn check(&self) -> Check {
        self.check
    }

    /// The value of a key that must be there.
    pub(super) fn required<K: Kind>(
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
    pub(super) fn optional<K: Kind>(
        &self,
        key: &'static str,
        kind: &K,
    ) -> Result<Option<K::Value>, Reported> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        kind.read(value).map(Some).map_err(|faults| {
            let mut reported = self.fault(key, kind, &faults.first, value);
            for fault in &faults.others {
                reported = self.fault(key, kind, fault, value);
            }
            reported
        })
    }

    /// The value of a key, or its default.
    pub(super) fn or<K: Kind>(
        &self,
        key: &'static str,
        kind: &K,
        default: K::Value,
    ) -> Result<K::Value, Reported> {
        Ok(self.optional(key, kind)?.unwrap_or(default))
    }

    /// The table `[key]`, or nothing when it is left out.
    pub(super) fn table(&self, key: &'static str) -> Result<Option<Section<'a>>, Reported> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        self.open(key, value, &format!("a table, [{key}]"))
            .map(Some)
    }

    /// The entries of the table `key`, whose keys are free; none when it is left out.
    pub(super) fn entries<K: Kind>(
        &self,
        key: &'static str,
        kind: &K,
    ) -> Result<Vec<(String, K::Value)>, Reported> {
        let Some(section) = self.table(key)? else {
            return Ok(Vec::new());
        };
        let mut entries = Vec::new();
        let mut bad = None;
        for (name, value) in section.table {
            let name = name.get_ref().as_ref();
            match kind.read(value) {
                Ok(read) => entries.push((name.to_owned(), read)),
                Err(faults) => {
                    bad = Some(section.fault(name, kind, &faults.first, value));
                    for fault in &faults.others {
                        bad = Some(section.fault(name, kind, fault, value));
                    }
                }
            }
        }
        bad.map_or(Ok(entries), Err)
    }

    /// The tables `[key.NAME]` in alphabetical order, each with its name.
    ///
    /// A name that is not allowed is reported, and its table is read all the same, so that its
    /// other errors are reported too.
    pub(super) fn named_tables(&self, key: &'static str) -> Vec<(String, Section<'a>)> {
        let allowed = format!("tables, [{key}.NAME]");
        let Some(Ok(parent)) = self.take(key).map(|value| self.open(key, value, &allowed)) else {
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (name, value) in parent.table {
            let at = Some(name.span().start);
            let name = name.get_ref().as_ref();
            let path = join(&parent.path, name);
            match value.get_ref() {
                DeValue::Table(table) => {
                    if !is_name(name) {
                        let message = "found a name that is not allowed; allowed: \
                            1 to 40 of a-z, 0-9 and -, not starting with -";
                        self.report.add(at, path.clone(), message.to_owned());
                    }
                    tables.push((name.to_owned(), parent.below(table, path, at)));
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
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Whether the file has something under this key, be it wrong.
    pub(super) fn has_content(&self, key: &str) -> bool {
        match self.table.get(key).map(Spanned::get_ref) {
            Some(DeValue::Table(table)) => !table.is_empty(),
            value => value.is_some(),
        }
    }

    /// Reports something about a key that isn't in the table, at the table's own position.
    pub(super) fn missing(&self, key: &str, message: &str) -> Reported {
        self.report
            .add(self.at, join(&self.path, key), message.to_owned())
    }

    /// Reports something about a key, at its value's position, or at the table's.
    pub(super) fn wrong(&self, key: &str, message: String) -> Reported {
        let at = self
            .table
            .get(key)
            .map(|value| value.span().start)
            .or(self.at);
        self.report.add(at, join(&self.path, key), message)
    }

    /// Reports the keys that nobody asked for. To be called when all others have been read.
    pub(super) fn refuse_unknown_keys(&self) {
        let known = self.known.borrow();
        for (key, value) in self.table {
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
                join(&self.path, name),
                format!(
                    "unknown key (it holds {}){hint}; allowed: {}",
                    describe(value.get_ref()),
                    list_of(&known)
                ),
            );
        }
    }

    /// A table in this one.
    fn below(&self, table: &'a DeTable<'a>, path: String, at: Option<usize>) -> Self {
        Self {
            path,
            at,
            ..Self::root(table, self.report, self.check)
        }
    }

    fn take(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.known.borrow_mut().push(key);
        self.table.get(key)
    }

    fn open(
        &self,
        key: &str,
        value: &'a Spanned<DeValue<'a>>,
        allowed: &str,
    ) -> Result<Section<'a>, Reported> {
        if let DeValue::Table(table) = value.get_ref() {
            let at = self
                .table
                .get_key_value(key)
                .map(|(key, _)| key.span().start);
            return Ok(self.below(table, join(&self.path, key), at));
        }
        let found = describe(value.get_ref());
        Err(self.wrong(key, format!("found {found}; allowed: {allowed}")))
    }

    fn fault<K: Kind>(
        &self,
        key: &str,
        kind: &K,
        fault: &Fault,
        value: &Spanned<DeValue<'_>>,
    ) -> Reported {
        let mut path = join(&self.path, key);
        if let Some((index, _)) = fault.element {
            path = format!("{path}[{index}]");
        }
        let at = fault.element.map_or(value.span().start, |(_, at)| at);
        let hint = fault.did_you_mean.as_ref();
        let hint = hint
            .map(|close| format!("; did you mean {close:?}?"))
            .unwrap_or_default();
        let message = format!("found {}{hint}; allowed: {}", fault.found, kind.allowed());
        self.report.add(Some(at), path, message)
    }
}

/// Whether an account, a connection or a sink may have this name: it becomes part of URLs and of
/// lane names.
fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=40).contains(&name.len()) && name.bytes().all(allowed) && !name.starts_with('-')
}

fn join(path: &str, key: &str) -> String {
    let key = shown(key);
    if path.is_empty() {
        key
    } else {
        format!("{path}.{key}")
    }
}
