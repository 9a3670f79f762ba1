//! What an operator looks at, and takes up again (replay).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Entry, Large, Ledger, PENDING_INDEX};
use crate::ids::{AuthId, EntryKey};
use crate::lane::Lane;
use crate::table::{self, Item, TableError, absent, below, equals, millis, number, present, text};

/// The names of what a ledger knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// The connections by which users came.
    pub connections: BTreeSet<String>,
    /// The accounts at Haptik.
    pub accounts: BTreeSet<String>,
    /// The sinks.
    pub sinks: BTreeSet<String>,
}

impl Ledger {
    /// All entries of a lane that are still kept, in order. One query; those that cannot be read are left
    /// out, with a warning.
    pub async fn entries(&self, lane: &Lane) -> Result<Vec<Entry>, TableError> {
        let mut entries = Vec::new();
        for item in self.table.query(lane.to_string()).all().await? {
            match self.entry_of(item).await {
                Ok(entry) => entries.push(entry),
                Err(TableError::Unreadable(reason)) => {
                    tracing::warn!(reason, "an entry is left out");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(entries)
    }

    /// The keys of a lane's entries from `first` to `last`, both included, in order. One query.
    pub async fn keys(
        &self,
        lane: &Lane,
        first: &str,
        last: &str,
    ) -> Result<Vec<EntryKey>, TableError> {
        let query = self.table.query(lane.to_string()).consistent();
        let query = query.between("sk", text(first), text(last)).only(&["sk"]);
        let items = query.all().await?;
        let keys = items.iter().filter_map(|item| item.get("sk")?.as_s().ok());
        Ok(keys.map(|key| EntryKey::from(key.as_str())).collect())
    }

    /// The entries at these places that are there, in their order; those that cannot be read are left out, with a
    /// warning. One call for each hundred, and more for large payloads where they are read.
    pub async fn entries_at(
        &self,
        places: &[(Lane, EntryKey)],
        large: Large,
    ) -> Result<Vec<Entry>, TableError> {
        let keys = places.iter().collect::<BTreeSet<_>>().into_iter();
        let keys = keys.map(|(lane, key)| table::key(lane.to_string(), key.as_str()));
        let mut found = BTreeMap::new();
        for item in self.table.get_many(keys.collect()).await? {
            match self.entry_with(item, large).await {
                Ok(entry) => {
                    found.insert((entry.lane.clone(), entry.key.clone()), entry);
                }
                Err(TableError::Unreadable(reason)) => {
                    tracing::warn!(reason, "an entry is left out");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(places
            .iter()
            .filter_map(|place| found.remove(place))
            .collect())
    }

    /// The last entries of a lane, the last first: `most` of them, of those that sort before `before` where that is
    /// given; and whether there are more. One query, which leaves large payloads out; those that cannot be read are
    /// left out, with a warning.
    pub async fn entries_before(
        &self,
        lane: &Lane,
        before: Option<&EntryKey>,
        most: i32,
    ) -> Result<(Vec<Entry>, bool), TableError> {
        let mut query = self.table.query(lane.to_string()).backwards();
        if let Some(before) = before {
            query = query.and(below("sk", text(before.as_str())));
        }
        let (items, more) = query.page(most).await?;
        let mut entries = Vec::new();
        for item in items {
            match self.entry_with(item, Large::LeftOut).await {
                Ok(entry) => entries.push(entry),
                Err(TableError::Unreadable(reason)) => {
                    tracing::warn!(reason, "an entry is left out");
                }
                Err(error) => return Err(error),
            }
        }
        Ok((entries, more))
    }

    /// Takes an entry up again that was given up: it is pending once more, with all its patience and its
    /// full time to live. Whether it was dead until now; its lane is then to be rung.
    pub async fn revive(&self, entry: &Entry, now: Timestamp) -> Result<bool, TableError> {
        let expires_at = self.keep_again(&entry.lane, &entry.key, now).await?;
        self.update(entry)
            .condition(equals("state", text("dead")))
            .set("state", text("pending"))
            .set("pending", text(entry.key.as_str()))
            .set("revived_at", millis(now))
            .set("expires_at", number(expires_at))
            .set("attempts", number(0))
            .set("starts", number(0))
            .set("overruns", number(0))
            .remove("dead")
            .remove("ended_at")
            .send_if()
            .await
    }

    /// Gives an entry up again that was taken up at this time, and for which nobody could be rung. Nothing happens where
    /// something has become of it since.
    pub async fn take_back(&self, entry: &Entry, revived_at: Timestamp) -> Result<(), TableError> {
        let update = self
            .giving_up(entry, entry.why(), Timestamp::now())
            .await?
            .condition(equals("state", text("pending")))
            .condition(equals("revived_at", millis(revived_at)));
        update.send_if().await.map(drop)
    }

    /// When an entry expires that is taken up now, in seconds since the epoch: it is kept as long again as the bridge
    /// keeps it that took it in, or took it up last. Its pieces live as long.
    async fn keep_again(
        &self,
        lane: &Lane,
        key: &EntryKey,
        now: Timestamp,
    ) -> Result<i64, TableError> {
        let item = self.table.get(&lane.to_string(), key.as_str()).await?;
        let item = item.unwrap_or_default();
        let whole = |name: &str| item.get(name)?.as_n().ok()?.parse::<i64>().ok();
        let since = whole("revived_at").or_else(|| whole("received_at"));
        let kept = whole("expires_at").zip(since.map(|since| since.div_euclid(1_000)));
        let expires_at = match kept {
            Some((until, since)) => now.as_second().saturating_add(until - since),
            None => self.expires_at(now),
        };
        for piece in Self::keys_of_pieces(&item) {
            let part = |name: &str| piece.get(name)?.as_s().ok().cloned();
            let (Some(pk), Some(sk)) = (part("pk"), part("sk")) else {
                continue;
            };
            let update = self.table.update(pk, sk).condition(present("pk"));
            let update = update.set("expires_at", number(expires_at));
            update.send_if().await?;
        }
        Ok(expires_at)
    }

    /// Takes an entry up again that was delivered, unless it was received or taken up since `run`: it is pending once more. Whether it
    /// is to be rung for now.
    pub async fn deliver_again(
        &self,
        lane: &Lane,
        key: &EntryKey,
        run: Timestamp,
        now: Timestamp,
    ) -> Result<bool, TableError> {
        let expires_at = self.keep_again(lane, key, now).await?;
        let before_run = absent("revived_at").or(below("revived_at", millis(run)));
        self.update_at(lane, key.as_str())
            .condition(equals("state", text("delivered")))
            .condition(before_run)
            .condition(below("received_at", millis(run)))
            .set("state", text("pending"))
            .set("pending", text(key.as_str()))
            .set("revived_at", millis(now))
            .set("expires_at", number(expires_at))
            .set("attempts", number(0))
            .set("starts", number(0))
            .set("overruns", number(0))
            .set("parts_done", number(0))
            .remove("dead")
            .remove("ended_at")
            .remove("reason")
            .send_if()
            .await
    }

    /// The lanes that have pending entries: a scan of the sparse index [`PENDING_INDEX`], which reads as
    /// many entries as are pending, not as the table has.
    pub async fn pending_lanes(&self) -> Result<BTreeSet<Lane>, TableError> {
        self.lanes_in(Some(PENDING_INDEX)).await
    }

    /// All lanes that have an entry. Reads the whole table: for one on this machine.
    pub async fn lanes(&self) -> Result<BTreeSet<Lane>, TableError> {
        self.lanes_in(None).await
    }

    async fn lanes_in(&self, index: Option<&str>) -> Result<BTreeSet<Lane>, TableError> {
        let mut lanes = BTreeSet::new();
        let scan = self
            .table
            .scan(index, true, &["pk"], |item| lanes.extend(lane_of(item)));
        scan.await?;
        Ok(lanes)
    }

    /// The names of what a ledger knows: the connections of users, the accounts that were told something or heard of,
    /// the sinks that were given something. Reads the whole table: for one on this machine.
    pub async fn names(&self) -> Result<Names, TableError> {
        let mut names = Names::default();
        let scan = self.table.scan(None, false, &["pk", "connection"], |item| {
            let text = |name: &str| item.get(name)?.as_s().ok();
            let pk = text("pk").map_or("", String::as_str);
            if pk.starts_with("user#") {
                names.connections.extend(text("connection").cloned());
            } else if let Some(account) = pk.strip_prefix("account#") {
                names.accounts.insert(account.to_owned());
            } else if let Some(Lane::Sink { sink, .. }) = lane_of(item) {
                names.sinks.insert(sink);
            }
        });
        scan.await?;
        Ok(names)
    }

    /// The users who have an entry with this correlation id, or one of [this key](EntryKey::matches_provider_id), and those
    /// whom a channel calls so, also as `CONNECTION/USER`. Reads the whole table: for an operator who knows
    /// nothing else of a message or a user.
    pub async fn users_with(&self, id: &str) -> Result<BTreeSet<AuthId>, TableError> {
        let mut users = BTreeSet::new();
        let names = ["pk", "sk", "correlation_id", "channel_user", "connection"];
        let scan = self.table.scan(None, false, &names, |item| {
            users.extend(user_with(id, item));
        });
        scan.await?;
        Ok(users)
    }
}

/// The user of an item, if it is the one that [`Ledger::users_with`] looks for.
fn user_with(id: &str, item: &Item) -> Option<AuthId> {
    let text = |name: &str| item.get(name)?.as_s().ok().map(String::as_str);
    // Where many workspaces have an app, a user's name there has the workspace before the user; and where
    // each thread is a conversation, it is one of many.
    let is_called_so = text("channel_user").is_some_and(|user| {
        let connection = text("connection").unwrap_or_default();
        let of_connection = id.strip_prefix(connection);
        let of_connection = of_connection.and_then(|rest| rest.strip_prefix('/'));
        user == id || user.rsplit(':').next() == Some(id) || of_connection == Some(user)
    });
    let pk = text("pk")?;
    if is_called_so && let Some(auth_id) = pk.strip_prefix("user#") {
        return Some(auth_id.into());
    }
    let is_of = text("sk").is_some_and(|key| EntryKey::from(key).matches_provider_id(id));
    if text("correlation_id") != Some(id) && !is_of {
        return None;
    }
    lane_of(item)?.user().cloned()
}

fn lane_of(item: &Item) -> Option<Lane> {
    item.get("pk")?.as_s().ok()?.parse().ok()
}
