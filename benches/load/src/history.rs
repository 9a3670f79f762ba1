//! A ledger with a past: as many delivered entries as are asked for, in the lanes of the users.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use dynoxide::actions::scan::ScanRequest;
use dynoxide::{AttributeValue, Database, ImportOptions, Item};

/// The bridge's table on one machine.
const TABLE: &str = "haptik-bridge";

/// How many entries are written at a time.
const AT_ONCE: u64 = 20_000;

/// How many digits a key begins with. What they say orders the lane, so smaller ones are older.
const DIGITS: usize = 20;

/// Adds so many delivered entries to the database in `file`, each like one that is there, evenly over all lanes.
///
/// # Errors
/// When there is no delivered entry there, or the database cannot be written.
pub(crate) fn add(file: &Path, entries: u64) -> anyhow::Result<()> {
    let file = file.to_str().context("the path is not text")?;
    let database = Database::new(file).map_err(|error| anyhow!("{error}"))?;
    let delivered = delivered(&database)?;
    anyhow::ensure!(
        !delivered.is_empty(),
        "nothing was delivered that could be multiplied"
    );
    let failed = |error| anyhow!("the ledger cannot be filled: {error}");
    database.enable_bulk_loading().map_err(failed)?;
    let (mut first, lanes) = (0, delivered.len() as u64);
    while first < entries {
        let until = entries.min(first + AT_ONCE);
        let items = (first..until).filter_map(|number| {
            let like = delivered.get(usize::try_from(number % lanes).ok()?)?;
            older(like, number)
        });
        let items = items.collect::<Vec<_>>();
        let imported = database.import_items(TABLE, items, ImportOptions::default());
        imported.map_err(failed)?;
        first = until;
    }
    database.disable_bulk_loading().map_err(failed)
}

/// One delivered entry of each lane.
fn delivered(database: &Database) -> anyhow::Result<Vec<Item>> {
    let mut found = std::collections::BTreeMap::new();
    let mut from = None;
    loop {
        let request = ScanRequest {
            table_name: TABLE.to_owned(),
            exclusive_start_key: from,
            ..ScanRequest::default()
        };
        let scanned = database.scan(request).map_err(|error| anyhow!("{error}"))?;
        for item in scanned.items.unwrap_or_default() {
            let lane = text(&item, "pk").unwrap_or_default().to_owned();
            let is_entry = lane.starts_with("haptik#") || lane.starts_with("channel#");
            if is_entry && !item.contains_key("pending") {
                found.insert(lane, item);
            }
        }
        from = scanned.last_evaluated_key;
        if from.is_none() {
            return Ok(found.into_values().collect());
        }
    }
}

/// An entry like another, older the smaller its number is, with names of its own in the indexes.
fn older(like: &Item, number: u64) -> Option<Item> {
    let mut item = like.clone();
    let key = text(like, "sk")?;
    let rest = key
        .get(DIGITS..)
        .filter(|_| key.as_bytes()[..DIGITS].iter().all(u8::is_ascii_digit))?;
    let own = format!("{number:0DIGITS$}{rest}");
    item.insert("sk".to_owned(), AttributeValue::S(own));
    for name in ["came_as", "dead", "correlation_id"] {
        if let Some(value) = text(like, name) {
            // As long as the other, and different.
            let end = value.len().saturating_sub(16);
            let own = format!("{}{number:016x}", value.get(..end)?);
            item.insert(name.to_owned(), AttributeValue::S(own));
        }
    }
    Some(item)
}

fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    match item.get(name)? {
        AttributeValue::S(text) => Some(text),
        _ => None,
    }
}
