use http::{HeaderMap, Method};

use super::*;
use haptik_bridge_shared::message::{Addressed, Inbound, UserAction};

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
#[expect(clippy::too_many_lines, reason = "a table of mistakes")]
fn a_mistake_is_named_with_its_key_and_what_is_allowed_and_no_value() {
    let feedback = |rating: Value, resolved: Value| json!({"type": "feedback", "id": "m", "timestamp": "2026-11-22T10:00:00Z", "user": {"id": "u"}, "rating": rating, "resolved": resolved});
    let long = "x".repeat(100_001);
    for (body, expected) in [
        (json!([1]), "the body is a list; allowed: an object"),
        (
            with("/type", json!("telepathy-secret")),
            "type is not one that is known; allowed: \"message\", \"action\", \"feedback\"",
        ),
        (
            with("/type", json!(null)),
            "type is missing; allowed: \"message\", \"action\", \"feedback\"",
        ),
        (
            with("/type", json!(7)),
            "type is a number; allowed: a string of at most 256 bytes",
        ),
        (
            with("/id", json!(null)),
            "id is null; allowed: a number, or a string of 1 to 256 bytes",
        ),
        (
            with("/id", json!("")),
            "id is a string of 0 bytes; allowed: a number, or a string of 1 to 256 bytes",
        ),
        (
            with("/id", json!("x".repeat(257))),
            "id is a string of 257 bytes; allowed: a number, or a string of 1 to 256 bytes",
        ),
        (
            with("/user", json!(null)),
            "user is missing; needed: an object with an id",
        ),
        (
            with("/user", json!("secret")),
            "user is a string of 6 bytes; allowed: an object",
        ),
        (
            with("/user", json!({})),
            "user.id is missing; allowed: a number, or a string of 1 to 256 bytes",
        ),
        (
            with("/user/email", json!(["secret"])),
            "user.email is a list; allowed: a string of at most 1000 bytes",
        ),
        (
            with("/user/custom_data", json!([])),
            "user.custom_data is a list; allowed: an object",
        ),
        (
            with("/user/custom_data", json!({"ok": 1, "plan": {"secret": 1}})),
            "user.custom_data.plan is an object; allowed: a string, a number, true, false or null, since Haptik refuses nested values",
        ),
        (
            with("/user/custom_data", json!({"x": long})),
            "user.custom_data is larger; allowed: at most 20000 bytes",
        ),
        (
            with("/text", json!(7)),
            "text is a number; allowed: a string of at most 100000 bytes",
        ),
        (
            with("/text", json!(long)),
            "text is a string of 100001 bytes; allowed: a string of at most 100000 bytes",
        ),
        (
            with("/text", json!(" ")),
            "text is missing or empty, and there are no attachments; needed: one of them",
        ),
        (
            with("/timestamp", json!(null)),
            "timestamp is null; allowed: an RFC 3339 time of 1970 or later, such as \"2026-11-22T10:00:00Z\"",
        ),
        (
            with("/timestamp", json!("2026-11-22T10:00:00")),
            "timestamp is a string of 19 bytes; allowed: an RFC 3339 time of 1970 or later, such as \"2026-11-22T10:00:00Z\"",
        ),
        (
            with("/timestamp", json!("1969-11-22T10:00:00Z")),
            "timestamp is a string of 20 bytes; allowed: an RFC 3339 time of 1970 or later, such as \"2026-11-22T10:00:00Z\"",
        ),
        (
            with("/attachments", json!({})),
            "attachments is an object; allowed: a list of at most 20 objects",
        ),
        (
            with("/attachments", json!(vec![1; 21])),
            "attachments is a longer list; allowed: a list of at most 20 objects",
        ),
        (
            with("/attachments", json!(["secret"])),
            "attachments[0] is a string; allowed: an object with a url",
        ),
        (
            with("/attachments", json!([{"name": "a"}])),
            "attachments[0].url is missing; allowed: a string of 1 to 4096 bytes",
        ),
        (
            with("/attachments", json!([{"url": "file:///secret"}])),
            "attachments[0].url is another text; allowed: an http or https URL without credentials",
        ),
        (
            with(
                "/attachments",
                json!([{"url": "https://x.example/", "size": "1"}]),
            ),
            "attachments[0].size is a string of 1 bytes; allowed: a whole number of bytes",
        ),
        (
            feedback(json!(6), json!(true)),
            "rating is a number; allowed: a whole number of 1 to 5",
        ),
        (
            feedback(json!(4.5), json!(true)),
            "rating is a number; allowed: a whole number of 1 to 5",
        ),
        (
            feedback(json!(0), json!(true)),
            "rating is a number; allowed: a whole number of 1 to 5",
        ),
        (
            feedback(json!("5"), json!(true)),
            "rating is a string of 1 bytes; allowed: a whole number of 1 to 5",
        ),
        (
            feedback(json!(5), json!("yes")),
            "resolved is a string of 3 bytes; allowed: true or false",
        ),
        (
            with("/id", json!("  ")),
            "id is a string of 2 bytes in which nothing can be seen; allowed: a number, or a string of 1 to 256 bytes",
        ),
        (
            json!({"type": "action", "value": "\u{200b}"}),
            "value is a string of 3 bytes in which nothing can be seen; allowed: a string of 1 to 100000 bytes",
        ),
        (
            json!({"type": "action"}),
            "value is missing; allowed: a string of 1 to 100000 bytes",
        ),
    ] {
        assert_eq!(bad(&body), expected);
    }
    let broken = receive_bytes(b"{\"text\": secret}").expect_err("not JSON");
    assert_eq!(
        broken.to_string(),
        "the body is not JSON: expected value at line 1 column 10"
    );
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
fn a_hand_off_is_begun_and_ended() {
    let mut body = message();
    body["message"] = json!("wants a refund");
    body["team_name"] = json!("Support");
    body["receiver"] = json!(" athena ");
    let body = body.to_string();
    let ask = |method: &Method, path: &str, body: &str| {
        let headers = signed(body.as_bytes());
        let request = Request {
            method,
            path,
            ..posted(&headers, body.as_bytes())
        };
        receive_at(&request, now())
    };
    let begun = ask(&Method::POST, "/handoff", &body).expect("received");
    let auth_id = AuthId::derive(&"my-app".into(), "u-42", None);
    assert_eq!(
        begun.response,
        Response::json(202, &json!({"id": "m-1", "auth_id": auth_id}))
    );
    let mut effects = begun.effects;
    let (Some(Effect::Peer(PeerRequest::Begin(inbound))), []) = (effects.pop(), effects.as_slice())
    else {
        panic!("one thing is asked");
    };
    let action = UserAction::Handoff {
        id: "m-1".into(),
        says: vec!["wants a refund".into()],
        team_name: Some("Support".into()),
        receiver: Some("athena".into()),
    };
    assert_eq!((inbound.action, inbound.auth_id), (action, auth_id));
    let ended = ask(&Method::DELETE, "/handoff/a/ü b", "").expect("received");
    let auth_id = AuthId::derive(&"my-app".into(), "a/ü b", None);
    let [Effect::Peer(PeerRequest::End(whom))] = ended.effects.as_slice() else {
        panic!("{:?}", ended.effects);
    };
    assert_eq!(*whom, auth_id);
    let headers = signed(b"other");
    let unsigned = Request {
        method: &Method::DELETE,
        path: "/handoff/u-42",
        ..posted(&headers, b"")
    };
    assert!(matches!(
        receive_at(&unsigned, now()),
        Err(Rejected::Unauthorized(_))
    ));
}

/// Whether the user is handed over is for whoever takes it to see: it is passed on as such.
#[test]
fn what_users_say_to_a_bot_of_ones_own_is_taken_only_while_they_are_handed_over() {
    let settings = config::Custom {
        handoff_only: true,
        ..settings(secret_path())
    };
    let edge = edge_with(&settings).expect("good secrets");
    let body = message().to_string();
    let headers = signed(body.as_bytes());
    let request = posted(&headers, body.as_bytes());
    let received = receive_with(edge.as_ref(), &request, now()).expect("received");
    let [Effect::Peer(PeerRequest::Forward(forwarded))] = received.effects.as_slice() else {
        panic!("{:?}", received.effects);
    };
    assert_eq!(**forwarded, inbound(&message()));
}

#[test]
fn there_is_nothing_at_other_paths_and_for_other_methods() {
    let body = message().to_string();
    let headers = signed(body.as_bytes());
    let post = Rejected::MethodNotAllowed("POST");
    let delete = Rejected::MethodNotAllowed("DELETE");
    for (method, path, refused) in [
        (Method::GET, "", &post),
        (Method::DELETE, "", &post),
        (Method::GET, "/handoff", &post),
        (Method::DELETE, "/handoff", &post),
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

/// What an application's request is answered whose users are called by this at Haptik.
async fn received_by(
    source: AuthIdSource,
    path: &str,
    body: &str,
) -> Result<Receipt<Custom>, Rejected> {
    let callback_url = "https://my-app.example/".parse().expect("a URL");
    let edge = edge_by(&settings(callback_url), source).expect("good secrets");
    let headers = signed(body.as_bytes());
    let method = if body.is_empty() {
        &Method::DELETE
    } else {
        &Method::POST
    };
    let request = Request {
        method,
        path,
        ..posted(&headers, body.as_bytes())
    };
    edge.receive(&request, now()).await
}

#[tokio::test]
async fn haptik_gets_the_id_or_the_address_and_one_that_it_refuses_is_named() {
    let handoff = |user: Value| {
        json!({"id": "h", "timestamp": "2026-11-22T10:00:00Z", "message": "m", "user": user})
            .to_string()
    };
    for (source, user, expected) in [
        (AuthIdSource::User, json!({"id": "u_4-2:x"}), Ok("u_4-2:x")),
        (AuthIdSource::User, json!({"id": 42}), Ok("42")),
        (
            AuthIdSource::User,
            json!({"id": "u 42"}),
            Err("user.id is another text"),
        ),
        (
            AuthIdSource::User,
            json!({"id": "ü"}),
            Err("user.id is another text"),
        ),
        (
            AuthIdSource::Email,
            json!({"id": "u 42", "email": "A@b.example"}),
            Ok("A@b.example"),
        ),
        (
            AuthIdSource::Email,
            json!({"id": "u"}),
            Err("user.email is missing"),
        ),
        (
            AuthIdSource::Email,
            json!({"id": "u", "email": " "}),
            Err("user.email is missing"),
        ),
        (
            AuthIdSource::Email,
            json!({"id": "u", "email": "a/b@c"}),
            Err("user.email is another text"),
        ),
    ] {
        let message = with("/user", user.clone()).to_string();
        for (path, body) in [("", &message), ("/handoff", &handoff(user.clone()))] {
            let answer = received_by(source, path, body).await;
            match (answer, expected) {
                (Ok(receipt), Ok(auth_id)) => {
                    let answer: Value = serde_json::from_str(&receipt.response.body).expect("JSON");
                    assert_eq!(answer["auth_id"], auth_id, "{path} {user}");
                }
                (Err(Rejected::BadRequest(reason)), Err(named)) => {
                    assert!(reason.starts_with(named), "{path} {user}: {reason}");
                }
                (answer, _) => panic!("{path} {user}: {answer:?}"),
            }
        }
    }
    let ended = received_by(AuthIdSource::Email, "/handoff/a@b.example", "").await;
    let effects = ended.expect("received").effects;
    assert!(
        matches!(effects.as_slice(), [Effect::Peer(PeerRequest::End(whom))] if whom.as_str() == "a@b.example"),
        "{effects:?}"
    );
}

#[test]
fn a_users_device_and_login_are_told_and_the_login_is_not_shown() {
    let user = json!({"id": "u-42", "phone_model": "Pixel 9", "os_version": "16", "package_name": "com.acme.shop", "auth_code": "my-login-code"});
    let read = inbound(&with("/user", user));
    let profile = read.profile.as_ref().expect("a profile");
    assert_eq!(profile.phone_model.as_deref(), Some("Pixel 9"));
    assert_eq!(profile.os_version.as_deref(), Some("16"));
    assert_eq!(profile.package_name.as_deref(), Some("com.acme.shop"));
    assert_eq!(
        profile.auth_code.clone().map(String::from).as_deref(),
        Some("my-login-code")
    );
    assert!(!format!("{read:?} {profile:?}").contains("my-login-code"));
    let reason = bad(&with(
        "/user",
        json!({"id": "u", "auth_code": ["my-login-code"]}),
    ));
    assert!(reason.starts_with("user.auth_code is a list") && !reason.contains("my-login-code"));
}
