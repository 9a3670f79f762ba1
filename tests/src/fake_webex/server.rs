//! The HTTP side: the Webex API below `/v1`.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use serde_json::{Value, json};

use super::{BOT, BOT_NAME, State, Store, TOKEN, check, email, now};
use crate::faults::Dialect;

/// An error in Webex's form (<https://developer.webex.com/docs/basics#api-errors>).
#[derive(Clone, Debug)]
struct Refused {
    status: u16,
    message: String,
}

impl Refused {
    fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    fn answer(&self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let error = json!({
            "message": self.message, "errors": [{"description": self.message}],
            "trackingId": "ROUTER_5F5510D5-D8D4-01BB-0055",
        });
        (status, axum::Json(error)).into_response()
    }
}

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
    let shown = headers.get(header::AUTHORIZATION);
    let shown = shown.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let called = if shown == Some(TOKEN) {
        call(&state, &method, &uri, &body)
    } else {
        let words =
            "The request requires a valid access token set in the Authorization request header.";
        Err(Refused::new(401, words))
    };
    called.unwrap_or_else(|refused| {
        if ![401, 410, 423, 428].contains(&refused.status) {
            let refusal = format!("{method} {uri}: {}", refused.message);
            state.change(|store| store.refusals.push(refusal));
        }
        refused.answer()
    })
}

fn call(state: &State, method: &Method, uri: &Uri, body: &[u8]) -> Result<Response, Refused> {
    let path = uri.path().strip_prefix("/v1/").unwrap_or_default();
    let parts: Vec<&str> = path.split('/').collect();
    let nothing = || Refused::new(404, "The requested resource could not be found.");
    let json = || {
        serde_json::from_slice::<Value>(body)
            .map_err(|_| Refused::new(400, "POST failed: HTTP/1.1 400 Bad Request"))
    };
    let found = |value: Option<Value>| value.map(|value| axum::Json(value).into_response());
    state.change(|store| match (method.as_str(), parts.as_slice()) {
        ("GET", ["people", "me"]) => Ok(axum::Json(person(BOT)).into_response()),
        ("GET", ["people", id]) => Ok(axum::Json(person(id)).into_response()),
        ("POST", ["messages"]) => {
            create(store, json()?).map(|message| axum::Json(message).into_response())
        }
        ("GET", ["messages", "direct"]) => direct(store, uri),
        ("GET", ["messages", id]) => {
            let message = store.messages.iter().find(|each| each["id"] == *id);
            let mut json = message.ok_or_else(nothing)?.to_string();
            if let Some((that, this)) = &store.instead {
                json = json.replace(that, this);
            }
            Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
        }
        ("GET", ["attachment", "actions", id]) => {
            found(store.actions.get(*id).cloned()).ok_or_else(nothing)
        }
        ("GET" | "HEAD", ["contents", id]) => content(store, id),
        ("GET", ["webhooks"]) => Ok(axum::Json(json!({"items": store.webhooks})).into_response()),
        ("POST", ["webhooks"]) => {
            let id = store.next_id();
            let webhook = webhook(json()?, &["resource", "event"], id)?;
            store.webhooks.push(webhook.clone());
            Ok(axum::Json(webhook).into_response())
        }
        ("PUT", ["webhooks", id]) => {
            let changed = webhook(json()?, &[], 0)?;
            let there = store.webhooks.iter_mut().find(|each| each["id"] == *id);
            let there = there.ok_or_else(nothing)?;
            for name in ["name", "targetUrl", "secret", "status"] {
                if changed.get(name).is_some() {
                    there[name] = changed[name].clone();
                }
            }
            Ok(axum::Json(there.clone()).into_response())
        }
        _ => Err(nothing()),
    })
}

/// <https://developer.webex.com/docs/api/v1/people/get-person-details>
fn person(id: &str) -> Value {
    if id == BOT {
        return json!({
            "id": BOT, "emails": ["help@webex.bot"], "displayName": BOT_NAME, "nickName": BOT_NAME,
            "type": "bot",
        });
    }
    json!({
        "id": id, "emails": [email(id)], "displayName": format!("User {id}"), "firstName": "User",
        "lastName": id, "timezone": "Asia/Kolkata", "type": "person",
    })
}

