//! The inbound function, the webhook handler of all channels: a channel's request becomes an entry in the
//! ledger.
//!
//! [`router`] is a tower service: for Lambda (`main.rs`), for a local server, and for a test. It does
//! no more than verify, parse, append and ring, so that it answers well within the few seconds that
//! providers wait.

mod forgotten;
pub mod gateway;
mod handoff;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::middleware::{Next, from_fn, map_response};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use bytes::Bytes;
use haptik_bridge_channels::channel::{self, Rejected, Request};
use haptik_bridge_channels::connections::Edges;
use haptik_bridge_channels::erased::{AnyEdge, AnyEffect};
use haptik_bridge_channels::memory::Memory;
use haptik_bridge_channels::redact_body::redact_body;
use haptik_bridge_shared::bridge::{Bridge, BridgeError, Connection};
use haptik_bridge_shared::ids::{AuthIdSource, ConnectionId, EntryKey};
use haptik_bridge_shared::ingest::{
    LARGEST_BODY, NotDurable, Occurrence, RequestContext, catch_panic, normalize_error_response,
    refusal, refused_encoding, refused_rate,
};
use haptik_bridge_shared::ledger::Reported;
use haptik_bridge_shared::net::online;
use haptik_bridge_shared::reloading::Reloading;
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_shared::table::Table;
use haptik_bridge_shared::telemetry;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

/// What the function works with.
#[derive(Debug)]
pub struct Inbound {
    /// Where requests are made durable.
    bridge: Arc<Bridge>,
    /// The connections' sides that receive.
    edges: Edges,
}

impl Inbound {
    /// The function of a bridge. `table`, `http` and `memory` are for the connections' edges. Nothing is
    /// called yet.
    ///
    /// # Errors
    /// When a connection cannot be built.
    pub fn new(
        bridge: Arc<Bridge>,
        table: &Table,
        http: &reqwest::Client,
        memory: &Memory,
    ) -> Result<Self, BridgeError> {
        let edges = Edges::new(&bridge, table, http, memory)?;
        Ok(Self { bridge, edges })
    }

    /// Where requests are made durable.
    #[must_use]
    pub fn bridge(&self) -> &Arc<Bridge> {
        &self.bridge
    }

    /// Takes a body once more that was verified when it `came` to a connection, and was not understood then.
    /// Whether it is understood now: what follows from it is durable then. It can be repeated.
    ///
    /// # Errors
    /// When it cannot be made durable.
    pub async fn take_again(
        &self,
        name: &str,
        body: &[u8],
        came: Timestamp,
    ) -> Result<bool, NotDurable> {
        let connection = self.bridge.connection(name);
        let edge = connection.and_then(|(id, _)| self.edges.get(id));
        let (Some((id, connection)), Some(edge)) = (connection, edge) else {
            return Ok(false);
        };
        let read = edge.read_again(body, came).await;
        let read = read.map_err(|rejected| Failure::passing(rejected.to_string()))?;
        let Some(receipt) = read else {
            return Ok(false);
        };
        let source = format!("channels/{id}");
        let at = Connected {
            bridge: &self.bridge,
            id,
            connection,
            edge,
            context: RequestContext::new(&source, Timestamp::now()),
        };
        at.accept(receipt.effects, body).await?;
        Ok(true)
    }
}

/// `POST` and `GET /channels/{connection}` and what lies below it, and `GET /health`.
pub fn router(reloading: Reloading<Inbound>) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/channels/{connection}", any(at_connection))
        .route("/channels/{connection}/{*path}", any(at_connection))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(map_response(async |answer: Response| {
            normalize_error_response(answer)
        }))
        .layer(from_fn(async |request, next: Next| {
            catch_panic(next.run(request)).await
        }))
        .with_state(reloading)
}

