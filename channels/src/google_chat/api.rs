//! The Chat API (<https://developers.google.com/workspace/chat/api/reference/rest>), as the app itself.

use bytes::Bytes;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::api::{Api, ApiAnswer, ApiRequest, below};
use haptik_bridge_shared::net::oauth::OAuthClient;
use haptik_bridge_shared::net::{FetchError, Fetcher};
use haptik_bridge_shared::retry::Failure;
use http::Method;
use serde_json::{Value, json};
use url::Url;

use super::config::Config;
use super::{Address, refusal};
use crate::channel::{SendError, Sent};
use crate::signed_token::service_account::ServiceAccount;

/// What an app may do in its own name
/// (<https://developers.google.com/workspace/chat/authenticate-authorize-chat-app>).
const SCOPE: &str = "https://www.googleapis.com/auth/chat.bot";

/// The API as one app sees it.
#[derive(Debug)]
pub(super) struct ChatApi {
    api: Api,
    base_url: Url,
    tokens: OAuthClient,
}

impl ChatApi {
    pub(super) fn new(http: reqwest::Client, config: &Config) -> Self {
        Self {
            api: Api::new(http).words(words),
            base_url: config.api_base_url.clone(),
            tokens: ServiceAccount::client(&config.accounts(), config.token_url.clone(), SCOPE),
        }
    }

    /// Whether the service account gets an access token.
    pub(super) async fn try_account(&self) -> Result<(), SendError> {
        let token = self.tokens.token(&self.api, None).await;
        token.map(drop).map_err(|error| refusal::of_call(&error))
    }

    /// Creates a message under a name of ours. One that is there already is what was created before.
    pub(super) async fn create(
        &self,
        place: &Address,
        id: &str,
        message: &Value,
    ) -> Result<Sent, SendError> {
        let mut url = below(&self.base_url, &format!("{}/messages", place.space));
        let mut message = message.clone();
        url.query_pairs_mut()
            .append_pair("requestId", id)
            .append_pair("messageId", id);
        if let Some(thread) = &place.thread {
            message["thread"] = json!({"name": thread});
            let option = "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD";
            url.query_pairs_mut()
                .append_pair("messageReplyOption", option);
        }
        let what = "create a message";
        let answer = self.send(ApiRequest::post(what, url).json(message)).await?;
        if refusal::is_there(&answer) {
            let name = format!("{}/messages/{id}", place.space);
            return Ok(Sent {
                message_id: Some(name),
            });
        }
        if !(200..300).contains(&answer.status) {
            return Err(refusal::of_answer(what, &answer));
        }
        Ok(Sent {
            message_id: lenient_json::some_text(&answer.body, "name"),
        })
    }

    /// Changes these fields of a message.
    pub(super) async fn patch(
        &self,
        name: &str,
        fields: &str,
        message: Value,
    ) -> Result<(), SendError> {
        let mut url = below(&self.base_url, name);
        url.query_pairs_mut().append_pair("updateMask", fields);
        let what = "change a message";
        let request = ApiRequest::new(what, Method::PATCH, url).json(message);
        let answer = self.send(request).await?;
        if (200..300).contains(&answer.status) {
            return Ok(());
        }
        Err(refusal::of_answer(what, &answer))
    }

    async fn send(&self, request: ApiRequest) -> Result<ApiAnswer, SendError> {
        let request = request.expect(refusal::READ);
        let sent = self.tokens.send(&self.api, request).await;
        sent.map_err(|error| refusal::of_call(&error))
    }

    /// The content of a file that was uploaded
    /// (<https://developers.google.com/workspace/chat/api/reference/rest/v1/media/download>).
    pub(super) async fn file(
        &self,
        resource: &str,
        fetcher: &Fetcher,
        limit: usize,
    ) -> Result<Bytes, SendError> {
        let is_plain = resource
            .split('/')
            .all(|part| !["", ".", ".."].contains(&part));
        if !is_plain {
            return Err(SendError::refused("the file's resource name is none"));
        }
        let mut url = below(&self.base_url, &format!("media/{resource}"));
        url.query_pairs_mut().append_pair("alt", "media");
        let is_googles = |url: &Url| url.origin() == self.base_url.origin();
        let token = self.tokens.token(&self.api, None).await;
        let token = token.map_err(|error| refusal::of_call(&error))?;
        let file = match fetcher.fetch(&url, Some(&token), is_googles, limit).await {
            Err(FetchError::Call(error)) if error.code == "401" => {
                let renewed = self.tokens.token(&self.api, Some(&token)).await;
                let renewed = renewed.map_err(|error| refusal::of_call(&error))?;
                fetcher.fetch(&url, Some(&renewed), is_googles, limit).await
            }
            file => file,
        };
        file.map_err(|error| Failure::from(error).into())
    }
}

/// Google's own words in an error.
fn words(body: &str) -> String {
    let body = lenient_json::read(body.as_bytes()).unwrap_or_default();
    let error = body.get("error").unwrap_or(&Value::Null);
    lenient_json::text(error, "message")
}

#[cfg(test)]
mod tests;
