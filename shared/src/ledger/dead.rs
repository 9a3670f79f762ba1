//! Dead letters: what was given up, by day and by cause.
//!
//! The index [`DEAD_INDEX`] has a partition for each day (UTC) and cause. Which causes a day has is noted once, with
//! the first entry that has it, so that what was given up is counted and read cause by cause, in as many requests as
//! there are causes, however many entries have one.
//!
//! | item | partition key | sort key |
//! |---|---|---|
//! | a cause of a day | `causes` | the day, `#`, the cause's id |
//!
//! `cause` says which entries have the same.

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DEAD_INDEX, Entry, Large, Ledger, State};
use crate::ids::EntryKey;
use crate::lane::Lane;
use crate::table::{self, Item, Query, TableError, millis, number, text};

mod cause;

pub(super) use cause::NotedCauses;
pub use cause::{Cause, CauseOfDay};
use cause::{day, days, partition};

/// The partition key of the causes.
const CAUSES: &str = "causes";

/// How long a cause is kept longer than the entries that have it, in seconds.
const KEPT_LONGER: i64 = 24 * 3_600;

/// How many of one cause and day are counted at most, by one query; and how many of all of one look.
const COUNTED: usize = 1_000;
const COUNTED_IN_ALL: usize = 1_000;

/// How many causes of a day one look finds at most.
const MOST_CAUSES: i32 = 100;

/// How many queries are under way at once.
const AT_ONCE: usize = 16;

/// How many entries are read at once.
const READ: usize = 100;

/// How many entries have a cause on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadCount {
    /// Which.
    pub of: CauseOfDay,
    /// How many; a part of them where they are very many.
    pub count: usize,
    /// Whether there may be more.
    pub is_least: bool,
    /// When the last was given up.
    pub last: Option<Timestamp>,
}

/// The place of an entry that was given up, in the order in which they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadPlace {
    /// The day (UTC) on which it was.
    pub day: String,
    /// When it was, in milliseconds since the epoch.
    pub ended_at: i64,
    /// Its lane.
    pub lane: Lane,
    /// Its place there.
    pub key: EntryKey,
}

/// What was given up in a time.
#[derive(Debug, Clone, Copy)]
pub struct DeadTime {
    /// Since then.
    pub since: Timestamp,
    /// Until then.
    pub until: Timestamp,
}

/// In which order what was given up is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadOrder {
    /// The last first.
    NewestFirst,
    /// The first first.
    OldestFirst,
}

impl DeadPlace {
    fn read(day: &str, item: &Item) -> Option<Self> {
        Some(Self {
            day: day.to_owned(),
            ended_at: item.get("ended_at")?.as_n().ok()?.parse().ok()?,
            lane: item.get("pk")?.as_s().ok()?.parse().ok()?,
            key: item.get("sk")?.as_s().ok()?.as_str().into(),
        })
    }

    /// Its key in the index.
    fn key(&self, partition: &str) -> Item {
        Item::from([
            ("dead".to_owned(), text(partition)),
            ("ended_at".to_owned(), number(self.ended_at)),
            ("pk".to_owned(), text(self.lane.to_string())),
            ("sk".to_owned(), text(self.key.as_str())),
        ])
    }
}

impl Ledger {
    /// Notes a cause, unless this process has noted it today: the value of `dead` that an entry gets which is given up
    /// for it. One call for each cause and day.
    pub(super) async fn note_cause(
        &self,
        lane: &Lane,
        reason: &str,
        now: Timestamp,
    ) -> Result<String, TableError> {
        let cause = Cause::of(lane, reason);
        let today = day(now);
        let partition = partition(&today, &cause.id);
        if self.noted.has(&today, &cause.id) {
            return Ok(partition);
        }
        let mut item = table::key(CAUSES, format!("{today}#{}", cause.id));
        item.insert("way".to_owned(), text(cause.way));
        item.insert("reason".to_owned(), text(cause.reason));
        item.insert(
            "expires_at".to_owned(),
            number(self.expires_at(now).saturating_add(KEPT_LONGER)),
        );
        self.table.put(item).await?;
        self.noted.add(today, cause.id);
        Ok(partition)
    }

    /// The causes of the days of a time, the last day first: a hundred at most, behind what `after` names; and what to
    /// give to go on. One query.
    pub async fn causes(
        &self,
        time: DeadTime,
        after: Option<&str>,
    ) -> Result<(Vec<CauseOfDay>, Option<String>), TableError> {
        let days = days(time);
        let (Some(first), Some(last)) = (days.first(), days.last()) else {
            return Ok((Vec::new(), None));
        };
        let query = self.table.query(CAUSES).backwards();
        let query = query.between("sk", text(first), text(format!("{last}~")));
        let query = query.after(after.map(|after| table::key(CAUSES, after)));
        let (items, more) = query.page(MOST_CAUSES).await?;
        let next = items.last().filter(|_| more).and_then(|item| {
            let key = item.get("sk")?.as_s().ok()?;
            Some(key.clone())
        });
        let causes = items.iter().filter_map(CauseOfDay::read);
        Ok((causes.collect(), next))
    }

    /// How many were given up for each of these causes; those that nothing has are left out. Of each a thousand are
    /// counted at most, and of all together a thousand, each getting the same share. Two queries for each.
    pub async fn count_of(
        &self,
        causes: Vec<CauseOfDay>,
        time: DeadTime,
    ) -> Result<Vec<DeadCount>, TableError> {
        let share = COUNTED_IN_ALL / causes.len().max(1);
        self.count_each(causes, time, share.min(COUNTED)).await
    }

