use std::time::Duration;

use serde_json::json;

use super::*;
use haptik_bridge_shared::config::Secrets;
use haptik_bridge_shared::net::fake::{Answer, Fake};

mod errors;

fn api(fake: &Fake) -> Api {
    let tokens = Secrets::new("xoxb-new", [SecretString::from("xoxb-old")]);
    Api::new(
        haptik_bridge_shared::net::client().expect("a client"),
        fake.url("api/"),
        Workspaces::Configured(tokens),
    )
}

async fn call(
    answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
) -> (Result<Value, SlackError>, Vec<String>) {
    let fake = Fake::start(move |request| answer(request.header("authorization"))).await;
    let called = api(&fake)
        .write(None, "chat.postMessage", &json!({"text": "private words"}))
        .await;
    let tokens = fake
        .requests()
        .iter()
        .map(|request| request.header("authorization").to_owned())
        .collect();
    (called, tokens)
}

#[tokio::test]
async fn a_call_that_writes_is_json_and_one_that_reads_a_form() {
    let fake = Fake::start(|_| Answer::new(200, r#"{"ok":true,"ts":"1.0"}"#)).await;
    let api = api(&fake);
    let answer = api
        .write(None, "chat.postMessage", &json!({"a": 1}))
        .await
        .expect("ok");
    assert_eq!(answer["ts"], "1.0");
    api.read(None, "users.info", &[("user", "U 1")])
        .await
        .expect("ok");
    let requests = fake.requests();
    assert_eq!(
        (requests[0].method.as_str(), requests[0].path.as_str()),
        ("POST", "/api/chat.postMessage")
    );
    assert_eq!(
        (
            requests[0].header("authorization"),
            requests[0].text().as_str()
        ),
        ("Bearer xoxb-new", r#"{"a":1}"#)
    );
    assert_eq!(
        (requests[1].path.as_str(), requests[1].text().as_str()),
        ("/api/users.info", "user=U+1")
    );
}

#[tokio::test]
async fn an_older_token_is_tried_where_the_newest_is_not_taken() {
    let (called, tokens) = call(|token| match token {
        "Bearer xoxb-old" => Answer::new(200, r#"{"ok":true}"#),
        _ => Answer::new(200, r#"{"ok":false,"error":"token_revoked"}"#),
    })
    .await;
    called.expect("the older one works");
    assert_eq!(tokens, ["Bearer xoxb-new", "Bearer xoxb-old"]);
}

#[tokio::test]
async fn every_answer_says_whether_to_repeat() {
    let later = |seconds| Retry::Later(Some(Duration::from_secs(seconds)));
    for (status, body, retry, said) in [
        (429, "", later(7), "Slack answered 429 to chat.postMessage"),
        (503, "", later(7), "Slack answered 503 to chat.postMessage"),
        (302, "", later(7), "Slack answered 302 to chat.postMessage"),
        (
            400,
            "",
            Retry::Never,
            "Slack answered 400 to chat.postMessage",
        ),
        (403, "", later(7), "Slack answered 403 to chat.postMessage"),
        (
            200,
            "<html>",
            Retry::Later(None),
            "Slack's answer to chat.postMessage could not be read",
        ),
        (
            200,
            "{}",
            Retry::Later(None),
            "Slack's answer to chat.postMessage could not be read",
        ),
        (
            200,
            r#"{"ok":false,"error":"ratelimited"}"#,
            later(7),
            "Slack answered ratelimited to chat.postMessage",
        ),
        (
            200,
            r#"{"ok":false,"error":"fatal_error"}"#,
            later(7),
            "Slack answered fatal_error to chat.postMessage",
        ),
        (
            200,
            r#"{"ok":false,"error":"invalid_auth"}"#,
            later(7),
            "Slack answered invalid_auth to chat.postMessage",
        ),
        (
            200,
            r#"{"ok":false,"error":"channel_not_found"}"#,
            Retry::Never,
            "Slack answered channel_not_found to chat.postMessage",
        ),
        (
            200,
            r#"{"ok":false,"error":"private words!"}"#,
            Retry::Never,
            "Slack answered an unknown error to chat.postMessage",
        ),
    ] {
        let (called, _) = call(move |_| Answer::new(status, body).header("retry-after", "7")).await;
        let error = called.expect_err("an error");
        assert_eq!((error.retry(), error.to_string().as_str()), (retry, said));
        assert!(!format!("{error:?}").contains("private"), "{error:?}");
    }
}

#[tokio::test]
async fn a_lost_connection_is_tried_again() {
    let (called, _) = call(|_| Answer::none()).await;
    let error = called.expect_err("an error");
    assert_eq!(error.retry(), Retry::Later(None));
    assert!(!format!("{error} {error:?}").contains("xoxb"));
}

#[tokio::test]
async fn an_answer_without_end_is_left_at_the_limit() {
    let pause = Duration::from_millis(1);
    let (called, _) = call(move |_| {
        Answer::raw("HTTP/1.1 200 OK\r\n\r\n").then_endlessly("x".repeat(1 << 17), pause)
    })
    .await;
    let unreadable =
        matches!(&called, Err(SlackError::Call(error)) if error.kind == CallErrorKind::Unreadable);
    assert!(unreadable, "{called:?}");
}
