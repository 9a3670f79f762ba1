//! What was given up, by its cause: how many, and which.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use haptik_bridge_shared::ledger::{
    Cause, DeadCount, DeadOrder, DeadPlace, DeadTime, State as EntryState,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::find::listed;
use super::{Answer, Asked, Console, Refused};
use crate::operate::moment;

/// How many entries are shown at once.
const PAGE: usize = 100;

/// How long entries are kept where no configuration says it.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// How long ago that may be which is looked at: longer than the longest time for which entries are kept.
const LONGEST: SignedDuration = SignedDuration::from_hours(400 * 24);

/// The time that a request names by `since` and `until`: by default as long as entries are kept, until now.
fn time(
    console: &Console,
    asked: &std::collections::HashMap<String, String>,
) -> Result<DeadTime, Refused> {
    let bad = |error: anyhow::Error| Refused::bad(error.to_string());
    let now = Timestamp::now();
    let since = if let Some(since) = asked.get("since") {
        moment(since).map_err(bad)?
    } else {
        let config = console.config();
        let kept = config.map_or(KEPT, |config| config.delivery.entry_ttl);
        now.checked_sub(kept)?
    };
    if since < now.checked_sub(LONGEST)? {
        return Err(Refused::bad("since is 400 days ago at most"));
    }
    let until = asked.get("until").map(|until| moment(until)).transpose();
    let until = until.map_err(bad)?.unwrap_or(now);
    Ok(DeadTime { since, until })
}

/// The causes for which something was given up (`since`, `until`), with how many entries have each, behind what
/// `after` names. A query for the causes, and two for each of a hundred.
pub(super) async fn list(State(console): State<Arc<Console>>, Query(asked): Asked) -> Answer {
    let time = time(&console, &asked)?;
    let after = asked.get("after").map(String::as_str);
    let after = after.filter(|after| !after.is_empty());
    let ledger = &console.operated.ledger;
    let (causes, next) = ledger.causes(time, after).await?;
    let counts = ledger.count_of(causes, time).await?;
    let causes = by_cause(counts);
    let count: usize = causes.values().map(|one| one.count).sum();
    let is_least = next.is_some() || causes.values().any(|one| one.is_least);
    let mut causes: Vec<&DeadCount> = causes.values().collect();
    causes.sort_by_key(|one| std::cmp::Reverse((one.count, one.last)));
    let causes: Vec<Value> = causes.into_iter().map(shown).collect();
    Ok(Json(json!({
        "causes": causes,
        "next": next,
        "count": count,
        "count_is_least": is_least,
        "since": time.since,
        "until": time.until,
    })))
}

/// The counts of several days, each cause once.
fn by_cause(counts: Vec<DeadCount>) -> BTreeMap<String, DeadCount> {
    let mut causes: BTreeMap<String, DeadCount> = BTreeMap::new();
    for one in counts {
        if let Some(all) = causes.get_mut(&one.of.cause.id) {
            all.count += one.count;
            all.is_least |= one.is_least;
            all.last = all.last.max(one.last);
        } else {
            causes.insert(one.of.cause.id.clone(), one);
        }
    }
    causes
}

fn shown(one: &DeadCount) -> Value {
    let Cause { id, way, reason } = &one.of.cause;
    json!({
        "id": id,
        "way": way,
        "reason": reason,
        "count": one.count,
        "is_least": one.is_least,
        "last": one.last,
    })
}

/// What was given up for one cause (`since`, `until`), the last first, behind what `after` names.
pub(super) async fn entries(
    State(console): State<Arc<Console>>,
    Path(cause): Path<String>,
    Query(asked): Asked,
) -> Answer {
    let time = time(&console, &asked)?;
    let after: Option<DeadPlace> = match asked.get("after").filter(|after| !after.is_empty()) {
        Some(after) => {
            Some(serde_json::from_str(after).map_err(|_| Refused::bad("after is none"))?)
        }
        None => None,
    };
    let ledger = &console.operated.ledger;
    let order = DeadOrder::NewestFirst;
    let (places, next) = ledger.dead_of(&cause, time, order, after, PAGE).await?;
    let places = places.into_iter().map(|place| (place.lane, place.key));
    let entries = console.entries(places.collect()).await?;
    // The index is a moment behind the table.
    let entries = entries
        .iter()
        .filter(|entry| entry.state == EntryState::Dead);
    let entries: Vec<Value> = entries.map(listed).collect();
    Ok(Json(json!({"entries": entries, "next": next})))
}
