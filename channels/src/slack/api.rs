//! Slack's Web API (<https://docs.slack.dev/apis/web-api/>): one call, and what its errors mean.

use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::workspaces::{WorkspaceId, Workspaces};
use crate::channel::{Refusal, SendError};
use crate::install::NoToken;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::api::{self, ApiAnswer, ApiRequest};
use haptik_bridge_shared::net::{CallError, CallErrorKind, as_code};
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
    http: api::Api,
    base_url: Url,
    workspaces: Workspaces,
}

/// Why a call failed. Never says what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SlackError {
    /// Slack did not take it.
    #[error("{}", error_text(.0))]
    Call(CallError),
    /// The app is no longer in the workspace, as Slack says.
    #[error(
        "the app was removed from the workspace {workspace}: {}",
        error_text(error)
    )]
    Removed {
        workspace: WorkspaceId,
        error: CallError,
    },
    /// There is no token to call it with.
    #[error(transparent)]
    NoToken(#[from] NoToken<WorkspaceId>),
}

/// A call that failed, by Slack's own word for why.
pub(super) fn error_text(error: &CallError) -> String {
    let CallError { method, code, .. } = error;
    match &error.kind {
        CallErrorKind::Unreachable(cause) => format!("{method} at Slack: {cause}"),
        CallErrorKind::Unreadable | CallErrorKind::Unsendable(_) => {
            format!("Slack's answer to {method} could not be read")
        }
        CallErrorKind::Unauthorized
        | CallErrorKind::RateLimited
        | CallErrorKind::Unavailable
        | CallErrorKind::Refused => format!("Slack answered {code} to {method}"),
    }
}