/// Whether there is a configuration; to somebody who has a secret of an account, also that this bridge has
/// it.
async fn health(State(reloading): State<Reloading<Inbound>>, headers: HeaderMap) -> Response {
    match reloading.current().await {
        Ok(current) => {
            let mut status = json!({"status": "ok"});
            let accounts = &current.bridge.config.haptik;
            let secrets_of = |name: &str| Some(&accounts.get(name)?.webhook_secrets);
            let asked = headers.get(online::CHECK_HEADER);
            let asked = asked.and_then(|value| value.to_str().ok());
            let now = Timestamp::now();
            if let Some(account) = asked.and_then(|asked| online::proven(asked, secrets_of, now)) {
                status["account"] = account.into();
            }
            answer(channel::Response::json(200, &status))
        }
        Err(_) => no_configuration(),
    }
}

/// Which connection was called, and by which path below it, without the first slash.
#[derive(Deserialize)]
struct Called {
    connection: String,
    #[serde(default)]
    path: String,
}

async fn at_connection(
    State(reloading): State<Reloading<Inbound>>,
    Path(Called { connection, path }): Path<Called>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = match path.as_str() {
        "" => path,
        below => format!("/{below}"),
    };
    let request = Request {
        method: &method,
        public_url: &public_url(&headers, &uri),
        path: &path,
        query: uri.query().unwrap_or_default(),
        headers: &headers,
        body: &body,
    };
    receive(&reloading, &connection, &request).await
}

/// The URL that was called, as the gateway or a reverse proxy tells it. Of several proxies one behind the other each may
/// have added to what the one before it said: the first was called.
fn public_url(headers: &HeaderMap, uri: &Uri) -> String {
    let header = |name: &str| {
        let value = headers.get(name)?.to_str().ok()?;
        value.split(',').next().map(str::trim)
    };
    let scheme = header("x-forwarded-proto").or(uri.scheme_str());
    let host = header("x-forwarded-host").or_else(|| header("host"));
    let host = host.or(uri.authority().map(http::uri::Authority::as_str));
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let (scheme, host) = (scheme.unwrap_or("http"), host.unwrap_or_default());
    format!("{scheme}://{host}{path}")
}

async fn receive(reloading: &Reloading<Inbound>, name: &str, request: &Request<'_>) -> Response {
    let now = Timestamp::now();
    let Ok(inbound) = reloading.current().await else {
        return no_configuration();
    };
    let bridge = &inbound.bridge;
    let connection = bridge.connection(name);
    let edge = connection.and_then(|(id, _)| inbound.edges.get(id));
    let (Some((id, connection)), Some(edge)) = (connection, edge) else {
        return refusal(StatusCode::NOT_FOUND, "there is no such connection");
    };
    let source = format!("channels/{id}");
    if let Some(refused) = refused_encoding(request.headers) {
        telemetry::rejected(&source, "the body is encoded", now);
        return refused;
    }
    let receipt = match edge.receive(request, now).await {
        Ok(receipt) => receipt,
        Err(rejected) => return reject(&source, &rejected, now),
    };
    let is_counted = !receipt.effects.is_empty();
    let limit = connection.rate_per_second.filter(|_| is_counted);
    if let Err(too_many) = bridge.rates.admit(&source, limit, now).await {
        telemetry::rate_limited(&source, now);
        return refused_rate(too_many);
    }
    let at = Connected {
        bridge,
        id,
        connection,
        edge,
        context: RequestContext::new(&source, now),
    };
    match at.accept(receipt.effects, request.body).await {
        Ok(refused) => answer(refused.unwrap_or(receipt.response)),
        Err(error) => {
            tracing::error!(source, %error, "a request could not be made durable");
            let status = StatusCode::SERVICE_UNAVAILABLE;
            refusal(status, "not stored, send it again")
        }
    }
}

/// A verified request at a connection.
struct Connected<'a> {
    bridge: &'a Bridge,
    id: &'a ConnectionId,
    connection: &'a Connection,
    edge: &'a dyn AnyEdge,
    context: RequestContext<'a>,
}

