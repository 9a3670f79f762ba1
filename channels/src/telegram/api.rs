//! The Bot API (<https://core.telegram.org/bots/api#making-requests>): one call. The bot's token is in the
//! address of each call and of each file, so that no address is kept, shown or logged.

use std::time::Duration;

use bytes::Bytes;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::{self, BodyError, Fetcher, Unreachable};
use haptik_bridge_shared::retry::Failure;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use url::Url;

use super::config::{BotToken, Config};
use super::refusal::{self, Declined};
use crate::channel::{Refusal, SendError};

/// The largest answer that is read, in bytes: a message with its keyboard.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// The largest file that a bot can have, in bytes (<https://core.telegram.org/bots/api#getfile>).
const LARGEST_FILE: u64 = 20 * 1024 * 1024;

/// The API as one bot sees it.
#[derive(Debug, Clone)]
pub(super) struct Api {
    http: reqwest::Client,
    base_url: Url,
    token: BotToken,
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CallError {
    /// Telegram answered, and not with a result.
    #[error("{}", refusal::reason(refused, method))]
    Refused {
        method: &'static str,
        refused: Declined,
    },
    /// There is no answer, or none that can be read.
    #[error("{method} at Telegram: {cause}")]
    Unreachable {
        method: &'static str,
        cause: Unreachable,
    },
    /// The answer is larger than any of Telegram's.
    #[error("Telegram's answer to {method} could not be read")]
    Unreadable { method: &'static str },
}

impl Api {
    pub(super) fn new(http: reqwest::Client, config: &Config) -> Self {
        Self {
            http,
            base_url: config.api_base_url.clone(),
            token: config.bot_token.clone(),
        }
    }

    /// The address below the base: the token's segment, then these.
    fn url<'a>(&self, before: &[&str], path: impl Iterator<Item = &'a str>) -> Option<Url> {
        let mut url = self.base_url.clone();
        let bot = format!("bot{}", self.token.secret.expose_secret());
        url.path_segments_mut()
            .ok()?
            .pop_if_empty()
            .extend(before)
            .push(&bot)
            .extend(path);
        Some(url)
    }

    /// Calls a method; gives its result.
    pub(super) async fn call(
        &self,
        method: &'static str,
        arguments: &Value,
    ) -> Result<Value, CallError> {
        let unreachable = |cause| CallError::Unreachable { method, cause };
        let url = self.url(&[], std::iter::once(method));
        let url = url.ok_or(CallError::Unreadable { method })?;
        let sent = self.http.post(url).json(arguments).send().await;
        let response = sent.map_err(|error| unreachable(Unreachable::from(&error)))?;
        let status = response.status().as_u16();
        let body = net::read(response, LARGEST_ANSWER).await;
        let body = body.map_err(|error| match error {
            BodyError::Broken(cause) => unreachable(cause),
            BodyError::TooLarge { .. } => CallError::Unreadable { method },
        })?;
        refusal::result(status, &body).map_err(|refused| CallError::Refused { method, refused })
    }

    /// What the bot is called, without an `@` (<https://core.telegram.org/bots/api#getme>).
    pub(super) async fn name(&self) -> Result<String, CallError> {
        let method = "getMe";
        let me = self.call(method, &json!({})).await?;
        lenient_json::some_text(&me, "username").ok_or(CallError::Unreadable { method })
    }

    /// The content of a file (<https://core.telegram.org/bots/api#getfile>).
    pub(super) async fn file(
        &self,
        id: &str,
        fetcher: &Fetcher,
        limit: usize,
    ) -> Result<Bytes, SendError> {
        let file = self.call("getFile", &json!({"file_id": id})).await?;
        if lenient_json::whole(&file, "file_size")
            .is_some_and(|size| size > limit as u64 || size > LARGEST_FILE)
        {
            return Err(SendError::refused("the file is larger than is taken"));
        }
        let path = lenient_json::text(&file, "file_path");
        let is_plain =
            !path.is_empty() && path.split('/').all(|part| !["", ".", ".."].contains(&part));
        let url = self.url(&["file"], path.split('/')).filter(|_| is_plain);
        let url =
            url.ok_or_else(|| SendError::refused("Telegram does not say where the file is"))?;
        let is_telegrams = |url: &Url| url.origin() == self.base_url.origin();
        let content = fetcher.fetch(&url, None, is_telegrams, limit).await;
        content.map_err(|error| Failure::from(error).into())
    }
}

impl From<CallError> for SendError {
    fn from(error: CallError) -> Self {
        let reason = error.to_string();
        let (refusal, words) = match &error {
            CallError::Unreachable { .. } | CallError::Unreadable { .. } => {
                (Refusal::Unavailable(None), None)
            }
            CallError::Refused { refused, .. } => match refused {
                Declined::RateLimited(after) => (Refusal::RateLimited(*after), None),
                Declined::Unavailable => (Refusal::Unavailable(None::<Duration>), None),
                Declined::Unauthorized => (Refusal::Unauthorized, None),
                Declined::TooRich(words) => (Refusal::TooRich, Some(words)),
                Declined::Refused(words) | Declined::Moot(words) => (Refusal::Refused, Some(words)),
                Declined::Migrated(_) => (Refusal::Refused, None),
            },
        };
        Self {
            detail: words.cloned(),
            ..Self::new(refusal, reason)
        }
    }
}

#[cfg(test)]
mod tests;
