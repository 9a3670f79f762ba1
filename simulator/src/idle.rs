//! Chats without a word: with the bot, one completes by itself after eight minutes (docs.haptik.ai,
//! agent-chat/claiming-and-closing).

use std::{sync::Arc, time::Duration};

use super::{account::Simulator, events::CompletedBy, state::State};

impl Simulator {
    /// Looks at a chat in which something was said once that is long enough ago.
    pub(super) fn completes_when_idle(&self, auth_id: &str) {
        let Some(limit) = self.idle_limit() else {
            return;
        };
        let weak = Arc::downgrade(&self.inner);
        let auth_id = auth_id.to_owned();
        self.spawn(async move {
            tokio::time::sleep(limit).await;
            if let Some(inner) = weak.upgrade() {
                let simulator = Self { inner };
                if simulator.read(|state| is_idle(state, &auth_id, limit)) {
                    // A user forgotten in the meantime has no chat.
                    let _ = simulator.completes(&auth_id, CompletedBy::Timeout);
                }
            }
        });
    }

    /// Completes every chat that has been without a word for long enough.
    pub(super) fn complete_the_idle(&self) {
        let Some(limit) = self.idle_limit() else {
            return;
        };
        let idle: Vec<String> = self.read(|state| {
            let users = state.users.auth_ids();
            users
                .filter(|auth_id| is_idle(state, auth_id, limit))
                .cloned()
                .collect()
        });
        for auth_id in idle {
            // Nobody has been forgotten in between.
            let _ = self.completes(&auth_id, CompletedBy::Timeout);
        }
    }

    fn idle_limit(&self) -> Option<Duration> {
        let seconds = self.read(|state| state.behaviour.idle_seconds)?;
        Some(self.inner.settings.scaled(Duration::from_secs(seconds)))
    }
}

/// Whether the user has an open chat with the bot in which nothing was said for so long.
fn is_idle(state: &State, auth_id: &str, limit: Duration) -> bool {
    state.users.get(auth_id).is_some_and(|user| {
        let (since, ahead) = user.quiet_since;
        let quiet = since.elapsed() + state.webhook.ahead.saturating_sub(ahead);
        let with_bot = user.agent_team.is_none() && !user.is_moving;
        user.conversation.is_some() && with_bot && quiet >= limit
    })
}
