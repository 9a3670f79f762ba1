//! What the bridge posts: `docs/openapi.yaml` has the schemas.

use jiff::Timestamp;
use serde_json::{Value, json};

/// A text of the bot, which is what most checks send. Each has an `id` of its own, as each has that Haptik sends.
pub(super) fn message(user: &str, text: &str) -> Value {
    json!({
        "type": "message", "id": id(), "timestamp": now(), "user": {"id": user},
        "sender": {"kind": "bot", "name": "gogo"}, "text": text, "actions": [], "images": [],
        // Not the text: where whole bodies are shown it stands there once, too.
        "hsl": {"text": "as above", "type": "TEXT", "data": {}},
    })
}

/// One of each kind, and what is odd but right.
pub(super) fn of_each_kind(user: &str) -> Vec<(&'static str, Value)> {
    let (at, of) = (now(), json!({"id": user}));
    let event = |kind: &str, more: Value| {
        let mut event = json!({"type": kind, "id": id(), "timestamp": at, "user": of});
        if let (Some(event), Value::Object(more)) = (event.as_object_mut(), more) {
            event.extend(more);
        }
        event
    };
    let agent = json!({"kind": "agent", "name": "Prateek"});
    vec![
        (
            "a message with actions and images",
            event(
                "message",
                json!({
                    "sender": {"kind": "bot", "name": "gogo", "profile_image": "https://example.com/gogo.jpg"},
                    "in_reply_to": "m-1", "text": "Here you are",
                    "actions": [
                        {"label": "Yes", "value": "Yes{task}"}, {"label": "Open", "url": "https://example.com"},
                        {"label": "Rate", "feedback": true}, {"label": "Where", "location": true},
                        {"label": "Send a picture", "upload": true},
                    ],
                    "images": ["https://example.com/a.jpg"],
                    "hsl": {"text": "Here you are", "type": "BUTTON", "data": {"items": []}},
                }),
            ),
        ),
        (
            "an agent's message, without a text",
            event(
                "message",
                json!({
                    "sender": agent, "handoff_id": "certify", "text": "", "actions": [], "images": [],
                    "hsl": {"text": "", "type": "NATIVE_ACTION", "data": {}},
                }),
            ),
        ),
        (
            "agent_joined",
            event("agent_joined", json!({"sender": agent, "team_name": ""})),
        ),
        (
            "conversation_complete",
            event(
                "conversation_complete",
                json!({"completed_by": "", "data": {}}),
            ),
        ),
        (
            "handoff_ended (completed)",
            event(
                "handoff_ended",
                json!({"handoff_id": "certify", "reason": "completed", "agent_joined": true,
                       "completed_by": "agent", "completion_by": "Prateek"}),
            ),
        ),
        (
            "handoff_ended (failed)",
            event(
                "handoff_ended",
                json!({"handoff_id": "certify", "reason": "failed", "agent_joined": false,
                       "error": "Haptik answered 400: invalid team_name"}),
            ),
        ),
        (
            "message_returned",
            event(
                "message_returned",
                json!({"handoff_id": "certify", "text": "one more thing", "attachments": [
                    {"url": "https://example.com/bill.pdf", "name": "bill.pdf", "mime_type": "application/pdf"},
                ]}),
            ),
        ),
        (
            "message_delivered",
            event(
                "message_delivered",
                json!({"message_id": "certify", "direction": "to_haptik"}),
            ),
        ),
        (
            "message_failed",
            event(
                "message_failed",
                json!({"message_id": "certify", "direction": "to_haptik",
                       "reason": "Haptik answered 400 to log a message"}),
            ),
        ),
    ]
}

/// A type that there is not, yet.
pub(super) fn of_an_unknown_kind(user: &str) -> Value {
    json!({"type": "agent_typing", "id": id(), "timestamp": now(), "user": {"id": user}, "seconds": 3})
}

/// Keys that there are not, yet.
pub(super) fn with_unknown_keys(user: &str, text: &str) -> Value {
    let mut event = message(user, text);
    event["in_future"] = json!({"a": [1, null]});
    event["sender"]["pronouns"] = json!("she");
    event["actions"] = json!([{"label": "Pay", "pay": {"amount": 100}}]);
    event
}

/// A text that is JSON in a way in which few would write it: who signs what was parsed gets another.
pub(super) fn oddly_written(user: &str, text: &str) -> String {
    let [user, text] = [user, text].map(|text| Value::from(text).to_string());
    format!(
        "{{ \"user\" : {{\"id\":{user}}},\n\t\"type\":\"message\", \"id\": \"{}\", \"timestamp\": \"{}\",\r\n  \
         \"sender\":{{\"name\":\"g\\u006fgo \\/ \u{e9}\u{1f44b}\",\"kind\":\"bot\"}}, \"text\":{text}, \"actions\":[ ], \"images\":[],\n  \
         \"hsl\":{{\"data\":{{\"price\":1.50,\"large\":1e3}}, \"type\":\"TEXT\", \"text\":\"\\u00e9\"}} }}\n",
        id(),
        now()
    )
}

fn id() -> String {
    fastrand::u32(1_000_000..).to_string()
}

fn now() -> String {
    Timestamp::now().to_string()
}
