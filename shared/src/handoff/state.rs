//! The changes of a hand-off in the user's item: each is one conditional update, and the end is one in a
//! transaction with the due time at which what follows from it is looked after.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, TransactWriteItem, Update};

use super::{Completed, Due, Ended, Handoff, Told};
use crate::ids::AuthId;
use crate::table::{TableError, number, text, unbuilt};
use crate::users::{User, UserMap, user_key};

/// What came of ending a hand-off.
#[derive(Debug, Clone, PartialEq)]
pub enum Over {
    /// It has ended, by this or by something before it; the user says how.
    Ended(Box<User>),
    /// It goes on: an agent has the chat.
    Joined,
    /// It is gone: there is a newer one, or none at all.
    Gone,
}

/// How often ending a hand-off is tried while others change the same user.
const TRIES: usize = 5;

/// It is the one that is meant, and it is on.
const IS_ON: &str = "#handoff.#id = :id AND attribute_not_exists(#handoff.#ended)";

impl UserMap {
    /// Notes when Haptik took the first thing said in a hand-off; returns the user as it is then, `None`
    /// when the hand-off is not on or the time is known.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn handoff_opened(
        &self,
        auth_id: &AuthId,
        id: &str,
        at: i64,
    ) -> Result<Option<User>, TableError> {
        let update = self
            .change(auth_id, id, "SET #handoff.#opened_at = :at")
            .condition_expression(format!(
                "{IS_ON} AND attribute_not_exists(#handoff.#opened_at)"
            ))
            .expression_attribute_names("#opened_at", "opened_at")
            .expression_attribute_values(":at", number(at));
        changed(update).await
    }

    /// Notes that an agent has the chat; whether the hand-off is on.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn handoff_joined(
        &self,
        auth_id: &AuthId,
        id: &str,
        at: i64,
    ) -> Result<bool, TableError> {
        let expression = "SET #handoff.#joined_at = if_not_exists(#handoff.#joined_at, :at)";
        let update = self
            .change(auth_id, id, expression)
            .condition_expression(IS_ON)
            .expression_attribute_names("#joined_at", "joined_at")
            .expression_attribute_values(":at", number(at));
        Ok(changed(update).await?.is_some())
    }

    /// Notes a completion that comes before it is known when the hand-off's conversation was opened;
    /// whether that is still so.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn handoff_completed_early(
        &self,
        auth_id: &AuthId,
        id: &str,
        completed: &Completed,
    ) -> Result<bool, TableError> {
        let update = self
            .change(auth_id, id, "SET #handoff.#completed = :completed")
            .condition_expression(format!(
                "{IS_ON} AND attribute_not_exists(#handoff.#opened_at)"
            ))
            .expression_attribute_names("#opened_at", "opened_at")
            .expression_attribute_names("#completed", "completed")
            .expression_attribute_values(
                ":completed",
                serde_dynamo::to_attribute_value(completed)?,
            );
        Ok(changed(update).await?.is_some())
    }

    /// Has the chat wait for Haptik's `user_name`; `None` when that is known, or the hand-off is not on.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn handoff_waits(
        &self,
        auth_id: &AuthId,
        id: &str,
    ) -> Result<Option<User>, TableError> {
        let update = self
            .change(auth_id, id, "SET #handoff.#waits = :true")
            .condition_expression(format!("{IS_ON} AND attribute_not_exists(#user_name)"))
            .expression_attribute_names("#waits", "waits_for_name")
            .expression_attribute_names("#user_name", "user_name")
            .expression_attribute_values(":true", AttributeValue::Bool(true));
        changed(update).await
    }

    /// Notes that the chat was moved to the team: it waits no longer.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn handoff_moved(&self, auth_id: &AuthId, id: &str) -> Result<(), TableError> {
        let update = self
            .change(auth_id, id, "SET #handoff.#waits = :false")
            .condition_expression(IS_ON)
            .expression_attribute_names("#waits", "waits_for_name")
            .expression_attribute_values(":false", AttributeValue::Bool(false));
        changed(update).await.map(drop)
    }

    /// Notes what Haptik was told in a hand-off; whether it is on.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn handoff_told(
        &self,
        auth_id: &AuthId,
        id: &str,
        told: &[Told],
    ) -> Result<bool, TableError> {
        let update = self
            .change(auth_id, id, "SET #handoff.#told = :told")
            .condition_expression(IS_ON)
            .expression_attribute_names("#told", "told")
            .expression_attribute_values(":told", serde_dynamo::to_attribute_value(told)?);
        Ok(changed(update).await?.is_some())
    }

    /// Ends a hand-off, unless it has ended, or, where `unless_joined`, an agent has the chat. With the
    /// end it is due to be looked after at once, until [`UserMap::handoff_settled`]: whoever ends it may
    /// be stopped before what follows from that is in the ledger.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn handoff_end(
        &self,
        auth_id: &AuthId,
        id: &str,
        ended: &Ended,
        unless_joined: bool,
    ) -> Result<Over, TableError> {
        let end = self.ending(auth_id, id, ended, unless_joined)?;
        let end = TransactWriteItem::builder().update(end).build();
        let due = self.handoff_due(&Due::at_once(auth_id, id), auth_id, id)?;
        for _ in 0..TRIES {
            self.table.transact(vec![end.clone(), due.clone()]).await?;
            let Some(user) = self.get(auth_id).await? else {
                return Ok(Over::Gone);
            };
            match user.handoff.as_ref().filter(|handoff| handoff.id == id) {
                None => return Ok(Over::Gone),
                Some(handoff) if !handoff.is_on() => return Ok(Over::Ended(Box::new(user))),
                Some(handoff) if unless_joined && handoff.joined_at.is_some() => {
                    return Ok(Over::Joined);
                }
                // Something else changed the user at the same moment.
                Some(_) => {}
            }
        }
        let reason = "the user changes all the time".to_owned();
        Err(TableError::Unavailable(reason))
    }

    /// Notes that all that follows from a hand-off's end is in the ledger: it is due no more.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn handoff_settled(
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

    fn ending(
        &self,
        auth_id: &AuthId,
        id: &str,
        ended: &Ended,
        unless_joined: bool,
    ) -> Result<Update, TableError> {
        let mut condition = IS_ON.to_owned();
        let mut update = Update::builder()
            .table_name(self.table.name())
            .key("pk", text(user_key(auth_id)))
            .key("sk", text("user"))
            .update_expression("SET #handoff.#ended = :ended")
            .expression_attribute_names("#handoff", "handoff")
            .expression_attribute_names("#id", "id")
            .expression_attribute_names("#ended", "ended")
            .expression_attribute_values(":id", text(id))
            .expression_attribute_values(":ended", serde_dynamo::to_attribute_value(ended)?);
        if unless_joined {
            condition.push_str(" AND attribute_not_exists(#handoff.#joined_at)");
            update = update.expression_attribute_names("#joined_at", "joined_at");
        }
        let update = update.condition_expression(condition).build();
        update.map_err(|error| unbuilt(&error))
    }

    /// A change of the hand-off of this id, whose condition is still to be given.
    fn change(&self, auth_id: &AuthId, id: &str, expression: &str) -> UpdateItemFluentBuilder {
        self.table
            .client()
            .update_item()
            .table_name(self.table.name())
            .key("pk", text(user_key(auth_id)))
            .key("sk", text("user"))
            .update_expression(expression)
            .expression_attribute_names("#handoff", "handoff")
            .expression_attribute_names("#id", "id")
            .expression_attribute_names("#ended", "ended")
            .expression_attribute_values(":id", text(id))
            .return_values(ReturnValue::AllNew)
    }
}

/// Makes a change; returns the user as it is then, `None` when the condition does not hold.
async fn changed(update: UpdateItemFluentBuilder) -> Result<Option<User>, TableError> {
    match update.send().await {
        Ok(output) => Ok(Some(user_of(output.attributes.unwrap_or_default())?)),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(None),
            _ => Err(TableError::from_sdk(error)),
        },
    }
}

fn user_of(item: HashMap<String, AttributeValue>) -> Result<User, TableError> {
    Ok(serde_dynamo::from_item(item)?)
}
