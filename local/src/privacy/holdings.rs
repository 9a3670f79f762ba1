//! What the table holds of a person.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use haptik_bridge_shared::ids::{AuthId, EntryKey};
use haptik_bridge_shared::items::{Kind, Whose};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Ledger, Payload};
use haptik_bridge_shared::table::{self, Item, Table, TableError, Tombstone};

use super::{Person, kind, others};

/// An item that is the person's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// What it is.
    pub kind: &'static Kind,
    /// Its partition key.
    pub pk: String,
    /// Its sort key.
    pub sk: String,
}

/// All of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holdings {
    /// The items.
    pub items: Vec<Holding>,
    /// The outages, by their sort keys, whose comparison looked at the person last.
    pub(super) cursors: Vec<String>,
    /// The keys of items of others that name the person: looked for where all is to be removed.
    pub(super) of_others: Vec<(String, String)>,
    /// How many items there are of which this version does not know what they are.
    pub unknown: usize,
}

/// What the scan finds.
#[derive(Debug, Default)]
struct Scanned {
    holdings: Holdings,
    /// Partitions of which only the bodies say whom they name.
    unnamed: BTreeSet<String>,
}

impl Holding {
    /// Its key.
    pub(super) fn key(&self) -> Item {
        table::key(self.pk.as_str(), self.sk.as_str())
    }

    /// Whether it is the user's own item, by which everything else is found: it is removed last.
    pub(super) fn is_user(&self) -> bool {
        self.sk == "user" && self.pk.starts_with("user#")
    }
}

impl Holdings {
    /// What there is of a person. Reads the keys of the whole table, and the bodies of what says of nobody whose it is.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn of(ledger: &Ledger, person: &Person) -> Result<Self, TableError> {
        let names = ["pk", "sk", "lane", "at", "cursor"];
        Self::found(ledger, person, &BTreeMap::new(), &names).await
    }

    /// What there is of a person that is of before these tombstones, by the `auth_id`, and what others have that names
    /// the person. Reads the whole table.
    pub(super) async fn before(
        ledger: &Ledger,
        person: &Person,
        tombstones: &BTreeMap<String, Tombstone>,
    ) -> Result<Self, TableError> {
        Self::found(ledger, person, tombstones, &[]).await
    }

    async fn found(
        ledger: &Ledger,
        person: &Person,
        tombstones: &BTreeMap<String, Tombstone>,
        names: &[&str],
    ) -> Result<Self, TableError> {
        let mut scanned = Scanned::default();
        let names_of_person = others::Names::of(person);
        let scan = ledger.table().scan(None, true, names, |item| {
            scanned.add(item, person, tombstones, &names_of_person);
        });
        scan.await?;
        let Scanned {
            mut holdings,
            unnamed,
        } = scanned;
        for pk in unnamed {
            holdings.add_named(ledger, person, &pk).await?;
        }
        Ok(holdings)
    }

    /// How many there are of each kind.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for holding in &self.items {
            *counts.entry(holding.kind.name).or_default() += 1;
        }
        counts
    }

    /// The items themselves, of one kind.
    pub(super) async fn read(&self, table: &Table, kind: &Kind) -> Result<Vec<Item>, TableError> {
        let of_kind = self.items.iter().filter(|holding| holding.kind == kind);
        table.get_many(of_kind.map(Holding::key).collect()).await
    }

    /// Adds what names the person in a partition of which only the bodies say that.
    async fn add_named(
        &mut self,
        ledger: &Ledger,
        person: &Person,
        pk: &str,
    ) -> Result<(), TableError> {
        let table = ledger.table();
        for item in table.query(pk).consistent().all().await? {
            let Some(sk) = item.get("sk").and_then(|sk| sk.as_s().ok()) else {
                continue;
            };
            let Some(kind) = kind(pk, sk) else { continue };
            if !names(ledger, person, pk, sk).await? {
                continue;
            }
            self.items.push(holding(kind, pk, sk));
            for key in Ledger::keys_of_pieces(&item) {
                let text = |name: &str| key.get(name)?.as_s().ok();
                if let (Some(pk), Some(sk)) = (text("pk"), text("sk"))
                    && let Some(kind) = super::kind(pk, sk)
                {
                    self.items.push(holding(kind, pk, sk));
                }
            }
        }
        Ok(())
    }
}

fn holding(kind: &'static Kind, pk: &str, sk: &str) -> Holding {
    Holding {
        kind,
        pk: pk.to_owned(),
        sk: sk.to_owned(),
    }
}

