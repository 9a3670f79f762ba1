//! Giving a sink what the ledger has: what it was not told, and once more what it was.
//!
//! The events of a user are taken from the user's other lanes and appended to that of the sink, in order and under
//! the keys that they have everywhere. So whatever is there already is not there twice, and a run that was stopped
//! goes on where it was by beginning anew. Delivering them is the processor's, at the sink's own rate.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::config::Sink;
use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ids::{AuthId, EntryKey};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Appended, Entry, Payload};
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::table::{Table, millis, number, text};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

/// What a sink is to be given.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The sink.
    pub sink: String,
    /// Events that were received since then.
    pub since: Timestamp,
    /// And until then.
    pub until: Timestamp,
    /// Of these users; of all where it is empty.
    pub users: BTreeSet<AuthId>,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many users were looked at, of how many.
    pub users: (usize, usize),
    /// How many events the sink is given that it did not have.
    pub new: usize,
    /// How many it is given once more.
    pub again: usize,
    /// How many it has or waits for already: of this run, when it goes on.
    pub there: usize,
    /// When this run was begun, where it goes on.
    pub goes_on: Option<Timestamp>,
}

/// How long a run is remembered that was stopped, in seconds: as long as what it would go on with.
const KEPT_SECONDS: i64 = 30 * 24 * 3_600;

/// How long after it was begun a run goes on. What is asked for later is asked for anew: it is more than was left.
const GOES_ON_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// Gives it to the sink. `told` hears of each user.
///
/// # Errors
/// When there is no such sink, or the table or the queue does not answer: to be begun again, to go on.
pub async fn fill(
    bridge: &Bridge,
    wanted: &Wanted,
    mut told: impl FnMut(Progress),
) -> anyhow::Result<Progress> {
    let sink = bridge.config.sinks.get(&wanted.sink);
    let sink = sink.ok_or_else(|| anyhow::anyhow!("there is no sink {:?}", wanted.sink))?;
    let run = Run::begun(bridge.ledger.table(), wanted).await?;
    let lanes = Lanes::of(bridge, wanted).await?;
    let mut progress = Progress {
        users: (0, lanes.0.len()),
        goes_on: run.goes_on.then_some(run.began),
        ..Progress::default()
    };
    for (auth_id, lanes) in &lanes.0 {
        let events = events(bridge, sink, wanted, lanes).await?;
        give(
            bridge,
            sink,
            wanted,
            (auth_id, events),
            run.began,
            &mut progress,
        )
        .await?;
        progress.users.0 += 1;
        told(progress);
    }
    run.end(bridge.ledger.table()).await?;
    Ok(progress)
}

/// How long the names of a run's users may be, in bytes, in its key, of which DynamoDB takes 1,024: of longer ones it has a
/// hash.
const LONGEST_NAMED: usize = 800;

/// A run, which goes on when it is begun again as it was.
struct Run {
    sk: String,
    began: Timestamp,
    goes_on: bool,
}

impl Run {
    async fn begun(table: &Table, wanted: &Wanted) -> anyhow::Result<Self> {
        let users: Vec<&str> = wanted.users.iter().map(AuthId::as_str).collect();
        let users = users.join(",");
        let named = if users.len() <= LONGEST_NAMED {
            users.clone()
        } else {
            hex::encode(Sha256::digest(&users))
        };
        let sk = format!("{}#{named}", wanted.sink);
        let now = Timestamp::now();
        let update = table.update("fills", sk.as_str());
        let update = update.set("users", text(users));
        let update = update.set_if_absent("began", millis(now));
        let expires = now.as_second().saturating_add(KEPT_SECONDS);
        update.set("expires_at", number(expires)).send().await?;
        let item = table.get("fills", &sk).await?.unwrap_or_default();
        let began = item.get("began").and_then(|began| began.as_n().ok());
        let began = began.and_then(|began| Timestamp::from_millisecond(began.parse().ok()?).ok());
        let began = began.unwrap_or(now);
        if now.duration_since(began) > GOES_ON_WITHIN {
            let anew = table.update("fills", sk.as_str());
            anew.set("began", millis(now)).send().await?;
            return Ok(Self {
                sk,
                began: now,
                goes_on: false,
            });
        }
        let goes_on = began.as_millisecond() != now.as_millisecond();
        Ok(Self { sk, began, goes_on })
    }

    async fn end(self, table: &Table) -> anyhow::Result<()> {
        Ok(table.delete("fills", &self.sk).await?)
    }
}

/// The lanes that have events, by user.
struct Lanes(BTreeMap<AuthId, Vec<Lane>>);

