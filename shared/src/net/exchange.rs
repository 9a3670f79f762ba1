//! What a provider was sent and what it answered, for somebody who watches a bridge on one machine: the console.
//!
//! An exchange is an event of `tracing` with the target [`EXCHANGE_TARGET`], at the level `DEBUG`, and is made only
//! where something listens to that target. It has bodies, so no log takes it
//! ([`may_be_logged`](crate::telemetry::may_be_logged)); what is secret in it is not in the event either.

use std::time::Instant;

use http::HeaderMap;
use http::header::SET_COOKIE;
use jiff::Timestamp;
use serde_json::{Value, json};
use tracing::Level;

use super::shortened;
use crate::ids::CorrelationId;

/// The `target` of the events that tell of exchanges.
pub const EXCHANGE_TARGET: &str = "haptik_bridge::exchange";

/// The most characters of a body that are kept.
const LONGEST_BODY: usize = 20_000;

/// What keys of JSON are called whose values open something, in lower case.
const SECRETS: [&str; 13] = [
    "access_token",
    "refresh_token",
    "id_token",
    "token",
    "bot_token",
    "client_secret",
    "secret",
    "password",
    "api_key",
    "auth_code",
    "assertion",
    "code",
    "authorization",
];

tokio::task_local! {
    /// What is being delivered.
    static DELIVERED: CorrelationId;
}

/// Runs `delivery`; what it exchanges with providers is noted as of the entry with this id.
pub async fn during<F: Future>(correlation_id: CorrelationId, delivery: F) -> F::Output {
    DELIVERED.scope(correlation_id, delivery).await
}

/// An exchange that has begun.
#[derive(Debug)]
pub(super) struct Exchange {
    call: &'static str,
    request: Value,
    began: Timestamp,
    clock: Instant,
}

impl Exchange {
    /// Begins one, where somebody watches; `request` is without secrets but for those in its `body`.
    pub(super) fn begin(call: &'static str, request: impl FnOnce() -> Value) -> Option<Self> {
        if !tracing::enabled!(target: EXCHANGE_TARGET, Level::DEBUG) {
            return None;
        }
        Some(Self {
            call,
            request: request(),
            began: Timestamp::now(),
            clock: Instant::now(),
        })
    }

    /// Ends it with an answer.
    pub(super) fn answered(self, status: u16, headers: &HeaderMap, body: &[u8]) {
        let headers = headers.iter().filter(|(name, _)| *name != SET_COOKIE);
        let headers: Vec<(&str, String)> = headers
            .map(|(name, value)| {
                (
                    name.as_str(),
                    String::from_utf8_lossy(value.as_bytes()).into(),
                )
            })
            .collect();
        let body = String::from_utf8_lossy(body);
        self.emit(&json!({"status": status, "headers": headers, "body": without_secrets(&body)}));
    }

    /// Ends it without one.
    pub(super) fn failed(self, reason: &str) {
        self.emit(&json!({"error": reason}));
    }

    fn emit(self, answer: &Value) {
        let correlation_id = DELIVERED.try_with(Clone::clone).ok();
        let took_ms = self.clock.elapsed().as_secs_f64() * 1_000.0;
        let mut request = self.request;
        if let Some(body) = request.get("body").and_then(Value::as_str) {
            request["body"] = without_secrets(body).into();
        }
        let exchange = json!({
            "call": self.call,
            "began": self.began,
            "took_ms": took_ms,
            "request": request,
            "answer": answer,
        });
        tracing::event!(
            target: EXCHANGE_TARGET,
            Level::DEBUG,
            correlation_id = correlation_id.as_ref().map(CorrelationId::as_str),
            exchange = %exchange,
        );
    }
}

/// A body without what opens something, where it is JSON; cut off where it is long.
fn without_secrets(body: &str) -> String {
    let Ok(mut value) = serde_json::from_str::<Value>(body) else {
        return shortened(body, LONGEST_BODY);
    };
    hide(&mut value);
    shortened(&format!("{value:#}"), LONGEST_BODY)
}

fn hide(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let is_secret = SECRETS.contains(&key.to_lowercase().as_str());
                if is_secret && value.is_string() {
                    *value = Value::from("[…]");
                } else {
                    hide(value);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(hide),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_opens_something_is_not_shown_however_deep(
            key in proptest::sample::select(SECRETS.to_vec()),
            secret in "[a-zA-Z0-9]{20,40}", depth in 0..5_usize, in_list in any::<bool>(), upper in any::<bool>(),
        ) {
            let key = if upper { key.to_uppercase() } else { key.to_owned() };
            let mut body = json!({key: secret, "text": "kept"});
            for _ in 0..depth {
                body = if in_list { json!([body]) } else { json!({"inside": body}) };
            }
            let shown = without_secrets(&body.to_string());
            prop_assert!(!shown.contains(&secret), "{}", shown);
            prop_assert!(shown.contains("kept"), "{}", shown);
        }
    }
}
