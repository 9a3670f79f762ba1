//! How Google refuses.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

/// An error in Google's form (<https://cloud.google.com/apis/design/errors>).
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) code: u16,
    status: &'static str,
    pub(super) message: String,
}

impl Refused {
    pub(super) fn new(code: u16, message: impl Into<String>) -> Self {
        let status = match code {
            400 => "INVALID_ARGUMENT",
            401 => "UNAUTHENTICATED",
            403 => "PERMISSION_DENIED",
            404 => "NOT_FOUND",
            409 => "ALREADY_EXISTS",
            429 => "RESOURCE_EXHAUSTED",
            _ => "UNKNOWN",
        };
        Self {
            code,
            status,
            message: message.into(),
        }
    }

    /// A conflict with another call, which is to be repeated: 409, as what is there already.
    pub(super) fn aborted() -> Self {
        Self {
            status: "ABORTED",
            ..Self::new(409, "The operation was aborted.")
        }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    pub(super) fn answer(&self) -> Response {
        let status = StatusCode::from_u16(self.code).unwrap_or(StatusCode::BAD_REQUEST);
        let error = json!({"code": self.code, "message": self.message, "status": self.status});
        (status, axum::Json(json!({"error": error}))).into_response()
    }
}
