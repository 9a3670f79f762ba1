//! The platform's calls, with the checks and refusals that Haptik documents.
//!
//! Where the documentation gives no status for a refusal, it is 400.

use std::{io, time::Duration};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::{
    account::Simulator,
    faults::{CallFault, CallOutcome},
    paths::{
        AGENT_PATH, AGENT_TOOL_PATH, FEEDBACK_PATH, FILE_PATH, HISTORY_PATH, MESSAGE_PATH,
        SYNCHRONOUS_PATH, USER_PATH, WEBHOOK_PATH,
    },
    records::{Call, WebhookEnable},
    settings::Settings,
};

mod feedback;
mod files;
mod integration;
mod messages;
mod users;

/// The largest request; a file of 10 MB and its form fit in.
const LARGEST_BODY: usize = 32 * 1024 * 1024;

/// The messaging calls.
pub(super) fn messaging_router(simulator: &Simulator) -> Router {
    let calls = Router::new()
        .route(USER_PATH, post(users::create).put(users::update))
        .route(MESSAGE_PATH, post(messages::log))
        .route(SYNCHRONOUS_PATH, post(messages::answer_at_once))
        .route(FILE_PATH, post(files::log))
        .route(FEEDBACK_PATH, post(feedback::log))
        .route(WEBHOOK_PATH, post(enable_webhook));
    guarded(calls, simulator)
}

/// The calls of the integration API.
pub(super) fn integration_router(simulator: &Simulator) -> Router {
    let calls = Router::new()
        .route(AGENT_PATH, post(integration::send_chat_to_agent))
        .route(AGENT_TOOL_PATH, post(integration::send_chat_to_tool))
        .route(HISTORY_PATH, get(integration::get_chat_history));
    guarded(calls, simulator)
}

fn guarded(calls: Router<Simulator>, simulator: &Simulator) -> Router {
    calls
        .route_layer(middleware::from_fn_with_state(simulator.clone(), authorize))
        .route_layer(middleware::from_fn_with_state(
            simulator.clone(),
            apply_faults,
        ))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(simulator.clone())
}

/// Why a call is refused: a status and an `error_message`.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    fn not_registered() -> Self {
        Self::new(StatusCode::FORBIDDEN, "user is not registered")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({"error_message": self.message}))).into_response()
    }
}

/// Records every call, and lets those go wrong that a fault concerns.
async fn apply_faults(
    State(simulator): State<Simulator>,
    request: Request,
    next: Next,
) -> Response {
    let at = Timestamp::now();
    let method = request.method().to_string();
    let path = request.uri().path().to_owned();
    let fault = simulator.change(|state| {
        let super::state::State { faults, random, .. } = state;
        faults.for_call(&method, &path, random)
    });
    let faulty = fault.is_some();
    let dropped = fault
        .as_ref()
        .is_some_and(|fault| fault.outcome == CallOutcome::Drop);
    let response = match fault {
        Some(fault) => go_wrong(fault, request, next).await,
        None => next.run(request).await,
    };
    let status = (!dropped).then(|| response.status().as_u16());
    simulator.change(|state| {
        state.records.calls.push(Call {
            at,
            method,
            path,
            status,
            faulty,
        })
    });
    response
}