impl Lanes {
    /// For all users, reads the keys of the whole table.
    async fn of(bridge: &Bridge, wanted: &Wanted) -> anyhow::Result<Self> {
        let mut users: BTreeMap<AuthId, Vec<Lane>> = BTreeMap::new();
        if wanted.users.is_empty() {
            for lane in bridge.ledger.lanes().await? {
                let user = match &lane {
                    Lane::Channel(user) => user,
                    Lane::Sink { sink, auth_id } if *sink != wanted.sink => auth_id,
                    _ => continue,
                };
                users.entry(user.clone()).or_default().push(lane);
            }
        }
        for user in &wanted.users {
            let sinks = bridge.config.sinks.keys();
            let sinks = sinks.filter(|sink| **sink != wanted.sink);
            let sinks = sinks.map(|sink| Lane::Sink {
                sink: sink.clone(),
                auth_id: user.clone(),
            });
            let lanes = [Lane::Channel(user.clone())].into_iter().chain(sinks);
            users.insert(user.clone(), lanes.collect());
        }
        Ok(Self(users))
    }
}

/// The events of these lanes that the sink wants, by their keys.
async fn events(
    bridge: &Bridge,
    sink: &Sink,
    wanted: &Wanted,
    lanes: &[Lane],
) -> anyhow::Result<BTreeMap<EntryKey, Entry>> {
    let mut events = BTreeMap::new();
    for lane in lanes {
        for entry in bridge.ledger.entries(lane).await? {
            let is_in_time = (wanted.since..=wanted.until).contains(&entry.received_at);
            if is_in_time && is_wanted(sink, &entry) {
                events.entry(entry.key.clone()).or_insert(entry);
            }
        }
    }
    Ok(events)
}

/// Whether an entry is an event, of Haptik's or of those that the bridge tells sinks, and the sink wants it.
fn is_wanted(sink: &Sink, entry: &Entry) -> bool {
    let Payload::Webhook { body, .. } = &entry.payload else {
        return false;
    };
    let Ok(event) = Event::read(body.as_bytes()) else {
        return false;
    };
    let value = lenient_json::read(body.as_bytes()).unwrap_or_default();
    !event.is_own && sink.wants_event(&event.event_name, &value)
}

/// Appends the events of a user to the sink's lane, and rings for them.
async fn give(
    bridge: &Bridge,
    sink: &Sink,
    wanted: &Wanted,
    (auth_id, events): (&AuthId, BTreeMap<EntryKey, Entry>),
    run: Timestamp,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    let lane = Lane::Sink {
        sink: wanted.sink.clone(),
        auth_id: auth_id.clone(),
    };
    let before = (progress.new, progress.again);
    for (key, event) in &events {
        let now = Timestamp::now();
        let appended = bridge
            .ledger
            .append(&lane, key, &event.payload, event.at, now)
            .await?;
        match appended {
            Appended::New => progress.new += 1,
            Appended::Done if bridge.ledger.deliver_again(&lane, key, run, now).await? => {
                progress.again += 1;
            }
            Appended::Pending | Appended::Done | Appended::Late => progress.there += 1,
        }
    }
    let given = progress.new - before.0 + progress.again - before.1;
    if !events.is_empty() {
        // Also where nothing is new: who appended it may have been stopped before the ring.
        bridge.ring_again(lane, Timestamp::now()).await?;
    }
    if let Some(rate) = sink.rate_per_second.filter(|rate| *rate > 0) {
        let given = u32::try_from(given).unwrap_or(u32::MAX);
        tokio::time::sleep(Duration::from_secs(1) * given / rate).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::EmbeddedDynamoDb;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_run_goes_on_for_a_day_and_is_begun_anew_after_it() -> anyhow::Result<()> {
        let database = EmbeddedDynamoDb::start(None).await?;
        let (table, now) = (&database.table, Timestamp::now());
        let wanted = Wanted {
            sink: "crm".to_owned(),
            since: now,
            until: now,
            users: BTreeSet::new(),
        };
        let run = Run::begun(table, &wanted).await?;
        for (hours, goes_on) in [(23, true), (25, false)] {
            let began = Timestamp::now() - SignedDuration::from_hours(hours);
            let update = table.update("fills", run.sk.as_str());
            update.set("began", millis(began)).send().await?;
            let again = Run::begun(table, &wanted).await?;
            let expected = if goes_on { began } else { now };
            let apart = again.began.duration_since(expected).as_secs().abs();
            assert!(apart < 60, "{hours} hours: {}", again.began);
            // What goes on once goes on as it began.
            let third = Run::begun(table, &wanted).await?;
            assert_eq!(third.began.as_millisecond(), again.began.as_millisecond());
            assert!(third.goes_on && again.goes_on == goes_on);
        }
        Ok(())
    }
}
