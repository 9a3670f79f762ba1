//! Delivering again what was given up: a selection, or all that has one cause, with its progress. What was stopped goes
//! on by being begun again: what was taken up is not among what was given up any more.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::extract::{Path, State};
use futures_util::stream::{self, StreamExt as _};
use haptik_bridge_shared::ids::EntryKey;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{
    DeadOrder, DeadTime, Entry, Large, Payload, State as EntryState,
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::audit::Of;
use super::{Answer, Console, Refused};

/// How many entries a selection has at most.
const MOST_SELECTED: usize = 500;

/// How many replays are remembered, the last ones.
const MOST_JOBS: usize = 50;

/// How many entries of a cause are taken up by one page of the index.
const PAGE: usize = 100;

/// How many lanes are taken up side by side.
const SIDE_BY_SIDE: usize = 8;

/// At how many entries one look at a replay's progress looks, to see what became of them.
const LOOKED_AT: usize = 200;

/// How many errors are told.
const MOST_ERRORS: usize = 20;

/// What is to be delivered again, and how many whoever asks has been told that they are.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Wanted {
    /// These.
    Selection { places: Vec<Place>, count: usize },
    /// All that was given up for a cause in a time.
    Cause {
        cause: String,
        since: Timestamp,
        until: Timestamp,
        count: usize,
        /// Whether that was said to be the least.
        #[serde(default)]
        is_least: bool,
    },
}

#[derive(Deserialize)]
pub(super) struct Place {
    lane: Lane,
    key: EntryKey,
}

/// A replay, and how far it is.
#[derive(Debug, Default)]
pub(super) struct Job(Mutex<Progress>);

#[derive(Debug, Default)]
struct Progress {
    asked: usize,
    /// Whether there are more than were counted.
    asked_is_least: bool,
    /// What was taken up, until it has ended; what was looked at last is the last.
    pending: VecDeque<(Lane, EntryKey)>,
    delivered: usize,
    dead: usize,
    understood: usize,
    /// What was not dead any more.
    not_dead: usize,
    failed: usize,
    errors: Vec<String>,
    is_stopped: bool,
    is_over: bool,
}

impl Progress {
    /// What has been looked at.
    fn begun(&self) -> usize {
        self.pending.len()
            + self.delivered
            + self.dead
            + self.understood
            + self.not_dead
            + self.failed
    }

    fn failed(&mut self, error: &anyhow::Error) {
        self.failed += 1;
        if self.errors.len() < MOST_ERRORS {
            self.errors.push(format!("{error:#}"));
        }
    }
}

impl Job {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopped(&self) -> bool {
        self.progress().is_stopped
    }

    fn shown(&self, id: u64) -> Value {
        let progress = self.progress();
        let begun = progress.begun();
        json!({
            "job": id,
            "asked": progress.asked.max(begun),
            "asked_is_least": progress.asked_is_least && !progress.is_over,
            "pending": progress.pending.len(),
            "delivered": progress.delivered,
            "dead": progress.dead,
            "understood": progress.understood,
            "not_dead": progress.not_dead,
            "failed": progress.failed,
            "errors": progress.errors,
            "stopped": progress.is_stopped,
            "done": progress.is_over && (progress.is_stopped || progress.pending.is_empty()),
        })
    }
}

/// Has it delivered again. It is recorded, and begins at once; the answer names the job.
pub(super) async fn begin(
    State(console): State<Arc<Console>>,
    Json(wanted): Json<Wanted>,
) -> Answer {
    match wanted {
        Wanted::Selection { places, count } => console.replay_selection(places, count).await,
        Wanted::Cause {
            cause,
            since,
            until,
            count,
            is_least,
        } => {
            let time = DeadTime { since, until };
            let agreed = (count, is_least);
            console.replay_cause(cause, time, agreed).await
        }
    }
}

/// How far a replay is.
pub(super) async fn progress(State(console): State<Arc<Console>>, Path(id): Path<u64>) -> Answer {
    let job = console.job(id)?;
    console.look_at(&job).await?;
    Ok(Json(job.shown(id)))
}

/// Takes up nothing more. What was taken up is delivered.
pub(super) async fn stop(State(console): State<Arc<Console>>, Path(id): Path<u64>) -> Answer {
    let job = console.job(id)?;
    job.progress().is_stopped = true;
    Ok(Json(job.shown(id)))
}

