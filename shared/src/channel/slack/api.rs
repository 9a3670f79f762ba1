//! Slack's Web API (<https://docs.slack.dev/apis/web-api/>): one call, and what its errors mean.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use crate::config::Secrets;
use crate::outbound::{self, BodyError, Unreachable};
use crate::retry::{Retry, Retryable};
use crate::wire;

/// The largest answer that is read, in bytes: a page of messages with their blocks.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;

/// Errors that an operator can mend (<https://docs.slack.dev/reference/methods/chat.postMessage#errors>).
#[rustfmt::skip]
const UNAUTHORIZED: &[&str] = &[
    "access_denied", "account_inactive", "enterprise_is_restricted", "ekm_access_denied", "invalid_auth",
    "missing_scope", "no_permission", "not_allowed_token_type", "not_authed", "org_login_required",
    "team_access_not_granted", "token_expired", "token_revoked", "two_factor_setup_required",
];

/// Errors of Slack's own, which pass.
#[rustfmt::skip]
const UNAVAILABLE: &[&str] = &[
    "accesslimited", "fatal_error", "internal_error", "message_limit_exceeded",
    "request_timeout", "service_unavailable", "team_added_to_org",
];

/// The Web API as one app sees it.
#[derive(Debug)]
pub(super) struct Api {
    http: reqwest::Client,
    base_url: Url,
    tokens: Secrets,
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
    pub(super) fn new(http: reqwest::Client, base_url: Url, tokens: Secrets) -> Self {
        Self {
            http,
            base_url,
            tokens,
        }
    }

    /// The app's token.
    pub(super) fn token(&self) -> &SecretString {
        self.tokens.newest()
    }

    /// The host of the Web API, where in tests the files lie too.
    pub(super) fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// Calls a method, with the newest token first. An older one is tried where Slack does not take it.
    pub(super) async fn call(
        &self,
        method: &'static str,
        arguments: Arguments<'_>,
    ) -> Result<Value, SlackError> {
        let mut refusal = None;
        for token in self.tokens.iter() {
            match self.call_with(token, method, arguments).await {
                Err(error @ SlackError::Unauthorized { .. }) => refusal = refusal.or(Some(error)),
                other => return other,
            }
        }
        Err(refusal.unwrap_or(SlackError::Unreadable { method }))
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
        let retry_after = outbound::retry_after(response.headers(), Timestamp::now());
        if !(200..300).contains(&status) {
            return Err(of_status(method, status, retry_after));
        }
        let body = outbound::read(response, LARGEST_ANSWER)
            .await
            .map_err(|error| match error {
                BodyError::Broken(cause) => unreachable(cause),
                BodyError::TooLarge { .. } => SlackError::Unreadable { method },
            })?;
        let answer: Value =
            serde_json::from_slice(&body).map_err(|_| SlackError::Unreadable { method })?;
        match answer.get("ok").and_then(Value::as_bool) {
            Some(true) => Ok(answer),
            Some(false) => Err(of_code(method, &wire::text(&answer, "error"), retry_after)),
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
            | Self::Refused { code, .. } => code,
            Self::Unreadable { .. } | Self::Unreachable { .. } => "",
        }
    }
}

impl Retryable for SlackError {
    fn retry(&self) -> Retry {
        match self {
            // Somebody can mend it, and until then nothing is lost.
            Self::Unauthorized { .. } | Self::Unreadable { .. } | Self::Unreachable { .. } => {
                Retry::Later(None)
            }
            Self::RateLimited { retry_after, .. } | Self::Unavailable { retry_after, .. } => {
                Retry::Later(*retry_after)
            }
            Self::Refused { .. } => Retry::Never,
        }
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
    let is_code = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let code = if !code.is_empty() && code.len() <= 64 && code.bytes().all(is_code) {
        code
    } else {
        "an unknown error"
    };
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
