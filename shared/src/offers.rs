//! What users were offered by messages that they were sent, from the ledger: a tap names the message, and
//! what it says stands there.

use crate::haptik::webhook::Event;
use crate::ids::EntryKey;
use crate::lane::Lane;
use crate::ledger::{Ledger, Payload};
use crate::message::hsl::Hsl;
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
        let lane = Lane::Channel(message.auth_id.clone());
        let Some(key) = self.key(&lane, &message.key).await? else {
            return Ok(None);
        };
        let entry = self.ledger.entry(&lane, &key).await?;
        let body = entry.and_then(|entry| match entry.payload {
            Payload::Webhook { body, .. } => Some(body),
            _ => None,
        });
        let event = body.and_then(|body| Event::read(body.as_bytes()).ok());
        Ok(event.map(|event| Hsl::read(&event.body)))
    }

    async fn key(&self, lane: &Lane, key: &KeyRef) -> Result<Option<EntryKey>, TableError> {
        match key {
            KeyRef::Key(key) => Ok(Some(key.clone())),
            KeyRef::KeyDigest(digest) => {
                // A user's lane holds the messages of some days.
                let keys = self.ledger.keys(lane, " ", "~").await?;
                Ok(keys.into_iter().rev().find(|key| key.digest() == *digest))
            }
        }
    }
}
