//! `haptik-bridge replay`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use haptik_bridge_channels::memory::Memory;
use haptik_bridge_inbound::Inbound;
use haptik_bridge_local::audit::of_entry;
use haptik_bridge_local::fill::{Progress, fill};
use haptik_bridge_local::replay::revive;
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, Payload, State};
use haptik_bridge_shared::net;
use haptik_bridge_shared::queue::{Queue, QueueError, Repeat, Ring};
use jiff::Timestamp;
use serde_json::json;

use super::dead::{GIVEN_UP, Selection, and_others};
use super::{Common, OperatedBridge, ask_for};
use crate::check;
use crate::terminal::print_json;

/// What to deliver again.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Give a sink, also a new one, the events that the ledger has: those that it did not get, and once more those
    /// that it did. What was given up stays so. Begun again after it was stopped, it goes on.
    #[arg(long, requires = "sink", conflicts_with_all = ["id", "connection", "dry_run"])]
    delivered: bool,
    /// Only say what would be delivered again.
    #[arg(long)]
    dry_run: bool,
    /// The configuration of a bridge on this machine, with which what was not understood is read again.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
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
    if arguments.delivered {
        return Box::pin(give_delivered(&arguments, &operated)).await;
    }
    let found = arguments.selection.find(&operated).await?;
    let others = and_others(found.others);
    let not_understood = |entry: &Entry| matches!(entry.lane, Lane::NotUnderstood { .. });
    let (odd, dead): (Vec<_>, Vec<_>) = found.entries.into_iter().partition(not_understood);
    if arguments.dry_run {
        arguments.common.print(&operated, &dead, GIVEN_UP).await?;
        let odd = match odd.len() {
            0 => String::new(),
            count => format!("; {count} that were not understood would be read again"),
        };
        print_unless_json(
            &arguments,
            &format!("{} would be delivered again{others}{odd}", dead.len()),
        );
        return Ok(());
    }
    // On this machine what was not understood is read with a configuration alone.
    let is_read = operated.inbound().is_some() || arguments.config.is_some();
    let count = dead.len() + if is_read { odd.len() } else { 0 };
    if !(count == 0 || arguments.yes || arguments.selection.is_by_id()) {
        ask(count)?;
    }
    let now = Timestamp::now();
    let first = dead.iter().chain(&odd).next();
    if let Some(first) = first.filter(|_| count > 0) {
        let what = of_entry(&first.lane, &first.key);
        let place = &arguments.common.place;
        operated.record(place, "replayed", &what, count).await?;
    }
    let mut revived: Vec<Entry> = Vec::new();
    for mut entry in dead {
        let taken_up = operated.take_up(&entry, now).await;
        if taken_up.context("nothing more is delivered again")? {
            entry.state = State::Pending;
            entry.revived_at = Some(now);
            revived.push(entry);
        }
    }
    let common = &arguments.common;
    common.print(&operated, &revived, GIVEN_UP).await?;
    let odd = Box::pin(read_again(&arguments, &operated, odd)).await?;
    let when = match operated.inbound {
        Some(_) => "now",
        None => "within 15 s by the bridge that runs on this directory, or when it is started",
    };
    print_unless_json(
        &arguments,
        &format!("{} are delivered again, {when}{others}{odd}", revived.len()),
    );
    Ok(())
}

/// Gives a sink what the ledger has, at the sink's own rate.
async fn give_delivered(arguments: &Arguments, operated: &OperatedBridge) -> anyhow::Result<()> {
    let reader = match (operated.inbound(), &arguments.config) {
        (Some(inbound), _) => inbound,
        (None, Some(config)) => Arc::new(operated.on_this_machine(config)?),
        (None, None) => bail!("--delivered needs the sinks: name the configuration by --config"),
    };
    let wanted = arguments.selection.of_sink(operated).await?;
    if !(arguments.yes || arguments.selection.is_of_user()) {
        let what = format!("Give the sink {} all events of that time", wanted.sink);
        ask_for(
            &what,
            "nobody can be asked whether all events are to be given: say --yes",
            NOT_DONE,
        )?;
    }
    let what = format!("delivered events to {}", wanted.sink);
    let place = &arguments.common.place;
    operated
        .record(place, "replayed", &what, wanted.users.len())
        .await?;
    let mut last_told = Instant::now();
    let given = fill(reader.bridge(), &wanted, |progress| {
        if last_told.elapsed() >= PROGRESS_EVERY {
            last_told = Instant::now();
            print_unless_json(arguments, &in_words(&progress));
        }
    });
    let given = given.await?;
    if arguments.common.json {
        let (done, all) = given.users;
        print_json(&json!({
            "sink": wanted.sink, "users": all, "users_done": done,
            "new": given.new, "again": given.again, "there": given.there,
        }))?;
    } else {
        println!("{}", in_words(&given));
    }
    Ok(())
}

