//! The inbound function: a channel's request becomes an entry in the ledger.
//!
//! [`router`] is a tower service: for Lambda (`main.rs`), for a local server, and for a test. It does
//! no more than verify, parse, append and ring, so that it answers well within Slack's 3 seconds.

mod handoff;

use handoff::Within;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use bytes::Bytes;
use haptik_bridge_shared::bridge::{Bridge, Connection};
use haptik_bridge_shared::channel::{Page, Received, Rejected, Reply, Request};
use haptik_bridge_shared::ids::ConnectionId;
use haptik_bridge_shared::ingest::{
    LARGEST_BODY, NotDurable, RequestContext, normalize_error_response, refusal,
};
use haptik_bridge_shared::live::Live;
use haptik_bridge_shared::telemetry;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use jiff::Timestamp;
use serde_json::json;

/// `POST` and `GET /channels/{connection}` and what lies below it, and `GET /health`.
pub fn router(live: Live) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/channels/{connection}", any(at_connection))
        .route("/channels/{connection}/{*path}", any(below_connection))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(map_response(async |answer: Response| {
            normalize_error_response(answer)
        }))
        .with_state(live)
}

async fn health(State(live): State<Live>) -> Response {
    match live.current().await {
        Ok(_) => answer(Reply::json(200, &json!({"status": "ok"}))),
        Err(_) => no_configuration(),
    }
}

async fn at_connection(
    State(live): State<Live>,
    Path(connection): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = Request {
        method: &method,
        path: "",
        query: uri.query().unwrap_or_default(),
        headers: &headers,
        body: &body,
    };
    receive(&live, &connection, &request).await
}

async fn below_connection(
    State(live): State<Live>,
    Path((connection, path)): Path<(String, String)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = format!("/{path}");
    let request = Request {
        method: &method,
        path: &path,
        query: uri.query().unwrap_or_default(),
        headers: &headers,
        body: &body,
    };
    receive(&live, &connection, &request).await
}

async fn receive(live: &Live, name: &str, request: &Request<'_>) -> Response {
    let now = Timestamp::now();
    let Ok(bridge) = live.current().await else {
        return no_configuration();
    };
    let Some((id, connection)) = bridge.connection(name) else {
        return refusal(StatusCode::NOT_FOUND, "there is no such connection");
    };
    if let Some(page) = connection.channel.page(request, now).await {
        return show(page);
    }
    let source = format!("channels/{id}");
    let received = match connection.channel.receive(request, now) {
        Ok(received) => received,
        Err(rejected) => return reject(&source, &rejected, now),
    };
    let reply = received.reply.clone();
    match accept(
        &bridge,
        (id, connection),
        RequestContext::new(&source, now),
        received,
        request.body,
    )
    .await
    {
        Ok(refused) => answer(refused.unwrap_or(reply)),
        Err(error) => {
            tracing::error!(source, %error, "a request could not be made durable");
            let status = StatusCode::SERVICE_UNAVAILABLE;
            refusal(status, "not stored, send it again")
        }
    }
}

/// Makes a request durable; the answer where it is not taken after all.
async fn accept(
    bridge: &Bridge,
    at: (&ConnectionId, &Connection),
    context: RequestContext<'_>,
    received: Received,
    body: &[u8],
) -> Result<Option<Reply>, NotDurable> {
    let (connection, channel) = (at.0, at.1.channel.as_ref());
    // First, since it has the least time.
    if let Some(opening) = received.opening {
        bridge.open(context, connection, channel, opening).await?;
    }
    if let Some(change) = &received.change {
        at.1.channel.settle(change, context.now).await?;
    }
    if let Some(reason) = &received.not_understood {
        let body = channel.to_keep(body);
        bridge.keep_not_understood(context, &body, reason).await?;
    }
    if let Some(asked) = received.handoff {
        return handoff::accept(bridge, at, context, asked).await;
    }
    for inbound in received.inbound {
        let within = match handoff::within(bridge, &inbound, received.only_in_handoff).await? {
            Within::Taken(handoff) => handoff,
            Within::Refused(reply) => return Ok(Some(reply)),
        };
        bridge
            .accept_inbound(context, connection, inbound, within)
            .await?;
    }
    for task in received.tasks {
        bridge.accept_task(context, connection, task).await?;
    }
    Ok(None)
}

/// A page for a browser.
fn show(page: Page) -> Response {
    let mut response = Response::new(Body::from(page.body));
    *response.status_mut() =
        StatusCode::from_u16(page.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in page.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

fn reject(source: &str, rejected: &Rejected, now: Timestamp) -> Response {
    let reason = rejected.to_string();
    telemetry::rejected(source, &reason, now);
    let status = match rejected {
        Rejected::Unauthorized(_) => StatusCode::UNAUTHORIZED,
        Rejected::BadRequest(_) => StatusCode::BAD_REQUEST,
        Rejected::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
        Rejected::NotFound => StatusCode::NOT_FOUND,
    };
    let mut response: Response = refusal(status, &reason);
    if let Rejected::MethodNotAllowed(allow) = rejected {
        let allow = HeaderValue::from_static(allow);
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

fn no_configuration() -> Response {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    refusal(status, "the bridge has no configuration")
}

fn answer(reply: Reply) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (
        status,
        [(header::CONTENT_TYPE, reply.content_type)],
        Body::from(reply.body),
    )
        .into_response()
}
