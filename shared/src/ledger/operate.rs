//! What an operator looks at, and takes up again.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};

use super::{DEAD_INDEX, Entry, Ledger, PENDING_INDEX, State, day};
use crate::ids::{AuthId, EntryKey};
use crate::lane::Lane;
use crate::table::{TableError, number, text};

impl Ledger {
    /// All entries of a lane that are still kept, in order. One query; those that cannot be read are left
    /// out, with a warning.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn entries(&self, lane: &Lane) -> Result<Vec<Entry>, TableError> {
        let mut items = self
            .table
            .client()
            .query()
            .table_name(self.table.name())
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(lane.to_string()))
            .into_paginator()
            .items()
            .send();
        let mut entries = Vec::new();
        while let Some(item) = items.next().await {
            match self.entry_of(item.map_err(TableError::from_sdk)?).await {
                Ok(entry) => entries.push(entry),
                Err(TableError::Unreadable(reason)) => {
                    tracing::warn!(reason, "an entry is left out");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(entries)
    }

    /// The keys of a lane's entries from `first` to `last`, both included, in order. One query.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn keys(
        &self,
        lane: &Lane,
        first: &str,
        last: &str,
    ) -> Result<Vec<EntryKey>, TableError> {
        let mut items = self
            .table
            .client()
            .query()
            .table_name(self.table.name())
            .consistent_read(true)
            .projection_expression("sk")
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":pk", text(lane.to_string()))
            .expression_attribute_values(":first", text(first))
            .expression_attribute_values(":last", text(last))
            .into_paginator()
            .items()
            .send();
        let mut keys = Vec::new();
        while let Some(item) = items.next().await {
            let item = item.map_err(TableError::from_sdk)?;
            let key = item.get("sk").and_then(|key| key.as_s().ok());
            keys.extend(key.map(|key| EntryKey::from(key.as_str())));
        }
        Ok(keys)
    }

    /// The entries that were given up from `since` until `until`, in the order in which they were. One
    /// query a day of the sparse index [`DEAD_INDEX`], and one read an entry.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn dead(&self, since: Timestamp, until: Timestamp) -> Result<Vec<Entry>, TableError> {
        let mut dead = Vec::new();
        for day in days(since, until) {
            let mut items = self
                .table
                .client()
                .query()
                .table_name(self.table.name())
                .index_name(DEAD_INDEX)
                .key_condition_expression("dead = :day AND ended_at BETWEEN :since AND :until")
                .expression_attribute_values(":day", text(day))
                .expression_attribute_values(":since", number(since.as_millisecond()))
                .expression_attribute_values(":until", number(until.as_millisecond()))
                .into_paginator()
                .items()
                .send();
            while let Some(item) = items.next().await {
                let item = item.map_err(TableError::from_sdk)?;
                let text = |name: &str| item.get(name)?.as_s().ok();
                let lane = text("pk").and_then(|pk| pk.parse::<Lane>().ok());
                let (Some(lane), Some(key)) = (lane, text("sk")) else {
                    continue;
                };
                match self.entry(&lane, &key.as_str().into()).await {
                    // The index is a moment behind the table.
                    Ok(entry) => dead.extend(entry.filter(|entry| entry.state == State::Dead)),
                    Err(TableError::Unreadable(reason)) => {
                        tracing::warn!(reason, "an entry is left out");
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(dead)
    }

    /// Takes an entry up again that was given up: it is pending once more, with all its patience and its
    /// full time to live. Whether it was dead until now; its lane is then to be rung.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn revive(&self, entry: &Entry, now: Timestamp) -> Result<bool, TableError> {
        let ttl = i64::try_from(self.entry_ttl.as_secs()).unwrap_or(i64::MAX);
        let revived = self
            .update(
                entry,
                "SET #state = :pending, pending = :key, revived_at = :now, expires_at = :end, \
                 attempts = :none, starts = :none, overruns = :none REMOVE dead, ended_at",
            )
            .condition_expression("#state = :dead")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":pending", text("pending"))
            .expression_attribute_values(":dead", text("dead"))
            .expression_attribute_values(":key", text(entry.key.as_str()))
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .expression_attribute_values(":end", number(now.as_second().saturating_add(ttl)))
            .expression_attribute_values(":none", number(0))
            .send()
            .await;
        match revived {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(TableError::from_sdk(error)),
            },
        }
    }

    /// The lanes that have pending entries: a scan of the sparse index [`PENDING_INDEX`], which reads as
    /// many entries as are pending, not as the table has.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn pending_lanes(&self) -> Result<BTreeSet<Lane>, TableError> {
        self.lanes_in(Some(PENDING_INDEX)).await
    }

    /// All lanes that have an entry. Reads the whole table: for one on this machine.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn lanes(&self) -> Result<BTreeSet<Lane>, TableError> {
        self.lanes_in(None).await
    }

    async fn lanes_in(&self, index: Option<&str>) -> Result<BTreeSet<Lane>, TableError> {
        let mut items = self
            .table
            .client()
            .scan()
            .table_name(self.table.name())
            .set_index_name(index.map(ToOwned::to_owned))
            .consistent_read(true)
            .projection_expression("pk")
            .into_paginator()
            .items()
            .send();
        let mut lanes = BTreeSet::new();
        while let Some(item) = items.next().await {
            let item = item.map_err(TableError::from_sdk)?;
            lanes.extend(lane_of(item.get("pk")));
        }
        Ok(lanes)
    }

    /// The users who have an entry with this correlation id, or one of [this key](EntryKey::is_of), and those
    /// whom a channel calls so, also as `CONNECTION/USER`. Reads the whole table: for an operator who knows
    /// nothing else of a message or a user.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn users_with(&self, id: &str) -> Result<BTreeSet<AuthId>, TableError> {
        let mut items = self
            .table
            .client()
            .scan()
            .table_name(self.table.name())
            .projection_expression("pk, sk, correlation_id, channel_user, #connection")
            .expression_attribute_names("#connection", "connection")
            .into_paginator()
            .items()
            .send();
        let mut users = BTreeSet::new();
        while let Some(item) = items.next().await {
            let item = item.map_err(TableError::from_sdk)?;
            let text = |name: &str| item.get(name)?.as_s().ok().map(String::as_str);
            let (pk, key) = (
                text("pk").unwrap_or_default(),
                text("sk").map(EntryKey::from),
            );
            // Where many workspaces have an app, a user's name there has the workspace before the user; and where
            // each thread is a conversation, it is one of many.
            let is_called_so = text("channel_user").is_some_and(|user| {
                let connection = text("connection").unwrap_or_default();
                let of_connection = id.strip_prefix(connection);
                let of_connection = of_connection.and_then(|rest| rest.strip_prefix('/'));
                user == id || user.rsplit(':').next() == Some(id) || of_connection == Some(user)
            });
            if let Some(auth_id) = pk.strip_prefix("user#").filter(|_| is_called_so) {
                users.insert(auth_id.into());
            }
            if text("correlation_id") == Some(id) || key.is_some_and(|key| key.is_of(id)) {
                let lane = pk.parse::<Lane>().ok();
                users.extend(lane.and_then(|lane| lane.user().cloned()));
            }
        }
        Ok(users)
    }
}

fn lane_of(pk: Option<&AttributeValue>) -> Option<Lane> {
    pk?.as_s().ok()?.parse().ok()
}

/// The days (UTC) that a time touches, oldest first.
fn days(since: Timestamp, until: Timestamp) -> Vec<String> {
    let last = day(until);
    let mut days = Vec::new();
    let mut at = since;
    while at <= until {
        days.push(day(at));
        let Ok(next) = at.checked_add(SignedDuration::from_hours(24)) else {
            break;
        };
        at = next;
    }
    if since <= until && days.last() != Some(&last) {
        days.push(last);
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_of_a_time_are_all_that_it_touches() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let (since, until) = (at("2026-11-29T23:59:59Z"), at("2026-12-01T00:00:01Z"));
        let expected = ["2026-11-29", "2026-11-30", "2026-12-01"];
        assert_eq!(days(since, until), expected);
        assert_eq!(days(since, since), ["2026-11-29"]);
        assert!(days(until, since).is_empty());
    }
}
