//! What Webex answers (<https://developer.webex.com/docs/basics#api-errors>), and what is to be done about it.

use std::time::Duration;

use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::CallError;
use haptik_bridge_shared::net::api::ApiAnswer;
use haptik_bridge_shared::retry::Detail;

use crate::channel::{Refusal, SendError};

/// The statuses that are read here: the others mean the same everywhere.
pub(super) const READ: &[u16] = &[400, 403, 404, 410, 413, 423];

/// How long a file is waited for that is being scanned, where Webex does not say it.
const SCAN: Duration = Duration::from_secs(15);

/// What an answer that is no success means, in words that may be logged.
pub(super) fn of_answer(call: &str, answer: &ApiAnswer) -> SendError {
    let words = lenient_json::text(&answer.body, "message");
    let (refusal, what) = match answer.status {
        400 | 413 => (Refusal::TooRich, "Webex does not take this"),
        403 => (
            Refusal::Refused,
            "the bot may not write there: it was removed, or is not allowed to",
        ),
        404 => (
            Refusal::Refused,
            "there is no such room or message, or the bot is not in the room",
        ),
        410 => (
            Refusal::Refused,
            "Webex found something harmful in the file",
        ),
        423 => (
            Refusal::Unavailable(waiting(answer.retry_after)),
            "Webex scans the file",
        ),
        _ => (Refusal::Refused, "Webex refuses it"),
    };
    SendError {
        detail: Some(words.as_str())
            .filter(|words| !words.is_empty())
            .map(Detail::from),
        ..SendError::new(refusal, format!("{call} ({}): {what}", answer.status))
    }
}

/// What a call that was not taken means.
pub(super) fn of_call(error: &CallError) -> SendError {
    let refused =
        |refusal, what: &str| SendError::new(refusal, format!("{}: {what}", error.method));
    match error.code.as_str() {
        "410" => refused(
            Refusal::Refused,
            "Webex found something harmful in the file",
        ),
        "423" => refused(
            Refusal::Unavailable(waiting(error.retry_after)),
            "Webex scans the file",
        ),
        _ => SendError::of_call("Webex", error),
    }
}

/// How long Webex is waited for that scans a file: at least a second, also where it says none.
pub(super) fn waiting(said: Option<Duration>) -> Option<Duration> {
    Some(said.unwrap_or(SCAN).max(Duration::from_secs(1)))
}
