//! Tombstones: that somebody was forgotten, without who. They keep what comes late from recreating the person.
//!
//! | partition key | sort key | attributes |
//! |---|---|---|
//! | `forgotten` | a hash of the `auth_id` | `at`: when; `under_way_until`: while items are still being removed; `back_at`: when the person wrote again; in milliseconds since the epoch |
//! | `forgotten` | `salt` | `salt`: a random number of this table's, of which the hashes are made |
//!
//! Every process knows them: it reads them again when what it read is older than a while ([`Table::reread_after`]),
//! so they cost nothing for each message. Whoever puts one waits that long before anything is removed. From then on
//! nothing is written of that person: all writes of the table look ([`Table::refuse_forgotten`]), by the `auth_id` in the key of
//! what is written; but for what the person does later than that, which is an entry as ever. It waits until nothing
//! is left from before ([`Table::check_erasure`]), and is then that of a new person. What Haptik says is of the new one from
//! then on, and what it says from before is dropped.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Item, Table, TableError, absent, key, millis, number, present, text};
use crate::ids::AuthId;
use crate::items;
use crate::lane::Lane;

/// The partition of the tombstones.
const FORGOTTEN: &str = "forgotten";

/// The sort key of the salt.
const SALT: &str = "salt";

/// How long a tombstone is kept, in seconds: longer than a backup that it may be needed for.
const KEPT: i64 = 400 * 24 * 3_600;

/// How long what was read of the tombstones is used.
const REREAD_AFTER: Duration = Duration::from_secs(30);

/// How far Haptik's clock may be behind the channel's, in milliseconds.
const SKEW: i64 = 60_000;

/// How long removing items may take, in milliseconds: what the person does meanwhile waits for no longer.
const UNDER_WAY: i64 = 15 * 60_000;

/// Whether something is of somebody who was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erasure {
    /// It is not: nobody was forgotten, or it is a new person's.
    None,
    /// The person did it after having been forgotten: it waits until nothing is left from before.
    InProgress,
    /// The person was forgotten since.
    Since,
}

/// That somebody was forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// A hash of the `auth_id`: 32 hexadecimal digits.
    pub hash: String,
    /// When, in milliseconds since the epoch.
    pub at: i64,
    /// When the person wrote again, by the channel's clock, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back_at: Option<i64>,
    /// Until when items from before are being removed, at the latest, in milliseconds since the epoch; `None` once they
    /// are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under_way_until: Option<i64>,
}

impl Tombstone {
    /// Whether what the person did at this time is from before.
    #[must_use]
    pub fn is_after_act(&self, at: Timestamp) -> bool {
        at.as_millisecond() <= self.at
    }

    /// Whether what happened at Haptik at this time is from before: all is, until the person writes again.
    #[must_use]
    pub fn is_after_event(&self, at: Timestamp) -> bool {
        self.back_at
            .is_none_or(|back_at| at.as_millisecond() < self.at.max(back_at - SKEW))
    }

    /// Whether items from before are still being removed.
    #[must_use]
    pub fn is_under_way(&self, now: Timestamp) -> bool {
        self.under_way_until
            .is_some_and(|until| now.as_millisecond() < until)
    }

    fn read(item: &Item) -> Option<Self> {
        let whole = |name: &str| item.get(name)?.as_n().ok()?.parse().ok();
        Some(Self {
            hash: item.get("sk")?.as_s().ok()?.clone(),
            at: whole("at")?,
            back_at: whole("back_at"),
            under_way_until: whole("under_way_until"),
        })
    }
}

/// What is known of the tombstones.
#[derive(Debug)]
pub(super) struct Known {
    reread_after: AtomicU64,
    read: RwLock<Read>,
    /// One reads again at a time.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Read {
    at: Option<Timestamp>,
    salt: String,
    tombstones: BTreeMap<String, Tombstone>,
}

impl Default for Known {
    fn default() -> Self {
        let after = u64::try_from(REREAD_AFTER.as_millis()).unwrap_or(u64::MAX);
        Self {
            reread_after: AtomicU64::new(after),
            read: RwLock::default(),
            reading: tokio::sync::Mutex::default(),
        }
    }
}

