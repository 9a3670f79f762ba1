//! Looking after hand-offs: those that nobody has taken, and those that ended when whoever ended them was
//! stopped before all that follows was in the ledger.

use haptik_bridge_shared::ingest::{NotDurable, RequestContext};
use haptik_bridge_shared::message::handoff::{Ended, Reason};
use haptik_bridge_shared::retry::{Retry, Retryable as _};
use haptik_bridge_shared::users::Due;
use jiff::Timestamp;

use crate::Processor;

/// How many pages one housekeeping looks at: what is due beyond that is the next one's.
const PAGES: usize = 50;

impl Processor {
    /// Gives those users back whom no agent has joined in time: the user and the bot are told, and the
    /// sinks. What fails stays due, and does not hold up the others.
    pub(crate) async fn look_after_handoffs(&self, now: Timestamp) {
        let mut after: Option<String> = None;
        for _ in 0..PAGES {
            let due = match self.bridge.users.handoffs_due(now, after.as_deref()).await {
                Ok(due) => due,
                Err(error) => {
                    tracing::warn!(%error, "which hand-offs are due is not known");
                    return;
                }
            };
            let Some(last) = due.last() else {
                return;
            };
            after = Some(last.key.clone());
            for due in &due {
                if let Err(error) = self.look_after(due).await {
                    tracing::warn!(%error, "a hand-off that is due cannot be looked after");
                    if error.retry() != Retry::Never {
                        return;
                    }
                }
            }
        }
    }

    async fn look_after(&self, due: &Due) -> Result<(), NotDurable> {
        let (bridge, now) = (&self.bridge, Timestamp::now());
        let context = RequestContext::new("guard", now);
        let ended = Ended::of(Reason::NoAgent, now.as_millisecond());
        bridge
            .end_handoff(context, &due.auth_id, &due.id, &ended, true)
            .await?;
        Ok(bridge.users.handoff_forget_due(&due.key).await?)
    }
}
