//! What providers say later of messages that they had taken (delivery reports), and the receipts that wait for
//! that.
//!
//! A message that was sent by a channel that reports later is delivered, and its receipt stays *open*: an attribute
//! of its entry. Each message of the provider's that it was sent as has an item, by the provider's id, that says
//! whose it is and what was reported of it; whichever of the two comes first, the other finds it. A due time ends
//! the waiting.

use std::time::Duration;

use aws_sdk_dynamodb::types::ReturnValue;
use jiff::Timestamp;

use super::record::{TRANSACTION_PAUSE, TRANSACTION_TRIES};
use super::{Entry, Ledger, NewEntry};
use crate::ids::{ConnectionId, EntryKey};
use crate::lane::Lane;
use crate::message::receipt::OpenReceipt;
use crate::table::{self, Item, TableError, Update, absent, below, number, present, text};

/// The partition of the due times of open receipts: each goes when its receipt is closed. DynamoDB writes about a
/// thousand items of one partition in a second.
const DUE: &str = "due#receipt";

/// How many due times are looked at by one query.
const DUE_PAGE: i32 = 100;

/// How much longer than its receipt is open an entry is kept.
const KEPT_LONGER: Duration = Duration::from_hours(24);

/// The sort key of an item that has a report.
const REPORT: &str = "report";

/// What a provider said of one of its messages: the first that it said counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reported {
    /// It reached the user.
    Delivered,
    /// It did not, for this reason.
    Failed(String),
}

/// The place of an entry: its lane, and its key there.
pub type Place = (Lane, EntryKey);

/// What [`Ledger::note_report`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    /// Whose message it is, where that is known yet.
    pub owner: Option<Place>,
    /// Whether something final was reported of it before.
    pub is_repeated: bool,
}

/// An open receipt, as it stands in the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Open {
    /// The receipt, as far as it is known.
    pub receipt: OpenReceipt,
    /// The sort key of its due time.
    due: String,
}

impl Ledger {
    /// Ends an entry as delivered whose receipt waits until `due` for reports of the messages that it was sent as.
    ///
    /// # Errors
    /// When DynamoDB does not take it: nothing has happened then, or all of it.
    pub async fn delivered_until_reported(
        &self,
        entry: &Entry,
        receipt: &OpenReceipt,
        due: Timestamp,
        now: Timestamp,
    ) -> Result<(), TableError> {
        let ids = &receipt.receipt.sent_as;
        let due_key = due_key(due, receipt);
        for _ in 0..TRANSACTION_TRIES {
            let update = self.delivered_as(entry, None, ids, now)?;
            let update = update
                .set("receipt", text(json(receipt)?))
                .set("receipt_due", text(&due_key))
                .set("expires_at", number(self.kept_until(entry, due)));
            let mut transaction = vec![update.in_transaction()?];
            for id in ids {
                let report = self.report(&receipt.connection, id, due.max(now));
                let report = report.set("lane", text(entry.lane.to_string()));
                transaction.push(
                    report
                        .set("key", text(entry.key.as_str()))
                        .in_transaction()?,
                );
            }
            let mut item = table::key(DUE, &due_key);
            item.insert("lane".to_owned(), text(entry.lane.to_string()));
            item.insert("key".to_owned(), text(entry.key.as_str()));
            let expires_at = due
                .as_second()
                .saturating_add_unsigned(KEPT_LONGER.as_secs());
            item.insert("expires_at".to_owned(), number(expires_at));
            transaction.push(self.table.to_put(item)?);
            if self.table.transact(transaction).await? {
                return Ok(());
            }
            tokio::time::sleep(TRANSACTION_PAUSE).await;
        }
        let busy = "a report of the same message is written all the time";
        Err(TableError::Unavailable(busy.to_owned()))
    }

