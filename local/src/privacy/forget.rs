//! Removing what the table holds of a person.
//!
//! What is under way ends first, or is cut off. Then a tombstone is put of each `auth_id`, and it is waited until every
//! process knows of it: from then on nothing is written of the person ([`haptik_bridge_shared::table::Tombstone`]). Then
//! all is removed, by passes until one finds nothing: first the bodies that name the person, which is known from what
//! the person said, and the user's own item last, since all else is found by it; and the person is taken out of what
//! others have. It can be stopped anywhere and done again, by the person's name or from the tombstones.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::items::Whose;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::Ledger;
use haptik_bridge_shared::message::handoff::Handoff;
use haptik_bridge_shared::table::{Item, Table, TableError, Tombstone, equals, hash, text};
use haptik_bridge_shared::users::UserMap;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Elsewhere, Holdings, Person, kind, others};

/// How somebody is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WayToForget {
    /// Whether what is under way is cut off, and not waited for.
    pub cut_off: bool,
    /// How long it is waited for at most.
    pub patience: Duration,
    /// How long it takes until every process that writes to the table knows of a tombstone; nothing where there is
    /// none.
    pub until_known: Duration,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// So many deliveries are under way.
    Waiting(usize),
    /// Nothing new is written of the person once this time is over.
    Settling(Duration),
    /// So many items are removed.
    Removed(usize),
}

/// What was removed: how many of which kind, and nothing of what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// When.
    pub forgotten_at: Timestamp,
    /// The hashes by which the tombstones know the person.
    pub tombstones: Vec<String>,
    /// How many items of each kind were removed.
    pub removed: BTreeMap<&'static str, usize>,
    /// How many deliveries were cut off.
    pub cut_off: usize,
    /// What stays.
    pub left: Left,
    /// What lies elsewhere, and how it is removed there.
    pub elsewhere: Vec<Elsewhere>,
}

/// What stays in the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Left {
    /// Items of which this version does not know what they are: nobody looked whose they are.
    pub unknown: usize,
}

/// The tombstones of a table, with what tells whom they are of: to be kept apart from the backups of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// What the hashes are made of.
    pub salt: String,
    /// The tombstones.
    pub tombstones: Vec<Tombstone>,
}

/// How often it is looked whether something is still under way.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How many of the last things that somebody did are looked at for that.
const LOOKED_AT: usize = 20;

/// How far a channel's clock may be ahead of ours.
const AHEAD_AT_MOST: SignedDuration = SignedDuration::from_hours(1);

/// How many passes there are at most.
const PASSES: usize = 20;

/// Removes what there is of a person. `told` hears how far it has come.
///
/// # Errors
/// When something stays under way for longer than it is waited for, and the table does not answer: then it is to be
/// done again.
pub async fn forget(
    ledger: &Ledger,
    users: &UserMap,
    person: &Person,
    way: WayToForget,
    mut told: impl FnMut(Progress),
) -> anyhow::Result<Receipt> {
    if !way.cut_off {
        wait(ledger, users, person, way.patience, &mut told).await?;
    }
    let (table, now) = (ledger.table(), Timestamp::now());
    let mut tombstones = BTreeMap::new();
    for auth_id in &person.auth_ids {
        let at = last_act(ledger, auth_id, now).await?;
        let tombstone = table.put_tombstone(auth_id, at).await?;
        tombstones.insert(auth_id.to_string(), tombstone);
    }
    let cut_off = pending(ledger, person).await?;
    told(Progress::Settling(way.until_known));
    tokio::time::sleep(way.until_known).await;
    let (removed, left) = remove(ledger, person, &tombstones, &mut told).await?;
    for tombstone in tombstones.values() {
        table.end_removal(tombstone).await?;
    }
    Ok(Receipt {
        forgotten_at: now,
        tombstones: hashes(&tombstones),
        removed,
        cut_off,
        left,
        elsewhere: Vec::new(),
    })
}

