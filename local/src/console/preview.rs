//! What a message becomes in each channel.

use axum::Json;
use haptik_bridge_channels::registry::{self, CHANNELS, Registered};
use haptik_bridge_shared::message::{Sender, SenderKind};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Refused};
use crate::show;

/// A message, and where and as whose it is to be shown.
#[derive(Deserialize)]
pub(super) struct Shown {
    message: Value,
    /// The type of the channel; none for all.
    #[serde(default)]
    channel: Option<String>,
    /// The agent who says it; none for the bot.
    #[serde(default)]
    agent: Option<String>,
}

/// As `haptik-bridge preview --json`.
pub(super) async fn preview(Json(shown): Json<Shown>) -> Answer {
    let body = show::body_of(&shown.message);
    let body = body.map_err(|error| Refused::bad(format!("The text {error}.")))?;
    let sender = match shown.agent.filter(|name| !name.is_empty()) {
        Some(name) => Sender {
            kind: SenderKind::Agent,
            name,
            profile_image: String::new(),
        },
        None => Sender::default(),
    };
    let channels: Vec<&Registered> = match shown.channel.filter(|name| !name.is_empty()) {
        Some(name) => match registry::find(&name) {
            Some(channel) => vec![channel],
            None => return Err(Refused::not_found(format!("There is no channel {name}."))),
        },
        None => CHANNELS.iter().collect(),
    };
    let channels = channels.into_iter().map(
        |channel| json!({"channel": channel.name, "shown": show::as_json(channel, body, &sender)}),
    );
    Ok(Json(Value::Array(channels.collect())))
}
