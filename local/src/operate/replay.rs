//! `haptik-bridge replay`.

use std::io::{IsTerminal as _, Write as _};

use anyhow::{Context as _, bail};
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
    /// Don't ask before more than what `--id` names is delivered again.
    #[arg(long)]
    yes: bool,
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
    if !(dead.is_empty() || arguments.yes || arguments.selection.is_by_id()) {
        ask(dead.len())?;
    }
    let now = Timestamp::now();
    let mut revived: Vec<Entry> = Vec::new();
    for mut entry in dead {
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
            entry.state = State::Pending;
            entry.revived_at = Some(now);
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

/// Asks whether so many are to be delivered again; an error is a no.
fn ask(count: usize) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!(
            "{count} would be delivered again, and nobody can be asked: look at them with --dry-run, and \
             say --yes"
        );
    }
    print!("Deliver {count} again? [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => bail!("nothing is delivered again"),
    }
}

fn tell(arguments: &Arguments, text: &str) {
    if !arguments.common.json {
        println!("{text}");
    }
}
