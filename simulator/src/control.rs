//! The routes under `/_simulator/`, which do over HTTP what tests do by methods. They are listed in
//! the documentation of the parent module.
//!
//! A page of some other origin cannot use them from a browser: what changes something needs a JSON
//! body or a method that a browser asks permission for.

use std::{fmt::Write as _, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    account::Simulator,
    agent::{UnknownUser, plain},
    api::Refusal,
    behaviour::Behaviour,
    events::CompletedBy,
    faults::{CallFault, DeliveryFault},
};

/// What a search field of the demo's form can find.
const CITIES: [&str; 6] = ["Bengaluru", "Chennai", "Delhi", "Kolkata", "Mumbai", "Pune"];

pub(super) fn router(simulator: &Simulator) -> Router {
    Router::new()
        .route("/_simulator/state", get(state))
        .route("/_simulator/records/{kind}", get(records))
        .route("/_simulator/webhook", put(webhook))
        .route("/_simulator/clock", post(clock))
        .route(
            "/_simulator/behaviour",
            get(behaviour).put(change_behaviour),
        )
        .route(
            "/_simulator/faults/calls",
            get(call_faults)
                .post(add_call_fault)
                .delete(clear_call_faults),
        )
        .route(
            "/_simulator/faults/deliveries",
            get(delivery_faults)
                .post(add_delivery_fault)
                .delete(clear_delivery_faults),
        )
        .route("/_simulator/users/{auth_id}/says", post(says))
        .route("/_simulator/users/{auth_id}/agent_joins", post(agent_joins))
        .route("/_simulator/users/{auth_id}/agent_says", post(agent_says))
        .route("/_simulator/users/{auth_id}/completes", post(completes))
        .route(
            "/_simulator/users/{auth_id}/unknown_event",
            post(unknown_event),
        )
        .route("/_simulator/deliver", post(deliver))
        .route("/_simulator/search", get(search))
        .route("/_simulator/chats/{user_name}", get(chat))
        .route("/_simulator/files/{message_id}", get(file))
        .route("/_simulator/images/{name}", get(image))
        .with_state(simulator.clone())
}

impl IntoResponse for UnknownUser {
    fn into_response(self) -> Response {
        not_found(&self.to_string())
    }
}

async fn state(State(simulator): State<Simulator>) -> Json<Value> {
    Json(simulator.read(|state| {
        let records = &state.records;
        json!({
            "webhook": {
                "url": state.webhook.url,
                "enabled": state.webhook.enabled,
                "waiting": state.webhook.waiting.len(),
            },
            "users": state.users.len(),
            "totals": {
                "users": records.users.total(),
                "messages": records.messages.total(),
                "files": records.files.total(),
                "feedback": records.feedback.total(),
                "agent_moves": records.agent_moves.total(),
                "webhook_enables": records.webhook_enables.total(),
                "calls": records.calls.total(),
                "deliveries": records.deliveries.total(),
            },
        })
    }))
}

