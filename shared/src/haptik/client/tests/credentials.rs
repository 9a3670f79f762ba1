//! Credentials, versions and time-outs, of every call.

use super::*;
use crate::message::hsl::Hsl;

/// Every call, made by this client.
async fn every_call(client: &HaptikClient) -> Vec<(Call, Result<(), HaptikError>)> {
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
    vec![
        (Call::CreateUser, client.create_user(&user).await),
        (Call::UpdateUser, client.update_user(&user).await),
        (Call::LogMessage, log(client).await.map(drop)),
        (Call::LogFile, client.log_file(&file).await.map(drop)),
        (Call::LogFeedback, rate(client).await),
        (Call::EnableWebhook, client.enable_webhook(343, 5).await),
        (
            Call::SendChatToAgent,
            client.send_chat_to_agent(&to(None)).await,
        ),
        (
            Call::SendChatToAgent,
            client.send_chat_to_agent(&to(Some("athena"))).await,
        ),
        (
            Call::GetChatHistory,
            client.get_chat_history(&history()).await.map(drop),
        ),
        (
            Call::SyncMessage,
            client
                .send_sync_message(&auth_id, 343, "hi")
                .await
                .map(drop),
        ),
    ]
}

const GOOD: &str = r#"{"success": true, "enabled": true, "chat_json": [], "message": []}"#;

#[tokio::test]
async fn what_is_said_of_a_token_is_believed_whatever_the_status_and_the_call() {
    let words = [
        r#"{"error_message": "Invalid token"}"#,
        r#"{"success": false, "error_message": "invalid_token provided"}"#,
        r#"{"error_message": "token missing in headers"}"#,
        r#"{"error": "Client-Id is not valid"}"#,
        r#"{"error_message": "invalid authorization details"}"#,
        r#"{"status": "error", "message": "Token has expired"}"#,
        r#"{"detail": "Invalid token."}"#,
        r#"{"error": {"code": 7, "message": "The access_token is invalid"}}"#,
        r#"{"errors": ["Invalid  Token"]}"#,
        r#"{"errors": [{"field": "header", "detail": "Authentication credentials were not provided."}]}"#,
        r#"{"success": "false", "message": "Bad token"}"#,
        r#"{"error_message": "jwt expired"}"#,
        r#""Invalid token""#,
        "Invalid token",
    ];
    for status in [200, 201, 400, 401, 403, 404, 422, 500, 503] {
        for words in words {
            let (fake, client) = start(move |request| {
                if request.header("authorization") == "Bearer old-token" {
                    Reply::new(200, GOOD)
                } else {
                    Reply::new(status, words)
                }
            })
            .await;
            for (call, made) in every_call(&client).await {
                assert_eq!(made, Ok(()), "{call} {status} {words}");
            }
            assert_eq!(fake.requests().len(), 20, "{status} {words}");
            let (_fake, client) = start(move |_| Reply::new(status, words)).await;
            for (call, made) in every_call(&client).await {
                let error = made.expect_err("no token is accepted");
                assert!(error.is_of_token(), "{call} {status} {words}: {error}");
                assert_eq!(error.retry(), LATER, "{call} {status} {words}");
            }
        }
    }
}

#[tokio::test]
async fn words_about_something_else_are_no_matter_of_credentials() {
    for words in [
        "inactive team",
        "user_name is not known",
        "invalid business_id",
        "receiver is not known",
        "Invalid team_name",
        "message is too long: too many tokens",
    ] {
        let body = json!({"error_message": words}).to_string();
        let (fake, client) = start(move |_| Reply::new(400, body.as_str())).await;
        for (call, made) in every_call(&client).await {
            let error = made.expect_err("refused");
            assert_eq!(
                (error.retry(), error.is_of_token()),
                (Retry::Never, false),
                "{call} {words}"
            );
            assert_eq!(error.detail(), Some(words), "{call}");
        }
        assert_eq!(fake.requests().len(), 10, "each is asked once");
    }
}

#[tokio::test]
async fn the_integration_api_has_its_own_token_and_the_receiver_its_version() {
    let (fake, mut client) = start(|_| Reply::new(200, GOOD)).await;
    client.integration_tokens = Secrets::new("integration", []);
    for (call, made) in every_call(&client).await {
        assert_eq!(made, Ok(()), "{call}");
    }
    for request in fake.requests() {
        let is_integration = request.path.contains("/integration/");
        let token = if is_integration {
            "Bearer integration"
        } else {
            "Bearer new-token"
        };
        assert_eq!(request.header("authorization"), token, "{}", request.path);
        if request.path.contains("send_chat_to_agent") {
            let receiver = body(&request).get("receiver").cloned();
            let version = if request.path.contains("/v2.0/") {
                Some(json!("athena"))
            } else {
                None
            };
            assert_eq!(receiver, version, "{}", request.path);
        }
    }
}

