//! Apps that others install by OAuth 2: whose token a call is made with, be it the one of the configuration or
//! that of the [tenant](Tenant) in which something happens.
//!
//! A channel says what its provider makes different, as an [`App`]: the URLs, and how an answer is read. The
//! rest is here.
//!
//! - `pages`: what a browser is shown. `/install` sends it to the provider, which sends it back to `/oauth`;
//!   with `state`, what keeps others from installing in somebody's name, `exchange`, the call that gets the
//!   token, and `page`, how it looks.
//! - `installations`: the tokens, encrypted in the table, and for a short while in memory.

use std::fmt;
use std::hash::Hash;

use haptik_bridge_shared::config::Secrets;
use haptik_bridge_shared::config::kind::SecretList;
use haptik_bridge_shared::encryption::{self, InvalidKey};
use haptik_bridge_shared::ids::ConnectionId;
use haptik_bridge_shared::retry::{Failure, Retry, Retryable};
use haptik_bridge_shared::table::{Table, TableError};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use self::pages::Installer;
pub use self::pages::Page;
use crate::error::{Refusal, SendError};
use crate::memory::Memory;
use crate::request::Request;

mod exchange;
mod installations;
mod page;
mod pages;
mod state;

/// Where an app is installed: a workspace, a server, an organisation. It is written as the provider's id of
/// it, and never begins with `state#`.
pub trait Tenant: Clone + Eq + Hash + fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// What it is called, in one word: `workspace`.
    const NOUN: &'static str;
}

/// An app, and its provider.
#[derive(Debug, Clone)]
pub struct App<T> {
    /// How the provider is called, for people: `Slack`.
    pub provider: &'static str,
    /// The page on which people consent.
    pub authorize_url: Url,
    /// What is called to make a token of a code. The app's id and secret go there as basic authentication.
    pub token_url: Url,
    /// The app's id at the provider.
    pub client_id: String,
    /// The app's secret, newest first.
    pub client_secrets: Secrets,
    /// What people are asked for, as the provider separates it.
    pub scope: String,
    /// Where the provider sends the browser back to: `/oauth` of the connection. `None` where it knows.
    pub redirect_url: Option<Url>,
    /// What the tokens are encrypted with, newest first: [`ENCRYPTION_KEYS`].
    pub encryption_keys: Secrets,
    /// Reads what [`App::token_url`] answered with 2xx; null where that was no JSON.
    pub read: fn(&Value) -> Result<Granted<T>, NotGranted>,
}

/// An installation, as the provider grants it.
#[derive(Debug)]
pub struct Granted<T> {
    /// Where.
    pub tenant: T,
    /// How that is called, for people; may be empty.
    pub name: String,
    /// The app's token there.
    pub token: SecretString,
}

/// Why there is no installation. Never says the code or a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotGranted {
    /// The provider said no, with this code, which holds nothing of anybody's.
    Refused(String),
    /// It did not take the app's secret, with this code: an older one may be taken.
    WrongSecret(String),
    /// There is no answer, or none of the provider's.
    Unreachable,
    /// It granted what is of no use.
    Useless {
        /// Why, for the log.
        reason: &'static str,
        /// The same for those who install the app, as sentences.
        text: &'static str,
    },
}

/// An installation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended<T> {
    /// Where.
    pub tenant: T,
    /// When, by the provider's clock, in seconds since the epoch.
    pub at: i64,
}

/// Why there is no token to call with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoToken<T: Tenant> {
    /// The app is not there.
    #[error("the app {} the {} {tenant}", if *ended { "was removed from" } else { "is not installed in" }, T::NOUN)]
    NotInstalled {
        /// Where.
        tenant: T,
        /// Whether it was.
        ended: bool,
    },
    /// It is not known where: what is to be done is older than the connection's installation by OAuth.
    #[error(
        "it names no {}: it is older than the connection's installation by OAuth",
        T::NOUN
    )]
    NoTenant,
    /// None of the keys opens the token.
    #[error(
        "no key of token_encryption_keys opens the token of the {} {tenant}",
        T::NOUN
    )]
    CannotDecrypt {
        /// Whose.
        tenant: T,
    },
    /// The token could not be read.
    #[error("{reason}")]
    Table {
        /// Why.
        reason: String,
        /// Whether it can be later.
        retry: Retry,
    },
}

