//! Moving a chat to the team of a hand-off.

use haptik_bridge_shared::haptik::client::{HaptikError, MoveToAgent};
use haptik_bridge_shared::ledger::Entry;
use haptik_bridge_shared::message::handoff::Handoff;
use haptik_bridge_shared::retry::Failure;

use super::handoff::{OVER, on};
use super::{Conversation, DeliveryError, ToHaptik};
use crate::attempt::DeliveryOutcome;

/// How often Haptik may say that the user has said nothing before that is believed: a message that it took
/// a moment ago may not have got around.
const TRIES_TO_BE_HEARD: u32 = 5;

/// Why a chat is not moved yet.
const WAITS: DeliveryOutcome = DeliveryOutcome::Nothing(
    "the chat is moved when a delivery of Haptik's has the user's user_name",
);

/// Why a chat is not moved yet, of an account whose answers come with the call.
const WAITS_WITHOUT_WEBHOOK: DeliveryOutcome = DeliveryOutcome::Nothing(
    "the chat is moved when Haptik names the user (user_name), which synchronous answers need not do",
);

impl ToHaptik<'_> {
    /// Moves the chat to the team of a hand-off, if there is one; where Haptik's `user_name` is not
    /// known, the first delivery that names the user does so. An agent who has taken the chat keeps it.
    pub(super) async fn move_to_team(
        &self,
        conversation: &Conversation<'_>,
        entry: &Entry,
        id: &str,
    ) -> Result<DeliveryOutcome, DeliveryError> {
        let (auth_id, users) = (&conversation.inbound.auth_id, &self.bridge.users);
        let Some(mut user) = users.get(auth_id).await? else {
            return Ok(OVER);
        };
        if user.user_name.is_none() {
            if !needs_moving(on(&user, id)) {
                return Ok(DeliveryOutcome::Whole);
            }
            if users.handoff_waits(auth_id, id).await?.is_some() {
                return Ok(if conversation.haptik.answers_at_once() {
                    WAITS_WITHOUT_WEBHOOK
                } else {
                    WAITS
                });
            }
            // It is known by now, or the hand-off is over.
            let Some(now) = users.get(auth_id).await? else {
                return Ok(OVER);
            };
            user = now;
        }
        let Some(handoff) = on(&user, id) else {
            return Ok(OVER);
        };
        let Some(user_name) = user
            .user_name
            .as_ref()
            .filter(|_| needs_moving(Some(handoff)))
        else {
            return Ok(DeliveryOutcome::Whole);
        };
        let to = MoveToAgent {
            team_name: handoff.team_name.as_deref(),
            receiver: handoff.receiver.as_deref(),
            user_name,
            business_id: conversation.connection.business_id,
            countdown: conversation.connection.handoff.countdown,
        };
        match conversation.haptik.send_chat_to_agent(&to).await {
            Err(error @ HaptikError::NothingSaid)
                if entry.has_failed_for(TRIES_TO_BE_HEARD, &error.to_string()) =>
            {
                let reason = error.to_string();
                return Err(DeliveryError::NothingSaid(Failure::permanent(reason)));
            }
            moved => moved?,
        }
        users.handoff_moved(auth_id, id).await?;
        Ok(DeliveryOutcome::Whole)
    }
}

/// Whether a hand-off is for a team or a receiver that has not taken the chat.
fn needs_moving(handoff: Option<&Handoff>) -> bool {
    handoff.is_some_and(|handoff| {
        let is_for_somebody = handoff.team_name.is_some() || handoff.receiver.is_some();
        is_for_somebody && handoff.joined_at.is_none()
    })
}
