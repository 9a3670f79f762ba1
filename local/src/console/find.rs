//! Entries by what somebody knows of them, users, and their conversations. All by queries of keys: nothing reads the
//! table.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use futures_util::future::try_join_all;
use haptik_bridge_shared::activity::Hour;
use haptik_bridge_shared::ids::{AccountId, AuthId, EntryKey};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, Large, Payload};
use haptik_bridge_shared::table::TableError;
use haptik_bridge_shared::users::{Mode, User};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::audit::Of;
use super::{Answer, Asked, Console, Refused};
use crate::operate::{as_json, auth_ids};

/// How many entries of a lane are shown at once.
const PAGE: i32 = 50;

/// How many users are shown who were active lately, and how many hours are looked through for them.
const RECENT: usize = 50;
const RECENT_HOURS: usize = 48;

/// How many hours are looked at side by side.
const SIDE_BY_SIDE: usize = 12;

impl Console {
    /// The entry that a query names.
    pub(super) async fn entry(&self, lane: &str, key: &str) -> Result<Entry, Refused> {
        let lane: Lane = lane
            .parse()
            .map_err(|error| Refused::bad(format!("{error}")))?;
        let found = self.operated.ledger.entry(&lane, &key.into()).await?;
        found.ok_or_else(|| Refused::not_found("The ledger has no such entry any more."))
    }

    /// The entries at these places that are there, in their order, without large payloads.
    pub(super) async fn entries(
        &self,
        places: Vec<(Lane, EntryKey)>,
    ) -> Result<Vec<Entry>, TableError> {
        let ledger = &self.operated.ledger;
        ledger.entries_at(&places, Large::LeftOut).await
    }

    /// Whether something is known of a user.
    async fn is_known(&self, user: &AuthId) -> Result<bool, TableError> {
        if self.operated.users.get(user).await?.is_some() {
            return Ok(true);
        }
        for lane in [Lane::Channel(user.clone()), Lane::Haptik(user.clone())] {
            if !self.operated.ledger.is_empty(&lane).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The lanes of a user: both directions, the tasks, and the sinks that are configured.
    fn lanes_of(&self, user: &AuthId) -> Vec<Lane> {
        let sinks = self
            .config()
            .into_iter()
            .flat_map(|config| config.sinks.keys());
        let sinks = sinks.map(|sink| Lane::Sink {
            sink: sink.clone(),
            auth_id: user.clone(),
        });
        let own = [Lane::Haptik, Lane::Channel, Lane::Task].map(|lane| lane(user.clone()));
        own.into_iter().chain(sinks).collect()
    }

    async fn users(&self, users: BTreeSet<AuthId>) -> Result<Vec<Value>, TableError> {
        let shown = users.into_iter().map(async |id| {
            let known = self.operated.users.get(&id).await?;
            Ok::<Value, TableError>(shown_user(&id, known.as_ref()))
        });
        try_join_all(shown).await
    }
}

/// An entry as the page lists it: with what was said only where that was asked for.
pub(super) fn listed(entry: &Entry) -> Value {
    let mut shown = as_json(entry, false);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("kind".to_owned(), kind(&entry.payload).into());
        fields.insert("user".to_owned(), json!(entry.lane.user()));
    }
    shown
}

/// What has this name (`q`): entries by a correlation id, a provider's id or link, a ticket's number or a key, and
/// users by `auth_id`, `CONNECTION/USER` or the channel's own id.
pub(super) async fn find(State(console): State<Arc<Console>>, Query(asked): Asked) -> Answer {
    let name = asked.get("q").map_or("", |name| name.trim());
    if name.is_empty() {
        return Err(Refused::bad("What is to be found?"));
    }
    let places = console.operated.ledger.places_of(name).await?;
    let mut entries = console.entries(places).await?;
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.received_at));
    let mut candidates: BTreeSet<AuthId> = auth_ids(name).into_iter().collect();
    if !name.contains('/') {
        // The channel's own id alone: of each connection.
        let config = console.config().into_iter();
        let connections = config.flat_map(|config| config.channels.keys());
        candidates
            .extend(connections.flat_map(|connection| auth_ids(&format!("{connection}/{name}"))));
    }
    let known = candidates.into_iter().map(async |user| {
        let is_known = console.is_known(&user).await?;
        Ok::<_, TableError>(is_known.then_some(user))
    });
    let mut users: BTreeSet<AuthId> = try_join_all(known).await?.into_iter().flatten().collect();
    let called = name.rsplit_once('/').map_or(name, |(_, user)| user);
    let (first, are_more) = console.operated.users.first_called(called).await?;
    users.extend(first);
    let entries: Vec<Value> = entries.iter().map(listed).collect();
    Ok(Json(
        json!({"entries": entries, "users": console.users(users).await?, "more_users": are_more}),
    ))
}

/// Sorts behind all keys of a lane.
const BEHIND_ALL: &str = "~";

