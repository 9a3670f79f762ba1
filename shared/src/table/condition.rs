//! What has to hold of an item before it is written.

use std::borrow::Cow;
use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// A condition. An attribute inside another is named by its path: `handoff.ended`.
#[derive(Debug, Clone)]
pub struct Condition(Clause);

#[derive(Debug, Clone)]
enum Clause {
    Absent(&'static str),
    Present(&'static str),
    Compared(Cow<'static, str>, &'static str, AttributeValue),
    Both(Box<(Condition, Condition)>),
    Either(Box<(Condition, Condition)>),
}

/// The attribute is not there; of `pk`, the item is not.
#[must_use]
pub fn absent(path: &'static str) -> Condition {
    Condition(Clause::Absent(path))
}

/// The attribute is there; of `pk`, the item is.
#[must_use]
pub fn present(path: &'static str) -> Condition {
    Condition(Clause::Present(path))
}

/// The attribute is there and has this value.
#[must_use]
pub fn equals(path: impl Into<Cow<'static, str>>, value: AttributeValue) -> Condition {
    Condition(Clause::Compared(path.into(), "=", value))
}

/// The attribute is there and is less than this value.
#[must_use]
pub fn below(path: &'static str, value: AttributeValue) -> Condition {
    Condition(Clause::Compared(path.into(), "<", value))
}

/// The attribute is there and is more than this value.
#[must_use]
pub fn above(path: &'static str, value: AttributeValue) -> Condition {
    Condition(Clause::Compared(path.into(), ">", value))
}

/// The attribute is there and is not less than this value.
#[must_use]
pub fn at_least(path: &'static str, value: AttributeValue) -> Condition {
    Condition(Clause::Compared(path.into(), ">=", value))
}

/// The attribute is there and is not more than this value.
#[must_use]
pub fn at_most(path: &'static str, value: AttributeValue) -> Condition {
    Condition(Clause::Compared(path.into(), "<=", value))
}

impl Condition {
    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(Clause::Both(Box::new((self, other))))
    }

    /// One of them holds.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(Clause::Either(Box::new((self, other))))
    }

    pub(super) fn expression(self, placeholders: &mut Placeholders) -> String {
        match self.0 {
            Clause::Absent(path) => format!("attribute_not_exists({})", placeholders.name(path)),
            Clause::Present(path) => format!("attribute_exists({})", placeholders.name(path)),
            Clause::Compared(path, operator, value) => {
                let value = placeholders.value(value);
                format!("{} {operator} {value}", placeholders.name(&path))
            }
            Clause::Both(both) => {
                let (left, right) = *both;
                let left = left.expression(placeholders);
                format!("({left}) AND ({})", right.expression(placeholders))
            }
            Clause::Either(either) => {
                let (left, right) = *either;
                let left = left.expression(placeholders);
                format!("({left}) OR ({})", right.expression(placeholders))
            }
        }
    }
}

/// What stands in an expression for the names and values of attributes: a name may be one of DynamoDB's
/// reserved words, and a value may be anything.
#[derive(Debug, Default)]
pub(super) struct Placeholders {
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Placeholders {
    pub(super) fn name(&mut self, path: &str) -> String {
        let mut placeholders = Vec::new();
        for name in path.split('.') {
            let placeholder = format!("#{name}");
            self.names.insert(placeholder.clone(), name.to_owned());
            placeholders.push(placeholder);
        }
        placeholders.join(".")
    }

    pub(super) fn value(&mut self, value: AttributeValue) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        placeholder
    }

    /// The names; DynamoDB refuses an empty map.
    pub(super) fn names(&self) -> Option<HashMap<String, String>> {
        Some(self.names.clone()).filter(|names| !names.is_empty())
    }

    /// The values; DynamoDB refuses an empty map.
    pub(super) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        Some(self.values.clone()).filter(|values| !values.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::number;

    #[test]
    fn conditions_nest_and_every_name_and_value_has_a_placeholder() {
        let mut placeholders = Placeholders::default();
        let condition =
            equals("handoff.id", number(1)).and(absent("handoff.ended").or(below("at", number(2))));
        assert_eq!(
            condition.expression(&mut placeholders),
            "(#handoff.#id = :v0) AND ((attribute_not_exists(#handoff.#ended)) OR (#at < :v1))"
        );
        let names = placeholders.names().expect("names");
        assert_eq!(names.len(), 4);
        assert_eq!(names["#ended"], "ended");
        assert_eq!(placeholders.values().expect("values")[":v1"], number(2));
        assert_eq!(Placeholders::default().names(), None);
        assert_eq!(Placeholders::default().values(), None);
    }
}
