//! Showing a user that something was taken: a reaction, a typing indicator.

use haptik_bridge_channels::channel::Indicator;
use haptik_bridge_shared::ledger::Entry;
use haptik_bridge_shared::users::User;

use super::{Conversation, ToHaptik};
use crate::activity::ShownIndicator;
use crate::limits::ACTIVITY_TIMEOUT;

/// How many messages of one user show that they were taken while nothing is answered.
const MOST_ACTIVITIES: usize = 20;

impl ToHaptik<'_> {
    /// Shows the user that something was taken, on the first try only: it is worth doing at once or not
    /// at all, and a failure is neither repeated nor anybody's problem.
    pub(super) async fn show_activity(
        &self,
        conversation: &Conversation<'_>,
        user: &User,
        entry: &Entry,
    ) {
        let Conversation {
            outlet, inbound, ..
        } = conversation;
        let (at, on) = (&inbound.address, inbound.message_id.as_deref());
        let Some(indicator) = outlet.indicator(at, on) else {
            return;
        };
        if entry.attempts > 0 || user.activities.len() >= MOST_ACTIVITIES {
            return;
        }
        let noted = match (indicator, on) {
            (Indicator::Sticky(indicator), Some(on)) => ShownIndicator {
                connection: Some(conversation.connection_id.clone()),
                address: at.clone(),
                message_id: on.to_owned(),
                indicator,
            }
            .written(),
            (Indicator::Sticky(_) | Indicator::Passing, _) => None,
        };
        // Noted first: the answer may come before the channel has said that it is shown.
        if let Some(noted) = &noted
            && let Err(error) = self.bridge.users.add_activity(&user.auth_id, noted).await
        {
            tracing::warn!(%error, "an activity cannot be noted");
            return;
        }
        let showing = outlet.show_activity(at, on);
        let Ok(shown) = tokio::time::timeout(ACTIVITY_TIMEOUT, showing).await else {
            // It may be shown all the same, so it stays noted and is taken away with the answer.
            tracing::warn!("it took too long to show that a message was taken");
            return;
        };
        if let Err(error) = shown {
            let reason = error.reason;
            tracing::warn!(reason, "it cannot be shown that a message was taken");
            let users = &self.bridge.users;
            if let Some(noted) = noted
                && let Err(error) = users.remove_activities(&user.auth_id, vec![noted]).await
            {
                tracing::warn!(%error, "an activity that is not shown cannot be forgotten");
            }
        }
    }
}
