//! The kinds of values that the configuration has: what is allowed, and how it is read.

mod events;
mod forms;
mod given;
mod mask;
mod secret;
mod text;
mod url;

use std::fmt;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeInteger;

pub(super) use events::Events;
pub(super) use forms::FormsTable;
pub use forms::{Forms, RequiredFields, Submit};
pub use given::{Fault, Faults, Given};
pub(super) use mask::Mask;
pub use mask::MaskedField;
pub use secret::{EXAMPLE, NewestSecret, SecretList, probably_not_meant};
pub use text::{EXAMPLE_TEXT, Text, TextOf, Texts};
pub use url::{BaseUrl, FullUrl};

pub use super::wording::quote;
use super::wording::{close_to, describe, list_of, number, shown};
pub use toml::de::DeValue;

/// A kind of value.
pub trait ValueType {
    /// What a good value is read as.
    type Value: fmt::Debug;

    /// Whether values are secrets.
    const SECRET: bool = false;

    /// What it is in a few words, in Markdown, for `docs/configuration.md`.
    fn name(&self) -> String;

    /// What is allowed, to follow "allowed: " in an error.
    fn allowed(&self) -> String;

    /// Reads a value.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    fn read(&self, given: &Given<'_>) -> Result<Self::Value, Faults>;

    /// What is allowed but probably not meant, each to follow the path of the key. Never a secret.
    fn warnings(&self, _: &Self::Value) -> Vec<String> {
        Vec::new()
    }

    /// Shows a value in the `Debug` of the configuration, without what is secret of it.
    ///
    /// # Errors
    /// Those of the formatter.
    fn show(&self, value: &Self::Value, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(value, formatter)
    }
}

/// A value as its kind shows it.
pub struct Shown<'a, K: ValueType>(pub &'a K, pub &'a K::Value);

impl<K: ValueType> fmt::Debug for Shown<'_, K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show(self.1, formatter)
    }
}

/// One of a few words.
#[derive(Debug)]
pub struct OneOf<T: 'static> {
    /// The words, and what each is read as.
    pub words: &'static [(&'static str, T)],
}

impl<T: Clone + fmt::Debug> ValueType for OneOf<T> {
    type Value = T;

    fn name(&self) -> String {
        let words: Vec<_> = self.words.iter().map(|(word, _)| *word).collect();
        either_in_markdown(&words)
    }

    fn allowed(&self) -> String {
        either(self.words.iter().map(|(word, _)| *word))
    }

    fn read(&self, given: &Given<'_>) -> Result<T, Faults> {
        let text = given.text()?;
        let found = self.words.iter().find(|(word, _)| *word == text);
        let words = self.words.iter().map(|(word, _)| *word);
        found
            .map(|(_, value)| value.clone())
            .ok_or_else(|| misspelt(text, words))
    }
}

/// One of the types that there are; what is read is its place among them.
#[derive(Debug)]
pub(super) struct TypeName {
    /// Their names.
    pub(super) names: Vec<&'static str>,
    /// What they are types of.
    pub(super) of: &'static str,
}

impl ValueType for TypeName {
    type Value = usize;

    /// A new type changes nothing in what stands above it.
    fn name(&self) -> String {
        "one of the types below".to_owned()
    }

    fn allowed(&self) -> String {
        let names = either(self.names.iter().copied());
        format!("{names} (the {} of this version)", self.of)
    }

    fn read(&self, given: &Given<'_>) -> Result<usize, Faults> {
        let text = given.text()?;
        let found = self.names.iter().position(|name| *name == text);
        found.ok_or_else(|| misspelt(text, self.names.iter().copied()))
    }
}

fn either(words: impl Iterator<Item = &'static str>) -> String {
    let words: Vec<_> = words.map(|word| format!("{word:?}")).collect();
    words.join(" or ")
}

fn either_in_markdown(words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("`{word:?}`")).collect();
    match words.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", list_of(others)),
        _ => words.concat(),
    }
}

fn misspelt(text: &str, words: impl Iterator<Item = &'static str>) -> Faults {
    let mut fault = Fault::new(quote(text));
    fault.did_you_mean = close_to(text, words);
    fault.into()
}

/// `true` or `false`.
#[derive(Debug)]
pub struct Flag;

