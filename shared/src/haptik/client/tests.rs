use bytes::Bytes;
use jiff::Timestamp;
use secrecy::SecretString;

use super::*;
use crate::message::{Profile, SenderKind};
use crate::net::fake::{Answer as Reply, Fake, Request};
use crate::retry::{Retry, Retryable};

mod credentials;

const LATER: Retry = Retry::Later(None);

async fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (Fake, HaptikClient) {
    let fake = Fake::start(answer).await;
    let config = config::Haptik {
        base_url: fake.url("messaging/"),
        integration_base_url: fake.url(""),
        sync_url: Some(fake.url("sync?key=k")),
        client_id: "client-1".into(),
        sync_timeout: Duration::from_secs(2),
        tokens: Secrets::new("new-token", [SecretString::from("old-token")]),
        integration_tokens: Secrets::new("new-token", [SecretString::from("old-token")]),
        webhook_secrets: Secrets::new("unused", []),
        business_id: None,
        business_ids: Vec::new(),
        device_platforms: vec![13],
        rate_per_second: None,
    };
    let client = HaptikClient::new(&config, crate::net::client().expect("a client"));
    (fake, client)
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).expect("JSON")
}

fn auth_id() -> AuthId {
    AuthId::from("u1")
}

async fn log(client: &HaptikClient) -> Result<Logged, HaptikError> {
    client.log_message(&auth_id(), 343, "my-secret-words").await
}

async fn rate(client: &HaptikClient) -> Result<(), HaptikError> {
    let auth_id = auth_id();
    let feedback = Feedback {
        auth_id: &auth_id,
        business_id: 343,
        query_resolved: true,
        query_rating: 5,
        feedback: Some("fine"),
    };
    client.log_feedback(&feedback).await
}

fn history() -> History<'static> {
    History {
        business_id: 343,
        user_name: "h & u",
        conversation_no: Some("12"),
        limit: None,
    }
}

#[tokio::test]
async fn every_call_has_the_token_the_client_id_and_its_path() {
    let answers = r#"{"success": true, "enabled": true, "chat_json": [], "message": []}"#;
    let (fake, client) = start(move |_| Reply::new(200, answers)).await;
    let (auth_id, user) = (auth_id(), User::new(auth_id(), &Profile::default()));
    let file = File {
        auth_id: &auth_id,
        business_id: 343,
        kind: FileKind::Image,
        name: "a.png",
        mime_type: "image/png",
        bytes: Bytes::from_static(b"png"),
        text: "",
    };
    let to = MoveToAgent {
        team_name: Some("Support"),
        receiver: None,
        user_name: "h",
        business_id: 343,
        countdown: None,
    };
    client.create_user(&user).await.expect("created");
    client.update_user(&user).await.expect("updated");
    log(&client).await.expect("logged");
    client.log_file(&file).await.expect("logged");
    rate(&client).await.expect("rated");
    client.enable_webhook(343, 13).await.expect("enabled");
    client.send_chat_to_agent(&to).await.expect("moved");
    client
        .get_chat_history(&history())
        .await
        .expect("a transcript");
    client
        .send_sync_message(&auth_id, 343, "hi")
        .await
        .expect("an answer");
    let requests = fake.requests();
    for request in &requests {
        assert_eq!(request.header("authorization"), "Bearer new-token");
        assert_eq!(request.header("client-id"), "client-1");
        let is_right = match request.method.as_str() {
            "GET" => request.body.is_empty(),
            _ if request.path.contains("log_file") => request
                .header("content-type")
                .starts_with("multipart/form-data; boundary="),
            _ => request.header("content-type") == "application/json",
        };
        assert!(is_right, "{}", request.path);
    }
    let lines: Vec<_> = requests
        .iter()
        .map(|request| format!("{} {}", request.method, request.path))
        .collect();
    let query = "business_id=343&user_name=h+%26+u&conversation_no=12";
    assert_eq!(
        lines,
        [
            "POST /messaging/v1.0/user/",
            "PUT /messaging/v1.0/user/",
            "POST /messaging/v1.0/log_message_from_user/",
            "POST /messaging/v1.0/log_file_from_user/",
            "POST /messaging/v1.0/log_feedback_from_user/",
            "POST /messaging/v1.0/webhook/",
            "POST /integration/external/v1.0/send_chat_to_agent/",
            &format!("GET /integration/external/v2.0/get_chat_history/?{query}&response_type=json"),
            "POST /sync?key=k",
        ]
    );
}

