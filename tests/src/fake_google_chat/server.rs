//! The HTTP side: the Chat API below `/v1`, `/token`, and the published keys at `/certs`.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Method, StatusCode, Uri, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::refused::Refused;
use super::state::{Call, Message, State, Store};
use super::{APP, check, tokens};
use crate::faults::Dialect;

pub(super) fn router(state: Arc<State>) -> Router {
    Router::new().fallback(request).with_state(state)
}

async fn request(
    Shared(state): Shared<Arc<State>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = match (method.as_str(), uri.path()) {
        ("GET", "/certs") => certs(&state),
        ("POST", "/token") => token(&state, &body),
        (_, path) if path.starts_with("/v1/") => {
            let called =
                authenticate(&state, &headers).and_then(|()| call(&state, &method, &uri, &body));
            match called {
                Ok(answer) => answer,
                Err(refused) => {
                    let is_for_what_it_says = ![401, 409].contains(&refused.code);
                    if is_for_what_it_says {
                        let refusal = format!("{method} {uri}: {}", refused.message);
                        state.change(|store| store.refusals.push(refusal));
                    }
                    refused.answer()
                }
            }
        }
        _ => Refused::new(404, "there is nothing here").answer(),
    };
    let call = Call {
        method: method.to_string(),
        path: uri.to_string(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
        status: answer.status().as_u16(),
    };
    state.change(|store| store.calls.push(call));
    answer
}

fn certs(state: &State) -> Response {
    let keys = state.read(|store| tokens::published(&store.key_id));
    let cache = [(
        header::CACHE_CONTROL,
        "public, max-age=20000, must-revalidate, no-transform",
    )];
    (cache, axum::Json(keys)).into_response()
}

/// <https://developers.google.com/identity/protocols/oauth2/service-account#httprest>
fn token(state: &State, body: &[u8]) -> Response {
    let fields = url::form_urlencoded::parse(body);
    let field = |wanted: &str| {
        let mut fields = fields;
        let found = fields.find(|(name, _)| name == wanted);
        found
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    let wrong = if field("grant_type") == "urn:ietf:params:oauth:grant-type:jwt-bearer" {
        tokens::wrong(&field("assertion"), Timestamp::now().as_second())
    } else {
        Some("unsupported_grant_type")
    };
    if let Some(wrong) = wrong {
        let error = json!({"error": "invalid_grant", "error_description": wrong});
        state.change(|store| store.refusals.push(format!("token: {wrong}")));
        return (StatusCode::BAD_REQUEST, axum::Json(error)).into_response();
    }
    let token = state.change(|store| {
        let token = format!("ya29.fake-access-token-{:06}", store.next_id());
        store.access_tokens.push(token.clone());
        store.given_tokens.push(token.clone());
        token
    });
    let given = json!({"access_token": token, "expires_in": 3_599, "token_type": "Bearer"});
    axum::Json(given).into_response()
}

fn authenticate(state: &State, headers: &HeaderMap) -> Result<(), Refused> {
    let shown = headers.get(header::AUTHORIZATION);
    let shown = shown.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let is_good = state.read(|store| {
        shown.is_some_and(|shown| store.access_tokens.iter().any(|token| token == shown))
    });
    if is_good {
        Ok(())
    } else {
        let words = "Request had invalid authentication credentials.";
        Err(Refused::new(401, words))
    }
}

fn call(state: &State, method: &Method, uri: &Uri, body: &[u8]) -> Result<Response, Refused> {
    let path = uri.path().trim_start_matches("/v1/");
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
    if let Some(resource) = path.strip_prefix("media/") {
        let content = state.read(|store| store.files.get(resource).cloned());
        let is_asked = query.contains(&("alt".to_owned(), "media".to_owned()));
        let content = content.filter(|_| *method == Method::GET && is_asked);
        let content =
            content.ok_or_else(|| Refused::invalid("Invalid attachment resource name"))?;
        return Ok(content.into_response());
    }
    let body: Value =
        serde_json::from_slice(body).map_err(|_| Refused::invalid("Invalid JSON payload"))?;
    let parts: Vec<&str> = path.split('/').collect();
    let space = format!("spaces/{}", parts.get(1).unwrap_or(&""));
    if parts.first() != Some(&"spaces") || parts.get(2) != Some(&"messages") {
        return Err(Refused::new(404, "there is no such method"));
    }
    state.change(|store| {
        if store.removed.contains(&space) {
            return Err(Refused::new(
                403,
                "This Chat app is not a member of this space.",
            ));
        }
        let message = match (method.as_str(), parts.len()) {
            ("POST", 3) => create(store, state, &space, &query, body)?,
            ("PATCH", 4) => patch(store, state, path, &query, &body)?,
            _ => return Err(Refused::new(404, "there is no such method")),
        };
        Ok(axum::Json(message).into_response())
    })
}

/// The parameters of the query with which a message is created.
const KNOWN: [&str; 3] = ["requestId", "messageId", "messageReplyOption"];

/// <https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages/create>
fn create(
    store: &mut Store,
    state: &State,
    space: &str,
    query: &[(String, String)],
    mut body: Value,
) -> Result<Value, Refused> {
    let parameter = |wanted: &str| {
        let found = query.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    if let Some((name, _)) = query
        .iter()
        .find(|(name, _)| !KNOWN.contains(&name.as_str()))
    {
        return Err(Refused::invalid(format!("Unknown name \"{name}\"")));
    }
    check::message(&body, state.kind)?;
    let (request_id, client_id) = (parameter("requestId"), parameter("messageId"));
    let is_named = |id: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        id.starts_with("client-") && id.len() <= 63 && id.bytes().all(plain)
    };
    if !is_named(&client_id) {
        return Err(Refused::invalid("message_id is invalid"));
    }
    let option = parameter("messageReplyOption");
    let thread = body.pointer("/thread/name").and_then(Value::as_str);
    if ![
        "",
        "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD",
        "REPLY_MESSAGE_OR_FAIL",
    ]
    .contains(&option.as_str())
    {
        return Err(Refused::invalid("message_reply_option is invalid"));
    }
    if thread.is_some_and(|thread| !thread.starts_with(&format!("{space}/threads/"))) {
        return Err(Refused::invalid("thread.name is of another space"));
    }
    let is_again = |message: &&Message| !request_id.is_empty() && message.request_id == request_id;
    if let Some(there) = store.messages.iter().find(is_again) {
        return Ok(there.body.clone());
    }
    let is_taken = |message: &Message| message.space == space && message.client_id == client_id;
    if store.messages.iter().any(is_taken) {
        return Err(Refused::new(409, "Message with this ID already exists."));
    }
    let name = format!("{space}/messages/M{0}.M{0}", store.next_id());
    // Without the option, the thread is ignored.
    if thread.is_none() || option.is_empty() {
        body["thread"] = json!({"name": format!("{space}/threads/T{}", store.next_id())});
    }
    body["name"] = name.as_str().into();
    body["createTime"] = Timestamp::now().to_string().into();
    body["sender"] = json!({"name": APP, "type": "BOT"});
    body["space"] = json!({"name": space});
    store.messages.push(Message {
        space: space.to_owned(),
        name,
        client_id,
        request_id,
        body: body.clone(),
    });
    Ok(body)
}

/// <https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages/patch>
fn patch(
    store: &mut Store,
    state: &State,
    name: &str,
    query: &[(String, String)],
    body: &Value,
) -> Result<Value, Refused> {
    let [(mask, fields)] = query else {
        return Err(Refused::invalid("update_mask is required"));
    };
    if mask != "updateMask" {
        return Err(Refused::invalid(format!("Unknown name \"{mask}\"")));
    }
    let found = store
        .messages
        .iter_mut()
        .find(|message| message.name == name || name.ends_with(&message.client_id));
    let message = found.ok_or_else(|| Refused::new(404, "Message not found."))?;
    let mut changed = message.body.clone();
    for field in fields.split(',') {
        if !["text", "cardsV2", "accessoryWidgets"].contains(&field) {
            return Err(Refused::invalid(format!("update_mask has {field}")));
        }
        changed[field] = body.get(field).cloned().unwrap_or_default();
    }
    let mut checked = changed.clone();
    if let Some(fields) = checked.as_object_mut() {
        fields.retain(|name, value| {
            let is_sent = ["text", "cardsV2", "accessoryWidgets", "fallbackText"];
            is_sent.contains(&name.as_str()) && !value.is_null()
        });
    }
    check::message(&checked, state.kind)?;
    message.body = changed.clone();
    Ok(changed)
}

/// How Google says what it says.
#[derive(Debug)]
pub(super) struct GoogleDialect;

impl Dialect for GoogleDialect {
    /// Google promises no `Retry-After`; where there is one, it counts.
    fn too_many(&self, seconds: u64) -> Response {
        let mut answer = Refused::new(429, "Quota exceeded for quota metric.").answer();
        answer
            .headers_mut()
            .insert(header::RETRY_AFTER, seconds.into());
        answer
    }

    /// `code` is a status and words: `403 This Chat app is not a member of this space.`; or `ABORTED`.
    fn refused(&self, code: &str) -> Response {
        if code == "ABORTED" {
            return Refused::aborted().answer();
        }
        let (number, words) = code.split_once(' ').unwrap_or(("400", code));
        Refused::new(number.parse().unwrap_or(400), words).answer()
    }
}
