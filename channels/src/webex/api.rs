//! The Webex API (<https://developer.webex.com/docs/api/basics>), as the bot itself.

use bytes::Bytes;
use haptik_bridge_shared::config::Secrets;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::Attachment;
use haptik_bridge_shared::net::api::{Api, ApiAnswer, ApiRequest, below};
use haptik_bridge_shared::net::{CallError, CallErrorKind, FetchError, Fetcher};
use haptik_bridge_shared::retry::Failure;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Method};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use url::Url;

use super::config::Config;
use super::receive::is_id;
use super::{Place, disposition, refusal};
use crate::channel::{Refusal, SendError, Sent};

/// Who the bot is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Me {
    /// Its id.
    pub(super) id: String,
    /// What it is called, the longest first.
    pub(super) names: Vec<String>,
}

/// The API as one bot sees it.
#[derive(Debug)]
pub(super) struct WebexApi {
    api: Api,
    base_url: Url,
    tokens: Secrets,
    /// Who the bot is, once it was asked for.
    me: OnceCell<Me>,
}

/// What is known of the thread of a message.
enum Root {
    /// It is a reply in the thread of this message.
    Of(String),
    /// It is in no thread, or begins one.
    Itself,
    /// It cannot be had.
    Gone,
}

impl WebexApi {
    pub(super) fn new(http: reqwest::Client, config: &Config) -> Self {
        Self {
            api: Api::new(http).words(words),
            base_url: config.api_base_url.clone(),
            tokens: config.bot_token.clone(),
            me: OnceCell::new(),
        }
    }

    /// Who the bot is (<https://developer.webex.com/docs/api/v1/people/get-my-own-details>), asked once.
    pub(super) async fn me(&self) -> Result<&Me, SendError> {
        self.me
            .get_or_try_init(|| async {
                let call = "say who the bot is";
                let url = below(&self.base_url, "people/me");
                let answer = self.send(&ApiRequest::get(call, url)).await?;
                let me = success(call, answer)?;
                let id = lenient_json::some_text(&me, "id").ok_or_else(|| unreadable(call))?;
                let names = ["displayName", "nickName", "firstName"];
                let names = names
                    .iter()
                    .filter_map(|key| lenient_json::some_text(&me, key));
                let mut names: Vec<String> = names.collect();
                names.sort_by_key(|name| std::cmp::Reverse(name.len()));
                Ok(Me { id, names })
            })
            .await
    }

    /// What is at `{what}/{id}`; `None` where it is gone.
    pub(super) async fn get(
        &self,
        call: &'static str,
        what: &str,
        id: &str,
    ) -> Result<Option<Value>, SendError> {
        if !is_id(id) {
            return Ok(None);
        }
        let url = below(&self.base_url, &format!("{what}/{id}"));
        let answer = self.send(&ApiRequest::get(call, url)).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        let found = success(call, answer)?;
        // What is no such thing is not what it says.
        let is_one = lenient_json::some_text(&found, "id").is_some();
        is_one
            .then_some(Some(found))
            .ok_or_else(|| unreadable(call))
    }

    /// A message.
    pub(super) async fn message(&self, id: &str) -> Result<Option<Value>, SendError> {
        self.get("give a message", "messages", id).await
    }

    /// The newest messages in the direct room with a person
    /// (<https://developer.webex.com/docs/api/v1/messages/list-direct-messages>), from the newest on; `None` where
    /// they cannot be listed.
    pub(super) async fn direct(&self, person: &str) -> Result<Option<Vec<Value>>, SendError> {
        if !is_id(person) {
            return Ok(None);
        }
        let call = "list the messages in a direct room";
        let mut url = below(&self.base_url, "messages/direct");
        url.query_pairs_mut().append_pair("personId", person);
        let answer = self.send(&ApiRequest::get(call, url)).await?;
        if [400, 403, 404].contains(&answer.status) {
            return Ok(None);
        }
        items(call, answer).map(Some)
    }

    /// Creates a message (<https://developer.webex.com/docs/api/v1/messages/create-a-message>). There is nothing
    /// by which a repeat is known.
    pub(super) async fn create(&self, place: &Place, message: &Value) -> Result<Sent, SendError> {
        let call = "create a message";
        let parent = match (&place.parent, &place.beside) {
            (Some(parent), _) => Some(parent.clone()),
            (None, Some(beside)) => match self.root(beside).await? {
                Root::Of(parent) => Some(parent),
                Root::Itself | Root::Gone => None,
            },
            (None, None) => None,
        };
        let mut answer = self.post(place, parent.as_deref(), message).await?;
        if let Some(parent) = parent.filter(|_| [400, 404].contains(&answer.status)) {
            // A thread begins with what is no reply, and that may be gone.
            match self.root(&parent).await? {
                Root::Of(root) => answer = self.post(place, Some(&root), message).await?,
                Root::Gone => answer = self.post(place, None, message).await?,
                Root::Itself => {}
            }
        }
        let created = success(call, answer)?;
        Ok(Sent {
            message_id: lenient_json::some_text(&created, "id"),
        })
    }

    async fn post(
        &self,
        place: &Place,
        parent: Option<&str>,
        message: &Value,
    ) -> Result<ApiAnswer, SendError> {
        let mut message = message.clone();
        message["roomId"] = place.room.as_str().into();
        if let Some(parent) = parent {
            message["parentId"] = parent.into();
        }
        let url = below(&self.base_url, "messages");
        self.send(&ApiRequest::post("create a message", url).json(message))
            .await
    }