/// <https://developer.webex.com/docs/api/v1/messages/list-direct-messages>: from the newest on.
fn direct(store: &Store, uri: &Uri) -> Result<Response, Refused> {
    let query = uri.query().unwrap_or_default();
    let person = query.strip_prefix("personId=").filter(|id| !id.is_empty());
    let person = person.ok_or_else(|| Refused::new(400, "personId or personEmail is required"))?;
    let room = super::FakeWebex::direct(person);
    let there = store.messages.iter().rev();
    let there = there.filter(|each| each["roomId"] == room.as_str());
    let items: Vec<&Value> = there.take(50).collect();
    Ok(axum::Json(json!({"items": items})).into_response())
}

/// <https://developer.webex.com/docs/api/v1/messages/create-a-message>
fn create(store: &mut Store, mut body: Value) -> Result<Value, Refused> {
    check::message(&body).map_err(|words| Refused::new(400, words))?;
    let room = body["roomId"].as_str().unwrap_or_default().to_owned();
    if store.removed.contains(&room) {
        return Err(Refused::new(404, "Could not find a room with provided ID."));
    }
    if let Some(parent) = body["parentId"].as_str() {
        let parent = store.messages.iter().find(|each| each["id"] == parent);
        let is_root = parent.is_some_and(|parent| {
            parent["roomId"] == room.as_str() && parent.get("parentId").is_none()
        });
        if !is_root {
            return Err(Refused::new(400, "Parent activity can not be a reply"));
        }
    }
    let is_direct = room.starts_with(&super::FakeWebex::direct(""));
    body["roomType"] = if is_direct { "direct" } else { "group" }.into();
    body["id"] = format!("Y2lzOWN{}", store.next_id()).into();
    body["personId"] = BOT.into();
    body["personEmail"] = "help@webex.bot".into();
    body["created"] = now().into();
    store.messages.push(body.clone());
    Ok(body)
}

fn content(store: &Store, id: &str) -> Result<Response, Refused> {
    let file = store.files.get(id);
    let file =
        file.ok_or_else(|| Refused::new(404, "The requested resource could not be found."))?;
    match file.status {
        200 => {
            let mut answer = file.content.clone().into_response();
            let headers = answer.headers_mut();
            // The name in ASCII, and as it is (RFC 6266, appendix D).
            let is_plain = |one: &char| one.is_ascii() && !one.is_ascii_control();
            let plain: String = file.name.chars().filter(is_plain).collect();
            let plain = plain.replace('\\', "\\\\").replace('"', "\\\"");
            let encoded: String = percent_encoding::utf8_percent_encode(
                &file.name,
                percent_encoding::NON_ALPHANUMERIC,
            )
            .to_string();
            let name = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}");
            if let Ok(name) = HeaderValue::from_str(&name) {
                headers.insert(header::CONTENT_DISPOSITION, name);
            }
            if let Ok(kind) = HeaderValue::from_str(&file.mime_type) {
                headers.insert(header::CONTENT_TYPE, kind);
            }
            Ok(answer)
        }
        423 => {
            let mut answer = Refused::new(423, "The requested file is being scanned.").answer();
            let headers = answer.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            Ok(answer)
        }
        428 => Err(Refused::new(428, "The requested file cannot be scanned.")),
        status => Err(Refused::new(status, "The requested file is infected.")),
    }
}

/// <https://developer.webex.com/docs/api/v1/webhooks/create-a-webhook>
fn webhook(mut body: Value, required: &[&str], id: u64) -> Result<Value, Refused> {
    let missing = ["name", "targetUrl"]
        .iter()
        .chain(required)
        .find(|name| body[**name].as_str().is_none_or(str::is_empty));
    if let Some(name) = missing {
        return Err(Refused::new(400, format!("{name} cannot be empty")));
    }
    if id > 0 {
        body["id"] = format!("Y2lzHOOK{id}").into();
        body["status"] = "active".into();
    }
    Ok(body)
}

/// How Webex says what it says.
#[derive(Debug)]
pub(super) struct WebexDialect;

impl Dialect for WebexDialect {
    fn too_many(&self, seconds: u64) -> Response {
        let mut answer = Refused::new(429, "API rate limit exceeded").answer();
        answer
            .headers_mut()
            .insert(header::RETRY_AFTER, seconds.into());
        answer
    }

    /// `code` is a status and words: `403 The bot is not in the room.`
    fn refused(&self, code: &str) -> Response {
        let (number, words) = code.split_once(' ').unwrap_or(("400", code));
        Refused::new(number.parse().unwrap_or(400), words).answer()
    }
}
