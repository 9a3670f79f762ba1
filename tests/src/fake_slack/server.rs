//! The HTTP side: authentication and dispatch.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State as Shared},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use http::{HeaderMap, Method, StatusCode, Uri, header};
use serde_json::{Value, json};

use super::{
    arguments::Arguments,
    calls::{bearer, record, refuse},
    methods::{self, files},
    oauth::Site,
    refused::Refused,
    state::State,
};
use crate::faults::Dialect;

/// How Slack refuses (<https://docs.slack.dev/apis/web-api#responses>).
#[derive(Debug)]
pub(crate) struct Slack;

impl Dialect for Slack {
    fn too_many(&self, seconds: u64) -> Response {
        rate_limited(seconds)
    }

    fn refused(&self, code: &str) -> Response {
        axum::Json(json!({"ok": false, "error": code})).into_response()
    }
}

pub(crate) fn router(site: Arc<Site>) -> Router {
    let files = || get(files::download);
    Router::new()
        .route("/api/{method}", any(call))
        .route("/files-pri/{id}/{name}", files())
        .route("/files-pri/{id}/download/{name}", files())
        .route("/api/files-pri/{id}/{name}", files())
        .fallback(sign_in_page)
        .with_state(site)
}

/// What Slack shows to a browser that it does not know: HTML with status 200.
async fn sign_in_page() -> Response {
    axum::response::Html("<!DOCTYPE html><title>Slack</title><p>Sign in").into_response()
}

async fn call(
    Shared(site): Shared<Arc<Site>>,
    Path(method): Path<String>,
    http_method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let parsed = if http_method == Method::GET || http_method == Method::POST {
        Arguments::parse(&method, &uri, &headers, &body)
    } else {
        Err(Refused::new("method_not_supported_for_channel_type"))
    };
    let arguments = parsed.as_ref().cloned().unwrap_or_default();
    let token = bearer(&headers).map(str::to_owned);
    let state = site.by_token(token.or_else(|| arguments.text("token")).as_deref());
    if method == "chat.postMessage" && is_above_the_rate(&state, arguments.text("channel")) {
        record(&state, &method, arguments.to_value(), "ratelimited");
        return rate_limited(1);
    }
    if let Some(seconds) = state.change(|store| store.reads.as_mut()?.wait(&method)) {
        record(&state, &method, arguments.to_value(), "ratelimited");
        return rate_limited(seconds);
    }
    if method == "oauth.v2.access" {
        return site.access(&state, &headers, &arguments);
    }
    let result = parsed.and_then(|arguments| {
        authenticate(&state, &headers, &arguments)?;
        methods::run(&method, &state, &arguments)
    });
    answer(&state, &method, &arguments, result)
}

fn is_above_the_rate(state: &State, channel: Option<String>) -> bool {
    let channel = channel.unwrap_or_default();
    state.change(|store| {
        let rate = store.rate.as_mut();
        rate.is_some_and(|rate| !rate.takes(&channel))
    })
}

fn rate_limited(seconds: u64) -> Response {
    (
        StatusCode::TOO_MANY_REQUESTS,
        [(header::RETRY_AFTER, seconds.to_string())],
        axum::Json(json!({"ok": false, "error": "ratelimited"})),
    )
        .into_response()
}

fn authenticate(state: &State, headers: &HeaderMap, arguments: &Arguments) -> Result<(), Refused> {
    let token = bearer(headers)
        .map(str::to_owned)
        .or_else(|| arguments.text("token"))
        .ok_or_else(|| Refused::new("not_authed"))?;
    state.read(|store| {
        if store.tokens.contains(&token) {
            Ok(())
        } else if store.knows_token(&token) {
            Err(Refused::new("account_inactive"))
        } else {
            Err(Refused::new("invalid_auth"))
        }
    })
}

fn answer(
    state: &State,
    method: &str,
    arguments: &Arguments,
    result: Result<Value, Refused>,
) -> Response {
    let mut body = match result {
        Ok(mut body) => {
            record(state, method, arguments.to_value(), "ok");
            if let Some(fields) = body.as_object_mut() {
                fields.insert("ok".to_owned(), json!(true));
            }
            body
        }
        Err(refused) => {
            record(state, method, arguments.to_value(), &refused.error);
            // That a reaction is there, or gone, already is what two at once come to: nothing is wrong.
            if !["already_reacted", "no_reaction"].contains(&refused.error.as_str()) {
                refuse(state, method, arguments.to_value(), &refused);
            }
            refused.to_json()
        }
    };
    if arguments.charset_missing
        && let Some(fields) = body.as_object_mut()
    {
        fields.insert("warning".to_owned(), json!("missing_charset"));
        let metadata = fields.entry("response_metadata").or_insert(json!({}));
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.insert("warnings".to_owned(), json!(["missing_charset"]));
        }
    }
    axum::Json(body).into_response()
}
