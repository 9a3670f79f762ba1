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
//! What a version before this one gave up is in a partition of its day, without a cause ([`Cause::UNKNOWN`]).

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{DEAD_INDEX, Entry, Large, Ledger, State};
use crate::ids::EntryKey;
use crate::lane::Lane;
use crate::table::{self, Item, Query, TableError, millis, number, text};

/// The partition key of the causes.
const CAUSES: &str = "causes";

/// How long a cause is kept longer than the entries that have it, in seconds.
const KEPT_LONGER: i64 = 24 * 3_600;

/// How many digits the id of a cause has.
const ID_LENGTH: usize = 12;

/// The longest reason that is kept with a cause, in characters.
const LONGEST_REASON: usize = 300;

/// How many digits in a row are a number that differs from entry to entry: more than a status or a provider's code has.
const LONG_NUMBER: usize = 6;

/// How many hexadecimal digits in a row are an id.
const LONG_ID: usize = 8;

/// How many of one cause and day are counted at most, by one query; and how many of all of one look.
const COUNTED: usize = 1_000;
const COUNTED_IN_ALL: usize = 1_000;

/// How many causes of a day one look finds at most.
const MOST_CAUSES: i32 = 100;

/// How many queries are under way at once.
const AT_ONCE: usize = 16;

/// How many entries are read at once.
const READ: usize = 100;

/// Why entries were given up: the same for all that go the same way and failed for the same reason, whatever numbers
/// it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// What names it: 12 hexadecimal digits, or [`Cause::UNKNOWN`].
    pub id: String,
    /// Where they go: a lane's name without its user, as `haptik` or `sink#crm`.
    pub way: String,
    /// The reason, of the first of the day.
    pub reason: String,
}

/// A cause on a day (UTC).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CauseOfDay {
    /// The day, as `2026-11-29`.
    pub day: String,
    /// The cause.
    pub cause: Cause,
}

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

/// Which causes this process has noted, of the last day on which it did.
#[derive(Debug, Default)]
pub(super) struct NotedCauses(Mutex<(String, BTreeSet<String>)>);

impl Cause {
    /// The id of what was given up by a version that noted no causes.
    pub const UNKNOWN: &'static str = "unknown";

    /// The cause for which an entry of this lane was given up.
    #[must_use]
    pub fn of(lane: &Lane, reason: &str) -> Self {
        let way = match lane {
            Lane::Haptik(_) => "haptik".to_owned(),
            Lane::Channel(_) => "channel".to_owned(),
            Lane::Task(_) => "task".to_owned(),
            Lane::Sink { sink, .. } => format!("sink#{sink}"),
            Lane::NotUnderstood { edge } => format!("not_understood#{edge}"),
        };
        let hash = hex::encode(Sha256::digest(format!(
            "{way}\0{}",
            without_numbers(reason)
        )));
        Self {
            id: hash.chars().take(ID_LENGTH).collect(),
            way,
            reason: reason.chars().take(LONGEST_REASON).collect(),
        }
    }

    fn unknown() -> Self {
        Self {
            id: Self::UNKNOWN.to_owned(),
            way: String::new(),
            reason: String::new(),
        }
    }
}

/// A reason without what differs from one entry to the next: long numbers, ids, and places in a text.
fn without_numbers(reason: &str) -> String {
    let mut plain = String::new();
    let mut is_place = false;
    for part in reason.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric()) {
        let word = part.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
        let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        let is_id = word.len() >= LONG_ID
            && word.bytes().all(|byte| byte.is_ascii_hexdigit())
            && word.bytes().any(|byte| byte.is_ascii_digit());
        let differs = is_id || is_number && (is_place || word.len() >= LONG_NUMBER);
        is_place = matches!(word, "line" | "column");
        plain.push_str(if differs { "…" } else { word });
        plain.push_str(part.strip_prefix(word).unwrap_or_default());
    }
    plain
}

/// The partition of the index that has what was given up on a day for a cause.
fn partition(day: &str, cause: &str) -> String {
    match cause {
        Cause::UNKNOWN => day.to_owned(),
        cause => format!("{day}#{cause}"),
    }
}

impl CauseOfDay {
    fn read(item: &Item) -> Option<Self> {
        let field = |name: &str| item.get(name)?.as_s().ok();
        let (day, id) = field("sk")?.split_once('#')?;
        Some(Self {
            day: day.to_owned(),
            cause: Cause {
                id: id.to_owned(),
                way: field("way")?.clone(),
                reason: field("reason")?.clone(),
            },
        })
    }

