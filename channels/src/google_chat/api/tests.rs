use std::sync::atomic::{AtomicUsize, Ordering};

use haptik_bridge_shared::net::client;
use haptik_bridge_shared::net::fake::{Answer, Fake};
use haptik_bridge_shared::net::oauth::{Assertion, OAuthClient};

use super::*;
use crate::channel::Refusal;

/// The API with a server that answers so to everything but the request for a token.
async fn api(answer: impl Fn(usize) -> Answer + Send + Sync + 'static) -> (Fake, ChatApi) {
    let count = AtomicUsize::new(0);
    let tokens = AtomicUsize::new(0);
    let fake = Fake::start(move |request| match request.path.as_str() {
        "/token" => {
            let number = tokens.fetch_add(1, Ordering::SeqCst) + 1;
            Answer::new(
                200,
                format!(r#"{{"access_token":"t{number}","expires_in":3599}}"#),
            )
        }
        _ => answer(count.fetch_add(1, Ordering::SeqCst)),
    })
    .await;
    let sign: Assertion = Box::new(|_| Ok("signed".to_owned().into()));
    let api = ChatApi {
        api: Api::new(client().expect("a client")).words(words),
        base_url: fake.url("v1/"),
        tokens: OAuthClient::by_assertion(fake.url("token"), "me".to_owned(), vec![sign]),
    };
    (fake, api)
}

fn place() -> Address {
    Address {
        space: "spaces/AAQ".to_owned(),
        thread: Some("spaces/AAQ/threads/T1".to_owned()),
    }
}

fn error(status: u16, words: &str, reason: &str) -> Answer {
    let body = json!({"error": {
        "code": status, "message": words, "status": "X",
        "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}],
    }});
    Answer::new(status, body.to_string())
}

/// A conflict of this kind.
fn conflict(kind: &str) -> Answer {
    let body = json!({"error": {"code": 409, "message": "What was said.", "status": kind}});
    Answer::new(409, body.to_string())
}

#[tokio::test]
async fn a_message_is_created_under_its_name_in_its_thread() {
    let (fake, api) = api(|_| Answer::new(200, r#"{"name":"spaces/AAQ/messages/M1"}"#)).await;
    let sent = api
        .create(&place(), "client-1", &json!({"text": "hi"}))
        .await;
    assert_eq!(
        sent.expect("sent").message_id.as_deref(),
        Some("spaces/AAQ/messages/M1")
    );
    let asked = fake.requests().remove(1);
    assert_eq!(
        asked.path,
        "/v1/spaces/AAQ/messages?requestId=client-1&messageId=client-1\
         &messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"
    );
    assert_eq!(asked.header("authorization"), "Bearer t1");
    let body: Value = serde_json::from_str(&asked.text()).expect("JSON");
    assert_eq!(
        body,
        json!({"text": "hi", "thread": {"name": "spaces/AAQ/threads/T1"}})
    );
}

#[tokio::test]
async fn a_message_that_is_there_already_was_sent() {
    let (_fake, api) = api(|_| conflict("ALREADY_EXISTS")).await;
    let sent = api
        .create(&place(), "client-1", &json!({"text": "hi"}))
        .await;
    assert_eq!(
        sent.expect("sent").message_id.as_deref(),
        Some("spaces/AAQ/messages/client-1")
    );
}

#[tokio::test]
async fn a_message_that_was_aborted_is_sent_again() {
    for kind in ["ABORTED", "", "SOMETHING_NEW"] {
        let (_fake, api) = api(move |_| conflict(kind)).await;
        let sent = api
            .create(&place(), "client-1", &json!({"text": "hi"}))
            .await;
        let error = sent.expect_err("nothing was sent");
        assert_eq!(error.refusal, Refusal::Unavailable(None), "{error}");
    }
}

#[tokio::test]
async fn a_token_that_has_ended_is_renewed_once() {
    let (fake, api) = api(|count| match count {
        0 => Answer::new(401, "{}"),
        _ => Answer::new(200, "{}"),
    })
    .await;
    let sent = api
        .create(&place(), "client-1", &json!({"text": "hi"}))
        .await;
    assert!(sent.is_ok(), "{sent:?}");
    let tokens = fake.requests().into_iter();
    assert_eq!(tokens.filter(|asked| asked.path == "/token").count(), 2);
}

#[tokio::test]
async fn each_refusal_is_of_its_kind_and_quotes_nothing() {
    const SAID: &str = "between you and me";
    for (answer, refusal) in [
        (error(400, SAID, ""), Refusal::TooRich),
        (error(403, SAID, ""), Refusal::Refused),
        (error(404, SAID, ""), Refusal::Refused),
        (error(403, SAID, "SERVICE_DISABLED"), Refusal::Unauthorized),
        (
            error(403, SAID, "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
            Refusal::Unauthorized,
        ),
        (
            error(
                404,
                "Google Chat app not found. To create a Chat app, …",
                "",
            ),
            Refusal::Unauthorized,
        ),
        (error(401, SAID, ""), Refusal::Unauthorized),
        (error(429, SAID, ""), Refusal::RateLimited(None)),
        (error(503, SAID, ""), Refusal::Unavailable(None)),
        (error(418, SAID, ""), Refusal::Refused),
    ] {
        let (_fake, api) = api(move |_| answer.clone()).await;
        let sent = api
            .create(&place(), "client-1", &json!({"text": "hi"}))
            .await;
        let error = sent.expect_err("a refusal");
        assert_eq!(error.refusal, refusal, "{error}");
        assert!(!format!("{error} {error:?}").contains(SAID), "{error:?}");
    }
}

#[tokio::test]
async fn a_file_is_fetched_with_a_token_that_goes_nowhere_else() {
    let elsewhere = Fake::start(|_| Answer::new(200, "the file")).await;
    let target = elsewhere.url("file").to_string();
    let (fake, api) = api(move |count| match count {
        0 => Answer::new(401, "{}"),
        _ => Answer::new(302, "").header("location", &target),
    })
    .await;
    let fetcher = Fetcher::new(true).expect("a fetcher");
    let file = api.file("Cl/x==", &fetcher, 100).await.expect("a file");
    assert_eq!(&file[..], b"the file");
    assert_eq!(elsewhere.requests()[0].header("authorization"), "");
    let asked = fake.requests().into_iter();
    let asked: Vec<_> = asked.filter(|asked| asked.path != "/token").collect();
    assert_eq!(asked[1].path, "/v1/media/Cl/x==?alt=media");
    assert_eq!(asked[1].header("authorization"), "Bearer t2");
    for odd in ["", "..", "a/../b", "/a", "a//b"] {
        assert!(api.file(odd, &fetcher, 100).await.is_err(), "{odd}");
    }
}