fn in_words(progress: &Progress) -> String {
    let (done, all) = progress.users;
    let goes_on = progress.goes_on.map_or_else(String::new, |began| {
        format!("what was begun at {began:.0} goes on: ")
    });
    format!(
        "{goes_on}{done} of {all} users: {} events are given that the sink did not have, {} once more; {} it has already",
        progress.new, progress.again, progress.there
    )
}

/// What is said where the answer is no.
const NOT_DONE: &str = "nothing is delivered again";

/// How often it is said how far it has come.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);

/// Reads again what was not understood, as if it came now: this version may understand it. What became of
/// it, in words.
async fn read_again(
    arguments: &Arguments,
    operated: &OperatedBridge,
    odd: Vec<Entry>,
) -> anyhow::Result<String> {
    let reader = match (&operated.inbound, &arguments.config) {
        (Some(inbound), _) => inbound.clone(),
        (None, Some(config)) => Arc::new(operated.on_this_machine(config)?),
        (None, None) if odd.is_empty() => return Ok(String::new()),
        (None, None) => {
            let count = odd.len();
            return Ok(format!(
                "; {count} were not understood: name the configuration by --config to read them again"
            ));
        }
    };
    let (mut read, mut left) = (0, 0);
    for entry in odd {
        if Box::pin(operated.read_again(&reader, &entry)).await? {
            read += 1;
        } else {
            left += 1;
        }
    }
    Ok(match (read, left) {
        (0, 0) => String::new(),
        (read, 0) => format!("; {read} that were not understood are now"),
        (0, left) => format!("; {left} are still not understood"),
        (read, left) => {
            format!("; {read} that were not understood are now, {left} still are not")
        }
    })
}

async fn take_again(reader: &Inbound, entry: &Entry) -> anyhow::Result<bool> {
    let (Payload::NotUnderstood { body, base64 }, Lane::NotUnderstood { edge }) =
        (&entry.payload, &entry.lane)
    else {
        return Ok(false);
    };
    let body = if *base64 {
        STANDARD.decode(body)?
    } else {
        body.clone().into_bytes()
    };
    Ok(match edge.split_once('/') {
        Some(("haptik", account)) => {
            let account = account.into();
            Box::pin(haptik_bridge_webhook::take_again(
                reader.bridge(),
                &account,
                &body,
            ))
            .await?
        }
        Some(("channels", connection)) => {
            let came = entry.received_at;
            Box::pin(reader.take_again(connection, &body, came)).await?
        }
        _ => false,
    })
}

impl OperatedBridge {
    /// Takes an entry up again that was given up. Whether it was dead until now.
    pub(crate) async fn take_up(&self, entry: &Entry, now: Timestamp) -> anyhow::Result<bool> {
        let queue = self.bridge().map(|bridge| &*bridge.queue);
        revive(&self.ledger, queue, entry, now).await
    }

    /// Reads a body again that was not understood; whether it is now.
    pub(crate) async fn read_again(&self, reader: &Inbound, entry: &Entry) -> anyhow::Result<bool> {
        if !take_again(reader, entry).await? {
            return Ok(false);
        }
        // What follows from it is in the ledger, under the same keys when it is done twice.
        let now = Timestamp::now();
        self.ledger.end(entry, State::Delivered, None, now).await?;
        Ok(true)
    }

    /// What reads requests of a bridge on this machine, which rings by itself.
    pub(crate) fn on_this_machine(&self, config: &Path) -> anyhow::Result<Inbound> {
        let config = check::read(config)?;
        let database = self.database.as_ref().context("it is deployed")?;
        let (table, http) = (&database.table, net::client()?);
        let bridge = Bridge::with_client(config, table.clone(), Arc::new(NoQueue), &http)?;
        Ok(Inbound::new(
            Arc::new(bridge),
            table,
            &http,
            &Memory::default(),
        )?)
    }
}

/// A queue whose rings nobody hears: the bridge on this machine looks by itself for what is pending.
#[derive(Debug)]
struct NoQueue;

#[async_trait]
impl Queue for NoQueue {
    async fn ring(&self, _: &Ring, _: Repeat) -> Result<(), QueueError> {
        Ok(())
    }
}

/// Asks whether so many are to be delivered again; an error is a no.
fn ask(count: usize) -> anyhow::Result<()> {
    let nobody = format!(
        "{count} would be delivered again, and nobody can be asked: look at them with --dry-run, and say --yes"
    );
    ask_for(&format!("Deliver {count} again"), &nobody, NOT_DONE)
}

fn print_unless_json(arguments: &Arguments, text: &str) {
    if !arguments.common.json {
        println!("{text}");
    }
}
