//! Who looked at what was said, had it delivered again, exported a person's data and forgot somebody: an item of the
//! table each, and a line of the log. They are apart from what is forgotten, and hold nobody's identity but the
//! operator's: of a message its correlation id, of a person the [hash](haptik_bridge_shared::table::hash()) that the
//! tombstones have too.
//!
//! | partition key | sort key |
//! |---|---|
//! | `audit#{month}` | the time, `#`, a random number |

use haptik_bridge_shared::ids::{CorrelationId, EntryKey};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::table::{Table, TableError, key, number, text};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a record is kept, in seconds.
const KEPT: i64 = 400 * 24 * 3_600;

/// How many months are looked through for a page.
const MONTHS: i64 = 14;

/// What somebody did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// When, as `2026-11-23T10:00:00.123456Z`.
    pub at: String,
    /// Who: the caller in AWS, or the user of a machine.
    pub who: String,
    /// What: `looked`, `replayed`, `exported`, `forgot`, `forgot again`.
    pub did: String,
    /// At or of what: a correlation id, the hash of a person, or how it was chosen; may be empty.
    pub what: String,
    /// How many.
    pub count: u64,
}

/// Where a list of records goes on: the month, and the sort key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place(String, String);

/// Records that something is done, before it is.
///
/// # Errors
/// When it cannot be recorded: then it must not be done.
pub async fn record(
    table: &Table,
    who: &str,
    did: &str,
    what: &str,
    count: usize,
) -> Result<(), TableError> {
    let now = Timestamp::now();
    let sk = format!("{now:.6}#{:08x}", fastrand::u32(..));
    let mut item = key(format!("audit#{}", month(now)), sk);
    item.insert("who".to_owned(), text(who));
    item.insert("did".to_owned(), text(did));
    item.insert("what".to_owned(), text(what));
    item.insert("count".to_owned(), number(count));
    item.insert("expires_at".to_owned(), number(now.as_second() + KEPT));
    table.put(item).await?;
    tracing::info!(target: "haptik_bridge::audit", who, did, what, count, "somebody looked, replayed, exported or forgot");
    Ok(())
}

/// What a record says of an entry.
#[must_use]
pub fn of_entry(lane: &Lane, key: &EntryKey) -> String {
    CorrelationId::of(lane, key).to_string()
}

/// The records, the last first: about `most` of them, behind a place; and where to go on.
///
/// # Errors
/// When the table does not answer.
pub async fn newest(
    table: &Table,
    before: Option<&Place>,
    most: i32,
) -> Result<(Vec<Record>, Option<Place>), TableError> {
    let mut records = Vec::new();
    let mut last = None;
    for month in months(Timestamp::now()) {
        if before.is_some_and(|Place(from, _)| *from < month) {
            continue;
        }
        let left = most - i32::try_from(records.len()).unwrap_or(most);
        if left <= 0 {
            break;
        }
        let after = before.filter(|Place(from, _)| *from == month);
        let pk = format!("audit#{month}");
        let query = table.query(pk.as_str()).backwards();
        let query = query.after(after.map(|Place(_, sk)| key(pk.as_str(), sk.as_str())));
        for item in query.page(left).await?.0 {
            let field = |name: &str| item.get(name)?.as_s().ok().cloned();
            let sk = field("sk").unwrap_or_default();
            let count = item.get("count").and_then(|count| count.as_n().ok());
            records.push(Record {
                at: sk.split('#').next().unwrap_or_default().to_owned(),
                who: field("who").unwrap_or_default(),
                did: field("did").unwrap_or_default(),
                what: field("what").unwrap_or_default(),
                count: count.and_then(|count| count.parse().ok()).unwrap_or(0),
            });
            last = Some(Place(month.clone(), sk));
        }
    }
    let is_full = records.len() >= usize::try_from(most).unwrap_or_default();
    Ok((records, last.filter(|_| is_full)))
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
