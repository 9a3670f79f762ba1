//! Handing a user over for a bot that lives elsewhere: the transcript and the reason, message by
//! message, then the move to the team.

use std::time::Instant;

use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::ingest::RequestContext;
use haptik_bridge_shared::ledger::Entry;
use haptik_bridge_shared::message::Inbound;
use haptik_bridge_shared::message::handoff::{Handoff, WENT_BACK};
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_shared::users::User;
use jiff::Timestamp;

use super::{Conversation, DeliveryError, ToHaptik};
use crate::attempt::DeliveryOutcome;
use crate::handoff_end::complete_handoff;

/// Why a part of a hand-off is not done.
pub(super) const OVER: DeliveryOutcome = DeliveryOutcome::Undelivered("the hand-off is over");

impl ToHaptik<'_> {
    /// Sends the transcript and the reason, then moves the chat to the team. What was sent before a failure is
    /// not sent again. Nothing is sent once the hand-off is over.
    pub(super) async fn hand_over(
        &self,
        conversation: &Conversation<'_>,
        entry: &Entry,
        id: &str,
        says: &[String],
    ) -> Result<DeliveryOutcome, DeliveryError> {
        let began = Instant::now();
        let auth_id = &conversation.inbound.auth_id;
        for (index, text) in says.iter().enumerate().skip(entry.parts_done) {
            let user = self.bridge.users.get(auth_id).await?;
            let Some(handoff) = user.as_ref().and_then(|user| on(user, id)) else {
                return Ok(OVER);
            };
            if index > entry.parts_done && began.elapsed() >= self.stretch {
                return Ok(DeliveryOutcome::InPart);
            }
            self.send_text(conversation, entry, index, text).await?;
            if handoff.opened_at.is_none() || handoff.completed.is_some() {
                self.note_opening(auth_id, id, conversation.taken_at())
                    .await?;
            }
            let (ledger, taken) = (&self.bridge.ledger, conversation.taken());
            ledger.progressed(entry, index + 1, &taken).await?;
        }
        self.move_to_team(conversation, entry, id).await
    }

    /// Notes since when what happens at Haptik belongs to a hand-off, unless that is known. A completion
    /// that came meanwhile may be of it after all.
    pub(super) async fn note_opening(
        &self,
        auth_id: &AuthId,
        id: &str,
        at: i64,
    ) -> Result<(), Failure> {
        let users = &self.bridge.users;
        let user = match users.handoff_opened(auth_id, id, at).await? {
            // It is known, perhaps by a try that was stopped before it looked at the completion.
            None => users.get(auth_id).await?,
            now => now,
        };
        let completed = user.as_ref().and_then(|user| {
            let handoff = on(user, id)?;
            let completed = handoff.completed.as_ref()?;
            (handoff.is_completed_at(completed.at) == Some(true)).then_some(completed)
        });
        if let Some(completed) = completed {
            complete_handoff(self.bridge, auth_id, id, completed).await?;
        }
        Ok(())
    }

    /// A message that was taken during a hand-off that is over now goes back to the bot.
    pub(super) async fn return_to_bot(
        &self,
        entry: &Entry,
        inbound: &Inbound,
        id: &str,
    ) -> Result<DeliveryOutcome, Failure> {
        let (auth_id, now) = (&inbound.auth_id, Timestamp::now());
        let bridge = &self.bridge;
        bridge
            .return_message(
                RequestContext::new("processor", now),
                auth_id,
                id,
                &entry.key,
            )
            .await?;
        Ok(DeliveryOutcome::Undelivered(WENT_BACK))
    }

    /// Notes that Haptik took a message during a hand-off. Where that ended in the meantime, and
    /// not later than Haptik took the message, nobody reads it there: it goes back to the bot.
    pub(super) async fn note_message_taken(
        &self,
        conversation: &Conversation<'_>,
        entry: &Entry,
        id: &str,
    ) -> Result<(), Failure> {
        let (auth_id, at) = (&conversation.inbound.auth_id, conversation.taken_at());
        let Some(handoff) = conversation.user.handoff.as_ref().filter(|_| at > 0) else {
            return Ok(());
        };
        let taken = handoff.delivered_with(&entry.key, at);
        if self
            .bridge
            .users
            .handoff_delivered(auth_id, id, &taken)
            .await?
        {
            return Ok(());
        }
        let user = self.bridge.users.get(auth_id).await?;
        let last = user.and_then(|user| user.handoff);
        let ended = last
            .filter(|last| last.id == id)
            .and_then(|last| last.ended);
        let was_read = ended.is_some_and(|ended| ended.is_of_completion() && at <= ended.at);
        if !was_read {
            self.return_to_bot(entry, conversation.inbound, id).await?;
        }
        Ok(())
    }
}

/// The user's hand-off of this id, while it is on.
pub(super) fn on<'a>(user: &'a User, id: &str) -> Option<&'a Handoff> {
    let handoff = user.handoff.as_ref()?;
    (handoff.id == id && handoff.is_on()).then_some(handoff)
}

/// Whether the user's hand-off of this id is on.
pub(super) fn is_on(user: &User, id: &str) -> bool {
    on(user, id).is_some()
}
