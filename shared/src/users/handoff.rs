//! The state of a hand-off, which is a part of the user's item.
//!
//! Every change of it is conditional on the hand-off's id and on its not having ended: two events at once
//! end it once, and what belongs to an older hand-off changes nothing of a newer one. The end is one
//! transaction with the due time at which what follows from it is looked after ([`due`](super::due)).

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use super::due::Due;
use super::{User, UserMap};
use crate::ids::AuthId;
use crate::message::handoff::{Completed, DeliveredMessage, Ended, Handoff};
use crate::table::{Condition, TableError, Update, absent, equals, number, text};

/// What came of ending a hand-off.
#[derive(Debug, Clone, PartialEq)]
pub enum EndOutcome {
    /// It has ended, by this or by something before it; the user says how.
    Ended(Box<User>),
    /// It goes on: an agent has the chat.
    Joined,
    /// It is gone: there is a newer one, or none at all.
    Gone,
}

/// How often ending a hand-off is tried while others change the same user.
const TRIES: usize = 5;

impl UserMap {
    /// Notes when Haptik took the first thing said in a hand-off; returns the user as it is then, `None`
    /// when the hand-off is not on or the time is known.
    pub async fn handoff_opened(
        &self,
        auth_id: &AuthId,
        id: &str,
        at: i64,
    ) -> Result<Option<User>, TableError> {
        let update = self
            .change(auth_id, id)
            .condition(absent("handoff.opened_at"))
            .set("handoff.opened_at", number(at));
        changed(update).await
    }

    /// Notes that an agent has the chat; whether the hand-off is on.
    pub async fn handoff_joined(
        &self,
        auth_id: &AuthId,
        id: &str,
        at: i64,
    ) -> Result<bool, TableError> {
        let update = self.change(auth_id, id);
        let update = update.set_if_absent("handoff.joined_at", number(at));
        update.send_if().await
    }

    /// Notes a completion that comes before it is known when the hand-off's conversation was opened;
    /// whether that is still so.
    pub async fn handoff_completed_early(
        &self,
        auth_id: &AuthId,
        id: &str,
        completed: &Completed,
    ) -> Result<bool, TableError> {
        let completed = serde_dynamo::to_attribute_value(completed)?;
        self.change(auth_id, id)
            .condition(absent("handoff.opened_at"))
            .set("handoff.completed", completed)
            .send_if()
            .await
    }

    /// Has the chat wait for Haptik's `user_name`; `None` when that is known, or the hand-off is not on.
    pub async fn handoff_waits(
        &self,
        auth_id: &AuthId,
        id: &str,
    ) -> Result<Option<User>, TableError> {
        let update = self
            .change(auth_id, id)
            .condition(absent("user_name"))
            .set("handoff.waits_for_name", AttributeValue::Bool(true));
        changed(update).await
    }

    /// Notes that the chat was moved to the team: it waits no longer.
    pub async fn handoff_moved(&self, auth_id: &AuthId, id: &str) -> Result<(), TableError> {
        let update = self
            .change(auth_id, id)
            .set("handoff.waits_for_name", AttributeValue::Bool(false));
        update.send_if().await.map(drop)
    }

    /// Notes what Haptik was told in a hand-off; whether it is on.
    pub async fn handoff_delivered(
        &self,
        auth_id: &AuthId,
        id: &str,
        delivered: &[DeliveredMessage],
    ) -> Result<bool, TableError> {
        let delivered = serde_dynamo::to_attribute_value(delivered)?;
        let update = self.change(auth_id, id).set("handoff.delivered", delivered);
        update.send_if().await
    }

    /// Ends a hand-off, unless it has ended, or, where `unless_joined`, an agent has the chat. With the
    /// end it is due to be looked after at once, until [`UserMap::clear_handoff_due`]: whoever ends it may
    /// be stopped before what follows from that is in the ledger.
    pub async fn handoff_end(
        &self,
        auth_id: &AuthId,
        id: &str,
        ended: &Ended,
        unless_joined: bool,
    ) -> Result<EndOutcome, TableError> {
        let ended = serde_dynamo::to_attribute_value(ended)?;
        let mut end = self.change(auth_id, id).set("handoff.ended", ended);
        if unless_joined {
            end = end.condition(absent("handoff.joined_at"));
        }
        let end = end.in_transaction()?;
        let due = self.handoff_due(&Due::at_once(auth_id, id), auth_id, id)?;
        for _ in 0..TRIES {
            self.table.transact(vec![end.clone(), due.clone()]).await?;
            let Some(user) = self.get(auth_id).await? else {
                return Ok(EndOutcome::Gone);
            };
            match user.handoff.as_ref().filter(|handoff| handoff.id == id) {
                None => return Ok(EndOutcome::Gone),
                Some(handoff) if !handoff.is_on() => return Ok(EndOutcome::Ended(Box::new(user))),
                Some(handoff) if unless_joined && handoff.joined_at.is_some() => {
                    return Ok(EndOutcome::Joined);
                }
                // Something else changed the user at the same moment.
                Some(_) => {}
            }
        }
        let reason = "the user changes all the time".to_owned();
        Err(TableError::Unavailable(reason))
    }

    /// Notes that all that follows from a hand-off's end is in the ledger: it is due no more.
    pub async fn clear_handoff_due(
        &self,
        auth_id: &AuthId,
        handoff: &Handoff,
    ) -> Result<(), TableError> {
        if let Some(due) = &handoff.due {
            self.handoff_forget_due(due).await?;
        }
        let at_once = Due::at_once(auth_id, &handoff.id);
        self.handoff_forget_due(&at_once).await
    }

    /// A change of the hand-off of this id, if it is on.
    fn change(&self, auth_id: &AuthId, id: &str) -> Update<'_> {
        self.update(auth_id).condition(is_on(id))
    }
}

/// The last hand-off has this id, and it is on.
fn is_on(id: &str) -> Condition {
    equals("handoff.id", text(id)).and(absent("handoff.ended"))
}

/// Makes a change; returns the user as it is then, `None` when the condition does not hold.
async fn changed(update: Update<'_>) -> Result<Option<User>, TableError> {
    let user = update.returning_if(ReturnValue::AllNew).await?;
    Ok(user.map(serde_dynamo::from_item).transpose()?)
}
