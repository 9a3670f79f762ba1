//! The calls that we make to Haptik (<https://docs.haptik.ai/webhooks>).
//!
//! Every call carries a token and `client-id`. The agent and transcript calls are another API, with a token
//! and a host of their own where the account has them. Where there are several tokens, the next one is tried
//! when Haptik does not accept the newest: it says so with 401, or in words with any status. No redirect is
//! followed.

use std::fmt;
use std::time::Duration;

use http::{HeaderName, Method};
use secrecy::SecretString;
use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use crate::config::{self, Secrets};
use crate::ids::{AccountId, AuthId};
use crate::lenient_json;
use crate::net::api::{Api, ApiAnswer, ApiRequest, Field};
use crate::net::{CallError, CallErrorKind};
use crate::telemetry::{Hop, Outcome};

mod error;
mod file;
mod wire_types;

pub use error::{Call, HaptikError};
pub(super) use error::{is_of_credentials, is_of_nobody, plain};
pub use file::{FILE_LIMIT, File, FileKind};
pub use wire_types::{
    Feedback, History, HistoryMessage, Logged, MoveToAgent, SyncAnswer, SyncMessage, User,
};

/// How long a file may take; other calls have 10 s, but for the synchronous one.
const FILE_TIMEOUT: Duration = Duration::from_secs(30);

/// The most bytes of an answer that are read: room for a long transcript.
const ANSWER_LIMIT: usize = 10 * 1024 * 1024;

/// The longest body, in bytes, that is words and not a page.
const LONGEST_TEXT: usize = 200;

const CLIENT_ID: HeaderName = HeaderName::from_static("client-id");

/// An account at Haptik, ready to be called. Cheap to clone.
#[derive(Clone)]
pub struct HaptikClient {
    /// How logs and metrics name the account.
    source: String,
    api: Api,
    base_url: Url,
    integration_base_url: Url,
    sync_url: Option<Url>,
    sync_timeout: Duration,
    client_id: String,
    tokens: Secrets,
    integration_tokens: Secrets,
}

impl HaptikClient {
    /// A client for this account, which sends with `http` (see [`net::client`](crate::net::client)).
    #[must_use]
    pub fn new(config: &config::Haptik, http: reqwest::Client) -> Self {
        Self {
            source: "haptik".to_owned(),
            api: Api::new(http).words(error_message),
            base_url: config.base_url.clone(),
            integration_base_url: config.integration_base_url.clone(),
            sync_url: config.sync_url.clone(),
            sync_timeout: config.sync_timeout,
            client_id: config.client_id.clone(),
            tokens: config.tokens.clone(),
            integration_tokens: config.integration_tokens.clone(),
        }
    }

    /// The same, with the account's name for logs and metrics.
    #[must_use]
    pub fn named(self, account: &AccountId) -> Self {
        Self {
            source: format!("haptik/{account}"),
            ..self
        }
    }

    /// Whether Haptik has issued a URL for synchronous messages, whose answer comes with the call.
    #[must_use]
    pub fn answers_at_once(&self) -> bool {
        self.sync_url.is_some()
    }

    /// Creates a user, which must be done before the user's first message. 10 s.
    ///
    /// # Errors
    /// When Haptik refuses or does not answer.
    pub async fn create_user(&self, user: &User) -> Result<(), HaptikError> {
        let url = below(&self.base_url, "v1.0/user/");
        self.send_json(Call::CreateUser, &Method::POST, &url, user)
            .await
            .map(drop)
    }

    /// Changes what Haptik knows about a user. 10 s.
    ///
    /// # Errors
    /// When Haptik refuses or does not answer.
    pub async fn update_user(&self, user: &User) -> Result<(), HaptikError> {
        let url = below(&self.base_url, "v1.0/user/");
        self.send_json(Call::UpdateUser, &Method::PUT, &url, user)
            .await
            .map(drop)
    }

