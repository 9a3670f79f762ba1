//! An application of one's own on a custom channel, and a receiver of a webhook sink: it signs what it
//! sends and verifies what it gets with the official Standard Webhooks library, and holds both against
//! `docs/openapi.yaml`.

mod provider;

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::sync::watch;

use crate::faults::{Calls, Dialect, Fault, Port, Server};
use crate::openapi::document;

/// The application's signing secret, both ways.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// How long a test waits for what should come.
const PATIENCE: Duration = Duration::from_secs(15);

/// A request that the application got, its signature verified.
#[derive(Debug, Clone, PartialEq)]
pub struct Callback {
    /// The `webhook-id`.
    pub id: String,
    /// The body.
    pub body: Value,
}

/// The application. Clones share it; it ends when the last one is dropped.
#[derive(Debug, Clone)]
pub struct App {
    url: String,
    inner: Arc<Inner>,
    client: reqwest::Client,
    server: Arc<Server>,
}

#[derive(Debug)]
struct Inner {
    callbacks: watch::Sender<Vec<Callback>>,
    /// What it got that is not as documented.
    undocumented: Mutex<Vec<String>>,
    /// Media type and content of what users have sent, by its name.
    files: Mutex<HashMap<String, (String, Bytes)>>,
    /// Where the bridge takes what users do.
    webhook: Mutex<String>,
    /// How much they did.
    sent: AtomicU64,
}

