//! What is kept in the table beside the ledger. Twilio says of no message when it was written, so that the
//! first delivery's time is its place among the user's doings; and nobody is to be written to after STOP.
//!
//! | partition key | sort key | attributes |
//! |---|---|---|
//! | `twilio#{connection}` | `seen#{SID}` | `at`: when it came first, in microseconds; goes after 30 days |
//! | `twilio#{connection}` | `consent#{address}` | `at`, and `stopped`: 1 after STOP, 0 after START |
//! | `twilio#{connection}` | `content#{account}#{shape}` | `sid`, of what was made by the Content API |

use aws_sdk_dynamodb::types::AttributeValue;
use haptik_bridge_shared::ids::ConnectionId;
use haptik_bridge_shared::items::{KeyShape, Kind, Whose};
use haptik_bridge_shared::table::{Item, Table, TableError, absent, below, number, text};
use jiff::Timestamp;

/// The kinds of these items.
pub(super) const ITEMS: &[Kind] = &[
    Kind {
        name: "first times of Twilio's messages",
        shapes: &[KeyShape("twilio#{connection}", "seen#{message}")],
        holds: "nothing: a message's SID and when it came first",
        kept: "30 days",
        whose: Whose::Nobody,
    },
    Kind {
        name: "consents at Twilio",
        shapes: &[KeyShape("twilio#{connection}", "consent#{channel user}")],
        holds: "a phone number or address, and whether it said STOP or START last",
        kept: "until the person is forgotten",
        whose: Whose::ChannelUser,
    },
    Kind {
        name: "templates at Twilio",
        shapes: &[KeyShape(
            "twilio#{connection}",
            "content#{account}#{shape..}",
        )],
        holds: "nothing: the SID of what was made by the Content API",
        kept: "as long as the table",
        whose: Whose::Nobody,
    },
];

/// For how long a message is known again, in seconds. Its signature is good for ever.
const SEEN_TTL: i64 = 30 * 24 * 3_600;

/// What one connection keeps.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    table: Table,
    connection: ConnectionId,
}

impl Kept {
    pub(super) fn new(table: Table, connection: ConnectionId) -> Self {
        Self { table, connection }
    }

    /// When the message with this SID came first: now, unless it is known already.
    pub(super) async fn first_seen(
        &self,
        sid: &str,
        now: Timestamp,
    ) -> Result<Timestamp, TableError> {
        let mut item = self.key(&format!("seen#{sid}"));
        item.insert("at".to_owned(), number(now.as_microsecond()));
        let expires_at = now.as_second().saturating_add(SEEN_TTL);
        item.insert("expires_at".to_owned(), number(expires_at));
        let there = self.table.put_new(item).await?;
        let at = there.as_ref().and_then(|there| whole(there, "at"));
        Ok(at
            .and_then(|at| Timestamp::from_microsecond(at).ok())
            .unwrap_or(now))
    }

    /// Notes that a user stopped messages then, or wants them again. What came before what is known changes
    /// nothing.
    pub(super) async fn set_stopped(
        &self,
        user: &str,
        stopped: bool,
        at: Timestamp,
    ) -> Result<(), TableError> {
        let at = number(at.as_microsecond());
        let mut item = self.key(&format!("consent#{user}"));
        item.insert("at".to_owned(), at.clone());
        item.insert("stopped".to_owned(), number(u8::from(stopped)));
        let is_newer = absent("pk").or(below("at", at));
        self.table.put_if(item, is_newer).await.map(drop)
    }

    /// Whether a user stopped messages.
    pub(super) async fn is_stopped(&self, user: &str) -> Result<bool, TableError> {
        let (pk, sk) = (self.pk(), format!("consent#{user}"));
        let item = self.table.get(&pk, &sk).await?;
        Ok(item.and_then(|item| whole(&item, "stopped")) == Some(1))
    }

    /// The SID of what the account made of this shape by the Content API.
    pub(super) async fn content(
        &self,
        account: &str,
        shape: &str,
    ) -> Result<Option<String>, TableError> {
        let (pk, sk) = (self.pk(), content(account, shape));
        let item = self.table.get(&pk, &sk).await?;
        let sid = item.as_ref().and_then(|item| item.get("sid")?.as_s().ok());
        Ok(sid.cloned())
    }

    /// Keeps that SID.
    pub(super) async fn set_content(
        &self,
        account: &str,
        shape: &str,
        sid: &str,
    ) -> Result<(), TableError> {
        let mut item = self.key(&content(account, shape));
        item.insert("sid".to_owned(), text(sid));
        self.table.put(item).await
    }

    /// Forgets that SID.
    pub(super) async fn forget_content(
        &self,
        account: &str,
        shape: &str,
    ) -> Result<(), TableError> {
        self.table
            .delete(&self.pk(), &content(account, shape))
            .await
    }

    fn pk(&self) -> String {
        format!("twilio#{}", self.connection)
    }

    fn key(&self, sk: &str) -> Item {
        Item::from([
            ("pk".to_owned(), text(self.pk())),
            ("sk".to_owned(), text(sk)),
        ])
    }
}

fn content(account: &str, shape: &str) -> String {
    format!("content#{account}#{shape}")
}

fn whole(item: &Item, name: &str) -> Option<i64> {
    item.get(name)
        .map(AttributeValue::as_n)
        .and_then(Result::ok)
        .and_then(|number| number.parse().ok())
}
