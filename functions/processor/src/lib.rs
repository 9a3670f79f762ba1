//! The processor function: rings become deliveries to Haptik, the channels and the sinks.
//!
//! [`Processor::process`] takes a batch of rings. For each lane that was rung, `drain` delivers what is
//! pending there, in order. `to_haptik`, `to_channel` and `to_sink` each make one delivery. Lanes are
//! drained side by side, and whatever happens in one, also a panic, fails that lane's records only.
//!
//! [`Processor::run_scheduled_maintenance`] is called from time to time, and does what no ring asks for.

pub mod event;

mod comparison;
mod drain;
mod maintenance;
mod outage;
mod reconcile;
mod to_channel;
mod to_haptik;
mod to_sink;

mod activity;
mod attempt;
mod bulkhead;
mod handoff_end;
mod limits;
mod offer;
mod question;
mod receipt;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use haptik_bridge_channels::connections::Outlets;
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::queue::Ring;
use haptik_bridge_sinks::Sinks;
use jiff::Timestamp;
use tokio::task::JoinSet;
use tracing::Instrument as _;

use crate::attempt::LaneStopped;
use crate::bulkhead::Bulkhead;
use crate::drain::{Drain, WakeUp};
use crate::maintenance::{LastDone, Maintenance};

pub use crate::limits::Limits;

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
    outlets: Arc<Outlets>,
    sinks: Arc<Sinks>,
    limits: Limits,
    bulkhead: Arc<Bulkhead>,
    last_done: Arc<LastDone>,
    /// Whether no delivery is begun any more.
    stopped: Arc<AtomicBool>,
}

/// How long to wait before a record that cannot be read is handed over again, on its way to the
/// dead-letter queue.
const UNREADABLE_PAUSE: Duration = Duration::from_mins(1);

impl Processor {
    /// A processor of this bridge's rings, which delivers to these channels and sinks, its own.
    #[must_use]
    pub fn new(bridge: Arc<Bridge>, outlets: Arc<Outlets>, sinks: Arc<Sinks>) -> Self {
        Self::with_limits(bridge, outlets, sinks, Limits::default())
    }

    /// A processor with other limits.
    #[must_use]
    pub fn with_limits(
        bridge: Arc<Bridge>,
        outlets: Arc<Outlets>,
        sinks: Arc<Sinks>,
        limits: Limits,
    ) -> Self {
        Self {
            bridge,
            outlets,
            sinks,
            limits,
            bulkhead: Arc::default(),
            last_done: Arc::default(),
            stopped: Arc::default(),
        }
    }

    /// Begins no delivery any more: a drain ends after the one that is under way, and what is pending stays in the ledger.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Handles a batch and returns what it could not handle. No delivery is begun after `deadline`, nor once this was
    /// [stopped](Self::stop).
    ///
    /// When one record of a lane fails, so do all of that lane: those behind it would overtake it.
    pub async fn process(&self, records: Vec<Record>, deadline: Instant) -> Vec<Unhandled> {
        let mut unhandled = Vec::new();
        let mut lanes: BTreeMap<Lane, Vec<(WakeUp, Record)>> = BTreeMap::new();
        for record in records {
            match serde_json::from_str(&record.body) {
                Ok(Ring::V1 { lane, at, .. }) => {
                    let wake_up = WakeUp {
                        at,
                        receives: record.receives,
                    };
                    lanes.entry(lane).or_default().push((wake_up, record));
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
        lanes: BTreeMap<Lane, Vec<(WakeUp, Record)>>,
        deadline: Instant,
    ) -> Vec<Unhandled> {
        let mut drains = JoinSet::new();
        let mut waiting = BTreeMap::new();
        for (lane, rings) in lanes {
            let (wake_ups, records): (Vec<WakeUp>, Vec<Record>) = rings.into_iter().unzip();
            let processor = self.clone();
            let receives = wake_ups
                .iter()
                .map(|wake_up| wake_up.receives)
                .max()
                .unwrap_or(1);
            // On the heap: what a delivery may have to do makes it large.
            let drain = async move { Box::pin(processor.drain(&lane, &wake_ups, deadline)).await };
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

    /// Delivers what is pending in a lane.
    async fn drain(
        &self,
        lane: &Lane,
        wake_ups: &[WakeUp],
        deadline: Instant,
    ) -> Result<(), LaneStopped> {
        let drain = Drain {
            bridge: &self.bridge,
            outlets: &self.outlets,
            sinks: &self.sinks,
            limits: &self.limits,
            bulkhead: &self.bulkhead,
            stopped: &self.stopped,
            lane,
            receives: wake_ups
                .iter()
                .map(|wake_up| wake_up.receives)
                .max()
                .unwrap_or(1),
        };
        drain.run(wake_ups, deadline).await?;
        if drain.receives > 1 {
            drain.ring_for_receipts().await?;
        }
        Ok(())
    }

    /// Does what is due, whether or not anybody writes: see `maintenance`. To be called often, every
    /// minute for example: it costs a query, and two reads an account.
    pub async fn run_scheduled_maintenance(&self, now: Timestamp) {
        let maintenance = Maintenance {
            bridge: &self.bridge,
            sinks: &self.sinks,
            outlets: &self.outlets,
            done: &self.last_done,
        };
        // On the heap, since the future is large.
        Box::pin(maintenance.run(now)).await;
    }
}
