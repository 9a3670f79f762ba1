//! Calls that fail: which error it is, whether the call is repeated, and that no error says too much.

use super::*;

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
    let error = client
        .send_chat_to_agent(&to(None))
        .await
        .expect_err("refused");
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
        let error = client
            .send_chat_to_agent(&to(None))
            .await
            .expect_err("refused");
        assert_eq!((error.retry(), error), (LATER, expected));
    }
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