/// Removes once more what there is of everybody who was forgotten, as after a backup was restored: by these tombstones,
/// which the table gets where it has not got them, or by those that it has. What somebody did who has written since
/// stays.
///
/// # Errors
/// When the table does not answer: then it is to be done again.
pub async fn forget_again(
    ledger: &Ledger,
    users: &UserMap,
    again: Option<Again>,
    until_known: Duration,
    mut told: impl FnMut(Progress),
) -> anyhow::Result<Receipt> {
    let table = ledger.table();
    let Again { salt, tombstones } = match again {
        Some(again) => {
            take_over(table, &again).await?;
            again
        }
        None => forgotten(table).await?,
    };
    let now = Timestamp::now();
    let known: BTreeMap<&str, &Tombstone> = tombstones
        .iter()
        .map(|tombstone| (tombstone.hash.as_str(), tombstone))
        .collect();
    let mut of = BTreeMap::new();
    for auth_id in owners(table).await? {
        let Some(tombstone) = known.get(hash(&salt, auth_id.as_str()).as_str()) else {
            continue;
        };
        let mut tombstone = Tombstone::clone(tombstone);
        let user = users.get(&auth_id).await?;
        let wrote = user.map(|user| user.last_activity);
        tombstone.back_at = match wrote.filter(|at| *at > tombstone.at) {
            // What was kept elsewhere may be older than that.
            Some(at) => tombstone.back_at.or(Some(at)),
            // In this table the person is the one of before.
            None => None,
        };
        of.insert(auth_id.to_string(), tombstone);
    }
    told(Progress::Settling(until_known));
    tokio::time::sleep(until_known).await;
    let (mut gone, mut back) = (BTreeSet::new(), BTreeMap::new());
    for (auth_id, tombstone) in &of {
        let auth_id = AuthId::from(auth_id.as_str());
        match tombstone.back_at {
            Some(_) => drop(back.insert(auth_id, tombstone.at)),
            None => drop(gone.insert(auth_id)),
        }
    }
    let person = Person::of_forgotten(ledger, users, gone, &back).await?;
    let (removed, left) = remove(ledger, &person, &of, &mut told).await?;
    for tombstone in &tombstones {
        table.end_removal(tombstone).await?;
    }
    Ok(Receipt {
        forgotten_at: now,
        tombstones: hashes(&of),
        removed,
        cut_off: 0,
        left,
        elsewhere: Vec::new(),
    })
}

/// The tombstones of a table, with what their hashes are made of.
///
/// # Errors
/// When the table does not answer.
pub async fn forgotten(table: &Table) -> Result<Again, TableError> {
    let tombstones = table.tombstones().await?;
    Ok(Again {
        salt: table.salt().await?,
        tombstones,
    })
}

fn hashes(tombstones: &BTreeMap<String, Tombstone>) -> Vec<String> {
    let hashes = tombstones.values();
    hashes.map(|tombstone| tombstone.hash.clone()).collect()
}

/// Gives a table the tombstones that were kept elsewhere.
async fn take_over(table: &Table, again: &Again) -> anyhow::Result<()> {
    let there = forgotten(table).await?;
    if there.salt != again.salt && !there.tombstones.is_empty() {
        bail!(
            "the tombstones are of another table: their salt is another, and this table has tombstones of its own"
        );
    }
    table.put_salt(&again.salt).await?;
    let there: BTreeMap<&str, &Tombstone> = there
        .tombstones
        .iter()
        .map(|tombstone| (tombstone.hash.as_str(), tombstone))
        .collect();
    for tombstone in &again.tombstones {
        let newer = there.get(tombstone.hash.as_str());
        if newer.is_none_or(|newer| newer.at < tombstone.at) {
            table.put_tombstone_as(tombstone).await?;
        }
    }
    Ok(())
}

/// Everybody of whom there is something. Reads the keys of the whole table.
async fn owners(table: &Table) -> Result<BTreeSet<AuthId>, TableError> {
    let mut owners = BTreeSet::new();
    let scan = table.scan(None, true, &["pk", "sk", "lane"], |item| {
        let part = |name: &str| item.get(name)?.as_s().ok();
        let kind = part("pk").zip(part("sk")).and_then(|(pk, sk)| kind(pk, sk));
        owners.extend(kind.and_then(|kind| kind.user(item)));
    });
    scan.await?;
    Ok(owners)
}

