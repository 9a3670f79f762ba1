//! How a call fails, whatever it called.

use std::fmt;
use std::time::Duration;

use super::Unreachable;
use crate::retry::{Detail, Retry, Retryable};

/// A call that failed. The text names what was asked and the code, and nothing of what was sent; the
/// provider's own words are apart ([`Retryable::detail`]), since they may quote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// What was asked, in words that follow "to".
    pub method: &'static str,
    /// How it failed.
    pub kind: CallErrorKind,
    /// The HTTP status, or the provider's own code; empty where there was no answer.
    pub code: String,
    /// How long to wait, where the provider says so.
    pub retry_after: Option<Duration>,
    /// The provider's own words.
    pub detail: Option<Detail>,
}

/// How a call failed: what is to be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallErrorKind {
    /// The credentials are not accepted, or do not suffice: an operator can mend it, and nothing is lost
    /// until then.
    Unauthorized,
    /// There were too many calls.
    RateLimited,
    /// The provider, or something before it, cannot take it now.
    Unavailable,
    /// There was no answer.
    Unreachable(Unreachable),
    /// It was taken, but the answer is not what was promised, and is needed.
    Unreadable,
    /// Any other refusal, which would be the same next time.
    Refused,
    /// The call cannot be made, for this reason. Nothing was sent.
    Unsendable(&'static str),
}

impl CallErrorKind {
    /// What an answer with this status means, unless the provider means something of its own by it.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        match status {
            401 | 403 | 407 => Self::Unauthorized,
            429 => Self::RateLimited,
            // A redirect is a proxy's, or a wrong base URL's: that can be mended as well.
            100..=199 | 300..=399 | 408 | 425 | 500.. => Self::Unavailable,
            _ => Self::Refused,
        }
    }
}

impl CallError {
    /// A call that failed so, without an answer that would say more.
    #[must_use]
    pub fn new(method: &'static str, kind: CallErrorKind) -> Self {
        Self {
            method,
            kind,
            code: String::new(),
            retry_after: None,
            detail: None,
        }
    }

    /// What an answer with this status, and these words, means.
    #[must_use]
    pub fn of_status(
        method: &'static str,
        status: u16,
        words: &str,
        retry_after: Option<Duration>,
    ) -> Self {
        Self {
            method,
            kind: CallErrorKind::of_status(status),
            code: status.to_string(),
            retry_after,
            detail: None,
        }
        .saying(words)
    }

    /// The same failure, with these words of the provider.
    #[must_use]
    pub fn saying(self, words: &str) -> Self {
        let detail = Some(words).filter(|words| !words.is_empty());
        Self {
            detail: detail.map(Detail::from),
            ..self
        }
    }

    /// The same failure, of another kind: what the provider means by it.
    #[must_use]
    pub fn as_kind(self, kind: CallErrorKind) -> Self {
        Self { kind, ..self }
    }

    /// The error in words; `who` was called.
    #[must_use]
    pub fn by(&self, who: &'static str) -> impl fmt::Display {
        By { who, error: self }
    }

    /// Whether it is these credentials that are not accepted (401): others may be.
    #[must_use]
    pub fn is_unauthenticated(&self) -> bool {
        self.kind == CallErrorKind::Unauthorized && self.code == "401"
    }

    /// Whether it is certain that what was asked had no effect.
    #[must_use]
    pub fn left_nothing(&self) -> bool {
        match &self.kind {
            CallErrorKind::Unauthorized
            | CallErrorKind::RateLimited
            | CallErrorKind::Refused
            | CallErrorKind::Unsendable(_) => true,
            CallErrorKind::Unreachable(cause) => cause.never_sent(),
            CallErrorKind::Unavailable | CallErrorKind::Unreadable => false,
        }
    }
}

impl Retryable for CallError {
    fn retry(&self) -> Retry {
        match &self.kind {
            CallErrorKind::Unauthorized
            | CallErrorKind::RateLimited
            | CallErrorKind::Unavailable => Retry::Later(self.retry_after),
            CallErrorKind::Unreachable(_) | CallErrorKind::Unreadable => Retry::Later(None),
            CallErrorKind::Refused | CallErrorKind::Unsendable(_) => Retry::Never,
        }
    }

    fn detail(&self) -> Option<&str> {
        self.detail.as_ref().map(Detail::as_str)
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.by("the receiver").fmt(formatter)
    }
}

impl std::error::Error for CallError {}

/// An error, and who was called.
struct By<'a> {
    who: &'static str,
    error: &'a CallError,
}

impl fmt::Display for By<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { who, error } = self;
        let CallError { method, code, .. } = error;
        match &error.kind {
            CallErrorKind::Unauthorized => {
                write!(
                    formatter,
                    "{who} did not accept the credentials ({code}) to {method}"
                )
            }
            CallErrorKind::RateLimited => {
                write!(
                    formatter,
                    "{who} had too many requests ({code}) to {method}"
                )
            }
            CallErrorKind::Unavailable => {
                write!(formatter, "{who} was not able ({code}) to {method}")
            }
            CallErrorKind::Unreachable(cause) => {
                write!(formatter, "{who} could not be reached to {method}: {cause}")
            }
            CallErrorKind::Unreadable => write!(
                formatter,
                "{who}'s answer ({code}) cannot be read, having been asked to {method}"
            ),
            CallErrorKind::Refused => write!(formatter, "{who} refused ({code}) to {method}"),
            CallErrorKind::Unsendable(reason) => {
                write!(formatter, "{who} could not be asked to {method}: {reason}")
            }
        }
    }
}

/// A provider's code of an error as it may be logged and shown: up to 64 letters, digits, `_` and `-`, since what
/// is none may quote what was sent.
#[must_use]
pub fn as_code(code: &str) -> &str {
    let is_code = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !code.is_empty() && code.len() <= 64 && code.bytes().all(is_code) {
        code
    } else {
        "an unknown error"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_whether_to_repeat_the_call_and_for_how_long_not_to() {
        let wait = Some(Duration::from_secs(3));
        let retry = |status| CallError::of_status("sing", status, "", wait).retry();
        for status in [401, 403, 407, 408, 425, 429, 302, 500, 503] {
            assert_eq!(retry(status), Retry::Later(wait), "{status}");
        }
        for status in [400, 404, 409, 410, 413, 422] {
            assert_eq!(retry(status), Retry::Never, "{status}");
        }
    }

    #[test]
    fn neither_the_text_nor_debug_has_the_providers_words() {
        let error = CallError::of_status("sing", 422, "asha@x.example", None);
        assert_eq!(
            error.by("the choir").to_string(),
            "the choir refused (422) to sing"
        );
        assert_eq!(error.detail(), Some("asha@x.example"));
        assert!(!format!("{error} {error:?}").contains("asha"));
    }
}
