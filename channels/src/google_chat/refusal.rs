//! What Google answers (<https://cloud.google.com/apis/design/errors>), and what is to be done about it.

use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::CallError;
use haptik_bridge_shared::net::api::ApiAnswer;
use haptik_bridge_shared::retry::{Detail, Retryable as _};
use serde_json::Value;

use crate::channel::{Refusal, SendError};

/// The statuses that are read here: the others mean the same everywhere.
pub(super) const READ: &[u16] = &[400, 403, 404, 409, 413];

/// Why Google will not do something, among the `details` of its answer, where an operator can mend it
/// (<https://cloud.google.com/apis/design/errors#error_info>).
const MENDABLE: &[&str] = &[
    "SERVICE_DISABLED",
    "CONSUMER_INVALID",
    "CONSUMER_SUSPENDED",
    "BILLING_DISABLED",
    "USER_PROJECT_DENIED",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
    "ACCESS_TOKEN_TYPE_UNSUPPORTED",
];

/// What Google says where the API is on and the app is not set up; a 404. Not documented.
const NOT_SET_UP: &str = "chat app not found";

/// Whether this answer says that the message is there already. What was aborted is a 409, too, and is not there.
pub(super) fn is_there(answer: &ApiAnswer) -> bool {
    let kind = answer.body.pointer("/error/status");
    answer.status == 409 && kind.and_then(Value::as_str) == Some("ALREADY_EXISTS")
}

/// What an answer that is no success means, in words that may be logged.
pub(super) fn of_answer(method: &str, answer: &ApiAnswer) -> SendError {
    let error = answer.body.get("error").unwrap_or(&Value::Null);
    let words = lenient_json::text(error, "message");
    let is_mendable = lenient_json::list(error, "details")
        .any(|detail| MENDABLE.contains(&lenient_json::text(detail, "reason").as_str()));
    let is_not_set_up = words.to_lowercase().contains(NOT_SET_UP);
    let (refusal, what) = match answer.status {
        403 | 404 if is_mendable || is_not_set_up => (
            Refusal::Unauthorized,
            "the app's project is not set up for it",
        ),
        403 => (
            Refusal::Refused,
            "the app may not write there: it was removed, or is not in the space",
        ),
        404 => (Refusal::Refused, "there is no such space or message"),
        400 | 413 => (Refusal::TooRich, "Google does not take this"),
        409 => (
            Refusal::Unavailable(answer.retry_after),
            "another call came in between",
        ),
        _ => (Refusal::Refused, "Google refuses it"),
    };
    SendError {
        detail: Some(words.as_str())
            .filter(|words| !words.is_empty())
            .map(Detail::from),
        ..SendError::new(refusal, format!("{method} ({}): {what}", answer.status))
    }
}

/// What a call that was not taken means.
pub(super) fn of_call(error: &CallError) -> SendError {
    SendError {
        detail: error.detail().map(Detail::from),
        ..SendError::of_call("Google", error)
    }
}
