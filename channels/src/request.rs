//! A request of a provider, and its answer.

use haptik_bridge_shared::redacted_debug;
use http::header::{self, HeaderName};
use http::{HeaderMap, Method};
use serde_json::Value;

use crate::verify::Unverified;

/// A request at `/channels/{connection}`.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method: `POST`, or `GET` for providers' handshakes and for pages.
    pub method: &'a Method,
    /// The whole URL as the provider called it, as far as the gateway tells; some providers sign it.
    pub public_url: &'a str,
    /// What follows `/channels/{connection}`, without the query: empty, or `/handoff`, for example.
    pub path: &'a str,
    /// The query, without the question mark; may be empty.
    pub query: &'a str,
    /// The headers, whose names have no case.
    pub headers: &'a HeaderMap,
    /// The body, decoded from base64 where the gateway had encoded it.
    pub body: &'a [u8],
}

impl Request<'_> {
    /// That it is a `POST` to the connection itself, where nothing else is.
    ///
    /// # Errors
    /// When it is at another path, or by another method.
    pub fn is_post_here(&self) -> Result<(), Rejected> {
        if !self.path.trim_matches('/').is_empty() {
            return Err(Rejected::NotFound);
        }
        if self.method != Method::POST {
            return Err(Rejected::MethodNotAllowed("POST"));
        }
        Ok(())
    }
}

/// An answer to a request.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers, the content type among them.
    pub headers: Vec<(HeaderName, String)>,
    /// The body; may be empty.
    pub body: String,
}

/// Why a request was turned away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The signature is missing, wrong or too old: 401.
    #[error("{0}")]
    Unauthorized(Unverified),
    /// The sender broke our own interface: 400. The text says what is wrong and what is allowed.
    #[error("{0}")]
    BadRequest(String),
    /// What is at this path takes other methods, which are listed as in the header `Allow`: 405.
    #[error("this method is not allowed here; allowed: {0}")]
    MethodNotAllowed(&'static str),
    /// The connection has nothing at this path: 404.
    #[error("this connection has nothing at this path")]
    NotFound,
    /// It cannot be verified or made durable now: 503, so that the sender sends it again.
    #[error("{0}")]
    Unavailable(String),
}

impl Response {
    /// 200 without a body.
    #[must_use]
    pub fn ok() -> Self {
        Self::text(200, "")
    }

    /// A plain text.
    #[must_use]
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self::of(status, "text/plain; charset=utf-8", body.into())
    }

    /// A JSON value.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self::of(status, "application/json", body.to_string())
    }

    fn of(status: u16, content_type: &str, body: String) -> Self {
        Self {
            status,
            headers: vec![(header::CONTENT_TYPE, content_type.to_owned())],
            body,
        }
    }
}

// Without the headers, which have the signature, and the URL, which may have a token.
redacted_debug!(Request<'_> { method, body: bytes });
redacted_debug!(Response {
    status,
    body: bytes
});
