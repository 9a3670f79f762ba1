//! Giving control, or a message, back to the bot that handed its user over.

use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::ledger::Payload;
use haptik_bridge_shared::message::handoff::Origin;
use haptik_bridge_shared::message::{Handback, Returned};
use haptik_bridge_shared::retry::Failure;

use super::ToChannel;
use crate::attempt::{Attempt, DeliveryOutcome, outlet};

impl ToChannel<'_> {
    /// Gives control, or a message, back to the bot that handed its user over.
    pub(crate) async fn deliver_to_bot(
        &self,
        attempt: &Attempt<'_>,
        auth_id: &AuthId,
    ) -> Result<DeliveryOutcome, Failure> {
        let entry = attempt.entry;
        let Some(user) = self.bridge.users.get(auth_id).await? else {
            return Ok(DeliveryOutcome::Nothing("the user is not known any more"));
        };
        let (origin, handoff, returned) = match &entry.payload {
            Payload::HandoffEnded { handoff } => {
                let ended = handoff.ended.clone();
                let not_ended = || Failure::permanent("the end of a hand-off that has not ended");
                let control = Returned::Control {
                    ended: ended.ok_or_else(not_ended)?,
                    agent_joined: handoff.joined_at.is_some(),
                };
                (handoff.origin.clone(), handoff.id.clone(), control)
            }
            Payload::MessageReturned {
                handoff,
                inbound,
                connection,
            } => {
                let origin = connection.as_ref().map(|connection| Origin {
                    connection: connection.clone(),
                    channel_user: inbound.user.clone(),
                    address: inbound.address.clone(),
                });
                let message = Returned::Message(inbound.clone());
                (origin, handoff.clone(), message)
            }
            _ => return Err(Failure::permanent("the entry is not for a bot")),
        };
        // The bot is where it was, wherever the user writes by now.
        let user = match origin {
            Some(at) => user.at(at.connection, at.channel_user, at.address),
            None => user,
        };
        attempt.goes_to(&user.connection);
        let handback = Handback {
            key: entry.key.clone(),
            auth_id: auth_id.clone(),
            user: user.channel_user.clone(),
            at: entry.at,
            handoff,
            returned,
        };
        let outlet = outlet(self.outlets, &user.connection)?;
        let parts = outlet.hand_back(&handback).into_iter().collect();
        self.send(entry, &user, outlet, parts, &[]).await
    }
}
