//! What templates can use of an event: its values under the names that are there for them
//! ([`NAMES`]).

use std::sync::LazyLock;

use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::SenderKind;
use haptik_bridge_shared::message::completion::is_state;
use haptik_bridge_shared::message::without_machine_parts;
use serde_json::{Map, Value, json};

use crate::Delivery;
use crate::fit::{is_blank, one_line};

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

/// The values of an event, without a transcript. A text of which nothing can be seen is empty, but in
/// `event`, which is as it came.
#[must_use]
pub fn values(delivery: &Delivery<'_>) -> Map<String, Value> {
    let raw: Value = lenient_json::read(delivery.body.as_bytes()).unwrap_or_default();
    let event = delivery.event;
    let data = lenient_json::unwrapped(&event.data).into_owned();
    let details = |key: &str| {
        data.get(key)
            .map(|part| without_parts(seen(lenient_json::unwrapped(part).into_owned())))
            .filter(|part| !part.is_null())
            .unwrap_or_else(|| json!({}))
    };
    let part = |key: &str| {
        data.get(key)
            .map(|part| seen(lenient_json::unwrapped(part).into_owned()))
            .filter(|part| !part.is_null())
            .unwrap_or_else(|| json!({}))
    };
    let text = |key: &str| seen(Value::String(lenient_json::text(&data, key)));
    let link = lenient_json::first_text(&data, &["complete_chat_link", "chat_link"]);
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
        "user": user(&raw, &details("user_details")),
        "agent": agent(delivery, &raw),
        "agent_name": agent_name(delivery, completed_by, &lenient_json::text(&data, "completion_by")),
        "completed_by": completed_by,
        "completion_type": text("completion_type"),
        "completion_by": text("completion_by"),
        "conversation_no": text("conversation_no"),
        "conversation_identifier": text("conversation_identifier"),
        "chat_link": link.unwrap_or_default(),
        "closing_categories": part("closing_categories"),
        "conversation_details": details("conversation_details"),
        "event": raw,
    });
    match values {
        Value::Object(values) => values,
        _ => Map::new(),
    }
}

/// A value whose texts are empty where nothing of them can be seen.
fn seen(value: Value) -> Value {
    match value {
        Value::String(text) if is_blank(&text) => Value::String(String::new()),
        Value::Array(list) => list.into_iter().map(seen).collect(),
        Value::Object(object) => {
            let seen = object.into_iter().map(|(key, value)| (key, seen(value)));
            Value::Object(seen.collect())
        }
        other => other,
    }
}

/// What a bot collected, as people see it: it may be what the user said by a tap, with its machine parts. A text
/// that is nothing else is data and stays.
pub(crate) fn without_parts(value: Value) -> Value {
    match value {
        Value::String(text) => {
            let without = without_machine_parts(&text).into_owned();
            Value::String(if without.trim().is_empty() {
                text
            } else {
                without
            })
        }
        Value::Array(list) => list.into_iter().map(without_parts).collect(),
        Value::Object(object) => {
            let visible = object
                .into_iter()
                .map(|(key, value)| (key, without_parts(value)));
            Value::Object(visible.collect())
        }
        other => other,
    }
}

/// Who did what the event tells of: the bot, or an agent.
fn agent(delivery: &Delivery<'_>, raw: &Value) -> Value {
    let sender = &delivery.event.sender;
    let agent = lenient_json::unwrapped(raw.get("agent").unwrap_or(&Value::Null)).into_owned();
    json!({
        "id": lenient_json::text(&agent, "id"),
        "name": one_line(&sender.name),
        "email": one_line(&lenient_json::text(&agent, "email")),
        "is_automated": sender.kind == SenderKind::Bot,
    })
}

/// The name of the agent who did it, or who completed the conversation; empty where that was no agent.
fn agent_name(delivery: &Delivery<'_>, completed_by: &str, completion_by: &str) -> String {
    let sender = &delivery.event.sender;
    let name = match sender.kind {
        SenderKind::Agent => one_line(&sender.name),
        SenderKind::Bot => String::new(),
    };
    let is_name = completed_by == "agent" && !is_state(completion_by);
    if name.is_empty() && is_name {
        one_line(completion_by)
    } else {
        name
    }
}

