//! Outages of Haptik's webhook: what is recorded of each, and what was recovered.
//!
//! Haptik does not say that it has disabled a webhook, so a record begins with a suspicion: something
//! was said and nothing came back, or nobody looked for hours. It becomes an outage when something
//! proves it ([`Proof`]); without that it stays what it was, a [silence](Cause::Silence), in which
//! perhaps nobody answered.
//!
//! | item | partition key | sort key |
//! |---|---|---|
//! | a record | `outages` | when it began, `#`, the account |
//! | a message that was recovered | `outage#{account}#{when it began}` | `recovered#{auth_id}#{key}` |
//! | a user who could not be checked | the same | `unchecked#{auth_id}` |

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, AuthId, EntryKey};
use crate::table::{Table, TableError, number, text};

/// How long a record is kept.
const RECORD_TTL: Duration = Duration::from_hours(90 * 24);

const RECORDS: &str = "outages";
const RECOVERED: &str = "recovered#";
const UNCHECKED: &str = "unchecked#";

/// What is known of one outage, or of what may have been one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// The account at Haptik.
    pub account: AccountId,
    /// When it began at the earliest: when Haptik was last heard before.
    pub began: Timestamp,
    /// When it was noticed.
    pub noticed: Timestamp,
    /// What made it noticed.
    pub cause: Cause,
    /// What proves that the webhook did not work; `None` when nothing does.
    #[serde(default)]
    pub proof: Option<Proof>,
    /// When the webhook was last enabled since.
    #[serde(default)]
    pub enabled: Option<Timestamp>,
    /// How often enabling it failed.
    #[serde(default)]
    pub failed_enables: u32,
    /// Why enabling it or looking into transcripts last failed.
    #[serde(default)]
    pub reason: Option<String>,
    /// When the webhook worked again; `None` while it is not known to.
    #[serde(default)]
    pub ended: Option<Timestamp>,
    /// How many conversations were compared with their transcripts.
    #[serde(default)]
    pub checked: u32,
    /// How far the comparison has come.
    #[serde(default)]
    pub pass: Pass,
    /// When nothing was left to be done about it.
    #[serde(default)]
    pub closed: Option<Timestamp>,
}

/// What made an outage noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Something was said to Haptik and nothing came back.
    Silence,
    /// Nobody enabled the webhook for hours: the housekeeping did not run, or Haptik did not answer it.
    Unattended,
    /// Something came late, right after the hourly enabling.
    Waiting,
}

/// What proves that a webhook did not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// Once the webhook was enabled, deliveries came that had waited.
    DeliveriesHadWaited,
    /// A transcript has what was never delivered.
    MissingInTheLedger,
}

/// How far the comparison of an outage's conversations with their transcripts has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// Which enabling it is for; `None` before the first.
    #[serde(default)]
    pub of: Option<Timestamp>,
    /// Whether those who wrote before the outage are looked at too.
    #[serde(default)]
    pub wide: bool,
    /// The hour whose users are being looked at: [`crate::activity::Hour::number`].
    #[serde(default)]
    pub hour: Option<i64>,
    /// The user of that hour who was looked at last.
    #[serde(default)]
    pub after: Option<AuthId>,
    /// How often the next user's transcript was asked for in vain.
    #[serde(default)]
    pub tries: u32,
    /// Whether it is over.
    #[serde(default)]
    pub over: bool,
}

/// What came of an outage's conversations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// The messages that were delivered late, from the transcripts.
    pub recovered: Vec<Recovered>,
    /// The users whose conversations could not be compared, and why.
    pub unchecked: Vec<Unchecked>,
}

/// A message that was delivered late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recovered {
    /// Whom it was for.
    pub auth_id: AuthId,
    /// Its place in the lane towards the channel.
    pub key: EntryKey,
}

/// A user whose conversation could not be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unchecked {
    /// Who.
    pub auth_id: AuthId,
    /// Why not.
    pub reason: String,
}

/// The records.
#[derive(Debug, Clone)]
pub struct Outages {
    table: Table,
}

impl Outage {
    /// What is known when it is noticed.
    #[must_use]
    pub fn noticed(account: AccountId, began: Timestamp, now: Timestamp, cause: Cause) -> Self {
        Self {
            account,
            began,
            noticed: now,
            cause,
            proof: None,
            enabled: None,
            failed_enables: 0,
            reason: None,
            ended: None,
            checked: 0,
            pass: Pass::default(),
            closed: None,
        }
    }

    /// How long it lasted, as far as is known at `now`.
    #[must_use]
    pub fn length(&self, now: Timestamp) -> Duration {
        let end = self.ended.or(self.enabled).unwrap_or(now);
        Duration::try_from(end.duration_since(self.began)).unwrap_or_default()
    }
}