    /// Says something to the bot or agent on behalf of a user. 10 s.
    ///
    /// A 2xx is a success even when the answer cannot be read, unless it says that the call failed: the
    /// message was most likely taken, and repeating it would say it twice.
    ///
    /// # Errors
    /// [`HaptikError::NotRegistered`] when the user must be created first; else when Haptik refuses or
    /// does not answer.
    pub async fn log_message(
        &self,
        auth_id: &AuthId,
        business_id: u64,
        text: &str,
    ) -> Result<Logged, HaptikError> {
        let url = below(&self.base_url, "v1.0/log_message_from_user/");
        let message = message(auth_id, business_id, text);
        let answer = self
            .send_json(Call::LogMessage, &Method::POST, &url, &message)
            .await?;
        Ok(Logged::read(&answer.body))
    }

    /// Gives a file to the bot or agent on behalf of a user. 30 s.
    ///
    /// As with a message, a 2xx is a success.
    ///
    /// # Errors
    /// [`HaptikError::NotRegistered`] when the user must be created first; else when Haptik refuses or
    /// does not answer.
    pub async fn log_file(&self, file: &File<'_>) -> Result<Logged, HaptikError> {
        let url = below(&self.base_url, "v1.0/log_file_from_user/");
        let request = ApiRequest::post(Call::LogFile.as_str(), url)
            .multipart(file_fields(file))
            .timeout(FILE_TIMEOUT);
        let answer = self.send(Call::LogFile, request).await?;
        Ok(Logged::read(&answer.body))
    }

    /// Gives a user's rating of the conversation. 10 s.
    ///
    /// # Errors
    /// [`HaptikError::DuplicateFeedback`] within an hour of the user's last one,
    /// [`HaptikError::NoActiveConversation`], [`HaptikError::NotRegistered`]; else when Haptik refuses
    /// or does not answer.
    pub async fn log_feedback(&self, feedback: &Feedback<'_>) -> Result<(), HaptikError> {
        let url = below(&self.base_url, "v1.0/log_feedback_from_user/");
        self.send_json(Call::LogFeedback, &Method::POST, &url, feedback)
            .await
            .map(drop)
    }

    /// Enables our webhook for the chats of a queue on a platform (13: what comes by the bridge, 5: the Web
    /// SDK), which Haptik disables when a delivery has failed seven times. 10 s.
    ///
    /// # Errors
    /// When Haptik refuses or does not answer.
    pub async fn enable_webhook(
        &self,
        business_id: u64,
        device_platform: u64,
    ) -> Result<(), HaptikError> {
        let url = below(&self.base_url, "v1.0/webhook/");
        let body = json!({"enabled": true, "business_id": business_id, "device_platform": device_platform});
        let answer = self
            .send_json(Call::EnableWebhook, &Method::POST, &url, &body)
            .await?;
        match answer.body.get("enabled") {
            Some(Value::Bool(true)) => Ok(()),
            _ => Err(answer.unreadable().into()),
        }
    }

    /// Moves a user's chat to agents: to a team, by version 1 of the call, or to a receiver, which version 2
    /// has. 10 s.
    ///
    /// # Errors
    /// When Haptik refuses (the user has not said anything yet, the team is inactive, the receiver is not
    /// known …) or does not answer.
    pub async fn send_chat_to_agent(&self, to: &MoveToAgent<'_>) -> Result<(), HaptikError> {
        let path = if to.receiver.is_some() {
            "integration/external/v2.0/send_chat_to_agent/"
        } else {
            "integration/external/v1.0/send_chat_to_agent/"
        };
        let url = below(&self.integration_base_url, path);
        self.send_json(Call::SendChatToAgent, &Method::POST, &url, to)
            .await
            .map(drop)
    }

