//! Operating a bridge from the command line: on this machine by its data directory, or deployed by the name
//! of its stack, or by the environment of its functions (`CONFIG_SECRET_ARN`, `TABLE_NAME`, `QUEUE_URL`,
//! `SINK_QUEUE_URL` and AWS credentials).
//!
//! [`timeline`], [`dead`], [`replay`] and [`outages`] print what the ledger has; bodies only when asked for. [`export`]
//! and [`forget`] are about a person, [`audit`] about who did what. [`Target`] is which bridge is meant,
//! [`OperatedBridge`] that bridge, `times` how times are written.

use std::io::{IsTerminal as _, Write as _};

use anyhow::bail;
pub(crate) use haptik_bridge_local::privacy::auth_ids;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, Payload};
use haptik_bridge_shared::retry::Detail;
use serde_json::{Value, json};

pub(crate) mod audit;
mod bridge;
mod clock;
pub(crate) mod dead;
pub(crate) mod export;
pub(crate) mod forget;
pub(crate) mod outages;
mod person;
pub(crate) mod replay;
mod rows;
mod target;
pub(crate) mod timeline;
mod times;

pub(crate) use self::bridge::OperatedBridge;
use self::clock::ClockArguments;
pub(crate) use self::target::Target;
pub(crate) use self::times::moment;
use self::times::{duration, time_range};
use crate::terminal::{print_json, visible};

/// Which bridge, and how to print its entries.
#[derive(Debug, clap::Args)]
pub(crate) struct Common {
    #[command(flatten)]
    place: Target,
    /// Print JSON: an array of entries.
    #[arg(long)]
    json: bool,
    /// Print what was said, too.
    #[arg(long)]
    bodies: bool,
    #[command(flatten)]
    clock: ClockArguments,
}

impl Common {
    /// Prints entries: a row each, or JSON. With what was said it is recorded first that somebody looks at `what`.
    async fn print(
        &self,
        operated: &OperatedBridge,
        entries: &[Entry],
        what: &str,
    ) -> anyhow::Result<()> {
        if self.bodies {
            operated
                .record(&self.place, "looked", what, entries.len())
                .await?;
        }
        if self.json {
            let entries: Vec<Value> = entries
                .iter()
                .map(|entry| as_json(entry, self.bodies))
                .collect();
            return print_json(&entries);
        }
        let rows = rows::table(entries, self.bodies, &self.clock.clock())?;
        print!("{}", visible(&rows));
        Ok(())
    }
}

pub(crate) fn as_json(entry: &Entry, bodies: bool) -> Value {
    let mut value = json!({
        "lane": entry.lane,
        "key": entry.key,
        "direction": entry.lane.direction(),
        "state": entry.state,
        "correlation_id": entry.correlation_id,
        "source": source(entry),
        "at": entry.at,
        "received_at": entry.received_at,
        "ended_at": entry.ended_at,
        "revived_at": entry.revived_at,
        "attempts": entry.attempts,
        "crashes": crashes(entry),
        "overruns": entry.overruns,
        "parts_done": entry.parts_done,
        "message_ids": entry.message_ids,
        "reason": entry.reason,
    });
    if let (true, Some(fields)) = (bodies, value.as_object_mut()) {
        fields.insert("payload".to_owned(), entry.payload.shown());
        fields.insert(
            "detail".to_owned(),
            json!(entry.detail.as_ref().map(Detail::as_str)),
        );
    }
    value
}

/// How many tries in a row were begun and never ended. Of a pending entry, one of them may be under way.
fn crashes(entry: &Entry) -> u32 {
    // What was begun last has ended with the entry.
    let ended = u32::from(entry.ended_at.is_some());
    entry.starts.saturating_sub(ended)
}

/// Where an entry came in: `channels/acme-slack` or `haptik/main`.
fn source(entry: &Entry) -> String {
    match (&entry.payload, &entry.lane) {
        (Payload::Inbound { connection, .. } | Payload::Task { connection, .. }, _) => {
            format!("channels/{connection}")
        }
        (Payload::Webhook { account, .. }, _) => format!("haptik/{account}"),
        (Payload::NotUnderstood { .. }, Lane::NotUnderstood { edge }) => edge.clone(),
        (
            Payload::NotUnderstood { .. }
            | Payload::HandoffEnded { .. }
            | Payload::MessageReturned { .. }
            | Payload::Receipt { .. }
            | Payload::NotRead,
            _,
        ) => String::new(),
    }
}

/// Asks whether to do this; an error is a no, and says that it is not done. `nobody` is said where nobody can be asked.
/// The question is no part of what is printed, which may go into a file.
fn ask_for(what: &str, nobody: &str, not_done: &str) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("{nobody}");
    }
    eprint!("{}? [y/N] ", visible(what));
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => bail!("{not_done}"),
    }
}
