//! The HTTP side: `/bot{token}/{method}` and `/file/bot{token}/{path}`
//! (<https://core.telegram.org/bots/api#making-requests>).

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Method, StatusCode, Uri, header};
use serde_json::{Map, Value, json};

use super::methods::{self, Arguments};
use super::state::State;
use super::{Call, Refusal, Refused, schema};
use crate::faults::Dialect;

/// The routes. The token is a part of a path's segment, so that they are told apart by hand.
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
    let path = uri.path();
    if let Some(rest) = path.strip_prefix("/file/bot") {
        return file(&state, rest);
    }
    let Some((token, name)) = path
        .strip_prefix("/bot")
        .and_then(|rest| rest.split_once('/'))
    else {
        return Refused::new(404, "Not Found").into_response();
    };
    let arguments = match method {
        Method::GET | Method::POST => arguments(&uri, &headers, &body),
        _ => Err(Refused::new(404, "Not Found")),
    };
    let shown = arguments.as_ref().cloned().unwrap_or_default();
    let method = schema::method(name);
    let result = authenticate(&state, token).and_then(|()| {
        let method = method.ok_or_else(|| Refused::new(404, "Not Found: method not found"))?;
        methods::run(&state, method, &arguments?)
    });
    let method = method.unwrap_or(name);
    let outcome = match &result {
        Ok(_) => "ok".to_owned(),
        Err(refused) => refused.description.clone(),
    };
    let call = Call {
        method: method.to_owned(),
        arguments: Value::Object(shown.clone()),
        outcome,
        at: state.now(),
    };
    state.change(|store| {
        store.calls.push(call);
        if let Err(refused) = &result {
            store.refusals.push(Refusal {
                method: method.to_owned(),
                description: refused.description.clone(),
                arguments: Value::Object(shown),
            });
        }
    });
    match result {
        Ok(result) => axum::Json(json!({"ok": true, "result": result})).into_response(),
        Err(refused) => refused.into_response(),
    }
}

/// Telegram answers 404 where there is no token at all, and 401 where it is nobody's
/// (<https://core.telegram.org/bots/api#authorizing-your-bot>).
fn authenticate(state: &State, token: &str) -> Result<(), Refused> {
    let has_form = token.split_once(':').is_some_and(|(id, rest)| {
        !rest.is_empty() && !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())
    });
    if !has_form {
        return Err(Refused::new(404, "Not Found"));
    }
    if token != state.token || state.read(|store| store.is_revoked) {
        return Err(Refused::new(401, "Unauthorized"));
    }
    Ok(())
}

/// The query, and the body as JSON or as a form, in which what is no text is written as JSON.
fn arguments(uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Arguments, Refused> {
    let mut arguments = form(uri.query().unwrap_or_default().as_bytes());
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    match kind {
        _ if body.is_empty() => {}
        "application/json" => match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => arguments.extend(fields),
            _ => return Err(Refused::bad_request("can't parse JSON object")),
        },
        "application/x-www-form-urlencoded" => arguments.extend(form(body)),
        _ => return Err(Refused::bad_request("the fake reads JSON and forms")),
    }
    Ok(arguments)
}

fn form(text: &[u8]) -> Map<String, Value> {
    let fields = url::form_urlencoded::parse(text);
    let read = |text: &str| match text.as_bytes().first() {
        Some(b'{' | b'[' | b'-' | b'0'..=b'9' | b't' | b'f') => serde_json::from_str(text).ok(),
        _ => None,
    };
    fields
        .map(|(name, text)| {
            let value = read(&text).unwrap_or_else(|| Value::String(text.into_owned()));
            (name.into_owned(), value)
        })
        .collect()
}

/// A file's content (<https://core.telegram.org/bots/api#getfile>).
fn file(state: &State, rest: &str) -> Response {
    let Some((token, path)) = rest.split_once('/') else {
        return Refused::new(404, "Not Found").into_response();
    };
    if let Err(refused) = authenticate(state, token) {
        return refused.into_response();
    }
    let content = state.read(|store| {
        let mut files = store.files.values();
        files.find(|file| file.path == path)?.content.clone()
    });
    let found = content.is_some();
    let call = Call {
        method: "file".to_owned(),
        arguments: json!({"path": path}),
        outcome: if found { "ok" } else { "Not Found" }.to_owned(),
        at: state.now(),
    };
    state.change(|store| store.calls.push(call));
    match content {
        Some(content) => (
            [(header::CONTENT_TYPE, "application/octet-stream")],
            content,
        )
            .into_response(),
        None => Refused::new(404, "Not Found").into_response(),
    }
}

impl axum::response::IntoResponse for Refused {
    /// <https://core.telegram.org/bots/api#making-requests>: `error_code` is the HTTP status.
    fn into_response(self) -> Response {
        let mut body =
            json!({"ok": false, "error_code": self.code, "description": self.description});
        if self.parameters.is_object() {
            body["parameters"] = self.parameters.clone();
        }
        let status = StatusCode::from_u16(self.code).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = (status, axum::Json(body)).into_response();
        if let Some(seconds) = self.parameters.get("retry_after").and_then(Value::as_u64) {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// How Telegram says what it says.
#[derive(Debug)]
pub(super) struct TelegramDialect;

impl Dialect for TelegramDialect {
    fn too_many(&self, seconds: u64) -> Response {
        Refused::too_many(seconds).into_response()
    }

    /// `code` is a description with or without its number: `403 Forbidden: bot was blocked by the user`.
    fn refused(&self, code: &str) -> Response {
        let (number, description) = code.split_once(' ').unwrap_or(("", code));
        match number.parse() {
            Ok(number) => Refused::new(number, description).into_response(),
            Err(_) => Refused::bad_request(code).into_response(),
        }
    }
}