async fn records(State(simulator): State<Simulator>, Path(kind): Path<String>) -> Response {
    match simulator.records(|records| records.to_json(&kind)) {
        Some(found) => Json(found).into_response(),
        None => not_found("there are no records of this kind"),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookChange {
    url: Option<String>,
    enabled: Option<bool>,
}

async fn webhook(
    State(simulator): State<Simulator>,
    Json(change): Json<WebhookChange>,
) -> Json<Value> {
    match change.enabled {
        Some(true) => simulator.enable_webhook(),
        Some(false) => simulator.disable_webhook(),
        None => {}
    }
    if let Some(url) = change.url {
        simulator.set_webhook_url(url);
    }
    state(State(simulator)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TimePassing {
    seconds: u64,
}

async fn clock(
    State(simulator): State<Simulator>,
    Json(passing): Json<TimePassing>,
) -> Json<Value> {
    simulator.let_time_pass(Duration::from_secs(passing.seconds));
    state(State(simulator)).await
}

async fn behaviour(State(simulator): State<Simulator>) -> Json<Behaviour> {
    Json(simulator.behaviour())
}

async fn change_behaviour(
    State(simulator): State<Simulator>,
    Json(changes): Json<Value>,
) -> Result<Json<Behaviour>, Refusal> {
    let behaviour = simulator.behaviour().with(&changes).map_err(Refusal::bad)?;
    simulator.behave(|now| *now = behaviour);
    Ok(Json(simulator.behaviour()))
}

async fn call_faults(State(simulator): State<Simulator>) -> Json<Vec<CallFault>> {
    Json(simulator.read(|state| state.faults.calls.clone()))
}

async fn add_call_fault(
    State(simulator): State<Simulator>,
    Json(fault): Json<CallFault>,
) -> StatusCode {
    simulator.add_call_fault(fault);
    StatusCode::CREATED
}

async fn clear_call_faults(State(simulator): State<Simulator>) -> StatusCode {
    simulator.change(|state| state.faults.calls.clear());
    StatusCode::NO_CONTENT
}

async fn delivery_faults(State(simulator): State<Simulator>) -> Json<Vec<DeliveryFault>> {
    Json(simulator.read(|state| state.faults.deliveries.clone()))
}

async fn add_delivery_fault(
    State(simulator): State<Simulator>,
    Json(fault): Json<DeliveryFault>,
) -> StatusCode {
    simulator.add_delivery_fault(fault);
    StatusCode::CREATED
}

async fn clear_delivery_faults(State(simulator): State<Simulator>) -> StatusCode {
    simulator.change(|state| state.faults.deliveries.clear());
    StatusCode::NO_CONTENT
}

/// What somebody says: a text or a message in HSL.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum AgentMessage {
    Text(String),
    Hsl(Value),
}

impl AgentMessage {
    fn into_hsl(self) -> Value {
        match self {
            Self::Text(text) => plain(&text),
            Self::Hsl(hsl) => hsl,
        }
    }
}

async fn says(
    State(simulator): State<Simulator>,
    Path(auth_id): Path<String>,
    Json(said): Json<AgentMessage>,
) -> Result<Json<Value>, UnknownUser> {
    let message_id = simulator.say(&auth_id, &said.into_hsl())?;
    Ok(Json(json!({"message_id": message_id})))
}

async fn agent_says(
    State(simulator): State<Simulator>,
    Path(auth_id): Path<String>,
    Json(said): Json<AgentMessage>,
) -> Result<Json<Value>, UnknownUser> {
    let message_id = simulator.agent_says(&auth_id, &said.into_hsl())?;
    Ok(Json(json!({"message_id": message_id})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Joining {
    team_name: Option<String>,
    /// Somebody plays the agent: the scripted one is silent until the conversation completes.
    #[serde(default)]
    by_hand: bool,
}

async fn agent_joins(
    State(simulator): State<Simulator>,
    Path(auth_id): Path<String>,
    Json(joining): Json<Joining>,
) -> Result<StatusCode, UnknownUser> {
    match joining.team_name {
        Some(team_name) => simulator.agent_joins_from(&auth_id, &team_name)?,
        None => simulator.agent_joins(&auth_id)?,
    }
    if joining.by_hand {
        simulator.play_agent(&auth_id)?;
    }
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Completing {
    by: CompletedBy,
    completion_by: Option<String>,
}

async fn completes(
    State(simulator): State<Simulator>,
    Path(auth_id): Path<String>,
    Json(completing): Json<Completing>,
) -> Result<Response, UnknownUser> {
    if !simulator.is_in_conversation(&auth_id)? {
        let said = json!({"error_message": "there is no open conversation"});
        return Ok((StatusCode::CONFLICT, Json(said)).into_response());
    }
    match completing.completion_by {
        Some(completion_by) => {
            simulator.completes_as(&auth_id, completing.by, &completion_by)?;
        }
        None => simulator.completes(&auth_id, completing.by)?,
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnknownEvent {
    event_name: String,
}

async fn unknown_event(
    State(simulator): State<Simulator>,
    Path(auth_id): Path<String>,
    Json(unknown): Json<UnknownEvent>,
) -> Result<StatusCode, UnknownUser> {
    simulator.unknown_event(&auth_id, &unknown.event_name)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct SearchQuery {
    #[serde(default)]
    query: String,
}

/// What a form's search field asks (docs.haptik.ai, bot-builder/basic/chat-elements).
async fn search(Query(searched): Query<SearchQuery>) -> Json<Value> {
    let wanted = searched.query.to_lowercase();
    let found: Vec<_> = CITIES
        .iter()
        .filter(|city| city.to_lowercase().contains(&wanted))
        .map(|city| json!({"title": city}))
        .collect();
    Json(json!({"success": true, "data": found, "query": searched.query, "error": ""}))
}

async fn deliver(
    State(simulator): State<Simulator>,
    headers: axum::http::HeaderMap,
    body: String,
) -> Result<StatusCode, Refusal> {
    // The body need not be JSON, but a form of some web page could not claim that it were.
    let kind = headers.get(header::CONTENT_TYPE);
    if kind.is_none_or(|kind| kind.as_bytes() != b"application/json") {
        return Err(Refusal::bad("Content-Type must be application/json"));
    }
    simulator.deliver_raw(body);
    Ok(StatusCode::ACCEPTED)
}

async fn chat(State(simulator): State<Simulator>, Path(user_name): Path<String>) -> Response {
    let text = simulator.read(|state| {
        let user = state.users.by_user_name(&user_name)?;
        let text = user.history.iter().fold(String::new(), |mut text, line| {
            // Writing into a string does not fail.
            let _ = writeln!(text, "{}: {}", line.said.sender, line.said.text);
            text
        });
        Some(text)
    });
    text.map_or_else(
        || not_found("there is no such user"),
        IntoResponse::into_response,
    )
}

async fn file(State(simulator): State<Simulator>, Path(message_id): Path<u64>) -> Response {
    let file = simulator.records(|records| {
        let mut newest_first = records.files.iter().rev();
        newest_first
            .find(|file| file.message_id == message_id)
            .cloned()
    });
    file.map_or_else(
        || not_found("there is no such file"),
        |file| Json(file).into_response(),
    )
}

/// A picture drawn from its name, so that the demo's cards need no network.
async fn image(Path(name): Path<String>) -> Response {
    let hue = name
        .bytes()
        .fold(0_u32, |hash, byte| (hash * 31 + u32::from(byte)) % 360);
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 534 320\" width=\"534\" height=\"320\">\
         <rect width=\"534\" height=\"320\" fill=\"hsl({hue},60%,80%)\"/>\
         <circle cx=\"420\" cy=\"80\" r=\"36\" fill=\"hsl({hue},80%,95%)\"/>\
         <path d=\"M0 320 L150 120 L260 250 L350 170 L534 320 Z\" fill=\"hsl({hue},45%,45%)\"/></svg>"
    );
    ([(header::CONTENT_TYPE, "image/svg+xml")], svg).into_response()
}

fn not_found(message: &str) -> Response {
    (
        StatusCode::NOT_FOUND,
        Json(json!({"error_message": message})),
    )
        .into_response()
}
