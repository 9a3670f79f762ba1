//! What Twilio answers (<https://www.twilio.com/docs/usage/twilios-response>), what it tells later of a message
//! that it had taken, and what is to be done about it: by its codes (<https://www.twilio.com/docs/api/errors>).

use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::CallError;
use haptik_bridge_shared::net::api::ApiAnswer;
use haptik_bridge_shared::retry::Detail;

use crate::channel::{Refusal, SendError};

/// Twilio did not do what it was asked.
#[derive(Debug, Clone)]
pub(super) struct Declined {
    /// Its own code, where it gave one.
    pub(super) code: Option<u64>,
    /// What that means.
    pub(super) error: SendError,
}

impl From<Declined> for SendError {
    fn from(declined: Declined) -> Self {
        declined.error
    }
}

/// The code for a content that is not there (<https://www.twilio.com/docs/api/errors/21655>).
pub(super) const NO_SUCH_CONTENT: u64 = 21655;

/// The statuses that are read here: the others mean the same everywhere.
pub(super) const READ: &[u16] = &[400, 403, 404];

/// What a code means: whether and when it is tried again, and what it is, in words that may be logged.
fn of_code(code: u64) -> Option<(Refusal, &'static str)> {
    Some(match code {
        // The user.
        21610 => (Refusal::Refused, "the user sent STOP"),
        21211 | 21217 | 21265 | 21614 | 21635 | 63024 => (
            Refusal::Refused,
            "the user's address takes no such messages",
        ),
        21408 | 21612 => (
            Refusal::Refused,
            "the account may not send there, or Twilio has no way to",
        ),
        30003 => (Refusal::Refused, "the telephone is off or out of reach"),
        30004 => (Refusal::Refused, "the message is blocked"),
        30005 | 30006 => (Refusal::Refused, "the number is unknown, or a landline"),
        30007 => (Refusal::Refused, "a carrier took it for spam"),
        30008 => (Refusal::Refused, "a carrier did not say why"),
        63016 => (
            Refusal::WindowClosed,
            "more than 24 hours have passed since the user wrote",
        ),
        // What was sent.
        12300 | 21617 | 21620 | 21623 | 30019 | 63019 | 63021 => (
            Refusal::TooRich,
            "it is too long, or the picture is not taken",
        ),
        // The pace.
        14107 | 20429 | 21611 | 30001 | 63017 | 63018 | 63038 => {
            (Refusal::RateLimited(None), "too many messages")
        }
        // The operator.
        20003 | 20005 | 20006 | 20404 | 21212 | 21603 | 21606 | 21608 | 21659 | 21660 | 21661
        | 21703 | 21705 | 30002 | 30034 | 63007 => (
            Refusal::Unauthorized,
            "the account, its sender or its registration is not good for it",
        ),
        _ => return None,
    })
}

/// What an answer that is no success means.
pub(super) fn of_answer(call: &str, answer: &ApiAnswer) -> Declined {
    let code = lenient_json::whole(&answer.body, "code");
    let known = code.and_then(of_code);
    let status = answer.status;
    let (refusal, what) = known.unwrap_or(match status {
        // No account, or a base URL that is not the API's.
        404 => (
            Refusal::Unauthorized,
            "there is no such account or resource",
        ),
        _ => (Refusal::Refused, "Twilio refuses it"),
    });
    let refusal = match refusal {
        Refusal::RateLimited(_) => Refusal::RateLimited(answer.retry_after),
        other => other,
    };
    let shown = code.map_or_else(|| status.to_string(), |code| format!("{status}, {code}"));
    let words = lenient_json::text(&answer.body, "message");
    let error = SendError {
        detail: Some(words.as_str())
            .filter(|words| !words.is_empty())
            .map(Detail::from),
        ..SendError::new(
            refusal,
            format!("Twilio answered {shown} to {call}: {what}"),
        )
    };
    Declined { code, error }
}

/// What a call that was not taken means.
pub(super) fn of_call(error: &CallError) -> Declined {
    let error = SendError::of_call("Twilio", error);
    Declined { code: None, error }
}

/// Why a message did not reach the user that Twilio had taken, by what it tells later.
pub(super) fn of_report(status: &str, code: &str) -> String {
    let number = code.trim().parse::<u64>().ok();
    let known = number.and_then(of_code).map(|(_, what)| what);
    match (number, known) {
        (Some(number), Some(what)) => format!("{status} ({number}): {what}"),
        (Some(number), None) => format!("{status} ({number})"),
        (None, _) => status.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_says_what_is_to_be_done() {
        let refusal = |code| of_code(code).map(|(refusal, _)| refusal);
        for user in [21610, 21211, 21614, 30003, 30006] {
            assert_eq!(refusal(user), Some(Refusal::Refused), "{user}");
        }
        assert_eq!(refusal(63016), Some(Refusal::WindowClosed));
        assert_eq!(refusal(21617), Some(Refusal::TooRich));
        assert_eq!(refusal(20429), Some(Refusal::RateLimited(None)));
        assert_eq!(refusal(20003), Some(Refusal::Unauthorized));
        assert_eq!(refusal(1), None);
    }

    #[test]
    fn a_report_has_its_code_and_what_it_means() {
        assert_eq!(
            of_report("undelivered", "30003"),
            "undelivered (30003): the telephone is off or out of reach"
        );
        assert_eq!(of_report("failed", "99999"), "failed (99999)");
        assert_eq!(of_report("failed", ""), "failed");
        assert_eq!(of_report("failed", "a secret"), "failed");
    }
}
