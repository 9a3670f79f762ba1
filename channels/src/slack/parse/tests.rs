use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use haptik_bridge_shared::ids::AuthIdSource;
use haptik_bridge_shared::message::{Addressed, UserAction};

mod parts;
mod taps;
mod workspaces;

fn read_as(conversation: Conversation, body: &[u8]) -> Reading {
    let auth_ids = AuthIds::new("acme".into(), AuthIdSource::Derived);
    let received = Reader {
        auth_ids: &auth_ids,
        conversation,
        tell_edits: false,
        welcome: "Welcome!",
        agent_phrase: None,
        suggested_prompts: &["Where is my order?".to_owned()],
        many: false,
        workspace: None,
        sent: "2026-11-22T10:00:00Z".parse().expect("a time"),
    }
    .read(body);
    assert_eq!(received.response.status, 200);
    received
}

fn read(body: &Value) -> Reading {
    read_as(Conversation::User, body.to_string().as_bytes())
}

/// An event as Slack wraps it (<https://docs.slack.dev/apis/events-api/#event-type-structure>).
fn envelope(event: &Value) -> Value {
    json!({
        "token": "z26uFbvR1xHJEdHE1OQiO6t8", "team_id": "T1", "context_team_id": "T1", "api_app_id": "A1",
        "event": event, "type": "event_callback", "event_id": "Ev1", "event_time": 1_700_000_000,
        "authorizations": [{"enterprise_id": null, "team_id": "T1", "user_id": "UBOT", "is_bot": true, "is_enterprise_install": false}],
        "is_ext_shared_channel": false, "event_context": "4-abc",
    })
}

fn direct(extra: &Value) -> Value {
    let mut event = json!({"type": "message", "channel": "D1", "user": "U1", "text": "hi", "ts": "1700000000.000100",
        "event_ts": "1700000000.000100", "channel_type": "im", "client_msg_id": "c", "team": "T1"});
    for (key, value) in extra.as_object().expect("an object") {
        event[key] = value.clone();
    }
    event
}

fn in_channel(extra: &Value) -> Value {
    let mut event = direct(&json!({"channel": "C1", "channel_type": "channel"}));
    for (key, value) in extra.as_object().expect("an object") {
        event[key] = value.clone();
    }
    event
}

/// As the ledger keeps it.
fn kept(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("JSON")
}

fn one(event: &Value) -> Inbound<Address> {
    let mut received = read(&envelope(event));
    assert_eq!(received.not_understood, None);
    assert_eq!(received.inbound.len(), 1, "{event}");
    received.inbound.remove(0)
}

fn said<A>(inbound: &Inbound<A>) -> &str {
    match &inbound.action {
        UserAction::Message { text, .. } => text,
        other => panic!("not a message: {other:?}"),
    }
}

#[test]
fn a_direct_message_is_for_the_bot_and_answered_where_it_was_said() {
    let inbound = one(&direct(&json!({"text": "a &amp; b"})));
    assert_eq!(said(&inbound), "a & b");
    assert_eq!(inbound.addressed, Addressed::Yes);
    assert_eq!(kept(&inbound.address), json!({"channel": "D1"}));
    assert_eq!(inbound.key.as_str(), "00001700000000000100#D1");
    assert_eq!(
        (inbound.user.as_str(), inbound.at.as_microsecond()),
        ("U1", 1_700_000_000_000_100)
    );
    let in_thread = one(&direct(&json!({"thread_ts": "1600000000.000001"})));
    assert_eq!(
        kept(&in_thread.address),
        json!({"channel": "D1", "thread_ts": "1600000000.000001"})
    );
    assert_eq!(in_thread.auth_id, inbound.auth_id);
}

#[test]
fn a_mention_and_its_second_event_are_one_message_answered_in_the_thread() {
    let mention = one(
        &json!({"type": "app_mention", "channel": "C1", "user": "U1", "text": "<@UBOT> help", "ts": "1700000000.000100"}),
    );
    let second = one(&in_channel(&json!({"text": "<@UBOT> help"})));
    assert_eq!(mention, second);
    assert_eq!(said(&mention), "help");
    assert_eq!(
        mention.addressed,
        Addressed::StartsThread("C1:1700000000.000100".into())
    );
    assert_eq!(
        kept(&mention.address),
        json!({"channel": "C1", "thread_ts": "1700000000.000100"})
    );
}

