//! The delivery ledger: every thing to be done for somebody is one entry in DynamoDB, written before
//! the edge answers: a transactional outbox, from which all is delivered at least once.
//!
//! An entry's partition key names its [`Lane`], its sort key ([`EntryKey`]) gives its place there. The
//! conditional put in [`Ledger::append`] is the de-duplication. No delivery scans: a drain costs one
//! query of the lane's pending entries ([`PENDING_INDEX`]), a delivery one update, whatever the length
//! of the conversation or the table. What an operator or the schedule asks for may scan: `operate` does.
//!
//! `dead` has what was given up, by cause; `find` finds an entry by a name that somebody has for it, `payload` is what
//! an entry asks to be done, `item` an entry as DynamoDB has it, `pieces` the payload of one that is too large for an
//! item, `record` what becomes of it, `report` what a provider says of it later, `operate` what an operator looks at
//! and takes up again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::came_as;
use crate::ids::{ConnectionId, CorrelationId, EntryKey};
use crate::key;
use crate::lane::Lane;
use crate::retry::{Detail, FailureReason};
use crate::table::{self, Table, TableError, Update, above, millis, present, text};

mod back;
mod dead;
mod find;
mod item;
mod operate;
mod payload;
mod pieces;
mod record;
mod report;

pub use back::SentMessage;
use dead::NotedCauses;
pub use dead::{Cause, CauseOfDay, DeadCount, DeadOrder, DeadPlace, DeadTime};
use item::Item;
pub use operate::Names;
pub use payload::Payload;
pub use report::{Noted, Open, Place, Reported};

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is to be delivered.
    Pending,
    /// It was delivered, or there was nothing to deliver.
    Delivered,
    /// It was given up, for the reason that it has.
    Dead,
}

/// One entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its lane.
    pub lane: Lane,
    /// Its place there.
    pub key: EntryKey,
    /// Where it stands.
    pub state: State,
    /// What is to be done.
    pub payload: Payload,
    /// When the provider says that it happened.
    pub at: Timestamp,
    /// When we received it.
    pub received_at: Timestamp,
    /// What follows it through the logs.
    pub correlation_id: CorrelationId,
    /// How many tries failed and were recorded.
    pub attempts: u32,
    /// How many tries were begun on redeliveries since something was last recorded about it: each of
    /// them ended in a crash.
    pub starts: u32,
    /// How many tries in a row took too long.
    pub overruns: u32,
    /// When it was last taken up again after it had been given up.
    pub revived_at: Option<Timestamp>,
    /// How many of its parts are known to be done.
    pub parts_done: usize,
    /// The part, from 1, that was about to be told which cannot be told twice; 0 where none is.
    pub begun: usize,
    /// The connection by which those parts were shown, where they were shown to a user.
    pub shown_by: Option<ConnectionId>,
    /// The provider's ids of the messages that it was sent as, Haptik's too, as far as it gave some.
    pub message_ids: Vec<String>,
    /// Where Haptik has the files that a user sent, by their place among the entry's parts, as far as it
    /// said so.
    pub file_urls: FileUrls,
    /// The time that is reserved for its delivery, at a sink with a rate.
    pub reserved: Option<Reservation>,
    /// When its sink last answered 403 to it.
    pub forbidden_at: Option<Timestamp>,
    /// Why the last try failed or it was given up, or why there was nothing to deliver.
    pub reason: Option<String>,
    /// What the provider said of that, which may quote what the user said.
    pub detail: Option<Detail>,
    /// When it was delivered or given up.
    pub ended_at: Option<Timestamp>,
}

impl Entry {
    /// Whether as many tries as this have failed, the last of them for a reason that begins so: what else failed
    /// before, for hours maybe, says nothing of it.
    #[must_use]
    pub fn has_failed_for(&self, tries: u32, reason: &str) -> bool {
        let last = self.reason.as_deref().unwrap_or_default();
        self.attempts >= tries && last.starts_with(reason)
    }

    /// Why the last try failed or it ended, and what the provider said of that.
    #[must_use]
    pub fn why(&self) -> Option<FailureReason<'_>> {
        let detail = self.detail.as_ref();
        let reason = self.reason.as_deref()?;
        Some(FailureReason { reason, detail })
    }
}

/// A time that is reserved for a delivery at a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reservation {
    /// The time.
    pub at: Timestamp,
    /// In which round of the sink's gate it was made: it counts for no other.
    pub round: u32,
}

/// Where Haptik has the files that a user sent, by their place among the parts of an entry. Whoever knows such
/// a URL has the file.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct FileUrls(BTreeMap<usize, String>);

impl FileUrls {
    /// Where the file is that is this part, from 0.
    #[must_use]
    pub fn of_part(&self, part: usize) -> Option<&str> {
        self.0.get(&part).map(String::as_str)
    }
}

impl fmt::Debug for FileUrls {
    /// Says how many.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "FileUrls({})", self.0.len())
    }
}

