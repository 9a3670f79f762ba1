//! Slack's Web API (<https://docs.slack.dev/apis/web-api/>): one call, and what its errors mean.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::workspaces::{WorkspaceId, Workspaces};
use crate::channel::{Refusal, SendError};
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::{self, BodyError, Unreachable};
use haptik_bridge_shared::retry::{Retry, Retryable};

/// The largest answer that is read, in bytes: a page of messages with their blocks.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;

/// Errors that an operator can mend: of the token, its scopes, the app's settings, the organisation's rules
/// (<https://docs.slack.dev/reference/methods/chat.postMessage#errors>, and so for each method that is called).
#[rustfmt::skip]
const UNAUTHORIZED: &[&str] = &[
    "access_denied", "accesslimited", "account_inactive", "ekm_access_denied",
    "enterprise_is_restricted", "invalid_auth", "messages_tab_disabled", "missing_scope",
    "no_permission", "not_agent_app", "not_allowed_token_type", "not_authed", "not_enabled",
    "team_access_not_granted", "token_expired", "token_revoked", "two_factor_setup_required",
];

/// Errors that say that a token will never be good again: the app was removed.
const REMOVED: &[&str] = &["account_inactive", "token_revoked"];

/// Errors that pass, as Slack explains them: of its own, of a migration, of a limit that is of the hour. All
/// others are final.
#[rustfmt::skip]
const UNAVAILABLE: &[&str] = &[
    "external_channel_migrating", "fatal_error", "internal_error", "list_record_comment_fetch_failed",
    "message_limit_exceeded", "org_login_required", "request_timeout", "service_unavailable",
    "streaming_state_conflict", "team_added_to_org", "unknown_method", "update_failed",
];

/// The Web API as one app sees it.
#[derive(Debug)]
pub(super) struct Api {
    http: reqwest::Client,
    base_url: Url,
    workspaces: Workspaces,
}

