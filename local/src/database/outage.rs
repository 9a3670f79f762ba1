//! Whether the database takes what is written: a disk that is full, or gone, is said in the log and by `GET /health`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// For how long a failure counts after which nobody wrote anything; and how often failures are logged.
const A_WHILE: Duration = Duration::from_mins(1);

/// Whether writes fail. A clone is the same.
#[derive(Debug, Clone, Default)]
pub struct WriteOutage(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// When a write failed after which none has succeeded, and why.
    failed: Option<(Instant, String)>,
    logged_at: Option<Instant>,
}

impl WriteOutage {
    /// Why the last write failed, where that was less than a minute ago.
    #[must_use]
    pub fn now(&self) -> Option<String> {
        let state = self.state();
        let (at, why) = state.failed.as_ref()?;
        (at.elapsed() < A_WHILE).then(|| why.clone())
    }

    /// Notes that something was written.
    pub(super) fn wrote(&self) {
        self.state().failed = None;
    }

    /// Notes that the database failed, for this reason: one of `SQLite`'s or of the system's, without anything that was
    /// written.
    pub(super) fn failed(&self, why: &str) {
        let (mut state, now) = (self.state(), Instant::now());
        state.failed = Some((now, why.to_owned()));
        if state.logged_at.is_none_or(|at| at.elapsed() >= A_WHILE) {
            state.logged_at = Some(now);
            tracing::error!(why, "the ledger does not take what is written");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_lasts_until_something_is_written() {
        let outage = WriteOutage::default();
        assert_eq!(outage.now(), None);
        outage.failed("database or disk is full");
        assert_eq!(
            outage.clone().now().as_deref(),
            Some("database or disk is full")
        );
        outage.wrote();
        assert_eq!(outage.now(), None);
    }
}