impl Connected<'_> {
    /// A key of this connection's, apart from those of others by which the same user may write.
    fn key(&self, key: EntryKey) -> EntryKey {
        match self.connection.auth_id {
            AuthIdSource::Derived => key,
            AuthIdSource::User | AuthIdSource::Email => key.at_connection(self.id),
        }
    }

    /// Makes the effects of a request durable; the answer where it is not taken after all.
    async fn accept(
        &self,
        effects: Vec<AnyEffect>,
        body: &[u8],
    ) -> Result<Option<channel::Response>, NotDurable> {
        let (bridge, id, context) = (self.bridge, self.id, self.context);
        for effect in effects {
            match effect {
                AnyEffect::Inbound(mut inbound) => {
                    inbound.key = self.key(inbound.key);
                    forgotten::out_of_inbound(bridge, &mut inbound).await?;
                    bridge.accept_inbound(context, id, *inbound, None).await?;
                }
                AnyEffect::Run(mut task) => {
                    task.key = self.key(task.key);
                    forgotten::out_of_task(bridge, &mut task).await?;
                    bridge.accept_task(context, id, task).await?;
                }
                AnyEffect::DeliveryReport { message_id, failed } => {
                    let (source, now) = (context.source, context.now);
                    telemetry::delivery_report(source, &message_id, failed.as_deref(), now);
                    let reported = failed.map_or(Reported::Delivered, Reported::Failed);
                    let taken = bridge.accept_report(context, id, &message_id, &reported);
                    taken.await?;
                }
                AnyEffect::Operator(event, part) => {
                    let occurrence = Occurrence {
                        event,
                        place: context.source,
                        part: Some(&part),
                        since: context.now,
                        reason: None,
                    };
                    bridge.try_to_tell_operator(context, occurrence).await;
                }
                AnyEffect::Unknown(name) => {
                    telemetry::unknown_event(context.source, &name, context.now);
                }
                AnyEffect::NotUnderstood(reason) => {
                    let body = redact_body(body, self.edge.secret_fields());
                    bridge.keep_not_understood(context, &body, &reason).await?;
                }
                AnyEffect::Peer(asked) => {
                    let refused = self.accept_from_peer(asked).await?;
                    if refused.is_some() {
                        return Ok(refused);
                    }
                }
            }
        }
        Ok(None)
    }
}

fn reject(source: &str, rejected: &Rejected, now: Timestamp) -> Response {
    let reason = rejected.to_string();
    let status = match rejected {
        Rejected::Unauthorized(_) => StatusCode::UNAUTHORIZED,
        Rejected::BadRequest(_) => StatusCode::BAD_REQUEST,
        Rejected::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
        Rejected::NotFound => StatusCode::NOT_FOUND,
        Rejected::Unavailable(_) => {
            tracing::error!(source, reason, "a request could not be made durable");
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return refusal(status, "not stored, send it again");
        }
    };
    telemetry::rejected(source, &reason, now);
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

fn answer(answer: channel::Response) -> Response {
    let mut response = Body::from(answer.body).into_response();
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().clear();
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_url_is_that_of_the_first_of_several_proxies() {
        let url = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs.iter().map(|(name, value)| {
                (
                    header::HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            });
            public_url(&pairs.collect(), &Uri::from_static("/channels/sms?a=b"))
        };
        let expected = "https://bridge.example/channels/sms?a=b";
        let one = [
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "bridge.example"),
            ("host", "10.0.0.1"),
        ];
        assert_eq!(url(&one), expected);
        let two = [
            ("x-forwarded-proto", "https,http"),
            ("x-forwarded-host", "bridge.example , proxy.internal"),
        ];
        assert_eq!(url(&two), expected);
        assert_eq!(
            url(&[("host", "bridge.example")]),
            "http://bridge.example/channels/sms?a=b"
        );
    }
}
