//! Taking away what showed that a user's messages were taken: a reaction, for example.

use haptik_bridge_shared::retry::{Retry, Retryable as _};
use haptik_bridge_shared::users::User;

use super::ToChannel;
use crate::activity::ShownIndicator;

impl ToChannel<'_> {
    /// Takes away what showed that the user's messages were taken: they are answered.
    pub(super) async fn clear_activity(&self, user: &User) {
        let mut gone = Vec::new();
        for noted in &user.activities {
            let shown = ShownIndicator::read(noted);
            let outlet = shown.as_ref().and_then(|shown| {
                let connection = shown.connection.as_ref().unwrap_or(&user.connection);
                self.outlets.get(connection)
            });
            let cleared = match (shown, outlet) {
                (Some(shown), Some(outlet)) => {
                    let on = Some(shown.message_id.as_str());
                    outlet
                        .clear_activity(&shown.address, on, &shown.indicator)
                        .await
                }
                (None, _) | (_, None) => Ok(()),
            };
            match cleared {
                // It is taken away with the next answer.
                Err(error) if error.retry() != Retry::Never => {
                    tracing::warn!(reason = error.reason, "an activity is left for now");
                }
                // What cannot be taken away is forgotten too.
                Ok(()) | Err(_) => gone.push(noted.clone()),
            }
        }
        if gone.is_empty() {
            return;
        }
        if let Err(error) = self
            .bridge
            .users
            .remove_activities(&user.auth_id, gone)
            .await
        {
            tracing::warn!(%error, "activities that were taken away cannot be forgotten");
        }
    }
}
