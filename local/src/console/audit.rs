//! Who looked at what was said, had it delivered again, exported and forgot: [`haptik_bridge_local::audit`] has the
//! records.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use haptik_bridge_local::audit::{self, Place};
use haptik_bridge_local::privacy::Person;
use haptik_bridge_shared::ids::{AuthId, EntryKey};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::table::TableError;
use serde_json::json;

use super::{Answer, Asked, Console, Refused};

/// How many records are shown at once.
const PAGE: i32 = 50;

/// At or of what something is done.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of<'a> {
    /// An entry: its correlation id is recorded.
    Entry(&'a Lane, &'a EntryKey),
    /// A person: the hashes are recorded that the tombstones have.
    Person(&'a Person),
    /// What was chosen, in words that name nobody.
    Chosen(&'a str),
}

impl Console {
    /// Records that something is done, before it is; of which entry, or of whom, is not said by name.
    ///
    /// # Errors
    /// When it cannot be recorded: then it must not be done.
    pub(super) async fn record(
        &self,
        did: &str,
        of: Of<'_>,
        count: usize,
    ) -> Result<(), TableError> {
        let table = self.operated.ledger.table();
        let what = match of {
            Of::Entry(lane, key) => audit::of_entry(lane, key),
            Of::Person(person) => {
                let names = person.auth_ids.iter().map(AuthId::as_str);
                self.operated.hashed(names).await?
            }
            Of::Chosen(words) => words.to_owned(),
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