/// The tokens of a connection.
#[derive(Debug)]
pub enum Tokens<T: Tenant> {
    /// Of the configuration, newest first: there is one tenant, which nobody names.
    Configured(Secrets),
    /// Those of the tenants in which the app was installed.
    Installed(Box<Installer<T>>),
}

/// Keys of AES-256.
pub const ENCRYPTION_KEYS: SecretList = SecretList {
    allowed: "the base64 of 32 random bytes (make one with: openssl rand -base64 32), or a list of \
        such, newest first",
    read: |text| {
        let text = (SecretList::KEYS.read)(text)?;
        match encryption::key_bytes(&text) {
            Some(_) => Ok(text),
            None => Err("text that is not the base64 of 32 bytes"),
        }
    },
    ..SecretList::KEYS
};

impl<T: Tenant> Tokens<T> {
    /// The tokens of an app that others install. `http` calls the provider; the tokens are in `table`.
    /// Nothing is called yet.
    ///
    /// # Errors
    /// When a key to encrypt with is none.
    pub fn installed(
        app: App<T>,
        connection: &ConnectionId,
        http: reqwest::Client,
        table: Table,
        memory: &Memory,
    ) -> Result<Self, InvalidKey> {
        let installer = Installer::new(app, connection, http, table, memory)?;
        Ok(Self::Installed(Box::new(installer)))
    }

    /// Whether everything that is said belongs to one of several tenants.
    #[must_use]
    pub fn are_many(&self) -> bool {
        matches!(self, Self::Installed(_))
    }

    /// The tokens to call with, for what happens at a tenant: newest first.
    ///
    /// # Errors
    /// When there is none.
    pub async fn of(&self, tenant: Option<&T>) -> Result<Secrets, NoToken<T>> {
        match self {
            Self::Configured(tokens) => Ok(tokens.clone()),
            Self::Installed(installer) => {
                let tenant = tenant.ok_or(NoToken::NoTenant)?;
                let token = installer.installations.token(tenant).await?;
                Ok(Secrets::new(token, []))
            }
        }
    }

    /// The token of a newer installation, after the provider has refused the one that there was; `None`
    /// where there is no newer one.
    ///
    /// # Errors
    /// When there is none at all any more.
    pub async fn newer(
        &self,
        tenant: Option<&T>,
        refused: &SecretString,
    ) -> Result<Option<SecretString>, NoToken<T>> {
        let (Self::Installed(installer), Some(tenant)) = (self, tenant) else {
            return Ok(None);
        };
        installer.installations.forget(tenant);
        let token = installer.installations.token(tenant).await?;
        Ok(Some(token).filter(|token| token.expose_secret() != refused.expose_secret()))
    }

    /// The pages by which the app is installed, where it can be, and the request is for one.
    pub async fn page(&self, request: &Request<'_>, now: Timestamp) -> Option<Page> {
        match self {
            Self::Configured(_) => None,
            Self::Installed(installer) => installer.page(request, now).await,
        }
    }

    /// Forgets the token of an installation that ended, unless the app was installed again since; whether there was
    /// one.
    ///
    /// # Errors
    /// When the table does not take that.
    pub async fn end(&self, ended: &Ended<T>, now: Timestamp) -> Result<bool, Failure> {
        match self {
            Self::Configured(_) => Ok(false),
            Self::Installed(installer) => installer.end(ended, now).await,
        }
    }
}

impl<T: Tenant> Retryable for NoToken<T> {
    fn retry(&self) -> Retry {
        match self {
            // Somebody can put the key back.
            Self::CannotDecrypt { .. } => Retry::Later(None),
            Self::Table { retry, .. } => *retry,
            Self::NotInstalled { .. } | Self::NoTenant => Retry::Never,
        }
    }
}

impl<T: Tenant> From<TableError> for NoToken<T> {
    fn from(error: TableError) -> Self {
        Self::Table {
            reason: error.to_string(),
            retry: error.retry(),
        }
    }
}

impl<T: Tenant> From<&NoToken<T>> for SendError {
    fn from(error: &NoToken<T>) -> Self {
        let refusal = match (error, error.retry()) {
            (NoToken::CannotDecrypt { .. }, _) => Refusal::Unauthorized,
            (_, Retry::Later(after)) => Refusal::Unavailable(after),
            (_, Retry::Never) => Refusal::Refused,
        };
        Self::new(refusal, error.to_string())
    }
}

#[cfg(test)]
mod tests;
