//! Log a message, and the synchronous call (docs.haptik.ai, webhooks/send-message-to-haptik and
//! `synchronous_webhooks`).

use std::time::Duration;

use axum::{Json, body::Bytes, extract::State, http::HeaderMap};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Refusal, object, required_number, required_text};
use crate::{
    account::Simulator,
    agent::plain,
    bot::{FileSent, Reply, UserMessage},
    events::iso,
    records::LoggedMessage,
};

pub(super) async fn log(
    State(simulator): State<Simulator>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let message = accept(&simulator, &object(&headers, &body)?, false)?;
    let replies = simulator.ask(&message);
    simulator.perform_all(&message, replies);
    Ok(Json(json!({
        "message_id": message.message_id,
        "message_body": message.text,
        "created_at": iso(message.at),
        "message_type": 0,
    })))
}

/// What is said comes back in the answer; everything else that happens goes to the webhook.
pub(super) async fn answer_at_once(
    State(simulator): State<Simulator>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let message = accept(&simulator, &object(&headers, &body)?, true)?;
    let auth_id = &message.auth_id;
    let mut said = Vec::new();
    let answers = Some(message.message_id);
    for reply in simulator.ask(&message) {
        let hsl = match reply {
            Reply::Text(text) => plain(&text),
            Reply::Hsl(hsl) => hsl,
            Reply::Waits(time) => {
                tokio::time::sleep(simulator.settings().scaled(time)).await;
                continue;
            }
            other => {
                simulator.perform(auth_id, other, answers);
                continue;
            }
        };
        if let Some(id) = simulator.note(auth_id, simulator.speaker_for(auth_id), &hsl) {
            said.push(json!({"id": id, "body": hsl}));
        }
    }
    tokio::time::sleep(Duration::from_millis(simulator.behaviour().sync_delay_ms)).await;
    let speaker = simulator.speaker_for(auth_id);
    let agent = simulator.read(|state| Some(simulator.frame(state, auth_id)?.speaker(speaker)));
    Ok(Json(json!({
        "version": "1.0",
        "timestamp": iso(Timestamp::now()),
        "agent": agent,
        "message": said,
    })))
}

fn accept(
    simulator: &Simulator,
    fields: &Map<String, Value>,
    synchronous: bool,
) -> Result<UserMessage, Refusal> {
    let user = match fields.get("user") {
        Some(Value::Object(user)) => user,
        Some(_) => return Err(Refusal::bad("user must be a JSON object")),
        None => return Err(Refusal::bad("user is missing")),
    };
    let auth_id = required_text(user, "auth_id")
        .map_err(|refusal| Refusal::bad(format!("user.{}", refusal.message)))?;
    let text = required_text(fields, "message_body")?;
    let business_id = required_number(fields, "business_id")?;
    if required_number(fields, "message_type")? != 0 {
        return Err(Refusal::bad("message_type must be 0"));
    }
    let message = receive(simulator, auth_id, text, business_id, None)?;
    simulator.change(|state| {
        state.records.messages.push(LoggedMessage {
            at: message.at,
            message_id: message.message_id,
            auth_id: message.auth_id.clone(),
            text: message.text.clone(),
            business_id,
            synchronous,
        })
    });
    Ok(message)
}

/// Gives what a registered user said its id and time.
pub(super) fn receive(
    simulator: &Simulator,
    auth_id: &str,
    text: &str,
    business_id: u64,
    file: Option<FileSent>,
) -> Result<UserMessage, Refusal> {
    simulator.change(|state| {
        let message_id = state.message_id();
        let pictures = state.link("/_simulator/images");
        let user = state
            .users
            .get(auth_id)
            .ok_or_else(Refusal::not_registered)?;
        let name = user.field("name");
        Ok(UserMessage {
            auth_id: auth_id.to_owned(),
            user_name: user.user_name.clone(),
            name: (!name.is_empty()).then(|| name.to_owned()),
            text: text.to_owned(),
            file,
            business_id,
            message_id,
            at: Timestamp::now(),
            pictures,
        })
    })
}
