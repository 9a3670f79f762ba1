//! `haptik-bridge audit`.

use haptik_bridge_local::audit::{Place, newest};
use haptik_bridge_shared::table::TableError;

use super::clock::ClockArguments;
use super::{OperatedBridge, Target, time_range};
use crate::terminal::{print_json, visible};

/// What to list.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only what was done since then: a time as 2026-11-23T10:00:00Z, or an age as 90m, 36h or 2d.
    #[arg(long, value_name = "WHEN", default_value = "30d")]
    since: String,
    /// Only what was done until then.
    #[arg(long, value_name = "WHEN", default_value = "0m")]
    until: String,
    /// Print JSON: an array of records, the last first.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: ClockArguments,
    #[command(flatten)]
    place: Target,
}

/// How many records are read at once.
const PAGE: i32 = 200;

pub(crate) async fn run(
    arguments: Arguments,
    variable: fn(&str) -> Option<String>,
) -> anyhow::Result<()> {
    let (since, until) = time_range(&arguments.since, &arguments.until)?;
    let operated = arguments.place.open(variable).await?;
    let (since, until) = (format!("{since:.6}"), format!("{until:.6}"));
    let mut records = Vec::new();
    let mut after: Option<Place> = None;
    loop {
        let (page, next) = newest(operated.ledger.table(), after.as_ref(), PAGE).await?;
        let is_older = page.last().is_some_and(|last| last.at < since);
        records.extend(page);
        if is_older || next.is_none() {
            break;
        }
        after = next;
    }
    records.retain(|record| since <= record.at && record.at <= until);
    if arguments.json {
        return print_json(&records);
    }
    let clock = arguments.clock.clock();
    for record in &records {
        let at = record.at.parse().map(|at| clock.moment(at));
        let at = at.unwrap_or_else(|_| record.at.clone());
        let (who, did, what) = (&record.who, &record.did, &record.what);
        let row = format!("{at}  {who}  {did} {}  {what}", record.count);
        println!("{}", visible(&row));
    }
    println!("{} records", records.len());
    Ok(())
}

impl OperatedBridge {
    /// Records that something is done, before it is.
    pub(super) async fn record(
        &self,
        place: &Target,
        did: &str,
        what: &str,
        count: usize,
    ) -> anyhow::Result<()> {
        let who = place.who().await?;
        let table = self.ledger.table();
        haptik_bridge_local::audit::record(table, &who, did, what, count).await?;
        Ok(())
    }

    /// How records call a person: by the hash that the tombstones have.
    pub(crate) async fn hashed<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<String, TableError> {
        let mut hashes = Vec::new();
        for name in names {
            hashes.push(self.ledger.table().hash_of(name).await?);
        }
        Ok(hashes.join(","))
    }
}
