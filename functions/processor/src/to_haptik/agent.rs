//! Asking for a human within a conversation with Haptik's bot.

use haptik_bridge_shared::ingest::{Ask, BeginOutcome, RequestContext};
use haptik_bridge_shared::ledger::Entry;
use haptik_bridge_shared::message::handoff::{AskedBy, Handoff};
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_shared::users::Mode;
use jiff::Timestamp;

use super::{Conversation, DeliveryError, ToHaptik};
use crate::attempt::DeliveryOutcome;

impl ToHaptik<'_> {
    /// The user asks for a human. Haptik moves chats by its own name of the user: where that is not
    /// known, the request is sent as a message, whose answer brings the name, and waits for it.
    pub(super) async fn ask_for_agent(
        &self,
        conversation: &Conversation<'_>,
        entry: &Entry,
        text: &str,
    ) -> Result<DeliveryOutcome, DeliveryError> {
        let (inbound, user) = (conversation.inbound, conversation.user);
        let notices = &conversation.connection.handoff;
        let id = entry.key.as_str();
        let ask = Ask {
            id,
            asked_by: AskedBy::User,
            team_name: None,
            receiver: None,
        };
        let at = (conversation.connection_id, conversation.connection);
        let now = Timestamp::now();
        let context = RequestContext::new("processor", now);
        let began = self.bridge.begin_handoff(context, at, inbound, ask).await;
        let is_known = user.user_name.is_some();
        let notice = if is_known {
            &notices.requested_notice
        } else {
            &notices.waiting_notice
        };
        let name = format!("requested-{id}");
        self.notify(conversation, &name, notice, inbound.at).await?;
        if let BeginOutcome::Another(earlier) = began.map_err(Failure::from)? {
            // The user asks again, since nobody has come: so is Haptik.
            return self.move_to_team(conversation, entry, &earlier).await;
        }
        if is_known || entry.parts_done > 0 {
            let at = now.as_millisecond();
            self.note_opening(&inbound.auth_id, id, at).await?;
        } else {
            self.send_request(conversation, entry, text).await?;
        }
        match self.move_to_team(conversation, entry, id).await {
            Err(DeliveryError::NothingSaid(failure)) if entry.parts_done == 0 => {
                self.send_request(conversation, entry, text).await?;
                // Now something was said.
                Err(Failure::passing(failure.reason).into())
            }
            moved => moved,
        }
    }

    /// Sends the request itself as a message: Haptik moves no chat in which the user said nothing.
    async fn send_request(
        &self,
        conversation: &Conversation<'_>,
        entry: &Entry,
        text: &str,
    ) -> Result<(), DeliveryError> {
        if entry.parts_done > 0 {
            return Ok(());
        }
        let auth_id = &conversation.inbound.auth_id;
        self.send_text(conversation, entry, 0, text).await?;
        self.note_opening(auth_id, entry.key.as_str(), conversation.taken_at())
            .await?;
        let (ledger, taken) = (&self.bridge.ledger, conversation.taken());
        Ok(ledger.progressed(entry, 1, &taken).await?)
    }

    /// Tells the user something on the bridge's own account, once for each name.
    pub(super) async fn notify(
        &self,
        conversation: &Conversation<'_>,
        name: &str,
        text: &str,
        at: Timestamp,
    ) -> Result<(), Failure> {
        let context = RequestContext::new("processor", Timestamp::now());
        let (bridge, user) = (&self.bridge, conversation.user);
        let notified = bridge.notify(context, user, name, text, at.as_millisecond());
        Ok(notified.await?)
    }
}

/// Whether a text asks for a human where that is of use: no agent has the chat or came with a hand-off, and no bot
/// handed its user over.
pub(super) fn is_asked_for(conversation: &Conversation<'_>, text: &str) -> bool {
    let user = conversation.user;
    let is_with_somebody = |handoff: &Handoff| {
        let has_agent = handoff.joined_at.is_some();
        handoff.is_on() && (has_agent || handoff.asked_by == AskedBy::Application)
    };
    conversation.connection.handoff.is_request(text)
        && user.mode == Mode::Bot
        && !user.handoff.as_ref().is_some_and(is_with_somebody)
}
