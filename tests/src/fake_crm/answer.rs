//! What a fake answers.

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::Value;

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(super) status: u16,
    headers: Vec<(&'static str, String)>,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    Json(Value),
    Text(&'static str, String),
}

impl Answer {
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Json(body),
        }
    }

    pub(crate) fn text(status: u16, content_type: &'static str, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Text(content_type, body.into()),
        }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self::text(status, "", "")
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn shown(&self) -> Value {
        match &self.body {
            Body::Json(value) => value.clone(),
            Body::Text(_, text) => Value::from(text.as_str()),
        }
    }

    pub(crate) fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).expect("a status");
        let mut response = match self.body {
            Body::Json(value) => (status, axum::Json(value)).into_response(),
            Body::Text("", text) => (status, text).into_response(),
            Body::Text(content_type, text) => {
                (status, [(CONTENT_TYPE, content_type)], text).into_response()
            }
        };
        for (name, value) in self.headers {
            let value = value.parse().expect("the value of a header");
            response.headers_mut().insert(name, value);
        }
        response
    }
}
