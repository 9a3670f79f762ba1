//! The HTTP side of every fake: reads a request, lets faults happen, and has the vendor's module
//! answer.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequest as _, Multipart, State as Shared};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Map, Value};

use super::answer::Answer;
use super::store::{Attachment, Call, State};

/// A request, read.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The parts of the path, decoded.
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The parts of a multipart body that are text, in their order.
    pub(crate) parts: Vec<(String, String)>,
    /// The parts of a multipart body that are files, by their field's name.
    pub(crate) files: Vec<(String, Attachment)>,
}

impl Request {
    /// The method and the parts of the path, to be matched.
    pub(crate) fn route(&self) -> (&str, Vec<&str>) {
        (&self.method, self.path.iter().map(String::as_str).collect())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The media type of the body, without parameters.
    pub(crate) fn content_type(&self) -> &str {
        let value = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim()
    }

    pub(crate) fn is_json(&self) -> bool {
        self.content_type() == "application/json"
    }

    /// The body, if it is JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body as a form.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        pairs(&String::from_utf8_lossy(&self.body))
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name)?;
        Some(&found.1)
    }

    /// User and password of basic authentication.
    pub(crate) fn basic(&self) -> Option<(String, String)> {
        let encoded = self
            .header(AUTHORIZATION.as_str())?
            .strip_prefix("Basic ")?;
        let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        let (user, password) = text.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    }

    pub(crate) fn bearer(&self) -> Option<&str> {
        self.header(AUTHORIZATION.as_str())?.strip_prefix("Bearer ")
    }
}

pub(crate) fn router(state: Arc<State>) -> Router {
    Router::new().fallback(handle).with_state(state)
}

async fn handle(Shared(state): Shared<Arc<State>>, request: axum::extract::Request) -> Response {
    let uri = request.uri().to_string();
    let request = match read(request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    wait_while_held(&state).await;
    let answer = state.change(|store| {
        if is_forbidden(&request, store.forbidden.as_deref()) {
            let page = "<html><body>something went wrong</body></html>";
            Answer::text(403, "text/html", page)
        } else if store.over_the_limit() {
            state.api.too_many(1)
        } else {
            state.api.answer(&request, store)
        }
    });
    record(&state, &request, &uri, &answer);
    answer.into_response()
}

/// Waits until the fake answers again.
async fn wait_while_held(state: &State) {
    let held = state.change(|store| {
        store.held_calls += usize::from(store.held);
        store.held
    });
    if !held {
        return;
    }
    loop {
        // Made before the look, so that a change in between is not missed.
        let changed = state.changed.notified();
        if !state.read(|store| store.held) {
            return;
        }
        changed.await;
    }
}

fn is_forbidden(request: &Request, text: Option<&str>) -> bool {
    text.is_some_and(|text| String::from_utf8_lossy(&request.body).contains(text))
}

fn record(state: &State, request: &Request, uri: &str, answer: &Answer) {
    let call = Call {
        method: request.method.clone(),
        path: uri.to_owned(),
        body: request.json().unwrap_or_default(),
        status: answer.status,
        answer: answer.shown(),
    };
    state.change(|store| store.calls.push(call));
}

async fn read(request: axum::extract::Request) -> Result<Request, Response> {
    let (parts, body) = request.into_parts();
    let body = Bytes::from_request(axum::extract::Request::from_parts(parts.clone(), body), &())
        .await
        .map_err(axum::response::IntoResponse::into_response)?;
    let mut read = Request {
        method: parts.method.to_string(),
        path: parts.uri.path().split('/').skip(1).map(decoded).collect(),
        query: pairs(parts.uri.query().unwrap_or_default()),
        headers: parts.headers.clone(),
        body: body.clone(),
        parts: Vec::new(),
        files: Vec::new(),
    };
    if read.content_type() == "multipart/form-data" {
        let whole = axum::extract::Request::from_parts(parts, body.into());
        let mut multipart = Multipart::from_request(whole, &())
            .await
            .map_err(axum::response::IntoResponse::into_response)?;
        while let Some(field) = multipart
            .next_field()
            .await
            .map_err(axum::response::IntoResponse::into_response)?
        {
            let name = field.name().unwrap_or_default().to_owned();
            let file = field.file_name().map(ToOwned::to_owned);
            let content_type = field.content_type().unwrap_or_default().to_owned();
            let content = field
                .bytes()
                .await
                .map_err(axum::response::IntoResponse::into_response)?;
            if let Some(name_of_file) = file {
                let file = Attachment {
                    name: name_of_file,
                    content_type,
                    content,
                };
                read.files.push((name, file));
            } else {
                let text = String::from_utf8_lossy(&content).into_owned();
                read.parts.push((name, text));
            }
        }
    }
    Ok(read)
}

fn pairs(text: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text.as_bytes())
        .into_owned()
        .collect()
}

fn decoded(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment)
        .decode_utf8_lossy()
        .into_owned()
}

/// The fields of an object; none for anything else.
pub(crate) fn fields(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// Whether this may be an email address.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let allowed =
        |character: char| !character.is_whitespace() && !"<>()[],;:\"@".contains(character);
    !local.is_empty()
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && text
            .chars()
            .filter(|&character| character != '@')
            .all(allowed)
        && domain.chars().all(allowed)
}