#[test]
fn the_same_message_with_other_event_ids_has_the_same_key() {
    let read = |number: u32| {
        let mut envelope = envelope(&in_channel(&json!({"text": "<@UBOT> help"})));
        envelope["event_id"] = format!("Ev{number}").into();
        envelope["event_time"] = number.into();
        read(&envelope).inbound
    };
    assert!((1..11).all(|number| read(number) == read(0)));
}

#[test]
fn a_thread_reply_counts_where_the_bot_was_addressed() {
    let thread = json!({"text": "and?", "thread_ts": "1600000000.000001"});
    for kind in ["channel", "group", "mpim"] {
        let mut event = in_channel(&thread);
        event["channel_type"] = kind.into();
        let inbound = one(&event);
        assert_eq!(
            inbound.addressed,
            Addressed::IfThreadActive("C1:1600000000.000001".into())
        );
        assert_eq!(
            kept(&inbound.address),
            json!({"channel": "C1", "thread_ts": "1600000000.000001"})
        );
    }
    let mentioned = one(&in_channel(
        &json!({"text": "and <@UBOT>?", "thread_ts": "1600000000.000001"}),
    ));
    assert_eq!(
        mentioned.addressed,
        Addressed::StartsThread("C1:1600000000.000001".into())
    );
}

#[test]
fn a_mention_is_recognised_without_authorizations() {
    let mut envelope = envelope(
        &json!({"type": "app_mention", "channel": "C1", "user": "U1", "text": "<@U0LAN0Z89> is it?", "ts": "1515449522.000016"}),
    );
    envelope["authorizations"] = Value::Null;
    assert_eq!(said(&read(&envelope).inbound[0]), "is it?");
}

#[test]
fn each_thread_is_a_conversation_of_its_own_where_it_is_configured_so() {
    let id = |event: &Value| {
        read_as(Conversation::Thread, envelope(event).to_string().as_bytes()).inbound[0]
            .auth_id
            .clone()
    };
    let mention = in_channel(&json!({"text": "<@UBOT> help"}));
    let reply = in_channel(
        &json!({"text": "more", "ts": "1700000009.000100", "thread_ts": "1700000000.000100"}),
    );
    let other = in_channel(&json!({"text": "<@UBOT> help", "ts": "1700000001.000100"}));
    assert_eq!(id(&mention), id(&reply));
    assert_ne!(id(&mention), id(&other));
    let (first, second) = (
        direct(&json!({})),
        direct(&json!({"ts": "1700000005.000100"})),
    );
    assert_eq!(id(&first), id(&second));
    assert_ne!(id(&first), id(&direct(&json!({"thread_ts": "1.0"}))));
}

#[test]
fn what_no_person_said_is_acknowledged_and_forgotten() {
    for extra in [
        json!({"user": "UBOT"}),
        json!({"user": "USLACKBOT"}),
        json!({"bot_id": "B1"}),
        json!({"bot_profile": {"id": "B1"}}),
        json!({"hidden": true}),
        json!({"text": ""}),
        json!({"subtype": "bot_message", "user": null}),
        json!({"subtype": "message_changed", "user": null, "message": {"text": "x"}}),
        json!({"subtype": "message_deleted"}),
        json!({"subtype": "channel_join"}),
        json!({"subtype": "channel_topic"}),
        json!({"subtype": "something_new"}),
    ] {
        assert_eq!(read(&envelope(&direct(&extra))), nothing(), "{extra}");
    }
    assert_eq!(read(&envelope(&in_channel(&json!({})))), nothing());
}

#[test]
fn a_persons_words_of_other_subtypes_count() {
    for subtype in ["file_share", "me_message", "thread_broadcast"] {
        assert_eq!(said(&one(&direct(&json!({"subtype": subtype})))), "hi");
    }
}

#[test]
fn who_only_calls_the_bot_begins() {
    assert_eq!(said(&one(&direct(&json!({"text": "<@UBOT>"})))), "Hi");
    let called = one(&in_channel(&json!({"text": " <@UBOT> "})));
    assert_eq!(
        (said(&called), &called.addressed),
        (
            "Hi",
            &Addressed::StartsThread("C1:1700000000.000100".into())
        )
    );
}

