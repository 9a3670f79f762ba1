//! Whose token is used: the one workspace's, from the configuration, or, where many have installed the
//! app, that of the workspace in which something happens.
//!
//! - `install`: the pages by which somebody installs the app, with `state`, what keeps others from doing
//!   so in their name, `exchange`, the call that gets the token, and `page`, what they are shown.
//! - `installations`: the tokens, encrypted in the table, and for a short while in memory.

use std::fmt;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::api::SlackError;
use super::config;
use crate::channel::{Request, Response};
use crate::memory::Memory;
use haptik_bridge_shared::config::Secrets;
use haptik_bridge_shared::ids::ConnectionId;
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_shared::seal::InvalidKey;
use haptik_bridge_shared::table::Table;

use self::install::Installer;

mod exchange;
mod install;
mod installations;
mod page;
mod state;

/// The workspaces of a connection.
#[derive(Debug)]
pub(super) struct Workspaces(Kind);

#[derive(Debug)]
enum Kind {
    One(Secrets),
    Many(Box<Installer>),
}

/// Where the app is installed: Slack's id of a workspace (`T…`), or of an organisation (`E…`) whose
/// workspaces share one installation
/// (<https://docs.slack.dev/enterprise/developing-for-enterprise-orgs/>).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) struct WorkspaceId(String);

/// An installation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    /// Where.
    pub(super) workspace: WorkspaceId,
    /// When, by Slack's clock, in seconds since the epoch.
    pub(super) at: i64,
}

impl Workspaces {
    /// The workspaces that the configuration of a connection speaks of. `http` calls Slack; the tokens
    /// are in `table`. Nothing is called yet.
    ///
    /// # Errors
    /// When a key to encrypt with is none.
    pub(super) fn new(
        connection: &ConnectionId,
        settings: &config::Slack,
        http: &reqwest::Client,
        table: &Table,
        memory: &Memory,
    ) -> Result<Self, InvalidKey> {
        Ok(match &settings.workspaces {
            config::Workspaces::One { bot_tokens } => Self::one(bot_tokens.clone()),
            config::Workspaces::Many(oauth) => Self(Kind::Many(Box::new(Installer::new(
                connection,
                oauth,
                settings.api_base_url.clone(),
                http.clone(),
                table.clone(),
                memory,
            )?))),
        })
    }

    /// One workspace, of which these are the tokens.
    #[must_use]
    pub(super) fn one(bot_tokens: Secrets) -> Self {
        Self(Kind::One(bot_tokens))
    }

    /// Whether everything that is said belongs to one of several workspaces.
    pub(super) fn are_many(&self) -> bool {
        matches!(self.0, Kind::Many(_))
    }

    /// The tokens to call Slack with, for what happens in a workspace: newest first.
    pub(super) async fn tokens(
        &self,
        workspace: Option<&WorkspaceId>,
    ) -> Result<Secrets, SlackError> {
        match &self.0 {
            Kind::One(tokens) => Ok(tokens.clone()),
            Kind::Many(installer) => {
                let workspace = workspace.ok_or(SlackError::NoWorkspace)?;
                let token = installer.installations.token(workspace).await?;
                Ok(Secrets::new(token, []))
            }
        }
    }

    /// The token of a workspace's newer installation, after Slack has refused the one that it had;
    /// `None` where there is no newer one.
    pub(super) async fn newer_token(
        &self,
        workspace: Option<&WorkspaceId>,
        refused: &SecretString,
    ) -> Result<Option<SecretString>, SlackError> {
        let (Kind::Many(installer), Some(workspace)) = (&self.0, workspace) else {
            return Ok(None);
        };
        installer.installations.forget(workspace);
        let token = installer.installations.token(workspace).await?;
        Ok(Some(token).filter(|token| token.expose_secret() != refused.expose_secret()))
    }

    /// The pages by which the app is installed, where it can be.
    pub(super) async fn page(&self, request: &Request<'_>, now: Timestamp) -> Option<Response> {
        match &self.0 {
            Kind::One(_) => None,
            Kind::Many(installer) => installer.page(request, now).await,
        }
    }

    /// Forgets the token of an installation that ended, unless the app was installed again since.
    pub(super) async fn end(&self, ended: &Ended, now: Timestamp) -> Result<(), Failure> {
        match &self.0 {
            Kind::One(_) => Ok(()),
            Kind::Many(installer) => installer.end(ended, now).await,
        }
    }
}

impl WorkspaceId {
    /// An id as Slack gives them; `None` for anything else.
    pub(super) fn read(text: &str) -> Option<Self> {
        let is_id = (2..=40).contains(&text.len())
            && text.starts_with(['T', 'E'])
            && text
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        is_id.then(|| Self(text.to_owned()))
    }

    /// Whether it is an organisation.
    pub(super) fn is_organisation(&self) -> bool {
        self.0.starts_with('E')
    }

    /// The id as text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// How a user of the workspace is called: `T024BE7LR:U024BE7LH`. Users' ids are unique within what
    /// one installation sees, guests of other workspaces included, and not beyond.
    pub(super) fn user(&self, user: &str) -> String {
        format!("{self}:{user}")
    }
}

impl From<WorkspaceId> for String {
    fn from(id: WorkspaceId) -> Self {
        id.0
    }
}

impl TryFrom<String> for WorkspaceId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::read(&text).ok_or("not the id of a workspace")
    }
}

impl fmt::Display for WorkspaceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Slack's own id of a user, without the workspace.
pub(super) fn bare_user(user: &str) -> &str {
    user.split_once(':').map_or(user, |(_, user)| user)
}