    async fn root(&self, id: &str) -> Result<Root, SendError> {
        match self.message(id).await {
            Ok(Some(message)) => {
                Ok(lenient_json::some_text(&message, "parentId").map_or(Root::Itself, Root::Of))
            }
            Ok(None) => Ok(Root::Gone),
            // A bot may not read all that is in a room.
            Err(error) if error.refusal == Refusal::Refused => Ok(Root::Gone),
            Err(error) => Err(error),
        }
    }

    /// The webhooks of the bot (<https://developer.webex.com/docs/api/v1/webhooks/list-webhooks>).
    pub(super) async fn webhooks(&self) -> Result<Vec<Value>, SendError> {
        let call = "list the webhooks";
        let mut url = below(&self.base_url, "webhooks");
        url.query_pairs_mut().append_pair("max", "100");
        let answer = self.send(&ApiRequest::get(call, url)).await?;
        items(call, answer)
    }

    /// Makes a webhook, or changes the one with this id.
    pub(super) async fn put_webhook(
        &self,
        id: Option<&str>,
        webhook: Value,
    ) -> Result<(), SendError> {
        let call = "set a webhook";
        let request = match id.filter(|id| is_id(id)) {
            Some(id) => {
                let url = below(&self.base_url, &format!("webhooks/{id}"));
                ApiRequest::new(call, Method::PUT, url)
            }
            None => ApiRequest::post(call, below(&self.base_url, "webhooks")),
        };
        let answer = self.send(&request.json(webhook)).await?;
        success(call, answer).map(drop)
    }

    /// What a file is called, which only its headers say.
    pub(super) async fn named(&self, attachment: &Attachment) -> Result<Attachment, SendError> {
        let Some(id) = &attachment.id else {
            return Ok(attachment.clone());
        };
        let headers = self.head(self.contents(id)?).await?;
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let mime_type = header(CONTENT_TYPE).and_then(|kind| kind.split(';').next());
        Ok(Attachment {
            name: headers
                .get(CONTENT_DISPOSITION)
                .and_then(|header| disposition::name(header.as_bytes()))
                .unwrap_or_else(|| attachment.name.clone()),
            mime_type: mime_type.unwrap_or_default().trim().to_owned(),
            size: header(CONTENT_LENGTH).and_then(|size| size.parse().ok()),
            ..attachment.clone()
        })
    }

    /// The headers of a file. A redirect is not followed: the token is for this address.
    async fn head(&self, url: Url) -> Result<HeaderMap, SendError> {
        // It is somewhere else, where its headers are not asked for; or its headers alone are not to be had.
        let no_headers: Vec<u16> = (300..400).chain([405, 501]).collect();
        let read: Vec<u16> = no_headers.iter().copied().chain([403]).collect();
        let request = ApiRequest::new("say what a file is", Method::HEAD, url).expect(&read);
        let signed = |token: &SecretString| request.clone().bearer_auth(token);
        let sent = self.api.send_signed(&self.tokens, signed).await;
        let answer = sent.map_err(|error| refusal::of_call(&error))?;
        // It says so of the file, not of the token.
        if answer.status == 403 {
            return Err(SendError::refused("the bot may not read the file"));
        }
        Ok(if no_headers.contains(&answer.status) {
            HeaderMap::new()
        } else {
            answer.headers
        })
    }

    /// The content of a file.
    pub(super) async fn file(
        &self,
        id: &str,
        fetcher: &Fetcher,
        limit: usize,
    ) -> Result<Bytes, SendError> {
        let url = self.contents(id)?;
        let is_webexs = |url: &Url| url.origin() == self.base_url.origin();
        let mut file = fetcher
            .fetch(&url, Some(self.tokens.newest()), is_webexs, limit)
            .await;
        for token in self.tokens.iter().skip(1) {
            match &file {
                Err(FetchError::Call(error)) if error.code == "401" => {
                    file = fetcher.fetch(&url, Some(token), is_webexs, limit).await;
                }
                _ => break,
            }
        }
        file.map_err(|error| match &error {
            FetchError::Call(call) if ["410", "423"].contains(&call.code.as_str()) => {
                refusal::of_call(call)
            }
            _ => Failure::from(error).into(),
        })
    }

    fn contents(&self, id: &str) -> Result<Url, SendError> {
        if !is_id(id) {
            return Err(SendError::refused("the file's id is none"));
        }
        Ok(below(&self.base_url, &format!("contents/{id}")))
    }

    async fn send(&self, request: &ApiRequest) -> Result<ApiAnswer, SendError> {
        let request = request.clone().expect(refusal::READ);
        let signed = |token: &SecretString| request.clone().bearer_auth(token);
        let sent = self.api.send_signed(&self.tokens, signed).await;
        sent.map_err(|error| refusal::of_call(&error))
    }
}

/// The body of an answer that is a success.
fn success(call: &str, answer: ApiAnswer) -> Result<Value, SendError> {
    if (200..300).contains(&answer.status) {
        return Ok(answer.body);
    }
    Err(refusal::of_answer(call, &answer))
}

/// What is listed in an answer.
fn items(call: &'static str, answer: ApiAnswer) -> Result<Vec<Value>, SendError> {
    let listed = success(call, answer)?;
    let items = listed.get("items").and_then(Value::as_array);
    items.cloned().ok_or_else(|| unreadable(call))
}

/// An answer that is a success, and not what was asked for.
fn unreadable(call: &'static str) -> SendError {
    refusal::of_call(&CallError::new(call, CallErrorKind::Unreadable))
}

/// Webex's own words in an error.
fn words(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    lenient_json::text(&body, "message")
}

/// What a webhook is made of.
pub(super) fn webhook(name: &str, url: &str, resource: &str, event: &str) -> Value {
    json!({"name": name, "targetUrl": url, "resource": resource, "event": event})
}

#[cfg(test)]
mod tests;
