//! Sinks: whoever wants the bot's events, besides the user.

use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use crate::config::Secrets;
use crate::haptik::webhook::Event;
use crate::ids::{AccountId, AuthId, EntryKey};
use crate::retry::Failure;
use crate::standard_webhooks;

/// A sink of the kind `webhook`: every event is one signed request, as Standard Webhooks has it
/// (<https://www.standardwebhooks.com>).
#[derive(Debug)]
pub struct WebhookSink {
    url: Url,
    signing_secrets: Secrets,
    http: reqwest::Client,
}

impl WebhookSink {
    /// The sink at `url`.
    #[must_use]
    pub fn new(url: Url, signing_secrets: Secrets, http: reqwest::Client) -> Self {
        Self {
            url,
            signing_secrets,
            http,
        }
    }

    /// Sends an event: `{"type", "timestamp", "data"}`, where `type` is Haptik's `event_name` and
    /// `data` what Haptik delivered. The `webhook-id` is the same on every try of one event.
    ///
    /// # Errors
    /// When it is not taken.
    pub async fn deliver(
        &self,
        account: &AccountId,
        event: &Event,
        key: &EntryKey,
        body: &str,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let user = event.auth_id.as_ref().map_or("", AuthId::as_str);
        let id = standard_webhooks::message_id(&[account.as_str(), user, key.as_str()]);
        let data: Value =
            serde_json::from_str(body).map_err(|_| Failure::permanent("the event is not JSON"))?;
        let body = json!({
            "type": event.event_name,
            "timestamp": event.timestamp.unwrap_or(now).to_string(),
            "data": data,
        });
        standard_webhooks::post(
            &self.http,
            &self.url,
            &self.signing_secrets,
            &id,
            &body,
            now,
        )
        .await?;
        Ok(())
    }
}
