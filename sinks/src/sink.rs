//! A sink, an event on its way there, and what becomes of it.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ids::{AccountId, AuthId, EntryKey};
use haptik_bridge_shared::net::api::Preview;
use haptik_bridge_shared::net::online::Finding;
use haptik_bridge_shared::standard_webhooks;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::SinkError;

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

    /// Tries its credentials, and what else can be tried without anybody seeing it. What can only be tried
    /// by an event is a finding too, which says so ([`Finding::untried`]).
    async fn online(&self) -> Vec<Finding>;

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
    /// The event, without what the sink is not told.
    pub body: &'a str,
    /// The event as it came: for what is decided by it, never for what is sent.
    pub unmasked: &'a str,
    /// Its place in the lane.
    pub key: &'a EntryKey,
    /// When it came.
    pub received_at: Timestamp,
    /// Now.
    pub now: Timestamp,
    /// Whether an earlier try may have ended anywhere.
    pub again: bool,
    /// How long `chat_complete` waits for the other completion event, which says more.
    pub completion_wait: Duration,
    /// How long a creation that was cut off is waited for at most, whatever the CRM may take for it.
    pub longest_settling: Duration,
}

/// What became of a delivery that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivered {
    /// It was delivered.
    Done,
    /// It was delivered: it has become this ticket.
    Ticket(TicketRef),
    /// There was nothing to deliver, for this reason.
    Nothing(&'static str),
    /// It is to be tried again after this time: nothing has failed, something is not there yet.
    Later(Duration, &'static str),
}

/// A ticket that there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketRef {
    /// The CRM's id of it.
    pub id: String,
    /// Where people see it, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl TicketRef {
    /// The ticket with this id, which people see at `url`.
    pub(crate) fn at(id: String, url: &Url) -> Self {
        Self {
            id,
            url: Some(url.to_string()),
        }
    }
}

impl Delivery<'_> {
    /// What names the event, the same on every try.
    #[must_use]
    pub fn id(&self) -> String {
        standard_webhooks::message_id(&[self.account.as_str(), self.user(), self.key.as_str()])
    }

    /// The user that the event is about; empty where it names none.
    #[must_use]
    pub fn user(&self) -> &str {
        self.event.auth_id.as_ref().map_or("", AuthId::as_str)
    }
}
