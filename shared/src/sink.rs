//! Sinks: whoever wants the bot's events, besides the user.
//!
//! One module for each kind, behind one trait, [`Sink`]. [`webhook`] sends every event as it came,
//! [`eventbridge`] puts it on a bus, [`http`] sends what the operator's templates say. The others are ticket sinks: what they have in common, one
//! ticket for each conversation, is in [`tickets`], and what a CRM has of its own is in a module with its
//! name, behind the narrower trait [`tickets::Crm`].
//!
//! [`Sinks`] are those of a configuration, built with [`SinkDeps`]. [`context`] is what there is of an event
//! for templates to use.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::haptik::client::HaptikError;
use crate::haptik::webhook::Event;
use crate::ids::{AccountId, AuthId, EntryKey};
use crate::net::api::Preview;
use crate::net::{CallError, CallErrorKind};
use crate::retry::{Retry, Retryable};
use crate::table::TableError;
use crate::template::Unfillable;

pub mod context;
mod deps;
pub mod eventbridge;
pub mod freshdesk;
pub mod http;
pub mod hubspot;
pub mod jira;
mod plain;
pub mod salesforce;
pub mod servicenow;
mod sinks;
pub mod tickets;
pub mod webhook;
pub mod zendesk;

pub use deps::SinkDeps;
pub use sinks::Sinks;
pub use webhook::WebhookSink;

/// Something outside that gets events.
#[async_trait]
pub trait Sink: fmt::Debug + Send + Sync {
    /// Delivers an event. It may have been delivered before ([`Delivery::again`]): the sink sees to it
    /// that it has no further effect.
    ///
    /// # Errors
    /// When it is not taken; the error says whether to repeat it.
    async fn deliver(&self, delivery: &Delivery<'_>) -> Result<Delivered, SinkError>;

    /// The requests that [`Sink::deliver`] would send for an event that is new, with secrets left out.
    /// Sends nothing there.
    ///
    /// # Errors
    /// When it could not be delivered, whatever the answers were.
    async fn preview(&self, delivery: &Delivery<'_>) -> Result<Vec<Preview>, SinkError>;

    /// How many requests a delivery makes, as a rule: for keeping to the rate.
    fn requests(&self) -> u32 {
        1
    }

    /// Whether anything is sent of an event, as far as can be said without a look at anything else.
    fn sends(&self, _event: &Event) -> bool {
        true
    }
}

/// An event on its way to a sink.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// The sink's name in the configuration.
    pub sink: &'a str,
    /// The account that the event came by.
    pub account: &'a AccountId,
    /// The event.
    pub event: &'a Event,
    /// The event as it came.
    pub body: &'a str,
    /// Its place in the lane.
    pub key: &'a EntryKey,
    /// When it came.
    pub received_at: Timestamp,
    /// Now.
    pub now: Timestamp,
    /// Whether an earlier try may have ended anywhere.
    pub again: bool,
    /// How long `chat_complete` waits for its twin.
    pub twin_wait: Duration,
    /// How long a creation that was cut off is waited for at most, whatever the CRM may take for it.
    pub longest_settling: Duration,
}

/// What became of a delivery that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivered {
    /// It was delivered.
    Done,
    /// It was delivered: it has become this ticket.
    Ticket(tickets::TicketRef),
    /// There was nothing to deliver, for this reason.
    Nothing(&'static str),
    /// It is to be tried again after this time: nothing has failed, something is not there yet.
    Later(Duration, &'static str),
}

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

impl Delivery<'_> {
    /// The user that the event is about; empty where it names none.
    #[must_use]
    pub fn user(&self) -> &str {
        self.event.auth_id.as_ref().map_or("", AuthId::as_str)
    }
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
