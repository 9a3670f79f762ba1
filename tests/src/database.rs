//! The embedded database over HTTP, so that calls to it can fail.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::response::{IntoResponse as _, Response};
use haptik_bridge_local::database::EmbeddedDynamoDb;
use http::{HeaderMap, StatusCode};
use serde_json::json;
use tokio::net::TcpListener;

use crate::faults::{Dialect, Port, Server};

/// Serves a database as long as the test runs; returns where.
///
/// # Errors
/// When nothing can listen.
pub async fn serve(database: &EmbeddedDynamoDb) -> anyhow::Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    tokio::spawn(dynoxide::server::serve_on(listener, database.engine()));
    Ok(endpoint)
}

/// Serves a database whose calls can be made to fail.
///
/// # Errors
/// When nothing can listen.
pub async fn serve_with_faults(database: &EmbeddedDynamoDb) -> anyhow::Result<Server> {
    let behind = serve(database).await?;
    let http = haptik_bridge_shared::net::client()?;
    let pass = async move |headers: HeaderMap, body: Bytes| {
        let request = http.post(&behind).headers(headers).body(body);
        let answer = request.send().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
        Ok::<_, StatusCode>((status, headers, body))
    };
    let router = Router::new().fallback(pass);
    Ok(Port::open().await.serve(router, Arc::new(DynamoDb)))
}

/// DynamoDB's errors.
#[derive(Debug)]
struct DynamoDb;

impl Dialect for DynamoDb {
    fn refused(&self, code: &str) -> Response {
        let error = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}")});
        (StatusCode::BAD_REQUEST, error.to_string()).into_response()
    }
}
