//! The calls that we make to Haptik (<https://docs.haptik.ai/webhooks>).
//!
//! Every call carries the account's token and `client-id`. Where the account has several tokens, the
//! next one is tried when Haptik does not accept the newest. No redirect is followed.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Method, RequestBuilder, Response};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use crate::config::{self, Secrets};
use crate::ids::AuthId;
use crate::outbound::{self, Unreachable};

mod error;
mod file;
mod wire_types;

pub use error::{Call, HaptikError};
pub use file::{FILE_LIMIT, File, FileKind};
pub use wire_types::{
    Feedback, History, HistoryMessage, Logged, MoveToAgent, SyncAnswer, SyncMessage, User,
};

const TIMEOUT: Duration = Duration::from_secs(10);
const FILE_TIMEOUT: Duration = Duration::from_secs(30);

/// The most bytes of an answer that are read: room for a long transcript.
const ANSWER_LIMIT: usize = 10 * 1024 * 1024;

/// The `device_platform` of webhooks, as Haptik's samples have it.
const WEBHOOK_PLATFORM: u8 = 13;

/// An account at Haptik, ready to be called. Cheap to clone.
#[derive(Clone)]
pub struct HaptikClient {
    http: reqwest::Client,
    base_url: Url,
    integration_base_url: Url,
    sync_url: Option<Url>,
    client_id: String,
    tokens: Secrets,
}

impl HaptikClient {
    /// A client for this account, which sends with `http` (see [`outbound::client`]).
    #[must_use]
    pub fn new(config: &config::Haptik, http: reqwest::Client) -> Self {
        Self {
            http,
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
        Ok(Logged::read(&answer.value()))
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
        let request = || {
            self.http
                .post(url.clone())
                .timeout(FILE_TIMEOUT)
                .multipart(file_form(file))
        };
        let answer = self.send(Call::LogFile, request).await?;
        Ok(Logged::read(&answer.value()))
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
        answer.unless_failed(Call::LogFeedback).map(drop)
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
        let answer = answer.unless_failed(Call::EnableWebhook)?;
        match answer.body.as_ref().and_then(|body| body.get("enabled")) {
            Some(Value::Bool(true)) => Ok(()),
            _ => Err(HaptikError::Unreadable {
                call: Call::EnableWebhook,
                status: answer.status,
            }),
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
        answer.unless_failed(Call::SendChatToAgent).map(drop)
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
        let messages = answer
            .body
            .as_ref()
            .and_then(|body| body.get("chat_json")?.as_array());
        let messages = messages.ok_or(HaptikError::Unreadable {
            call: Call::GetChatHistory,
            status: answer.status,
        })?;
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
        let text = answer
            .body
            .as_ref()
            .and_then(|body| body.get("chat_text")?.as_str());
        text.map(ToOwned::to_owned).ok_or(HaptikError::Unreadable {
            call: Call::GetChatHistory,
            status: answer.status,
        })
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
        let answer = self
            .send_json(call, &Method::POST, url, &message)
            .await?
            .unless_failed(call)?;
        let read = answer.body.as_ref().and_then(SyncAnswer::read);
        read.ok_or(HaptikError::Unreadable {
            call,
            status: answer.status,
        })
    }

    async fn history(
        &self,
        history: &History<'_>,
        response_type: &str,
    ) -> Result<Answer, HaptikError> {
        let url = below(
            &self.integration_base_url,
            "integration/external/v2.0/get_chat_history/",
        );
        let request = || {
            let request = self.http.get(url.clone()).timeout(TIMEOUT);
            request
                .query(history)
                .query(&[("response_type", response_type)])
        };
        self.send(Call::GetChatHistory, request)
            .await?
            .unless_failed(Call::GetChatHistory)
    }

    async fn send_json(
        &self,
        call: Call,
        method: &Method,
        url: &Url,
        body: &(impl Serialize + Sync + ?Sized),
    ) -> Result<Answer, HaptikError> {
        let request = || {
            self.http
                .request(method.clone(), url.clone())
                .timeout(TIMEOUT)
                .json(body)
        };
        self.send(call, request).await
    }

    /// Sends a request with the newest token that Haptik accepts.
    async fn send(
        &self,
        call: Call,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Answer, HaptikError> {
        for token in self.tokens.iter() {
            let request = request()
                .bearer_auth(token.expose_secret())
                .header("client-id", &self.client_id);
            let response = request
                .send()
                .await
                .map_err(|error| HaptikError::Unreachable {
                    call,
                    cause: Unreachable::from(&error),
                })?;
            if response.status() != 401 {
                return Answer::read(call, response).await;
            }
        }
        Err(HaptikError::Unauthorized { call })
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

/// A 2xx answer.
struct Answer {
    status: u16,
    /// `None` when it is not JSON.
    body: Option<Value>,
}

impl Answer {
    async fn read(call: Call, response: Response) -> Result<Self, HaptikError> {
        let status = response.status();
        let retry_after = outbound::retry_after(response.headers(), Timestamp::now());
        // The status has said already whether the request was taken.
        let body = outbound::read(response, ANSWER_LIMIT)
            .await
            .unwrap_or_default();
        let body = serde_json::from_slice(&body).ok();
        if status.is_success() {
            Ok(Self {
                status: status.as_u16(),
                body,
            })
        } else {
            Err(HaptikError::of(
                call,
                status.as_u16(),
                &error_message(body.as_ref()),
                retry_after,
            ))
        }
    }

    /// The answer, unless its body says that the call failed after all.
    fn unless_failed(self, call: Call) -> Result<Self, HaptikError> {
        let message = error_message(self.body.as_ref());
        let success = self
            .body
            .as_ref()
            .and_then(|body| body.get("success")?.as_bool());
        if success == Some(false) || (success.is_none() && !message.is_empty()) {
            return Err(HaptikError::of(call, self.status, &message, None));
        }
        Ok(self)
    }

    fn value(self) -> Value {
        self.body.unwrap_or_default()
    }
}

/// Haptik's `error_message`; empty when there is none.
fn error_message(body: Option<&Value>) -> String {
    body.map(|body| crate::lenient_json::text(body, "error_message"))
        .unwrap_or_default()
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

fn file_form(file: &File<'_>) -> Form {
    let bytes = file.bytes.clone();
    let length = bytes.len() as u64;
    let part =
        || Part::stream_with_length(Body::from(bytes.clone()), length).file_name(file.sent_name());
    // A MIME type that is none is left out.
    let part = part().mime_str(file.mime_type).unwrap_or_else(|_| part());
    Form::new()
        .text("auth_id", file.auth_id.to_string())
        .text("business_id", file.business_id.to_string())
        .text("message_type", file.kind.message_type().to_string())
        .text("message_body", file.text.to_owned())
        .part("file", part)
        // As browsers write names: `filename*`, as it would be with a space in it, is not read by all.
        .percent_encode_noop()
}

#[cfg(test)]
mod tests;
