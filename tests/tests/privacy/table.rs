//! Tables as a whole: what they have, and copies of them.

use std::path::Path;

use haptik_bridge_shared::table::{Item, Table};

pub(super) fn files_in(directory: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        bytes.extend(std::fs::read(entry?.path())?);
    }
    Ok(bytes)
}

/// All items of a table.
pub(super) async fn all_of(table: &Table) -> anyhow::Result<Vec<Item>> {
    let mut items = table
        .client()
        .scan()
        .table_name(table.name())
        .consistent_read(true)
        .into_paginator()
        .items()
        .send();
    let mut all = Vec::new();
    while let Some(item) = items.next().await {
        all.push(item?);
    }
    Ok(all)
}

/// The keys of all items.
pub(super) async fn keys(table: &Table) -> anyhow::Result<Vec<(String, String)>> {
    let part = |item: &Item, name: &str| item[name].as_s().cloned().unwrap_or_default();
    let items = all_of(table).await?;
    Ok(items
        .iter()
        .map(|item| (part(item, "pk"), part(item, "sk")))
        .collect())
}

/// The keys of the items that have one of these names, and which.
pub(super) async fn having(table: &Table, names: &[&str]) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for item in all_of(table).await? {
        let text = format!("{item:?}");
        let has = names.iter().find(|name| text.contains(**name));
        found.extend(has.map(|name| format!("{:?} {:?} has {name}", item["pk"], item["sk"])));
    }
    Ok(found)
}

/// All that a table has, as one text.
pub(super) async fn bytes_of(table: &Table) -> anyhow::Result<String> {
    Ok(format!("{:?}", all_of(table).await?))
}

/// Copies a table into an empty one, without its tombstones and partitions whose key begins so.
pub(super) async fn copy(from: &Table, to: &Table, without: &str) -> anyhow::Result<()> {
    let is_copied =
        |pk: &String| pk != "forgotten" && (without.is_empty() || !pk.starts_with(without));
    for item in all_of(from).await? {
        if item["pk"].as_s().is_ok_and(is_copied) {
            to.put(item).await?;
        }
    }
    Ok(())
}
