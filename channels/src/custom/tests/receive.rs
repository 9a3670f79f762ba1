//! What an application sends: messages, actions and feedback, and what of it is refused.

use http::{HeaderMap, Method};

use super::*;
use haptik_bridge_shared::message::{Addressed, Inbound, UserAction};

mod handoff;
mod mistakes;
mod users;

const URL: &str = "https://bridge.example/channels/my-app";

/// 2026-11-22T10:00:00Z
const NOW: i64 = 1_795_341_600;

fn signed(body: &[u8]) -> HeaderMap {
    let webhook = Webhook::new(SECRET).expect("a good secret");
    let signature = webhook.sign("msg_1", NOW, body).unwrap_or_default();
    let pairs = [
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", &NOW.to_string()),
        ("webhook-signature", &signature),
    ];
    pairs
        .iter()
        .map(|(name, value)| {
            (
                name.parse().expect("a name"),
                value.parse().expect("a value"),
            )
        })
        .collect()
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).expect("a time")
}

fn receive_with(
    edge: &dyn Edge<Custom>,
    request: &Request<'_>,
    now: Timestamp,
) -> Result<Receipt<Custom>, Rejected> {
    // Nothing is called, so nothing is waited for.
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(edge.receive(request, now))
}

/// What an application is answered that has no bot of its own.
fn receive_at(request: &Request<'_>, now: Timestamp) -> Result<Receipt<Custom>, Rejected> {
    static EDGE: LazyLock<Box<dyn Edge<Custom>>> =
        LazyLock::new(|| edge_with(&settings(secret_path())).expect("good secrets"));
    receive_with(EDGE.as_ref(), request, now)
}

fn receive_bytes(body: &[u8]) -> Result<Receipt<Custom>, Rejected> {
    let headers = signed(body);
    receive_at(&posted(&headers, body), now())
}

fn posted<'a>(headers: &'a HeaderMap, body: &'a [u8]) -> Request<'a> {
    Request {
        method: &Method::POST,
        public_url: URL,
        path: "",
        query: "",
        headers,
        body,
    }
}

fn receive(body: &Value) -> Result<Receipt<Custom>, Rejected> {
    receive_bytes(body.to_string().as_bytes())
}

fn message() -> Value {
    json!({"type": "message", "id": "m-1", "timestamp": "2026-11-22T10:00:00Z", "text": "hello", "user": {"id": "u-42"}})
}

/// The message with another value at this pointer, whose last part may be new; null removes it.
fn with(pointer: &str, value: Value) -> Value {
    let mut message = message();
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    message.pointer_mut(parent).expect("a parent")[key] = value;
    message
}

fn bad(body: &Value) -> String {
    match receive(body) {
        Err(Rejected::BadRequest(reason)) => reason,
        other => panic!("{body} gave {other:?}"),
    }
}

/// The one thing that follows: Haptik is told what the user did.
fn told(received: Receipt<Custom>) -> Inbound<Address> {
    let mut effects = received.effects;
    match (effects.pop(), effects.as_slice()) {
        (Some(Effect::Inbound(inbound)), []) => *inbound,
        other => panic!("one thing that Haptik is told: {other:?}"),
    }
}

fn inbound(body: &Value) -> Inbound<Address> {
    told(receive(body).expect("received"))
}

