//! The routers that are asked, and requests to them, whose answers are held against the document.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse as _;
use haptik_bridge_channels::memory::Memory;
use haptik_bridge_inbound::Inbound;
use haptik_bridge_local::application::Application;
use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_local::queue::LocalQueue;
use haptik_bridge_local::registry;
use haptik_bridge_processor::Limits;
use haptik_bridge_shared::config::Config;
use haptik_bridge_shared::environment::Environment;
use haptik_bridge_shared::net::aws::AwsEnvironment;
use haptik_bridge_simulator::signature;
use haptik_bridge_tests::app::SECRET;
use haptik_bridge_tests::openapi::{Operation, document};
use http::{HeaderMap, Request, StatusCode, header};
use jiff::Timestamp;
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

const HAPTIK_SECRET: &str = "the webhook's secret";

const CONFIG: &str = r#"
    [haptik.main]
    base_url = "http://127.0.0.1:1"
    client_id = "client"
    token = "token"
    webhook_secrets = ["the webhook's secret"]
    business_id = 343

    [channels.my-app]
    type = "custom"
    signing_secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
    callback_url = "http://127.0.0.1:1/callback"

    [channels.own-bot]
    type = "custom"
    signing_secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
    callback_url = "http://127.0.0.1:1/callback"
    handoff_only = true
"#;

/// The routers of the functions. What they accept is stored and goes no further, since nobody handles
/// the rings.
pub(super) struct Edges {
    pub(super) whole: Router,
    /// With a database that refuses everything.
    pub(super) not_stored: Router,
    /// With one request a second for each.
    pub(super) limited: Router,
    /// With nowhere to read a configuration from.
    pub(super) no_configuration: Router,
    _databases: [EmbeddedDynamoDb; 2],
}

/// What was answered, by operation and status.
#[derive(Default)]
pub(super) struct Seen(pub(super) BTreeMap<Operation, BTreeMap<u16, Vec<Value>>>);

/// A request before it is signed.
pub(super) struct Sent {
    operation: Operation,
    /// The path, with its parameters filled in.
    pub(super) path: String,
    body: Vec<u8>,
    /// Its `Content-Encoding`.
    encoding: Option<&'static str>,
}

/// How a request is signed.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Signed {
    Well,
    Not,
    Wrongly,
    LongAgo,
}

/// The functions, whose secret cannot be read.
fn without_configuration(environment: Environment) -> anyhow::Result<Router> {
    let parse = |text: &str| Config::parse_without_templates(text, &registry::all());
    let webhook = environment.clone().reloading(parse, |bridge, _| Ok(bridge));
    let inbound = environment.reloading(parse, |bridge, parts| {
        let memory = Memory::default();
        Ok(Inbound::new(
            Arc::new(bridge),
            &parts.table,
            &parts.http,
            &memory,
        )?)
    });
    let ((inbound, _), (webhook, _)) = (inbound?, webhook?);
    Ok(haptik_bridge_inbound::router(inbound).merge(haptik_bridge_webhook::router(webhook)))
}

impl Edges {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let database = EmbeddedDynamoDb::start(None).await?;
        // A table of its own: what is taken before the limit is reached changes nothing elsewhere.
        let of_limited = EmbeddedDynamoDb::start(None).await?;
        let limited = CONFIG.replace(
            "business_id = 343",
            "business_id = 343\nrate_per_second = 1",
        );
        let limited = limited.replace(
            "type = \"custom\"",
            "type = \"custom\"\nrate_per_second = 1",
        );
        let application = |text: &str, table| {
            let config = Config::parse(text, &registry::all())?;
            let (queue, aws) = (Arc::new(LocalQueue::new()), AwsEnvironment::read(|_| None));
            Application::new(config, &table, queue, Limits::default(), &aws)
        };
        let refusing = refusing_aws().await?;
        let environment = Environment::read(|name| match name {
            "AWS_ENDPOINT_URL" => Some(refusing.clone()),
            "AWS_SESSION_TOKEN" | "CONFIG_REREAD_SECONDS" => None,
            name => Some(name.to_owned()),
        })?;
        Ok(Self {
            whole: application(CONFIG, database.table.clone())?.router(),
            limited: application(&limited, of_limited.table.clone())?.router(),
            not_stored: application(CONFIG, database.table_through(&refusing)?)?.router(),
            no_configuration: without_configuration(environment)?,
            _databases: [database, of_limited],
        })
    }
}

/// Something in place of AWS that refuses every call, and not in a way that is tried again.
async fn refusing_aws() -> anyhow::Result<String> {
    let router = Router::new().fallback(async || StatusCode::BAD_REQUEST.into_response());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}

impl Sent {
    pub(super) fn new(operation: &Operation, body: &Value) -> Self {
        Self::raw(operation, body.to_string().into_bytes())
    }

    pub(super) fn raw(operation: &Operation, body: Vec<u8>) -> Self {
        let path = operation.path.replace("{connection}", "my-app");
        let mut path = path.replace("{user}", "u-42");
        if operation.method == "DELETE" && path.ends_with("/handoff") {
            path.push_str("?user=u-42");
        }
        Self {
            operation: operation.clone(),
            path: path.replace("{account}", "main"),
            body,
            encoding: None,
        }
    }

    pub(super) fn at(self, path: &str) -> Self {
        let path = path.to_owned();
        Self { path, ..self }
    }

    pub(super) fn encoded(self) -> Self {
        let encoding = Some("gzip");
        Self { encoding, ..self }
    }

    fn headers(&self, signed: Signed) -> anyhow::Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        if let Some(encoding) = self.encoding {
            headers.insert(header::CONTENT_ENCODING, encoding.parse()?);
        }
        if signed == Signed::Not {
            return Ok(headers);
        }
        let body: &[u8] = if signed == Signed::Wrongly {
            b"another body"
        } else {
            &self.body
        };
        if self.path.starts_with("/haptik/") {
            let signature = format!("sha1={}", signature(HAPTIK_SECRET, body));
            headers.insert("x-hub-signature", signature.parse()?);
            return Ok(headers);
        }
        let age = if signed == Signed::LongAgo { 301 } else { 0 };
        let (id, at) = ("msg_1", Timestamp::now().as_second() - age);
        let signature = Webhook::new(SECRET)?.sign(id, at, body)?;
        headers.insert("webhook-id", id.parse()?);
        headers.insert("webhook-timestamp", at.into());
        headers.insert("webhook-signature", signature.parse()?);
        Ok(headers)
    }

    /// Sends it, holds the answer against the document, and returns its status and body.
    pub(super) async fn to(
        self,
        router: &Router,
        signed: Signed,
        seen: &mut Seen,
    ) -> anyhow::Result<(u16, Value)> {
        let headers = self.headers(signed)?;
        let mut request = Request::builder()
            .method(self.operation.method.as_str())
            .uri(&self.path)
            .body(Body::from(self.body))?;
        *request.headers_mut() = headers;
        let answer = router.clone().oneshot(request).await?;
        let status = answer.status().as_u16();
        let kind = answer.headers().get(header::CONTENT_TYPE);
        let kind = kind.map(|kind| kind.to_str().map(ToOwned::to_owned));
        let kind = kind.transpose()?.unwrap_or_default();
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await?;
        document().check_answer(&self.operation, (status, &kind), &body)?;
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let statuses = seen.0.entry(self.operation).or_default();
        statuses.entry(status).or_default().push(body.clone());
        Ok((status, body))
    }
}