    async fn count_each(
        &self,
        causes: Vec<CauseOfDay>,
        time: DeadTime,
        most: usize,
    ) -> Result<Vec<DeadCount>, TableError> {
        let most = i32::try_from(most).unwrap_or(i32::MAX);
        let counts = causes.into_iter().map(async |of: CauseOfDay| {
            let query = || self.dead_query(&of.partition(), time);
            let (items, _) = query().backwards().page(1).await?;
            let last = items.first().and_then(|item| {
                let ended: i64 = item.get("ended_at")?.as_n().ok()?.parse().ok()?;
                Timestamp::from_millisecond(ended).ok()
            });
            let (count, is_least) = if last.is_some() {
                query().count(most).await?
            } else {
                (0, false)
            };
            Ok::<_, TableError>(DeadCount {
                of,
                count,
                is_least,
                last,
            })
        });
        let counts = stream::iter(counts).buffered(AT_ONCE);
        let counts: Vec<DeadCount> = counts.try_collect().await?;
        Ok(counts.into_iter().filter(|one| one.count > 0).collect())
    }

    /// How many were given up for the cause with this id, a thousand a day at most; and whether there may be more. Two
    /// queries a day.
    pub async fn count_cause(&self, id: &str, time: DeadTime) -> Result<(usize, bool), TableError> {
        let of_day = |day| CauseOfDay {
            day,
            cause: Cause {
                id: id.to_owned(),
                way: String::new(),
                reason: String::new(),
            },
        };
        let of_days = days(time).into_iter().map(of_day).collect();
        let counts = self.count_each(of_days, time, COUNTED).await?;
        let count = counts.iter().map(|one| one.count).sum();
        Ok((count, counts.iter().any(|one| one.is_least)))
    }

    /// The places of what was given up for a cause, in their order: `most` of them, behind `after` where that is
    /// given; and what to give to go on. One query a day that is looked at.
    pub async fn dead_of(
        &self,
        cause: &str,
        time: DeadTime,
        order: DeadOrder,
        after: Option<DeadPlace>,
        most: usize,
    ) -> Result<(Vec<DeadPlace>, Option<DeadPlace>), TableError> {
        let mut found: Vec<DeadPlace> = Vec::new();
        let mut days = days(time);
        if order == DeadOrder::NewestFirst {
            days.reverse();
        }
        let is_over = |day: &String, after: &DeadPlace| match order {
            DeadOrder::NewestFirst => after.day < *day,
            DeadOrder::OldestFirst => after.day > *day,
        };
        let mut last = after;
        for day in days {
            if last.as_ref().is_some_and(|last| is_over(&day, last)) {
                continue;
            }
            let partition = partition(&day, cause);
            loop {
                let left = i32::try_from(most - found.len()).unwrap_or(i32::MAX);
                if left == 0 {
                    return Ok((found, last));
                }
                let of_day = last.as_ref().filter(|last| last.day == day);
                let mut query = self.dead_query(&partition, time);
                if order == DeadOrder::NewestFirst {
                    query = query.backwards();
                }
                let query = query.after(of_day.map(|last| last.key(&partition)));
                let (items, more) = query.page(left).await?;
                let places = items.iter().filter_map(|item| DeadPlace::read(&day, item));
                let before = found.len();
                found.extend(places);
                last = found.last().cloned().or(last);
                if !more || found.len() == before {
                    break;
                }
            }
        }
        Ok((found, None))
    }

    /// The entries that were given up from `since` until `until`, in the order in which they were. A query for each
    /// day and cause and more where it has many, and a call for each hundred entries.
    pub async fn dead(&self, since: Timestamp, until: Timestamp) -> Result<Vec<Entry>, TableError> {
        let time = DeadTime { since, until };
        let mut places: Vec<DeadPlace> = Vec::new();
        let mut after = None;
        loop {
            let (causes, next) = self.causes(time, after.as_deref()).await?;
            for of in causes {
                let items = self.dead_query(&of.partition(), time).all().await?;
                let of_day = items
                    .iter()
                    .filter_map(|item| DeadPlace::read(&of.day, item));
                places.extend(of_day);
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        places.sort_by_key(|place| place.ended_at);
        let mut dead = Vec::new();
        for some in places.chunks(READ) {
            let some: Vec<_> = some
                .iter()
                .map(|place| (place.lane.clone(), place.key.clone()))
                .collect();
            let entries = self.entries_at(&some, Large::Read).await?.into_iter();
            // The index is a moment behind the table.
            dead.extend(entries.filter(|entry| entry.state == State::Dead));
        }
        Ok(dead)
    }

    /// How many were given up since `since`; they are counted up to `most`, or a few more, and of a cause and a day up
    /// to a thousand. A query, and two for each cause and day of a hundred.
    pub async fn count_dead(&self, since: Timestamp, most: usize) -> Result<usize, TableError> {
        let until = Timestamp::now();
        let time = DeadTime { since, until };
        let (causes, _) = self.causes(time, None).await?;
        let mut count = 0;
        for some in causes.chunks(AT_ONCE) {
            let counted = self.count_each(some.to_vec(), time, COUNTED).await?;
            count += counted.iter().map(|one| one.count).sum::<usize>();
            if count >= most {
                break;
            }
        }
        Ok(count)
    }

    fn dead_query(&self, partition: &str, time: DeadTime) -> Query {
        let query = self.table.query_by("dead", partition).index(DEAD_INDEX);
        query.between("ended_at", millis(time.since), millis(time.until))
    }
}
