//! What lies between the bridge and its dependencies: a proxy that makes calls go wrong.
//!
//! A path names the process that calls and the dependency: `/3/channel/api/chat.postMessage`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::world::{Dependency, Fault, World};
use crate::faults::{Connection, Cuttable};

/// How late an answer is that comes late.
const LATE: Duration = Duration::from_millis(120);

/// The proxy. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

/// Where the dependencies are; empty where there is none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Upstreams {
    pub(crate) dynamodb: String,
    pub(crate) haptik: String,
    pub(crate) channel: String,
    pub(crate) sink: String,
}

#[derive(Debug)]
struct Inner {
    world: Arc<World>,
    upstreams: Upstreams,
    http: reqwest::Client,
}

impl Proxy {
    pub(crate) async fn start(world: Arc<World>, upstreams: Upstreams) -> anyhow::Result<Self> {
        let inner = Inner {
            world,
            upstreams,
            http: haptik_bridge_shared::net::client()?,
        };
        let router = Router::new()
            .route("/{process}/{upstream}", any(at_root))
            .route("/{process}/{upstream}/", any(at_root))
            .route("/{process}/{upstream}/{*path}", any(below))
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::new(inner))
            .into_make_service_with_connect_info::<Connection>();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn(async move {
            // It serves until it is aborted.
            let _ = axum::serve(Cuttable(listener), router).await;
        });
        Ok(Self { address, serving })
    }

    /// The base URL of a dependency for one process.
    pub(crate) fn url(&self, process: u64, upstream: &str) -> String {
        format!("http://{}/{process}/{upstream}", self.address)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A request as it came.
struct Call {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

async fn at_root(
    State(inner): State<Arc<Inner>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path((process, upstream)): Path<(u64, String)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = Call {
        method,
        uri,
        headers,
        body,
    };
    inner.pass(&connection, process, &upstream, "", call).await
}

async fn below(
    State(inner): State<Arc<Inner>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path((process, upstream, path)): Path<(u64, String, String)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = Call {
        method,
        uri,
        headers,
        body,
    };
    inner
        .pass(&connection, process, &upstream, &path, call)
        .await
}

impl Inner {
    async fn pass(
        &self,
        connection: &Connection,
        process: u64,
        upstream: &str,
        path: &str,
        call: Call,
    ) -> Response {
        let (place, base) = match upstream {
            "dynamodb" => (Dependency::DynamoDb, &self.upstreams.dynamodb),
            "haptik" => (Dependency::Haptik, &self.upstreams.haptik),
            "channel" => (Dependency::Channel, &self.upstreams.channel),
            "sink" => (Dependency::Sink, &self.upstreams.sink),
            _ => return StatusCode::NOT_FOUND.into_response(),
        };
        let Ok(fault) = self.world.step(process, place) else {
            return connection.cut();
        };
        let slash = if path.is_empty() { "" } else { "/" };
        let url = match call.uri.query() {
            Some(query) => format!("{base}{slash}{path}?{query}"),
            None => format!("{base}{slash}{path}"),
        };
        match fault {
            None => self.forward(&url, call).await,
            Some(Fault::Throttled) => throttled(place),
            Some(Fault::Failed) => failed(place),
            Some(Fault::CutBefore) => connection.cut(),
            Some(Fault::CutAfter) => {
                self.forward(&url, call).await;
                connection.cut()
            }
            Some(Fault::Late) => {
                tokio::time::sleep(LATE).await;
                if !self.world.is_alive(process) {
                    return connection.cut();
                }
                self.forward(&url, call).await
            }
            Some(Fault::KilledBefore) => {
                self.world.kill();
                connection.cut()
            }
            Some(Fault::KilledAfter) => {
                self.forward(&url, call).await;
                self.world.kill();
                connection.cut()
            }
        }
    }

    async fn forward(&self, url: &str, call: Call) -> Response {
        let mut headers = call.headers;
        for name in HOP_BY_HOP {
            headers.remove(name);
        }
        let request = self.http.request(call.method, url).headers(headers);
        let world = self.world.clone();
        // In a task of its own: the dependency goes on when the one who called is killed.
        let carried_out = tokio::spawn(async move {
            world
                .carry_out(async {
                    let answer = request.body(call.body).send().await?;
                    let (status, headers) = (answer.status(), answer.headers().clone());
                    Ok::<_, reqwest::Error>((status, headers, answer.bytes().await?))
                })
                .await
        });
        let Ok(Ok((status, mut headers, body))) = carried_out.await else {
            return StatusCode::BAD_GATEWAY.into_response();
        };
        for name in HOP_BY_HOP {
            headers.remove(name);
        }
        (status, headers, Body::from(body)).into_response()
    }
}

const HOP_BY_HOP: [HeaderName; 4] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONNECTION,
    header::TRANSFER_ENCODING,
];

fn throttled(place: Dependency) -> Response {
    if place == Dependency::DynamoDb {
        let code = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slower"}"#;
        return amazon(StatusCode::BAD_REQUEST, code);
    }
    let retry_after = [(header::RETRY_AFTER, "1")];
    (StatusCode::TOO_MANY_REQUESTS, retry_after, "slower").into_response()
}

fn failed(place: Dependency) -> Response {
    if place == Dependency::DynamoDb {
        let code =
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"oh"}"#;
        return amazon(StatusCode::INTERNAL_SERVER_ERROR, code);
    }
    (StatusCode::INTERNAL_SERVER_ERROR, "oh").into_response()
}

fn amazon(status: StatusCode, code: &'static str) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/x-amz-json-1.0")];
    (status, kind, code).into_response()
}