async fn go_wrong(fault: CallFault, request: Request, next: Next) -> Response {
    let answer = if fault.takes_effect || fault.outcome == CallOutcome::Answer {
        Some(next.run(request).await)
    } else {
        None
    };
    tokio::time::sleep(Duration::from_millis(fault.delay_ms)).await;
    match fault.outcome {
        CallOutcome::Answer => answer.unwrap_or_default(),
        CallOutcome::Status {
            status,
            retry_after,
            body,
        } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let body = body.unwrap_or_else(
                || json!({"error_message": status.canonical_reason().unwrap_or("error")}),
            );
            let mut response = (status, Json(body)).into_response();
            if let Some(seconds) = retry_after {
                response
                    .headers_mut()
                    .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
        CallOutcome::Drop => Response::new(broken_body()),
        CallOutcome::Garbage => (
            [(header::CONTENT_TYPE, "application/json")],
            "{\"message_id\": 19, <html>",
        )
            .into_response(),
    }
}

/// A body that fails before its first byte. The server has sent nothing by then, not even the status
/// line, and can only close the connection.
fn broken_body() -> Body {
    let failure = io::Error::new(io::ErrorKind::ConnectionAborted, "dropped on request");
    Body::from_stream(futures_util::stream::iter([Err::<Bytes, _>(failure)]))
}

async fn authorize(State(simulator): State<Simulator>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let settings = simulator.settings();
    if !path.starts_with("/integration/") {
        return match credentials(settings, &settings.token, request.headers()) {
            Ok(()) => next.run(request).await,
            Err(_) => Refusal::new(StatusCode::UNAUTHORIZED, "invalid authorization details")
                .into_response(),
        };
    }
    let token = settings.integration_token.as_ref();
    let token = token.unwrap_or(&settings.token);
    match credentials(settings, token, request.headers()) {
        Ok(()) => next.run(request).await,
        // This API says what is wrong, each call in its own words.
        Err(reason) => {
            let reason = match reason {
                BAD_TOKEN if path == HISTORY_PATH => "Invalid token",
                other => other,
            };
            let status = StatusCode::from_u16(simulator.behaviour().refusal_status);
            Refusal::new(status.unwrap_or(StatusCode::UNAUTHORIZED), reason).into_response()
        }
    }
}

const BAD_TOKEN: &str = "invalid token provided";

fn credentials(
    settings: &Settings,
    expected: &SecretString,
    headers: &HeaderMap,
) -> Result<(), &'static str> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let client_id = header("client-id").ok_or("client_id missing in headers")?;
    if client_id != settings.client_id {
        return Err("invalid client_id in headers");
    }
    let token = header("authorization")
        .ok_or("token missing in headers")?
        .strip_prefix("Bearer ")
        .ok_or("invalid authorization in headers")?;
    if token == expected.expose_secret() {
        Ok(())
    } else {
        Err(BAD_TOKEN)
    }
}

/// The JSON object that a call carries.
fn object(headers: &HeaderMap, body: &Bytes) -> Result<Map<String, Value>, Refusal> {
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    if !is_json {
        return Err(Refusal::bad("Content-Type must be application/json"));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(Refusal::bad("the body must be a JSON object")),
        Err(_) => Err(Refusal::bad("the body is not JSON")),
    }
}

fn required_text<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a str, Refusal> {
    match fields.get(name) {
        None | Some(Value::Null) => Err(Refusal::bad(format!("{name} is missing"))),
        Some(Value::String(text)) if text.is_empty() => {
            Err(Refusal::bad(format!("{name} is empty")))
        }
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(Refusal::bad(format!("{name} must be a string"))),
    }
}

fn required_number(fields: &Map<String, Value>, name: &str) -> Result<u64, Refusal> {
    match fields.get(name) {
        None | Some(Value::Null) => Err(Refusal::bad(format!("{name} is missing"))),
        Some(value) => value
            .as_u64()
            .ok_or_else(|| Refusal::bad(format!("{name} must be a number"))),
    }
}

fn check_auth_id(settings: &Settings, auth_id: &str) -> Result<(), Refusal> {
    let alphanumeric = auth_id.chars().all(|c| c.is_ascii_alphanumeric());
    let plain = auth_id
        .chars()
        .all(|c| c.is_ascii_graphic() && !matches!(c, '#' | '/' | '?' | '{' | '}'));
    if auth_id.is_empty() || !plain || (settings.alphanumeric_auth_ids && !alphanumeric) {
        return Err(Refusal::bad("auth_id must be alphanumeric"));
    }
    Ok(())
}

async fn enable_webhook(
    State(simulator): State<Simulator>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let fields = object(&headers, &body)?;
    if fields.get("enabled") != Some(&Value::Bool(true)) {
        return Err(Refusal::bad("enabled must be true"));
    }
    simulator.change(|state| {
        let waiting = state.webhook.waiting.len();
        let at = Timestamp::now();
        state
            .records
            .webhook_enables
            .push(WebhookEnable { at, waiting })
    });
    simulator.enable_webhook();
    Ok(Json(json!({"enabled": true})))
}
