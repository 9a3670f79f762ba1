//! What becomes of an entry: every try leaves one update.

use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;

use super::{Entry, Ledger, NewEntry, Reservation, State, find};
use crate::ids::ConnectionId;
use crate::retry::FailureReason;
use crate::table::{TableError, Update, millis, number, text};

/// How often a transaction is tried that another write of the same moment may have kept from happening.
pub(super) const TRANSACTION_TRIES: usize = 3;

/// How long is waited before it is tried again.
pub(super) const TRANSACTION_PAUSE: Duration = Duration::from_millis(50);

impl Ledger {
    /// Notes that a redelivered entry is tried again; returns how many such tries were begun, this one
    /// included, since anything was last recorded. All before this one ended in a crash, or with a ledger that took
    /// nothing more.
    pub async fn start(&self, entry: &Entry) -> Result<u32, TableError> {
        let update = self.update(entry).add("starts", number(1));
        let updated = update.returning(ReturnValue::UpdatedNew).await?;
        Ok(updated
            .get("starts")
            .and_then(|starts| starts.as_n().ok())
            .and_then(|starts| starts.parse().ok())
            .unwrap_or(1))
    }

    /// Notes that the first `parts` parts of an entry are done, and the provider's ids of the messages that it
    /// was sent as so far. What makes progress is no poison: the counts of crashes and of overruns begin anew.
    pub async fn progressed(
        &self,
        entry: &Entry,
        parts: usize,
        message_ids: &[String],
    ) -> Result<(), TableError> {
        let update = self.done_in_part(entry, parts, message_ids);
        update.send().await
    }

    /// Notes that what cannot be told twice is about to be: the part with this number, from 1; 0 takes it
    /// back.
    pub async fn begun(&self, entry: &Entry, part: usize) -> Result<(), TableError> {
        let update = self.update(entry).set("begun", number(part));
        update.send().await
    }

    /// Notes that the first `parts` parts of a message are in the channel, by this connection, and the
    /// provider's ids of its messages so far. Else as [`Ledger::progressed`].
    pub async fn shown_in_part(
        &self,
        entry: &Entry,
        connection: &ConnectionId,
        parts: usize,
        message_ids: &[String],
    ) -> Result<(), TableError> {
        let update = self.done_in_part(entry, parts, message_ids);
        let update = update.set("shown_by", text(connection.as_str()));
        update.send().await
    }