impl Known {
    /// Whether what was read may still be used. By the clock of the wall: a function that was frozen has grown older.
    fn is_fresh(&self, now: Timestamp) -> bool {
        let after = self.reread_after.load(Ordering::Relaxed);
        let read = self.read.read().unwrap_or_else(PoisonError::into_inner);
        read.at.is_some_and(|at| {
            u64::try_from(now.duration_since(at).as_millis()).is_ok_and(|age| age < after)
        })
    }

    /// The hash of somebody of whom there may be a tombstone.
    fn hash_of(&self, auth_id: &str) -> Option<String> {
        let read = self.read.read().unwrap_or_else(PoisonError::into_inner);
        if read.tombstones.is_empty() {
            return None;
        }
        let hash = hash(&read.salt, auth_id);
        read.tombstones.contains_key(&hash).then_some(hash)
    }

    fn note(&self, hash: &str, tombstone: Option<&Tombstone>) {
        let mut read = self.read.write().unwrap_or_else(PoisonError::into_inner);
        match tombstone {
            Some(tombstone) => {
                read.tombstones.insert(hash.to_owned(), tombstone.clone());
            }
            None => {
                read.tombstones.remove(hash);
            }
        }
    }
}

impl Table {
    /// How long what was read of the tombstones is used; 30 s unless it is set. Whoever forgets somebody waits that
    /// long.
    #[must_use]
    pub fn reread_after(&self) -> Duration {
        Duration::from_millis(self.tombstones.reread_after.load(Ordering::Relaxed))
    }

    /// Sets it, for all clones of this table: for tests.
    pub fn set_reread_after(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.tombstones
            .reread_after
            .store(millis, Ordering::Relaxed);
    }

