//! The retry policy: whether a failure is worth repeating, and when (exponential back-off, `Retry-After`).

use std::fmt;
use std::time::Duration;

use crate::redact::Bytes;

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The same thing would fail again: do not repeat it.
    Never,
    /// Repeat it; not before the time that the provider named (`Retry-After`), if it named one.
    Later(Option<Duration>),
}

/// An error that says itself whether to repeat what failed.
pub trait Retryable: fmt::Display {
    /// Whether to repeat it. Implemented by an exhaustive `match`, so that a new kind of error forces
    /// the decision.
    fn retry(&self) -> Retry;

    /// The provider's own words, which may quote what was sent: they are kept in the ledger and never
    /// logged.
    fn detail(&self) -> Option<&str> {
        None
    }

    /// Whether it is that credentials of the configuration are not accepted.
    fn is_of_credentials(&self) -> bool {
        false
    }
}

/// What a provider said of a failure, which may quote what somebody said: `Debug` leaves it out.
#[derive(Clone, PartialEq, Eq)]
pub struct Detail(Box<str>);

impl Detail {
    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Detail {
    fn from(words: &str) -> Self {
        Self(words.into())
    }
}

impl fmt::Debug for Detail {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Bytes(self.0.len()).fmt(formatter)
    }
}

/// A failure as the ledger keeps it: what happened, in words without secrets or message bodies, and
/// whether to repeat it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Failure {
    /// What happened, in words that may be logged.
    pub reason: String,
    /// The provider's own words, for the ledger alone.
    pub detail: Option<Detail>,
    /// Whether to repeat it.
    pub retry: Retry,
    /// Whether it is that credentials of the configuration are not accepted.
    pub of_credentials: bool,
    /// Whether it is that the configuration does not have something: another process may know a newer one.
    pub of_configuration: bool,
}

impl Failure {
    /// The configuration does not have what an entry needs.
    #[must_use]
    pub fn not_configured(reason: impl Into<String>) -> Self {
        Self {
            of_configuration: true,
            ..Self::permanent(reason)
        }
    }

    /// A failure that repeating cannot mend.
    #[must_use]
    pub fn permanent(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            detail: None,
            retry: Retry::Never,
            of_credentials: false,
            of_configuration: false,
        }
    }

    /// A failure that may pass by itself.
    #[must_use]
    pub fn passing(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            detail: None,
            retry: Retry::Later(None),
            of_credentials: false,
            of_configuration: false,
        }
    }
}

impl Failure {
    /// What happened, the provider's own words included: not for a log.
    #[must_use]
    pub fn in_full(&self) -> String {
        FailureReason::from(self).in_full()
    }
}

/// Why a try failed, or an entry of the ledger ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailureReason<'a> {
    /// In words that may be logged.
    pub reason: &'a str,
    /// What the provider said of it.
    pub detail: Option<&'a Detail>,
}

impl FailureReason<'_> {
    /// Both as one text: not for a log.
    #[must_use]
    pub fn in_full(self) -> String {
        match self.detail {
            Some(detail) => format!("{}: {}", self.reason, detail.as_str()),
            None => self.reason.to_owned(),
        }
    }
}

impl<'a> From<&'a str> for FailureReason<'a> {
    fn from(reason: &'a str) -> Self {
        Self {
            reason,
            detail: None,
        }
    }
}

impl<'a> From<&'a Failure> for FailureReason<'a> {
    fn from(failure: &'a Failure) -> Self {
        Self {
            reason: &failure.reason,
            detail: failure.detail.as_ref(),
        }
    }
}

impl<E: Retryable> From<E> for Failure {
    fn from(error: E) -> Self {
        Self {
            reason: error.to_string(),
            detail: error.detail().map(Detail::from),
            retry: error.retry(),
            of_credentials: error.is_of_credentials(),
            of_configuration: false,
        }
    }
}

/// The longest pause between two tries: short enough that a backlog starts to drain within three
/// minutes of a dependency's recovery, and long enough that a day of tries stays below 1,000, the most
/// receives that SQS counts before it moves a message to the dead-letter queue.
pub const LONGEST_PAUSE: Duration = Duration::from_mins(2);

/// The pause before the next try, after `attempts` failed ones: 1 s doubled each time up to
/// [`LONGEST_PAUSE`], less up to a fifth at random (jitter) so that lanes do not return in step. A provider's
/// own `Retry-After` is kept in full.
#[must_use]
pub fn pause(attempts: u32, retry_after: Option<Duration>) -> Duration {
    let doubled = Duration::from_secs(1 << attempts.saturating_sub(1).min(7)).min(LONGEST_PAUSE);
    let spread = doubled.mul_f64(1.0 - 0.2 * fastrand::f64());
    retry_after.map_or(spread, |least| least.max(spread))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_two_minutes_and_keep_retry_after() {
        assert!(pause(1, None) <= Duration::from_secs(1));
        assert!(pause(50, None) >= Duration::from_secs(96) && pause(50, None) <= LONGEST_PAUSE);
        assert_eq!(
            pause(1, Some(Duration::from_mins(10))),
            Duration::from_mins(10)
        );
    }
}
