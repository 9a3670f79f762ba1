//! That an item of one person names another: what was tapped may have been a message for another, and says whom. The
//! other's id is taken out when the other is forgotten; the rest of the item is left as it is.

use aws_sdk_dynamodb::types::AttributeValue;
use haptik_bridge_channels::callback::{without_users, written_as};
use haptik_bridge_shared::table::{Item, Table, TableError, equals};
use serde_json::Value;

use super::Person;

/// The parts of an item's key.
const KEY: [&str; 2] = ["pk", "sk"];

/// How items name a person.
#[derive(Debug)]
pub(super) struct Names(Vec<String>);

impl Names {
    pub(super) fn of(person: &Person) -> Self {
        Self(person.auth_ids.iter().flat_map(written_as).collect())
    }

    /// Whether an item may name the person: a look at its texts, and nothing is parsed.
    pub(super) fn may_be_in(&self, item: &Item) -> bool {
        let values = item
            .iter()
            .filter(|(name, _)| !KEY.contains(&name.as_str()));
        values
            .into_iter()
            .any(|(_, value)| self.may_be_in_value(value))
    }

    fn may_be_in_value(&self, value: &AttributeValue) -> bool {
        match value {
            AttributeValue::S(text) => self.0.iter().any(|name| text.contains(name.as_str())),
            AttributeValue::M(fields) => fields.values().any(|value| self.may_be_in_value(value)),
            AttributeValue::L(values) => values.iter().any(|value| self.may_be_in_value(value)),
            _ => false,
        }
    }
}

/// The attributes of an item that name a person, without the person.
pub(super) fn without(item: &Item, person: &Person) -> Vec<(String, AttributeValue)> {
    let attributes = item.iter().filter(|(name, value)| {
        !KEY.contains(&name.as_str())
            && matches!(value, AttributeValue::S(_) | AttributeValue::M(_))
    });
    let changed = attributes.filter_map(|(name, value)| {
        let data: Value = serde_dynamo::from_attribute_value(value.clone()).ok()?;
        let left = without_users(&data, &person.auth_ids)?;
        let left = serde_dynamo::to_attribute_value(left).ok()?;
        Some((name.clone(), left))
    });
    changed.collect()
}

/// Takes a person out of an item of another; not where that changes meanwhile.
///
/// # Errors
/// When DynamoDB does not answer.
pub(super) async fn take_out(
    table: &Table,
    person: &Person,
    (pk, sk): (&str, &str),
) -> Result<(), TableError> {
    let Some(item) = table.get(pk, sk).await? else {
        return Ok(());
    };
    let changed = without(&item, person);
    if changed.is_empty() {
        return Ok(());
    }
    let mut update = table.update(pk, sk);
    for (name, left) in &changed {
        if let Some(was) = item.get(name) {
            update = update.condition(equals(name.clone(), was.clone()));
        }
        update = update.set(name, left.clone());
    }
    match update.send_if().await {
        // Of somebody who is being forgotten too.
        Ok(_) | Err(TableError::Forgotten) => Ok(()),
        Err(error) => Err(error),
    }
}