    fn done_in_part(&self, entry: &Entry, parts: usize, message_ids: &[String]) -> Update<'_> {
        let update = self.update(entry).set("parts_done", number(parts));
        let update = update.set("starts", number(0)).set("overruns", number(0));
        with_ids(update, message_ids)
    }

    /// Notes where Haptik has a file that a user sent: the `part`-th part of an entry.
    pub async fn file_taken(
        &self,
        entry: &Entry,
        part: usize,
        url: &str,
    ) -> Result<(), TableError> {
        let urls = AttributeValue::Ss(vec![format!("{part} {url}")]);
        self.update(entry).add("file_urls", urls).send().await
    }

    /// Notes that a try failed and that another is to come. The try ended: the counts
    /// of crashes and of overruns begin anew.
    pub async fn failed(&self, entry: &Entry, why: FailureReason<'_>) -> Result<(), TableError> {
        let update = with(self.update(entry), why).add("attempts", number(1));
        let update = update.set("starts", number(0)).set("overruns", number(0));
        update.send().await
    }

    /// Notes that a try was put off: nothing has failed. The counts of crashes and of overruns begin
    /// anew. `reserved` is the time that is reserved for the next one, if one is.
    pub async fn put_off(
        &self,
        entry: &Entry,
        reserved: Option<Reservation>,
    ) -> Result<(), TableError> {
        let update = self.update(entry).set("starts", number(0));
        let mut update = update.set("overruns", number(0));
        if let Some(Reservation { at, round }) = reserved {
            update = update.set("reserved", millis(at));
            update = update.set("reserved_in", number(round));
        }
        update.send().await
    }

    /// Notes that its sink answered 403 to it.
    pub async fn forbidden(&self, entry: &Entry, now: Timestamp) -> Result<(), TableError> {
        let update = self.update(entry).set("forbidden_at", millis(now));
        update.send().await
    }

    /// Notes that a try took too long, and that another is to come.
    pub async fn overran(&self, entry: &Entry, reason: &str) -> Result<(), TableError> {
        let update = with(self.update(entry), reason.into()).add("overruns", number(1));
        update.set("starts", number(0)).send().await
    }

    /// Ends an entry as delivered, with a reason where there was nothing to deliver, and the provider's ids
    /// of the messages that it was sent as; and writes what follows from that.
    pub async fn delivered(
        &self,
        entry: &Entry,
        why: Option<FailureReason<'_>>,
        message_ids: &[String],
        follows: &[NewEntry],
        now: Timestamp,
    ) -> Result<(), TableError> {
        let update = || self.delivered_as(entry, why, message_ids, now);
        self.with_followers(update, follows, now).await
    }

    /// The update that ends an entry as delivered.
    pub(super) fn delivered_as(
        &self,
        entry: &Entry,
        why: Option<FailureReason<'_>>,
        message_ids: &[String],
        now: Timestamp,
    ) -> Result<Update<'_>, TableError> {
        let update = self.ending(entry, State::Delivered, why, now)?;
        let update = with_ids(update, message_ids);
        Ok(match message_ids.first().and_then(|id| find::sent_as(id)) {
            Some(sent_as) => update.set("dead", text(sent_as)),
            None => update,
        })
    }

    /// Ends an entry: delivered (with a reason where there was nothing to deliver), or dead.
    pub async fn end(
        &self,
        entry: &Entry,
        state: State,
        why: Option<FailureReason<'_>>,
        now: Timestamp,
    ) -> Result<(), TableError> {
        let update = match state {
            State::Dead => self.giving_up(entry, why, now).await?,
            State::Pending | State::Delivered => self.ending(entry, state, why, now)?,
        };
        update.send().await
    }

    /// The update that makes an entry a dead letter, whose cause is noted.
    pub(super) async fn giving_up(
        &self,
        entry: &Entry,
        why: Option<FailureReason<'_>>,
        now: Timestamp,
    ) -> Result<Update<'_>, TableError> {
        let dead = self.note_cause(&entry.lane, reason_of(why), now).await?;
        let update = self.ending(entry, State::Dead, why, now)?;
        Ok(update.set("dead", text(dead)))
    }

    /// Makes an entry a dead letter, after so many failed tries that nothing was noted of yet; and writes what
    /// follows from that.
    pub async fn give_up(
        &self,
        entry: &Entry,
        why: FailureReason<'_>,
        failed_tries: u32,
        follows: &[NewEntry],
        now: Timestamp,
    ) -> Result<(), TableError> {
        let dead = self.note_cause(&entry.lane, why.reason, now).await?;
        let update = || {
            let update = self.ending(entry, State::Dead, Some(why), now)?;
            let update = update.set("dead", text(dead.as_str()));
            Ok(update.add("attempts", number(failed_tries)))
        };
        self.with_followers(update, follows, now).await
    }

    /// Carries out an update, in one transaction with the entries that follow from it.
    async fn with_followers<'a>(
        &'a self,
        update: impl Fn() -> Result<Update<'a>, TableError>,
        follows: &[NewEntry],
        now: Timestamp,
    ) -> Result<(), TableError> {
        if follows.is_empty() {
            return update()?.send().await;
        }
        for _ in 0..TRANSACTION_TRIES {
            let mut transaction = vec![update()?.in_transaction()?];
            for new in follows {
                let item = self.new_item(&new.lane, &new.key, &new.payload, new.at, now);
                transaction.push(self.table.to_put_new(item.await?)?);
            }
            if self.table.transact(transaction).await? {
                return Ok(());
            }
            tokio::time::sleep(TRANSACTION_PAUSE).await;
        }
        // One of them is there: it was written before, and is not written twice.
        for new in follows {
            let appended = self.append(&new.lane, &new.key, &new.payload, new.at, now);
            appended.await?;
        }
        update()?.send().await
    }

    fn ending(
        &self,
        entry: &Entry,
        state: State,
        why: Option<FailureReason<'_>>,
        now: Timestamp,
    ) -> Result<Update<'_>, TableError> {
        let mut update = self
            .update(entry)
            .set("state", serde_dynamo::to_attribute_value(state)?)
            .set("ended_at", millis(now))
            .remove("pending");
        if let Some(why) = why {
            update = with(update, why);
        }
        Ok(update)
    }
}

/// The reason of a dead letter; one that was put back has the one that it had.
fn reason_of(why: Option<FailureReason<'_>>) -> &str {
    why.map_or("", |why| why.reason)
}

/// An update that notes the provider's ids of messages, where it gave some.
fn with_ids<'a>(update: Update<'a>, message_ids: &[String]) -> Update<'a> {
    if message_ids.is_empty() {
        return update;
    }
    let ids = message_ids.iter().map(text).collect();
    update.set("message_ids", AttributeValue::L(ids))
}

/// An update that notes a reason. What was said of an earlier one does not stay.
fn with<'a>(update: Update<'a>, why: FailureReason<'_>) -> Update<'a> {
    let nothing = AttributeValue::Null(true);
    let detail = why.detail.map_or(nothing, |said| text(said.as_str()));
    update.set("reason", text(why.reason)).set("detail", detail)
}
