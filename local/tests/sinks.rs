//! `sink test` and `sink preview` of the real binary.

use std::process::{Command, Output};

use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

fn run(config: &str, arguments: &[&str]) -> Output {
    run_with(config, arguments, &[])
}

/// Runs it with these variables of AWS, and no others.
fn run_with(config: &str, arguments: &[&str], aws: &[(&str, &str)]) -> Output {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("bridge.toml");
    std::fs::write(&file, config).expect("it is written");
    let variables = [
        "REGION",
        "ACCESS_KEY_ID",
        "SECRET_ACCESS_KEY",
        "SESSION_TOKEN",
        "ENDPOINT_URL",
    ];
    let mut command = Command::new(env!("CARGO_BIN_EXE_haptik-bridge"));
    for variable in variables {
        command.env_remove(format!("AWS_{variable}"));
    }
    command
        .envs(aws.iter().copied())
        .args(arguments)
        .arg("--config")
        .arg(&file)
        .output()
        .expect("the binary runs")
}

fn config(base_url: &str) -> String {
    format!(
        r#"
        [haptik.main]
        base_url = "http://127.0.0.1:1"
        client_id = "c"
        token = "haptik-token"
        webhook_secrets = ["s"]
        business_id = 343
        [channels.app]
        type = "custom"
        signing_secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
        callback_url = "https://app.example"
        [sinks.crm]
        type = "zendesk"
        events = ["webhook_conversation_complete"]
        base_url = "{base_url}"
        email = "bridge@acme.example"
        api_token = "hunter2"
        [sinks.bus]
        type = "eventbridge"
        events = ["*"]
        event_bus = "chats"
        "#
    )
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_preview_shows_the_request_without_its_secret_and_sends_nothing() {
    let output = run(&config("http://127.0.0.1:1"), &["sink", "preview", "crm"]);
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(
        shown.starts_with("POST http://127.0.0.1:1/api/v2/tickets.json\n"),
        "{shown}"
    );
    assert!(
        shown.contains("Basic [base64 of bridge@acme.example/token:…]"),
        "{shown}"
    );
    assert!(shown.contains("Chat with Asha Sample: Refund"), "{shown}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("aHVudGVyM"),
        "{shown}"
    );
}

#[test]
fn a_sink_that_there_is_not_is_an_error_that_names_those_that_there_are() {
    let output = run(&config("http://127.0.0.1:1"), &["sink", "test", "crn"]);
    let said = text(&output.stderr);
    assert!(!output.status.success());
    assert!(
        said.contains("there is no [sinks.crn]") && said.contains("there is bus, crm"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_makes_a_ticket_or_says_in_the_crms_words_why_not() {
    let create = async |headers: HeaderMap, Json(body): Json<Value>| {
        if headers.get("authorization").is_none() || body["ticket"]["subject"].is_null() {
            return (http::StatusCode::UNAUTHORIZED, Json(json!({})));
        }
        (
            http::StatusCode::CREATED,
            Json(json!({"ticket": {"id": 35}})),
        )
    };
    let refuse = async || {
        (
            http::StatusCode::UNPROCESSABLE_ENTITY,
            "{\"error\": \"RecordInvalid\"}",
        )
    };
    let router = Router::new()
        .route("/good/api/v2/tickets.json", post(create))
        .route("/bad/api/v2/tickets.json", post(refuse));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    for (path, expected) in [("good", "ticket 35"), ("bad", "RecordInvalid")] {
        let config = config(&format!("{url}/{path}"));
        let output = tokio::task::spawn_blocking(move || run(&config, &["sink", "test", "crm"]));
        let output = output.await.expect("it ends");
        assert_eq!(output.status.success(), path == "good");
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(
            said.contains(expected) && !said.contains("hunter2"),
            "{said}"
        );
    }
}

#[test]
fn a_bus_without_credentials_is_an_error_that_names_the_variables() {
    let config = config("http://127.0.0.1:1");
    let output = run(&config, &["sink", "test", "bus"]);
    assert!(!output.status.success());
    let said = text(&output.stderr);
    let missing = "there are no AWS credentials: missing or wrong in the environment: \
        AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY";
    assert!(said.contains(missing), "{said}");
    let output = run(&config, &["sink", "preview", "bus"]);
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(
        shown.starts_with("POST https://events.[AWS_REGION].amazonaws.com/\n"),
        "{shown}"
    );
    assert!(run(&config, &["check"]).status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_puts_an_event_on_the_bus_of_the_environment() {
    let answer = async |headers: HeaderMap, body: String| {
        let target = headers.get("x-amz-target").expect("a call").to_str();
        match target.expect("text") {
            "AWSEvents.PutEvents" if body.contains("webhook_conversation_complete") => {
                r#"{"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}"#
            }
            "AWSEvents.DescribeEventBus" => r#"{"Name": "chats"}"#,
            other => panic!("{other}"),
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let router = Router::new().route("/", post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let output = tokio::task::spawn_blocking(move || {
        let aws = [
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_ENDPOINT_URL", url.as_str()),
        ];
        let config = config("http://127.0.0.1:1");
        run_with(&config, &["sink", "test", "bus"], &aws)
    });
    let output = output.await.expect("it ends");
    assert_eq!(text(&output.stdout), "bus took the event.\n", "{output:?}");
}
