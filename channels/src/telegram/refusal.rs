//! What Telegram answers (<https://core.telegram.org/bots/api#making-requests>), and what is to be done
//! about it. Its descriptions are after `fail_query_with_error` of `tdlib/telegram-bot-api`.

use std::time::Duration;

use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::retry::Detail;
use serde_json::Value;

/// Why a call was of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RefusalReason {
    /// Too many calls: again after this time.
    RateLimited(Option<Duration>),
    /// Telegram does not work.
    Unavailable,
    /// The token is not, or no longer, that of a bot.
    Unauthorized,
    /// The group is a supergroup now, of this id.
    Migrated(i64),
    /// It is as it was to become, or it is too late for it.
    Moot(Detail),
    /// The message cannot be shown as it is, but perhaps in a simpler form.
    TooRich(Detail),
    /// It is refused for good: the user blocked the bot, the chat is gone.
    Refused(Detail),
}

/// What a 400 says where something simpler may pass: markup, keyboards, pictures, lengths.
const TOO_RICH: &[&str] = &[
    "can't parse",
    "button",
    "reply markup",
    "inline keyboard",
    "web page",
    "http url",
    "file identifier",
    "photo",
    "image_process_failed",
    "webpage_",
    "media",
    "send documents",
    "send_docs",
    "wrong type",
    "failed to get",
    "too long",
    "too_long",
    "entities",
];

/// What a 400 says where there is nothing to be done any more.
const MOOT: &[&str] = &[
    "message is not modified",
    "query is too old",
    "message to edit not found",
    "message can't be edited",
];

/// What a 400 says of a file that Telegram's servers cannot give just now, or never could
/// (<https://github.com/tdlib/telegram-bot-api/issues/32>): `wrong file_id or the file is temporarily unavailable`.
const NOT_NOW: &str = "temporarily unavailable";

/// Telegram's words for a topic that is not there, or not as a topic any more.
const NO_TOPIC: &str = "message thread not found";

impl RefusalReason {
    /// Whether there is no such topic.
    pub(super) fn is_no_topic(&self) -> bool {
        let Self::Refused(said) = self else {
            return false;
        };
        said.as_str().to_lowercase().contains(NO_TOPIC)
    }
}

/// The result of an answer.
pub(super) fn result(status: u16, answer: &Value) -> Result<Value, RefusalReason> {
    if lenient_json::flag(answer, "ok") && (200..300).contains(&status) {
        return Ok(answer.get("result").cloned().unwrap_or_default());
    }
    let parameters = answer.get("parameters").unwrap_or(&Value::Null);
    let description = lenient_json::text(answer, "description");
    Err(match status {
        429 => {
            let seconds = lenient_json::whole(parameters, "retry_after");
            RefusalReason::RateLimited(seconds.map(Duration::from_secs))
        }
        // Without a token there is nothing at the address.
        401 | 404 => RefusalReason::Unauthorized,
        403 => RefusalReason::Refused(description.as_str().into()),
        400 => bad_request(parameters, &description),
        // An answer of somebody in between, a conflict, or no sense at all.
        _ => RefusalReason::Unavailable,
    })
}

fn bad_request(parameters: &Value, description: &str) -> RefusalReason {
    if let Ok(chat) = lenient_json::text(parameters, "migrate_to_chat_id").parse() {
        return RefusalReason::Migrated(chat);
    }
    let said = description.to_lowercase();
    if said.contains(NOT_NOW) {
        return RefusalReason::Unavailable;
    }
    let description = Detail::from(description);
    let says = |known: &[&str]| known.iter().any(|words| said.contains(words));
    if says(MOOT) {
        RefusalReason::Moot(description)
    } else if says(TOO_RICH) {
        RefusalReason::TooRich(description)
    } else {
        RefusalReason::Refused(description)
    }
}

/// Words of Telegram's that say why it refuses a call, and ours, which may be logged: its own can quote what
/// was sent.
const REASONS: &[(&str, &str)] = &[
    ("blocked by the user", "the user blocked the bot"),
    ("user is deactivated", "the user deleted the account"),
    ("was kicked", "the bot was removed from the group"),
    ("is not a member", "the bot is not in the group"),
    ("chat was deleted", "the group was deleted"),
    ("can't initiate", "the user has not written to the bot"),
    ("chat not found", "there is no such chat"),
    (NO_TOPIC, "there is no such topic"),
    ("topic_", "the topic is closed or gone"),
    ("rights to send", "the bot may not write in the group"),
    (
        "file is too big",
        "the file is larger than the 20 MB that a bot can have",
    ),
    ("file_id", "the file is not there any more"),
];