impl Console {
    fn job(&self, id: u64) -> Result<Arc<Job>, Refused> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let job = jobs.get(&id).cloned();
        job.ok_or_else(|| Refused::not_found("There is no such replay."))
    }

    fn new_job(&self, asked: usize, is_least: bool) -> (u64, Arc<Job>) {
        let job = Arc::new(Job::default());
        job.progress().asked = asked;
        job.progress().asked_is_least = is_least;
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let id = jobs.last_key_value().map_or(1, |(last, _)| last + 1);
        jobs.insert(id, job.clone());
        if jobs.len() > MOST_JOBS {
            jobs.pop_first();
        }
        (id, job)
    }

    async fn replay_selection(self: Arc<Self>, places: Vec<Place>, agreed: usize) -> Answer {
        let count = places.len();
        let first = places.first().filter(|_| count <= MOST_SELECTED);
        let Some(first) = first else {
            let words = format!("Choose 1 to {MOST_SELECTED} entries; {count} are chosen.");
            return Err(Refused::bad(words));
        };
        if count != agreed {
            let words = format!("{count} are chosen, and {agreed} were agreed to.");
            return Err(Refused::bad(words));
        }
        self.record("replayed", Of::Entry(&first.lane, &first.key), count)
            .await?;
        let (id, job) = self.new_job(count, false);
        let shown = job.shown(id);
        let places = places.into_iter().map(|place| (place.lane, place.key));
        let places: Vec<_> = places.collect();
        tokio::spawn(async move {
            if let Err(error) = Box::pin(self.take_up_all(&job, places)).await {
                job.progress().failed(&error);
            }
            job.progress().is_over = true;
        });
        Ok(Json(shown))
    }

    async fn replay_cause(
        self: Arc<Self>,
        cause: String,
        time: DeadTime,
        (agreed, was_least): (usize, bool),
    ) -> Answer {
        let (count, is_least) = self.operated.ledger.count_cause(&cause, time).await?;
        let is_agreed = count == agreed || was_least && count > agreed;
        if count == 0 || !is_agreed {
            let words =
                format!("{count} have this cause by now, and {agreed} were agreed to: look again.");
            return Err(Refused::bad(words));
        }
        let (causes, _) = self.operated.ledger.causes(time, None).await?;
        let known = causes.into_iter().find(|one| one.cause.id == cause);
        let what = known.filter(|one| !one.cause.way.is_empty()).map_or_else(
            || format!("cause {cause}"),
            |one| format!("{}: {}", one.cause.way, one.cause.reason),
        );
        self.record("replayed", Of::Chosen(&what), count).await?;
        let (id, job) = self.new_job(count, is_least);
        let shown = job.shown(id);
        tokio::spawn(async move {
            if let Err(error) = Box::pin(self.take_up_cause(&job, &cause, time)).await {
                job.progress().failed(&error);
            }
            job.progress().is_over = true;
        });
        Ok(Json(shown))
    }

    /// Takes up what was given up for a cause, page by page, the first first. What is given up again meanwhile is later
    /// than that time, so each is taken up once.
    async fn take_up_cause(&self, job: &Job, cause: &str, time: DeadTime) -> anyhow::Result<()> {
        let mut after = None;
        let order = DeadOrder::OldestFirst;
        loop {
            let ledger = &self.operated.ledger;
            let (places, next) = ledger.dead_of(cause, time, order, after, PAGE).await?;
            let places = places.into_iter().map(|place| (place.lane, place.key));
            self.take_up_all(job, places.collect()).await?;
            after = next;
            if after.is_none() || job.is_stopped() {
                return Ok(());
            }
        }
    }

    /// Takes up entries: those of one lane in its order, since a lane delivers what it has.
    async fn take_up_all(
        &self,
        job: &Job,
        mut places: Vec<(Lane, EntryKey)>,
    ) -> anyhow::Result<()> {
        places.sort();
        places.dedup();
        let entries = self.entries(places.clone()).await?;
        let count = places.len() - entries.len();
        job.progress().not_dead += count;
        let mut lanes: BTreeMap<Lane, Vec<Entry>> = BTreeMap::new();
        for entry in entries {
            lanes.entry(entry.lane.clone()).or_default().push(entry);
        }
        stream::iter(lanes.into_values())
            .for_each_concurrent(SIDE_BY_SIDE, async |entries| {
                for entry in entries {
                    if job.is_stopped() {
                        break;
                    }
                    if let Err(error) = Box::pin(self.take_up_or_read(job, entry)).await {
                        job.progress().failed(&error);
                    }
                }
            })
            .await;
        Ok(())
    }

    async fn take_up_or_read(&self, job: &Job, entry: Entry) -> anyhow::Result<()> {
        if entry.state != EntryState::Dead {
            job.progress().not_dead += 1;
            return Ok(());
        }
        if matches!(entry.lane, Lane::NotUnderstood { .. }) {
            return Box::pin(self.read(job, entry)).await;
        }
        let is_taken = self.operated.take_up(&entry, Timestamp::now()).await?;
        let mut progress = job.progress();
        if is_taken {
            progress.pending.push_back((entry.lane, entry.key));
        } else {
            progress.not_dead += 1;
        }
        Ok(())
    }

    /// Reads again what was not understood.
    async fn read(&self, job: &Job, mut entry: Entry) -> anyhow::Result<()> {
        let Some(reader) = &self.inbound else {
            anyhow::bail!(
                "what was not understood is read again only with the configuration: start the console with --config"
            );
        };
        if entry.payload == Payload::NotRead {
            let ledger = &self.operated.ledger;
            let Some(whole) = ledger.entry(&entry.lane, &entry.key).await? else {
                job.progress().not_dead += 1;
                return Ok(());
            };
            entry = whole;
        }
        let is_read = Box::pin(self.operated.read_again(reader, &entry)).await?;
        let mut progress = job.progress();
        if is_read {
            progress.understood += 1;
        } else {
            progress.dead += 1;
        }
        Ok(())
    }

    /// Looks what became of some of what a replay has taken up.
    async fn look_at(&self, job: &Job) -> Result<(), Refused> {
        let some: Vec<(Lane, EntryKey)> = {
            let mut progress = job.progress();
            let count = progress.pending.len().min(LOOKED_AT);
            let some = progress.pending.iter().take(count).cloned().collect();
            // The next look is at others.
            progress.pending.rotate_left(count);
            some
        };
        let ledger = &self.operated.ledger;
        for entry in ledger.entries_at(&some, Large::LeftOut).await? {
            if entry.state == EntryState::Pending {
                continue;
            }
            let mut progress = job.progress();
            let is_it = |(lane, key): &(Lane, EntryKey)| *lane == entry.lane && *key == entry.key;
            // Of two who ask at the same time, one counts it.
            let Some(at) = progress.pending.iter().rposition(is_it) else {
                continue;
            };
            progress.pending.remove(at);
            match entry.state {
                EntryState::Delivered => progress.delivered += 1,
                EntryState::Dead => progress.dead += 1,
                EntryState::Pending => {}
            }
        }
        Ok(())
    }
}
