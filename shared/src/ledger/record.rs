//! What becomes of an entry: every try leaves one update.

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;

use super::{Entry, Ledger, Reservation, State, day};
use crate::retry::Why;
use crate::table::{TableError, number, text};

impl Ledger {
    /// Notes that a redelivered entry is tried again; returns how many such tries were begun, this one
    /// included, since anything was last recorded. All before this one ended in a crash.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn start(&self, entry: &Entry) -> Result<u32, TableError> {
        let output = self
            .update(entry, "ADD starts :one")
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await
            .map_err(TableError::from_sdk)?;
        let starts = output
            .attributes()
            .and_then(|attributes| attributes.get("starts"));
        Ok(starts
            .and_then(|starts| starts.as_n().ok())
            .and_then(|starts| starts.parse().ok())
            .unwrap_or(1))
    }

    /// Notes that the first `parts` parts of an entry are done. What makes progress is no poison: the
    /// counts of crashes and of overruns begin anew.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn progressed(&self, entry: &Entry, parts: usize) -> Result<(), TableError> {
        let expression = "SET parts_done = :parts, starts = :none, overruns = :none";
        let update = self
            .update(entry, expression)
            .expression_attribute_values(":parts", number(parts))
            .expression_attribute_values(":none", number(0));
        made(update).await
    }

    /// Notes that a try failed and that another is to come. The try ended: the counts
    /// of crashes and of overruns begin anew.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn failed(&self, entry: &Entry, why: Why<'_>) -> Result<(), TableError> {
        let expression = "SET reason = :reason, detail = :detail, starts = :none, \
                          overruns = :none ADD attempts :one";
        self.count(entry, expression, why).await
    }

    /// Notes that a try was put off: nothing has failed. The counts of crashes and of overruns begin
    /// anew. `reserved` is the time that is reserved for the next one, if one is.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn put_off(
        &self,
        entry: &Entry,
        reserved: Option<Reservation>,
    ) -> Result<(), TableError> {
        let mut expression = "SET starts = :none, overruns = :none".to_owned();
        if reserved.is_some() {
            expression.push_str(", reserved = :reserved, reserved_in = :round");
        }
        let mut update = self
            .update(entry, &expression)
            .expression_attribute_values(":none", number(0));
        if let Some(Reservation { at, round }) = reserved {
            update = update
                .expression_attribute_values(":reserved", number(at.as_millisecond()))
                .expression_attribute_values(":round", number(round));
        }
        made(update).await
    }

    /// Notes that its sink answered 403 to it.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn forbidden(&self, entry: &Entry, now: Timestamp) -> Result<(), TableError> {
        let update = self
            .update(entry, "SET forbidden_at = :now")
            .expression_attribute_values(":now", number(now.as_millisecond()));
        made(update).await
    }

    /// Notes that a try took too long, and that another is to come.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn overran(&self, entry: &Entry, reason: &str) -> Result<(), TableError> {
        let expression = "SET reason = :reason, detail = :detail, starts = :none \
                          ADD overruns :one";
        self.count(entry, expression, reason.into()).await
    }

    /// Ends an entry: delivered (with a reason where there was nothing to deliver), or dead.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn end(
        &self,
        entry: &Entry,
        state: State,
        why: Option<Why<'_>>,
        now: Timestamp,
    ) -> Result<(), TableError> {
        let dead = state == State::Dead;
        let mut expression = "SET #state = :state, ended_at = :now".to_owned();
        expression.push_str(if dead { ", dead = :day" } else { "" });
        expression.push_str(why.map_or("", |_| ", reason = :reason, detail = :detail"));
        expression.push_str(" REMOVE pending");
        let mut update = self
            .update(entry, &expression)
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":state", serde_dynamo::to_attribute_value(state)?)
            .expression_attribute_values(":now", number(now.as_millisecond()));
        if dead {
            update = update.expression_attribute_values(":day", text(day(now)));
        }
        if let Some(why) = why {
            update = with(update, why);
        }
        made(update).await
    }

    /// Counts a try that did not succeed, with the reason.
    async fn count(&self, entry: &Entry, expression: &str, why: Why<'_>) -> Result<(), TableError> {
        let update = self
            .update(entry, expression)
            .expression_attribute_values(":none", number(0))
            .expression_attribute_values(":one", number(1));
        made(with(update, why)).await
    }
}

/// An update with the values of a reason. What was said of an earlier one does not stay.
fn with(update: UpdateItemFluentBuilder, why: Why<'_>) -> UpdateItemFluentBuilder {
    let nothing = AttributeValue::Null(true);
    let detail = why.detail.map_or(nothing, |said| text(said.as_str()));
    update
        .expression_attribute_values(":reason", text(why.reason))
        .expression_attribute_values(":detail", detail)
}

async fn made(update: UpdateItemFluentBuilder) -> Result<(), TableError> {
    update.send().await.map_err(TableError::from_sdk)?;
    Ok(())
}