impl ValueType for Flag {
    type Value = bool;

    fn name(&self) -> String {
        "`true` or `false`".to_owned()
    }

    fn allowed(&self) -> String {
        "true or false, without quotes".to_owned()
    }

    fn read(&self, given: &Given<'_>) -> Result<bool, Faults> {
        let flag = given.value().as_bool();
        Ok(flag.ok_or_else(|| given.other())?)
    }
}

/// A whole number.
#[derive(Debug)]
pub struct Whole<T> {
    /// The lowest.
    pub min: T,
    /// The highest.
    pub max: T,
    /// What it is a number of, as in " of seconds".
    pub of: &'static str,
}

impl Whole<u64> {
    /// A number that names something; TOML's integers end here.
    pub const ID: Self = Self {
        min: 0,
        max: i64::MAX.unsigned_abs(),
        of: "",
    };
}

impl<T: Copy + Ord + fmt::Display + fmt::Debug + TryFrom<u64> + Into<u64>> ValueType for Whole<T> {
    type Value = T;

    fn name(&self) -> String {
        let (min, max) = (self.min, self.max);
        if max.into() == Whole::ID.max {
            format!("whole number from {min}")
        } else {
            format!("whole number from {min} to {max}")
        }
    }

    fn allowed(&self) -> String {
        let Self { min, max, of } = self;
        format!("a whole number{of} without quotes, from {min} to {max}")
    }

    fn read(&self, given: &Given<'_>) -> Result<T, Faults> {
        let DeValue::Integer(integer) = given.value() else {
            return Err(given.other().into());
        };
        let value = self.of(integer);
        value.ok_or_else(|| Fault::new(number(&integer.to_string())).into())
    }
}

impl<T: Copy + Ord + TryFrom<u64>> Whole<T> {
    /// The number, where it is in the range.
    fn of(&self, integer: &DeInteger<'_>) -> Option<T> {
        let value = u64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let value = value.and_then(|value| T::try_from(value).ok());
        value.filter(|value| (self.min..=self.max).contains(value))
    }
}

/// A whole number or several.
#[derive(Debug)]
pub struct WholeList {
    /// Each of them.
    pub each: Whole<u64>,
    /// The most.
    pub count: usize,
}

impl WholeList {
    /// Numbers that name something.
    pub const IDS: Self = Self {
        each: Whole::ID,
        count: 100,
    };
}

impl ValueType for WholeList {
    type Value = Vec<u64>;

    fn name(&self) -> String {
        "list of whole numbers".to_owned()
    }

    fn allowed(&self) -> String {
        let Self { each, count } = self;
        format!("{}, or a list of 1 to {count} such", each.allowed())
    }

    fn read(&self, given: &Given<'_>) -> Result<Vec<u64>, Faults> {
        let numbers = given.each_value(|value| match value {
            DeValue::Integer(integer) => {
                let found = || number(&integer.to_string());
                self.each.of(integer).ok_or_else(found)
            }
            other => Err(describe(other)),
        })?;
        if numbers.len() > self.count {
            return Err(Fault::new(format!("{} numbers", numbers.len())).into());
        }
        Ok(numbers)
    }
}

/// A small number of milliseconds.
#[derive(Debug)]
pub struct Milliseconds {
    /// The most.
    pub max: u64,
}

impl Milliseconds {
    fn whole(&self) -> Whole<u64> {
        Whole {
            max: self.max,
            ..Whole::ID
        }
    }
}

impl ValueType for Milliseconds {
    type Value = Duration;

    fn name(&self) -> String {
        self.whole().name()
    }

    fn allowed(&self) -> String {
        self.whole().allowed()
    }

    fn read(&self, given: &Given<'_>) -> Result<Duration, Faults> {
        self.whole().read(given).map(Duration::from_millis)
    }
}

/// A duration in words, such as `24h` or `1h 30m`.
#[derive(Debug)]
pub struct DurationRange {
    /// The shortest, in words.
    pub min: &'static str,
    /// The longest, in words.
    pub max: &'static str,
    /// One between the two.
    pub example: &'static str,
    /// What else must hold.
    pub note: &'static str,
}

impl ValueType for DurationRange {
    type Value = Duration;

    fn name(&self) -> String {
        format!("duration from `{}` to `{}`", self.min, self.max)
    }

