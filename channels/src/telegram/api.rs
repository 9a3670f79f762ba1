//! The Bot API (<https://core.telegram.org/bots/api#making-requests>): one call. The bot's token is in the
//! address of each call and of each file, so that no address is kept, shown or logged.

use std::time::Duration;

use bytes::Bytes;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::api::{self, ApiRequest};
use haptik_bridge_shared::net::{CallError, CallErrorKind, Endpoint, Fetcher};
use haptik_bridge_shared::retry::Failure;
use serde_json::{Value, json};
use url::Url;

use super::Chat;
use super::config::{BotToken, Config};
use super::refusal::{self, RefusalReason};
use crate::channel::{Refusal, SendError};

/// The largest answer that is read, in bytes: a message with its keyboard.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// The largest file that a bot can have, in bytes (<https://core.telegram.org/bots/api#getfile>).
const LARGEST_FILE: u64 = 20 * 1024 * 1024;

/// The API as one bot sees it.
#[derive(Debug, Clone)]
pub(super) struct Api {
    http: api::Api,
    base_url: Url,
    token: BotToken,
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CallFailure {
    /// Telegram answered, and not with a result.
    #[error("{}", refusal::reason(refused, method))]
    Refused {
        method: &'static str,
        refused: RefusalReason,
    },
    /// There is no answer, or none that can be read.
    #[error("{}", .0.by("Telegram"))]
    Call(#[from] CallError),
}

impl Api {
    pub(super) fn new(http: reqwest::Client, config: &Config) -> Self {
        Self {
            http: api::Api::new(http),
            base_url: config.api_base_url.clone(),
            token: config.bot_token.clone(),
        }
    }

    /// The address below the base: what stands before the token, and the token.
    fn endpoint(&self, before: Option<&str>) -> Endpoint {
        let base = before
            .into_iter()
            .fold(Endpoint::from(&self.base_url), Endpoint::segment);
        base.secret_segment("bot", &self.token.secret)
    }

    /// Calls a method; gives its result.
    pub(super) async fn call(
        &self,
        method: &'static str,
        arguments: &Value,
    ) -> Result<Value, CallFailure> {
        let request = ApiRequest::post(method, self.endpoint(None).segment(method))
            .json(arguments.clone())
            .limit(LARGEST_ANSWER)
            .expect_all();
        let answer = self.http.send(request).await?;
        refusal::result(answer.status, &answer.body)
            .map_err(|refused| CallFailure::Refused { method, refused })
    }

    /// What the bot is called, without an `@` (<https://core.telegram.org/bots/api#getme>).
    pub(super) async fn name(&self) -> Result<String, CallFailure> {
        let method = "getMe";
        let me = self.call(method, &json!({})).await?;
        let name = lenient_json::some_text(&me, "username");
        name.ok_or_else(|| CallError::new(method, CallErrorKind::Unreadable).into())
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
        if !is_plain {
            return Err(SendError::refused(
                "Telegram does not say where the file is",
            ));
        }
        let below = self.endpoint(Some("file"));
        let url = path.split('/').fold(below, Endpoint::segment);
        let is_telegrams = |url: &Url| url.origin() == self.base_url.origin();
        let content = fetcher.fetch(url.expose(), None, is_telegrams, limit).await;
        content.map_err(|error| Failure::from(error).into())
    }
}

impl From<CallFailure> for SendError {
    fn from(error: CallFailure) -> Self {
        let reason = error.to_string();
        let (refusal, words) = match &error {
            CallFailure::Call(error) => return Self::of_call("Telegram", error),
            CallFailure::Refused { refused, .. } => match refused {
                RefusalReason::RateLimited(after) => (Refusal::RateLimited(*after), None),
                RefusalReason::Unavailable => (Refusal::Unavailable(None::<Duration>), None),
                RefusalReason::Unauthorized => (Refusal::Unauthorized, None),
                RefusalReason::TooRich(words) => (Refusal::TooRich, Some(words)),
                RefusalReason::Refused(words) | RefusalReason::Moot(words) => {
                    (Refusal::Refused, Some(words))
                }
                RefusalReason::Migrated(id) => return Self::moved(&Chat::group(*id)),
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
