//! What is kept beside the user's item: that a hand-off was asked for, so that asking twice is one
//! hand-off, and when it is due to be looked after.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::Handoff;
use crate::ids::{AuthId, EntryKey};
use crate::table::{TableError, number, text};
use crate::users::{User, UserMap, user_key};

/// What came of beginning a hand-off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is on.
    New,
    /// It was begun before, be it on or over: by the entry with this key.
    Before(EntryKey),
    /// Another is on, with this id.
    Another(String),
    /// Something else changed the user at the same moment: to be tried again.
    Changed,
}

/// A time at which a hand-off is to be looked after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Its sort key: the time comes first.
    pub key: String,
    /// Whose.
    pub auth_id: AuthId,
    /// Which hand-off.
    pub id: String,
}

/// The partition of the due times: few are there at once, since each goes when it is over.
const DUE: &str = "due#handoff";

/// How many due times are looked after at once; the next housekeeping takes the next.
const DUE_PAGE: i32 = 100;

/// How much longer than the ledger's entries a request is remembered.
const REMEMBERED_LONGER: Duration = Duration::from_hours(24);

impl UserMap {
    /// Begins a hand-off, unless it was begun before or another is on: one transaction puts the record
    /// of the request, the state and the due time, or nothing. `user` is where the user is, and the
    /// hand-off that was the last until now; `key` is the place of the entry that tells Haptik.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn handoff_begin(
        &self,
        user: &User,
        handoff: &Handoff,
        key: &EntryKey,
        entry_ttl: Duration,
    ) -> Result<Begun, TableError> {
        let keep = entry_ttl.saturating_add(REMEMBERED_LONGER).as_secs();
        let expires_at = (handoff.began_at / 1_000).saturating_add_unsigned(keep);
        let record = Put::builder()
            .table_name(self.table.name())
            .item("pk", text(user_key(&user.auth_id)))
            .item("sk", text(record_key(&handoff.id)))
            .item("key", text(key.as_str()))
            .item("expires_at", number(expires_at))
            .condition_expression("attribute_not_exists(pk)");
        let mut items = vec![
            TransactWriteItem::builder()
                .put(record.build().map_err(|error| unbuilt(&error))?)
                .build(),
            TransactWriteItem::builder()
                .update(self.beginning(user, handoff)?)
                .build(),
        ];
        if let Some(due) = &handoff.due {
            let due = Put::builder()
                .table_name(self.table.name())
                .item("pk", text(DUE))
                .item("sk", text(due))
                .item("auth_id", text(user.auth_id.as_str()))
                .item("id", text(&handoff.id));
            let due = due.build().map_err(|error| unbuilt(&error))?;
            items.push(TransactWriteItem::builder().put(due).build());
        }
        let written = self
            .table
            .client()
            .transact_write_items()
            .set_transact_items(Some(items))
            .send()
            .await;
        let Err(error) = written else {
            return Ok(Begun::New);
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(_)) => {}
            _ => return Err(TableError::from_sdk(error)),
        }
        if let Some(key) = self.handoff_record(&user.auth_id, &handoff.id).await? {
            return Ok(Begun::Before(key));
        }
        let now = self.get(&user.auth_id).await?;
        let on = now.and_then(|user| user.handoff).filter(Handoff::is_on);
        Ok(on.map_or(Begun::Changed, |other| Begun::Another(other.id)))
    }

    /// The place of the entry of a hand-off that was asked for.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn handoff_record(
        &self,
        auth_id: &AuthId,
        id: &str,
    ) -> Result<Option<EntryKey>, TableError> {
        let item = self.table.get(&user_key(auth_id), &record_key(id)).await?;
        let key = item.as_ref().and_then(|item| item.get("key")?.as_s().ok());
        Ok(key.map(|key| EntryKey::from(key.as_str())))
    }

    /// The hand-offs that are due by now, the longest due first; not more than a page of them.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn handoffs_due(&self, now: Timestamp) -> Result<Vec<Due>, TableError> {
        let output = self
            .table
            .client()
            .query()
            .table_name(self.table.name())
            .consistent_read(true)
            .key_condition_expression("pk = :due AND sk < :until")
            .expression_attribute_values(":due", text(DUE))
            .expression_attribute_values(":until", text(due_time(now.as_millisecond() + 1)))
            .limit(DUE_PAGE)
            .send()
            .await
            .map_err(TableError::from_sdk)?;
        let due = output.items.unwrap_or_default();
        Ok(due.iter().filter_map(due_of).collect())
    }

    /// Forgets a due time: what was due is done.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn handoff_forget_due(&self, key: &str) -> Result<(), TableError> {
        self.table
            .client()
            .delete_item()
            .table_name(self.table.name())
            .key("pk", text(DUE))
            .key("sk", text(key))
            .send()
            .await
            .map_err(TableError::from_sdk)?;
        Ok(())
    }

    fn beginning(&self, user: &User, handoff: &Handoff) -> Result<Update, TableError> {
        let values = [
            ("auth_id", text(user.auth_id.as_str())),
            ("connection", text(user.connection.as_str())),
            ("channel_user", text(user.channel_user.as_str())),
            ("address", serde_dynamo::to_attribute_value(&user.address)?),
            ("last_activity", number(user.last_activity)),
            ("handoff", serde_dynamo::to_attribute_value(handoff)?),
        ];
        let mut update = Update::builder()
            .table_name(self.table.name())
            .key("pk", text(user_key(&user.auth_id)))
            .key("sk", text("user"));
        let mut assignments = Vec::with_capacity(values.len());
        for (name, value) in values {
            assignments.push(format!("#{name} = :{name}"));
            update = update
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), value);
        }
        update = match &user.handoff {
            // Only over the very one whose end was told of.
            Some(last) => update
                .condition_expression("#handoff.#id = :last AND attribute_exists(#handoff.#ended)")
                .expression_attribute_names("#id", "id")
                .expression_attribute_names("#ended", "ended")
                .expression_attribute_values(":last", text(&last.id)),
            None => update.condition_expression("attribute_not_exists(#handoff)"),
        };
        let update = update.update_expression(format!("SET {}", assignments.join(", ")));
        update.build().map_err(|error| unbuilt(&error))
    }
}

impl Due {
    /// The sort key of a due time: one for each hand-off.
    #[must_use]
    pub fn key(at: i64, auth_id: &AuthId, id: &str) -> String {
        format!("{}#{auth_id}#{}", due_time(at), short(id))
    }
}

fn due_of(item: &HashMap<String, AttributeValue>) -> Option<Due> {
    let attribute = |name: &str| item.get(name)?.as_s().ok().cloned();
    Some(Due {
        key: attribute("sk")?,
        auth_id: attribute("auth_id")?.into(),
        id: attribute("id")?,
    })
}

fn due_time(at: i64) -> String {
    format!("{:020}", at.max(0))
}

fn record_key(id: &str) -> String {
    format!("handoff#{}", short(id))
}

/// An id of any length, short enough for a key.
fn short(id: &str) -> String {
    let digest = hex::encode(Sha256::digest(id));
    digest.get(..32).unwrap_or_default().to_owned()
}

fn unbuilt(error: &aws_sdk_dynamodb::error::BuildError) -> TableError {
    TableError::Unreadable(error.to_string())
}