/// How many of a person's entries are pending.
async fn pending(ledger: &Ledger, person: &Person) -> Result<usize, TableError> {
    let mut count = 0;
    for lane in ledger.pending_lanes().await? {
        if lane
            .user()
            .is_some_and(|user| person.auth_ids.contains(user))
        {
            count += ledger.pending(&lane).await?.0.len();
        }
    }
    Ok(count)
}

/// From when on what somebody does is a new person's: from now, or from what the person did last where the channel's
/// clock is ahead of ours, so that what is delivered again of it is known.
async fn last_act(
    ledger: &Ledger,
    auth_id: &AuthId,
    now: Timestamp,
) -> Result<Timestamp, TableError> {
    let mut last = now;
    for lane in [Lane::Haptik(auth_id.clone()), Lane::Task(auth_id.clone())] {
        let entries = ledger.newest(&lane, LOOKED_AT, |_| true).await?;
        last = entries
            .iter()
            .map(|entry| entry.at)
            .fold(last, Timestamp::max);
    }
    let most = now.checked_add(AHEAD_AT_MOST).unwrap_or(now);
    Ok(last.min(most))
}

/// Waits until nothing of a person's is under way.
async fn wait(
    ledger: &Ledger,
    users: &UserMap,
    person: &Person,
    patience: Duration,
    told: &mut impl FnMut(Progress),
) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut last = 0;
    loop {
        let pending = pending(ledger, person).await?;
        let mut is_with_agent = false;
        for auth_id in &person.auth_ids {
            let user = users.get(auth_id).await?;
            let handoff = user.and_then(|user| user.handoff);
            is_with_agent = is_with_agent || handoff.as_ref().is_some_and(Handoff::is_on);
        }
        if pending == 0 && !is_with_agent {
            return Ok(());
        }
        if pending != last {
            last = pending;
            told(Progress::Waiting(pending));
        }
        if began.elapsed() >= patience {
            let handoff = if is_with_agent {
                " and a hand-off is on"
            } else {
                ""
            };
            bail!(
                "{pending} deliveries are still under way{handoff}; nothing was removed: wait for longer (--wait), or \
                 cut it off (--cut-off)"
            );
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Removes what is of before these tombstones, by passes until one finds nothing.
async fn remove(
    ledger: &Ledger,
    person: &Person,
    tombstones: &BTreeMap<String, Tombstone>,
    told: &mut impl FnMut(Progress),
) -> anyhow::Result<(BTreeMap<&'static str, usize>, Left)> {
    let table = ledger.table();
    let mut removed: BTreeMap<&'static str, usize> = BTreeMap::new();
    for _ in 0..PASSES {
        let holdings = Holdings::before(ledger, person, tombstones).await?;
        for cursor in &holdings.cursors {
            take_out(table, person, cursor).await?;
        }
        for (pk, sk) in &holdings.of_others {
            others::take_out(table, person, (pk, sk)).await?;
        }
        if holdings.items.is_empty() && holdings.of_others.is_empty() {
            let left = Left {
                unknown: holdings.unknown,
            };
            return Ok((removed, left));
        }
        // By what the others say it is known whom a body names, and by the user's item all the rest.
        let (users, others): (Vec<_>, Vec<_>) =
            holdings.items.iter().partition(|item| item.is_user());
        let (named, others): (Vec<_>, Vec<_>) = others
            .into_iter()
            .partition(|item| item.kind.whose == Whose::Named);
        for items in [named, others, users] {
            let keys: Vec<Item> = items.iter().map(|item| item.key()).collect();
            let deleted = table.delete_many(&keys).await;
            deleted.context("not all is removed: do it again")?;
        }
        for (kind, count) in holdings.counts() {
            *removed.entry(kind).or_default() += count;
        }
        told(Progress::Removed(removed.values().sum()));
    }
    bail!("something is written of the person all the time: not all is removed, do it again")
}

/// Takes a person out of the record of an outage.
async fn take_out(table: &Table, person: &Person, outage: &str) -> Result<(), TableError> {
    for auth_id in &person.auth_ids {
        let update = table.update("outages", outage);
        let is_theirs = equals("cursor.after", text(auth_id.as_str()));
        let update = update.condition(is_theirs).remove("cursor.after");
        update.send_if().await?;
    }
    Ok(())
}
