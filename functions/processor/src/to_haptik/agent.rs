//! Asking for a human within a conversation with Haptik's bot, and moving a chat to a team.

use haptik_bridge_shared::haptik::client::{HaptikError, MoveToAgent};
use haptik_bridge_shared::ingest::{Ask, BeginOutcome, RequestContext};
use haptik_bridge_shared::ledger::Entry;
use haptik_bridge_shared::message::handoff::{AskedBy, Handoff};
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_shared::users::Mode;
use jiff::Timestamp;

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
            Err(DeliveryError::Failed(failure))
                if is_nothing_said(&failure) && entry.parts_done == 0 =>
            {
                self.send_request(conversation, entry, text).await?;
                Err(DeliveryError::Failed(failure))
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
            Err(error @ HaptikError::NothingSaid) if entry.attempts >= TRIES_TO_BE_HEARD => {
                return Err(DeliveryError::Failed(Failure::permanent(error.to_string())));
            }
            moved => moved?,
        }
        users.handoff_moved(auth_id, id).await?;
        Ok(DeliveryOutcome::Whole)
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

/// Whether a text asks for a human where that is of use: no agent has the chat, and no bot handed its
/// user over.
pub(super) fn is_asked_for(conversation: &Conversation<'_>, text: &str) -> bool {
    let user = conversation.user;
    let is_bots = |handoff: &Handoff| handoff.is_on() && handoff.asked_by == AskedBy::Application;
    conversation.connection.handoff.is_request(text)
        && user.mode == Mode::Bot
        && !user.handoff.as_ref().is_some_and(is_bots)
}

/// Whether a hand-off is for a team or a receiver that has not taken the chat.
fn needs_moving(handoff: Option<&Handoff>) -> bool {
    handoff.is_some_and(|handoff| {
        let is_for_somebody = handoff.team_name.is_some() || handoff.receiver.is_some();
        is_for_somebody && handoff.joined_at.is_none()
    })
}

fn is_nothing_said(failure: &Failure) -> bool {
    failure.reason == HaptikError::NothingSaid.to_string()
}
