//! Why a provider did not take something, and what is to be done about it.

use std::time::Duration;

use haptik_bridge_shared::message::Address;
use haptik_bridge_shared::net::online::Verdict;
use haptik_bridge_shared::net::{CallError, CallErrorKind, LONGEST_RETRY_AFTER};
use haptik_bridge_shared::retry::{Detail, Failure, Retry, Retryable};
use serde::Serialize;

/// Why a provider did not take something. The text may be logged; the provider's own words, which may
/// quote what was sent, are apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SendError {
    /// Of what kind it is.
    pub refusal: Refusal,
    /// What happened, without secrets and without what was said.
    pub reason: String,
    /// The provider's own words.
    pub detail: Option<Detail>,
    /// Where the conversation is now: of [`Refusal::Moved`] alone.
    pub moved_to: Option<Box<Address>>,
}

/// Of what kind a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Too many requests: not before this time, where the provider names one. It is read by [`Refusal::pause`].
    RateLimited(Option<Duration>),
    /// The provider cannot do it now, or did not answer.
    Unavailable(Option<Duration>),
    /// The credentials are not accepted: an operator can mend it, and until then nothing is lost.
    Unauthorized,
    /// The provider will not do it.
    Refused,
    /// The provider refuses the rich form: it can be said more simply.
    TooRich,
    /// The provider's time for an answer is over.
    WindowClosed,
    /// The conversation has another address, [`SendError::moved_to`], and nothing was sent.
    Moved,
}

impl Refusal {
    /// How long the provider asks to be left alone, where it says so: a day at most, whatever it says and wherever.
    #[must_use]
    pub fn pause(self) -> Option<Duration> {
        match self {
            Self::RateLimited(pause) | Self::Unavailable(pause) => {
                pause.map(|pause| pause.min(LONGEST_RETRY_AFTER))
            }
            Self::Unauthorized
            | Self::Refused
            | Self::TooRich
            | Self::WindowClosed
            | Self::Moved => None,
        }
    }
}

impl SendError {
    /// A refusal for this reason.
    #[must_use]
    pub fn new(refusal: Refusal, reason: impl Into<String>) -> Self {
        Self {
            refusal,
            reason: reason.into(),
            detail: None,
            moved_to: None,
        }
    }

    /// The conversation is at this address now: the processor notes it with the user, and sends again. What is
    /// not sent by [`Outlet::send`](crate::channel::Outlet::send) is to be sent there by the channel itself.
    #[must_use]
    pub fn moved(to: &impl Serialize) -> Self {
        Self {
            // The channels' own types are plain structs and enums, which serde_json takes.
            moved_to: serde_json::to_value(to)
                .ok()
                .map(|to| Box::new(Address(to))),
            ..Self::new(Refusal::Moved, "the conversation has another address now")
        }
    }

    /// A refusal that repeating cannot mend.
    #[must_use]
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::new(Refusal::Refused, reason)
    }
}

impl SendError {
    /// What it says of the credentials that a call was made with; `mend` is what to do where they are refused.
    #[must_use]
    pub fn verdict(&self, mend: &str) -> Verdict {
        match self.refusal {
            Refusal::RateLimited(_) | Refusal::Unavailable(_) => {
                Verdict::Unreached(self.to_string())
            }
            Refusal::Unauthorized
            | Refusal::Refused
            | Refusal::TooRich
            | Refusal::WindowClosed
            | Refusal::Moved => Verdict::Refused {
                why: self.to_string(),
                mend: mend.to_owned(),
            },
        }
    }

    /// A call that `who`, the provider, did not take. The detail is left out: it is for the channel to know
    /// whether the provider's words are about what was wrong or quote what was sent.
    #[must_use]
    pub fn of_call(who: &'static str, error: &CallError) -> Self {
        let refusal = match &error.kind {
            CallErrorKind::Unauthorized => Refusal::Unauthorized,
            CallErrorKind::RateLimited => Refusal::RateLimited(error.retry_after),
            CallErrorKind::Unavailable => Refusal::Unavailable(error.retry_after),
            CallErrorKind::Unreachable(_) | CallErrorKind::Unreadable => Refusal::Unavailable(None),
            CallErrorKind::Refused | CallErrorKind::Unsendable(_) => Refusal::Refused,
        };
        Self::new(refusal, error.by(who).to_string())
    }
}

impl Retryable for SendError {
    fn retry(&self) -> Retry {
        match self.refusal {
            Refusal::RateLimited(_) | Refusal::Unavailable(_) | Refusal::Unauthorized => {
                Retry::Later(self.refusal.pause())
            }
            Refusal::Refused | Refusal::TooRich | Refusal::WindowClosed | Refusal::Moved => {
                Retry::Never
            }
        }
    }

    fn detail(&self) -> Option<&str> {
        self.detail.as_ref().map(Detail::as_str)
    }

    fn is_of_credentials(&self) -> bool {
        self.refusal == Refusal::Unauthorized
    }
}

impl From<Failure> for SendError {
    fn from(failure: Failure) -> Self {
        Self {
            refusal: match failure.retry {
                _ if failure.of_credentials => Refusal::Unauthorized,
                Retry::Never => Refusal::Refused,
                Retry::Later(after) => Refusal::Unavailable(after),
            },
            reason: failure.reason,
            detail: failure.detail,
            moved_to: None,
        }
    }
}
