//! The queue in memory and its pollers, with the guarantees of SQS FIFO: one lane is drained by one worker at a time,
//! lanes run side by side, and a ring that was not handled comes again after a pause. Where more lanes are
//! rung than are drained at once, the connections by which their users came get their turns.
//!
//! It forgets its rings when the process ends; the ledger does not forget the entries, and
//! [`LocalQueue::recover`] rings their lanes at the next start.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use haptik_bridge_processor::{Processor, Record};
use haptik_bridge_shared::ids::{AuthId, ConnectionId};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::queue::{Queue, QueueError, Repeat, Ring};
use tokio::sync::watch;

use crate::turns::{FairSlots, Turns};

/// How many lanes are drained at the same time; those that wait for a pause to end do not count.
const MOST_DRAINS: usize = 340;

/// How many slots one connection may hold for each slot that is free. With three, a connection that is alone has three
/// quarters of all, and a drain of its that goes on for [`DRAIN_TIME`] keeps no other connection waiting.
const SHARE: usize = 3;

/// How many lanes of sinks are, besides: a sink that hangs takes nothing from a chat.
const MOST_SINK_DRAINS: usize = 64;

/// How long a drain may begin deliveries: as on Lambda, where a function's time is limited.
const DRAIN_TIME: Duration = Duration::from_mins(1);

/// The queue. A clone is the same one.
#[derive(Clone)]
pub struct LocalQueue(Arc<Inner>);

struct Inner {
    processor: OnceLock<Processor>,
    /// The lanes that have a worker, each with the ring that waits for it.
    lanes: Mutex<HashMap<Lane, Option<WaitingRing>>>,
    slots: FairSlots,
    sink_slots: FairSlots,
    /// By which connection users came.
    turns: Turns,
    closed: watch::Sender<bool>,
    /// How often a lane was rung.
    rung: AtomicU64,
    /// How many lanes have a worker.
    busy: watch::Sender<usize>,
}

/// A ring that waits. One is enough for a lane: a drain delivers all that is pending.
#[derive(Debug, Clone)]
struct WaitingRing {
    ring: Ring,
    receives: u32,
}

impl fmt::Debug for LocalQueue {
    /// Without the processor, whose bridge has this queue inside.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LocalQueue")
            .field("busy", &*self.0.busy.borrow())
            .finish_non_exhaustive()
    }
}

impl LocalQueue {
    /// An empty queue. A ring that comes before [`LocalQueue::start`] is dropped: what is pending then is rung for again
    /// by whoever started it.
    #[must_use]
    pub fn new() -> Self {
        Self::in_turn(Turns::default())
    }

    /// An empty queue, which notes by which connection users come.
    pub(crate) fn in_turn(turns: Turns) -> Self {
        Self(Arc::new(Inner {
            processor: OnceLock::new(),
            lanes: Mutex::default(),
            slots: FairSlots::sharing(MOST_DRAINS, SHARE),
            sink_slots: FairSlots::new(MOST_SINK_DRAINS),
            turns,
            closed: watch::Sender::new(false),
            rung: AtomicU64::new(0),
            busy: watch::Sender::new(0),
        }))
    }

    /// Names the processor that handles the rings. To be called once, before anything is rung.
    pub fn start(&self, processor: Processor) {
        // A second call would be a mistake of the caller's and changes nothing.
        let _ = self.0.processor.set(processor);
    }

    /// Rings a lane that had pending entries when the last process ended: as a redelivery, because what
    /// that process had begun may be done.
    pub fn recover(&self, lane: Lane) {
        let ring = Ring::V1 {
            lane: lane.clone(),
            key: "recovered".into(),
            at: jiff::Timestamp::now(),
        };
        self.push(lane, WaitingRing { ring, receives: 2 });
    }

    /// How often a lane was rung: a deployed bridge sends a message to SQS each time.
    #[must_use]
    pub fn rung(&self) -> u64 {
        self.0.rung.load(Ordering::Relaxed)
    }

    /// Waits until no lane has anything to do, for `patience` at most; whether that came to be.
    pub async fn idle(&self, patience: Duration) -> bool {
        let mut busy = self.0.busy.subscribe();
        tokio::time::timeout(patience, busy.wait_for(|busy| *busy == 0))
            .await
            .is_ok()
    }

    /// Begins no more drains and no more deliveries, and waits until those under way have ended, for `patience` at most.
    /// What is pending stays in the ledger.
    pub async fn close(&self, patience: Duration) {
        self.0.closed.send_replace(true);
        if let Some(processor) = self.0.processor.get() {
            processor.stop();
        }
        self.idle(patience).await;
    }

    fn push(&self, lane: Lane, waiting: WaitingRing) {
        let mut lanes = self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = lanes.get_mut(&lane) {
            slot.get_or_insert(waiting);
            return;
        }
        lanes.insert(lane.clone(), Some(waiting));
        self.0.busy.send_replace(lanes.len());
        drop(lanes);
        tokio::spawn(self.clone().work(lane));
    }

    /// Takes the ring that waits for a lane, or ends the lane's worker.
    fn take(&self, lane: &Lane) -> Option<WaitingRing> {
        let mut lanes = self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = lanes
            .get_mut(lane)
            .and_then(Option::take)
            .filter(|_| !*self.0.closed.borrow());
        if waiting.is_none() {
            lanes.remove(lane);
            self.0.busy.send_replace(lanes.len());
        }
        waiting
    }

    async fn work(self, lane: Lane) {
        while let Some(waiting) = self.take(&lane) {
            let Some(pause) = self.handle(&waiting).await else {
                continue;
            };
            let mut closed = self.0.closed.subscribe();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = closed.wait_for(|closed| *closed) => {}
            }
            let mut lanes = self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner);
            lanes.insert(
                lane.clone(),
                Some(WaitingRing {
                    receives: waiting.receives + 1,
                    ..waiting
                }),
            );
        }
    }

    /// Hands a ring to the processor; the pause before it is to come again, when it was not handled.
    async fn handle(&self, waiting: &WaitingRing) -> Option<Duration> {
        let processor = self.0.processor.get()?;
        let Ring::V1 { lane, .. } = &waiting.ring;
        let slots = match lane {
            Lane::Sink { .. } => &self.0.sink_slots,
            _ => &self.0.slots,
        };
        let connection = lane.user();
        let connection = connection.and_then(|user| self.0.turns.connection_of(user));
        let _slot = slots
            .acquire(connection.as_deref().unwrap_or_default())
            .await;
        if *self.0.closed.borrow() {
            return None;
        }
        let record = Record {
            id: "1".to_owned(),
            body: serde_json::to_string(&waiting.ring).unwrap_or_default(),
            receives: waiting.receives,
        };
        let unhandled = processor
            .process(vec![record], Instant::now() + DRAIN_TIME)
            .await;
        unhandled.into_iter().map(|unhandled| unhandled.pause).max()
    }
}

impl Default for LocalQueue {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Queue for LocalQueue {
    fn comes_by(&self, user: &AuthId, connection: &ConnectionId) {
        self.0.turns.comes_by(user, connection);
    }

    async fn ring(&self, ring: &Ring, _repeat: Repeat) -> Result<(), QueueError> {
        let Ring::V1 { lane, .. } = ring;
        if *self.0.closed.borrow() {
            return Err(QueueError("the bridge is stopping".to_owned()));
        }
        self.0.rung.fetch_add(1, Ordering::Relaxed);
        self.push(
            lane.clone(),
            WaitingRing {
                ring: ring.clone(),
                receives: 1,
            },
        );
        Ok(())
    }
}