/// Why a call failed, in words that may be logged.
pub(super) fn reason(refused: &RefusalReason, method: &str) -> String {
    let answered = |what: &str| format!("Telegram answered {what} to {method}");
    match refused {
        RefusalReason::RateLimited(_) => answered("429"),
        RefusalReason::Unavailable => answered("nothing of use"),
        RefusalReason::Unauthorized => answered("that it does not know the token"),
        RefusalReason::Migrated(_) => answered("that the group is a supergroup now"),
        RefusalReason::TooRich(_) => answered("that it cannot show this"),
        RefusalReason::Moot(_) => answered("that there is nothing to be done"),
        RefusalReason::Refused(words) => {
            let words = words.as_str().to_lowercase();
            let known = REASONS.iter().find(|(theirs, _)| words.contains(theirs));
            known.map_or_else(
                || answered("a refusal"),
                |(_, ours)| format!("{method}: {ours}"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_answered_says_what_is_to_be_done() {
        let refused = |status: u16, description: &str, parameters: Value| {
            let mut body = json!({"ok": false, "error_code": status, "description": description});
            if parameters.is_object() {
                body["parameters"] = parameters;
            }
            result(status, &body).expect_err("a refusal")
        };
        let bad = |reason: &str| refused(400, &format!("Bad Request: {reason}"), Value::Null);
        let retry_after = json!({"retry_after": 7});
        assert_eq!(
            refused(429, "Too Many Requests: retry after 7", retry_after),
            RefusalReason::RateLimited(Some(Duration::from_secs(7)))
        );
        assert_eq!(
            refused(401, "Unauthorized", Value::Null),
            RefusalReason::Unauthorized
        );
        assert_eq!(
            refused(404, "Not Found", Value::Null),
            RefusalReason::Unauthorized
        );
        assert_eq!(
            refused(502, "Bad Gateway", Value::Null),
            RefusalReason::Unavailable
        );
        assert_eq!(
            bad("wrong file_id or the file is temporarily unavailable"),
            RefusalReason::Unavailable
        );
        let group = "Bad Request: group chat was upgraded to a supergroup chat";
        let to = json!({"migrate_to_chat_id": -1_002_147_483_700_i64});
        assert_eq!(
            refused(400, group, to),
            RefusalReason::Migrated(-1_002_147_483_700)
        );
        for reason in [
            "can't parse entities: Unsupported start tag \"br\" at byte offset 2",
            "BUTTON_DATA_INVALID",
            "inline keyboard button URL 'tel:1' is invalid: Unsupported URL protocol",
            "reply markup is too long",
            "wrong type of the web page content",
            "failed to get HTTP URL content",
            "wrong file identifier/HTTP URL specified",
            "PHOTO_INVALID_DIMENSIONS",
            "IMAGE_PROCESS_FAILED",
            "message is too long",
            "message caption is too long",
            "not enough rights to send documents to the chat",
            "CHAT_SEND_DOCS_FORBIDDEN",
        ] {
            assert!(matches!(bad(reason), RefusalReason::TooRich(_)), "{reason}");
        }
        for (status, reason) in [
            (403, "Forbidden: bot was blocked by the user"),
            (403, "Forbidden: user is deactivated"),
            (403, "Forbidden: bot was kicked from the supergroup chat"),
            (400, "Bad Request: chat not found"),
            (400, "Bad Request: message thread not found"),
            (400, "Bad Request: have no rights to send a message"),
        ] {
            assert_eq!(
                refused(status, reason, Value::Null),
                RefusalReason::Refused(reason.into())
            );
        }
        for reason in [
            "query is too old and response timeout expired or query ID is invalid",
            "message is not modified: x",
        ] {
            assert!(matches!(bad(reason), RefusalReason::Moot(_)), "{reason}");
        }
    }

    #[test]
    fn an_answer_that_is_none_of_telegrams_is_no_result() {
        for (status, body) in [
            (200, ""),
            (200, "\u{0}{]<"),
            (200, "{}"),
            (503, "<html>"),
            (302, "{\"ok\":true}"),
        ] {
            assert_eq!(
                result(status, &serde_json::from_str(body).unwrap_or_default()),
                Err(RefusalReason::Unavailable),
                "{status} {body}"
            );
        }
        assert_eq!(
            result(200, &json!({"ok": true, "result": {"message_id": 1}})),
            Ok(json!({"message_id": 1}))
        );
    }
}