/// An entry that is to be written together with what it follows from.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEntry {
    /// Its lane.
    pub lane: Lane,
    /// Its place there.
    pub key: EntryKey,
    /// What is to be done.
    pub payload: Payload,
    /// When that happened from which it follows.
    pub at: Timestamp,
}

/// What [`Ledger::append`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// The entry is new.
    New,
    /// The same entry is there and still to be delivered: ring again, the first ring may be lost.
    Pending,
    /// The same entry is there and was delivered or given up.
    Done,
    /// Its user was forgotten since it happened: it is not kept.
    Late,
}

/// The ledger.
#[derive(Debug, Clone)]
pub struct Ledger {
    table: Table,
    entry_ttl: Duration,
    /// Which causes this process has noted.
    noted: Arc<NotedCauses>,
}

/// Whether payloads are read that are too large for one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Large {
    /// They are.
    Read,
    /// They are [`Payload::NotRead`]: for a list.
    LeftOut,
}

/// The local secondary index over the entries that are pending and no others: its range is an attribute
/// that an entry has only while it is pending. It is what makes a drain cost the same however long the
/// lane is, and what lets an entry that comes late be found before those that sort after it.
pub const PENDING_INDEX: &str = "pending";

/// The global secondary index over the entries that ended, by the time of that: those that were given up by
/// their day (UTC) and [`Cause`], so that what is dead is found and counted without a look at anything else, and those that were delivered
/// by what they were sent as (`sent#` and the first id that the provider gave). Its partition key is the attribute
/// of the same name. It is one index for both, since a deployment adds one index to a table and no more
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html>).
pub const DEAD_INDEX: &str = "dead";

/// How many entries one page of a drain has at most.
const PAGE: i32 = 100;

impl Ledger {
    /// The ledger in `table`, whose entries are kept for `entry_ttl`.
    #[must_use]
    pub fn new(table: Table, entry_ttl: Duration) -> Self {
        Self {
            table,
            entry_ttl,
            noted: Arc::default(),
        }
    }

