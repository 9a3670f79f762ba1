//! Taking up again what was given up: the one way in which the command line, the console and the demo do it.

use haptik_bridge_shared::ledger::{Entry, Ledger};
use haptik_bridge_shared::queue::{Queue, Repeat, Ring};
use jiff::Timestamp;

/// Takes an entry up again, and rings for it where there is a queue: without one, the bridge that runs on the
/// ledger looks for it by itself. Whether it was dead until now: of several who do it at the same time, one does.
///
/// # Errors
/// When the table or the queue does not answer. Where it is the queue, the entry is put back as given up: pending
/// without a ring it would wait for somebody else's.
pub async fn revive(
    ledger: &Ledger,
    queue: Option<&dyn Queue>,
    entry: &Entry,
    now: Timestamp,
) -> anyhow::Result<bool> {
    if !ledger.revive(entry, now).await? {
        return Ok(false);
    }
    let Some(queue) = queue else {
        return Ok(true);
    };
    let ring = Ring::V1 {
        lane: entry.lane.clone(),
        key: entry.key.clone(),
        at: now,
    };
    if let Err(error) = queue.ring(&ring, Repeat::Again).await {
        ledger.take_back(entry, now).await?;
        return Err(error.into());
    }
    Ok(true)
}
