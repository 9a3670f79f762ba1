//! The processor function: rings become deliveries to Haptik, the channels and the sinks.
//!
//! [`Processor::process`] takes a batch of rings. For each lane that was rung, it delivers what is
//! pending there, in order (`drain`); what a delivery is, is in `to_haptik`, `to_channel` and
//! `to_sink`. Lanes are drained side by side, and whatever happens in one, also a panic, fails that
//! lane's records only.

pub mod event;

mod drain;
mod guard;
mod housekeeping;
mod outage;
mod reconcile;
mod to_channel;
mod to_haptik;
mod to_sink;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::queue::Ring;
use haptik_bridge_sinks::Sinks;
use tokio::sync::RwLock;
use tokio::task::JoinSet;
use tracing::Instrument as _;

use crate::drain::Rung;

/// A ring as the queue hands it over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The queue's id of it.
    pub id: String,
    /// A [`Ring`] as JSON.
    pub body: String,
    /// How often it was handed over, this time included; above 1, an earlier time may have ended
    /// anywhere.
    pub receives: u32,
}

/// A record that was not handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unhandled {
    /// The record's id.
    pub id: String,
    /// How long to wait before it is handed over again.
    pub pause: Duration,
}

/// The processor: a function of its dependencies.
#[derive(Debug, Clone)]
pub struct Processor {
    bridge: Arc<Bridge>,
    sinks: Arc<Sinks>,
    limits: Limits,
    /// Read by a delivery, written by one that is to be alone.
    alone: Arc<RwLock<()>>,
}

/// How long things may take, and what keeps a poisonous entry from holding up those behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long one delivery may take in all, its parts and its files included. Each request has
    /// time-outs of its own, which are far shorter: a provider that hangs is not poison.
    pub delivery_timeout: Duration,
    /// How long a long transcript is told at a stretch: well below that.
    pub stretch: Duration,
    /// How many times in a row an entry may take longer than that, or, once it was redelivered, bring the
    /// function down, without any progress, before it is parked.
    pub most_crashes: u32,
    /// How long a ticket sink holds `chat_complete` from its receipt, for its twin that says more.
    pub twin_wait: Duration,
    /// How long a ticket sink waits at most for what became of a creation that was cut off; each CRM
    /// says how long it can take.
    pub longest_settling: Duration,
    /// How often a sink that needs attention is tried.
    pub probe_every: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            delivery_timeout: Duration::from_mins(1),
            stretch: Duration::from_secs(20),
            most_crashes: 5,
            twin_wait: Duration::from_secs(10),
            longest_settling: Duration::MAX,
            probe_every: Duration::from_mins(1),
        }
    }
}

/// How long to wait before a record that cannot be read is handed over again, on its way to the
/// dead-letter queue.
const UNREADABLE_PAUSE: Duration = Duration::from_mins(1);

impl Processor {
    /// A processor of this bridge's rings, which delivers to these sinks, its own.
    #[must_use]
    pub fn new(bridge: Arc<Bridge>, sinks: Arc<Sinks>) -> Self {
        Self::with_limits(bridge, sinks, Limits::default())
    }

    /// A processor with other limits.
    #[must_use]
    pub fn with_limits(bridge: Arc<Bridge>, sinks: Arc<Sinks>, limits: Limits) -> Self {
        Self {
            bridge,
            sinks,
            limits,
            alone: Arc::default(),
        }
    }

    /// Handles a batch and returns what it could not handle. No delivery is begun after `deadline`.
    ///
    /// When one record of a lane fails, so do all of that lane: those behind it would overtake it.
    pub async fn process(&self, records: Vec<Record>, deadline: Instant) -> Vec<Unhandled> {
        let mut unhandled = Vec::new();
        let mut lanes: BTreeMap<Lane, Vec<(Rung, Record)>> = BTreeMap::new();
        for record in records {
            match serde_json::from_str(&record.body) {
                Ok(Ring::V1 { lane, at, .. }) => {
                    let rung = Rung {
                        at,
                        receives: record.receives,
                    };
                    lanes.entry(lane).or_default().push((rung, record));
                }
                Err(error) => {
                    tracing::error!(record = record.id, %error, "a ring cannot be read");
                    unhandled.push(Unhandled {
                        id: record.id,
                        pause: UNREADABLE_PAUSE,
                    });
                }
            }
        }
        unhandled.extend(self.drain_all(lanes, deadline).await);
        unhandled
    }

    async fn drain_all(
        &self,
        lanes: BTreeMap<Lane, Vec<(Rung, Record)>>,
        deadline: Instant,
    ) -> Vec<Unhandled> {
        let mut drains = JoinSet::new();
        let mut waiting = BTreeMap::new();
        for (lane, rings) in lanes {
            let (rungs, records): (Vec<Rung>, Vec<Record>) = rings.into_iter().unzip();
            let processor = self.clone();
            let receives = rungs.iter().map(|rung| rung.receives).max().unwrap_or(1);
            // On the heap: what a delivery may have to do makes it large.
            let drain = async move { Box::pin(processor.drain(&lane, &rungs, deadline)).await };
            let handle = drains.spawn(drain.in_current_span());
            waiting.insert(handle.id(), (records, receives));
        }
        let mut unhandled = Vec::new();
        while let Some(drained) = drains.join_next_with_id().await {
            let (id, pause) = match drained {
                Ok((id, Ok(()))) => (id, None),
                Ok((id, Err(stopped))) => (id, stopped.pause),
                Err(crash) => {
                    // The panic's message may quote a body, so it is not logged here.
                    tracing::error!("a delivery panicked: its lane is tried again");
                    let receives = waiting
                        .get(&crash.id())
                        .map_or(1, |(_, receives)| *receives);
                    (
                        crash.id(),
                        Some(haptik_bridge_shared::retry::pause(receives, None)),
                    )
                }
            };
            if let (Some((records, _)), Some(pause)) = (waiting.remove(&id), pause) {
                unhandled.extend(records.into_iter().map(|record| Unhandled {
                    id: record.id,
                    pause,
                }));
            }
        }
        unhandled
    }
}