    /// Notes what a provider said of one of its messages; what it said first counts.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn note_report(
        &self,
        connection: &ConnectionId,
        message_id: &str,
        reported: &Reported,
        now: Timestamp,
    ) -> Result<Noted, TableError> {
        let said = match reported {
            Reported::Delivered => String::new(),
            Reported::Failed(reason) => format!("failed: {reason}"),
        };
        let update = self.report(connection, message_id, now);
        let first = update.condition(absent("said")).set("said", text(said));
        let noted = first.returning_if(ReturnValue::AllNew).await?;
        let is_repeated = noted.is_none();
        let item = if let Some(item) = noted {
            item
        } else {
            let key = report_key(connection, message_id);
            self.table.get(&key, REPORT).await?.unwrap_or_default()
        };
        Ok(Noted {
            owner: place(&item),
            is_repeated,
        })
    }

    /// What was said of one of a provider's messages; `None` where nothing final was.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn reported(
        &self,
        connection: &ConnectionId,
        message_id: &str,
    ) -> Result<Option<Reported>, TableError> {
        let key = report_key(connection, message_id);
        let item = self.table.get(&key, REPORT).await?;
        let said = item.and_then(|item| string(&item, "said"));
        Ok(said.map(|said| match said.strip_prefix("failed: ") {
            Some(reason) => Reported::Failed(reason.to_owned()),
            None => Reported::Delivered,
        }))
    }

    /// The receipt of an entry, while it is open.
    ///
    /// # Errors
    /// When DynamoDB does not answer, or it cannot be read.
    pub async fn open_receipt(&self, (lane, key): &Place) -> Result<Option<Open>, TableError> {
        let item = self.table.get(&lane.to_string(), key.as_str()).await?;
        let item = item.unwrap_or_default();
        let attributes = (string(&item, "receipt"), string(&item, "receipt_due"));
        let (Some(receipt), Some(due)) = attributes else {
            return Ok(None);
        };
        // The error of serde_json may quote the receipt: it is left out.
        let receipt = serde_json::from_str(&receipt)
            .map_err(|_| TableError::Unreadable(format!("{lane} {key}: receipt")))?;
        Ok(Some(Open { receipt, due }))
    }

    /// Closes a receipt and writes what follows from that; `failed` is kept with the entry. Whether it was: it is
    /// not where it was closed before, and where something else writes the same at this moment.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn close_receipt(
        &self,
        (lane, key): &Place,
        open: &Open,
        failed: Option<&str>,
        follows: &[NewEntry],
        now: Timestamp,
    ) -> Result<bool, TableError> {
        let update = self.update_at(lane, key.as_str());
        let update = update.condition(present("receipt"));
        let mut update = update.remove("receipt").remove("receipt_due");
        if let Some(failed) = failed {
            update = update.set("reason", text(failed));
        }
        let mut transaction = vec![
            update.in_transaction()?,
            self.table.to_delete(DUE, &open.due)?,
        ];
        for new in follows {
            let item = self.new_item(&new.lane, &new.key, &new.payload, new.at, now);
            transaction.push(self.table.to_put_new(item.await?)?);
        }
        self.table.transact(transaction).await
    }

    /// The places of the entries whose receipts have waited long enough by now, the longest due first: one page of
    /// them, behind `after`; each with what to give as that to go on.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn receipts_due(
        &self,
        now: Timestamp,
        after: Option<&str>,
    ) -> Result<Vec<(String, Place)>, TableError> {
        let until = text(due_time(now.as_millisecond() + 1));
        let query = self.table.query(DUE).and(below("sk", until)).consistent();
        let query = query.after(after.map(|after| table::key(DUE, after)));
        let (items, _) = query.page(DUE_PAGE).await?;
        let due = items.iter();
        let due = due.filter_map(|item| Some((string(item, "sk")?, place(item)?)));
        Ok(due.collect())
    }

    /// Forgets a due time: its receipt is closed, or gone.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn forget_receipt_due(&self, key: &str) -> Result<(), TableError> {
        self.table.delete(DUE, key).await
    }

    /// An update of what is known of one of a provider's messages.
    fn report(&self, connection: &ConnectionId, message_id: &str, at: Timestamp) -> Update<'_> {
        let update = self
            .table
            .update(report_key(connection, message_id), REPORT);
        let kept = self.entry_ttl.max(KEPT_LONGER).as_secs();
        update.set(
            "expires_at",
            number(at.as_second().saturating_add_unsigned(kept)),
        )
    }

    /// Until when an entry is kept whose receipt is open until `due`, in seconds since the epoch.
    fn kept_until(&self, entry: &Entry, due: Timestamp) -> i64 {
        let since = entry.revived_at.unwrap_or(entry.received_at).as_second();
        let own = since.saturating_add_unsigned(self.entry_ttl.as_secs());
        own.max(
            due.as_second()
                .saturating_add_unsigned(KEPT_LONGER.as_secs()),
        )
    }
}

/// The partition key of what is known of one of a provider's messages.
fn report_key(connection: &ConnectionId, message_id: &str) -> String {
    // Shorter than DynamoDB's 2,048 bytes, whatever a provider calls its messages.
    let id = EntryKey::from(message_id);
    format!("report#{connection}#{id}")
}

/// The sort key of a due time: one for each receipt.
fn due_key(due: Timestamp, receipt: &OpenReceipt) -> String {
    format!("{}#{}", due_time(due.as_millisecond()), receipt.receipt.id)
}

fn due_time(at: i64) -> String {
    format!("{:020}", at.max(0))
}

fn json(receipt: &OpenReceipt) -> Result<String, TableError> {
    serde_json::to_string(receipt).map_err(|error| TableError::Unreadable(error.to_string()))
}

fn string(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

fn place(item: &Item) -> Option<Place> {
    let lane = string(item, "lane")?.parse().ok()?;
    Some((lane, string(item, "key")?.into()))
}
