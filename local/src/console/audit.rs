//! Who looked at what was said, had it delivered again, exported and forgot: [`haptik_bridge_local::audit`] has the
//! records.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use haptik_bridge_local::audit::{self, Place};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::table::TableError;
use serde_json::json;

use super::{Answer, Asked, Console, Refused};

/// How many records are shown at once.
const PAGE: i32 = 50;

impl Console {
    /// Records that something is done, before it is; of which entry, or of whom, is not said by name.
    ///
    /// # Errors
    /// When it cannot be recorded: then it must not be done.
    pub(super) async fn record(
        &self,
        did: &str,
        what: &str,
        count: usize,
    ) -> Result<(), TableError> {
        let table = self.operated.ledger.table();
        let entry = what.split_once(' ');
        let entry = entry.and_then(|(lane, key)| Some((lane.parse::<Lane>().ok()?, key.into())));
        let what = match entry {
            Some((lane, key)) => audit::of_entry(&lane, &key),
            None if what.is_empty() => String::new(),
            None => table.hash_of(what).await?,
        };
        audit::record(table, &self.who, did, &what, count).await
    }
}

/// The records, the last first; behind the one that `before` names.
pub(super) async fn list(State(console): State<Arc<Console>>, Query(asked): Asked) -> Answer {
    let before: Option<Place> = match asked.get("before").filter(|text| !text.is_empty()) {
        Some(text) => Some(serde_json::from_str(text).map_err(|_| Refused::bad("before is none"))?),
        None => None,
    };
    let table = console.operated.ledger.table();
    let (records, next) = audit::newest(table, before.as_ref(), PAGE).await?;
    Ok(Json(json!({"records": records, "next": next})))
}
