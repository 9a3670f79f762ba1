//! All that is known of a person, as JSON.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use haptik_bridge_shared::config::Config;
use haptik_bridge_shared::ids::EntryKey;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::Ledger;
use haptik_bridge_shared::table::{Item, TableError};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Holdings, Person, elsewhere, kinds};

/// What is known of a person: each item of the table as it is, by its kind, the whole payload of each entry in it;
/// and what lies elsewhere. Secrets of the person's are left out.
///
/// # Errors
/// When DynamoDB does not answer.
pub async fn export(
    ledger: &Ledger,
    config: Option<&Config>,
    person: &Person,
) -> Result<Value, TableError> {
    let holdings = Holdings::of(ledger, person).await?;
    let mut merged = BTreeSet::new();
    let mut by_kind = Map::new();
    for kind in kinds() {
        let mut shown = Vec::new();
        for item in holdings.read(ledger.table(), kind).await? {
            let text = |name: &str| item.get(name)?.as_s().ok().cloned();
            let (pk, sk) = (
                text("pk").unwrap_or_default(),
                text("sk").unwrap_or_default(),
            );
            // They come behind their entries in the list of kinds, or are those of another version of one.
            if merged.contains(&(pk.clone(), sk.clone())) {
                continue;
            }
            let mut fields = in_json(&item);
            if let Some(payload) = payload(ledger, &pk, &sk).await? {
                fields.insert("payload".to_owned(), payload);
                for key in Ledger::keys_of_pieces(&item) {
                    let text = |name: &str| key.get(name)?.as_s().ok().cloned();
                    merged.extend(text("pk").zip(text("sk")));
                }
            }
            shown.push(Value::Object(fields));
        }
        if !shown.is_empty() {
            shown.sort_by_key(|item| item["received_at"].as_i64());
            by_kind.insert(kind.name.to_owned(), shown.into());
        }
    }
    let places = person.places.iter();
    let places = places.map(|(connection, user)| json!({"connection": connection, "user": user}));
    Ok(json!({
        "exported_at": Timestamp::now(),
        "person": {"auth_ids": person.auth_ids, "places": places.collect::<Vec<_>>()},
        "items": by_kind,
        "elsewhere": elsewhere(config, person, &holdings),
    }))
}

/// The whole payload of an entry, if it is one that can be read.
async fn payload(ledger: &Ledger, pk: &str, sk: &str) -> Result<Option<Value>, TableError> {
    let Ok(lane) = pk.parse::<Lane>() else {
        return Ok(None);
    };
    match ledger.entry(&lane, &EntryKey::from(sk)).await {
        Ok(entry) => Ok(entry.map(|entry| entry.payload.shown())),
        Err(TableError::Unreadable(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// An item as JSON; a text that is JSON as what it says.
fn in_json(item: &Item) -> Map<String, Value> {
    let fields = item.iter();
    fields
        .map(|(name, value)| (name.clone(), value_in_json(value)))
        .collect()
}

fn value_in_json(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) if text.starts_with(['{', '[']) => {
            serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into())
        }
        AttributeValue::S(text) => text.as_str().into(),
        AttributeValue::N(number) => {
            serde_json::from_str(number).unwrap_or_else(|_| number.as_str().into())
        }
        AttributeValue::Bool(is) => (*is).into(),
        AttributeValue::L(list) => list.iter().map(value_in_json).collect(),
        AttributeValue::M(map) => Value::Object(in_json(map)),
        AttributeValue::Ss(texts) => texts.as_slice().into(),
        AttributeValue::Ns(numbers) => numbers.as_slice().into(),
        _ => Value::Null,
    }
}
