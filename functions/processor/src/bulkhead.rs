//! A bulkhead: what keeps the deliveries of one process from harming each other: one that is suspected of stopping the process is
//! alone in it, and few carry files at once.

use haptik_bridge_shared::ledger::{Entry, Payload};
use haptik_bridge_shared::message::UserAction;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard, Semaphore, SemaphorePermit};

/// After how many crashes an entry is delivered while nothing else is: another entry that was under way
/// in the same process may have caused them, and then it is not to be parked for that.
const SUSPECT_AFTER: u32 = 2;

/// How many deliveries may carry files at once. One of the largest files that Haptik takes (10 MB) needs 25 MB while
/// it is sent, and a batch has up to ten lanes: this keeps them within `ProcessorMemory` of the stack.
const FILES_AT_ONCE: usize = 3;

/// The deliveries that are under way in a process.
#[derive(Debug)]
pub(crate) struct Bulkhead {
    /// Read by a delivery, written by one that is to be alone.
    alone: RwLock<()>,
    files: Semaphore,
}

/// A delivery's place among the others, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    _beside: Option<RwLockReadGuard<'a, ()>>,
    _alone: Option<RwLockWriteGuard<'a, ()>>,
    _file: Option<SemaphorePermit<'a>>,
}

impl Default for Bulkhead {
    fn default() -> Self {
        Self {
            alone: RwLock::default(),
            files: Semaphore::new(FILES_AT_ONCE),
        }
    }
}

impl Bulkhead {
    /// Waits until an entry may be delivered.
    pub(crate) async fn enter(&self, entry: &Entry) -> Place<'_> {
        // The file's first: who waits for it must not keep out one that is to be alone. It is never closed.
        let file = if may_carry_files(entry) {
            self.files.acquire().await.ok()
        } else {
            None
        };
        let (alone, beside) = if entry.starts >= SUSPECT_AFTER {
            (Some(self.alone.write().await), None)
        } else {
            (None, Some(self.alone.read().await))
        };
        Place {
            _beside: beside,
            _alone: alone,
            _file: file,
        }
    }
}

/// Whether a file that a user sent may be in memory during a delivery.
fn may_carry_files(entry: &Entry) -> bool {
    let Payload::Inbound { inbound, .. } = &entry.payload else {
        return false;
    };
    match &inbound.action {
        UserAction::Message { attachments, .. } => !attachments.is_empty(),
        UserAction::Unresolved { .. } => true,
        _ => false,
    }
}
