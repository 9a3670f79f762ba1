//! Sending a user's rating to Haptik.

use haptik_bridge_shared::haptik::client::{Feedback, HaptikError};
use haptik_bridge_shared::ledger::Entry;

use super::{Conversation, DeliveryError, ToHaptik};
use crate::attempt::DeliveryOutcome;

/// The notice to a user whose rating Haptik does not take.
const RATED_BEFORE: &str =
    "Thank you! You have rated within the last hour already, so this rating was not recorded.";
const NOTHING_TO_RATE: &str =
    "Thank you! The conversation is over by now, so this rating could not be recorded.";

impl ToHaptik<'_> {
    /// Sends a rating. Haptik takes one an hour, of an open conversation. The user is notified where it does
    /// not take this one.
    pub(super) async fn rate(
        &self,
        conversation: &Conversation<'_>,
        entry: &Entry,
        feedback: &Feedback<'_>,
    ) -> Result<DeliveryOutcome, DeliveryError> {
        let (why, text) = match conversation.haptik.log_feedback(feedback).await {
            Err(HaptikError::DuplicateFeedback) => {
                ("Haptik takes one feedback an hour", RATED_BEFORE)
            }
            Err(HaptikError::NoActiveConversation) => ("no conversation to rate", NOTHING_TO_RATE),
            sent => {
                return sent
                    .map(|()| DeliveryOutcome::Whole)
                    .map_err(DeliveryError::from);
            }
        };
        let (name, at) = (format!("rated-{}", entry.key), conversation.inbound.at);
        self.notify(conversation, &name, text, at).await?;
        Ok(DeliveryOutcome::Nothing(why))
    }
}