impl Outages {
    /// The records in `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// The record of an account's outage that began then.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn get(
        &self,
        account: &AccountId,
        began: Timestamp,
    ) -> Result<Option<Outage>, TableError> {
        let item = self.table.get(RECORDS, &record_key(account, began)).await?;
        Ok(item.map(serde_dynamo::from_item).transpose()?)
    }

    /// Puts a record.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn put(&self, outage: &Outage) -> Result<(), TableError> {
        let mut item: HashMap<String, AttributeValue> = serde_dynamo::to_item(outage)?;
        item.insert("pk".to_owned(), text(RECORDS));
        let key = record_key(&outage.account, outage.began);
        item.insert("sk".to_owned(), text(key));
        let expires_at = expires_at(outage.noticed);
        item.insert("expires_at".to_owned(), number(expires_at));
        self.table.put(item).await
    }

    /// The records of the outages that began from `since` until `until`, the oldest first. One query.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn list(
        &self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Outage>, TableError> {
        let mut items = self
            .table
            .client()
            .query()
            .table_name(self.table.name())
            .key_condition_expression("pk = :pk AND sk BETWEEN :since AND :until")
            .expression_attribute_values(":pk", text(RECORDS))
            .expression_attribute_values(":since", text(time_key(since)))
            .expression_attribute_values(":until", text(format!("{}~", time_key(until))))
            .into_paginator()
            .items()
            .send();
        let mut outages = Vec::new();
        while let Some(item) = items.next().await {
            let item = item.map_err(TableError::from_sdk)?;
            outages.push(serde_dynamo::from_item(item)?);
        }
        Ok(outages)
    }

    /// Notes that a message is about to be delivered late. Noting it twice is as noting it once.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn recovered(
        &self,
        outage: &Outage,
        auth_id: &AuthId,
        key: &EntryKey,
    ) -> Result<(), TableError> {
        let sort_key = format!("{RECOVERED}{auth_id}#{key}");
        self.table
            .put(finding(
                outage,
                sort_key,
                [("auth_id", auth_id.as_str()), ("key", key.as_str())],
            ))
            .await
    }

    /// Notes that a user's conversation could not be compared.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn unchecked(
        &self,
        outage: &Outage,
        auth_id: &AuthId,
        reason: &str,
    ) -> Result<(), TableError> {
        let sort_key = format!("{UNCHECKED}{auth_id}");
        self.table
            .put(finding(
                outage,
                sort_key,
                [("auth_id", auth_id.as_str()), ("reason", reason)],
            ))
            .await
    }

    /// What came of an outage's conversations. One query.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn findings(&self, outage: &Outage) -> Result<Findings, TableError> {
        let mut items = self
            .table
            .client()
            .query()
            .table_name(self.table.name())
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(findings_key(outage)))
            .into_paginator()
            .items()
            .send();
        let mut findings = Findings::default();
        while let Some(item) = items.next().await {
            let item = item.map_err(TableError::from_sdk)?;
            let text = |name: &str| item.get(name)?.as_s().ok().map(String::as_str);
            let (Some(sort_key), Some(auth_id)) = (text("sk"), text("auth_id")) else {
                continue;
            };
            if sort_key.starts_with(RECOVERED) {
                findings.recovered.push(Recovered {
                    auth_id: auth_id.into(),
                    key: text("key").unwrap_or_default().into(),
                });
            } else {
                findings.unchecked.push(Unchecked {
                    auth_id: auth_id.into(),
                    reason: text("reason").unwrap_or_default().to_owned(),
                });
            }
        }
        Ok(findings)
    }
}

fn finding<const N: usize>(
    outage: &Outage,
    sort_key: String,
    values: [(&str, &str); N],
) -> HashMap<String, AttributeValue> {
    let values = values.map(|(name, value)| (name.to_owned(), text(value)));
    let keys = [
        ("pk".to_owned(), text(findings_key(outage))),
        ("sk".to_owned(), text(sort_key)),
        ("expires_at".to_owned(), number(expires_at(outage.noticed))),
    ];
    keys.into_iter().chain(values).collect()
}

fn findings_key(outage: &Outage) -> String {
    format!("outage#{}#{}", outage.account, time_key(outage.began))
}

fn record_key(account: &AccountId, began: Timestamp) -> String {
    format!("{}#{account}", time_key(began))
}

/// A time that sorts as text.
fn time_key(at: Timestamp) -> String {
    format!("{:015}", at.as_millisecond().max(0))
}

fn expires_at(at: Timestamp) -> i64 {
    at.as_second().saturating_add_unsigned(RECORD_TTL.as_secs())
}
