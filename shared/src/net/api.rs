//! Calls to a provider's HTTP API: a request is made once, then sent ([`Api::send`]) or shown
//! ([`ApiRequest::preview`]).
//!
//! A header, a field or a part of the URL ([`Endpoint`]) that is secret says so, and is shown as what it is,
//! not as its value.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::multipart::{Form, Part};
use reqwest::{RequestBuilder, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

mod preview;

pub use preview::Preview;

use super::endpoint::Endpoint;
use super::exchange::Exchange;
use super::{CallError, CallErrorKind, Unreachable, read, retry_after, shortened};
use crate::config::Secrets;
use crate::lenient_json;

/// How long an answer may take unless a request says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The most bytes of an answer that are read unless a request says otherwise.
const ANSWER_LIMIT: usize = 4 * 1024 * 1024;

/// The most characters of the provider's own words that are kept.
const LONGEST_DETAIL: usize = 1_000;

/// What calls an API.
#[derive(Debug, Clone)]
pub struct Api {
    http: reqwest::Client,
    classify: Classify,
    words: ErrorText,
}

/// What a provider means by an answer that is an error, where that is not what its status says: by the
/// status and the body.
pub type Classify = fn(status: u16, body: &str) -> Option<CallErrorKind>;

/// The provider's own words in the body of an error.
pub type ErrorText = fn(body: &str) -> String;

/// A request.
#[derive(Debug, Clone)]
pub struct ApiRequest {
    call: &'static str,
    method: Method,
    url: Endpoint,
    headers: Vec<(HeaderName, Text)>,
    body: Body,
    expected: AnswerStatuses,
    timeout: Duration,
    limit: usize,
}

/// The statuses that are answers besides 2xx.
#[derive(Debug, Clone)]
enum AnswerStatuses {
    These(Vec<u16>),
    All,
}

/// A text that is sent, and how it is shown.
#[derive(Debug, Clone)]
enum Text {
    Plain(String),
    Secret { sent: SecretString, shown: String },
}

#[derive(Debug, Clone)]
enum Body {
    None,
    Json(Value),
    Form(Vec<(String, Text)>),
    Multipart(Vec<(String, Field)>),
    Bytes { mime_type: String, bytes: Bytes },
}

/// A field of a multipart body.
#[derive(Debug, Clone)]
pub enum Field {
    /// A text.
    Text(String),
    /// A file.
    File {
        /// Its name.
        name: String,
        /// Its MIME type.
        mime_type: String,
        /// What is in it.
        bytes: Bytes,
    },
}

/// An answer.
#[derive(Debug, Clone)]
pub struct ApiAnswer {
    call: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// How long to wait, where the provider says so.
    pub retry_after: Option<Duration>,
    /// When it was given, by the provider's clock, where it says so.
    pub date: Option<Timestamp>,
    /// Its headers.
    pub headers: HeaderMap,
    /// The body as JSON; null where it is not, but for a short text that is no page, which is itself.
    pub body: Value,
}

impl Api {
    /// Sends with `http` (see [`client`](super::client())).
    #[must_use]
    pub fn new(http: reqwest::Client) -> Self {
        Self {
            http,
            classify: |_, _| None,
            words: str::to_owned,
        }
    }

    /// With errors whose words are not the whole body.
    #[must_use]
    pub fn words(self, words: ErrorText) -> Self {
        Self { words, ..self }
    }

    /// With answers that mean something of their own.
    #[must_use]
    pub fn classify(self, classify: Classify) -> Self {
        Self { classify, ..self }
    }

    /// Sends a request; its answer is 2xx, or has one of the statuses that the request
    /// [expects](ApiRequest::expect).
    ///
    /// # Errors
    /// When it is not taken, or there is no answer.
    pub async fn send(&self, request: ApiRequest) -> Result<ApiAnswer, CallError> {
        let (call, limit) = (request.call, request.limit);
        let expected = request.expected.clone();
        let exchange = Exchange::begin(call, || {
            // A struct of texts, which serde_json takes.
            serde_json::to_value(request.preview()).unwrap_or_default()
        });
        let mut response = match self.response(request).await {
            Ok(response) => response,
            Err(error) => {
                if let Some(exchange) = exchange {
                    exchange.failed(&error.to_string());
                }
                return Err(error);
            }
        };
        let status = response.status().as_u16();
        let is_expected = match &expected {
            AnswerStatuses::These(statuses) => statuses.contains(&status),
            AnswerStatuses::All => true,
        };
        let retry_after = retry_after(response.headers(), Timestamp::now());
        let date = response.headers().get(DATE);
        let date = date.and_then(|date| rfc2822::parse(date.to_str().ok()?).ok());
        let headers = std::mem::take(response.headers_mut());
        // The status has said already whether the request was taken.
        let bytes = read(response, limit).await.unwrap_or_default();
        if let Some(exchange) = exchange {
            exchange.answered(status, &headers, &bytes);
        }
        if (200..300).contains(&status) || is_expected {
            return Ok(ApiAnswer {
                call,
                status,
                retry_after,
                date: date.map(|date| date.timestamp()),
                headers,
                body: lenient_json::read(&bytes).unwrap_or_else(|_| short_text(&bytes)),
            });
        }
        let body = String::from_utf8_lossy(&bytes);
        let detail = shortened(&(self.words)(&body), LONGEST_DETAIL);
        let error = CallError::of_status(call, status, &detail, retry_after);
        Err(match (self.classify)(status, &body) {
            Some(kind) => error.as_kind(kind),
            None => error,
        })
    }

    /// Sends a request with the first of some credentials that is accepted, newest first.
    ///
    /// # Errors
    /// As [`Api::send`]; that of the last one where none is accepted.
    pub async fn send_signed(
        &self,
        secrets: &Secrets,
        sign: impl Fn(&SecretString) -> ApiRequest + Send + Sync,
    ) -> Result<ApiAnswer, CallError> {
        let mut sent = self.send(sign(secrets.newest())).await;
        for secret in secrets.iter().skip(1) {
            match sent {
                Err(error) if error.is_unauthenticated() => sent = self.send(sign(secret)).await,
                _ => break,
            }
        }
        sent
    }

    async fn response(&self, request: ApiRequest) -> Result<Response, CallError> {
        let call = request.call;
        let sending = request.sending(&self.http)?.send().await;
        sending.map_err(|error| {
            let cause = Unreachable::from(&error);
            CallError::new(call, CallErrorKind::Unreachable(cause))
        })
    }
}

impl ApiRequest {
    /// A request; `call` says what it asks, to follow "to".
    #[must_use]
    pub fn new(call: &'static str, method: Method, url: impl Into<Endpoint>) -> Self {
        Self {
            call,
            method,
            url: url.into(),
            headers: Vec::new(),
            body: Body::None,
            expected: AnswerStatuses::These(Vec::new()),
            timeout: TIMEOUT,
            limit: ANSWER_LIMIT,
        }
    }

    /// A `GET`.
    #[must_use]
    pub fn get(call: &'static str, url: impl Into<Endpoint>) -> Self {
        Self::new(call, Method::GET, url)
    }

    /// A `POST`.
    #[must_use]
    pub fn post(call: &'static str, url: impl Into<Endpoint>) -> Self {
        Self::new(call, Method::POST, url)
    }

    /// With this header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, Text::Plain(value.into())));
        self
    }

    /// With this header, which is shown as `shown`.
    #[must_use]
    pub fn secret_header(
        mut self,
        name: HeaderName,
        value: SecretString,
        shown: impl Into<String>,
    ) -> Self {
        let shown = shown.into();
        self.headers
            .push((name, Text::Secret { sent: value, shown }));
        self
    }

    /// With basic authentication.
    #[must_use]
    pub fn basic_auth(self, user: &str, password: &SecretString) -> Self {
        let encoded = STANDARD.encode(format!("{user}:{}", password.expose_secret()));
        self.secret_header(
            AUTHORIZATION,
            format!("Basic {encoded}").into(),
            format!("Basic [base64 of {user}:…]"),
        )
    }

    /// With basic authentication by a key that is the user; the password is anything.
    #[must_use]
    pub fn basic_key(self, key: &SecretString) -> Self {
        let encoded = STANDARD.encode(format!("{}:X", key.expose_secret()));
        self.secret_header(
            AUTHORIZATION,
            format!("Basic {encoded}").into(),
            "Basic [base64 of the API key]",
        )
    }

    /// With a bearer token.
    #[must_use]
    pub fn bearer_auth(self, token: &SecretString) -> Self {
        self.secret_header(
            AUTHORIZATION,
            format!("Bearer {}", token.expose_secret()).into(),
            "Bearer […]",
        )
    }

    /// With a body of JSON.
    #[must_use]
    pub fn json(self, value: Value) -> Self {
        self.body(Body::Json(value))
    }

    /// With a body of form fields.
    #[must_use]
    pub fn form(self, fields: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let fields = fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Text::Plain(value)));
        self.body(Body::Form(fields.collect()))
    }

    /// With one more form field, which is secret.
    #[must_use]
    pub fn secret_field(mut self, name: &str, value: &SecretString) -> Self {
        let value = Text::Secret {
            sent: value.clone(),
            shown: "[…]".to_owned(),
        };
        match &mut self.body {
            Body::Form(fields) => fields.push((name.to_owned(), value)),
            body => *body = Body::Form(vec![(name.to_owned(), value)]),
        }
        self
    }

    /// With a multipart body.
    #[must_use]
    pub fn multipart(self, fields: impl IntoIterator<Item = (String, Field)>) -> Self {
        self.body(Body::Multipart(fields.into_iter().collect()))
    }

    /// With a body of bytes.
    #[must_use]
    pub fn bytes(self, mime_type: &str, bytes: impl Into<Bytes>) -> Self {
        self.body(Body::Bytes {
            mime_type: mime_type.to_owned(),
            bytes: bytes.into(),
        })
    }

    /// With these statuses being answers, not errors.
    #[must_use]
    pub fn expect(mut self, statuses: &[u16]) -> Self {
        self.expected = AnswerStatuses::These(statuses.to_vec());
        self
    }

    /// With every status being an answer: the provider says in its body what it means.
    #[must_use]
    pub fn expect_all(mut self) -> Self {
        self.expected = AnswerStatuses::All;
        self
    }

    /// With another time that the answer may take than 10 s.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// With another number of bytes that are read of the answer than 4 MiB. What a longer one says is
    /// not known.
    #[must_use]
    pub fn limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// The request as it is sent.
    fn sending(self, http: &reqwest::Client) -> Result<RequestBuilder, CallError> {
        let mut sending = http
            .request(self.method, self.url.expose().clone())
            .timeout(self.timeout);
        for (name, value) in &self.headers {
            let value = HeaderValue::from_str(value.sent()).map_err(|_| {
                let reason = "a header would have a line end or a control character";
                CallError::new(self.call, CallErrorKind::Unsendable(reason))
            })?;
            sending = sending.header(name, value);
        }
        Ok(match self.body {
            Body::None => sending,
            Body::Json(value) => sending.json(&value),
            Body::Form(fields) => {
                let fields = fields.iter();
                let fields = fields.map(|(name, value)| (name.as_str(), value.sent()));
                sending.form(&fields.collect::<Vec<_>>())
            }
            Body::Multipart(fields) => sending.multipart(form(fields)),
            Body::Bytes { mime_type, bytes } => sending.header(CONTENT_TYPE, mime_type).body(bytes),
        })
    }
}