    /// That this person was forgotten, if so, as it is now. No call where what was read lately has no such tombstone.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn tombstone(&self, auth_id: &str) -> Result<Option<Tombstone>, TableError> {
        self.read_tombstones().await?;
        let Some(hash) = self.tombstones.hash_of(auth_id) else {
            return Ok(None);
        };
        // Whether the person has written again may be known to another process only.
        let found = self.get(FORGOTTEN, &hash).await?;
        let found = found.as_ref().and_then(Tombstone::read);
        self.tombstones.note(&hash, found.as_ref());
        Ok(found)
    }

    /// Whether an entry of this lane, of something that happened at this time, is late: its user was forgotten since.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn is_late(&self, lane: &Lane, at: Timestamp) -> Result<bool, TableError> {
        let Some(auth_id) = lane.user() else {
            return Ok(false);
        };
        let Some(tombstone) = self.tombstone(auth_id.as_str()).await? else {
            return Ok(false);
        };
        Ok(match lane {
            Lane::Haptik(_) | Lane::Task(_) => tombstone.is_after_act(at),
            Lane::Channel(_) | Lane::Sink { .. } => tombstone.is_after_event(at),
            Lane::NotUnderstood { .. } => false,
        })
    }

    /// Whether somebody was forgotten who does something, at this time by the channel's clock. Who does something after
    /// having been forgotten is a new person from then on, which is noted here.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn begin_anew(&self, auth_id: &AuthId, at: Timestamp) -> Result<Erasure, TableError> {
        let Some(mut tombstone) = self.tombstone(auth_id.as_str()).await? else {
            return Ok(Erasure::None);
        };
        if tombstone.is_after_act(at) {
            return Ok(Erasure::Since);
        }
        if tombstone.back_at.is_some() {
            return Ok(Erasure::None);
        }
        if tombstone.is_under_way(Timestamp::now()) {
            return Ok(Erasure::InProgress);
        }
        // A clock that is ahead makes nobody new in times that are to come: what Haptik says until then would be lost.
        let at = at.min(Timestamp::now());
        let update = self.update(FORGOTTEN, tombstone.hash.as_str());
        let update = update.condition(present("pk")).condition(absent("back_at"));
        update.set("back_at", millis(at)).send_if().await?;
        tombstone.back_at = Some(at.as_millisecond());
        let hash = tombstone.hash.clone();
        self.tombstones.note(&hash, Some(&tombstone));
        Ok(Erasure::None)
    }

    /// Whether an entry of this lane, of something that happened at this time, is to be delivered now. What waited
    /// for its user to be forgotten is that of a new person; what is from before is about to be removed.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn check_erasure(&self, lane: &Lane, at: Timestamp) -> Result<Erasure, TableError> {
        match lane {
            Lane::Haptik(auth_id) | Lane::Task(auth_id) => self.begin_anew(auth_id, at).await,
            Lane::Channel(_) | Lane::Sink { .. } if self.is_late(lane, at).await? => {
                Ok(Erasure::Since)
            }
            Lane::Channel(_) | Lane::Sink { .. } | Lane::NotUnderstood { .. } => Ok(Erasure::None),
        }
    }

    /// Refuses to write an item of somebody who was forgotten and has not written since.
    pub(super) async fn refuse_forgotten(&self, pk: &str, sk: &str) -> Result<(), TableError> {
        if pk == FORGOTTEN {
            return Ok(());
        }
        self.read_tombstones().await?;
        let Some(owner) = self.owner_with_tombstone(pk, sk) else {
            return Ok(());
        };
        match self.tombstone(owner).await? {
            Some(Tombstone { back_at: None, .. }) => Err(TableError::Forgotten),
            _ => Ok(()),
        }
    }

    /// The owner of an item, where there may be a tombstone.
    fn owner_with_tombstone<'a>(&self, pk: &'a str, sk: &'a str) -> Option<&'a str> {
        {
            let read = self.tombstones.read.read();
            let read = read.unwrap_or_else(PoisonError::into_inner);
            if read.tombstones.is_empty() {
                return None;
            }
        }
        let owner = items::owner_in_key(pk, sk)?;
        self.tombstones.hash_of(owner).map(|_| owner)
    }

    /// Puts a tombstone of this person, of whom what there is from before `at` is about to be removed
    /// ([`Table::end_removal`]). It replaces one that is there, and with it that the person has written since.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn put_tombstone(
        &self,
        auth_id: &AuthId,
        at: Timestamp,
    ) -> Result<Tombstone, TableError> {
        let at = at.as_millisecond();
        let tombstone = Tombstone {
            hash: self.hash_of(auth_id.as_str()).await?,
            at,
            back_at: None,
            under_way_until: Some(at.saturating_add(UNDER_WAY)),
        };
        self.put_tombstone_as(&tombstone).await?;
        Ok(tombstone)
    }

    /// Notes that nothing is left of what was there before a tombstone: what the person does from then on is delivered.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn end_removal(&self, tombstone: &Tombstone) -> Result<(), TableError> {
        let update = self.update(FORGOTTEN, tombstone.hash.as_str());
        let update = update.condition(present("pk"));
        update.remove("under_way_until").send_if().await?;
        let mut ended = tombstone.clone();
        ended.under_way_until = None;
        self.tombstones.note(&tombstone.hash, Some(&ended));
        Ok(())
    }

    /// Puts a tombstone as it is.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn put_tombstone_as(&self, tombstone: &Tombstone) -> Result<(), TableError> {
        let mut item = key(FORGOTTEN, tombstone.hash.as_str());
        item.insert("at".to_owned(), number(tombstone.at));
        let times = [
            ("back_at", tombstone.back_at),
            ("under_way_until", tombstone.under_way_until),
        ];
        for (name, time) in times {
            if let Some(time) = time {
                item.insert(name.to_owned(), number(time));
            }
        }
        let expires_at = (tombstone.at / 1_000).saturating_add(KEPT);
        item.insert("expires_at".to_owned(), number(expires_at));
        self.put(item).await?;
        self.read_tombstones().await?;
        self.tombstones.note(&tombstone.hash, Some(tombstone));
        Ok(())
    }

    /// The tombstones that there are, in the order of their times.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn tombstones(&self) -> Result<Vec<Tombstone>, TableError> {
        let items = self.query(FORGOTTEN).consistent().all().await?;
        let mut tombstones: Vec<Tombstone> = items.iter().filter_map(Tombstone::read).collect();
        tombstones.sort_by_key(|tombstone| tombstone.at);
        Ok(tombstones)
    }

    /// The hash by which a person is known in this table; a call, or two where nobody was hashed before.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn hash_of(&self, auth_id: &str) -> Result<String, TableError> {
        Ok(hash(&self.salt().await?, auth_id))
    }

    /// The random number of which this table's hashes are made.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn salt(&self) -> Result<String, TableError> {
        let salt = format!("{:032x}", u128::from_be_bytes(random()?));
        let update = self.update(FORGOTTEN, SALT);
        let update = update.set_if_absent("salt", text(salt));
        let item = update.returning(ReturnValue::AllNew).await?;
        let salt = item.get("salt").and_then(|salt| salt.as_s().ok());
        Ok(salt.cloned().unwrap_or_default())
    }

    /// Takes over the salt of another table, of which this one is a copy, so that its tombstones say whom they are
    /// of. It replaces what is there.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn put_salt(&self, salt: &str) -> Result<(), TableError> {
        let mut item = key(FORGOTTEN, SALT);
        item.insert("salt".to_owned(), text(salt));
        self.put(item).await?;
        let mut read = self.tombstones.read.write();
        read.as_mut().map_or_else(
            |poisoned| poisoned.get_mut().at = None,
            |read| read.at = None,
        );
        Ok(())
    }

    /// Reads the tombstones, where that was not done lately.
    async fn read_tombstones(&self) -> Result<(), TableError> {
        let known = &*self.tombstones;
        if known.is_fresh(Timestamp::now()) {
            return Ok(());
        }
        let _reading = known.reading.lock().await;
        // The time before it is read: nothing that is put after that is missed for longer than it may be.
        let now = Timestamp::now();
        if known.is_fresh(now) {
            return Ok(());
        }
        let items = self.query(FORGOTTEN).consistent().all().await?;
        let salt = items.iter().find_map(|item| {
            let salt = item.get("salt").map(AttributeValue::as_s)?.ok()?;
            Some(salt.clone())
        });
        let tombstones = items.iter().filter_map(Tombstone::read);
        let fresh = Read {
            at: Some(now),
            salt: salt.unwrap_or_default(),
            tombstones: tombstones
                .map(|tombstone| (tombstone.hash.clone(), tombstone))
                .collect(),
        };
        let mut read = known.read.write().unwrap_or_else(PoisonError::into_inner);
        *read = fresh;
        Ok(())
    }
}

