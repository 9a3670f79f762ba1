//! What a masked event still is, and what is no longer in it.

use haptik_bridge_shared::config::MaskedField;
use haptik_bridge_shared::haptik::webhook::EventKind;
use serde_json::json;

use super::*;

mod random;

/// What masks these fields.
pub(super) fn mask_of(fields: &[MaskedField]) -> Mask {
    let sdk = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
        .build();
    let client = aws_sdk_dynamodb::Client::from_conf(sdk);
    let table = haptik_bridge_shared::table::Table::new(client, "none");
    let ledger = Ledger::new(table, std::time::Duration::ZERO);
    Mask::new(fields.to_vec(), ledger)
}

fn all() -> [MaskedField; 4] {
    MaskedField::ALL.map(|(_, field)| field)
}

/// An event without what it says of these fields itself.
fn masked(event: &Value, fields: &[MaskedField]) -> Value {
    masked_besides(event, fields, &[])
}

/// The same, where this is known of the user besides.
fn masked_besides(event: &Value, fields: &[MaskedField], known: &[(MaskedField, Value)]) -> Value {
    let mask = mask_of(fields);
    let mut values = MaskedValues::default();
    mask.add_of_event(event, &mut values);
    for (field, value) in known {
        values.add(*field, value);
    }
    let masked = mask.masked(&event.to_string(), &values);
    serde_json::from_str(&masked).expect("JSON")
}

fn completion() -> Value {
    serde_json::from_str(crate::context::sample()).expect("JSON")
}

#[test]
fn fields_are_empty_and_what_was_said_has_no_value_of_theirs() {
    let event = json!({
        "event_name": "message",
        "user": {"auth_id": "a1", "user_name": "asha_343", "email": "asha@example.com", "age": 42},
        "message": {"body": {"text": "Asha, we write to ASHA@example.com"}},
        "agent": {"name": "Prateek"},
        "data": {
            "user_details": {"first_name": "Asha", "mobile_no": 918_826_755_986_u64},
            "conversation_details": {"call": "+91 8826 755 986"}, "custom_data": {"plan": "gold"},
            "channel_user": "U024BE7LH",
        },
    });
    let found = masked(&event, &all());
    assert_eq!(
        found["user"],
        json!({"auth_id": "a1", "user_name": "", "email": "", "age": 42})
    );
    assert_eq!(
        found["message"]["body"]["text"],
        "[masked], we write to [masked]"
    );
    assert_eq!(found["agent"]["name"], "Prateek");
    assert_eq!(
        found["data"],
        json!({
            "user_details": {"first_name": "", "mobile_no": ""}, "conversation_details": {"call": "[masked]"},
            "custom_data": {}, "channel_user": "U024BE7LH",
        })
    );
    // Only what is named.
    let found = masked(&event, &[MaskedField::MobileNo]);
    assert_eq!(found["user"], event["user"]);
    assert_eq!(found["data"]["conversation_details"]["call"], "[masked]");
}

#[test]
fn a_channels_id_of_a_user_is_masked_where_it_is_a_number() {
    let event = json!({"event_name": "rating", "data": {"channel_user": "whatsapp:+15550100"}});
    let found = masked(&event, &[MaskedField::MobileNo]);
    assert_eq!(found["data"]["channel_user"], "");
    assert_eq!(masked(&event, &[MaskedField::Email]), event);
}

#[test]
fn a_value_that_is_a_word_of_the_events_own_changes_no_event() {
    let custom = |value: Value| [(MaskedField::CustomData, value)];
    let name = |name: &str| [(MaskedField::Name, json!(name))];
    for known in [
        custom(json!({"source": "web", "year": "2026", "plan": 343})),
        custom(json!({"by": "agent", "kind": "conversation", "at": ["1.0", 12, 998_877]})),
        custom(json!("sample-conversation")),
        name("Guest User"),
        name("Agent Smith"),
        name("Message Data"),
        name("Conversation Details"),
    ] {
        let event = completion();
        let found = masked_besides(&event, &all(), &known);
        for pointer in [
            "/version",
            "/timestamp",
            "/event_name",
            "/business_id",
            "/business_name",
            "/user/auth_id",
            "/user/user_id",
            "/agent",
            "/data/conversation_no",
            "/data/collection_id",
            "/data/conversation_identifier",
            "/data/complete_chat_link",
            "/data/completion_type",
            "/data/completion_by",
        ] {
            assert!(event.pointer(pointer).is_some(), "{pointer}");
            assert_eq!(
                found.pointer(pointer),
                event.pointer(pointer),
                "{pointer} of {known:?}"
            );
        }
        for (key, value) in event.as_object().expect("an object") {
            let keys = |value: &Value| -> Vec<String> {
                let fields = value.as_object().into_iter().flatten();
                fields.map(|(key, _)| key.clone()).collect()
            };
            assert_eq!(keys(&found[key]), keys(value), "{key} of {known:?}");
        }
    }
}

