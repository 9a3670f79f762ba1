//! The Bot Connector's API
//! (<https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference>).

use bytes::Bytes;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::api::{Api, ApiAnswer, ApiRequest, below};
use haptik_bridge_shared::net::oauth::OAuthClient;
use haptik_bridge_shared::net::{CallErrorKind, FetchError, Fetcher};
use haptik_bridge_shared::retry::Failure;
use http::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::config::Config;
use super::verify::Allowed;
use super::{Place, refusal};
use crate::channel::{SendError, Sent};

/// What the access token is for.
const SCOPE: &str = "https://api.botframework.com/.default";

/// The API as one bot sees it.
#[derive(Debug)]
pub(super) struct TeamsApi {
    api: Api,
    allowed: Allowed,
    tokens: OAuthClient,
    bot: String,
}

impl TeamsApi {
    pub(super) fn new(http: reqwest::Client, config: &Config) -> Self {
        let tokens = OAuthClient::new(
            config.token_url(),
            config.app_id.clone(),
            config.client_secret.clone(),
        );
        Self {
            api: Api::new(http).words(words).classify(passing),
            allowed: Allowed::new(config),
            tokens: tokens.scope(SCOPE),
            bot: config.bot(),
        }
    }

    /// Whether the bot gets an access token.
    pub(super) async fn try_secret(&self) -> Result<(), SendError> {
        self.token(None).await.map(drop)
    }

    /// Writes an activity in a conversation.
    pub(super) async fn create(&self, place: &Place, activity: &Value) -> Result<Sent, SendError> {
        let url = self.url(place, &["activities"])?;
        let mut activity = activity.clone();
        activity["from"] = json!({"id": self.bot});
        activity["conversation"] = json!({"id": place.conversation});
        let request = ApiRequest::post("write in a conversation", url).json(activity);
        let answer = self.send(request).await?;
        Ok(Sent {
            message_id: lenient_json::some_text(&answer.body, "id"),
        })
    }

    /// Puts an activity in place of another one.
    pub(super) async fn replace(
        &self,
        place: &Place,
        id: &str,
        activity: &Value,
    ) -> Result<(), SendError> {
        let url = self.url(place, &["activities", id])?;
        let request = ApiRequest::new("replace an activity", Method::PUT, url);
        self.send(request.json(activity.clone())).await.map(drop)
    }

    /// What the roster of a conversation says of the user.
    pub(super) async fn member(&self, place: &Place) -> Result<Value, SendError> {
        let url = self.url(place, &["members", place.user.as_str()])?;
        let answer = self.send(ApiRequest::get("read a member", url)).await?;
        Ok(answer.body)
    }

    /// The content of a file, which its address opens.
    pub(super) async fn file(
        &self,
        url: &Url,
        fetcher: &Fetcher,
        limit: usize,
    ) -> Result<Bytes, SendError> {
        let is_configured = |url: &Url| self.allowed.is_configured(url);
        let file = fetcher.fetch(url, None, is_configured, limit).await;
        file.map_err(|error| Failure::from(error).into())
    }

    /// The content of what was pasted. Only what is where the conversation's API is gets the access token.
    pub(super) async fn pasted(
        &self,
        place: &Place,
        url: &Url,
        fetcher: &Fetcher,
        limit: usize,
    ) -> Result<Bytes, SendError> {
        let connector = self.service_url(place)?;
        let is_connectors = |url: &Url| url.origin() == connector.origin();
        if !is_connectors(url) {
            return self.file(url, fetcher, limit).await;
        }
        let token = self.token(None).await?;
        let file = match fetcher.fetch(url, Some(&token), is_connectors, limit).await {
            Err(FetchError::Call(error)) if error.code == "401" => {
                let renewed = self.token(Some(&token)).await?;
                fetcher
                    .fetch(url, Some(&renewed), is_connectors, limit)
                    .await
            }
            file => file,
        };
        file.map_err(|error| Failure::from(error).into())
    }

    async fn token(&self, refused: Option<&SecretString>) -> Result<SecretString, SendError> {
        let token = self.tokens.token(&self.api, refused).await;
        token.map_err(|error| refusal::of_call(&error))
    }

    async fn send(&self, request: ApiRequest) -> Result<ApiAnswer, SendError> {
        let call = "Teams";
        let request = request.expect(refusal::READ);
        let answer = self.tokens.send(&self.api, request).await;
        let answer = answer.map_err(|error| refusal::of_call(&error))?;
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        Err(refusal::of_answer(call, &answer))
    }

    fn service_url(&self, place: &Place) -> Result<Url, SendError> {
        let url = self.allowed.service_url(&place.service_url);
        url.ok_or_else(|| SendError::refused("the conversation's serviceUrl is not allowed"))
    }

    /// The URL of something in a conversation.
    fn url(&self, place: &Place, path: &[&str]) -> Result<Url, SendError> {
        let mut whole = format!("v3/conversations/{}", segment(&place.conversation));
        for part in path {
            whole.push('/');
            whole.push_str(&segment(part));
        }
        Ok(below(&self.service_url(place)?, &whole))
    }
}

/// A segment of a path: an id has colons, semicolons and more.
fn segment(id: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    encoded.replace('+', "%20")
}

/// Teams asks for a 412 to be sent again
/// (<https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit>).
fn passing(status: u16, _: &str) -> Option<CallErrorKind> {
    (status == 412).then_some(CallErrorKind::Unavailable)
}

/// Teams' own words in an error.
fn words(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let error = body.get("error").unwrap_or(&Value::Null);
    lenient_json::text(error, "message")
}

#[cfg(test)]
mod tests;