/// The hash of a person: 32 hexadecimal digits.
#[must_use]
pub fn hash(salt: &str, auth_id: &str) -> String {
    let digest = Sha256::digest(format!("{salt}\0{auth_id}"));
    hex::encode(&digest[..16])
}

/// A random number that nobody guesses.
fn random() -> Result<[u8; 16], TableError> {
    crate::encryption::random::<16>().map_err(|error| TableError::Unavailable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).expect("in range")
    }

    #[test]
    fn until_somebody_writes_again_all_that_haptik_says_is_late() {
        let mut tombstone = Tombstone {
            hash: hash("salt", "a"),
            at: 1_000_000,
            back_at: None,
            under_way_until: None,
        };
        assert!(tombstone.is_after_event(at(5_000_000)));
        assert!(tombstone.is_after_act(at(1_000_000)));
        assert!(!tombstone.is_after_act(at(1_000_001)));
        tombstone.back_at = Some(2_000_000);
        for (time, is_late) in [(1_000_001, true), (1_939_999, true), (1_940_000, false)] {
            assert_eq!(tombstone.is_after_event(at(time)), is_late, "{time}");
        }
        // Who comes back at once is not shown what came before.
        tombstone.back_at = Some(1_000_500);
        assert!(tombstone.is_after_event(at(999_999)));
        assert!(!tombstone.is_after_event(at(1_000_000)));
    }

    #[test]
    fn a_hash_says_nobodys_name_and_is_another_in_another_table() {
        let one = hash("0a", "asha@example.com");
        assert_eq!(one.len(), 32);
        assert_ne!(one, hash("0b", "asha@example.com"));
        assert_ne!(one, hash("0a", "asha@example.co"));
    }
}
