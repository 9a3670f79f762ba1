//! What the connector answers
//! (<https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/send-proactive-messages>),
//! and what is to be done about it.

use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::CallError;
use haptik_bridge_shared::net::api::ApiAnswer;
use haptik_bridge_shared::retry::{Detail, Retryable as _};
use serde_json::Value;

use crate::channel::{Refusal, SendError};

/// The statuses that are read here: the others mean the same everywhere.
pub(super) const READ: &[u16] = &[400, 403, 404, 413];

/// The codes of a 403, and what they say. They stay so until somebody changes it in Teams
/// (<https://learn.microsoft.com/microsoftteams/platform/bots/build-conversational-capability#status-codes-from-bot-conversational-apis>).
const FORBIDDEN: &[(&str, &str)] = &[
    (
        "MessageWritesBlocked",
        "the user has blocked or removed the bot",
    ),
    ("ConversationBlockedByUser", "the user has blocked the bot"),
    (
        "BotNotInConversationRoster",
        "the bot was removed from the conversation",
    ),
    (
        "ForbiddenOperationException",
        "the bot is not installed there",
    ),
    (
        "BotDisabledByAdmin",
        "an administrator has disabled the bot",
    ),
    ("NotEnoughPermissions", "the bot lacks a permission"),
    (
        "InvalidBotApiHost",
        "the conversation is in another cloud than its serviceUrl",
    ),
];

/// What an answer that is no success means, in words that may be logged.
pub(super) fn of_answer(call: &str, answer: &ApiAnswer) -> SendError {
    let error = answer.body.get("error").unwrap_or(&Value::Null);
    let inner = error.get("innerHttpError").unwrap_or(&Value::Null);
    let inner = inner.get("body").unwrap_or(&Value::Null);
    let codes = [
        lenient_json::text(error, "code"),
        lenient_json::text(error, "subCode"),
        lenient_json::text(&answer.body, "subCode"),
        lenient_json::text(inner, "subCode"),
    ];
    let words = lenient_json::text(error, "message");
    let forbidden = || {
        let mut known = FORBIDDEN.iter();
        let known = known.find(|(code, _)| codes.iter().any(|said| said == code));
        known.map_or("the bot may not write there", |(_, what)| what)
    };
    let (refusal, what) = match answer.status {
        403 => (Refusal::Refused, forbidden()),
        404 => (
            Refusal::Refused,
            "there is no such conversation or activity",
        ),
        400 | 413 => (Refusal::TooRich, "Teams does not take this"),
        _ => (Refusal::Refused, "Teams refuses it"),
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
    SendError {
        detail: error.detail().map(Detail::from),
        ..SendError::of_call("Teams", error)
    }
}