#[test]
fn a_user_name_is_no_words_that_are_looked_for() {
    let event = completion();
    let found = masked(&event, &[MaskedField::Name]);
    assert_eq!(found["business_id"], 343);
    assert_eq!(found["user"]["user_name"], "");
    assert_eq!(found["user"]["auth_id"], "sample-user");
    assert_eq!(
        found["data"]["user_details"]["phone_number"],
        event["data"]["user_details"]["phone_number"]
    );
}

#[test]
fn what_is_json_in_a_text_is_masked_and_stays_json_in_a_text() {
    let known = [
        (MaskedField::Name, json!("José Text")),
        (MaskedField::MobileNo, json!("918826755986")),
    ];
    let body = r#"{"text": "Hello\nJos\u00e9, +91\u00a088267 55986 \ud83d\ude00", "type": "TEXT", "data": {}}"#;
    let twice = json!(body).to_string();
    let details = r#"{"note\u0020": "of\tJos\u00E9", "left": [1, "Text"]}"#;
    for body in [body, &twice] {
        let event = json!({
            "event_name": "message", "message": {"id": 7, "body": body},
            "data": json!({"conversation_details": details, "completion_type": "text"}).to_string(),
        });
        let found = masked_besides(&event, &all(), &known);
        let body = lenient_json::unwrapped(&found["message"]["body"]).into_owned();
        assert_eq!(
            body,
            json!({"text": "Hello\n[masked], [masked] 😀", "type": "TEXT", "data": {}})
        );
        assert!(found["message"]["body"].is_string() && found["data"].is_string());
        let data = lenient_json::unwrapped(&found["data"]).into_owned();
        assert_eq!(data["completion_type"], "text");
        let details = lenient_json::unwrapped(&data["conversation_details"]).into_owned();
        assert_eq!(
            details,
            json!({"note ": "of\t[masked]", "left": [1, "[masked]"]})
        );
    }
    // What is not masked is not written again.
    let event = json!({"event_name": "message", "message": {"body": r#" {"note" : "caf\u00e9"}"#}});
    assert_eq!(masked_besides(&event, &all(), &known), event);
}

#[test]
fn what_was_collected_is_data_and_so_are_its_keys() {
    let event = json!({
        "event_name": "x",
        "data": {"conversation_details": {
            "Asha Rao": 1, "asha@example.com": {"ASHA RAO": [2]}, "+91 88267 55986": 3, "[masked]": 4, "user_type": 5,
            "asha": 6, "name": "Asha",
        }},
    });
    let known = [
        (MaskedField::Name, json!("Asha Rao")),
        (MaskedField::Name, json!("Guest User")),
        (MaskedField::Email, json!("asha@example.com")),
        (MaskedField::MobileNo, json!("918826755986")),
    ];
    let found = masked_besides(&event, &all(), &known);
    let details = found["data"]["conversation_details"].as_object();
    let details = details.expect("an object");
    assert_eq!(details.len(), 7, "none is lost: {details:?}");
    assert_eq!(details["[masked]"], 4);
    assert_eq!(details["user_type"], 5);
    assert_eq!(details["name"], "[masked]");
    let text = json!(details).to_string().to_lowercase();
    for value in ["asha", "rao", "88267"] {
        assert!(!text.contains(value), "{value}: {text}");
    }
}

#[test]
fn an_id_that_is_the_address_or_the_number_is_a_hash_of_it() {
    let of = |auth_id: &str, fields: &[MaskedField]| {
        let event =
            json!({"event_name": "message", "user": {"auth_id": auth_id, "user_id": "4711"}});
        let known = [(MaskedField::CustomData, json!("u-42"))];
        let found = masked_besides(&event, fields, &known);
        assert_eq!(found["user"]["user_id"], "4711");
        found["user"]["auth_id"]
            .as_str()
            .expect("a text")
            .to_owned()
    };
    let (email, number) = ("asha@example.com", "918826755986");
    let hash = of(email, &all());
    assert!(hash.starts_with("masked-") && hash.len() == 39, "{hash}");
    assert_eq!(
        of(email, &[MaskedField::Email]),
        hash,
        "it is always the same"
    );
    assert_ne!(of("rao@example.com", &all()), hash);
    assert_eq!(of(email, &[MaskedField::MobileNo]), email);
    assert_ne!(of(number, &all()), number);
    assert_eq!(of(number, &[MaskedField::Email]), number);
    assert_eq!(of("u-42", &all()), "u-42");
}

#[test]
fn an_event_that_was_masked_is_the_same_event() {
    let mut event = completion();
    event["user"]["name"] = json!("Webhook Conversation");
    let text = event.to_string();
    let read = |text: &str| Event::read(text.as_bytes()).expect("an event");
    let found = read(&masked(&event, &all()).to_string());
    let event = read(&text);
    assert_eq!(found.kind, EventKind::ConversationComplete);
    assert_eq!(found.key(text.as_bytes()), event.key(text.as_bytes()));
}
