//! Where the app is installed: one item of the table for each tenant, with its token, encrypted.
//!
//! | partition key | sort key | attributes |
//! |---|---|---|
//! | `installations#{connection}` | the tenant's id | `encrypted_token`, `installed_at`; after the end of the installation only `ended_at` |
//! | `installations#{connection}` | `state#{hash}` | nothing: this `state` was used |

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use secrecy::SecretString;

use super::{Ended, NoToken, Tenant};
use crate::memory::Memory;
use haptik_bridge_shared::encryption::{Cipher, NoRandomness};
use haptik_bridge_shared::ids::ConnectionId;
use haptik_bridge_shared::table::{
    Table, TableError, absent, at_most, equals, number, present, text,
};

/// How long a token that was read is used before it is read again. The provider refuses one that has ended, and
/// then it is read at once.
const REREAD_AFTER: Duration = Duration::from_secs(30);

/// How many tokens are kept in memory.
const MOST_IN_MEMORY: usize = 10_000;

/// How long it is remembered that an installation ended.
const ENDED_TTL: i64 = 30 * 24 * 3_600;

const TOKEN: &str = "encrypted_token";

/// The installations of one connection.
#[derive(Debug)]
pub(super) struct Installations<T> {
    table: Table,
    connection: ConnectionId,
    /// What is encrypted, as a part of what it is bound to.
    what: String,
    cipher: Cipher,
    in_memory: Arc<InMemory<T>>,
}

/// The tokens that were read lately.
type InMemory<T> = Mutex<HashMap<T, CachedToken>>;

#[derive(Debug)]
struct CachedToken {
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

impl<T: Tenant> Installations<T> {
    pub(super) fn new(
        provider: &str,
        table: Table,
        connection: ConnectionId,
        cipher: Cipher,
        memory: &Memory,
    ) -> Self {
        Self {
            what: format!("{} bot token", provider.to_lowercase()),
            in_memory: memory.of(&connection),
            table,
            connection,
            cipher,
        }
    }

    /// The token of a tenant: from memory, or by one read of the table.
    pub(super) async fn token(&self, tenant: &T) -> Result<SecretString, NoToken<T>> {
        if let Some(token) = self.remembered(tenant) {
            return Ok(token);
        }
        let read_at = Instant::now();
        let item = self.table.get(&self.pk(), &tenant.to_string()).await?;
        let not_installed = |ended| NoToken::NotInstalled {
            tenant: tenant.clone(),
            ended,
        };
        let item = item.ok_or_else(|| not_installed(false))?;
        let encrypted = item.get(TOKEN).and_then(|encrypted| encrypted.as_s().ok());
        let encrypted = encrypted.ok_or_else(|| not_installed(true))?;
        let opened = self
            .cipher
            .decrypt(encrypted, &self.place(&tenant.to_string()));
        let opened = opened.ok_or_else(|| NoToken::CannotDecrypt {
            tenant: tenant.clone(),
        })?;
        if !opened.by_newest {
            self.encrypt_again(tenant, &item, encrypted, &opened.secret)
                .await;
        }
        let token = opened.secret;
        self.remember(tenant, &token, read_at);
        Ok(token)
    }

    /// Keeps the token of a tenant in which the app was installed at this time, by the provider's clock.
    pub(super) async fn put(
        &self,
        tenant: &T,
        token: &SecretString,
        at: Timestamp,
    ) -> Result<(), NotKept> {
        let encrypted = self
            .cipher
            .encrypt(token, &self.place(&tenant.to_string()))?;
        let mut item = self.key(&tenant.to_string());
        item.insert(TOKEN.to_owned(), text(encrypted));
        item.insert("installed_at".to_owned(), number(at.as_second()));
        self.table.put(item).await?;
        self.forget(tenant);
        Ok(())
    }

    /// Deletes the token of an installation that ended, unless the app was installed later than that.
    /// Whether it did. That it ended is remembered for a month.
    pub(super) async fn end(&self, ended: &Ended<T>, now: Timestamp) -> Result<bool, TableError> {
        let mut item = self.key(&ended.tenant.to_string());
        item.insert("ended_at".to_owned(), number(ended.at));
        let expires_at = now.as_second().saturating_add(ENDED_TTL);
        item.insert("expires_at".to_owned(), number(expires_at));
        let condition = present(TOKEN).and(at_most("installed_at", number(ended.at)));
        let is_over = self.table.put_if(item, condition).await?;
        self.forget(&ended.tenant);
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
    pub(super) fn forget(&self, tenant: &T) {
        let mut in_memory = self
            .in_memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        in_memory.remove(tenant);
    }

    fn remembered(&self, tenant: &T) -> Option<SecretString> {
        let in_memory = self
            .in_memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let found = in_memory.get(tenant)?;
        (found.read_at.elapsed() < REREAD_AFTER).then(|| found.token.clone())
    }

    fn remember(&self, tenant: &T, token: &SecretString, read_at: Instant) {
        let mut in_memory = self
            .in_memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if in_memory.len() >= MOST_IN_MEMORY {
            in_memory.clear();
        }
        let token = token.clone();
        in_memory.insert(tenant.clone(), CachedToken { token, read_at });
    }

    /// Encrypts a token with the newest key, so that the older one can go. What fails is done when the
    /// token is next read.
    async fn encrypt_again(
        &self,
        tenant: &T,
        item: &HashMap<String, AttributeValue>,
        encrypted: &str,
        token: &SecretString,
    ) {
        let Ok(anew) = self.cipher.encrypt(token, &self.place(&tenant.to_string())) else {
            return;
        };
        let mut item = item.clone();
        item.insert(TOKEN.to_owned(), text(anew));
        let unchanged = equals(TOKEN, text(encrypted));
        if let Err(error) = self.table.put_if(item, unchanged).await {
            tracing::warn!(%tenant, %error, "a token is not encrypted with the newest key yet");
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

    /// What a token is bound to: one that somebody copies to another tenant's item opens nothing.
    fn place<'a>(&'a self, tenant: &'a str) -> [&'a str; 3] {
        [&self.what, self.connection.as_str(), tenant]
    }
}
