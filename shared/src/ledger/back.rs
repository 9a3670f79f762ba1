//! Looking back through a lane, the last entries first.

use jiff::Timestamp;

use super::{Entry, Ledger};
use crate::ids::EntryKey;
use crate::key::KeyKind;
use crate::lane::Lane;
use crate::table::{self, Item, TableError};

/// How many entries one query has at most.
const PAGE: i32 = 100;

/// How many of a lane's last messages are looked through for one that was sent until a time.
const MOST_UNTIL: usize = 100;

/// How many of a lane's last messages are looked through for one of which only the digest of its key is known.
const MOST_BY_DIGEST: usize = 300;

/// How many of a lane's last entries are looked through for the one that was sent as a message, and for those whose
/// receipts are open.
const MOST_SENT: usize = 50;

/// How many entries that go by their time are looked through besides.
const MOST_BY_TIME: usize = 5_000;

/// How many of those are read for each entry that is wanted, where all of an entry is read.
const BY_TIME_BESIDES: usize = 5;

/// What [`Ledger::find_sent`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SentMessage {
    /// The entry with this key.
    Entry(EntryKey),
    /// None, and one is under way of which that is not known yet.
    Unrecorded,
    /// None.
    None,
}

impl Ledger {
    /// The last message of a lane towards a channel that was sent until `at`: its id at Haptik and its time.
    pub async fn last_message(
        &self,
        lane: &Lane,
        at: Timestamp,
    ) -> Result<Option<(u64, Timestamp)>, TableError> {
        let message = |item: &Item| {
            let KeyKind::Message { id } = key(item)?.kind()? else {
                return None;
            };
            let sent = item.get("at")?.as_n().ok()?.parse().ok()?;
            let sent = Timestamp::from_millisecond(sent).ok()?;
            (sent <= at).then_some((id, sent))
        };
        self.look_back(lane, &["sk", "at"], MOST_UNTIL, message)
            .await
    }

    /// The key with this digest, among a lane's last.
    pub async fn key_with_digest(
        &self,
        lane: &Lane,
        digest: &str,
    ) -> Result<Option<EntryKey>, TableError> {
        let with_digest = |item: &Item| key(item).filter(|key| key.digest() == digest);
        self.look_back(lane, &["sk"], MOST_BY_DIGEST, with_digest)
            .await
    }

    /// Which of a lane's last entries was sent as a message to which the other side gave this id.
    pub async fn find_sent(&self, lane: &Lane, id: &str) -> Result<SentMessage, TableError> {
        let mut is_unrecorded = false;
        let names = ["sk", "message_ids", "state"];
        let sent = self.look_back(lane, &names, MOST_SENT, |item| {
            let state = item.get("state").and_then(|state| state.as_s().ok());
            is_unrecorded |= state.is_some_and(|state| state == "pending");
            let ids = item.get("message_ids")?.as_l().ok()?;
            let has_it = ids.iter().any(|one| one.as_s().is_ok_and(|one| one == id));
            key(item).filter(|_| has_it)
        });
        Ok(match sent.await? {
            Some(key) => SentMessage::Entry(key),
            None if is_unrecorded => SentMessage::Unrecorded,
            None => SentMessage::None,
        })
    }

    /// The keys of a lane's last entries whose receipts are open.
    pub async fn newest_open_receipts(&self, lane: &Lane) -> Result<Vec<EntryKey>, TableError> {
        let mut open = Vec::new();
        let all = self.look_back(lane, &["sk", "receipt_due"], MOST_SENT, |item| {
            open.extend(key(item).filter(|_| item.contains_key("receipt_due")));
            None::<()>
        });
        all.await?;
        Ok(open)
    }

    /// Whether a lane has no entries.
    pub async fn is_empty(&self, lane: &Lane) -> Result<bool, TableError> {
        let query = self.table.query(lane.to_string()).only(&["sk"]);
        let (items, _) = query.page(1).await?;
        Ok(items.is_empty())
    }

    /// The last entries of a lane, the last first: those that `goes_on` says this of, and `most` at most besides those
    /// that go by their time, which sort behind all of Haptik's messages. One query for each hundred; those that cannot
    /// be read are left out, with a warning.
    pub async fn newest(
        &self,
        lane: &Lane,
        most: usize,
        mut goes_on: impl FnMut(&Entry) -> bool,
    ) -> Result<Vec<Entry>, TableError> {
        let mut entries = Vec::new();
        let (mut others, mut by_time, mut last) = (0, 0, None);
        let most_by_time = MOST_BY_TIME.min(most.saturating_mul(BY_TIME_BESIDES));
        loop {
            let query = self.table.query(lane.to_string()).consistent();
            let query = query.backwards().after(last.take());
            let (items, more) = query.page(PAGE).await?;
            for item in items {
                last = key_of(&item);
                let entry = match self.entry_of(item).await {
                    Ok(entry) => entry,
                    Err(TableError::Unreadable(reason)) => {
                        tracing::warn!(reason, "an entry is left out");
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                let is_full = others >= most || by_time >= most_by_time;
                if is_full || !goes_on(&entry) {
                    return Ok(entries);
                }
                if is_by_time(&entry.key) {
                    by_time += 1;
                } else {
                    others += 1;
                }
                entries.push(entry);
            }
            if !more || last.is_none() {
                return Ok(entries);
            }
        }
    }

    /// Looks through a lane's entries, the last first, until something is found: at the attributes called `names`, one
    /// of which is `sk`, of `most` entries, to the end of a page. What goes by its time sorts behind all of Haptik's
    /// messages however old it is: it is looked at besides.
    async fn look_back<T>(
        &self,
        lane: &Lane,
        names: &[&str],
        most: usize,
        mut find: impl FnMut(&Item) -> Option<T>,
    ) -> Result<Option<T>, TableError> {
        let (mut others, mut by_time, mut last) = (0, 0, None);
        let names: Vec<&str> = names.iter().copied().chain(["pk"]).collect();
        let page = i32::try_from(most).unwrap_or(PAGE);
        loop {
            let query = self.table.query(lane.to_string()).consistent();
            let query = query.only(&names).backwards().after(last.take());
            let (items, more) = query.page(page).await?;
            for item in &items {
                if let Some(found) = find(item) {
                    return Ok(Some(found));
                }
                if key(item).is_some_and(|key| is_by_time(&key)) {
                    by_time += 1;
                } else {
                    others += 1;
                }
            }
            last = items.last().and_then(key_of);
            if !more || last.is_none() || others >= most || by_time >= MOST_BY_TIME {
                return Ok(None);
            }
        }
    }
}

fn is_by_time(key: &EntryKey) -> bool {
    key.kind().is_some_and(|kind| kind.is_by_time())
}

fn key(item: &Item) -> Option<EntryKey> {
    Some(EntryKey::from(item.get("sk")?.as_s().ok()?.as_str()))
}

/// The key of an item of the table.
fn key_of(item: &table::Item) -> Option<table::Item> {
    let part = |name: &str| Some((name.to_owned(), item.get(name)?.clone()));
    ["pk", "sk"].into_iter().map(part).collect()
}
