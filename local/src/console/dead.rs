//! What was given up, by pages, and its replay: one entry or a selection, with its progress.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use haptik_bridge_shared::ids::EntryKey;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{DeadPlace, Entry, State as EntryState};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::find::listed;
use super::{Answer, Asked, Console, Refused};
use crate::operate::moment;

/// How many entries are shown at once.
const PAGE: usize = 200;

/// How long entries are kept where no configuration says it.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// Up to how many are counted.
const MOST_COUNTED: usize = 10_000;

/// How many are taken up again at once at most.
const MOST_REPLAYED: usize = 500;

/// How many replays are remembered, the last ones.
const MOST_JOBS: usize = 50;

/// What was given up since `since` (by default as long as entries are kept), the last first, behind what `after` names.
pub(super) async fn list(State(console): State<Arc<Console>>, Query(asked): Asked) -> Answer {
    let since = if let Some(since) = asked.get("since") {
        moment(since).map_err(|error| Refused::bad(error.to_string()))?
    } else {
        let config = console.config();
        let kept = config.map_or(KEPT, |config| config.delivery.entry_ttl);
        Timestamp::now().checked_sub(kept)?
    };
    let after: Option<DeadPlace> = match asked.get("after").filter(|after| !after.is_empty()) {
        Some(after) => {
            Some(serde_json::from_str(after).map_err(|_| Refused::bad("after is none"))?)
        }
        None => None,
    };
    let is_first = after.is_none();
    let ledger = &console.operated.ledger;
    let (places, next) = ledger.newest_dead(since, after, PAGE).await?;
    let places = places.into_iter().map(|place| (place.lane, place.key));
    let entries = console.entries(places.collect()).await?;
    // The index is a moment behind the table.
    let entries = entries
        .iter()
        .filter(|entry| entry.state == EntryState::Dead);
    let entries: Vec<Value> = entries.map(listed).collect();
    let count = if !is_first {
        None
    } else if next.is_some() {
        Some(ledger.count_dead(since, MOST_COUNTED).await?)
    } else {
        Some(entries.len())
    };
    Ok(Json(json!({
        "entries": entries,
        "next": next,
        "count": count,
        "count_is_least": count.is_some_and(|count| count >= MOST_COUNTED),
    })))
}

/// Which entries, and how many whoever asks has been told that they are.
#[derive(Deserialize)]
pub(super) struct Selected {
    places: Vec<Place>,
    count: usize,
}

#[derive(Deserialize)]
struct Place {
    lane: Lane,
    key: EntryKey,
}

/// A replay, and how far it is.
#[derive(Debug, Default)]
pub(super) struct Job(Mutex<Progress>);

#[derive(Debug, Default)]
struct Progress {
    asked: usize,
    /// What was taken up, until it has ended.
    pending: Vec<(Lane, EntryKey)>,
    delivered: usize,
    dead: usize,
    understood: usize,
    /// What was not dead any more.
    not_dead: usize,
    errors: Vec<String>,
    is_over: bool,
}

impl Job {
    fn progress(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shown(&self, id: u64) -> Value {
        let progress = self.progress();
        json!({
            "job": id,
            "asked": progress.asked,
            "pending": progress.pending.len(),
            "delivered": progress.delivered,
            "dead": progress.dead,
            "understood": progress.understood,
            "not_dead": progress.not_dead,
            "errors": progress.errors,
            "done": progress.is_over && progress.pending.is_empty(),
        })
    }
}

/// Has a selection delivered again. It is recorded, and begins at once; the answer names the job.
pub(super) async fn replay(
    State(console): State<Arc<Console>>,
    Json(selected): Json<Selected>,
) -> Answer {
    let count = selected.places.len();
    if count == 0 || count > MOST_REPLAYED {
        let words = format!("Choose 1 to {MOST_REPLAYED} entries; {count} are chosen.");
        return Err(Refused::bad(words));
    }
    if count != selected.count {
        let words = format!("{count} are chosen, and {} were agreed to.", selected.count);
        return Err(Refused::bad(words));
    }
    let first = selected.places.first();
    let first = first.map(|place| format!("{} {}", place.lane, place.key));
    console
        .record("replayed", &first.unwrap_or_default(), count)
        .await?;
    let job = Arc::new(Job::default());
    job.progress().asked = count;
    let id = {
        let mut jobs = console.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let id = jobs.last_key_value().map_or(1, |(last, _)| last + 1);
        jobs.insert(id, job.clone());
        if jobs.len() > MOST_JOBS {
            jobs.pop_first();
        }
        id
    };
    let places = selected.places.into_iter();
    let places = places.map(|place| (place.lane, place.key)).collect();
    let working = (console.clone(), job.clone());
    tokio::spawn(async move {
        let (console, job) = working;
        console.carry_out(&job, places).await;
        job.progress().is_over = true;
    });
    Ok(Json(job.shown(id)))
}

impl Console {
    async fn carry_out(&self, job: &Job, places: Vec<(Lane, EntryKey)>) {
        for (lane, key) in places {
            let done = match self.operated.ledger.entry(&lane, &key).await {
                Ok(Some(entry)) if entry.state == EntryState::Dead => {
                    Box::pin(self.take_up_or_read(job, &entry)).await
                }
                Ok(_) => {
                    job.progress().not_dead += 1;
                    Ok(())
                }
                Err(error) => Err(error.into()),
            };
            if let Err(error) = done {
                job.progress().errors.push(format!("{error:#}"));
            }
        }
    }

    async fn take_up_or_read(&self, job: &Job, entry: &Entry) -> anyhow::Result<()> {
        if matches!(entry.lane, Lane::NotUnderstood { .. }) {
            let Some(reader) = &self.inbound else {
                anyhow::bail!(
                    "what was not understood is read again only with the configuration: start the console with --config"
                );
            };
            let is_read = self.operated.read_again(reader, entry).await?;
            let mut progress = job.progress();
            if is_read {
                progress.understood += 1;
            } else {
                progress.dead += 1;
            }
            return Ok(());
        }
        let is_taken = self.operated.take_up(entry, Timestamp::now()).await?;
        let mut progress = job.progress();
        if is_taken {
            let place = (entry.lane.clone(), entry.key.clone());
            progress.pending.push(place);
        } else {
            progress.not_dead += 1;
        }
        Ok(())
    }
}

/// How far a replay is.
pub(super) async fn progress(State(console): State<Arc<Console>>, Path(id): Path<u64>) -> Answer {
    let job = {
        let jobs = console.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.get(&id).cloned()
    };
    let job = job.ok_or_else(|| Refused::not_found("There is no such replay."))?;
    let pending = job.progress().pending.clone();
    for entry in console.entries(pending).await? {
        if entry.state == EntryState::Pending {
            continue;
        }
        let mut progress = job.progress();
        let is_it = |(lane, key): &(Lane, EntryKey)| *lane == entry.lane && *key == entry.key;
        // Of two who ask at the same time, one counts it.
        let Some(at) = progress.pending.iter().position(is_it) else {
            continue;
        };
        progress.pending.swap_remove(at);
        match entry.state {
            EntryState::Delivered => progress.delivered += 1,
            EntryState::Dead => progress.dead += 1,
            EntryState::Pending => {}
        }
    }
    Ok(Json(job.shown(id)))
}
