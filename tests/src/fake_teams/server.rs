//! The HTTP side: the connector's API below `/amer/v3`, `/token`, and the published keys.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Method, StatusCode, Uri, header};
use serde_json::{Value, json};

use super::{APP, Posted, SECRET, State, check};
use crate::fake_google_chat::tokens;
use crate::faults::Dialect;

pub(super) fn router(state: Arc<State>) -> Router {
    Router::new().fallback(request).with_state(state)
}

/// An error in the connector's form.
fn refused(status: u16, code: &str, message: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let error = json!({"error": {"code": code, "message": message}});
    (status, axum::Json(error)).into_response()
}

async fn request(
    Shared(state): Shared<Arc<State>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(base) = proxy(&state, &uri, &headers) {
        return relayed(&state, format!("{base}{uri}"), method, headers, body).await;
    }
    state.change(|store| store.calls.push(uri.path().to_owned()));
    match (method.as_str(), uri.path()) {
        ("GET", "/openid") => {
            let base = state.read(|store| store.base_url.clone());
            axum::Json(json!({"jwks_uri": format!("{base}/keys")})).into_response()
        }
        ("GET", "/keys") => {
            let mut keys = tokens::published("k1");
            let endorsements = state.read(|store| store.endorsements.clone());
            for key in keys["keys"].as_array_mut().into_iter().flatten() {
                key["endorsements"] = json!(endorsements);
            }
            axum::Json(keys).into_response()
        }
        ("POST", "/token") => token(&state, &body),
        ("GET", path) if path.starts_with("/files/") => file(&state, path, &headers),
        ("GET", path) if path.starts_with("/amer/v3/attachments/") => {
            if !is_authentic(&state, &headers) {
                return refused(401, "Unauthorized", "Authorization has been denied.");
            }
            content(&state, path)
        }
        (_, path) if path.starts_with("/amer/v3/conversations/") => {
            if !is_authentic(&state, &headers) {
                return refused(401, "Unauthorized", "Authorization has been denied.");
            }
            call(&state, &method, path, &body)
        }
        _ => refused(404, "NotFound", "there is nothing here"),
    }
}

/// What shows that a call has come through the proxy.
const RELAYED: &str = "x-fake-relayed";

/// The proxy that a call of the API has still to pass: activities name the fake itself, since a conversation
/// lasts longer than a process that has a proxy of its own.
fn proxy(state: &State, uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let is_api = uri.path().starts_with("/amer/");
    state.read(|store| {
        let is_to_pass = is_api && store.base_url != store.origin && !headers.contains_key(RELAYED);
        is_to_pass.then(|| store.base_url.clone())
    })
}