/// The arguments of a call.
#[derive(Debug, Clone, Copy)]
pub(super) enum Arguments<'a> {
    /// JSON, as the methods that write take it.
    Json(&'a Value),
    /// A form: the methods that read take nothing else.
    Form(&'a [(&'a str, &'a str)]),
}

/// Why a call failed. Never says what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SlackError {
    /// The app may not do this: its token, its scopes or the workspace's rules.
    #[error("Slack answered {code} to {method}")]
    Unauthorized { method: &'static str, code: String },
    /// Too many calls.
    #[error("Slack answered {code} to {method}")]
    RateLimited {
        method: &'static str,
        code: String,
        retry_after: Option<Duration>,
    },
    /// Slack cannot do it now.
    #[error("Slack answered {code} to {method}")]
    Unavailable {
        method: &'static str,
        code: String,
        retry_after: Option<Duration>,
    },
    /// Slack will not do it.
    #[error("Slack answered {code} to {method}")]
    Refused { method: &'static str, code: String },
    /// The app is not in the workspace.
    #[error("{}", not_installed(workspace, *ended))]
    NotInstalled { workspace: WorkspaceId, ended: bool },
    /// The app is no longer in the workspace, as Slack says.
    #[error(
        "the app was removed from the workspace {workspace}: Slack answered {code} to {method}"
    )]
    Removed {
        method: &'static str,
        workspace: WorkspaceId,
        code: String,
    },
    /// It is not known for which workspace.
    #[error("it names no workspace: it is older than the connection's installation by OAuth")]
    NoWorkspace,
    /// None of the keys opens the workspace's token.
    #[error("no key of token_encryption_keys opens the token of the workspace {workspace}")]
    Sealed { workspace: WorkspaceId },
    /// The workspace's token could not be read.
    #[error("{reason}")]
    Table { reason: String, retry: Retry },
    /// The answer is none of Slack's.
    #[error("Slack's answer to {method} could not be read")]
    Unreadable { method: &'static str },
    /// There is no answer.
    #[error("{method} at Slack: {cause}")]
    Unreachable {
        method: &'static str,
        cause: Unreachable,
    },
}

impl Api {
    pub(super) fn new(http: reqwest::Client, base_url: Url, workspaces: Workspaces) -> Self {
        Self {
            http,
            base_url,
            workspaces,
        }
    }

    /// In which workspaces the app is.
    pub(super) fn workspaces(&self) -> &Workspaces {
        &self.workspaces
    }

    /// The app's token in a workspace.
    pub(super) async fn token(
        &self,
        workspace: Option<&WorkspaceId>,
    ) -> Result<SecretString, SlackError> {
        let tokens = self.workspaces.tokens(workspace).await?;
        Ok(tokens.newest().clone())
    }

    /// The host of the Web API, where in tests the files lie too.
    pub(super) fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// Calls a method in a workspace (`None` where there is one only), with the newest token first. An
    /// older one is tried where Slack does not take it, and one of an installation that is newer than
    /// what is known of it.
    pub(super) async fn call(
        &self,
        workspace: Option<&WorkspaceId>,
        method: &'static str,
        arguments: Arguments<'_>,
    ) -> Result<Value, SlackError> {
        let tokens = self.workspaces.tokens(workspace).await?;
        let mut refusal = None;
        for token in tokens.iter() {
            match self.call_with(token, method, arguments).await {
                Err(error @ SlackError::Unauthorized { .. }) => refusal = refusal.or(Some(error)),
                other => return other,
            }
        }
        let refusal = refusal.unwrap_or(SlackError::Unreadable { method });
        if !refusal.is_of_the_token() {
            return Err(refusal);
        }
        let newer = self.workspaces.newer_token(workspace, tokens.newest());
        match (newer.await?, workspace) {
            (Some(token), _) => self.call_with(&token, method, arguments).await,
            (None, Some(workspace)) => Err(refusal.of(workspace)),
            (None, None) => Err(refusal),
        }
    }

    async fn call_with(
        &self,
        token: &SecretString,
        method: &'static str,
        arguments: Arguments<'_>,
    ) -> Result<Value, SlackError> {
        let unreachable = |cause: Unreachable| SlackError::Unreachable { method, cause };
        // The base URL ends in a slash, and a method's name is no URL of its own.
        let url = self
            .base_url
            .join(method)
            .map_err(|_| SlackError::Unreadable { method })?;
        let request = self.http.post(url).bearer_auth(token.expose_secret());
        let request = match arguments {
            Arguments::Json(body) => request.json(body),
            Arguments::Form(fields) => request.form(fields),
        };
        let response = request
            .send()
            .await
            .map_err(|error| unreachable(Unreachable::from(&error)))?;
        let status = response.status().as_u16();
        let retry_after = net::retry_after(response.headers(), Timestamp::now());
        if !(200..300).contains(&status) {
            return Err(of_status(method, status, retry_after));
        }
        let body = net::read(response, LARGEST_ANSWER)
            .await
            .map_err(|error| match error {
                BodyError::Broken(cause) => unreachable(cause),
                BodyError::TooLarge { .. } => SlackError::Unreadable { method },
            })?;
        let answer = lenient_json::read(&body).map_err(|_| SlackError::Unreadable { method })?;
        match answer.get("ok").and_then(Value::as_bool) {
            Some(true) => Ok(answer),
            Some(false) => Err(of_code(
                method,
                &lenient_json::text(&answer, "error"),
                retry_after,
            )),
            None => Err(SlackError::Unreadable { method }),
        }
    }
}

impl SlackError {
    /// The error's code, if Slack gave one.
    pub(super) fn code(&self) -> &str {
        match self {
            Self::Unauthorized { code, .. }
            | Self::RateLimited { code, .. }
            | Self::Unavailable { code, .. }
            | Self::Removed { code, .. }
            | Self::Refused { code, .. } => code,
            Self::NotInstalled { .. }
            | Self::NoWorkspace
            | Self::Sealed { .. }
            | Self::Table { .. }
            | Self::Unreadable { .. }
            | Self::Unreachable { .. } => "",
        }
    }

    /// Whether Slack does not take the token, and not what is done with it.
    fn is_of_the_token(&self) -> bool {
        let code = self.code();
        matches!(self, Self::Unauthorized { .. })
            && (REMOVED.contains(&code) || ["invalid_auth", "token_expired"].contains(&code))
    }

    /// The error as that of a workspace where somebody installed the app: once it is removed, no
    /// operator can mend it.
    fn of(self, workspace: &WorkspaceId) -> Self {
        match self {
            Self::Unauthorized { method, code } if REMOVED.contains(&code.as_str()) => {
                Self::Removed {
                    method,
                    workspace: workspace.clone(),
                    code,
                }
            }
            other => other,
        }
    }
}

impl Retryable for SlackError {
    fn retry(&self) -> Retry {
        match self {
            // Somebody can mend it, and until then nothing is lost.
            Self::Unauthorized { .. }
            | Self::Sealed { .. }
            | Self::Unreadable { .. }
            | Self::Unreachable { .. } => Retry::Later(None),
            Self::Table { retry, .. } => *retry,
            Self::RateLimited { retry_after, .. } | Self::Unavailable { retry_after, .. } => {
                Retry::Later(*retry_after)
            }
            Self::Refused { .. }
            | Self::NotInstalled { .. }
            | Self::Removed { .. }
            | Self::NoWorkspace => Retry::Never,
        }
    }
}

impl From<SlackError> for SendError {
    fn from(error: SlackError) -> Self {
        let refusal = match &error {
            SlackError::Unauthorized { .. } | SlackError::Sealed { .. } => Refusal::Unauthorized,
            SlackError::Unreadable { .. } | SlackError::Unreachable { .. } => {
                Refusal::Unavailable(None)
            }
            SlackError::Table {
                retry: Retry::Later(after),
                ..
            } => Refusal::Unavailable(*after),
            SlackError::RateLimited { retry_after, .. } => Refusal::RateLimited(*retry_after),
            SlackError::Unavailable { retry_after, .. } => Refusal::Unavailable(*retry_after),
            SlackError::Refused { code, .. } if code.starts_with("invalid_blocks") => {
                Refusal::TooRich
            }
            SlackError::Refused { .. }
            | SlackError::NotInstalled { .. }
            | SlackError::Removed { .. }
            | SlackError::NoWorkspace
            | SlackError::Table {
                retry: Retry::Never,
                ..
            } => Refusal::Refused,
        };
        Self::new(refusal, error.to_string())
    }
}

fn not_installed(workspace: &WorkspaceId, ended: bool) -> String {
    if ended {
        format!("the app was removed from the workspace {workspace}")
    } else {
        format!("the app is not installed in the workspace {workspace}")
    }
}

/// An error's code as it may be logged and shown.
pub(super) fn as_code(code: &str) -> &str {
    let is_code = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !code.is_empty() && code.len() <= 64 && code.bytes().all(is_code) {
        code
    } else {
        "an unknown error"
    }
}

fn of_status(method: &'static str, status: u16, retry_after: Option<Duration>) -> SlackError {
    let code = status.to_string();
    match status {
        401 | 403 | 407 => SlackError::Unauthorized { method, code },
        429 => SlackError::RateLimited {
            method,
            code,
            retry_after,
        },
        // A redirect is a proxy's or a misconfigured base URL's: it can be mended as well.
        408 | 425 | 100..=399 | 500.. => SlackError::Unavailable {
            method,
            code,
            retry_after,
        },
        _ => SlackError::Refused { method, code },
    }
}

fn of_code(method: &'static str, code: &str, retry_after: Option<Duration>) -> SlackError {
    let code = as_code(code);
    let owned = code.to_owned();
    if UNAUTHORIZED.contains(&code) {
        SlackError::Unauthorized {
            method,
            code: owned,
        }
    } else if matches!(code, "ratelimited" | "rate_limited") {
        SlackError::RateLimited {
            method,
            code: owned,
            retry_after,
        }
    } else if UNAVAILABLE.contains(&code) {
        SlackError::Unavailable {
            method,
            code: owned,
            retry_after,
        }
    } else {
        SlackError::Refused {
            method,
            code: owned,
        }
    }
}

#[cfg(test)]
mod tests;
