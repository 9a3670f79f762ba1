//! The calls that we make to Haptik (<https://docs.haptik.ai/webhooks>).
//!
//! Every call carries the account's token and `client-id`. Where the account has several tokens, the
//! next one is tried when Haptik does not accept the newest. No redirect is followed.

use std::fmt;
use std::time::Duration;

use http::{HeaderName, Method};
use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use crate::config::{self, Secrets};
use crate::ids::AuthId;
use crate::lenient_json;
use crate::net::api::{Api, ApiAnswer, ApiRequest, Field};
use crate::net::{CallError, CallErrorKind};

mod error;
mod file;
mod wire_types;

pub use error::{Call, HaptikError};
pub use file::{FILE_LIMIT, File, FileKind};
pub use wire_types::{
    Feedback, History, HistoryMessage, Logged, MoveToAgent, SyncAnswer, SyncMessage, User,
};

/// How long a file may take; other calls have 10 s.
const FILE_TIMEOUT: Duration = Duration::from_secs(30);

/// The most bytes of an answer that are read: room for a long transcript.
const ANSWER_LIMIT: usize = 10 * 1024 * 1024;

const CLIENT_ID: HeaderName = HeaderName::from_static("client-id");

/// The `device_platform` of webhooks, as Haptik's samples have it.
const WEBHOOK_PLATFORM: u8 = 13;

/// An account at Haptik, ready to be called. Cheap to clone.
#[derive(Clone)]
pub struct HaptikClient {
    api: Api,
    base_url: Url,
    integration_base_url: Url,
    sync_url: Option<Url>,
    client_id: String,
    tokens: Secrets,
}

impl HaptikClient {
    /// A client for this account, which sends with `http` (see [`net::client`](crate::net::client)).
    #[must_use]
    pub fn new(config: &config::Haptik, http: reqwest::Client) -> Self {
        Self {
            api: Api::new(http).words(error_message),
            base_url: config.base_url.clone(),
            integration_base_url: config.integration_base_url.clone(),
            sync_url: config.sync_url.clone(),
            client_id: config.client_id.clone(),
            tokens: config.tokens.clone(),
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
    /// A 2xx is a success even when the rest of the answer cannot be read: the message was most
    /// likely taken, and repeating it would say it twice.
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
        let answer = self
            .send_json(Call::LogFeedback, &Method::POST, &url, feedback)
            .await?;
        unless_failed(Call::LogFeedback, answer).map(drop)
    }

    /// Enables our webhook, which Haptik disables when a delivery has failed seven times. 10 s.
    ///
    /// # Errors
    /// When Haptik refuses or does not answer.
    pub async fn enable_webhook(&self, business_id: u64) -> Result<(), HaptikError> {
        let url = below(&self.base_url, "v1.0/webhook/");
        let body = json!({"enabled": true, "business_id": business_id, "device_platform": WEBHOOK_PLATFORM});
        let answer = self
            .send_json(Call::EnableWebhook, &Method::POST, &url, &body)
            .await?;
        let answer = unless_failed(Call::EnableWebhook, answer)?;
        match answer.body.get("enabled") {
            Some(Value::Bool(true)) => Ok(()),
            _ => Err(answer.unreadable().into()),
        }
    }

    /// Moves a user's chat to a team of agents. 10 s.
    ///
    /// # Errors
    /// When Haptik refuses (the user has not said anything yet, the team is inactive …) or does not
    /// answer.
    pub async fn send_chat_to_agent(&self, to: &MoveToAgent<'_>) -> Result<(), HaptikError> {
        let url = below(
            &self.integration_base_url,
            "integration/external/v1.0/send_chat_to_agent/",
        );
        let answer = self
            .send_json(Call::SendChatToAgent, &Method::POST, &url, to)
            .await?;
        unless_failed(Call::SendChatToAgent, answer).map(drop)
    }

    /// What was said in a user's conversation, message by message. 10 s.
    ///
    /// # Errors
    /// When Haptik refuses or does not answer, or the answer has no transcript.
    pub async fn get_chat_history(
        &self,
        history: &History<'_>,
    ) -> Result<Vec<HistoryMessage>, HaptikError> {
        let answer = self.history(history, "json").await?;
        let messages = answer.body.get("chat_json").and_then(Value::as_array);
        let messages = messages.ok_or_else(|| answer.unreadable())?;
        Ok(messages.iter().map(HistoryMessage::read).collect())
    }

    /// What was said in a user's conversation, as one text of `user: …` and `bot: …` lines. 10 s.
    ///
    /// # Errors
    /// When Haptik refuses or does not answer, or the answer has no transcript.
    pub async fn get_chat_history_text(
        &self,
        history: &History<'_>,
    ) -> Result<String, HaptikError> {
        let answer = self.history(history, "text").await?;
        let text = answer.body.get("chat_text").and_then(Value::as_str);
        let text = text.ok_or_else(|| answer.unreadable())?;
        Ok(text.to_owned())
    }

    /// Says something to the bot on behalf of a user, and waits for the answer (beta; Haptik issues
    /// the URL for it, `sync_url`). 10 s.
    ///
    /// # Errors
    /// [`HaptikError::NoSyncUrl`] when the account has none; else as for a message, and when the
    /// answer cannot be read.
    pub async fn send_sync_message(
        &self,
        auth_id: &AuthId,
        business_id: u64,
        text: &str,
    ) -> Result<SyncAnswer, HaptikError> {
        let call = Call::SyncMessage;
        let url = self.sync_url.as_ref().ok_or(HaptikError::NoSyncUrl)?;
        let message = message(auth_id, business_id, text);
        let answer = self.send_json(call, &Method::POST, url, &message).await?;
        let answer = unless_failed(call, answer)?;
        let read = SyncAnswer::read(&answer.body);
        read.ok_or_else(|| answer.unreadable().into())
    }

    async fn history(
        &self,
        history: &History<'_>,
        response_type: &str,
    ) -> Result<ApiAnswer, HaptikError> {
        let call = Call::GetChatHistory;
        let mut url = below(
            &self.integration_base_url,
            "integration/external/v2.0/get_chat_history/",
        );
        history.add_to(&mut url);
        url.query_pairs_mut()
            .append_pair("response_type", response_type);
        let answer = self.send(call, ApiRequest::get(call.as_str(), url)).await?;
        unless_failed(call, answer)
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

    /// Sends a request with the newest token that Haptik accepts.
    async fn send(&self, call: Call, request: ApiRequest) -> Result<ApiAnswer, HaptikError> {
        let request = request
            .header(CLIENT_ID, &self.client_id)
            .limit(ANSWER_LIMIT);
        let sent = self
            .api
            .send_signed(&self.tokens, |token| request.clone().bearer_auth(token));
        sent.await.map_err(|error| HaptikError::of(call, error))
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

/// The answer, unless its body says that the call failed after all.
fn unless_failed(call: Call, answer: ApiAnswer) -> Result<ApiAnswer, HaptikError> {
    let message = lenient_json::text(&answer.body, "error_message");
    let success = answer.body.get("success").and_then(Value::as_bool);
    if success == Some(false) || (success.is_none() && !message.is_empty()) {
        let error = answer.error(CallErrorKind::Refused).saying(&message);
        return Err(HaptikError::of(call, error));
    }
    Ok(answer)
}

/// Haptik's `error_message`; empty when there is none.
fn error_message(body: &str) -> String {
    let body = lenient_json::read(body.as_bytes()).unwrap_or_default();
    lenient_json::text(&body, "error_message")
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