    /// The table that it is in.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Adds an entry, unless it is there. After this has returned, the entry is durable.
    ///
    /// # Errors
    /// When DynamoDB does not take it: nothing is to be answered but 503.
    pub async fn append(
        &self,
        lane: &Lane,
        key: &EntryKey,
        payload: &Payload,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<Appended, TableError> {
        if self.table.is_late(lane, at).await? {
            return Ok(Appended::Late);
        }
        self.append_on_time(lane, key, payload, at, now).await
    }

    /// As [`Ledger::append`], of what is known not to be [late](Table::is_late).
    pub(crate) async fn append_on_time(
        &self,
        lane: &Lane,
        key: &EntryKey,
        payload: &Payload,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<Appended, TableError> {
        self.put(self.item(lane, key, payload, at, now)?).await
    }

    /// Keeps a body that was verified and not understood, dead from the start.
    pub async fn append_dead(
        &self,
        lane: &Lane,
        key: &EntryKey,
        payload: &Payload,
        reason: &str,
        now: Timestamp,
    ) -> Result<Appended, TableError> {
        let mut item = self.item(lane, key, payload, now, now)?;
        item.state = State::Dead;
        item.pending = None;
        item.dead = Some(self.note_cause(lane, reason, now).await?);
        item.reason = Some(reason.to_owned());
        item.ended_at = Some(now.as_millisecond());
        self.put(item).await
    }

    /// The pending entries of a lane, in order: one page, and whether there is more.
    pub async fn pending(&self, lane: &Lane) -> Result<(Vec<Entry>, bool), TableError> {
        self.pending_of(lane, None).await
    }

    /// As [`Ledger::pending`], of those behind this one whose key may be a time: Haptik's messages sort before them.
    pub async fn pending_by_time(
        &self,
        lane: &Lane,
        behind: &EntryKey,
    ) -> Result<(Vec<Entry>, bool), TableError> {
        let behind = behind.as_str().max(key::FIRST_TIME);
        self.pending_of(lane, Some(behind)).await
    }

    async fn pending_of(
        &self,
        lane: &Lane,
        behind: Option<&str>,
    ) -> Result<(Vec<Entry>, bool), TableError> {
        let query = self.table.query(lane.to_string()).index(PENDING_INDEX);
        let query = query.all_attributes().consistent();
        let query = match behind {
            Some(behind) => query.and(above("pending", text(behind))),
            None => query,
        };
        let (items, more) = query.page(PAGE).await?;
        let mut entries = Vec::new();
        for item in items {
            let sk = item.get("sk").cloned();
            match self.entry_of(item).await {
                Ok(entry) => entries.push(entry),
                // One entry that cannot be read must not hold up those behind it.
                Err(TableError::Unreadable(reason)) => {
                    self.park_unreadable(lane, sk, &reason).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok((entries, more))
    }

    /// The entry with this key.
    pub async fn entry(&self, lane: &Lane, key: &EntryKey) -> Result<Option<Entry>, TableError> {
        match self.table.get(&lane.to_string(), key.as_str()).await? {
            Some(item) => self.entry_of(item).await.map(Some),
            None => Ok(None),
        }
    }

    /// When what is taken in, or taken up again, now expires, in seconds since the epoch.
    fn expires_at(&self, now: Timestamp) -> i64 {
        let ttl = i64::try_from(self.entry_ttl.as_secs()).unwrap_or(i64::MAX);
        now.as_second().saturating_add(ttl)
    }

    fn item(
        &self,
        lane: &Lane,
        key: &EntryKey,
        payload: &Payload,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<Item, TableError> {
        Ok(Item {
            correlation_id: CorrelationId::of(lane, key).to_string(),
            came_as: Some(came_as::of_entry(lane, key)),
            pk: lane.to_string(),
            sk: key.to_string(),
            state: State::Pending,
            pending: Some(key.to_string()),
            payload: serde_json::to_string(payload)
                .map_err(|error| TableError::Unreadable(error.to_string()))?,
            pieces: 0,
            pieces_of: String::new(),
            at: at.as_millisecond(),
            received_at: now.as_millisecond(),
            attempts: 0,
            starts: 0,
            overruns: 0,
            revived_at: None,
            dead: None,
            parts_done: 0,
            begun: 0,
            shown_by: None,
            message_ids: Vec::new(),
            file_urls: BTreeSet::new(),
            reserved: None,
            reserved_in: 0,
            forbidden_at: None,
            reason: None,
            detail: None,
            ended_at: None,
            expires_at: self.expires_at(now),
        })
    }

    /// A new entry as DynamoDB has it, to be put in a transaction with something that it is not to be
    /// without; what of it is too large for one item is put before.
    ///
    /// # Errors
    /// When DynamoDB does not take that.
    pub async fn new_item(
        &self,
        lane: &Lane,
        key: &EntryKey,
        payload: &Payload,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<HashMap<String, AttributeValue>, TableError> {
        self.in_pieces(self.item(lane, key, payload, at, now)?)
            .await
    }

    async fn put(&self, item: Item) -> Result<Appended, TableError> {
        let item = self.in_pieces(item).await?;
        let Some(found) = self.table.put_new_admitted(item).await? else {
            return Ok(Appended::New);
        };
        let state = found.get("state").and_then(|state| state.as_s().ok());
        Ok(if state.is_some_and(|state| state == "pending") {
            Appended::Pending
        } else {
            Appended::Done
        })
    }

    async fn entry_of(&self, item: HashMap<String, AttributeValue>) -> Result<Entry, TableError> {
        self.entry_with(item, Large::Read).await
    }

    async fn entry_with(
        &self,
        item: HashMap<String, AttributeValue>,
        large: Large,
    ) -> Result<Entry, TableError> {
        let mut item: Item = serde_dynamo::from_item(item)?;
        if item.pieces > 0 && large == Large::LeftOut {
            return item.into_entry_with(Payload::NotRead);
        }
        self.read_pieces(&mut item).await?;
        item.into_entry()
    }

    /// Removes an entry and its pieces, as if it had expired.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn remove(&self, lane: &Lane, key: &EntryKey) -> Result<(), TableError> {
        let (pk, sk) = (lane.to_string(), key.as_str());
        let Some(item) = self.table.get(&pk, sk).await? else {
            return Ok(());
        };
        let mut keys = Self::keys_of_pieces(&item);
        keys.push(table::key(pk, sk));
        self.table.delete_many(&keys).await
    }

    async fn park_unreadable(
        &self,
        lane: &Lane,
        sk: Option<AttributeValue>,
        reason: &str,
    ) -> Result<(), TableError> {
        let Some(Ok(key)) = sk.as_ref().map(AttributeValue::as_s) else {
            return Ok(());
        };
        tracing::error!(%lane, key, reason, "an entry cannot be read: it is parked");
        // Without whose it is: causes are kept when somebody is forgotten.
        let what = reason.rsplit(": ").next().unwrap_or_default();
        let reason = &format!("the entry cannot be read: {what}");
        let now = Timestamp::now();
        let dead = self.note_cause(lane, reason, now).await?;
        self.update_at(lane, key)
            .set("state", text("dead"))
            .set("reason", text(reason))
            .set("ended_at", millis(now))
            .set("dead", text(dead))
            .remove("pending")
            .send()
            .await
    }

    fn update(&self, entry: &Entry) -> Update<'_> {
        self.update_at(&entry.lane, entry.key.as_str())
    }

    fn update_at(&self, lane: &Lane, key: &str) -> Update<'_> {
        let update = self.table.update(lane.to_string(), key);
        // An entry that has expired in the meantime must not come back as a stump.
        update.condition(present("pk"))
    }
}
