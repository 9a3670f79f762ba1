//! `haptik-bridge replay`.

use anyhow::Context as _;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, State};
use haptik_bridge_shared::queue::{Repeat, Ring};
use jiff::Timestamp;

use super::Common;
use super::dead::{Selection, and_others};

/// What to deliver again.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Only say what would be delivered again.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    common: Common,
}

pub(crate) async fn run(
    arguments: Arguments,
    variable: fn(&str) -> Option<String>,
) -> anyhow::Result<()> {
    let operated = arguments.common.place.open(variable).await?;
    let found = arguments.selection.find(&operated).await?;
    let others = and_others(found.others);
    // Of what was never understood there is nothing to deliver.
    let mut dead = found.entries;
    dead.retain(|entry| !matches!(entry.lane, Lane::NotUnderstood { .. }));
    if arguments.dry_run {
        arguments.common.print(&dead)?;
        tell(
            &arguments,
            &format!("{} would be delivered again{others}", dead.len()),
        );
        return Ok(());
    }
    let now = Timestamp::now();
    let mut revived: Vec<Entry> = Vec::new();
    for entry in dead {
        // Whoever else replays at the same time: only one of the two takes it up.
        if operated.ledger.revive(&entry, now).await? {
            if let Some(bridge) = &operated.deployed {
                let ring = Ring::V1 {
                    lane: entry.lane.clone(),
                    key: entry.key.clone(),
                    at: now,
                };
                if let Err(error) = bridge.queue.ring(&ring, Repeat::Again).await {
                    // Pending without a ring it would wait for somebody else's: it is put back.
                    let ledger = &operated.ledger;
                    ledger.end(&entry, State::Dead, entry.why(), now).await?;
                    return Err(error).context("nothing more is delivered again");
                }
            }
            revived.push(entry);
        }
    }
    arguments.common.print(&revived)?;
    let when = match operated.deployed {
        Some(_) => "now",
        None => "within 15 s by the bridge that runs on this directory, or when it is started",
    };
    tell(
        &arguments,
        &format!("{} are delivered again, {when}{others}", revived.len()),
    );
    Ok(())
}

fn tell(arguments: &Arguments, text: &str) {
    if !arguments.common.json {
        println!("{text}");
    }
}
