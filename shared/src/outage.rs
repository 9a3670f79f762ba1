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

use crate::activity::Hour;
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
    /// When it began at the earliest: when a delivery of Haptik's last came before.
    pub began: Timestamp,
    /// When it was noticed.
    pub noticed: Timestamp,
    /// What made it noticed.
    pub cause: Cause,
    /// What proves that the webhook did not work; `None` when nothing does.
    pub proof: Option<Proof>,
    /// When the webhook was last enabled since.
    pub enabled: Option<Timestamp>,
    /// How often enabling it failed.
    pub failed_enables: u32,
    /// Why enabling it or looking into transcripts last failed.
    pub reason: Option<String>,
    /// When the webhook worked again, or nothing was silent any more; `None` while it is not known to.
    pub ended: Option<Timestamp>,
    /// How many conversations were compared with their transcripts.
    pub checked: u32,
    /// How far the comparison with transcripts has come; `None` while none is under way.
    pub cursor: Option<Cursor>,
    /// Until when all conversations were compared: when the webhook was enabled before that.
    pub compared_until: Option<Timestamp>,
    /// When nothing was left to be done about it.
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Until when what was said is compared: when the webhook was enabled before this comparison.
    pub until: Timestamp,
    /// The hour whose users are being looked at.
    pub hour: Hour,
    /// The user of that hour who was looked at last.
    pub after: Option<AuthId>,
}

impl Cursor {
    /// The beginning: the newest hour.
    #[must_use]
    pub fn new(until: Timestamp) -> Self {
        Self {
            until,
            hour: Hour::of(until),
            after: None,
        }
    }
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovered {
    /// Whom it was for.
    pub auth_id: AuthId,
    /// Its place in the lane towards the channel.
    pub key: EntryKey,
}

/// A user whose conversation could not be compared, or not yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unchecked {
    /// Who.
    pub auth_id: AuthId,
    /// Why not.
    pub reason: String,
    /// How often it was tried in vain, of who is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tries: Option<u32>,
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
            cursor: None,
            compared_until: None,
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
    pub async fn get(
        &self,
        account: &AccountId,
        began: Timestamp,
    ) -> Result<Option<Outage>, TableError> {
        let item = self.table.get(RECORDS, &record_key(account, began)).await?;
        Ok(item.map(serde_dynamo::from_item).transpose()?)
    }

    /// Puts a record.
    pub async fn put(&self, outage: &Outage) -> Result<(), TableError> {
        let sort_key = record_key(&outage.account, outage.began);
        self.put_at(RECORDS, &sort_key, outage, outage).await
    }

