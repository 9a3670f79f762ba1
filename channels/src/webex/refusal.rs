//! What Webex answers (<https://developer.webex.com/docs/basics#api-errors>), and what is to be done about it.

use std::time::Duration;

use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::CallError;
use haptik_bridge_shared::net::api::ApiAnswer;
use haptik_bridge_shared::retry::Detail;

use crate::channel::{Refusal, SendError};

/// The statuses that are read here: the others mean the same everywhere.
pub(super) const READ: &[u16] = &[400, 403, 404, 410, 413, 423, 428];

/// How long a file is waited for that is being scanned, where Webex does not say it.
const SCAN: Duration = Duration::from_secs(15);

/// What a file is that would only be had with `allow=unscannable`, at the risk of who asks.
const UNSCANNABLE: &str = "Webex cannot scan the file, which is encrypted perhaps";

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
            Refusal::Unavailable(Some(waiting(answer.retry_after))),
            "Webex scans the file",
        ),
        428 => (Refusal::Refused, UNSCANNABLE),
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
        "428" => refused(Refusal::Refused, UNSCANNABLE),
        "423" => refused(
            Refusal::Unavailable(Some(waiting(error.retry_after))),
            "Webex scans the file",
        ),
        _ => SendError::of_call("Webex", error),
    }
}

/// How long Webex is waited for that scans a file: at least a second, also where it says none.
fn waiting(said: Option<Duration>) -> Duration {
    said.unwrap_or(SCAN).max(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use haptik_bridge_shared::net::CallErrorKind;

    use super::*;

    fn of(status: u16) -> Refusal {
        let error = CallError::of_status("get a file", status, "", None);
        of_call(&error).refusal
    }

    #[test]
    fn a_file_that_is_scanned_is_waited_for_and_one_that_is_bad_is_not() {
        assert_eq!(of(423), Refusal::Unavailable(Some(SCAN)));
        for status in [404, 410, 428] {
            assert_eq!(of(status), Refusal::Refused, "{status}");
        }
    }

    #[test]
    fn what_passes_is_told_from_what_does_not() {
        let limited = CallError {
            retry_after: Some(Duration::from_secs(7)),
            ..CallError::new("create a message", CallErrorKind::RateLimited)
        };
        let expected = Refusal::RateLimited(Some(Duration::from_secs(7)));
        assert_eq!(of_call(&limited).refusal, expected);
        assert_eq!(of(401), Refusal::Unauthorized);
        for status in [500, 502, 503, 504] {
            assert!(matches!(of(status), Refusal::Unavailable(_)), "{status}");
        }
    }

    #[test]
    fn a_wait_of_nothing_is_a_second() {
        assert_eq!(waiting(Some(Duration::ZERO)), Duration::from_secs(1));
        assert_eq!(waiting(None), SCAN);
    }
}
