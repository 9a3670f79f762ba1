//! Both edges with an embedded DynamoDB, called without a network.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use haptik_bridge_local::application::Application;
use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_local::registry;
use haptik_bridge_processor::Limits;
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::config::Config;
use haptik_bridge_shared::ids::EntryKey;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::Entry;
use haptik_bridge_shared::net::aws::AwsEnvironment;
use haptik_bridge_shared::queue::{Queue, QueueError, Repeat, Ring};
use haptik_bridge_shared::table::TableError;
use http::{HeaderName, HeaderValue, Request};
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Context, LambdaEvent};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tower::{Service as _, ServiceExt as _};

use super::door::{Door, Signed};

/// How a request comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// As HTTP.
    Http,
    /// As HTTP, without `Content-Length`.
    HttpWithoutLength,
    /// As an event of API Gateway (payload format 2.0) for a function.
    Gateway,
    /// The same, with the body in base64, as API Gateway does it with what it does not take for text.
    GatewayInBase64,
}

/// What was answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

/// Both edges. What they accept is stored and not delivered.
pub(super) struct Edge {
    runtime: Runtime,
    router: Router,
    bridge: Arc<Bridge>,
    rings: Arc<Rings>,
    _database: EmbeddedDynamoDb,
}

/// A queue that counts.
#[derive(Debug, Default)]
struct Rings(AtomicUsize);

#[async_trait]
impl Queue for Rings {
    async fn ring(&self, _: &Ring, _: Repeat) -> Result<(), QueueError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

impl Edge {
    pub(super) fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let database = runtime
            .block_on(EmbeddedDynamoDb::start(None))
            .expect("a database");
        let config =
            Config::parse(&Door::configuration(), &registry::all()).expect("a configuration");
        let rings = Arc::new(Rings::default());
        let (table, aws) = (database.table.clone(), AwsEnvironment::read(|_| None));
        let application = Application::new(config, &table, rings.clone(), Limits::default(), &aws);
        let application = application.expect("the functions");
        Self {
            runtime,
            router: application.router(),
            bridge: application.bridge,
            rings,
            _database: database,
        }
    }

    pub(super) fn post(&self, way: Way, path: &str, signed: Signed) -> Answer {
        self.runtime.block_on(async {
            match way {
                Way::Http => {
                    let body = Body::from(signed.body);
                    self.http(path, &signed.headers, body).await
                }
                Way::HttpWithoutLength => {
                    let chunks: Vec<_> = signed.body.chunks(1 << 16).map(<[u8]>::to_vec).collect();
                    let chunks = chunks.into_iter().map(Ok::<_, std::io::Error>);
                    let body = Body::from_stream(futures_util::stream::iter(chunks));
                    self.http(path, &signed.headers, body).await
                }
                Way::Gateway => match String::from_utf8(signed.body) {
                    Ok(body) => self.event(path, &signed.headers, body, false).await,
                    // What is not text cannot be in an event otherwise.
                    Err(error) => {
                        let body = STANDARD.encode(error.as_bytes());
                        self.event(path, &signed.headers, body, true).await
                    }
                },
                Way::GatewayInBase64 => {
                    let body = STANDARD.encode(&signed.body);
                    self.event(path, &signed.headers, body, true).await
                }
            }
        })
    }

    /// What is in the ledger.
    pub(super) fn entries(&self) -> Vec<(Lane, EntryKey)> {
        let table = self.bridge.ledger.table();
        let scan = table
            .client()
            .scan()
            .table_name(table.name())
            .filter_expression("attribute_exists(payload) AND attribute_exists(received_at)")
            .into_paginator()
            .items();
        let items: Result<Vec<_>, _> = self.runtime.block_on(scan.send().collect());
        let text = |item: &std::collections::HashMap<String, _>, name: &str| {
            let value: &aws_sdk_dynamodb::types::AttributeValue = &item[name];
            value.as_s().expect("text").clone()
        };
        items
            .expect("the items")
            .iter()
            .map(|item| {
                let lane = text(item, "pk").parse().expect("a lane");
                (lane, EntryKey::from(text(item, "sk")))
            })
            .collect()
    }

    pub(super) fn entry(&self, lane: &Lane, key: &EntryKey) -> Result<Entry, TableError> {
        let entry = self.bridge.ledger.entry(lane, key);
        Ok(self.runtime.block_on(entry)?.expect("it is there"))
    }

    pub(super) fn rings(&self) -> usize {
        self.rings.0.load(Ordering::Relaxed)
    }

    async fn http(&self, path: &str, headers: &[(String, Vec<u8>)], body: Body) -> Answer {
        let mut request = Request::post(path).body(body).expect("a request");
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            let value = HeaderValue::from_bytes(value).expect("a value");
            request.headers_mut().append(name, value);
        }
        let answer = self.router.clone().oneshot(request).await;
        let answer = answer.expect("a router always answers");
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), usize::MAX).await;
        let body = String::from_utf8_lossy(&body.expect("a body")).into_owned();
        Answer { status, body }
    }

    async fn event(
        &self,
        path: &str,
        headers: &[(String, Vec<u8>)],
        body: String,
        in_base64: bool,
    ) -> Answer {
        // Names in small letters, and the values of one name with commas between them
        // (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html).
        let mut joined = serde_json::Map::new();
        for (name, value) in headers {
            let value = String::from_utf8_lossy(value).into_owned();
            joined
                .entry(name.to_lowercase())
                .and_modify(|there| {
                    *there = json!(format!("{},{value}", there.as_str().unwrap_or_default()));
                })
                .or_insert(json!(value));
        }
        let event: LambdaRequest = serde_json::from_value(json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": "",
            "headers": joined,
            "requestContext": {
                "accountId": "123456789012", "apiId": "api", "domainName": "api.example", "domainPrefix": "api",
                "http": {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "x"},
                "requestId": "id", "routeKey": "$default", "stage": "$default",
                "time": "22/Nov/2026:10:00:00 +0000", "timeEpoch": 1_795_341_600_000_i64,
            },
            "body": body,
            "isBase64Encoded": in_base64,
        }))
        .expect("an event of API Gateway");
        let mut function = Adapter::from(self.router.clone());
        let answer = function
            .call(LambdaEvent::new(event, Context::default()))
            .await;
        let answer = serde_json::to_value(answer.expect("an answer")).expect("JSON");
        Answer {
            status: answer["statusCode"]
                .as_u64()
                .and_then(|status| status.try_into().ok())
                .expect("a status"),
            body: answer
                .get("body")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
        }
    }
}

pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
