//! The HTTP side: connections that can be cut, authentication, faults, dispatch.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{
        ConnectInfo, DefaultBodyLimit, Path, State as Shared,
        connect_info::IntoMakeServiceWithConnectInfo,
    },
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use http::{HeaderMap, Method, StatusCode, Uri, header};
use serde_json::{Value, json};

use super::{
    Fault,
    arguments::Arguments,
    methods::{self, Refused, files, responses},
    oauth::Site,
    state::{Call, Refusal, State},
};
use crate::faults::Connection;

/// The service that [`axum::serve()`] runs.
pub(crate) fn service(site: Arc<Site>) -> IntoMakeServiceWithConnectInfo<Router, Connection> {
    let files = || get(files::download);
    Router::new()
        .route("/api/{method}", any(call))
        .route("/upload/v1/{id}", post(files::upload))
        .route("/files-pri/{id}/{name}", files())
        .route("/files-pri/{id}/download/{name}", files())
        .route("/api/files-pri/{id}/{name}", files())
        .route("/actions/{team}/{id}", post(responses::respond))
        .fallback(sign_in_page)
        .layer(DefaultBodyLimit::max(64 << 20))
        .with_state(site)
        .into_make_service_with_connect_info()
}

/// What Slack shows to a browser that it does not know: HTML with status 200.
async fn sign_in_page() -> Response {
    axum::response::Html("<!DOCTYPE html><title>Slack</title><p>Sign in").into_response()
}

async fn call(
    Shared(site): Shared<Arc<Site>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
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
    let channel = arguments
        .text("channel")
        .or_else(|| arguments.text("channel_id"));
    let after = match before(
        &state,
        &connection,
        &method,
        channel.as_deref(),
        &arguments.to_value(),
    )
    .await
    {
        Ok(after) => after,
        Err(response) => return response,
    };
    if method == "oauth.v2.access" {
        let response = site.access(&state, &headers, &arguments);
        return after.apply(&connection, response);
    }
    if arguments.json_ignored {
        let warning = format!("{method}: the JSON body was ignored, this method reads a form");
        state.change(|store| store.warnings.push(warning));
    }
    let result = parsed.and_then(|arguments| {
        authenticate(&state, &headers, &arguments)?;
        methods::run(&method, &state, &arguments)
    });
    let response = answer(&state, &method, &arguments, result);
    after.apply(&connection, response)
}

/// What is to be done once a call was carried out.
pub(crate) struct After(Option<Fault>);

impl After {
    pub(crate) fn apply(self, connection: &Connection, response: Response) -> Response {
        match self.0 {
            Some(Fault::DropAfter) => connection.cut(),
            Some(Fault::StatusAfter(status)) => broken(status),
            _ => response,
        }
    }
}

/// The faults that come before a call: an answer instead of it, or what to do after it.
pub(crate) async fn before(
    state: &State,
    connection: &Connection,
    method: &str,
    channel: Option<&str>,
    arguments: &Value,
) -> Result<After, Response> {
    if state.read(|store| store.down) {
        return Err(connection.cut());
    }
    let is_limited = state.change(|store| {
        let rate = store
            .rate
            .as_mut()
            .filter(|_| method == "chat.postMessage")?;
        Some(!rate.takes(channel.unwrap_or_default()))
    });
    if is_limited == Some(true) {
        record(state, method, arguments.clone(), "ratelimited");
        return Err(rate_limited(1));
    }
    loop {
        let Some(fault) = state.change(|store| store.faults.take(method, channel)) else {
            return Ok(After(None));
        };
        if let Fault::Delay(time) = fault {
            tokio::time::sleep(time).await;
            continue;
        }
        let response = match &fault {
            Fault::Delay(_) => continue,
            Fault::DropAfter | Fault::StatusAfter(_) => return Ok(After(Some(fault))),
            Fault::DropBefore => connection.cut(),
            Fault::Status(status) => broken(*status),
            Fault::Error(error) => axum::Json(json!({"ok": false, "error": error})).into_response(),
            Fault::RateLimited(seconds) => rate_limited(*seconds),
        };
        record(state, method, arguments.clone(), &format!("{fault:?}"));
        return Err(response);
    }
}

fn rate_limited(seconds: u64) -> Response {
    (
        StatusCode::TOO_MANY_REQUESTS,
        [(header::RETRY_AFTER, seconds.to_string())],
        axum::Json(json!({"ok": false, "error": "ratelimited"})),
    )
        .into_response()
}

fn broken(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, "something went wrong").into_response()
}

/// Whether the request carries the bot's token in its header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ")
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

pub(crate) fn record(state: &State, method: &str, arguments: Value, outcome: &str) {
    let call = Call {
        method: method.to_owned(),
        arguments,
        outcome: outcome.to_owned(),
        at: state.now(),
    };
    state.change(|store| store.calls.push(call));
}

pub(crate) fn refuse(state: &State, method: &str, arguments: Value, refused: &Refused) {
    let refusal = Refusal {
        method: method.to_owned(),
        error: refused.error.clone(),
        details: refused.details.clone(),
        arguments,
    };
    state.change(|store| store.refusals.push(refusal));
}
