//! What goes wrong, and when: one place through which every step of the bridge passes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::{mpsc, watch};

/// A dependency of the bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dependency {
    /// The ledger and the user map.
    DynamoDb,
    /// The doorbell.
    Queue,
    /// Haptik's calls.
    Haptik,
    /// The calls of the channel's provider.
    Channel,
    /// The receiver of the webhook sink.
    Sink,
}

/// What goes wrong with one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// 429 with `Retry-After`, or the service's own word for it; nothing happens.
    Throttled,
    /// 500; nothing happens.
    Failed,
    /// The connection is cut before anything happens.
    CutBefore,
    /// It happens, and the connection is cut in the place of the answer.
    CutAfter,
    /// It happens late.
    Late,
    /// The process is killed before anything happens.
    KilledBefore,
    /// It happens, and the process is killed before it hears of it.
    KilledAfter,
}

/// How likely what is, of each step: 0.0 to 1.0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// A fault of the dependency, its kind drawn evenly.
    pub fault: f64,
    /// The process is killed.
    pub kill: f64,
}

/// The one step at which the process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KillAt {
    /// Which step, from 0, in the order in which they are made.
    pub step: u64,
    /// Whether the step takes effect.
    pub takes_effect: bool,
}

/// Whether kills that are nearly the same are made all the same.
pub const ALL_KILLS: bool = option_env!("KILLS").is_some();

impl KillAt {
    /// Before and after each of these steps.
    pub fn around(steps: impl IntoIterator<Item = u64>) -> Vec<Self> {
        let around = |step| [false, true].map(|takes_effect| Self { step, takes_effect });
        steps.into_iter().flat_map(around).collect()
    }

    /// Before and after each second of these steps: just after one is just before the next. With
    /// [`ALL_KILLS`] it is each.
    pub fn between(steps: impl IntoIterator<Item = u64>) -> Vec<Self> {
        let every = if ALL_KILLS { 1 } else { 2 };
        Self::around(steps.into_iter().step_by(every))
    }
}

/// How often what went wrong where.
pub type Tally = BTreeMap<(Dependency, Fault), u64>;

/// The world around the bridge.
#[derive(Debug)]
pub(crate) struct World {
    rates: Rates,
    kill_at: Mutex<Option<KillAt>>,
    draws: Mutex<(fastrand::Rng, Tally)>,
    steps: AtomicU64,
    /// Which process may act; 0 when none may.
    alive: AtomicU64,
    /// Steps that a dependency is carrying out.
    pub(crate) in_flight: watch::Sender<usize>,
    killed: mpsc::UnboundedSender<()>,
}

impl World {
    pub(crate) fn new(
        seed: u64,
        rates: Rates,
        kill_at: Option<KillAt>,
    ) -> (Self, mpsc::UnboundedReceiver<()>) {
        let (killed, kills) = mpsc::unbounded_channel();
        let world = Self {
            rates,
            kill_at: Mutex::new(kill_at),
            draws: Mutex::new((fastrand::Rng::with_seed(seed), Tally::new())),
            steps: AtomicU64::new(0),
            alive: AtomicU64::new(0),
            in_flight: watch::Sender::new(0),
            killed,
        };
        (world, kills)
    }

    /// Draws what becomes of a step of this process. A process that was killed does nothing more.
    pub(crate) fn step(&self, process: u64, place: Dependency) -> Result<Option<Fault>, Dead> {
        if self.alive.load(Ordering::SeqCst) != process {
            return Err(Dead);
        }
        let step = self.steps.fetch_add(1, Ordering::SeqCst);
        let mut draws = self.draws.lock().unwrap_or_else(PoisonError::into_inner);
        let (random, tally) = &mut *draws;
        let kill_at = *self.kill_at.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = match kill_at {
            Some(at) if at.step == step && at.takes_effect => Some(Fault::KilledAfter),
            Some(at) if at.step == step => Some(Fault::KilledBefore),
            _ => self.rates.draw(random),
        };
        if let Some(fault) = fault {
            *tally.entry((place, fault)).or_default() += 1;
        }
        Ok(fault)
    }

    /// Kills the process at a step, counted from here.
    pub(crate) fn kill_in(&self, KillAt { step, takes_effect }: KillAt) {
        let mut kill_at = self.kill_at.lock().unwrap_or_else(PoisonError::into_inner);
        *kill_at = Some(KillAt {
            step: self.steps() + step,
            takes_effect,
        });
    }

    /// How many steps were made.
    pub(crate) fn steps(&self) -> u64 {
        self.steps.load(Ordering::SeqCst)
    }

    pub(crate) fn tally(&self) -> Tally {
        let draws = self.draws.lock().unwrap_or_else(PoisonError::into_inner);
        draws.1.clone()
    }

    /// Ends the process: from now on it reaches nothing.
    pub(crate) fn kill(&self) {
        if self.alive.swap(0, Ordering::SeqCst) != 0 {
            // Nobody listens once the run is over.
            let _ = self.killed.send(());
        }
    }

    /// Whether this process may act.
    pub(crate) fn is_alive(&self, process: u64) -> bool {
        self.alive.load(Ordering::SeqCst) == process
    }

    /// Lets a process act.
    pub(crate) fn revive(&self, process: u64) {
        self.alive.store(process, Ordering::SeqCst);
    }

    /// Carries out a step; the process is not replaced while that is under way, as a crashed function's
    /// messages come again only after their visibility timeout.
    pub(crate) async fn carry_out<T>(&self, step: impl Future<Output = T>) -> T {
        let _flight = Flight::of(self);
        step.await
    }
}

/// The process was killed.
#[derive(Debug)]
pub(crate) struct Dead;

struct Flight<'a>(&'a World);

impl<'a> Flight<'a> {
    fn of(world: &'a World) -> Self {
        world.in_flight.send_modify(|count| *count += 1);
        Self(world)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.send_modify(|count| *count -= 1);
    }
}

impl Rates {
    /// Nothing goes wrong.
    pub const NONE: Self = Self {
        fault: 0.0,
        kill: 0.0,
    };

    fn draw(self, random: &mut fastrand::Rng) -> Option<Fault> {
        let drawn = random.f64();
        if drawn < self.kill {
            return random.choice([Fault::KilledBefore, Fault::KilledAfter]);
        }
        if drawn < self.kill + self.fault {
            return random.choice([
                Fault::Throttled,
                Fault::Failed,
                Fault::CutBefore,
                Fault::CutAfter,
                Fault::Late,
            ]);
        }
        None
    }
}

impl fmt::Display for Dependency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::DynamoDb => "DynamoDB",
            Self::Queue => "queue",
            Self::Haptik => "Haptik",
            Self::Channel => "channel",
            Self::Sink => "sink",
        })
    }
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Throttled,
        Self::Failed,
        Self::CutBefore,
        Self::CutAfter,
        Self::Late,
        Self::KilledBefore,
        Self::KilledAfter,
    ];
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Throttled => "429",
            Self::Failed => "500",
            Self::CutBefore => "cut before",
            Self::CutAfter => "cut after",
            Self::Late => "late",
            Self::KilledBefore => "killed before",
            Self::KilledAfter => "killed after",
        })
    }
}
