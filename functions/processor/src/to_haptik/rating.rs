//! Taking a user's rating: to the sinks, and to Haptik.

use haptik_bridge_shared::haptik::client::{Feedback, HaptikError};
use haptik_bridge_shared::ingest::RequestContext;
use haptik_bridge_shared::ledger::Entry;
use haptik_bridge_shared::retry::Failure;
use jiff::Timestamp;
use serde_json::json;

use super::{Conversation, DeliveryError, ToHaptik};
use crate::attempt::DeliveryOutcome;

/// The event by which the sinks get a rating.
const EVENT: &str = "rating";

/// The notice to a user whose rating Haptik does not take.
const RATED_BEFORE: &str =
    "Thank you! You have rated within the last hour already, so this rating was not recorded.";
const NOTHING_TO_RATE: &str =
    "Thank you! The conversation is over by now, so this rating could not be recorded.";
const NOT_RECORDED: &str = "Thank you! I am sorry, this rating could not be recorded.";
/// The same where a sink has it.
const RATED: &str = "Thank you for your rating!";

/// After how many failed tries it is believed that Haptik does not know the user.
const TRIES_TO_BE_KNOWN: u32 = 3;

impl ToHaptik<'_> {
    /// Tells a rating to the sinks and to Haptik, which takes one an hour, of an open conversation. The user
    /// is notified where it does not take this one. `resolved` is what the user was asked.
    pub(super) async fn rate(
        &self,
        conversation: &Conversation<'_>,
        entry: &Entry,
        feedback: &Feedback<'_>,
        resolved: Option<bool>,
    ) -> Result<DeliveryOutcome, DeliveryError> {
        // Before Haptik is told, so that it is the same event whatever Haptik says, and on every try.
        let is_with_sinks = self
            .append_for_sinks(conversation, feedback, resolved)
            .await?;
        let was_tried = entry.attempts + entry.starts + entry.overruns > 0;
        let (why, text) = match conversation.haptik.log_feedback(feedback).await {
            // Haptik has taken it before, and its answer was lost.
            Err(HaptikError::DuplicateFeedback) if was_tried => return Ok(DeliveryOutcome::Whole),
            Err(HaptikError::DuplicateFeedback) => {
                ("Haptik takes one feedback an hour", RATED_BEFORE)
            }
            Err(HaptikError::NoActiveConversation) => ("no conversation to rate", NOTHING_TO_RATE),
            // The user has been created anew, to no effect: what the user writes does not wait for a rating.
            Err(error @ HaptikError::NotRegistered { .. })
                if entry.has_failed_for(TRIES_TO_BE_KNOWN, &error.to_string()) =>
            {
                ("Haptik takes no rating of the user", NOT_RECORDED)
            }
            sent => {
                return sent
                    .map(|()| DeliveryOutcome::Whole)
                    .map_err(DeliveryError::from);
            }
        };
        let text = if is_with_sinks { RATED } else { text };
        let (name, at) = (format!("rated-{}", entry.key), conversation.inbound.at);
        self.notify(conversation, &name, text, at).await?;
        Ok(DeliveryOutcome::Undelivered(why))
    }

    /// Tells the sinks a rating; whether one wants it.
    async fn append_for_sinks(
        &self,
        conversation: &Conversation<'_>,
        feedback: &Feedback<'_>,
        resolved: Option<bool>,
    ) -> Result<bool, Failure> {
        let data = json!({
            "rating": feedback.query_rating,
            "resolved": resolved,
            "comment": feedback.feedback,
        });
        let context = RequestContext::new("processor", Timestamp::now());
        let at = conversation.inbound.at.as_millisecond();
        let told = self
            .bridge
            .emit(context, conversation.user, EVENT, at, data);
        Ok(told.await?)
    }
}
