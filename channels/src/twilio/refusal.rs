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

/// What codes mean (<https://www.twilio.com/docs/api/errors>): whether and when it is tried again, and what it is, in
/// words that may be logged.
const CODES: &[(&[u64], Refusal, &str)] = &[
    // The user.
    (&[21610], Refusal::Refused, "the user sent STOP"),
    (
        &[
            21211, 21214, 21217, 21265, 21266, 21614, 21635, 63003, 63024, 63031, 63036,
        ],
        Refusal::Refused,
        "the user's address takes no such messages",
    ),
    (
        &[63014, 63033],
        Refusal::Refused,
        "the user blocked the sender",
    ),
    (
        &[21408, 21612, 30011],
        Refusal::Refused,
        "the account may not send there, or Twilio has no way to",
    ),
    (
        &[30003],
        Refusal::Refused,
        "the telephone is off or out of reach",
    ),
    (&[30004, 63035], Refusal::Refused, "the message is blocked"),
    (
        &[30005, 30006],
        Refusal::Refused,
        "the number is unknown, or a landline",
    ),
    (
        &[30007, 30038, 63013],
        Refusal::Refused,
        "a carrier took it for spam, or it is against a policy",
    ),
    (&[30008], Refusal::Refused, "a carrier did not say why"),
    (
        &[30036],
        Refusal::Refused,
        "it waited longer than it is valid",
    ),
    (
        &[63016],
        Refusal::WindowClosed,
        "more than 24 hours have passed since the user wrote",
    ),
    // What was sent.
    (
        &[
            12300, 21605, 21617, 21620, 21623, 21655, 21656, 21658, 30019, 63005, 63006, 63019,
            63021, 63026, 63027, 63028, 63030, 63034,
        ],
        Refusal::TooRich,
        "it is too long, or the picture or the buttons are not taken",
    ),
    // The pace.
    (
        &[14107, 20429, 21611, 30001, 30017, 30022, 63017, 63018],
        Refusal::RateLimited(None),
        "too many messages",
    ),
    (
        &[
            20500, 20503, 20504, 21730, 30410, 30500, 63009, 63010, 63012, 63023,
        ],
        Refusal::Unavailable(None),
        "something does not work at Twilio, or behind it",
    ),
    // The operator.
    (
        &[
            10001, 20003, 20005, 20006, 20403, 20404, 21212, 21603, 21606, 21607, 21608, 21609,
            21659, 21660, 21661, 21701, 21703, 21704, 21705, 30002, 30018, 30023, 30024, 30032,
            30033, 30034, 30037, 63001, 63002, 63007, 63008, 63015, 63020, 63038, 70051, 90010,
        ],
        Refusal::Unauthorized,
        "the account, its sender or its registration is not good for it",
    ),
];

fn of_code(code: u64) -> Option<(Refusal, &'static str)> {
    let row = CODES.iter().find(|(codes, ..)| codes.contains(&code));
    row.map(|(_, refusal, what)| (*refusal, *what))
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
        // The account, or its key, lacks a permission, or is suspended.
        403 => (
            Refusal::Unauthorized,
            "the account or its token may not do that",
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
    use haptik_bridge_shared::net::api::{Api, ApiRequest};
    use haptik_bridge_shared::net::client;
    use haptik_bridge_shared::net::fake::{Answer, Fake};

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
        for operator in [20003, 20403, 10001, 70051, 90010] {
            assert_eq!(refusal(operator), Some(Refusal::Unauthorized), "{operator}");
        }
        assert_eq!(refusal(21658), Some(Refusal::TooRich));
        assert_eq!(refusal(1), None);
    }

    #[tokio::test]
    async fn a_403_without_a_code_that_is_known_is_the_operators() {
        for (status, body, expected) in [
            (403, "{}", Refusal::Unauthorized),
            (403, r#"{"code": 1}"#, Refusal::Unauthorized),
            (403, r#"{"code": 21610}"#, Refusal::Refused),
            (400, "{}", Refusal::Refused),
        ] {
            let fake = Fake::start(move |_| Answer::new(status, body)).await;
            let api = Api::new(client().expect("a client"));
            let request = ApiRequest::get("send a message", fake.url("")).expect(READ);
            let answer = api.send(request).await.expect("an answer");
            let error = of_answer("send a message", &answer).error;
            assert_eq!(error.refusal, expected, "{status} {body}");
        }
    }

    #[test]
    fn each_code_means_one_thing() {
        let mut all: Vec<u64> = CODES
            .iter()
            .flat_map(|(codes, ..)| codes.iter().copied())
            .collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
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