    /// The records of the outages that began from `since` until `until`, the oldest first. One query.
    pub async fn list(
        &self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Outage>, TableError> {
        let range = (time_key(since), format!("{}~", time_key(until)));
        let items = self.query(RECORDS, range).await?;
        let records = items.into_iter().map(serde_dynamo::from_item);
        Ok(records.collect::<Result<_, _>>()?)
    }

    /// The records of the last outages that began from `since` until `until`, the last first: `most` of them, and
    /// whether there are more. One query.
    pub async fn newest(
        &self,
        since: Timestamp,
        until: Timestamp,
        most: i32,
    ) -> Result<(Vec<Outage>, bool), TableError> {
        let query = self.table.query(RECORDS).backwards();
        let (from, to) = (time_key(since), format!("{}~", time_key(until)));
        let query = query.between("sk", text(from), text(to));
        let (items, more) = query.page(most).await?;
        let records = items.into_iter().map(serde_dynamo::from_item);
        Ok((records.collect::<Result<_, _>>()?, more))
    }

    /// Notes that a message is about to be delivered late. Noting it twice is as noting it once.
    pub async fn recovered(
        &self,
        outage: &Outage,
        auth_id: &AuthId,
        key: &EntryKey,
    ) -> Result<(), TableError> {
        let sort_key = format!("{RECOVERED}{auth_id}#{key}");
        let recovered = Recovered {
            auth_id: auth_id.clone(),
            key: key.clone(),
        };
        self.put_at(&findings_key(outage), &sort_key, outage, &recovered)
            .await
    }

    /// Notes that a user's conversation could not be compared, and whether it is tried again.
    pub async fn unchecked(
        &self,
        outage: &Outage,
        unchecked: &Unchecked,
    ) -> Result<(), TableError> {
        let sort_key = unchecked_key(&unchecked.auth_id);
        let key = findings_key(outage);
        self.put_at(&key, &sort_key, outage, unchecked).await
    }

    /// Forgets that a user's conversation could not be compared: it was, or there is none any more.
    pub async fn compared(&self, outage: &Outage, auth_id: &AuthId) -> Result<(), TableError> {
        let sort_key = unchecked_key(auth_id);
        self.table.delete(&findings_key(outage), &sort_key).await
    }

    /// What came of an outage's conversations. Two queries.
    pub async fn findings(&self, outage: &Outage) -> Result<Findings, TableError> {
        let key = findings_key(outage);
        let of = async |kind: &str| {
            let range = (kind.to_owned(), format!("{kind}~"));
            self.query(&key, range).await
        };
        let recovered = of(RECOVERED).await?.into_iter();
        let unchecked = of(UNCHECKED).await?.into_iter();
        Ok(Findings {
            recovered: recovered
                .map(serde_dynamo::from_item)
                .collect::<Result<_, _>>()?,
            unchecked: unchecked
                .map(serde_dynamo::from_item)
                .collect::<Result<_, _>>()?,
        })
    }

    /// Some of what came of an outage's conversations: `most` of each kind, and whether there may be more. Two
    /// queries.
    pub async fn some_findings(
        &self,
        outage: &Outage,
        most: i32,
    ) -> Result<(Findings, bool), TableError> {
        let key = findings_key(outage);
        let of = async |kind: &str| {
            let (from, to) = (text(kind), text(format!("{kind}~")));
            self.table
                .query(&key)
                .between("sk", from, to)
                .page(most)
                .await
        };
        let (recovered, more_recovered) = of(RECOVERED).await?;
        let (unchecked, more_unchecked) = of(UNCHECKED).await?;
        let recovered = recovered.into_iter().map(serde_dynamo::from_item);
        let unchecked = unchecked.into_iter().map(serde_dynamo::from_item);
        let findings = Findings {
            recovered: recovered.collect::<Result<_, _>>()?,
            unchecked: unchecked.collect::<Result<_, _>>()?,
        };
        Ok((findings, more_recovered || more_unchecked))
    }

    /// Puts something for as long as the record of `outage` is kept.
    async fn put_at(
        &self,
        pk: &str,
        sk: &str,
        outage: &Outage,
        what: &impl Serialize,
    ) -> Result<(), TableError> {
        let mut item: HashMap<String, AttributeValue> = serde_dynamo::to_item(what)?;
        let noticed = outage.noticed.as_second();
        let expires_at = noticed.saturating_add_unsigned(RECORD_TTL.as_secs());
        item.insert("pk".to_owned(), text(pk));
        item.insert("sk".to_owned(), text(sk));
        item.insert("expires_at".to_owned(), number(expires_at));
        self.table.put(item).await
    }

    async fn query(
        &self,
        pk: &str,
        (from, to): (String, String),
    ) -> Result<Vec<HashMap<String, AttributeValue>>, TableError> {
        let query = self.table.query(pk);
        query.between("sk", text(from), text(to)).all().await
    }
}

fn findings_key(outage: &Outage) -> String {
    format!("outage#{}#{}", outage.account, time_key(outage.began))
}

fn unchecked_key(auth_id: &AuthId) -> String {
    format!("{UNCHECKED}{auth_id}")
}

fn record_key(account: &AccountId, began: Timestamp) -> String {
    format!("{}#{account}", time_key(began))
}

/// A time that sorts as text.
fn time_key(at: Timestamp) -> String {
    format!("{:015}", at.as_millisecond().max(0))
}