impl App {
    /// Starts the application on a free port.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start() -> anyhow::Result<Self> {
        let inner = Arc::new(Inner {
            callbacks: watch::Sender::default(),
            undocumented: Mutex::default(),
            files: Mutex::default(),
            webhook: Mutex::default(),
            sent: AtomicU64::new(1),
        });
        let router = Router::new()
            .route("/callback", post(take))
            .route("/files/{name}", get(file))
            .with_state(inner.clone());
        let server = Port::open().await.serve(router, Arc::new(Refusal));
        Ok(Self {
            url: format!("{}/callback", server.origin()),
            inner,
            client: client()?,
            server: Arc::new(server),
        })
    }

    /// Where it takes requests.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Answers the next requests with these statuses, without taking them.
    pub fn answer_next(&self, statuses: &[u16]) {
        for status in statuses {
            self.server
                .faults()
                .add(Calls::any(), 1, Fault::Status(*status));
        }
    }

    /// Takes the next request, and answers it only after this time.
    pub fn delay_next(&self, delay: Duration) {
        self.server
            .faults()
            .add(Calls::any(), 1, Fault::DelayAfter(delay));
    }

    /// What it got so far, in order.
    ///
    /// # Panics
    /// When something of it is not as `docs/openapi.yaml` has it.
    #[must_use]
    pub fn callbacks(&self) -> Vec<Callback> {
        let undocumented = self.undocumented();
        assert!(undocumented.is_empty(), "{undocumented:#?}");
        self.inner.callbacks.borrow().clone()
    }

    /// What of it is not as `docs/openapi.yaml` has it.
    fn undocumented(&self) -> Vec<String> {
        let undocumented = self.inner.undocumented.lock();
        undocumented.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn webhook(&self) -> String {
        let webhook = self.inner.webhook.lock();
        webhook.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps a file to be fetched, and returns its URL.
    fn offer(&self, name: &str, mime_type: &str, content: &[u8]) -> String {
        let mut files = self
            .inner
            .files
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let content = Bytes::copy_from_slice(content);
        files.insert(name.to_owned(), (mime_type.to_owned(), content));
        let encoded =
            percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
        format!("{}/files/{encoded}", self.server.origin())
    }

    /// Waits until it got `count` requests, and returns them.
    ///
    /// # Panics
    /// When they do not come, or more than `count` did, or something is not as documented.
    pub async fn wait_for(&self, count: usize) -> Vec<Callback> {
        let mut callbacks = self.inner.callbacks.subscribe();
        let enough = callbacks.wait_for(|callbacks| callbacks.len() >= count);
        let came = tokio::time::timeout(PATIENCE, enough).await.is_ok();
        let callbacks = self.callbacks();
        assert!(
            came && callbacks.len() == count,
            "expected {count} callbacks, got {callbacks:#?}"
        );
        callbacks
    }

    /// What it got so far of this type, in order.
    #[must_use]
    pub fn of_type(&self, kind: &str) -> Vec<Callback> {
        let is = |callback: &Callback| callback.body["type"] == kind;
        self.callbacks().into_iter().filter(is).collect()
    }

    /// Waits until it got `count` requests of this type, and returns them.
    ///
    /// # Panics
    /// When they do not come, or more than `count` did.
    pub async fn wait_for_type(&self, kind: &str, count: usize) -> Vec<Callback> {
        let mut callbacks = self.inner.callbacks.subscribe();
        let is = |callback: &&Callback| callback.body["type"] == kind;
        let enough = callbacks.wait_for(|callbacks| callbacks.iter().filter(is).count() >= count);
        let came = tokio::time::timeout(PATIENCE, enough).await.is_ok();
        let found = self.of_type(kind);
        assert!(
            came && found.len() == count,
            "expected {count} of {kind}, got {:#?}",
            self.callbacks()
        );
        found
    }

    /// Sends a signed request as the application does; returns the status and the body.
    ///
    /// # Errors
    /// When there is no answer, or it is not as `docs/openapi.yaml` has it.
    pub async fn send(&self, url: &str, body: &Value) -> anyhow::Result<(u16, Value)> {
        self.request(Method::POST, url, body.to_string()).await
    }

    /// Sends a signed `DELETE` without a body; returns the status and the body of the answer.
    ///
    /// # Errors
    /// When there is no answer, or it is not as `docs/openapi.yaml` has it.
    pub async fn delete(&self, url: &str) -> anyhow::Result<(u16, Value)> {
        self.request(Method::DELETE, url, String::new()).await
    }

    async fn request(
        &self,
        method: Method,
        url: &str,
        text: String,
    ) -> anyhow::Result<(u16, Value)> {
        let (id, now) = ("msg_test", Timestamp::now().as_second());
        let signature = Webhook::new(SECRET)?.sign(id, now, text.as_bytes())?;
        let response = self
            .client
            .request(method.clone(), url)
            .header("webhook-id", id)
            .header("webhook-timestamp", now)
            .header("webhook-signature", signature)
            .body(text)
            .send()
            .await?;
        let status = response.status().as_u16();
        let kind = response.headers().get(http::header::CONTENT_TYPE);
        let kind = kind.map_or(Ok(""), |kind| kind.to_str())?.to_owned();
        let operation = document().operation_at(method.as_str(), response.url().path());
        let body = response.text().await?;
        if let Some(operation) = operation {
            document().check_answer(&operation, (status, &kind), body.as_bytes())?;
        }
        Ok((
            status,
            serde_json::from_str(&body).unwrap_or(Value::String(body)),
        ))
    }
}

/// How an application refuses: by a status.
#[derive(Debug)]
struct Refusal;

impl Dialect for Refusal {
    fn refused(&self, _: &str) -> Response {
        StatusCode::GONE.into_response()
    }
}

/// An HTTP client for tests.
///
/// # Errors
/// When TLS cannot be set up.
pub fn client() -> anyhow::Result<reqwest::Client> {
    Ok(haptik_bridge_shared::net::client()?)
}

async fn file(State(inner): State<Arc<Inner>>, Path(name): Path<String>) -> Response {
    let files = inner.files.lock().unwrap_or_else(PoisonError::into_inner);
    match files.get(&name).cloned() {
        Some((mime_type, content)) => {
            ([(http::header::CONTENT_TYPE, mime_type)], content).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn take(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let verified =
        Webhook::new(SECRET).is_ok_and(|webhook| webhook.verify(&body, &headers).is_ok());
    if !verified {
        return StatusCode::UNAUTHORIZED;
    }
    let id = headers
        .get("webhook-id")
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    // What a sink gets has its user inside of `data`.
    let is_for_a_sink = body["user"].is_null();
    let checked = document().check_callback(&body);
    if let Err(error) = checked
        && !is_for_a_sink
    {
        let mut undocumented = inner
            .undocumented
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        undocumented.push(format!("{error:#}"));
    }
    inner
        .callbacks
        .send_modify(|callbacks| callbacks.push(Callback { id, body }));
    StatusCode::NO_CONTENT
}