/// What Haptik says of the user: its own keys, what the bot collected as `details`, and `name`, `email`
/// and `phone` from wherever they are.
fn user(raw: &Value, details: &Value) -> Value {
    let mut user =
        match seen(lenient_json::unwrapped(raw.get("user").unwrap_or(&Value::Null)).into_owned()) {
            Value::Object(user) => user,
            _ => Map::new(),
        };
    let known = Value::Object(user.clone());
    for (name, keys) in PERSON {
        let found = [details, &known].into_iter().find_map(|values| {
            let texts = keys
                .iter()
                .map(|key| one_line(&lenient_json::text(values, key)));
            texts.into_iter().find(|text| !text.is_empty())
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
                "agent": {"id": 4415, "name": "Prateek", "is_automated": false, "email": "prateek@acme.example"},
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

#[cfg(test)]
mod tests {
    use haptik_bridge_shared::config::{Escape, Template};
    use haptik_bridge_shared::haptik::webhook::Event;
    use haptik_bridge_shared::ids::{AccountId, EntryKey};
    use jiff::Timestamp;
    use std::time::Duration;

    use super::*;

    fn values_of(change: impl FnOnce(&mut Value)) -> Map<String, Value> {
        let mut event: Value = serde_json::from_str(sample()).expect("JSON");
        change(&mut event);
        let body = event.to_string();
        let event = Event::read(body.as_bytes()).expect("an event");
        values(&Delivery {
            sink: "crm",
            account: &AccountId::from("main"),
            event: &event,
            body: &body,
            unmasked: &body,
            key: &EntryKey::from("1"),
            received_at: Timestamp::UNIX_EPOCH,
            now: Timestamp::UNIX_EPOCH,
            again: false,
            completion_wait: Duration::ZERO,
            longest_settling: Duration::MAX,
        })
    }

    #[test]
    fn what_cannot_be_seen_is_not_there() {
        let values = values_of(|event| {
            event["user"]["user_name"] = json!("\u{200b}");
            event["user"]["name"] = json!("Asha");
            event["data"]["user_details"] =
                json!({"name": "  ", "full_name": "\u{feff}", "email": " ", "phone": "\u{a0}"});
            event["data"]["closing_categories"]["reason"] = json!(" \n");
        });
        assert_eq!(values["user"]["name"], "Asha");
        for empty in ["email", "phone", "user_name"] {
            assert_eq!(values["user"][empty], "", "{empty}");
        }
        assert_eq!(values["closing_categories"]["reason"], "");
        assert_eq!(
            values["event"]["data"]["closing_categories"]["reason"],
            " \n"
        );
    }

    #[test]
    fn what_the_bot_collected_has_no_machine_parts_and_data_stays_data() {
        let values = values_of(|event| {
            event["data"]["conversation_details"] = json!({
                "note": "Call me{task}", "json": "{\"a\": 1}", "list": ["one{1}", 2], "open": "a { b", "empty": "{}",
                "spaced": " as it is ", "inner": {"deep": "x{y}z"},
            });
            event["data"]["user_details"] = json!({"name": "Asha{x}"});
        });
        let details = json!({
            "note": "Call me", "json": "{\"a\": 1}", "list": ["one", 2], "open": "a { b", "empty": "{}",
            "spaced": " as it is ", "inner": {"deep": "xz"},
        });
        assert_eq!(values["conversation_details"], details);
        assert_eq!(values["user"]["name"], "Asha");
        assert_eq!(
            values["event"]["data"]["conversation_details"]["note"],
            "Call me{task}"
        );
    }

    #[test]
    fn a_number_keeps_its_digits() {
        let body = sample().replace("8826755986", "918826755986.0").replace(
            "\"order_no\": \"A-1001\"",
            "\"order_no\": 123456789012345678901234567890, \"code\": 0.1234567890123456789, \"n\": 7.0",
        );
        let event = Event::read(body.as_bytes()).expect("an event");
        let values = values(&Delivery {
            sink: "crm",
            account: &AccountId::from("main"),
            event: &event,
            body: &body,
            unmasked: &body,
            key: &EntryKey::from("1"),
            received_at: Timestamp::UNIX_EPOCH,
            now: Timestamp::UNIX_EPOCH,
            again: false,
            completion_wait: Duration::ZERO,
            longest_settling: Duration::MAX,
        });
        assert_eq!(values["user"]["phone"], "918826755986");
        let values = filled(values);
        for (source, expected) in [
            ("{{ user.phone }}", "918826755986"),
            (
                "{{ conversation_details.order_no }}",
                "123456789012345678901234567890",
            ),
            ("{{ conversation_details.code }}", "0.1234567890123456789"),
            ("{{ conversation_details.n }}", "7"),
            ("{{ conversation_details.amount }}", "49.9"),
            (
                "{{ event.data.conversation_details.order_no }}",
                "123456789012345678901234567890",
            ),
        ] {
            for escape in [Escape::Text, Escape::Json] {
                let text = Template::new(source, escape).text(&values);
                assert_eq!(text.as_deref(), Ok(expected), "{source}");
            }
        }
    }

    #[test]
    fn an_agent_has_an_address_and_only_an_agent_is_named() {
        let values = values_of(|_| {});
        assert_eq!(values["agent"]["email"], "prateek@acme.example");
        assert_eq!(values["agent"]["id"], "4415");
        assert_eq!(values["agent_name"], "Prateek");
        for (completion_type, completion_by, agent_name) in [
            ("agent", "Prateek", "Prateek"),
            ("agent", "Waiting for User", ""),
            ("agent", "waiting_for_user", ""),
            ("agent", "TEAM OFFLINE FLAG", ""),
            ("agent", "", ""),
            ("gogo", "Bot Completed", ""),
            ("API", "Prateek", ""),
            ("gogo", "Thank you", ""),
            ("autocomplete", "Team Offline Flag", ""),
        ] {
            let values = values_of(|event| {
                event["agent"] = json!({"name": "gogo", "is_automated": true});
                event["data"]["completion_type"] = json!(completion_type);
                event["data"]["completion_by"] = json!(completion_by);
            });
            assert_eq!(values["agent_name"], agent_name, "{completion_by}");
            assert_eq!(values["completion_by"], completion_by);
        }
    }
}