async fn relayed(
    state: &State,
    url: String,
    method: Method,
    mut headers: HeaderMap,
    body: Bytes,
) -> Response {
    headers.remove(header::HOST);
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(RELAYED, header::HeaderValue::from_static("1"));
    let call = state.http.request(method, url).headers(headers).body(body);
    let answered = async {
        let answer = call.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        Ok::<_, reqwest::Error>((status, headers, answer.bytes().await?))
    };
    match answered.await {
        Ok((status, headers, body)) => {
            let mut response = (status, body).into_response();
            for name in [header::CONTENT_TYPE, header::RETRY_AFTER] {
                if let Some(value) = headers.get(&name) {
                    response.headers_mut().insert(name, value.clone());
                }
            }
            response
        }
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

fn token(state: &State, body: &[u8]) -> Response {
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
    let field = |wanted: &str| {
        let found = fields.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    let is_good = field("grant_type") == "client_credentials"
        && field("client_id") == APP
        && field("client_secret") == SECRET
        && field("scope") == "https://api.botframework.com/.default";
    if !is_good {
        state.change(|store| store.refusals.push("token: invalid_client".to_owned()));
        let error = json!({"error": "invalid_client", "error_description": "AADSTS7000215"});
        return (StatusCode::UNAUTHORIZED, axum::Json(error)).into_response();
    }
    let token = format!("fake-teams-access-token-{:06}", state.next_id());
    state.change(|store| {
        store.access_tokens.push(token.clone());
        store.given_tokens.push(token.clone());
    });
    let given = json!({"access_token": token, "expires_in": 3_599, "token_type": "Bearer"});
    axum::Json(given).into_response()
}

fn is_authentic(state: &State, headers: &HeaderMap) -> bool {
    let shown = headers.get(header::AUTHORIZATION);
    let shown = shown.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    state.read(|store| {
        shown.is_some_and(|shown| store.access_tokens.iter().any(|token| token == shown))
    })
}

/// A file of a personal chat: whoever has its address has it. The bot's token is none of its server's
/// business.
fn file(state: &State, path: &str, headers: &HeaderMap) -> Response {
    if headers.contains_key(header::AUTHORIZATION) {
        state.change(|store| {
            store
                .refusals
                .push("a file was asked for with a token".to_owned());
        });
        return StatusCode::UNAUTHORIZED.into_response();
    }
    content(state, path)
}

fn content(state: &State, path: &str) -> Response {
    let content = state.read(|store| store.files.get(path).cloned());
    content.map_or_else(
        || StatusCode::NOT_FOUND.into_response(),
        axum::response::IntoResponse::into_response,
    )
}

fn call(state: &State, method: &Method, path: &str, body: &[u8]) -> Response {
    let decoded = |segment: &str| {
        let pair = format!("x={}", segment.replace('+', "%2B"));
        let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
        pairs
            .next()
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    let segments: Vec<String> = path.split('/').skip(4).map(decoded).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let activity: Value = serde_json::from_slice(body).unwrap_or_default();
    let refuse = |status: u16, code: &str, words: &str| {
        let refusal = format!("{method} {path}: {words}");
        state.change(|store| store.refusals.push(refusal));
        refused(status, code, words)
    };
    let conversation = segments.first().copied().unwrap_or_default().to_owned();
    if state.read(|store| store.removed.contains(&conversation)) {
        return refuse(403, "MessageWritesBlocked", "The bot is not there.");
    }
    if let Some((status, words)) = check::wrong(&activity)
        && method != Method::GET
    {
        return refuse(status, "BadSyntax", &words);
    }
    match (method.as_str(), segments.as_slice()) {
        ("POST", [_, "activities"]) => {
            let id = format!("1767326{:06}", state.next_id());
            let posted = Posted {
                conversation,
                id: id.clone(),
                body: activity,
            };
            if posted.body["type"] == "message" {
                state.change(|store| store.posted.push(posted));
            }
            (StatusCode::CREATED, axum::Json(json!({"id": id}))).into_response()
        }
        ("PUT", [_, "activities", id]) => {
            let is_there = state.change(|store| {
                let mut posted = store.posted.iter_mut();
                let found = posted.find(|posted| posted.id == *id);
                found.map(|posted| posted.body = activity.clone()).is_some()
            });
            if is_there {
                axum::Json(json!({"id": id})).into_response()
            } else {
                refuse(404, "ActivityNotFoundInConversation", "no such activity")
            }
        }
        ("GET", [_, "members", user]) => {
            let number = user.trim_start_matches("29:");
            axum::Json(json!({
                "id": user, "name": format!("User {number}"), "aadObjectId": number,
                "email": format!("u{number}@acme.example"), "tenantId": super::TENANT,
            }))
            .into_response()
        }
        _ => refuse(404, "NotFound", "there is nothing here"),
    }
}

/// How Teams says what it says.
#[derive(Debug)]
pub(super) struct TeamsDialect;

impl Dialect for TeamsDialect {
    /// `code` is a status and a code: `403 MessageWritesBlocked`.
    fn refused(&self, code: &str) -> Response {
        let (number, code) = code.split_once(' ').unwrap_or(("400", code));
        refused(number.parse().unwrap_or(400), code, code)
    }
}