/// The most bytes of an answer that is no JSON, and is words and not a page.
const LONGEST_TEXT: usize = 200;

/// A short text that is no page; null where it is none.
fn short_text(bytes: &[u8]) -> Value {
    let text = std::str::from_utf8(bytes).unwrap_or_default().trim();
    if text.is_empty() || text.len() > LONGEST_TEXT || text.contains('<') {
        return Value::Null;
    }
    Value::from(text)
}

impl ApiAnswer {
    /// What the answer means as an error of this kind, whatever its status says.
    #[must_use]
    pub fn error(&self, kind: CallErrorKind) -> CallError {
        let detail = shortened(&self.body.to_string(), LONGEST_DETAIL);
        CallError::of_status(self.call, self.status, &detail, self.retry_after).as_kind(kind)
    }

    /// That the answer is not what was promised, and is needed.
    #[must_use]
    pub fn unreadable(&self) -> CallError {
        CallError {
            detail: None,
            ..self.error(CallErrorKind::Unreadable)
        }
    }
}

impl Text {
    fn sent(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Secret { sent, .. } => sent.expose_secret(),
        }
    }

    fn shown(&self) -> &str {
        match self {
            Self::Plain(text) | Self::Secret { shown: text, .. } => text,
        }
    }
}

/// The URL of a path below a base URL, which ends in a slash.
#[must_use]
pub fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path()));
    url
}

fn form(fields: Vec<(String, Field)>) -> Form {
    fields
        .into_iter()
        // As browsers write names: `filename*`, as it would be with a space in it, is not read by all.
        .fold(
            Form::new().percent_encode_noop(),
            |form, (key, field)| match field {
                Field::Text(text) => form.text(key, text),
                Field::File {
                    name,
                    mime_type,
                    bytes,
                } => {
                    let length = bytes.len() as u64;
                    let part = || {
                        Part::stream_with_length(reqwest::Body::from(bytes.clone()), length)
                            .file_name(name.clone())
                    };
                    // A MIME type that is none is left out.
                    let part = part().mime_str(&mime_type).unwrap_or_else(|_| part());
                    form.part(key, part)
                }
            },
        )
}
