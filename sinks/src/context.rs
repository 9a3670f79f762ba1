//! What templates can use of an event: its values under the names that are there for them
//! ([`NAMES`]).

use std::sync::LazyLock;

use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::SenderKind;
use serde_json::{Map, Value, json};

use crate::Delivery;

/// The names, as `docs/sinks.md` explains them.
pub const NAMES: [&str; 21] = [
    "event",
    "event_name",
    "delivery_id",
    "timestamp",
    "sink",
    "account",
    "business_id",
    "business_name",
    "user",
    "agent",
    "agent_name",
    "completed_by",
    "completion_type",
    "completion_by",
    "conversation_no",
    "conversation_identifier",
    "chat_link",
    "closing_categories",
    "conversation_details",
    "transcript",
    "transcript_text",
];

/// Where the person's name, address and number may be, in the order in which they are looked for: among
/// what the bot collected, then among what Haptik knows.
const PERSON: [(&str, &[&str]); 3] = [
    (
        "name",
        &["name", "full_name", "user_full_name", "first_name"],
    ),
    (
        "email",
        &["email", "email_id", "email_address", "user_email"],
    ),
    (
        "phone",
        &[
            "phone",
            "phone_number",
            "mobile_no",
            "mobile_number",
            "mobile",
        ],
    ),
];

/// The values as the engine takes them.
#[must_use]
pub fn filled(values: Map<String, Value>) -> minijinja::Value {
    minijinja::Value::from(minijinja::value::Serde(Value::Object(values)))
}

/// The values of an event, without a transcript.
#[must_use]
pub fn values(delivery: &Delivery<'_>) -> Map<String, Value> {
    let raw: Value = lenient_json::read(delivery.body.as_bytes()).unwrap_or_default();
    let event = delivery.event;
    let data = lenient_json::unwrapped(&event.data).into_owned();
    let part = |key: &str| {
        data.get(key)
            .map(|part| lenient_json::unwrapped(part).into_owned())
            .filter(|part| !part.is_null())
            .unwrap_or_else(|| json!({}))
    };
    let text = |key: &str| Value::String(lenient_json::text(&data, key));
    let link = ["complete_chat_link", "chat_link"]
        .iter()
        .find_map(|key| lenient_json::some_text(&data, key));
    let completed_by = match lenient_json::text(&data, "completion_type").as_str() {
        "gogo" => "bot",
        "agent" => "agent",
        "autocomplete" => "timeout",
        _ => "",
    };
    let values = json!({
        "event_name": event.event_name,
        "delivery_id": delivery.id(),
        "timestamp": event.timestamp.unwrap_or(delivery.received_at).to_string(),
        "sink": delivery.sink,
        "account": delivery.account,
        "business_id": event.business_id,
        "business_name": event.business_name,
        "user": user(&raw, &part("user_details")),
        "agent": {
            "name": event.sender.name,
            "is_automated": event.sender.kind == SenderKind::Bot,
        },
        "agent_name": agent_name(event, completed_by, &lenient_json::text(&data, "completion_by")),
        "completed_by": completed_by,
        "completion_type": text("completion_type"),
        "completion_by": text("completion_by"),
        "conversation_no": text("conversation_no"),
        "conversation_identifier": text("conversation_identifier"),
        "chat_link": link.unwrap_or_default(),
        "closing_categories": part("closing_categories"),
        "conversation_details": part("conversation_details"),
        "event": raw,
    });
    match values {
        Value::Object(values) => values,
        _ => Map::new(),
    }
}

/// The name of the agent whom an event is about; empty where it is about none. Haptik's `completion_by` is
/// one only of what an agent completed, and there it may be a state too
/// (<https://docs.haptik.ai/webhooks/webhook-payload>).
fn agent_name<'a>(event: &'a Event, completed_by: &str, completion_by: &'a str) -> &'a str {
    const STATES: [&str; 4] = [
        "Team Offline Flag",
        "Waiting for User",
        "Bot completed",
        "AGENT_CLAIM_NAME",
    ];
    let is_state = |word: &str| STATES.iter().any(|state| state.eq_ignore_ascii_case(word));
    match event.sender.kind {
        SenderKind::Agent => &event.sender.name,
        SenderKind::Bot if completed_by == "agent" && !is_state(completion_by.trim()) => {
            completion_by
        }
        SenderKind::Bot => "",
    }
}

/// What Haptik says of the user: its own keys, what the bot collected as `details`, and `name`, `email`
/// and `phone` from wherever they are.
fn user(raw: &Value, details: &Value) -> Value {
    let mut user =
        match lenient_json::unwrapped(raw.get("user").unwrap_or(&Value::Null)).into_owned() {
            Value::Object(user) => user,
            _ => Map::new(),
        };
    let known = Value::Object(user.clone());
    for (name, keys) in PERSON {
        let found = [details, &known].into_iter().find_map(|values| {
            keys.iter()
                .find_map(|key| lenient_json::some_text(values, key))
        });
        user.insert(name.to_owned(), Value::String(found.unwrap_or_default()));
    }
    user.insert("details".to_owned(), details.clone());
    Value::Object(user)
}

/// A completion as Haptik sends one, for a try without one.
#[must_use]
pub fn sample() -> &'static str {
    static SAMPLE: LazyLock<String> = LazyLock::new(|| {
        format!(
            "{:#}",
            json!({
                "version": "1.0",
                "timestamp": "2026-11-24T10:00:00.000Z",
                "event_name": "webhook_conversation_complete",
                "business_id": 343,
                "business_name": "Acme",
                "user": {
                    "auth_id": "sample-user",
                    "user_name": "sample_user_343",
                    "user_id": "4711",
                    "device_platform": "13",
                    "device_platform_name": "Webhook",
                },
                "agent": {"id": 4415, "name": "Prateek", "is_automated": false, "email": null},
                "follow_up_details": {},
                "data": {
                    "conversation_no": "12",
                    "collection_id": "998877",
                    "conversation_identifier": "sample-conversation",
                    "complete_chat_link": "https://haptik.example/chats/sample-conversation",
                    "completion_type": "agent",
                    "completion_by": "Prateek",
                    "closing_categories": {"reason": "Refund", "subReason": "Late parcel", "comment": "A voucher was sent"},
                    "conversation_details": {"order_no": "A-1001", "amount": 49.9},
                    "user_details": {"name": "Asha Sample", "email": "asha@example.com", "phone_number": 8_826_755_986_u64},
                },
            })
        )
    });
    &SAMPLE
}