/// The conversation of a user (`user`), the last first: at most a page of each lane, of what sorts before the keys
/// that `before` has, by lane.
pub(super) async fn conversation(
    State(console): State<Arc<Console>>,
    Query(asked): Asked,
) -> Answer {
    let Some(user) = asked.get("user").filter(|user| !user.is_empty()) else {
        return Err(Refused::bad("Whose?"));
    };
    let user = AuthId::from(user.as_str());
    let before: Option<BTreeMap<String, String>> = match asked.get("before") {
        Some(before) => {
            let read = serde_json::from_str(before);
            Some(read.map_err(|_| Refused::bad("before is no object of lanes and keys"))?)
        }
        None => None,
    };
    let mut lanes = console.lanes_of(&user);
    lanes.retain(|lane| {
        before
            .as_ref()
            .is_none_or(|before| before.contains_key(&lane.to_string()))
    });
    let pages = lanes.iter().map(async |lane| {
        let before = before
            .as_ref()
            .and_then(|before| before.get(&lane.to_string()));
        let before = before.map(|key| EntryKey::from(key.as_str()));
        let page = console
            .operated
            .ledger
            .entries_before(lane, before.as_ref(), PAGE);
        page.await
    });
    let pages: Vec<(Vec<Entry>, bool)> = try_join_all(pages).await?;
    // What is older than this may have something of a lane before it that is not read yet.
    let known_since = pages
        .iter()
        .filter_map(|(page, more)| page.last().filter(|_| *more));
    let known_since = known_since.map(|last| last.received_at).max();
    let mut entries = Vec::new();
    let mut next: BTreeMap<String, String> = BTreeMap::new();
    for (lane, (mut page, more)) in lanes.iter().zip(pages) {
        let is_known = |entry: &Entry| known_since.is_none_or(|since| entry.received_at >= since);
        let known = page.iter().take_while(|entry| is_known(entry)).count();
        if more || known < page.len() {
            let lane = lane.to_string();
            let last = page.get(..known).and_then(<[Entry]>::last);
            let from = last.map(|last| last.key.to_string());
            let from = from.or_else(|| before.as_ref()?.get(&lane).cloned());
            next.insert(lane, from.unwrap_or_else(|| BEHIND_ALL.to_owned()));
        }
        entries.extend(page.drain(..known));
    }
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.received_at));
    let known = console.operated.users.get(&user).await?;
    let entries: Vec<Value> = entries.iter().map(listed).collect();
    let next = (!next.is_empty()).then_some(next);
    Ok(Json(
        json!({"user": shown_user(&user, known.as_ref()), "entries": entries, "next": next}),
    ))
}

/// The users who were active lately, the last hour first.
pub(super) async fn recent(State(console): State<Arc<Console>>) -> Answer {
    let Some(inbound) = &console.inbound else {
        let none: [Value; 0] = [];
        return Ok(Json(json!({"users": none})));
    };
    let bridge = inbound.bridge();
    let accounts: Vec<&AccountId> = bridge.haptik.keys().collect();
    let mut users: Vec<AuthId> = Vec::new();
    let limit = i32::try_from(RECENT).unwrap_or(i32::MAX);
    let now = Hour::of(Timestamp::now());
    let hours = std::iter::successors(Some(now), |hour| Some(hour.before()));
    let hours: Vec<Hour> = hours.take(RECENT_HOURS).collect();
    for some in hours.chunks(SIDE_BY_SIDE) {
        let active = some.iter().flat_map(|hour| {
            let of = |account| bridge.activity.active(account, *hour, None, limit);
            accounts.iter().copied().map(of)
        });
        for active in try_join_all(active).await? {
            let new = active.into_iter().filter(|user| !users.contains(user));
            users.extend(new.collect::<Vec<_>>());
        }
        if users.len() >= RECENT {
            break;
        }
    }
    users.truncate(RECENT);
    let mut shown = console.users(users.into_iter().collect()).await?;
    let at =
        |user: &Value| std::cmp::Reverse(user["last_activity"].as_str().map(ToOwned::to_owned));
    shown.sort_by_key(at);
    Ok(Json(json!({"users": shown})))
}

/// One entry (`lane`, `key`); with what was said where the console was started so, which is recorded.
pub(super) async fn entry(State(console): State<Arc<Console>>, Query(asked): Asked) -> Answer {
    let text = |name: &str| asked.get(name).map_or("", String::as_str);
    let (lane, key) = (text("lane"), text("key"));
    let entry = console.entry(lane, key).await?;
    let mut shown = listed(&entry);
    if console.bodies {
        console
            .record("looked", Of::Entry(&entry.lane, &entry.key), 1)
            .await?;
        let full = as_json(&entry, true);
        if let (Some(shown), Value::Object(full)) = (shown.as_object_mut(), full) {
            shown.extend(full);
            if let Payload::Webhook { body, .. } = &entry.payload {
                let body = serde_json::from_str(body).unwrap_or_else(|_| body.as_str().into());
                shown.insert("payload".to_owned(), body);
            }
        }
    }
    Ok(Json(shown))
}

/// What an entry asks to be done, in a word.
fn kind(payload: &Payload) -> &'static str {
    match payload {
        Payload::Inbound { .. } => "said",
        Payload::Webhook { .. } => "delivered by Haptik",
        Payload::HandoffEnded { .. } => "end of a hand-off",
        Payload::MessageReturned { .. } => "returned to the bot",
        Payload::Receipt { .. } => "receipt",
        Payload::Task { .. } => "task",
        Payload::NotUnderstood { .. } => "not understood",
        Payload::NotRead => "large",
    }
}

fn shown_user(id: &AuthId, known: Option<&User>) -> Value {
    let Some(user) = known else {
        return json!({"auth_id": id});
    };
    json!({
        "auth_id": id,
        "connection": user.connection,
        "channel_user": user.channel_user,
        "registered": user.registered.is_some() || user.user_name.is_some(),
        "answered_by": match user.mode {
            Mode::Bot => "the bot",
            Mode::Agent => "an agent",
        },
        "last_activity": Timestamp::from_millisecond(user.last_activity).ok(),
    })
}