    fn partition(&self) -> String {
        partition(&self.day, &self.cause.id)
    }
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
        let ttl = i64::try_from(self.entry_ttl.as_secs()).unwrap_or(i64::MAX);
        let expires = now.as_second().saturating_add(ttl);
        let mut item = table::key(CAUSES, format!("{today}#{}", cause.id));
        item.insert("way".to_owned(), text(cause.way));
        item.insert("reason".to_owned(), text(cause.reason));
        item.insert(
            "expires_at".to_owned(),
            number(expires.saturating_add(KEPT_LONGER)),
        );
        self.table.put(item).await?;
        self.noted.add(today, cause.id);
        Ok(partition)
    }

    /// The causes of the days of a time, the last day first: a hundred at most, behind what `after` names; and what to
    /// give to go on. One query. Of each day of the first ones there is one without a name, for what an older version
    /// gave up.
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
        let mut causes: Vec<CauseOfDay> = items.iter().filter_map(CauseOfDay::read).collect();
        if after.is_none() {
            let unnamed = days.into_iter().rev().map(|day| CauseOfDay {
                day,
                cause: Cause::unknown(),
            });
            causes.extend(unnamed);
        }
        Ok((causes, next))
    }

    /// How many were given up for each of these causes; those that nothing has are left out. Of each a thousand are
    /// counted at most, and of all together a thousand, each getting the same share. Two queries for each.
    pub async fn count_of(
        &self,
        causes: Vec<CauseOfDay>,
        time: DeadTime,
    ) -> Result<Vec<DeadCount>, TableError> {
        let named = causes.iter().filter(|of| of.cause.id != Cause::UNKNOWN);
        let share = COUNTED_IN_ALL / named.count().max(1);
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
                ..Cause::unknown()
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

impl NotedCauses {
    fn has(&self, day: &str, id: &str) -> bool {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.0 == day && noted.1.contains(id)
    }

    fn add(&self, day: String, id: String) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.0 != day {
            *noted = (day, BTreeSet::new());
        }
        noted.1.insert(id);
    }
}

/// The day of a time, UTC, as `2026-11-23`.
fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

/// The days of a time, in their order.
fn days(DeadTime { since, until }: DeadTime) -> Vec<String> {
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_days_of_a_time_are_all_that_it_touches() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let (since, until) = (at("2026-11-29T23:59:59Z"), at("2026-12-01T00:00:01Z"));
        let of = |since, until| days(DeadTime { since, until });
        let expected = ["2026-11-29", "2026-11-30", "2026-12-01"];
        assert_eq!(of(since, until), expected);
        assert_eq!(of(since, since), ["2026-11-29"]);
        assert!(of(until, since).is_empty());
    }

    #[test]
    fn a_cause_is_the_same_whatever_numbers_its_reason_has_and_another_for_each_status_and_way() {
        let lane = Lane::Haptik("a".into());
        let of = |reason: &str| Cause::of(&lane, reason).id;
        assert_eq!(
            of("the body is no JSON: expected value at line 1 column 7"),
            of("the body is no JSON: expected value at line 12 column 34")
        );
        assert_eq!(
            of("no user 18a7f3c2e1 is known at 1795561837"),
            of("no user 00ff12ab9d8e7c is known at 1795561999")
        );
        let refused = "Haptik refused the message (400)";
        assert_ne!(of(refused), of("Haptik refused the message (500)"));
        assert_ne!(of("refused (400, 63016)"), of("refused (400, 63024)"));
        assert_eq!(
            of(refused),
            Cause::of(&Lane::Haptik("b".into()), refused).id
        );
        assert_ne!(
            of(refused),
            Cause::of(&Lane::Channel("a".into()), refused).id
        );
    }

    proptest! {
        #[test]
        fn any_reason_has_a_cause(reason in ".{0,400}") {
            let cause = Cause::of(&Lane::Haptik("a".into()), &reason);
            prop_assert_eq!(cause.id.len(), ID_LENGTH);
            prop_assert!(cause.reason.chars().count() <= LONGEST_REASON);
        }

        #[test]
        fn a_reason_without_numbers_is_itself(reason in "[a-z ,:().-]{0,80}") {
            prop_assert_eq!(without_numbers(&reason), reason);
        }
    }
}
