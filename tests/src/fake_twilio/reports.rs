//! What became of the messages that were taken
//! (<https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks>), as status callbacks: by
//! itself, as untidily as can be, or by a test's hand.

use std::sync::Arc;
use std::time::Duration;

use http::Method;

use super::signature::signature;
use super::state::{Message, Reporting, State};
use super::{ACCOUNT, TOKEN};
use crate::app;
use crate::provider::{self, Report, Request};

/// The header with the signature.
pub(super) const SIGNATURE: &str = "x-twilio-signature";

/// How often a callback is tried: `rc=3` are three more
/// (<https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides>).
const TRIES: usize = 4;

/// How long one try takes at most; in the place of fifteen seconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long an answer waits for a callback that is before it.
const AHEAD: Duration = Duration::from_millis(300);

/// The request that brings these fields to the bridge.
pub(super) fn request(state: &State, fields: &[(String, String)]) -> Request {
    let url = state.read(|store| store.webhook_url.clone());
    let body: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let kind = "application/x-www-form-urlencoded; charset=UTF-8";
    http::Request::builder()
        .method(Method::POST)
        .uri(&url)
        .header("content-type", kind)
        .header(SIGNATURE, signature(TOKEN, &url, fields))
        .body(body.into_bytes())
        .expect("a request")
}

/// What became of a message.
pub(super) fn reported(state: &State, sid: &str, to: &str, status: &str) -> Request {
    let mut fields = vec![
        ("SmsSid", sid),
        ("SmsStatus", status),
        ("MessageStatus", status),
        ("To", to),
        ("MessageSid", sid),
        ("AccountSid", ACCOUNT),
        ("From", state.sender),
        ("ApiVersion", "2010-04-01"),
    ];
    if ["undelivered", "failed"].contains(&status) {
        fields.push(("ErrorCode", "30003"));
    }
    let fields: Vec<(String, String)> = fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    request(state, &fields)
}

/// Says what becomes of a message that was taken, where it does that by itself: of each third before this returns.
pub(super) async fn report(state: &Arc<State>, message: Message) {
    let Reporting::ByItself(undelivered) = state.reporting else {
        return;
    };
    let number = message
        .sid
        .get(2..)
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .unwrap_or_default();
    let failed = message.body.contains(undelivered);
    let last = if failed { "undelivered" } else { "delivered" };
    let mut statuses = match number % 4 {
        0 => vec!["sent", last, last],
        1 => vec![last, "sent"],
        2 if !failed => vec!["sent", "read", last],
        _ => vec!["sent", last],
    };
    state.change(|store| {
        store.reports_under_way += 1;
        let report = Report {
            failed,
            taken: false,
        };
        store.reported.insert(message.sid.clone(), report);
    });
    let pause = Duration::from_millis(if number % 3 == 1 { 40 } else { 0 });
    let owned = state.clone();
    let saying = tokio::spawn(async move {
        tokio::time::sleep(pause).await;
        for status in statuses.drain(..) {
            let is_taken = say(&owned, &message, status).await && status != "sent";
            owned.change(|store| {
                let report = store.reported.get_mut(&message.sid);
                if let Some(report) = report {
                    report.taken |= is_taken;
                }
            });
        }
        owned.change(|store| store.reports_under_way -= 1);
    });
    if number.is_multiple_of(3) {
        // Whether it was in time or not.
        let _ = tokio::time::timeout(AHEAD, saying).await;
    }
}

/// Sends one callback; whether it was answered 2xx.
async fn say(state: &State, message: &Message, status: &str) -> bool {
    let Ok(client) = app::client() else {
        return false;
    };
    for _ in 0..TRIES {
        let request = reported(state, &message.sid, &message.to, status);
        let answer = tokio::time::timeout(PATIENCE, provider::send(&client, &request)).await;
        if answer.is_ok_and(|answer| answer.is_ok_and(|(status, _)| (200..300).contains(&status))) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}
