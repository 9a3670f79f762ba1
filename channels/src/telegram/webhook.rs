//! Telling Telegram where to send updates (<https://core.telegram.org/bots/api#setwebhook>).

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::api::Api;
use crate::channel::SendError;

/// The updates that are read. A list that is left out stays what it was before.
const UPDATES: [&str; 3] = ["message", "edited_message", "callback_query"];

/// Sets the webhook to this URL, with the newest secret. Updates that wait are kept.
pub(super) async fn register(
    api: Api,
    secret: SecretString,
    url: String,
) -> Result<String, SendError> {
    let arguments = json!({
        "url": url, "secret_token": secret.expose_secret(), "allowed_updates": UPDATES,
    });
    api.call("setWebhook", &arguments).await?;
    let name = api.name().await?;
    Ok(format!("Telegram sends what is said to @{name} to {url}"))
}