    /// What was said in a user's conversation, message by message. 10 s.
    ///
    /// # Errors
    /// When Haptik refuses or does not answer, or the answer has no transcript.
    pub async fn get_chat_history(
        &self,
        history: &History<'_>,
    ) -> Result<Vec<HistoryMessage>, HaptikError> {
        let call = Call::GetChatHistory;
        let mut url = below(
            &self.integration_base_url,
            "integration/external/v2.0/get_chat_history/",
        );
        history.add_to(&mut url);
        url.query_pairs_mut().append_pair("response_type", "json");
        let request = ApiRequest::get(call.as_str(), url);
        let answer = self.send(call, request).await?;
        let messages = answer.body.get("chat_json").and_then(Value::as_array);
        let messages = messages.ok_or_else(|| answer.unreadable())?;
        Ok(messages.iter().map(HistoryMessage::read).collect())
    }

    /// Says something to the bot on behalf of a user, and waits for the answer (beta; Haptik issues
    /// the URL for it, `sync_url`), for as long as `sync_timeout` says.
    ///
    /// # Errors
    /// [`HaptikError::NoSyncUrl`] when the account has none; else as for a message, and when the
    /// answer cannot be read. [`HaptikError::may_have_been_said`] of one that is not to be repeated.
    pub async fn send_sync_message(
        &self,
        auth_id: &AuthId,
        business_id: u64,
        text: &str,
    ) -> Result<SyncAnswer, HaptikError> {
        let call = Call::SyncMessage;
        let url = self.sync_url.as_ref().ok_or(HaptikError::NoSyncUrl)?;
        let message = message(auth_id, business_id, text);
        let request = ApiRequest::post(call.as_str(), url.clone())
            .json(message)
            .timeout(self.sync_timeout);
        let answer = self.send(call, request).await?;
        let read = SyncAnswer::read(&answer.body);
        read.ok_or_else(|| answer.unreadable().into())
    }

    async fn send_json(
        &self,
        call: Call,
        method: &Method,
        url: &Url,
        body: &(impl Serialize + Sync + ?Sized),
    ) -> Result<ApiAnswer, HaptikError> {
        let body = serde_json::to_value(body).map_err(|_| {
            let kind = CallErrorKind::Unsendable("it cannot be written as JSON");
            CallError::new(call.as_str(), kind)
        })?;
        let request = ApiRequest::new(call.as_str(), method.clone(), url.clone()).json(body);
        self.send(call, request).await
    }

    /// Sends a request with the newest token that Haptik accepts. That it accepts none is for somebody to mend.
    async fn send(&self, call: Call, request: ApiRequest) -> Result<ApiAnswer, HaptikError> {
        let request = request
            .header(CLIENT_ID, &self.client_id)
            .limit(ANSWER_LIMIT);
        let tokens = match call {
            Call::SendChatToAgent | Call::GetChatHistory => &self.integration_tokens,
            Call::CreateUser
            | Call::UpdateUser
            | Call::LogMessage
            | Call::LogFile
            | Call::LogFeedback
            | Call::EnableWebhook
            | Call::SyncMessage => &self.tokens,
        };
        let mut sent = self.send_with(call, &request, tokens.newest()).await;
        for token in tokens.iter().skip(1) {
            match sent {
                Err(error) if error.is_of_token() => {
                    sent = self.send_with(call, &request, token).await;
                }
                _ => break,
            }
        }
        if let Err(error) = &sent
            && error.is_of_token()
        {
            let reason = error.to_string();
            Hop::new("needs_attention", &self.source)
                .outcome(Outcome::WillRetry)
                .reason(reason.as_str())
                .emit();
        }
        sent
    }

    async fn send_with(
        &self,
        call: Call,
        request: &ApiRequest,
        token: &SecretString,
    ) -> Result<ApiAnswer, HaptikError> {
        let sent = self.api.send(request.clone().bearer_auth(token)).await;
        let answer = sent.map_err(|error| HaptikError::of(call, error))?;
        match failure(&answer.body) {
            Some(words) => {
                let error = answer.error(CallErrorKind::Refused).saying(&words);
                Err(HaptikError::of(call, error))
            }
            None => Ok(answer),
        }
    }
}

