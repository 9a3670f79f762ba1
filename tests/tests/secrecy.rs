//! Nothing that was said and no secret is in a log line, a `Debug`, an error or a reason in the ledger,
//! whatever goes wrong. The test is alone in its binary: it captures all that is logged.

use std::sync::Arc;
use std::time::Duration;

use haptik_bridge_local::application::Application;
use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_local::queue::LocalQueue;
use haptik_bridge_processor::Limits;
use haptik_bridge_shared::net::aws::AwsEnvironment;
use haptik_bridge_shared::retry::Detail;
use haptik_bridge_shared::telemetry;
use haptik_bridge_simulator::{
    CallFault, CallOutcome, MESSAGE_PATH, Reply, USER_PATH, UserMessage,
};
use haptik_bridge_tests::app::{self, client};
use haptik_bridge_tests::fake_crm::{FakeCrm, Kind, zendesk};
use haptik_bridge_tests::fake_slack::{Delivery, Fault};
use haptik_bridge_tests::log::Log;
use haptik_bridge_tests::{Options, Stage};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

/// Stands in everything that people say, and in their names, addresses and files.
const SAID: &str = "between-you-and-me";

/// Stands in what Haptik says of a message: that is kept in the ledger for a look, and not logged.
const QUOTED: &str = "as-haptik-quotes-it";

/// What the CRM says of a ticket: the same goes for that.
const OF_THE_CRM: &str = "something went wrong";

/// What must not be printed.
fn unprintable(stage: &Stage) -> Vec<String> {
    let (workspace, haptik) = (stage.slack.workspace(), stage.simulator().settings());
    vec![
        SAID.to_owned(),
        workspace.bot_token.clone(),
        workspace.signing_secret.clone(),
        haptik.token.expose_secret().to_owned(),
        haptik.webhook_secret.expose_secret().to_owned(),
        app::SECRET.trim_start_matches("whsec_").to_owned(),
        zendesk::API_TOKEN.to_owned(),
    ]
}

fn assert_has_none(unprintable: &[String], what: &str, printed: &str) {
    for text in unprintable {
        let around = printed.find(text.as_str()).map(|at| {
            let from = printed.floor_char_boundary(at.saturating_sub(300));
            let to = printed.floor_char_boundary(at + 300);
            &printed[from..to]
        });
        assert!(around.is_none(), "{what} has {text:?}: {around:?}");
    }
}