#[tokio::test]
async fn a_synchronous_call_says_whether_it_may_have_been_heard() {
    let late = || Reply::new(200, GOOD).after(Duration::from_secs(5));
    for (answer, may_have_been_said) in [
        (late(), true),
        (Reply::new(504, ""), true),
        (Reply::new(200, "nothing"), true),
        (Reply::none(), true),
        (Reply::new(503, ""), false),
        (Reply::new(429, ""), false),
        (Reply::new(400, r#"{"error_message": "no"}"#), false),
        (Reply::new(401, ""), false),
        (
            Reply::new(403, r#"{"error_message": "user is not registered"}"#),
            false,
        ),
    ] {
        let shown = format!("{answer:?}");
        let (_fake, client) = start(move |_| answer.clone()).await;
        let said = client.send_sync_message(&auth_id(), 343, "hi").await;
        let error = said.expect_err("it fails");
        assert_eq!(
            error.may_have_been_said(),
            may_have_been_said,
            "{shown}: {error}"
        );
    }
}

#[tokio::test]
async fn a_good_answer_that_speaks_of_tokens_is_a_good_answer() {
    for answer in [
        r#"{"success": true, "message": "Token is valid, no token missing", "enabled": true, "chat_json": [], "chat_text": "x", "message_id": 7}"#,
        r#"{"enabled": true, "chat_json": [{"sender": "user", "text": "invalid token"}], "chat_text": "user: invalid token", "message": [{"body": "Your token is invalid"}]}"#,
    ] {
        let (fake, client) = start(move |_| Reply::new(200, answer)).await;
        for (call, made) in every_call(&client).await {
            if call != Call::SyncMessage {
                assert_eq!(made, Ok(()), "{call} {answer}");
            }
        }
        assert_eq!(fake.requests().len(), 10, "each is asked once");
    }
}

#[tokio::test]
async fn whom_haptik_does_not_know_is_known_in_whatever_status_of_the_calls_that_make_users_known()
{
    for status in [200, 400, 403, 404] {
        let words = r#"{"error_message": "user_is not registered"}"#.replace("user_is", "User is");
        let (_fake, client) = start(move |_| Reply::new(status, words.as_str())).await;
        let said = log(&client).await.expect_err("nobody");
        assert_eq!(
            said,
            HaptikError::NotRegistered {
                call: Call::LogMessage
            },
            "{status}"
        );
    }
    // Of the integration API it is Haptik's own name of the user that is wrong: to be refused, not waited for.
    for status in [200, 400, 403, 404] {
        let words = r#"{"error_message": "Invalid user_name"}"#;
        let (_fake, client) = start(move |_| Reply::new(status, words)).await;
        for (call, made) in every_call(&client).await {
            if matches!(call, Call::SendChatToAgent | Call::GetChatHistory) {
                let error = made.expect_err("refused");
                assert!(error.is_refused(), "{call} {status}: {error:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_synchronous_answer_is_read_however_its_messages_are_put() {
    let hello = r#"{"text": "Hello", "type": "TEXT", "data": {}}"#;
    for (answer, count) in [
        (
            format!(r#"{{"message": [{{"id": 1, "body": {hello}}}]}}"#),
            1,
        ),
        (
            format!(r#"{{"message": {{"id": "1", "body": {hello}}}}}"#),
            1,
        ),
        (
            format!(r#"{{"message": null, "messages": [{hello}, "Hello"]}}"#),
            2,
        ),
        (
            format!(r#"{{"message": [null, 7, {{}}, {{"body": {hello}}}]}}"#),
            1,
        ),
        (r#"{"message": []}"#.to_owned(), 0),
    ] {
        let shown = answer.clone();
        let (_fake, client) = start(move |_| Reply::new(200, answer.as_str())).await;
        let said = client.send_sync_message(&auth_id(), 343, "hi").await;
        let said = said.unwrap_or_else(|error| panic!("{shown}: {error}"));
        let texts = said.messages.iter().map(|one| Hsl::read(&one.body).text);
        assert_eq!(texts.collect::<Vec<_>>(), vec!["Hello"; count], "{shown}");
    }
}