impl fmt::Debug for HaptikClient {
    /// Leaves out the tokens, and the `sync_url`, which may have a key in it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("HaptikClient")
            .field("base_url", &self.base_url.as_str())
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// What the body of an answer with a good status says if the call failed after all: some words, or none.
fn failure(body: &Value) -> Option<String> {
    let said = |key: &str| lenient_json::text(body, key);
    let words = ERRORS.iter().map(|key| words_at(body, key));
    let words = words.into_iter().find(|words| !words.trim().is_empty());
    let bad = ["error", "failed", "failure", "false", "fail"];
    let is_bad = |key: &str| bad.contains(&said(key).trim().to_lowercase().as_str());
    let has_failed = match said("success").trim().to_lowercase().as_str() {
        "true" => return None,
        "false" => true,
        _ => words.is_some() || is_bad("status") || is_bad("result"),
    };
    if has_failed {
        return Some(words.unwrap_or_else(|| words_of(body)));
    }
    // An answer that is nothing but words about the token is none.
    let about_token = match body {
        Value::String(words) => words.clone(),
        body if body.as_object().is_some_and(|body| body.len() <= FEW) => {
            let said = ["message", "detail", "msg", "reason"].map(said);
            let said = said.into_iter().find(|words| !words.trim().is_empty());
            said.unwrap_or_default()
        }
        _ => String::new(),
    };
    error::is_of_credentials(&error::plain(&about_token)).then_some(about_token)
}

/// The most keys of an answer that is about why it is none.
const FEW: usize = 3;

/// Where an answer has the words of a failure, and nothing else.
const ERRORS: [&str; 4] = ["error_message", "error", "errors", "error_description"];

/// The words of an answer that is JSON: what Haptik and gateways call them; empty where there are none.
pub(super) fn words_of(body: &Value) -> String {
    if let Value::String(words) = body {
        return words.clone();
    }
    let keys = ERRORS.iter().chain(&["message", "detail", "msg", "reason"]);
    let words = keys.map(|key| words_at(body, key));
    words
        .into_iter()
        .find(|words| !words.trim().is_empty())
        .unwrap_or_default()
}

/// The words at a key: a text, the first of a list, or those of an object.
fn words_at(body: &Value, key: &str) -> String {
    let is_words = |value: &Value| match value {
        Value::String(words) => Some(words.clone()),
        Value::Object(_) => Some(words_of(value)),
        _ => None,
    };
    match body.get(key) {
        Some(Value::Array(list)) => list.iter().find_map(is_words).unwrap_or_default(),
        Some(value) => is_words(value).unwrap_or_default(),
        None => String::new(),
    }
}

/// Haptik's words in an answer with a bad status: `error_message`, or what a gateway calls it; the whole body
/// where it is a short text.
fn error_message(body: &str) -> String {
    match lenient_json::read(body.as_bytes()) {
        Ok(Value::String(words)) => words,
        Ok(json) => words_of(&json),
        Err(_) if body.len() <= LONGEST_TEXT && !body.contains('<') => body.trim().to_owned(),
        Err(_) => String::new(),
    }
}

/// The URL of a path below a base URL, whether or not that ends in a slash.
fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

fn message(auth_id: &AuthId, business_id: u64, text: &str) -> Value {
    json!({
        "user": {"auth_id": auth_id},
        "message_body": text,
        "message_type": 0,
        "business_id": business_id,
    })
}

fn file_fields(file: &File<'_>) -> [(String, Field); 5] {
    [
        ("auth_id", Field::Text(file.auth_id.to_string())),
        ("business_id", Field::Text(file.business_id.to_string())),
        (
            "message_type",
            Field::Text(file.kind.message_type().to_string()),
        ),
        ("message_body", Field::Text(file.text.to_owned())),
        (
            "file",
            Field::File {
                name: file.sent_name(),
                mime_type: file.mime_type.to_owned(),
                bytes: file.bytes.clone(),
            },
        ),
    ]
    .map(|(name, field)| (name.to_owned(), field))
}

#[cfg(test)]
mod tests;
