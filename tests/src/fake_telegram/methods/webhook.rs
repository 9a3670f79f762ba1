//! The webhook (<https://core.telegram.org/bots/api#setwebhook>) and the list of commands.

use serde_json::{Value, json};
use url::Url;

use super::Arguments;
use crate::fake_telegram::Refused;
use crate::fake_telegram::state::State;

/// The ports that a webhook can have (`telegram-bot-api/WebhookActor.cpp`).
const PORTS: &[u16] = &[443, 80, 88, 8443];

/// The kinds of updates (<https://core.telegram.org/bots/api#update>).
const UPDATES: &[&str] = &[
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
    "guest_message",
    "message_reaction",
    "message_reaction_count",
    "inline_query",
    "chosen_inline_result",
    "callback_query",
    "shipping_query",
    "pre_checkout_query",
    "purchased_paid_media",
    "poll",
    "poll_answer",
    "my_chat_member",
    "chat_member",
    "chat_join_request",
    "chat_boost",
    "removed_chat_boost",
    "managed_bot",
];

/// <https://core.telegram.org/bots/api#setwebhook>
pub(super) fn set(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    let text = |key: &str| {
        arguments
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (url, secret) = (text("url"), text("secret_token"));
    if url.is_empty() {
        return Ok(delete(state));
    }
    let parsed = Url::parse(url);
    let parsed = parsed.map_err(|_| Refused::bad_request("invalid webhook URL specified"))?;
    if secret.len() > 256 {
        return Err(Refused::bad_request("secret token is too long"));
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !secret.bytes().all(is_plain) {
        return Err(Refused::bad_request(
            "secret token contains unallowed characters",
        ));
    }
    let port = parsed.port_or_known_default().unwrap_or_default();
    if parsed.scheme() != "https" {
        return Err(Refused::bad_request(
            "bad webhook: An HTTPS URL must be provided for webhook",
        ));
    }
    if !PORTS.contains(&port) {
        return Err(Refused::bad_request(
            "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443",
        ));
    }
    let connections = arguments
        .get("max_connections")
        .and_then(Value::as_i64)
        .unwrap_or(40);
    if !(1..=100).contains(&connections) {
        return Err(Refused::bad_request(
            "max_connections is not from 1 to 100 (Telegram corrects it)",
        ));
    }
    let kinds = arguments.get("allowed_updates").and_then(Value::as_array);
    for kind in kinds.into_iter().flatten() {
        if !kind.as_str().is_some_and(|kind| UPDATES.contains(&kind)) {
            return Err(Refused::bad_request(format!(
                "there are no updates {kind} (Telegram ignores it)"
            )));
        }
    }
    state.change(|store| {
        // A list that is not given stays what it was.
        let kinds = arguments
            .get("allowed_updates")
            .or_else(|| store.webhook.get("allowed_updates"));
        let kinds = kinds.cloned().unwrap_or_else(|| json!([]));
        store.webhook.clone_from(arguments);
        store.webhook.insert("allowed_updates".to_owned(), kinds);
    });
    Ok(Value::Bool(true))
}

/// <https://core.telegram.org/bots/api#deletewebhook>
pub(super) fn delete(state: &State) -> Value {
    state.change(|store| {
        for key in ["url", "secret_token", "max_connections"] {
            store.webhook.remove(key);
        }
    });
    Value::Bool(true)
}

/// <https://core.telegram.org/bots/api#getwebhookinfo>: never with the secret.
pub(super) fn info(state: &State) -> Value {
    state.read(|store| {
        let webhook = &store.webhook;
        let mut info = json!({
            "url": webhook.get("url").cloned().unwrap_or_else(|| json!("")),
            "has_custom_certificate": false,
            "pending_update_count": 0,
        });
        for key in ["allowed_updates", "max_connections"] {
            if let Some(value) = webhook.get(key) {
                info[key] = value.clone();
            }
        }
        info
    })
}

/// <https://core.telegram.org/bots/api#setmycommands>
pub(super) fn commands(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    let commands = arguments.get("commands").and_then(Value::as_array);
    let commands =
        commands.ok_or_else(|| Refused::bad_request("expected an Array of BotCommand"))?;
    if commands.len() > 100 {
        return Err(Refused::bad_request("BOT_COMMANDS_TOO_MUCH"));
    }
    for command in commands {
        let text = |key: &str| command.get(key).and_then(Value::as_str).unwrap_or_default();
        let name = text("command").trim_start_matches('/');
        let is_plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !(1..=32).contains(&name.len()) || !name.bytes().all(is_plain) {
            return Err(Refused::bad_request("BOT_COMMAND_INVALID"));
        }
        if !(1..=256).contains(&text("description").chars().count()) {
            return Err(Refused::bad_request("BOT_COMMAND_DESCRIPTION_INVALID"));
        }
    }
    state.change(|store| store.commands.clone_from(commands));
    Ok(Value::Bool(true))
}
