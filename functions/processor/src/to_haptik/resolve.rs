//! What a user's action stands for: what is fetched by its id, what a typed number chooses.

use haptik_bridge_shared::ledger::Entry;
use haptik_bridge_shared::message::hsl::{Actionable, Effect};
use haptik_bridge_shared::message::offer::Chosen;
use haptik_bridge_shared::message::{MessageRef, UserAction};
use haptik_bridge_shared::offers::Offers;
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_shared::table::TableError;

use super::{Conversation, ToHaptik};
use crate::offer;

impl ToHaptik<'_> {
    /// What the user did, with what has to be fetched for it, and what was chosen in place of a number; and
    /// whether it was. `None` where what was sent is gone.
    pub(super) async fn resolved(
        &self,
        conversation: &Conversation<'_>,
        entry: &Entry,
    ) -> Result<Option<(UserAction, bool)>, Failure> {
        let Conversation {
            outlet, inbound, ..
        } = conversation;
        let action = match &inbound.action {
            UserAction::Unresolved { reference } => {
                let fetched = outlet.resolve(&inbound.address, reference).await?;
                let Some(action) = fetched else {
                    return Ok(None);
                };
                action
            }
            action => action.clone(),
        };
        let chosen = self.answer_offer(conversation, entry, &action).await?;
        let is_choice = chosen.is_some();
        Ok(Some((chosen.unwrap_or(action), is_choice)))
    }

    /// What a choice says that the channel could only refer to; `None` where that is no longer in the
    /// ledger.
    pub(super) async fn chosen(
        &self,
        message: &MessageRef,
        index: usize,
    ) -> Result<Option<String>, TableError> {
        let offers = Offers::new(self.bridge.ledger.clone());
        let offered = offers.offered(message).await?;
        let effect = offered
            .as_ref()
            .and_then(|hsl| hsl.actionables().nth(index).map(Actionable::effect));
        Ok(match effect {
            Some(
                Effect::Say(said)
                | Effect::Open {
                    said: Some(said), ..
                },
            ) => Some(said.sent),
            _ => None,
        })
    }

    /// What a text stands for that answers numbered choices; `None` where it stands for itself. Whatever
    /// the user does ends the offer, which is noted before anything is told to Haptik.
    async fn answer_offer(
        &self,
        conversation: &Conversation<'_>,
        entry: &Entry,
        action: &UserAction,
    ) -> Result<Option<UserAction>, Failure> {
        let text = match action {
            UserAction::Message { text, attachments } => {
                Some(text.as_str()).filter(|_| attachments.is_empty())
            }
            UserAction::Choice { .. } | UserAction::Feedback { .. } => None,
            UserAction::Handoff { .. }
            | UserAction::MoveToAgent { .. }
            | UserAction::ProfileChanged
            | UserAction::Unresolved { .. } => return Ok(None),
        };
        let user = conversation.user;
        // What is said elsewhere ends the offer, and is no answer to it.
        let (offered, here) = (user.offer.as_ref(), conversation.connection_id);
        let text = text.filter(|_| offered.is_none_or(|offer| offer::is_shown_at(offer, here)));
        let ended = offer::ended_by_user(user, &entry.key, entry.received_at, text);
        let Some(ended) = ended else {
            return Ok(None);
        };
        if user.offer_end.as_ref() != Some(&ended) {
            let users = &self.bridge.users;
            users.put_offer_end(&user.auth_id, &ended).await?;
        }
        let Some(Chosen { index, rating }) = ended.chosen else {
            return Ok(None);
        };
        if let Some(rating) = rating {
            return Ok(Some(UserAction::Feedback {
                rating,
                resolved: None,
                comment: None,
            }));
        }
        let said = self.chosen(&ended.offer, index).await?;
        Ok(said.map(UserAction::said))
    }
}
