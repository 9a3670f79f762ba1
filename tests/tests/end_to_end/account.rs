//! An account as Haptik really has them: an integration API with a host and a token of its own, synchronous
//! answers, and a webhook for each queue and platform.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use haptik_bridge_shared::net::fake::{Answer, Fake, Request};
use haptik_bridge_simulator::{Reply, Settings, UserMessage};
use haptik_bridge_tests::app::{App, SECRET};
use haptik_bridge_tests::{Options, Stage};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(15);

fn echo(message: &UserMessage) -> Vec<Reply> {
    vec![Reply::Text(format!("You said: {}", message.text))]
}

fn options() -> Options {
    Options {
        haptik: Settings {
            time_scale: 0.001,
            ..Settings::default()
        },
        ..Options::default()
    }
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap_or_default()
}

async fn wait(what: &str, is_so: impl Fn() -> bool) {
    let end = std::time::Instant::now() + PATIENCE;
    while !is_so() {
        assert!(std::time::Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn asked(id: &str) -> Value {
    json!({
        "id": id, "timestamp": Timestamp::now().to_string(), "message": "wants a refund",
        "user": {"id": "u-42"},
    })
}

/// The integration API, which takes one token and knows one receiver.
async fn integration() -> Fake {
    Fake::start(|request| {
        if request.header("authorization") != "Bearer integration-token" {
            return Answer::new(
                200,
                r#"{"success": false, "error_message": "Invalid token"}"#,
            );
        }
        if body(request)["receiver"] != "athena" {
            let words = r#"{"error_message": "receiver zendesk is not known"}"#;
            return Answer::new(400, words);
        }
        Answer::new(200, r#"{"success": true}"#)
    })
    .await
}

#[tokio::test]
async fn a_chat_is_moved_to_a_receiver_with_the_token_of_the_other_api() -> anyhow::Result<()> {
    let fake = integration().await;
    let mut options = options();
    options.account = format!(
        "integration_base_url = \"{}\"\nintegration_token = [\"expired\", \"integration-token\"]",
        fake.url("")
    );
    options.app = "team_name = 'Support'\nreceiver = 'zendesk'";
    let stage = Stage::with(options, echo).await?;
    let url = format!("{}/handoff", stage.channel_url("my-app"));
    let mut own = asked("h-1");
    own["receiver"] = json!("athena");
    assert_eq!(stage.app.send(&url, &own).await?.0, 202);
    wait("the chat is moved", || fake.requests().len() >= 2).await;
    let requests = fake.requests();
    let paths: Vec<&str> = requests
        .iter()
        .map(|request| request.path.as_str())
        .collect();
    assert_eq!(paths, ["/integration/external/v2.0/send_chat_to_agent/"; 2]);
    assert_eq!(body(&requests[1])["receiver"], "athena");
    assert_eq!(body(&requests[1])["team_name"], "Support");
    assert_eq!(stage.app.delete(&format!("{url}/u-42")).await?.0, 202);
    stage.app.wait_for_type("handoff_ended", 1).await;

    // The connection's own receiver is not known at Haptik.
    assert_eq!(stage.app.send(&url, &asked("h-2")).await?.0, 202);
    let ended = stage.app.wait_for_type("handoff_ended", 2).await.remove(1);
    assert_eq!(ended.body["reason"], "failed");
    let error = ended.body["error"].as_str().expect("words");
    assert!(error.contains("receiver zendesk is not known"), "{error}");
    assert_eq!(stage.finish_with_dead().await?.len(), 1);
    Ok(())
}

/// A bot that answers at once, but for one message, and what it heard.
async fn slow_bot(count: Arc<AtomicUsize>) -> Fake {
    Fake::start(move |request| {
        let text = body(request)["message_body"].clone();
        let number = count.fetch_add(1, Ordering::SeqCst);
        let said = json!({"text": format!("Heard: {}", text.as_str().unwrap_or_default()), "type": "TEXT", "data": {}});
        let answer = json!({
            "agent": {"name": "gogo", "is_automated": true},
            "message": [{"id": 7_000 + number, "body": said}, {"body": said}, {"body": said}],
        });
        let answer = Answer::new(200, answer.to_string());
        if text == "slow" { answer.after(Duration::from_secs(3)) } else { answer }
    })
    .await
}

#[tokio::test]
async fn a_synchronous_message_is_told_once_and_its_answers_reach_the_sinks() -> anyhow::Result<()>
{
    let count = Arc::new(AtomicUsize::new(0));
    let (bot, receiver) = (slow_bot(Arc::clone(&count)).await, App::start().await?);
    let mut options = options();
    options.account = format!("sync_url = \"{}\"\nsync_timeout = \"1s\"", bot.url("sync"));
    options.tables = format!(
        "[sinks.audit]\ntype = \"webhook\"\nevents = [\"message\"]\nurl = \"{}\"\nsigning_secrets = [\"{SECRET}\"]",
        receiver.url()
    );
    let stage = Stage::with(options, echo).await?;
    let say = |id: &str, text: &str| json!({"type": "message", "id": id, "timestamp": Timestamp::now().to_string(), "text": text, "user": {"id": "u-42"}});
    stage.app_sends(&say("m-1", "slow")).await?;
    stage.app_sends(&say("m-2", "quick")).await?;
    let said = stage.app.wait_for(3).await;
    assert!(
        said.iter()
            .all(|callback| callback.body["text"] == "Heard: quick"),
        "{said:?}"
    );
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(
        count.load(Ordering::SeqCst),
        2,
        "the slow one is not told again"
    );
    let events = receiver.wait_for(3).await;
    assert!(
        events
            .iter()
            .all(|event| event.body["data"]["event_name"] == "message"),
        "{events:?}"
    );
    stage.finish().await
}

#[tokio::test]
async fn a_handoff_that_waits_for_haptiks_name_of_the_user_says_so() -> anyhow::Result<()> {
    let bot = slow_bot(Arc::default()).await;
    let mut options = options();
    options.account = format!("sync_url = \"{}\"", bot.url("sync"));
    options.app = "team_name = 'Support'\nno_agent_after = '1m'";
    let stage = Stage::with(options, echo).await?;
    let url = format!("{}/handoff", stage.channel_url("my-app"));
    let (status, answer) = stage.app.send(&url, &asked("h-1")).await?;
    assert_eq!(status, 202, "{answer}");
    stage.app.wait_for_type("message", 3).await;
    wait("the chat is to be moved", || true).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let later = Timestamp::now().checked_add(SignedDuration::from_mins(2))?;
    stage.local.processor.run_scheduled_maintenance(later).await;
    let ended = stage.app.wait_for_type("handoff_ended", 1).await.remove(0);
    assert_eq!(ended.body["reason"], "no_agent");
    let error = ended.body["error"].as_str().expect("words");
    assert!(error.contains("user_name"), "{error}");
    stage.finish().await
}

#[tokio::test]
async fn the_webhook_is_enabled_for_every_queue_and_platform() -> anyhow::Result<()> {
    let other = Fake::start(|request| match body(request)["device_platform"].as_u64() {
        Some(13) => Answer::new(200, r#"{"enabled": true}"#),
        _ => Answer::new(
            400,
            r#"{"error_message": "there is no webhook for this platform"}"#,
        ),
    })
    .await;
    let mut options = options();
    options.slack = "haptik = 'main'";
    options.app = "haptik = 'main'";
    options.tables = format!(
        "[haptik.other]\nbase_url = \"{}\"\nclient_id = \"c\"\ntoken = \"t\"\nwebhook_secrets = [\"w\"]\n\
         business_id = 400\nbusiness_ids = [401, 400]\ndevice_platforms = [13, 5]",
        other.url("")
    );
    let stage = Stage::with(options, echo).await?;
    let house = |minutes: i64| {
        let stage = &stage;
        async move {
            let now = Timestamp::now() + SignedDuration::from_mins(minutes);
            stage.local.processor.run_scheduled_maintenance(now).await;
        }
    };
    house(0).await;
    let mut enabled: Vec<(u64, u64)> = other
        .requests()
        .iter()
        .map(body)
        .map(|body| {
            let number = |key: &str| body[key].as_u64().expect("a number");
            (number("business_id"), number("device_platform"))
        })
        .collect();
    enabled.sort_unstable();
    assert_eq!(enabled, [(400, 5), (400, 13), (401, 5), (401, 13)]);
    // What Haptik refuses of those that only sinks see is not asked every minute.
    house(1).await;
    assert_eq!(other.requests().len(), 4);
    house(62).await;
    assert_eq!(other.requests().len(), 8);
    stage.finish().await
}

#[tokio::test]
async fn answers_without_ids_are_shown_in_their_order() -> anyhow::Result<()> {
    let texts = ["one", "two", "three", "four", "five", "six"];
    let bot = Fake::start(move |_| {
        let said = texts.map(|text| json!({"body": {"text": text, "type": "TEXT", "data": {}}}));
        let at = Timestamp::now().to_string();
        let answer = json!({"agent": {"name": "gogo", "is_automated": true}, "timestamp": at, "message": said});
        Answer::new(200, answer.to_string())
    })
    .await;
    let mut options = options();
    options.account = format!("sync_url = \"{}\"", bot.url("sync"));
    let stage = Stage::with(options, echo).await?;
    let hello = json!({"type": "message", "id": "m-1", "timestamp": Timestamp::now().to_string(), "text": "hi", "user": {"id": "u-42"}});
    stage.app_sends(&hello).await?;
    let said = stage.app.wait_for_type("message", texts.len()).await;
    let said: Vec<_> = said.iter().map(|told| told.body["text"].clone()).collect();
    assert_eq!(said, texts);
    stage.finish().await
}