#[test]
fn a_forwarded_message_is_for_the_bot_where_the_words_beside_it_are() {
    let shared = json!([{"is_share": true, "author_name": "Ravi", "text": "ask <@UBOT> & co"}]);
    let forwarded = json!({"text": "", "attachments": shared});
    assert_eq!(
        said(&one(&direct(&forwarded))),
        "Forwarded message from Ravi: ask & co"
    );
    assert_eq!(read(&envelope(&in_channel(&forwarded))), nothing());
    let asked = json!({"text": "<@UBOT> see", "attachments": shared});
    let parts = read(&envelope(&in_channel(&asked))).inbound;
    let parts: Vec<_> = parts.iter().map(said).collect();
    assert_eq!(parts, ["see", "Forwarded message from Ravi: ask & co"]);
}

#[test]
fn a_shortcut_on_a_message_of_blocks_alone_asks_what_they_say() {
    let asked = |message: Value| {
        let payload = json!({"type": "message_action", "user": {"id": "U1"}, "trigger_id": "1.2.a", "message": message});
        read(&payload)
    };
    let blocks =
        json!([{"type": "section", "text": {"type": "mrkdwn", "text": "Order <#C123|> is late"}}]);
    let received = asked(json!({"text": "", "blocks": blocks}));
    assert_eq!(said(&received.inbound[0]), "Order #C123 is late");
    assert_eq!(received.inbound[0].mentions[0].id, "#C123");
    let empty = asked(json!({"text": "", "subtype": "huddle_thread"}));
    assert_eq!(empty.inbound, []);
    assert_eq!(empty.tasks[0].command.body["channel"], "U1");
}

#[test]
fn files_come_with_the_text_beside_them_once() {
    let inbound = one(&direct(
        &json!({"subtype": "file_share", "text": "my bill", "files": [
            {"id": "F1", "name": "bill.pdf", "mimetype": "application/pdf", "size": 12, "url_private": "https://files.slack.com/a", "url_private_download": "https://files.slack.com/d"},
            {"id": "F2", "file_access": "check_file_info"},
            {"id": "F3", "name": "old.png", "mode": "hidden_by_limit", "size": "7"},
            null,
        ]}),
    ));
    let UserAction::Message { text, attachments } = inbound.action else {
        panic!("a message")
    };
    assert_eq!(text, "my bill");
    let shown: Vec<_> = attachments
        .iter()
        .map(|file| (file.name.as_str(), file.url.as_str(), file.size))
        .collect();
    assert_eq!(
        shown,
        [
            ("bill.pdf", "https://files.slack.com/d", Some(12)),
            ("", "", None),
            ("old.png", "", Some(7))
        ]
    );
}

#[test]
fn a_handshake_is_answered_with_its_challenge() {
    let received = read(
        &json!({"type": "url_verification", "token": "t", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}),
    );
    assert_eq!(
        received,
        Reading::answered(Response::text(
            200,
            "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"
        ))
    );
}

