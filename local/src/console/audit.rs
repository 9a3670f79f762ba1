//! Who looked at what was said, and who had what delivered again: an item of the table each, and a line of the log.
//!
//! | partition key | sort key |
//! |---|---|
//! | `audit#{month}` | the time, `#`, a random number |

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use haptik_bridge_shared::table::{TableError, key, number, text};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Answer, Asked, Console, Refused};

/// How long a record is kept, in seconds.
const KEPT: i64 = 400 * 24 * 3_600;

/// How many records are shown at once.
const PAGE: i32 = 50;

/// How many months are looked through for a page.
const MONTHS: i64 = 14;

impl Console {
    /// Records that something is done, before it is.
    ///
    /// # Errors
    /// When it cannot be recorded: then it must not be done.
    pub(super) async fn record(
        &self,
        did: &str,
        what: &str,
        count: usize,
    ) -> Result<(), TableError> {
        let now = Timestamp::now();
        let mut item = key(
            partition(now),
            format!("{now:.6}#{:08x}", fastrand::u32(..)),
        );
        item.insert("who".to_owned(), text(&self.who));
        item.insert("did".to_owned(), text(did));
        item.insert("what".to_owned(), text(what));
        item.insert("count".to_owned(), number(count));
        item.insert("expires_at".to_owned(), number(now.as_second() + KEPT));
        self.operated.ledger.table().put(item).await?;
        tracing::info!(target: "haptik_bridge::audit", who = self.who, did, what, count, "somebody looked or replayed");
        Ok(())
    }
}

/// The records, the last first; behind the one that `before` names.
pub(super) async fn list(State(console): State<Arc<Console>>, Query(asked): Asked) -> Answer {
    let before: Option<(String, String)> = match asked.get("before").filter(|text| !text.is_empty())
    {
        Some(text) => Some(serde_json::from_str(text).map_err(|_| Refused::bad("before is none"))?),
        None => None,
    };
    let table = console.operated.ledger.table();
    let mut records: Vec<Value> = Vec::new();
    let mut last = None;
    for month in months(Timestamp::now()) {
        if before.as_ref().is_some_and(|(from, _)| *from < month) {
            continue;
        }
        let left = PAGE - i32::try_from(records.len()).unwrap_or(PAGE);
        if left <= 0 {
            break;
        }
        let after = before.as_ref().filter(|(from, _)| *from == month);
        let query = table.query(format!("audit#{month}")).backwards();
        let query = query.after(after.map(|(month, sk)| key(format!("audit#{month}"), sk.clone())));
        for item in query.page(left).await?.0 {
            let field = |name: &str| item.get(name)?.as_s().ok().cloned();
            let sk = field("sk").unwrap_or_default();
            let count = item.get("count").and_then(|count| count.as_n().ok());
            records.push(json!({
                "at": sk.split('#').next(),
                "who": field("who"),
                "did": field("did"),
                "what": field("what"),
                "count": count.and_then(|count| count.parse::<u64>().ok()),
            }));
            last = Some((month.clone(), sk));
        }
    }
    let is_full = records.len() >= usize::try_from(PAGE).unwrap_or_default();
    let next = last.filter(|_| is_full);
    Ok(Json(json!({"records": records, "next": next})))
}

fn partition(at: Timestamp) -> String {
    format!("audit#{}", month(at))
}

/// A month as `2026-11`.
fn month(at: Timestamp) -> String {
    at.to_string().chars().take(7).collect()
}

/// The months until a time, the last first.
fn months(now: Timestamp) -> Vec<String> {
    let mut months: Vec<String> = (0..MONTHS * 31)
        .filter_map(|days| now.checked_sub(SignedDuration::from_hours(24 * days)).ok())
        .map(month)
        .collect();
    months.dedup();
    months
}
