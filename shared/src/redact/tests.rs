use jiff::Timestamp;
use serde_json::{Value, json};

use crate::ids::CorrelationId;
use crate::lane::Lane;
use crate::ledger::{Entry, Payload, State};
use crate::users::User;

/// Stands wherever people's words, names, numbers and files do.
const CANARY: &str = "canary";

fn inbound(act: &Value) -> Value {
    json!({
        "key": "00000000000000000001#1",
        "at": "2026-11-28T12:00:00Z",
        "auth_id": "a1",
        "user": CANARY,
        "address": {"number": CANARY},
        "profile": {
            "name": CANARY,
            "email": CANARY,
            "mobile_no": CANARY,
            "custom_data": {"city": CANARY},
        },
        "action": act,
        "mentions": [{"id": CANARY, "at": [0]}],
    })
}

fn handoff() -> Value {
    json!({
        "id": "h1",
        "asked_by": "application",
        "began_at": 0,
        "ended": {"reason": "failed", "at": 1, "error": CANARY},
    })
}

/// An example of everything that an entry of the ledger can ask for.
fn payloads() -> Vec<Payload> {
    let attachment = json!({"url": CANARY, "name": CANARY, "mime_type": "image/png"});
    let acts = [
        json!({"type": "message", "text": CANARY, "attachments": [attachment]}),
        json!({"type": "handoff", "id": "h1", "says": [CANARY]}),
        json!({"type": "feedback", "rating": 5, "resolved": true, "comment": CANARY}),
    ];
    let of_acts = acts
        .iter()
        .map(|act| json!({"kind": "inbound", "connection": "c", "inbound": inbound(act)}));
    let message = inbound(&json!({"type": "message", "text": CANARY}));
    let task = json!({
        "key": "00000000000000000001#1",
        "at": "2026-11-28T12:00:00Z",
        "auth_id": "a1",
        "command": {"text": CANARY},
    });
    let others = [
        json!({"kind": "webhook", "account": "main", "body": CANARY}),
        json!({"kind": "handoff_ended", "handoff": handoff()}),
        json!({"kind": "message_returned", "handoff": "h1", "inbound": message}),
        json!({"kind": "receipt", "receipt": {
            "receipt": {"id": "r1", "direction": "to_haptik", "message_id": CANARY, "outcome": "failed",
                "reason": CANARY, "failed_tries": 1, "received_at": 0, "ended_at": 1, "correlation_id": "c1"},
            "connection": "c", "channel_user": CANARY, "address": {"user": CANARY},
        }}),
        json!({"kind": "task", "connection": "c", "task": task}),
        json!({"kind": "not_understood", "body": CANARY, "base64": false}),
    ];
    let all = of_acts.chain(others);
    all.map(|payload| serde_json::from_value(payload).expect("a payload"))
        .collect()
}

#[test]
fn debug_of_what_is_stored_shows_nothing_that_was_said() {
    for payload in payloads() {
        let stored = serde_json::to_string(&payload).expect("it is stored as JSON");
        assert!(stored.contains(CANARY), "the example has something to hide");
        let entry = Entry {
            lane: Lane::Haptik("a1".into()),
            key: "1".into(),
            state: State::Dead,
            payload,
            at: Timestamp::UNIX_EPOCH,
            received_at: Timestamp::UNIX_EPOCH,
            correlation_id: CorrelationId::from("1"),
            attempts: 0,
            starts: 0,
            overruns: 0,
            revived_at: None,
            parts_done: 0,
            begun: 0,
            shown_by: None,
            message_ids: Vec::new(),
            file_urls: crate::ledger::FileUrls::default(),
            reserved: None,
            forbidden_at: None,
            reason: None,
            detail: Some(CANARY.into()),
            ended_at: None,
        };
        let shown = format!("{entry:?} {entry:#?}");
        assert!(!shown.contains(CANARY), "{shown}");
    }
}

#[test]
fn debug_of_a_user_shows_neither_names_nor_addresses() {
    let user = json!({
        "auth_id": "a1",
        "connection": "c",
        "channel_user": CANARY,
        "address": {"number": CANARY},
        "user_name": CANARY,
        "handoff": handoff(),
        "marks": [CANARY],
        "last_activity": 0,
    });
    let user: User = serde_json::from_value(user).expect("a user");
    let shown = format!("{user:?}");
    assert!(!shown.contains(CANARY), "{shown}");
    assert!(shown.contains("a1"), "{shown}");
}