#[test]
fn documented_events_interactions_and_commands_are_acknowledged() {
    for kind in [
        "reaction_added",
        "app_home_opened",
        "file_shared",
        "assistant_thread_started",
        "tokens_revoked",
        "message.im",
    ] {
        assert_eq!(read(&envelope(&json!({"type": kind}))), nothing(), "{kind}");
    }
    assert_eq!(
        read(&json!({"type": "app_rate_limited", "team_id": "T1"})),
        nothing()
    );
    let form = |fields: &[(&str, &str)]| {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        read_as(Conversation::User, body.as_bytes())
    };
    for kind in [
        "shortcut",
        "message_action",
        "view_submission",
        "view_closed",
        "workflow_step_edit",
    ] {
        assert_eq!(
            form(&[("payload", &json!({"type": kind}).to_string())]),
            nothing(),
            "{kind}"
        );
    }
    assert_eq!(
        form(&[("token", "t"), ("command", "/weather"), ("text", "94070")]),
        nothing()
    );
    assert_eq!(form(&[("ssl_check", "1"), ("token", "t")]), nothing());
    for kind in ["block_suggestion", "dialog_suggestion"] {
        let received = form(&[("payload", &json!({"type": kind}).to_string())]);
        assert_eq!(received.response.body, r#"{"options":[]}"#, "{kind}");
    }
}

#[test]
fn what_slack_has_added_since_is_acknowledged_and_nothing_to_look_at() {
    for (body, kind) in [
        (
            r#"{"type":"event_callback","event":{"type":"brand_new"}}"#,
            "brand_new",
        ),
        (r#"{"type":"brand_new"}"#, "brand_new"),
        ("payload=%7B%22type%22%3A%22brand_new%22%7D", "brand_new"),
    ] {
        let reading = read_as(Conversation::User, body.as_bytes());
        assert_eq!(reading, Reading::unknown(kind), "{body}");
        assert_eq!(reading.response, Response::ok());
    }
}

proptest! {
    #[test]
    fn no_type_of_an_event_is_kept_for_a_look(kind in "[a-z_.]{1,40}") {
        let known = ["message", "app_mention"];
        prop_assume!(!known.contains(&kind.as_str()) && kind != "url_verification");
        for body in [
            json!({"type": "event_callback", "event": {"type": kind}}),
            json!({"type": kind, "event": {}}),
        ] {
            let reading = read_as(Conversation::User, body.to_string().as_bytes());
            prop_assert!(reading.not_understood.is_none() || kind == "event_callback", "{}", body);
        }
    }
}

#[test]
fn what_is_not_understood_is_kept_with_a_reason_that_says_nothing_of_it() {
    for (body, reason) in [
        ("", "an empty body"),
        ("{", "a body that is not JSON"),
        ("[1]", "a body that is neither JSON nor a form of Slack's"),
        ("payload=%7B", "a body that is not JSON"),
        ("payload=1", "JSON that is not an object"),
        (
            r#"{"type":"event_callback"}"#,
            "event_callback without an event",
        ),
        (
            r#"{"type":"event_callback","event":{"kind":"brand_new"}}"#,
            "an event without a type",
        ),
        (r#"{"typ":"my secret text"}"#, "a request without a type"),
        ("payload=%7B%7D", "an interaction without a type"),
        (
            r#"{"type":"event_callback","event":{"type":"message","ts":"1.0","channel":"D1"}}"#,
            "a message without user",
        ),
        (
            r#"{"type":"event_callback","event":{"type":"message","ts":"x","channel":"D1","user":"U1"}}"#,
            "a message whose ts is no time",
        ),
        (
            r#"{"type":"block_actions","actions":[{"action_id":"say-1","value":"{\"m\":\"x\"}"}]}"#,
            "a tap without a user",
        ),
    ] {
        assert_eq!(
            read_as(Conversation::User, body.as_bytes())
                .not_understood
                .as_deref(),
            Some(reason),
            "{body}"
        );
    }
    assert!(
        read_as(Conversation::User, &[0xff, 0xfe])
            .not_understood
            .is_some()
    );
    assert!(
        read_as(Conversation::User, "{\"a\":".repeat(500).as_bytes())
            .not_understood
            .is_some()
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null), any::<bool>().prop_map(Value::from), any::<i64>().prop_map(Value::from),
        "\\PC{0,12}|event_callback|message|block_actions|app_mention|im|1700000000\\.000100|say-1|\\{\"m\":\"x\"\\}".prop_map(Value::from),
    ];
    let key = "type|event|user|id|channel|ts|text|files|authorizations|user_id|is_bot|actions|action_id|value|action_ts|message|blocks|container|thread_ts|elements";
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..8)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_verified_body_is_answered_200(body in any_json(), bytes in any::<Vec<u8>>()) {
        read(&body);
        read(&envelope(&body));
        taps::tapped(&body_object(&body), &body_object(&body));
        read_as(Conversation::Thread, &bytes);
    }
}

fn body_object(body: &Value) -> Value {
    if body.is_object() {
        body.clone()
    } else {
        json!({})
    }
}

#[test]
fn a_changed_profile_is_asked_for_where_a_person_is_one_user() {
    let event = json!({
        "type": "user_change", "event_ts": "1700000000.000100", "cache_ts": 1_700_000_000,
        "user": {"id": "U1", "profile": {"real_name": "Asha"}, "updated": 1_700_000_000},
    });
    let body = envelope(&event);
    let reading = read(&body);
    let [change] = reading.inbound.as_slice() else {
        panic!("{reading:?}")
    };
    assert_eq!(change.action, UserAction::ProfileChanged);
    assert_eq!(change.user, "U1");
    assert_eq!(change.auth_id, AuthId::derive(&"acme".into(), "U1", None));
    assert_eq!(read(&body), reading, "the same on every delivery");
    let by_thread = read_as(Conversation::Thread, body.to_string().as_bytes());
    assert_eq!(by_thread, nothing());
    let nobody = envelope(&json!({"type": "user_change", "event_ts": "1700000000.000100"}));
    assert_eq!(read(&nobody), nothing());
}
