//! What users were offered by messages that they were sent: a tap, or an
//! [offer](crate::message::offer::Offer) of numbered choices, names the message, and what it says stands in
//! the ledger.

use crate::haptik::webhook::Event;
use crate::ids::EntryKey;
use crate::lane::Lane;
use crate::ledger::{Ledger, Payload};
use crate::message::hsl::{Element, Form, Hsl};
use crate::message::{KeyRef, MessageRef};
use crate::table::TableError;

/// Finds messages that were sent to users.
#[derive(Debug, Clone)]
pub struct Offers {
    ledger: Ledger,
}

impl Offers {
    /// The messages of this ledger.
    #[must_use]
    pub fn new(ledger: Ledger) -> Self {
        Self { ledger }
    }

    /// A message that was sent to a user; `None` when it is no longer in the ledger.
    pub async fn offered(&self, message: &MessageRef) -> Result<Option<Hsl>, TableError> {
        let event = self.event(message).await?;
        Ok(event.map(|event| Hsl::read(&event.body)))
    }

    /// The event of such a message, which says who sent it.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn event(&self, message: &MessageRef) -> Result<Option<Event>, TableError> {
        let lane = Lane::Channel(message.auth_id.clone());
        let Some(key) = self.key(&lane, &message.key).await? else {
            return Ok(None);
        };
        let entry = self.ledger.entry(&lane, &key).await?;
        let body = entry.and_then(|entry| match entry.payload {
            Payload::Webhook { body, .. } => Some(body),
            _ => None,
        });
        Ok(body.and_then(|body| Event::read(body.as_bytes()).ok()))
    }

    /// The form of such a message; `None` when it has none, or is no longer in the ledger.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn form(&self, message: &MessageRef) -> Result<Option<Form>, TableError> {
        let element = self.offered(message).await?.map(|hsl| hsl.element);
        Ok(match element {
            Some(Element::Form(form)) => Some(form),
            _ => None,
        })
    }

    async fn key(&self, lane: &Lane, key: &KeyRef) -> Result<Option<EntryKey>, TableError> {
        match key {
            KeyRef::Key(key) => Ok(Some(key.clone())),
            KeyRef::KeyDigest(digest) => self.ledger.key_with_digest(lane, digest).await,
        }
    }
}
