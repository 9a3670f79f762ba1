//! Looking after hand-offs that nobody has taken.

use haptik_bridge_shared::handoff::{Ended, Reason};
use jiff::Timestamp;

use crate::Processor;

/// How many rounds one housekeeping goes: what is due beyond that is the next one's.
const ROUNDS: usize = 50;

impl Processor {
    /// Gives those users back whom no agent has joined in time: the user and the bot are told, and the
    /// sinks. What fails stays due.
    pub(crate) async fn look_after_handoffs(&self, now: Timestamp) {
        let users = &self.bridge.users;
        for _ in 0..ROUNDS {
            let due = match users.handoffs_due(now).await {
                Ok(due) if due.is_empty() => return,
                Ok(due) => due,
                Err(error) => {
                    tracing::warn!(%error, "which hand-offs are due is not known");
                    return;
                }
            };
            for due in due {
                let (bridge, now) = (&self.bridge, Timestamp::now());
                let ended = Ended::of(Reason::NoAgent, now.as_millisecond());
                let over = bridge.end_handoff("guard", &due.auth_id, &due.id, &ended, true, now);
                if let Err(error) = over.await {
                    tracing::warn!(%error, "a hand-off that is due cannot be looked after");
                    return;
                }
                if let Err(error) = users.handoff_forget_due(&due.key).await {
                    tracing::warn!(%error, "a hand-off that was looked after stays due");
                    return;
                }
            }
        }
    }
}
