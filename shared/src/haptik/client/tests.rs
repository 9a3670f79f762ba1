use bytes::Bytes;
use jiff::Timestamp;
use secrecy::SecretString;

use super::*;
use crate::message::{Profile, SenderKind};
use crate::net::fake::{Answer as Reply, Fake, Request};
use crate::retry::{Retry, Retryable};

mod credentials;
mod failures;
mod requests;

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

/// A chat that is for a team.
fn to(receiver: Option<&str>) -> MoveToAgent<'_> {
    MoveToAgent {
        team_name: Some("Support"),
        receiver,
        user_name: "h",
        business_id: 343,
        countdown: None,
    }
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