#[test]
fn a_message_is_read_with_its_user_and_files() {
    let mut body = message();
    body["user"] = json!({"id": "u-42", "name": "Asha", "email": "a@example.com", "mobile_no": 98_765, "language_code": "en",
        "custom_data": {"plan": "gold", "age": 4}, "shoe_size": [38]});
    body["attachments"] = json!([
        {"url": "https://files.example/a/bill.pdf?x=1", "mime_type": "application/pdf", "size": 5},
        {"url": "https://files.example", "name": "b.png"},
    ]);
    let received = receive(&body).expect("received");
    let auth_id = AuthId::derive(&"my-app".into(), "u-42", None);
    assert_eq!(
        received.response,
        Response::json(202, &json!({"id": "m-1", "auth_id": auth_id}))
    );
    let inbound = told(received);
    assert_eq!(inbound.key, EntryKey::from("00001795341600000000#m-1"));
    assert_eq!(
        (&inbound.auth_id, inbound.user.as_str(), &inbound.addressed),
        (&auth_id, "u-42", &Addressed::Yes)
    );
    assert_eq!(
        serde_json::to_value(&inbound.address).expect("JSON"),
        json!({"user": "u-42"})
    );
    let profile = inbound.profile.as_ref().expect("a profile");
    assert_eq!(
        (profile.name.as_deref(), profile.mobile_no.as_deref()),
        (Some("Asha"), Some("98765"))
    );
    assert_eq!(
        Value::Object(profile.custom_data.clone()),
        json!({"plan": "gold", "age": 4})
    );
    let UserAction::Message { text, attachments } = &inbound.action else {
        panic!("a message")
    };
    assert_eq!(text, "hello");
    let files: Vec<_> = attachments
        .iter()
        .map(|file| (file.name.as_str(), file.mime_type.as_str(), file.size))
        .collect();
    assert_eq!(
        files,
        [
            ("bill.pdf", "application/pdf", Some(5)),
            ("b.png", "", None)
        ]
    );
}

#[test]
fn an_action_says_its_value_and_feedback_is_feedback() {
    let action = json!({"type": "action", "id": 2, "timestamp": "2026-11-22T10:00:00Z", "user": {"id": 42}, "value": "Thanks{task}"});
    let action = inbound(&action);
    assert_eq!(
        action.action,
        UserAction::Message {
            text: "Thanks{task}".into(),
            attachments: vec![]
        }
    );
    assert_eq!(
        (action.user.as_str(), action.key.as_str(), &action.profile),
        ("42", "00001795341600000000#2", &None)
    );
    let feedback = json!({"type": "feedback", "id": "m-3", "timestamp": "2026-11-22T15:30:00+05:30", "user": {"id": "u"},
        "rating": 5.0, "resolved": true, "comment": "fine"});
    let feedback = inbound(&feedback);
    assert_eq!(
        feedback.action,
        UserAction::Feedback {
            rating: 5,
            resolved: Some(true),
            comment: Some("fine".into())
        }
    );
    assert_eq!(feedback.at.as_second(), NOW);
}

#[test]
fn a_request_that_is_not_signed_is_not_read() {
    let body = message().to_string();
    let (headers, now) = (signed(body.as_bytes()), now());
    let receive =
        |headers: &HeaderMap, body: &str, now| receive_at(&posted(headers, body.as_bytes()), now);
    assert!(receive(&headers, &body, now).is_ok());
    for refused in [
        receive(&HeaderMap::new(), &body, now),
        receive(&headers, &format!("{body} "), now),
        receive(&headers, "{not JSON", now),
        receive(
            &headers,
            &body,
            Timestamp::from_second(NOW + 301).expect("a time"),
        ),
    ] {
        assert!(
            matches!(refused, Err(Rejected::Unauthorized(_))),
            "{refused:?}"
        );
    }
}

#[test]
fn there_is_nothing_at_other_paths_and_for_other_methods() {
    let body = message().to_string();
    let headers = signed(body.as_bytes());
    let post = Rejected::MethodNotAllowed("POST");
    let delete = Rejected::MethodNotAllowed("DELETE");
    let either = Rejected::MethodNotAllowed("POST, DELETE");
    let nobody = "the query names no user; needed: DELETE …/handoff?user=ID";
    let nobody = Rejected::BadRequest(nobody.into());
    for (method, path, refused) in [
        (Method::GET, "", &post),
        (Method::DELETE, "", &post),
        (Method::GET, "/handoff", &either),
        (Method::DELETE, "/handoff", &nobody),
        (Method::POST, "/handoff/u-42", &delete),
        (Method::DELETE, "/handoff/", &Rejected::NotFound),
        (Method::POST, "/nothing", &Rejected::NotFound),
    ] {
        let request = Request {
            method: &method,
            path,
            ..posted(&headers, body.as_bytes())
        };
        assert_eq!(
            receive_at(&request, now()).err().as_ref(),
            Some(refused),
            "{method} {path}"
        );
    }
}

proptest! {
    #[test]
    fn no_request_panics(key in "(type|id|timestamp|user|text|attachments|value)", value in any_json(), body in any_json()) {
        let _ = receive(&with(&format!("/{key}"), value));
        let _ = receive(&body);
    }
}