/// Whether the body of an entry names the person.
async fn names(ledger: &Ledger, person: &Person, pk: &str, sk: &str) -> Result<bool, TableError> {
    let Ok(lane) = pk.parse::<Lane>() else {
        return Ok(false);
    };
    let entry = match ledger.entry(&lane, &EntryKey::from(sk)).await {
        Ok(Some(entry)) => entry,
        Ok(None) | Err(TableError::Unreadable(_)) => return Ok(false),
        Err(error) => return Err(error),
    };
    Ok(match &entry.payload {
        Payload::NotUnderstood { body, base64: true } => {
            let body = STANDARD.decode(body).unwrap_or_default();
            person.is_named_in(&String::from_utf8_lossy(&body), entry.received_at)
        }
        Payload::NotUnderstood { body, .. } | Payload::Webhook { body, .. } => {
            person.is_named_in(body, entry.received_at)
        }
        _ => false,
    })
}

impl Scanned {
    fn add(
        &mut self,
        item: &Item,
        person: &Person,
        tombstones: &BTreeMap<String, Tombstone>,
        named_by: &others::Names,
    ) {
        let text = |name: &str| item.get(name)?.as_s().ok().map(String::as_str);
        let (Some(pk), Some(sk)) = (text("pk"), text("sk")) else {
            return;
        };
        let Some(kind) = kind(pk, sk) else {
            self.holdings.unknown += 1;
            return;
        };
        let is_theirs = match kind.whose {
            Whose::User | Whose::Lane => kind.user(item).is_some_and(|user| {
                let tombstone = tombstones.get(user.as_str());
                person.auth_ids.contains(&user)
                    && tombstone.is_none_or(|tombstone| is_before(item, pk, tombstone))
            }),
            Whose::ChannelUser => {
                let part = |name| kind.part(name, pk, sk).unwrap_or_default();
                person.is_at(part("connection"), part("channel user"))
            }
            Whose::Listed => {
                let listed = item.get("users").and_then(|users| users.as_s().ok());
                let named = || kind.part("users", pk, sk).unwrap_or_default();
                let listed = listed.map_or_else(named, String::as_str);
                let listed = format!(",{listed},");
                let is_back = |id: &&AuthId| {
                    let tombstone = tombstones.get(id.as_str());
                    tombstone.is_some_and(|tombstone| tombstone.back_at.is_some())
                };
                let ids = &mut person.auth_ids.iter().filter(|id| !is_back(id));
                ids.any(|id| listed.contains(&format!(",{id},")))
            }
            Whose::Cursor => {
                let cursor = item.get("cursor").and_then(|cursor| cursor.as_m().ok());
                let after = cursor.and_then(|cursor| cursor.get("after")?.as_s().ok());
                let ids = &mut person.auth_ids.iter();
                if after.is_some_and(|after| ids.any(|id| id.as_str() == after)) {
                    self.holdings.cursors.push(sk.to_owned());
                }
                false
            }
            Whose::Named => {
                // The pieces are those of entries that name the person.
                if pk.parse::<Lane>().is_ok() {
                    self.unnamed.insert(pk.to_owned());
                }
                false
            }
            Whose::Nobody => false,
        };
        if is_theirs {
            self.holdings.items.push(holding(kind, pk, sk));
        } else if kind
            .user(item)
            .is_none_or(|user| !person.auth_ids.contains(&user))
            && named_by.may_be_in(item)
            && !others::without(item, person).is_empty()
        {
            let key = (pk.to_owned(), sk.to_owned());
            self.holdings.of_others.push(key);
        }
    }
}

/// Whether an item is of before a tombstone. What the person did later is an entry that waits, or is a new person's;
/// all else of a person who has not written since is of before.
fn is_before(item: &Item, pk: &str, tombstone: &Tombstone) -> bool {
    let at = item.get("at").and_then(|at| at.as_n().ok());
    let at = at.and_then(|at| jiff::Timestamp::from_millisecond(at.parse().ok()?).ok());
    match (pk.parse::<Lane>(), at) {
        (Ok(Lane::Haptik(_) | Lane::Task(_)), Some(at)) => tombstone.is_after_act(at),
        (Ok(Lane::Channel(_) | Lane::Sink { .. }), Some(at)) => tombstone.is_after_event(at),
        _ => tombstone.back_at.is_none(),
    }
}