fn echo(message: &UserMessage) -> Vec<Reply> {
    vec![Reply::Text(message.text.clone())]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_said_and_no_secret_is_printed_whatever_goes_wrong() -> anyhow::Result<()>
{
    let log = Log::start();
    let desk = FakeCrm::zendesk().await;
    let options = Options {
        tables: format!(
            "[outbound]\nallow_private_networks = false\n[sinks.crm]\n{}\nbase_url = '{}'\n\
             events = ['webhook_conversation_complete']\ntranscript = 'none'",
            Kind::Zendesk.login(),
            desk.base_url()
        ),
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    let unprintable = unprintable(&stage);

    forged(&stage).await?;
    not_understood(&stage).await?;
    refused_by_us(&stage, &unprintable).await?;
    refused_by_others(&stage).await?;
    refused_by_a_crm(&stage, &desk).await?;
    not_durable(&stage, &unprintable).await?;

    assert!(stage.local.queue.idle(Duration::from_secs(30)).await);
    let (_, dead) = stage.left_over().await?;
    assert!(dead.len() >= 9, "only {} were given up", dead.len());
    let (mut by_haptik, mut by_the_crm) = (0, 0);
    let quoted = [QUOTED, OF_THE_CRM].map(str::to_owned);
    for entry in &dead {
        assert_has_none(&unprintable, "Debug of an entry", &format!("{entry:?}"));
        let reason = entry.reason.as_deref().unwrap_or_default();
        assert_has_none(&unprintable, "a reason", reason);
        let words = entry.detail.as_ref().map_or("", Detail::as_str);
        by_haptik += usize::from(words.contains(QUOTED));
        by_the_crm += usize::from(words.contains(OF_THE_CRM));
        for (what, text) in [
            ("a reason", reason),
            ("Debug of an entry", &format!("{entry:?}")),
        ] {
            assert_has_none(&quoted, what, text);
        }
    }
    assert!(by_haptik > 0, "Haptik's own words are kept");
    assert_eq!(by_the_crm, 1, "and the CRM's");
    let bridge = &stage.local.bridge;
    assert_has_none(&unprintable, "Debug of the bridge", &format!("{bridge:?}"));
    let sinks = format!("{:?}", stage.local.sinks);
    assert_has_none(&unprintable, "Debug of the sinks", &sinks);
    let config = format!("{:?}", bridge.config);
    assert_has_none(&unprintable, "Debug of the configuration", &config);

    let text = log.text();
    assert!(text.lines().count() > 50, "too little is logged:\n{text}");
    assert!(text.contains("rejected") && text.contains("not_understood") && text.contains("dead"));
    assert_has_none(&unprintable, "the log", &text);
    assert_has_none(&quoted, "the log", &text);
    stage.abandon();
    Ok(())
}

/// Requests that are not what they say they are.
/// What a program says that panics: its place, and not what the panic quotes. In a process of its own, since whoever
/// looks after panics does so for all of one.
#[test]
fn a_panic_is_logged_by_its_place_alone() -> anyhow::Result<()> {
    for name in ["panics_where_lines_are_logged", "panics_where_nothing_is"] {
        let panics = std::process::Command::new(std::env::current_exe()?)
            .args(["--exact", name, "--ignored", "--nocapture"])
            .output()?;
        let said = [panics.stdout, panics.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(!panics.status.success(), "{said}");
        assert!(said.contains("secrecy.rs:"), "{said}");
        assert!(!said.contains(SAID), "{said}");
    }
    Ok(())
}

#[test]
#[ignore = "a_panic_is_logged_by_its_place_alone runs it"]
fn panics_where_lines_are_logged() {
    telemetry::init("", None);
    panic!("byte index 1 is not a char boundary of `{SAID}`");
}

#[test]
#[ignore = "a_panic_is_logged_by_its_place_alone runs it"]
fn panics_where_nothing_is() {
    telemetry::log_panics_by_place();
    panic!("byte index 1 is not a char boundary of `{SAID}`");
}

async fn forged(stage: &Stage) -> anyhow::Result<()> {
    let url = stage.channel_url("acme-slack");
    let event = stage.slack.dm("U00000ASHA", SAID);
    for forged in [
        Delivery::of(&event).unsigned(),
        Delivery::of(&event).signed_with("not the secret"),
        Delivery::of(&event).with_signature("v0=00"),
        Delivery::of(&event).with_timestamp_header("soon"),
    ] {
        assert_eq!(
            stage.slack.client().deliver(&url, &forged).await.status,
            401
        );
    }
    let http = client()?;
    for path in ["channels/my-app", "haptik/main"] {
        let forged = http.post(format!("{}/{path}", stage.url));
        let forged = forged.header("x-hub-signature", "sha1=00").body(SAID);
        assert_eq!(forged.send().await?.status(), 401);
    }
    Ok(())
}

/// Genuine requests of a kind that nobody knows.
async fn not_understood(stage: &Stage) -> anyhow::Result<()> {
    let url = stage.channel_url("acme-slack");
    for (body, content_type) in [
        (format!("{{\"type\": \"a {SAID}\"}}"), "application/json"),
        (format!("{{\"text\": \"{SAID}"), "application/json"),
        (format!("payload={SAID}"), "application/x-www-form-urlencoded"),
        (format!("text={SAID}"), "application/x-www-form-urlencoded"),
        (
            json!({"type": "event_callback", "event": {"type": "message", "text": SAID, "user": {"name": SAID}}})
                .to_string(),
            "application/json",
        ),
    ] {
        let delivery = Delivery::raw(body, content_type);
        assert_eq!(stage.slack.client().deliver(&url, &delivery).await.status, 200);
    }
    for body in [
        SAID.to_owned(),
        json!([SAID]).to_string(),
        json!({"event_name": "brand_new", "text": SAID}).to_string(),
        json!({"event_name": "message", "message": {"id": 1, "body": SAID}}).to_string(),
        // For a user whom this bridge does not know.
        json!({"event_name": "message", "user": {"auth_id": "x"}, "message": {"id": 1, "body": SAID}}).to_string(),
    ] {
        stage.simulator().deliver_raw(body);
    }
    Ok(())
}

/// What breaks the custom channel's rules, and files that are not fetched.
async fn refused_by_us(stage: &Stage, unprintable: &[String]) -> anyhow::Result<()> {
    let url = stage.channel_url("my-app");
    let now = Timestamp::now().to_string();
    let good = json!({"type": "message", "id": "m-1", "timestamp": now, "text": SAID, "user": {"id": "u-1"}});
    let spoilt: [(&str, Value); 9] = [
        ("/type", json!(SAID)),
        ("/id", json!({SAID: SAID})),
        ("/timestamp", json!(SAID)),
        ("/text", json!([SAID])),
        ("/user", json!(SAID)),
        ("/user/id", json!([SAID])),
        ("/user/name", json!({"x": SAID})),
        (
            "/attachments",
            json!([{"url": format!("http://me:{SAID}@example.com/a.png"), "name": SAID}]),
        ),
        (
            "/attachments",
            json!([{"url": format!("ftp://{SAID}/{SAID}"), "name": SAID}]),
        ),
    ];
    for (pointer, value) in spoilt {
        let mut body = good.clone();
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        body.pointer_mut(parent).expect("an object")[key] = value;
        let (status, answer) = stage.app.send(&url, &body).await?;
        assert_eq!(status, 400, "{pointer}: {answer}");
        assert_has_none(unprintable, pointer, &answer.to_string());
    }
    let mut with_files = good;
    with_files["id"] = json!("m-2");
    with_files["attachments"] = json!([
        {"url": format!("http://127.0.0.1:1/{SAID}.png"), "name": format!("{SAID}.png"), "mime_type": "image/png"},
        {"url": format!("http://169.254.169.254/{SAID}.png"), "name": format!("{SAID}.png"), "mime_type": "image/png"},
    ]);
    let (status, answer) = stage.app.send(&url, &with_files).await?;
    assert_eq!(status, 202, "{answer}");
    stage
        .simulator()
        .wait_until(Duration::from_secs(20), |seen| seen.messages.len() == 3)
        .await?;
    Ok(())
}

/// What Haptik, Slack and the application do not take.
async fn refused_by_others(stage: &Stage) -> anyhow::Result<()> {
    let refused = |status| CallOutcome::Status {
        status,
        retry_after: None,
        body: Some(json!({"error_message": format!("no: {QUOTED}")})),
    };
    for (path, outcome) in [
        (MESSAGE_PATH, refused(400)),
        (MESSAGE_PATH, refused(500)),
        (MESSAGE_PATH, CallOutcome::Garbage),
        (MESSAGE_PATH, CallOutcome::Drop),
        (USER_PATH, refused(500)),
    ] {
        stage.simulator().add_call_fault(CallFault {
            times: Some(1),
            ..CallFault::on(path, outcome)
        });
    }
    for fault in [
        Fault::Status(500),
        Fault::CutBefore,
        Fault::Refused("invalid_blocks".to_owned()),
        Fault::Refused("is_archived".to_owned()),
    ] {
        stage.slack.fail_next("chat.postMessage", 1, fault);
    }
    stage.app.answer_next(&[500, 422]);
    for user in ["U00000ASHA", "U00000RAVI"] {
        for text in ["one", "two"] {
            let event = stage.slack.dm(user, &format!("{SAID} {text}"));
            let url = stage.channel_url("acme-slack");
            assert!(
                stage
                    .slack
                    .client()
                    .send(&url, &event)
                    .await
                    .is_acknowledged()
            );
        }
    }
    Ok(())
}

/// Tickets that a CRM does not take: this one, not now, and not with these credentials.
async fn refused_by_a_crm(stage: &Stage, desk: &FakeCrm) -> anyhow::Result<()> {
    for status in [422, 500, 401] {
        let refusal = Fault::Status(status);
        desk.fail_next("POST", "/api/v2/tickets", 1, refusal.clone());
        stage.simulator().deliver(&json!({
            "event_name": "webhook_conversation_complete",
            "timestamp": Timestamp::now().to_string(),
            "user": {"auth_id": format!("a-{status}"), "user_name": SAID},
            "agent": {"name": SAID, "is_automated": false},
            "data": {
                "conversation_identifier": status.to_string(),
                "conversation_details": {SAID: SAID},
                "user_details": {"name": SAID, "email": format!("{SAID}@x.example")},
            },
        }));
        let answered = || desk.failed().iter().any(|failed| failed.fault == refusal);
        desk.wait_until("its answer", || answered().then_some(()))
            .await;
        if status == 500 {
            desk.wait_for_tickets(1).await;
        }
    }
    assert!(stage.local.queue.idle(Duration::from_secs(30)).await);
    let breaker = stage.local.bridge.breakers.of("crm").await?;
    let reason = breaker.attention.unwrap_or_default();
    assert!(reason.contains(OF_THE_CRM), "{reason}");
    Ok(())
}

/// A request while DynamoDB does not answer.
async fn not_durable(stage: &Stage, unprintable: &[String]) -> anyhow::Result<()> {
    let database = EmbeddedDynamoDb::start(None).await?;
    let nowhere = database.table_through("http://127.0.0.1:1")?;
    let config = stage.local.bridge.config.clone();
    let (queue, aws) = (Arc::new(LocalQueue::new()), AwsEnvironment::read(|_| None));
    let router = Application::new(config, &nowhere, queue, Limits::default(), &aws)?.router();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/channels/my-app", listener.local_addr()?);
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let body = json!({"type": "message", "id": "m-9", "timestamp": Timestamp::now().to_string(),
                      "text": SAID, "user": {"id": "u-1", "name": SAID}});
    let (status, answer) = stage.app.send(&url, &body).await?;
    assert_eq!(status, 503);
    assert_has_none(unprintable, "the answer", &answer.to_string());
    serving.abort();
    Ok(())
}
