//! Which conversations were active when, and which of a user's conversations the last one was: what
//! reconciliation after an outage goes by, found without a scan.
//!
//! A user who writes leaves one item an hour under `active#{account}#{hour}`, so that those who were
//! active in a time are one query an hour.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, AuthId};
use crate::table::{Table, TableError, above, number, text};

/// How long it is remembered that a user was active: longer than any outage that is worth reconciling.
pub const ACTIVITY_TTL: Duration = Duration::from_hours(10 * 24);

/// How old the time of a user's last activity may be, in milliseconds, before it is written again.
pub const STEP: i64 = 60_000;

/// Who was active.
#[derive(Debug, Clone)]
pub struct Activity {
    table: Table,
}

/// An hour: how many have passed since 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hour(i64);

impl Hour {
    /// The hour of a time.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        Self::of_millisecond(at.as_millisecond())
    }

    /// The hour of a time in milliseconds since the epoch.
    #[must_use]
    pub fn of_millisecond(at: i64) -> Self {
        Self(at.div_euclid(3_600_000))
    }

    /// The hour before.
    #[must_use]
    pub fn before(self) -> Self {
        Self(self.0 - 1)
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

impl Activity {
    /// The activity that is kept in `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Notes that a user was active. To be called once an hour and user.
    pub async fn note(
        &self,
        account: &AccountId,
        auth_id: &AuthId,
        at: Timestamp,
    ) -> Result<(), TableError> {
        let expires_at = at
            .as_second()
            .saturating_add_unsigned(ACTIVITY_TTL.as_secs());
        self.table
            .put(HashMap::from([
                ("pk".to_owned(), text(active_key(account, Hour::of(at)))),
                ("sk".to_owned(), text(auth_id.as_str())),
                ("expires_at".to_owned(), number(expires_at)),
            ]))
            .await
    }

    /// Who was active in an hour, in the order of the `auth_id`s: up to `limit` of those after `after`.
    pub async fn active(
        &self,
        account: &AccountId,
        hour: Hour,
        after: Option<&AuthId>,
        limit: i32,
    ) -> Result<Vec<AuthId>, TableError> {
        // No auth_id is empty, so the empty text is before all of them; but a key must not be empty.
        let after = after.map_or("\u{0}", AuthId::as_str);
        let query = self.table.query(active_key(account, hour));
        let query = query.and(above("sk", text(after)));
        let (items, _) = query.page(limit).await?;
        let ids = items.iter().filter_map(|item| item.get("sk")?.as_s().ok());
        Ok(ids.map(|id| AuthId::from(id.as_str())).collect())
    }

    /// Notes the number of a conversation that has completed: Haptik tells it then and not before, and
    /// wants it for a transcript.
    pub async fn completed(
        &self,
        auth_id: &AuthId,
        conversation_no: u64,
    ) -> Result<(), TableError> {
        self.table
            .put(HashMap::from([
                ("pk".to_owned(), text(format!("user#{auth_id}"))),
                ("sk".to_owned(), text("conversation")),
                ("conversation_no".to_owned(), number(conversation_no)),
            ]))
            .await
    }

    /// The number of the user's last conversation that is known to have completed.
    pub async fn last_completed(&self, auth_id: &AuthId) -> Result<Option<u64>, TableError> {
        let item = self
            .table
            .get(&format!("user#{auth_id}"), "conversation")
            .await?;
        let number = item.as_ref().and_then(|item| {
            let number = item.get("conversation_no")?.as_n().ok()?;
            number.parse().ok()
        });
        Ok(number)
    }
}

fn active_key(account: &AccountId, hour: Hour) -> String {
    format!("active#{account}#{hour}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_begins_on_the_hour_also_before_1970() {
        let hour = |second| Hour::of(Timestamp::from_second(second).expect("in range"));
        assert_eq!(
            [hour(0), hour(3_599), hour(3_600)],
            [Hour(0), Hour(0), Hour(1)]
        );
        assert_eq!(hour(-1), hour(0).before());
        assert_eq!(Hour::of_millisecond(3_600_000), Hour(1));
    }
}
