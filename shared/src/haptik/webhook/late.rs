//! Messages that Haptik said and never delivered, as a transcript has them.

use jiff::Timestamp;
use serde_json::json;

use crate::haptik::client::HistoryMessage;
use crate::haptik::transcript::is_type;
use crate::ids::AuthId;

/// What marks an event that was recovered, beside Haptik's own keys.
pub(super) const MARK: &str = "recovered_from_transcript";

/// Whom a transcript names as the bot.
const THE_BOT: &str = "bot";

/// The delivery that Haptik's would have been, as far as a transcript tells: it has the text of a message
/// and not its buttons or pictures. Its [key](super::Event::key) is the same.
#[must_use]
pub fn recovered(
    auth_id: &AuthId,
    user_name: Option<&str>,
    business_id: u64,
    message_id: u64,
    message: &HistoryMessage,
) -> String {
    let text = message.text.trim();
    let text = if text.is_empty() || is_type(text) {
        "(a message whose text was not kept)"
    } else {
        text
    };
    let is_bot = message.sender.eq_ignore_ascii_case(THE_BOT);
    let name = if is_bot { "" } else { message.sender.as_str() };
    json!({
        "event_name": "message",
        MARK: true,
        "timestamp": message.timestamp.map(|at| at.to_string()),
        "business_id": business_id,
        "user": {"auth_id": auth_id, "user_name": user_name},
        "agent": {"name": name, "is_automated": is_bot},
        "message": {
            "id": message_id,
            "body": {"text": text, "type": "TEXT", "data": {"quick_replies": []}},
        },
    })
    .to_string()
}

/// Says below a text when it was said. One that says nothing to people stays silent.
pub(super) fn note(text: &mut String, said_at: Option<Timestamp>) {
    if text.is_empty() {
        return;
    }
    let note = match said_at {
        Some(at) => format!(
            "(sent {} UTC, delivered late)",
            at.strftime("%Y-%m-%d %H:%M")
        ),
        None => "(delivered late)".to_owned(),
    };
    text.push('\n');
    text.push_str(&note);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::haptik::webhook::Event;
    use crate::ids::EntryKey;
    use crate::message::{Content, SenderKind};

    fn message_id(key: &EntryKey) -> Option<u64> {
        key.kind()?.message_id()
    }

    fn event(text: &str, sender: &str) -> Event {
        let message = HistoryMessage {
            text: text.to_owned(),
            sender: sender.to_owned(),
            message_id: Some(7),
            timestamp: "2026-11-24T12:03:04Z".parse().ok(),
        };
        let body = recovered(&"a1".into(), Some("hu1"), 343, 7, &message);
        Event::read(body.as_bytes()).expect("an event")
    }

    #[test]
    fn a_recovered_message_has_the_key_of_its_delivery_and_says_when_it_was_said() {
        let late = event("Your order is on its way.", "bot");
        assert!(late.is_late);
        let on_time = br#"{"event_name": "message", "message": {"id": 7, "body": {}}}"#;
        let on_time_key = Event::read(on_time).expect("an event").key(on_time);
        assert_eq!(late.key(b"anything"), on_time_key);
        assert_eq!(message_id(&on_time_key), Some(7));
        let Some(Content::Message { hsl, .. }) = late.content() else {
            panic!("it is a message");
        };
        let shown = "Your order is on its way.\n(sent 2026-11-24 12:03 UTC, delivered late)";
        assert_eq!(hsl.text, shown);
        assert_eq!(late.sender.kind, SenderKind::Bot);
    }

    #[test]
    fn an_agent_is_named_and_a_message_without_a_text_is_not_its_type() {
        let late = event("CAROUSEL", "Prateek");
        assert_eq!(late.sender.kind, SenderKind::Agent);
        assert_eq!(late.sender.name, "Prateek");
        assert!(!late.body.to_string().contains("CAROUSEL"), "{}", late.body);
    }

    #[test]
    fn the_id_of_a_message_is_found_in_a_key_where_there_is_one() {
        for (key, id) in [
            ("00000000000000000007#message", Some(7)),
            ("00000000000000000008#chat_pinned", Some(8)),
            ("00000001538656887980#1-chat_complete#9", Some(9)),
            (
                "00000001538656887980#0-webhook_conversation_complete#5",
                None,
            ),
            ("00000001538656887980#2-message#0123456789abcdef", None),
            ("-", None),
        ] {
            assert_eq!(message_id(&key.into()), id, "{key}");
        }
    }
}