#[tokio::test]
async fn bodies_are_as_haptik_documents_them() {
    let (fake, client) = start(|_| Reply::new(200, r#"{"success": true, "enabled": true}"#)).await;
    let mut profile = Profile {
        name: Some("Asha".into()),
        mobile_no: Some("98".into()),
        ..Profile::default()
    };
    profile.custom_data.insert("plan".into(), json!("gold"));
    profile.custom_data.insert("nested".into(), json!({"a": 1}));
    profile.custom_data.insert("nothing".into(), json!(null));
    client
        .create_user(&User::new(auth_id(), &profile))
        .await
        .expect("created");
    log(&client).await.expect("logged");
    rate(&client).await.expect("rated");
    client.enable_webhook(343, 13).await.expect("enabled");
    let to = MoveToAgent {
        team_name: Some("Support"),
        receiver: None,
        user_name: "h",
        business_id: 343,
        countdown: Some(5),
    };
    client.send_chat_to_agent(&to).await.expect("moved");
    let bodies: Vec<_> = fake.requests().iter().map(body).collect();
    assert_eq!(
        bodies,
        [
            json!({"auth_id": "u1", "name": "Asha", "mobile_no": "98",
                "custom_data": {"plan": "gold", "nested": "{\"a\":1}"}}),
            json!({"user": {"auth_id": "u1"}, "message_body": "my-secret-words", "message_type": 0, "business_id": 343}),
            json!({"auth_id": "u1", "business_id": 343, "query_resolved": true, "query_rating": 5, "feedback": "fine"}),
            json!({"enabled": true, "business_id": 343, "device_platform": 13}),
            json!({"team_name": "Support", "user_name": "h", "business_id": 343, "countdown": 5}),
        ]
    );
}

#[tokio::test]
async fn a_file_goes_as_a_form_with_every_field() {
    let (fake, client) =
        start(|_| Reply::new(200, r#"{"message_id": "7", "file_url": "x"}"#)).await;
    let auth_id = auth_id();
    let file = File {
        auth_id: &auth_id,
        business_id: 343,
        kind: FileKind::Document,
        name: "bill \"é\"\r\nX: y",
        mime_type: "application/pdf",
        bytes: Bytes::from_static(b"%PDF-1.7"),
        text: "my bill",
    };
    assert_eq!(
        client.log_file(&file).await.expect("logged").message_id,
        Some(7)
    );
    let text = fake.requests().first().expect("a request").text();
    for (name, value) in [
        ("auth_id", "u1"),
        ("business_id", "343"),
        ("message_type", "52"),
        ("message_body", "my bill"),
    ] {
        assert!(
            text.contains(&format!("name=\"{name}\"\r\n\r\n{value}\r\n")),
            "{text}"
        );
    }
    assert!(
        text.contains("Content-Type: application/pdf\r\n\r\n%PDF-1.7\r\n"),
        "{text}"
    );
    assert!(
        text.contains("name=\"file\"; filename") && text.contains(".pdf"),
        "{text}"
    );
    assert!(!text.contains("\r\nX: y"), "{text}");
}

#[tokio::test]
async fn the_next_token_is_tried_when_one_is_not_accepted() {
    let (fake, client) = start(|request| match request.header("authorization") {
        "Bearer old-token" => Reply::new(200, r#"{"message_id": 9}"#),
        _ => Reply::new(401, r#"{"error_message": "invalid authorization details"}"#),
    })
    .await;
    assert_eq!(
        log(&client).await,
        Ok(Logged {
            message_id: Some(9),
            created_at: None,
            file_url: None,
        })
    );
    assert_eq!(fake.requests().len(), 2);
    let (_fake, client) = start(|_| Reply::new(401, "")).await;
    let error = log(&client).await.expect_err("no token is accepted");
    assert_eq!(
        (error.clone(), error.retry()),
        (
            HaptikError::Call(CallError::of_status(
                Call::LogMessage.as_str(),
                401,
                "",
                None
            )),
            LATER
        )
    );
}

#[tokio::test]
async fn each_status_is_its_error_and_says_whether_to_repeat() {
    let (_fake, client) = start(|request| {
        let said = body(request)["message_body"]
            .as_str()
            .map(ToOwned::to_owned)
            .expect("a text");
        let (status, message) = said.split_once(' ').expect("a status and a message");
        let body = json!({"error_message": message}).to_string();
        Reply::new(status.parse().expect("a status"), body).header("retry-after", "3")
    })
    .await;
    let call = Call::LogMessage;
    let wait = Some(Duration::from_secs(3));
    let failed = |status, message: &str, kind| {
        let error = CallError::of_status(call.as_str(), status, message, wait);
        HaptikError::Call(error.as_kind(kind))
    };
    let refused = |status, message: &str| failed(status, message, CallErrorKind::Refused);
    let unavailable = |status| failed(status, "x", CallErrorKind::Unavailable);
    for (said, expected, retry) in [
        ("400 bad", refused(400, "bad"), Retry::Never),
        (
            "403 user is not registered",
            HaptikError::NotRegistered { call },
            LATER,
        ),
        (
            "403 Invalid_User",
            HaptikError::NotRegistered { call },
            LATER,
        ),
        (
            "403 something else",
            refused(403, "something else"),
            Retry::Never,
        ),
        ("404 no", refused(404, "no"), Retry::Never),
        ("413 big", refused(413, "big"), Retry::Never),
        ("422 odd", refused(422, "odd"), Retry::Never),
        (
            "429 x",
            failed(429, "x", CallErrorKind::RateLimited),
            Retry::Later(wait),
        ),
        ("302 x", unavailable(302), Retry::Later(wait)),
        ("408 x", unavailable(408), Retry::Later(wait)),
        ("425 x", unavailable(425), Retry::Later(wait)),
        ("500 x", unavailable(500), Retry::Later(wait)),
        ("503 x", unavailable(503), Retry::Later(wait)),
    ] {
        let error = client
            .log_message(&auth_id(), 343, said)
            .await
            .expect_err(said);
        assert_eq!((error.retry(), error), (retry, expected), "{said}");
    }
}

#[tokio::test]
async fn feedback_has_errors_of_its_own() {
    for (status, message, expected) in [
        (400, "duplicate feedback", HaptikError::DuplicateFeedback),
        (
            403,
            "Invalid_User",
            HaptikError::NotRegistered {
                call: Call::LogFeedback,
            },
        ),
        (
            404,
            "no active conversation",
            HaptikError::NoActiveConversation,
        ),
        (200, "duplicate feedback", HaptikError::DuplicateFeedback),
    ] {
        let body = json!({"success": false, "error_message": message}).to_string();
        let (_fake, client) = start(move |_| Reply::new(status, body.clone())).await;
        assert_eq!(rate(&client).await, Err(expected));
    }
    let (_fake, client) = start(|_| Reply::new(201, r#"{"success": true}"#)).await;
    assert_eq!(rate(&client).await, Ok(()));
}

#[tokio::test]
async fn a_message_that_was_taken_is_not_repeated_for_an_unreadable_receipt() {
    for receipt in [
        "",
        "<html>",
        "[]",
        r#"{"message_id": null}"#,
        r#"{"message_id": "#,
    ] {
        let (_fake, client) = start(move |_| Reply::new(200, receipt)).await;
        assert_eq!(
            log(&client).await,
            Ok(Logged {
                message_id: None,
                created_at: None,
                file_url: None
            }),
            "{receipt}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_is_needed_and_cannot_be_read_is_asked_for_again() {
    let (_fake, client) = start(|_| Reply::new(200, "<html>")).await;
    let errors = [
        client.get_chat_history(&history()).await.map(drop),
        client
            .send_sync_message(&auth_id(), 343, "hi")
            .await
            .map(drop),
        client.enable_webhook(343, 13).await,
    ];
    for error in errors {
        let error = error.expect_err("unreadable");
        assert!(
            matches!(&error, HaptikError::Call(error) if error.code == "200")
                && error.retry() == LATER,
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_error_inside_a_success_is_an_error() {
    let (_fake, client) =
        start(|_| Reply::new(200, r#"{"error_message": "invalid team_name provided"}"#)).await;
    let to = MoveToAgent {
        team_name: Some("Support"),
        receiver: None,
        user_name: "h",
        business_id: 343,
        countdown: None,
    };
    let error = client.send_chat_to_agent(&to).await.expect_err("refused");
    assert_eq!(
        error.to_string(),
        "Haptik refused (200) to send a chat to an agent"
    );
    let detail = error.detail();
    assert_eq!(detail, Some("invalid team_name provided"));
    assert_eq!(error.retry(), Retry::Never);
}

#[tokio::test]
async fn what_can_pass_of_moving_a_chat_is_told_from_what_cannot() {
    for (message, expected) in [
        ("user has not sent a message", HaptikError::NothingSaid),
        (
            "invalid client_id in headers",
            HaptikError::Call(
                CallError::of_status(
                    Call::SendChatToAgent.as_str(),
                    400,
                    "invalid client_id in headers",
                    None,
                )
                .as_kind(CallErrorKind::Unauthorized),
            ),
        ),
    ] {
        let body = format!(r#"{{"error_message": "{message}"}}"#);
        let (_fake, client) = start(move |_| Reply::new(400, body.as_str())).await;
        let to = MoveToAgent {
            team_name: Some("Support"),
            receiver: None,
            user_name: "h",
            business_id: 343,
            countdown: None,
        };
        let error = client.send_chat_to_agent(&to).await.expect_err("refused");
        assert_eq!((error.retry(), error), (LATER, expected));
    }
}

#[tokio::test]
async fn a_transcript_and_a_synchronous_answer_are_read() {
    let (_fake, client) = start(|request| {
        Reply::new(200, if request.path.contains("response_type=json") {
            r#"{"chat_json": [{"text": "hi", "sender": "user", "message_id": "5", "timestamp": "2018-10-04T12:41:27Z"}, 7]}"#
        } else {
            r#"{"version": "1.0", "timestamp": "2018-10-04T12:41:27Z", "agent": {"name": "gogo", "is_automated": true},
                "message": [{"id": 8, "body": {"text": "hello", "type": "TEXT"}}]}"#
        })
    })
    .await;
    let at: Option<Timestamp> = "2018-10-04T12:41:27Z".parse().ok();
    let messages = client
        .get_chat_history(&history())
        .await
        .expect("a transcript");
    assert_eq!(messages.len(), 2);
    assert_eq!(
        messages.first(),
        Some(&HistoryMessage {
            text: "hi".into(),
            sender: "user".into(),
            message_id: Some(5),
            timestamp: at
        })
    );
    let answer = client
        .send_sync_message(&auth_id(), 343, "hi")
        .await
        .expect("an answer");
    assert_eq!(
        (
            answer.timestamp,
            answer.sender.kind,
            answer.sender.name.as_str()
        ),
        (at, SenderKind::Bot, "gogo")
    );
    assert_eq!(
        answer.messages,
        [SyncMessage {
            id: Some(8),
            body: json!({"text": "hello", "type": "TEXT"})
        }]
    );
}

#[tokio::test]
async fn a_dropped_connection_is_tried_later() {
    let (fake, client) = start(|_| Reply::none()).await;
    let error = log(&client).await.expect_err("no answer");
    assert!(
        matches!(
            &error,
            HaptikError::Call(CallError {
                method: "log a message",
                kind: CallErrorKind::Unreachable(_),
                ..
            })
        ),
        "{error}"
    );
    assert_eq!((error.retry(), fake.requests().len()), (LATER, 1));
}

#[tokio::test]
async fn errors_and_debug_have_no_secret_and_nothing_that_was_said() {
    let long = json!({"error_message": "é\n".repeat(500)}).to_string();
    let (_fake, client) = start(move |_| Reply::new(400, long.clone())).await;
    let error = log(&client).await.expect_err("refused");
    assert!(error.to_string().chars().count() < 260, "{error}");
    let printed = format!("{error} {error:?} {client:?}");
    for secret in ["new-token", "old-token", "my-secret-words", "key=k"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}

#[test]
fn files_are_judged_by_their_extension_and_else_by_their_type() {
    let (image, document) = (Some(FileKind::Image), Some(FileKind::Document));
    for (name, mime_type, expected) in [
        ("a.JPG", "", image),
        ("a.jpeg", "text/plain", image),
        ("a.png", "", image),
        ("a.gif", "", image),
        ("a.docx", "", document),
        ("a.doc", "", document),
        ("a.PDF", "", document),
        ("a.xls", "", document),
        ("a.xlsx", "", document),
        ("a.csv", "", document),
        ("scan", "application/pdf", document),
        ("photo", "IMAGE/JPEG; q=1", image),
        ("a.b", "text/csv", document),
        ("a.webp", "image/webp", None),
        ("pdf", "", None),
        ("a.exe", "application/octet-stream", None),
        ("", "", None),
    ] {
        assert_eq!(
            FileKind::of(name, mime_type),
            expected,
            "{name} {mime_type}"
        );
    }
    assert_eq!(
        (
            FileKind::Image.message_type(),
            FileKind::Document.message_type()
        ),
        (1, 52)
    );
}

#[tokio::test]
async fn an_answer_without_end_is_left_at_the_limit() {
    let pause = Duration::from_millis(1);
    let (_fake, client) = start(move |_| {
        Reply::raw("HTTP/1.1 200 OK\r\n\r\n").then_endlessly("x".repeat(1 << 17), pause)
    })
    .await;
    let logged = tokio::time::timeout(Duration::from_secs(8), log(&client)).await;
    logged
        .expect("before the call's time is up")
        .expect("taken");
}