    fn allowed(&self) -> String {
        let Self {
            min,
            max,
            example,
            note,
        } = self;
        format!("a duration such as {example:?}, from {min:?} to {max:?}{note}")
    }

    fn read(&self, given: &Given<'_>) -> Result<Duration, Faults> {
        let text = given.text()?;
        let duration = |text| humantime::parse_duration(text).ok();
        let within = |found| duration(self.min) <= Some(found) && Some(found) <= duration(self.max);
        let found = Some(text).filter(|text| text.is_ascii());
        let found = found.and_then(duration).filter(|found| within(*found));
        found.ok_or_else(|| Fault::new(quote(text)).into())
    }
}

/// As [`DurationRange`], or the word `never`.
#[derive(Debug)]
pub struct DurationOrNever(pub DurationRange);

impl ValueType for DurationOrNever {
    type Value = Option<Duration>;

    fn name(&self) -> String {
        format!("{}, or `\"never\"`", self.0.name())
    }

    fn allowed(&self) -> String {
        format!("{}, or \"never\"", self.0.allowed())
    }

    fn read(&self, given: &Given<'_>) -> Result<Self::Value, Faults> {
        if given.text()? == "never" {
            return Ok(None);
        }
        self.0.read(given).map(Some)
    }
}

/// What a value may be: a text, a number, `true` or `false`, or a list of such. All are read as text.
#[derive(Debug)]
pub struct ValueList;

impl ValueType for ValueList {
    type Value = Vec<String>;

    fn name(&self) -> String {
        "value or list".to_owned()
    }

    fn allowed(&self) -> String {
        "a text, a number, true or false, or a list of such".to_owned()
    }

    fn read(&self, given: &Given<'_>) -> Result<Vec<String>, Faults> {
        given.each_value(|value| match value {
            DeValue::String(text) => Ok(text.to_string()),
            DeValue::Boolean(flag) => Ok(flag.to_string()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map(|number| number.to_string())
                .map_err(|_| "a number that is too large".to_owned()),
            DeValue::Float(number) => Ok(number.as_str().to_owned()),
            other => Err(describe(other)),
        })
    }
}

/// A table whose keys are free.
#[derive(Debug)]
pub struct TableOf<K>(
    /// The kind of its values.
    pub K,
);

impl<K: ValueType> ValueType for TableOf<K> {
    type Value = Vec<(String, K::Value)>;

    const SECRET: bool = K::SECRET;

    fn name(&self) -> String {
        "table".to_owned()
    }

    fn allowed(&self) -> String {
        "a table".to_owned()
    }

    fn read(&self, given: &Given<'_>) -> Result<Self::Value, Faults> {
        let table = given.value().as_table().ok_or_else(|| given.other())?;
        let (mut values, mut faults) = (Vec::new(), Vec::new());
        for (name, value) in table {
            let name = name.get_ref().as_ref();
            match self.0.read(&given.inner(value)) {
                Ok(value) => values.push((name.to_owned(), value)),
                Err(wrong) => {
                    let wrong = std::iter::once(wrong.first).chain(wrong.others);
                    faults.extend(wrong.map(|fault| self.below(name, fault, value)));
                }
            }
        }
        Faults::or(faults, values)
    }

    fn warnings(&self, values: &Self::Value) -> Vec<String> {
        let warnings = values.iter().flat_map(|(name, value)| {
            let warnings = self.0.warnings(value).into_iter();
            warnings.map(move |warning| format!(".{}{warning}", shown(name)))
        });
        warnings.collect()
    }

    fn show(&self, values: &Self::Value, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = values.iter();
        let shown = values.map(|(name, value)| (shown(name), Shown(&self.0, value)));
        formatter.debug_map().entries(shown).finish()
    }
}

impl<K: ValueType> TableOf<K> {
    /// What is wrong with a value, as of the table.
    fn below(&self, name: &str, fault: Fault, value: &Spanned<DeValue<'_>>) -> Fault {
        let (element, at) = fault.element.unwrap_or((String::new(), value.span().start));
        Fault {
            element: Some((format!(".{}{element}", shown(name)), at)),
            allowed: fault.allowed.or_else(|| Some(self.0.allowed())),
            ..fault
        }
    }
}
