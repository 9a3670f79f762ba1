//! Where the app is installed: one item of the table for each workspace, with its token, encrypted.
//!
//! | partition key | sort key | attributes |
//! |---|---|---|
//! | `installations#{connection}` | the workspace's id | `sealed_token`, `installed_at`; after the end of the installation only `ended_at` |
//! | `installations#{connection}` | `state#{hash}` | nothing: this `state` was used |

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use secrecy::SecretString;

use super::{Ended, WorkspaceId};
use crate::memory::Memory;
use crate::slack::api::SlackError;
use haptik_bridge_shared::ids::ConnectionId;
use haptik_bridge_shared::retry::Retryable as _;
use haptik_bridge_shared::seal::{NoRandomness, Sealer};
use haptik_bridge_shared::table::{
    Table, TableError, absent, at_most, equals, number, present, text,
};

/// How long a token that was read is used before it is read again. Slack refuses one that has ended, and
/// then it is read at once.
const REREAD_AFTER: Duration = Duration::from_secs(30);

/// How many tokens are kept in memory.
const MOST_IN_MEMORY: usize = 10_000;

/// How long it is remembered that an installation ended.
const ENDED_TTL: i64 = 30 * 24 * 3_600;

const TOKEN: &str = "sealed_token";

/// The installations of one connection.
#[derive(Debug)]
pub(super) struct Installations {
    table: Table,
    connection: ConnectionId,
    sealer: Sealer,
    in_memory: Arc<InMemory>,
}

/// The tokens that were read lately.
type InMemory = Mutex<HashMap<WorkspaceId, Remembered>>;

#[derive(Debug)]
struct Remembered {
    token: SecretString,
    read_at: Instant,
}

/// An installation was not kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotKept {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

impl Installations {
    pub(super) fn new(
        table: Table,
        connection: ConnectionId,
        sealer: Sealer,
        memory: &Memory,
    ) -> Self {
        Self {
            in_memory: memory.of(&connection),
            table,
            connection,
            sealer,
        }
    }

    /// The token of a workspace: from memory, or by one read of the table.
    pub(super) async fn token(&self, workspace: &WorkspaceId) -> Result<SecretString, SlackError> {
        if let Some(token) = self.remembered(workspace) {
            return Ok(token);
        }
        let read_at = Instant::now();
        let item = self.table.get(&self.pk(), workspace.as_str()).await;
        let item = item.map_err(|error| SlackError::Table {
            reason: error.to_string(),
            retry: error.retry(),
        })?;
        let not_installed = |ended| SlackError::NotInstalled {
            workspace: workspace.clone(),
            ended,
        };
        let item = item.ok_or_else(|| not_installed(false))?;
        let sealed = item.get(TOKEN).and_then(|sealed| sealed.as_s().ok());
        let sealed = sealed.ok_or_else(|| not_installed(true))?;
        let opened = self.sealer.open(sealed, &self.place(workspace));
        let opened = opened.ok_or_else(|| SlackError::Sealed {
            workspace: workspace.clone(),
        })?;
        if !opened.by_newest {
            self.seal_anew(workspace, &item, sealed, &opened.secret)
                .await;
        }
        let token = opened.secret;
        self.remember(workspace, &token, read_at);
        Ok(token)
    }

    /// Keeps the token of a workspace in which the app was installed at this time, by Slack's clock.
    pub(super) async fn put(
        &self,
        workspace: &WorkspaceId,
        token: &SecretString,
        at: Timestamp,
    ) -> Result<(), NotKept> {
        let sealed = self.sealer.seal(token, &self.place(workspace))?;
        let mut item = self.key(workspace.as_str());
        item.insert(TOKEN.to_owned(), text(sealed));
        item.insert("installed_at".to_owned(), number(at.as_second()));
        self.table.put(item).await?;
        self.forget(workspace);
        Ok(())
    }

    /// Deletes the token of an installation that ended, unless the app was installed later than that.
    /// Whether it did. That it ended is remembered for a month.
    pub(super) async fn end(&self, ended: &Ended, now: Timestamp) -> Result<bool, TableError> {
        let mut item = self.key(ended.workspace.as_str());
        item.insert("ended_at".to_owned(), number(ended.at));
        let expires_at = now.as_second().saturating_add(ENDED_TTL);
        item.insert("expires_at".to_owned(), number(expires_at));
        let condition = present(TOKEN).and(at_most("installed_at", number(ended.at)));
        let is_over = self.table.put_if(item, condition).await?;
        self.forget(&ended.workspace);
        Ok(is_over)
    }

    /// Notes that a `state` is used; whether it was not before. It is good until `expires`, in seconds
    /// since the epoch.
    pub(super) async fn use_state(&self, hash: &str, expires: i64) -> Result<bool, TableError> {
        let mut item = self.key(&format!("state#{hash}"));
        item.insert("expires_at".to_owned(), number(expires));
        self.table.put_if(item, absent("pk")).await
    }

    /// Has the token read again when it is next used.
    pub(super) fn forget(&self, workspace: &WorkspaceId) {
        let mut in_memory = self
            .in_memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        in_memory.remove(workspace);
    }

    fn remembered(&self, workspace: &WorkspaceId) -> Option<SecretString> {
        let in_memory = self
            .in_memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let found = in_memory.get(workspace)?;
        (found.read_at.elapsed() < REREAD_AFTER).then(|| found.token.clone())
    }

    fn remember(&self, workspace: &WorkspaceId, token: &SecretString, read_at: Instant) {
        let mut in_memory = self
            .in_memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if in_memory.len() >= MOST_IN_MEMORY {
            in_memory.clear();
        }
        let token = token.clone();
        in_memory.insert(workspace.clone(), Remembered { token, read_at });
    }

    /// Encrypts a token with the newest key, so that the older one can go. What fails is done when the
    /// token is next read.
    async fn seal_anew(
        &self,
        workspace: &WorkspaceId,
        item: &HashMap<String, AttributeValue>,
        sealed: &str,
        token: &SecretString,
    ) {
        let Ok(anew) = self.sealer.seal(token, &self.place(workspace)) else {
            return;
        };
        let mut item = item.clone();
        item.insert(TOKEN.to_owned(), text(anew));
        let unchanged = equals(TOKEN, text(sealed));
        if let Err(error) = self.table.put_if(item, unchanged).await {
            tracing::warn!(%workspace, %error, "a token is not encrypted with the newest key yet");
        }
    }

    fn pk(&self) -> String {
        format!("installations#{}", self.connection)
    }

    fn key(&self, sk: &str) -> HashMap<String, AttributeValue> {
        HashMap::from([
            ("pk".to_owned(), text(self.pk())),
            ("sk".to_owned(), text(sk)),
        ])
    }

    /// What a token is bound to: one that somebody copies to another workspace's item opens nothing.
    fn place<'a>(&'a self, workspace: &'a WorkspaceId) -> [&'a str; 3] {
        [
            "slack bot token",
            self.connection.as_str(),
            workspace.as_str(),
        ]
    }
}
