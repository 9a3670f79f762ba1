use super::*;
use proptest::prelude::*;
use serde_json::json;

const MESSAGE: &str = include_str!("../../../tests/samples/webhook-message.json");
const CHAT_PINNED: &str = include_str!("../../../tests/samples/webhook-chat-pinned.json");
const CHAT_COMPLETE: &str = include_str!("../../../tests/samples/webhook-chat-complete.json");
const CONVERSATION_COMPLETE: &str =
    include_str!("../../../tests/samples/webhook-conversation-complete.json");

fn read(event: &Value) -> Event {
    Event::read(event.to_string().as_bytes()).expect("an event")
}

fn key(event: &Value) -> String {
    let body = event.to_string();
    Event::read(body.as_bytes())
        .expect("an event")
        .key(body.as_bytes())
        .to_string()
}

fn sample(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// A sample with the value at this pointer replaced.
fn with(text: &str, pointer: &str, value: Value) -> Value {
    let mut event = sample(text);
    *event.pointer_mut(pointer).expect("a key of the sample") = value;
    event
}

#[test]
fn each_sample_is_read() {
    let sender = |kind, name: &str| Sender {
        kind,
        name: name.into(),
        profile_image: "https://assets.haptikapi.com/content/42e123411bk1109823bf.jpg".into(),
    };
    let samples = [
        (
            MESSAGE,
            EventKind::Message,
            Some(1_982_371),
            sender(SenderKind::Bot, "gogo"),
        ),
        (
            CHAT_PINNED,
            EventKind::ChatPinned,
            Some(1_982_314),
            sender(SenderKind::Agent, "Prateek"),
        ),
        (
            CHAT_COMPLETE,
            EventKind::ChatComplete,
            Some(1_982_471),
            sender(SenderKind::Bot, "gogo"),
        ),
        (
            CONVERSATION_COMPLETE,
            EventKind::ConversationComplete,
            None,
            sender(SenderKind::Bot, "gogo"),
        ),
    ];
    for (text, kind, message_id, sender) in samples {
        let event = Event::read(text.as_bytes()).expect("an event");
        assert_eq!(
            (event.kind, event.message_id, &event.sender),
            (kind, message_id, &sender)
        );
        assert_eq!(
            event.timestamp,
            Some("2018-10-04T12:41:27.980Z".parse().expect("a time"))
        );
        assert_eq!(event.auth_id, Some(AuthId::of_delivery("<AUTH_ID>")));
        assert_eq!(event.user_name.as_deref(), Some("<USER_NAME>"));
        assert_eq!(
            (event.business_id, event.business_name.as_str()),
            (Some(343), "<BUSINESS_NAME>")
        );
    }
}

#[test]
fn each_sample_becomes_its_content() {
    let content = |text: &str| read(&sample(text)).content().expect("content");
    let raw = json!({"text": "Hi", "type": "TEXT", "data": {"quick_replies": []}});
    assert_eq!(
        content(MESSAGE),
        Content::Message {
            hsl: Hsl::read(&raw),
            raw
        }
    );
    assert_eq!(
        content(CHAT_PINNED),
        Content::AgentJoined {
            team_name: "Support".into(),
            notice: "Prateek has entered the Conversation".into()
        }
    );
    assert_eq!(
        content(CHAT_COMPLETE),
        Content::ConversationComplete {
            completed_by: String::new(),
            notice: "The conversation has been completed".into(),
            data: json!({}),
        }
    );
    assert_eq!(
        content(CONVERSATION_COMPLETE),
        Content::ConversationComplete {
            completed_by: "agent".into(),
            notice: String::new(),
            data: sample(CONVERSATION_COMPLETE)["data"].clone(),
        }
    );
}

#[test]
fn who_completed_a_conversation_is_said_in_one_vocabulary() {
    let completed_by = |event: &Value| match read(event).content() {
        Some(Content::ConversationComplete { completed_by, .. }) => completed_by,
        other => panic!("{other:?}"),
    };
    for (sent, expected) in [
        ("gogo", "bot"),
        ("agent", "agent"),
        ("autocomplete", "timeout"),
        ("new", ""),
    ] {
        assert_eq!(
            completed_by(&with(
                CONVERSATION_COMPLETE,
                "/data/completion_type",
                json!(sent)
            )),
            expected
        );
    }
    for (sent, expected) in [
        // Haptik's sample has its bot there, of a conversation that an agent may have completed.
        (json!(true), ""),
        (json!("false"), "agent"),
        (json!(0), "agent"),
        (json!(null), ""),
    ] {
        assert_eq!(
            completed_by(&with(CHAT_COMPLETE, "/agent/is_automated", sent)),
            expected
        );
    }
}

#[test]
fn an_agent_without_a_name_has_the_one_of_the_notice() {
    let mut event = sample(CHAT_PINNED);
    event["agent"] = json!({});
    let sender = read(&event).sender;
    assert_eq!(
        (sender.kind, sender.name.as_str()),
        (SenderKind::Agent, "Prateek")
    );
    let body = event["message"]["body"].to_string();
    event["message"]["body"] = json!(body);
    assert_eq!(read(&event).sender.name, "Prateek");
}

#[test]
fn numbers_as_strings_and_strings_as_numbers_are_read() {
    let mut event = sample(MESSAGE);
    event["business_id"] = json!("343");
    event["message"]["id"] = json!("1982371");
    event["user"]["auth_id"] = json!(42);
    let event = read(&event);
    assert_eq!(
        (event.business_id, event.message_id),
        (Some(343), Some(1_982_371))
    );
    assert_eq!(event.auth_id, Some(AuthId::from("42")));
}

#[test]
fn every_key_but_the_name_may_be_missing() {
    for name in [
        "message",
        "chat_pinned",
        "chat_complete",
        "webhook_conversation_complete",
    ] {
        let event = read(&json!({"event_name": name}));
        assert!(event.content().is_some());
        assert_eq!(
            (event.auth_id, event.timestamp, event.message_id),
            (None, None, None)
        );
    }
}

#[test]
fn an_unknown_event_is_kept_and_what_is_none_is_said() {
    let event = read(&json!({"event_name": "chat_rated", "user": {"auth_id": "a"}}));
    assert_eq!(
        (event.kind, event.event_name.as_str()),
        (EventKind::Unknown, "chat_rated")
    );
    assert_eq!(event.content(), None);
    assert_eq!(Event::read(b"{\"event_name\""), Err(NotUnderstood::NotJson));
    assert_eq!(Event::read(b"\xff"), Err(NotUnderstood::NotJson));
    assert_eq!(Event::read(b"[1]"), Err(NotUnderstood::NotAnObject));
    for nameless in [
        json!({}),
        json!({"event_name": ""}),
        json!({"event_name": null}),
    ] {
        assert_eq!(
            Event::read(nameless.to_string().as_bytes()),
            Err(NotUnderstood::NoEventName)
        );
    }
}

#[test]
fn keys_of_messages_are_their_ids_alone() {
    assert_eq!(key(&sample(MESSAGE)), "00000000000001982371#message");
    assert_eq!(
        key(&sample(CHAT_PINNED)),
        "00000000000001982314#chat_pinned"
    );
    let rewritten =
        serde_json::to_string_pretty(&with(MESSAGE, "/timestamp", json!("2020-01-01T00:00:00Z")))
            .expect("JSON");
    let event = Event::read(rewritten.as_bytes()).expect("an event");
    assert_eq!(
        event.key(rewritten.as_bytes()).as_str(),
        "00000000000001982371#message"
    );
    let (nine, ten) = (
        with(MESSAGE, "/message/id", json!(9)),
        with(MESSAGE, "/message/id", json!("10")),
    );
    assert!(key(&nine) < key(&ten));
}

#[test]
fn completions_sort_by_time_and_the_deprecated_one_after_the_other_of_its_pair() {
    let (new, old) = (
        key(&sample(CONVERSATION_COMPLETE)),
        key(&sample(CHAT_COMPLETE)),
    );
    // `<CONVERSATION_IDENTIFIER>` is plain text.
    assert_eq!(
        new,
        "00000001538656887980#0-webhook_conversation_complete#<CONVERSATION_IDENTIFIER>"
    );
    assert_eq!(old, "00000001538656887980#1-chat_complete#1982471");
    assert!(new < old);
    assert!(key(&sample(MESSAGE)) < new);
}

#[test]
fn an_event_without_id_or_time_has_a_key_of_its_own_and_comes_last() {
    let event = |text: &str| json!({"event_name": "message", "message": {"body": {"text": text}}});
    let (one, other) = (key(&event("a")), key(&event("b")));
    assert_ne!(one, other);
    assert_eq!(one, key(&event("a")));
    assert!(one.starts_with("18446744073709551615#2-message#"), "{one}");
}

#[test]
fn identifiers_of_any_length_make_keys_that_fit() {
    let long = "#".repeat(5_000);
    let mut event = with(
        CONVERSATION_COMPLETE,
        "/data/conversation_identifier",
        json!(long),
    );
    assert!(key(&event).len() < 100);
    event["event_name"] = json!(long);
    event["user"]["auth_id"] = json!(long);
    assert!(key(&event).len() < 100);
    let auth_id = read(&event).auth_id.expect("an id");
    assert_eq!(auth_id.as_str().len(), 32);
}

#[test]
fn debug_has_nothing_of_what_was_said() {
    let event = with(MESSAGE, "/message/body/text", json!("my-secret-words"));
    assert!(!format!("{:?}", read(&event)).contains("my-secret-words"));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let key = prop_oneof![
            Just("text".to_owned()),
            Just("data".into()),
            Just("payload".into()),
            Just("id".into()),
            Just("body".into()),
            Just("type".into()),
            Just("items".into()),
            Just("auth_id".into()),
            Just("is_automated".into()),
            "[a-z]{1,6}",
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_event_panics(
        name in prop_oneof![
            Just("message"), Just("chat_pinned"), Just("chat_complete"), Just("webhook_conversation_complete"), Just("?"),
        ],
        user in any_json(), agent in any_json(), message in any_json(), data in any_json(), timestamp in any_json(),
    ) {
        let event = json!({
            "event_name": name, "user": user, "agent": agent, "message": message, "data": data, "timestamp": timestamp,
        });
        let event = read(&event);
        let _ = event.content();
        prop_assert!(event.key(b"").as_str().len() < 200);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Event::read(&bytes);
    }
}
