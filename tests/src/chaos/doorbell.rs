//! A queue as SQS FIFO is, outside of the process that is killed: a ring is kept until it was handled,
//! rings of one lane are handed over in order and to one process at a time, each time counted.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use haptik_bridge_processor::{Processor, Record};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::queue::{Queue, QueueError, Repeat, Ring};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};

use super::world::{Dependency, Fault, World};

/// The most rings that are handed over at once, as with Lambda's event source.
const BATCH: usize = 10;

/// How many batches are handled at the same time, as a function's concurrency is limited: a process that is
/// killed over and over with ever more under way would get nothing done in the end.
const MOST_DRAINS: usize = 64;

/// How many of sinks are, besides: they have a queue of their own.
const MOST_SINK_DRAINS: usize = 32;

/// How long a drain may begin deliveries.
const DRAIN_TIME: Duration = Duration::from_mins(1);

/// The queue. A clone is the same one.
#[derive(Debug, Clone)]
pub(crate) struct Doorbell(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    lanes: Mutex<Lanes>,
    worker: watch::Sender<Option<Worker>>,
    busy: watch::Sender<usize>,
    slots: Semaphore,
    sink_slots: Semaphore,
    /// How much of a pause is waited for.
    pace: f64,
    /// And how long at most.
    longest_pause: Duration,
    runtime: Handle,
}

#[derive(Debug, Default)]
struct Lanes {
    rings: HashMap<Lane, VecDeque<Waiting>>,
    /// First rings that came: SQS swallows their copies.
    seen: HashSet<(Lane, String)>,
}

#[derive(Debug, Clone)]
struct Waiting {
    ring: Ring,
    receives: u32,
}

/// The process that handles rings.
#[derive(Debug, Clone)]
pub(crate) struct Worker {
    pub(crate) runtime: Handle,
    pub(crate) processor: Processor,
}

/// The queue as one process sees it.
#[derive(Debug)]
pub(crate) struct DoorbellOf {
    pub(crate) doorbell: Doorbell,
    pub(crate) world: Arc<World>,
    pub(crate) process: u64,
}

impl Doorbell {
    /// `pace` is how much of each pause is waited for.
    pub(crate) fn new(pace: f64) -> Self {
        Self::with_pauses(pace, Duration::MAX)
    }

    /// `longest_pause` is how long is waited at most.
    pub(crate) fn with_pauses(pace: f64, longest_pause: Duration) -> Self {
        Self(Arc::new(Inner {
            lanes: Mutex::default(),
            worker: watch::Sender::new(None),
            busy: watch::Sender::new(0),
            slots: Semaphore::new(MOST_DRAINS),
            sink_slots: Semaphore::new(MOST_SINK_DRAINS),
            pace,
            longest_pause,
            runtime: Handle::current(),
        }))
    }

    /// Names the process that handles rings from now on, or that there is none.
    pub(crate) fn set_worker(&self, worker: Option<Worker>) {
        self.0.worker.send_replace(worker);
    }

    /// The process that handles rings, once there is one.
    pub(crate) async fn worker(&self) -> Option<Worker> {
        let mut worker = self.0.worker.subscribe();
        let there = worker.wait_for(Option::is_some).await;
        there.ok()?.clone()
    }

    /// How many lanes have rings.
    pub(crate) fn busy(&self) -> usize {
        *self.0.busy.borrow()
    }

    /// Whether a lane of a sink has rings.
    pub(crate) fn sinks_are_busy(&self) -> bool {
        let lanes = self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rung = lanes.rings.keys();
        rung.any(|lane| matches!(lane, Lane::Sink { .. }))
    }

    fn push(&self, ring: &Ring, repeat: Repeat) {
        let Ring::V1 { lane, key, .. } = ring;
        let mut lanes = self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if repeat == Repeat::First && !lanes.seen.insert((lane.clone(), key.to_string())) {
            return;
        }
        let waiting = Waiting {
            ring: ring.clone(),
            receives: 1,
        };
        if let Some(rings) = lanes.rings.get_mut(lane) {
            rings.push_back(waiting);
            return;
        }
        lanes.rings.insert(lane.clone(), VecDeque::from([waiting]));
        self.0.busy.send_replace(lanes.rings.len());
        drop(lanes);
        self.0.runtime.spawn(self.clone().work(lane.clone()));
    }

    async fn work(self, lane: Lane) {
        let slots = match lane {
            Lane::Sink { .. } => &self.0.sink_slots,
            _ => &self.0.slots,
        };
        while let Some(batch) = self.batch(&lane) {
            let slot = slots.acquire().await;
            let Some(Worker { runtime, processor }) = self.worker().await else {
                return;
            };
            let count = batch.len();
            let deadline = Instant::now() + DRAIN_TIME;
            let handled = runtime
                .spawn(async move { processor.process(batch, deadline).await })
                .await;
            drop(slot);
            let pause = match handled {
                Ok(unhandled) => unhandled.iter().map(|one| one.pause).max(),
                // The process was killed.
                Err(_) => Some(Duration::from_millis(150)),
            };
            if let Some(pause) = pause {
                self.return_to_queue(&lane, count);
                let pause = pause.mul_f64(self.0.pace);
                tokio::time::sleep(pause.min(self.0.longest_pause)).await;
            } else {
                self.settle(&lane, count);
            }
        }
    }

    /// The next rings of a lane; `None` ends the lane's task.
    fn batch(&self, lane: &Lane) -> Option<Vec<Record>> {
        let mut lanes = self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let rings = lanes.rings.get(lane)?;
        if rings.is_empty() {
            lanes.rings.remove(lane);
            self.0.busy.send_replace(lanes.rings.len());
            return None;
        }
        let record = |(index, waiting): (usize, &Waiting)| Record {
            id: index.to_string(),
            body: serde_json::to_string(&waiting.ring).unwrap_or_default(),
            receives: waiting.receives,
        };
        Some(rings.iter().take(BATCH).enumerate().map(record).collect())
    }

    fn settle(&self, lane: &Lane, count: usize) {
        let mut lanes = self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rings) = lanes.rings.get_mut(lane) {
            rings.drain(..count.min(rings.len()));
        }
    }

    fn return_to_queue(&self, lane: &Lane, count: usize) {
        let mut lanes = self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        for waiting in lanes.rings.get_mut(lane).into_iter().flatten().take(count) {
            waiting.receives += 1;
        }
    }
}

#[async_trait]
impl Queue for DoorbellOf {
    async fn ring(&self, ring: &Ring, repeat: Repeat) -> Result<(), QueueError> {
        let lost = |why: &str| Err(QueueError(why.to_owned()));
        let Ok(fault) = self.world.step(self.process, Dependency::Queue) else {
            return lost("killed");
        };
        match fault {
            None => {}
            Some(Fault::Throttled | Fault::Failed | Fault::CutBefore) => return lost("refused"),
            Some(Fault::Late) => tokio::time::sleep(Duration::from_millis(120)).await,
            Some(Fault::KilledBefore) => {
                self.world.kill();
                return lost("killed");
            }
            Some(Fault::CutAfter) => {
                self.doorbell.push(ring, repeat);
                return lost("cut");
            }
            Some(Fault::KilledAfter) => {
                self.doorbell.push(ring, repeat);
                self.world.kill();
                return lost("killed");
            }
        }
        self.doorbell.push(ring, repeat);
        Ok(())
    }
}