impl Api {
    pub(super) fn new(http: reqwest::Client, base_url: Url, workspaces: Workspaces) -> Self {
        Self {
            http: api::Api::new(http),
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
        let tokens = self.workspaces.of(workspace).await?;
        Ok(tokens.newest().clone())
    }

    /// The host of the Web API, where in tests the files lie too.
    pub(super) fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// Calls a method that reads, in a workspace (`None` where there is one only): those take a form, and
    /// nothing else.
    pub(super) async fn read(
        &self,
        workspace: Option<&WorkspaceId>,
        method: &'static str,
        fields: &[(&'static str, &str)],
    ) -> Result<Value, SlackError> {
        let fields = fields.iter();
        let fields = fields.map(|(name, value)| (*name, (*value).to_owned()));
        let request = self.request(method).form(fields);
        self.call(workspace, method, &request).await
    }

    /// The same; `None` where the app may not read that, or there is no such thing.
    pub(super) async fn read_if_allowed(
        &self,
        workspace: Option<&WorkspaceId>,
        method: &'static str,
        fields: &[(&'static str, &str)],
    ) -> Result<Option<Value>, SlackError> {
        match self.read(workspace, method, fields).await {
            Err(error) if error.is_refused() || error.code() == "missing_scope" => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// Calls a method that writes.
    pub(super) async fn write(
        &self,
        workspace: Option<&WorkspaceId>,
        method: &'static str,
        body: &Value,
    ) -> Result<Value, SlackError> {
        let request = self.request(method).json(body.clone());
        self.call(workspace, method, &request).await
    }

    fn request(&self, method: &'static str) -> ApiRequest {
        ApiRequest::post(method, api::below(&self.base_url, method)).limit(LARGEST_ANSWER)
    }

    /// Sends a request with the newest token first. An older one is tried where Slack does not take it, and
    /// one of an installation that is newer than what is known of it.
    async fn call(
        &self,
        workspace: Option<&WorkspaceId>,
        method: &'static str,
        request: &ApiRequest,
    ) -> Result<Value, SlackError> {
        let send = async |token: &SecretString| {
            let request = request.clone().bearer_auth(token);
            let answer = answer_to(&self.http, request).await;
            answer.map(|answer| answer.body)
        };
        let tokens = self.workspaces.of(workspace).await?;
        let mut refusal = None;
        for token in tokens.iter() {
            match send(token).await {
                Err(error) if error.kind == CallErrorKind::Unauthorized => {
                    refusal = refusal.or(Some(error));
                }
                other => return other.map_err(SlackError::Call),
            }
        }
        let refusal =
            refusal.unwrap_or_else(|| CallError::new(method, CallErrorKind::Unauthorized));
        if !is_of_the_token(&refusal.code) {
            return Err(SlackError::Call(refusal));
        }
        let newer = self.workspaces.newer(workspace, tokens.newest());
        match (newer.await?, workspace) {
            (Some(token), _) => send(&token).await.map_err(SlackError::Call),
            // Once the app is removed, no operator can mend it.
            (None, Some(workspace)) if REMOVED.contains(&refusal.code.as_str()) => {
                Err(SlackError::Removed {
                    workspace: workspace.clone(),
                    error: refusal,
                })
            }
            (None, _) => Err(SlackError::Call(refusal)),
        }
    }
}

/// The answer to a request, which says that it is `ok`.
pub(super) async fn answer_to(
    http: &api::Api,
    request: ApiRequest,
) -> Result<ApiAnswer, CallError> {
    let answer = http.send(request).await?;
    match answer.body.get("ok").and_then(Value::as_bool) {
        Some(true) => Ok(answer),
        Some(false) => Err(of_code(&answer)),
        None => Err(answer.unreadable()),
    }
}

impl SlackError {
    /// The error's code, if Slack gave one.
    pub(super) fn code(&self) -> &str {
        match self {
            Self::Call(error) | Self::Removed { error, .. } => &error.code,
            Self::NoToken(_) => "",
        }
    }

    /// Whether Slack will not do it, and nobody can mend that.
    pub(super) fn is_refused(&self) -> bool {
        matches!(self, Self::Call(error) if error.kind == CallErrorKind::Refused)
    }

    /// Whether it was one call too many.
    pub(super) fn is_rate_limited(&self) -> bool {
        matches!(self, Self::Call(error) if error.kind == CallErrorKind::RateLimited)
    }
}

/// Whether Slack does not take the token, and not what is done with it.
fn is_of_the_token(code: &str) -> bool {
    REMOVED.contains(&code) || ["invalid_auth", "token_expired"].contains(&code)
}

impl Retryable for SlackError {
    fn retry(&self) -> Retry {
        match self {
            Self::Call(error) => error.retry(),
            Self::NoToken(error) => error.retry(),
            Self::Removed { .. } => Retry::Never,
        }
    }
}

impl From<SlackError> for SendError {
    fn from(error: SlackError) -> Self {
        let reason = error.to_string();
        let refusal = match &error {
            SlackError::NoToken(error) => return Self::from(error),
            SlackError::Call(error) if is_of_blocks(&error.code) => Refusal::TooRich,
            SlackError::Call(error) => Self::of_call("Slack", error).refusal,
            SlackError::Removed { .. } => Refusal::Refused,
        };
        Self::new(refusal, reason)
    }
}

/// Whether Slack does not take the blocks of a message: without them, or with less, it may.
pub(super) fn is_of_blocks(code: &str) -> bool {
    code.starts_with("invalid_blocks") || code == "msg_blocks_too_long"
}

/// What an answer that is not `ok` means, by its code.
fn of_code(answer: &ApiAnswer) -> CallError {
    let code = lenient_json::text(&answer.body, "error");
    let code = as_code(&code);
    CallError {
        code: code.to_owned(),
        detail: None,
        ..answer.error(kind_of(code))
    }
}

/// What one of Slack's error codes means.
fn kind_of(code: &str) -> CallErrorKind {
    if UNAUTHORIZED.contains(&code) {
        CallErrorKind::Unauthorized
    } else if matches!(code, "ratelimited" | "rate_limited") {
        CallErrorKind::RateLimited
    } else if UNAVAILABLE.contains(&code) {
        CallErrorKind::Unavailable
    } else {
        CallErrorKind::Refused
    }
}

#[cfg(test)]
mod tests;
