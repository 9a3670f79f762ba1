//! What calls have in common: their token, and what is noted of them.

use http::{HeaderMap, header};
use jiff::Timestamp;
use serde_json::Value;

use super::refused::Refused;
use super::state::{Call, Refusal, State};

/// Whether the request carries the bot's token in its header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ")
}

pub(crate) fn record(state: &State, method: &str, arguments: Value, outcome: &str) {
    let call = Call {
        method: method.to_owned(),
        arguments,
        outcome: outcome.to_owned(),
        at: Timestamp::now(),
    };
    state.change(|store| store.calls.push(call));
}

pub(crate) fn refuse(state: &State, method: &str, arguments: Value, refused: &Refused) {
    let refusal = Refusal {
        method: method.to_owned(),
        error: refused.error.clone(),
        details: refused.details.clone(),
        arguments,
    };
    state.change(|store| store.refusals.push(refusal));
}
