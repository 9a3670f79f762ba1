//! What is kept beside the user's item: that a hand-off was asked for, so that asking twice is one
//! hand-off, and when it is due to be looked after: when nobody has joined by then, and at once from its
//! end until all that follows from that is in the ledger.

use std::time::Duration;

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{User, UserMap, user_key};
use crate::ids::{AuthId, EntryKey};
use crate::message::handoff::Handoff;
use crate::table::{self, Item, TableError, absent, below, equals, number, present, text};

/// What came of beginning a hand-off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordOutcome {
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
    /// of the request, the state, the due time and `entry`, or nothing. `user` is where the user is, and
    /// the hand-off that was the last until now; `key` is the place of the entry that tells Haptik, which
    /// `entry` is, unless it is in the ledger.
    pub async fn handoff_begin(
        &self,
        user: &User,
        handoff: &Handoff,
        key: &EntryKey,
        entry: Option<Item>,
        entry_ttl: Duration,
    ) -> Result<RecordOutcome, TableError> {
        let keep = entry_ttl.saturating_add(REMEMBERED_LONGER).as_secs();
        let expires_at = (handoff.began_at / 1_000).saturating_add_unsigned(keep);
        let mut record = table::key(user_key(&user.auth_id), record_key(&handoff.id));
        record.insert("key".to_owned(), text(key.as_str()));
        record.insert("expires_at".to_owned(), number(expires_at));
        let mut items = vec![
            self.table.to_put_new(record)?,
            self.beginning(user, handoff)?,
        ];
        if let Some(due) = &handoff.due {
            items.push(self.handoff_due(due, &user.auth_id, &handoff.id)?);
        }
        if let Some(entry) = entry {
            items.push(self.table.to_put(entry)?);
        }
        if self.table.transact(items).await? {
            return Ok(RecordOutcome::New);
        }
        if let Some(key) = self.handoff_record(&user.auth_id, &handoff.id).await? {
            return Ok(RecordOutcome::Before(key));
        }
        let now = self.get(&user.auth_id).await?;
        let on = now.and_then(|user| user.handoff).filter(Handoff::is_on);
        Ok(on.map_or(RecordOutcome::Changed, |other| {
            RecordOutcome::Another(other.id)
        }))
    }

    /// The place of the entry of a hand-off that was asked for.
    pub async fn handoff_record(
        &self,
        auth_id: &AuthId,
        id: &str,
    ) -> Result<Option<EntryKey>, TableError> {
        let item = self.table.get(&user_key(auth_id), &record_key(id)).await?;
        let key = item.as_ref().and_then(|item| item.get("key")?.as_s().ok());
        Ok(key.map(|key| EntryKey::from(key.as_str())))
    }

    /// The hand-offs that are due by now, the longest due first: one page of them, those behind the due
    /// time with the key `after`.
    pub async fn handoffs_due(
        &self,
        now: Timestamp,
        after: Option<&str>,
    ) -> Result<Vec<Due>, TableError> {
        let until = text(due_time(now.as_millisecond() + 1));
        let query = self.table.query(DUE).and(below("sk", until)).consistent();
        let query = query.after(after.map(|after| table::key(DUE, after)));
        let (due, _) = query.page(DUE_PAGE).await?;
        Ok(due.iter().filter_map(due_of).collect())
    }

    /// A due time, as a part of a transaction.
    pub(super) fn handoff_due(
        &self,
        key: &str,
        auth_id: &AuthId,
        id: &str,
    ) -> Result<TransactWriteItem, TableError> {
        let mut due = table::key(DUE, key);
        due.insert("auth_id".to_owned(), text(auth_id.as_str()));
        due.insert("id".to_owned(), text(id));
        self.table.to_put(due)
    }

    /// Whether something that follows from a hand-off's end may still have to be done.
    pub async fn is_to_be_concluded(
        &self,
        auth_id: &AuthId,
        handoff: &Handoff,
    ) -> Result<bool, TableError> {
        let at_once = Due::at_once(auth_id, &handoff.id);
        Ok(self.table.get(DUE, &at_once).await?.is_some())
    }

    /// Forgets a due time: what was due is done.
    pub async fn handoff_forget_due(&self, key: &str) -> Result<(), TableError> {
        self.table.delete(DUE, key).await
    }

    fn beginning(&self, user: &User, handoff: &Handoff) -> Result<TransactWriteItem, TableError> {
        // Only over the very one whose end was told of.
        let condition = match &user.handoff {
            Some(last) => equals("handoff.id", text(&last.id)).and(present("handoff.ended")),
            None => absent("handoff"),
        };
        let handoff = serde_dynamo::to_attribute_value(handoff)?;
        let update = self.place(user)?.set("handoff", handoff);
        update.condition(condition).in_transaction()
    }
}

impl Due {
    /// The sort key of a due time: one for each hand-off.
    #[must_use]
    pub fn key(at: i64, auth_id: &AuthId, id: &str) -> String {
        format!("{}#{auth_id}#{}", due_time(at), short(id))
    }

    /// The sort key of the due time of one that has ended: what follows from that is due at once.
    #[must_use]
    pub fn at_once(auth_id: &AuthId, id: &str) -> String {
        Self::key(0, auth_id, id)
    }
}

fn due_of(item: &Item) -> Option<Due> {
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
