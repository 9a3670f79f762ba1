//! How a delivery fails.

use haptik_bridge_shared::haptik::client::HaptikError;
use haptik_bridge_shared::net::{CallError, CallErrorKind};
use haptik_bridge_shared::retry::{Retry, Retryable};
use haptik_bridge_shared::table::TableError;
use haptik_bridge_shared::template::Unfillable;

/// Why a delivery failed. The text names the status and nothing of what was sent; the receiver's own
/// words are apart ([`Retryable::detail`]), since they may quote it.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// A call to the receiver failed. Where the credentials are not accepted, an operator must mend it, and
    /// all of the sink's deliveries wait until then.
    #[error("{}", .0.by("the sink"))]
    Call(CallError),
    /// There are no credentials, no permission, or not what it is sent to, which an operator must mend,
    /// other than by a status of HTTP. All of the sink's deliveries wait until then.
    #[error("the sink needs attention to {call}: {reason}")]
    NotReady {
        /// What was asked.
        call: &'static str,
        /// What is missing.
        reason: String,
        /// The receiver's own words.
        message: String,
    },
    /// A request cannot be made of this event.
    #[error("no request can be made of the event: {0}")]
    Unsendable(String),
    /// The transcript, from Haptik.
    #[error(transparent)]
    Haptik(#[from] HaptikError),
    /// What is known of the ticket, from the table.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl SinkError {
    /// Whether it is for an operator to mend: all of the sink's deliveries wait until then.
    #[must_use]
    pub fn needs_attention(&self) -> bool {
        match self {
            Self::Call(error) => error.kind == CallErrorKind::Unauthorized,
            Self::NotReady { .. } => true,
            Self::Unsendable(_) | Self::Haptik(_) | Self::Table(_) => false,
        }
    }

    /// Whether it is certain that what was asked had no effect.
    #[must_use]
    pub fn left_nothing(&self) -> bool {
        match self {
            Self::Call(error) => error.left_nothing(),
            Self::NotReady { .. } | Self::Unsendable(_) | Self::Haptik(_) | Self::Table(_) => true,
        }
    }
}

impl From<CallError> for SinkError {
    fn from(error: CallError) -> Self {
        match error.kind {
            CallErrorKind::Unsendable(reason) => Self::Unsendable(reason.to_owned()),
            _ => Self::Call(error),
        }
    }
}

impl From<Unfillable> for SinkError {
    fn from(error: Unfillable) -> Self {
        Self::Unsendable(error.to_string())
    }
}

impl Retryable for SinkError {
    fn retry(&self) -> Retry {
        match self {
            Self::Call(error) => error.retry(),
            Self::NotReady { .. } => Retry::Later(None),
            Self::Unsendable(_) => Retry::Never,
            Self::Haptik(error) => error.retry(),
            Self::Table(error) => error.retry(),
        }
    }

    fn detail(&self) -> Option<&str> {
        match self {
            Self::Call(error) => error.detail(),
            Self::NotReady { message, .. } => {
                Some(message.as_str()).filter(|message| !message.is_empty())
            }
            Self::Haptik(error) => error.detail(),
            Self::Unsendable(_) | Self::Table(_) => None,
        }
    }
}
