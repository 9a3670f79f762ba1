//! Who a user is at Haptik: by the id that the company's own systems know, one person on several connections.

use std::time::Duration;

use haptik_bridge_simulator::{
    CallFault, CallOutcome, Reply, Settings, USER_PATH, UserMessage, signature,
};
use haptik_bridge_tests::app::{App, SECRET};
use haptik_bridge_tests::{Options, Stage};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

/// Slack's id of the user, which the application knows her by as well.
const ASHA: &str = "U00000ASHA";
const PATIENCE: Duration = Duration::from_secs(15);

fn echo(message: &UserMessage) -> Vec<Reply> {
    vec![Reply::Text(format!("You said: {}", message.text))]
}

fn options() -> Options {
    Options {
        slack: "auth_id = 'user'",
        app: "auth_id = 'user'\nteam_name = 'Support'",
        haptik: Settings {
            time_scale: 0.001,
            ..Settings::default()
        },
        ..Options::default()
    }
}

fn said(id: &str, text: &str) -> Value {
    said_at(id, text, Timestamp::now())
}

fn said_at(id: &str, text: &str, at: Timestamp) -> Value {
    json!({"type": "message", "id": id, "timestamp": at.to_string(), "text": text, "user": {"id": ASHA}})
}

/// Waits until the application was told this text.
async fn told(app: &App, text: &str) {
    let has_it = || {
        app.callbacks()
            .iter()
            .any(|callback| callback.body["text"] == text)
    };
    let end = std::time::Instant::now() + PATIENCE;
    while !has_it() {
        assert!(
            std::time::Instant::now() < end,
            "{text:?} is not in {:?}",
            app.callbacks()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_person_is_one_user_at_haptik_and_answered_where_she_wrote_last() -> anyhow::Result<()> {
    let stage = Stage::with(options(), echo).await?;
    let channel = stage.slack_user_says(ASHA, "one").await;
    stage.slack.wait_for_text(&channel, "You said: one").await;
    let answer = stage.app_sends(&said("m-1", "two")).await?;
    assert_eq!(answer["auth_id"], ASHA);
    told(&stage.app, "You said: two").await;
    stage.slack_user_says(ASHA, "three").await;
    stage.slack.wait_for_text(&channel, "You said: three").await;
    // What Haptik says of itself goes where she wrote last as well.
    stage.simulator().agent_says_text(ASHA, "An agent here")?;
    stage.slack.wait_for_text(&channel, "An agent here").await;
    stage.simulator().records(|seen| {
        let created = seen.users.iter().filter(|call| call.created);
        let created: Vec<&str> = created.map(|call| call.auth_id.as_str()).collect();
        assert_eq!(created, [ASHA]);
        assert!(seen.messages.iter().all(|message| message.auth_id == ASHA));
    });
    let elsewhere = stage.app.of_type("message");
    assert_eq!(elsewhere.len(), 1, "{elsewhere:?}");
    stage.finish().await
}

#[tokio::test]
async fn two_applications_may_call_two_messages_the_same() -> anyhow::Result<()> {
    let other = App::start().await?;
    let mut options = options();
    options.tables = format!(
        "[channels.other]\ntype = \"custom\"\nauth_id = \"user\"\nsigning_secrets = [\"{SECRET}\"]\ncallback_url = \"{}\"",
        other.url()
    );
    let stage = Stage::with(options, echo).await?;
    let at = Timestamp::now();
    stage.app_sends(&said_at("m-1", "here", at)).await?;
    told(&stage.app, "You said: here").await;
    let url = stage.channel_url("other");
    for _ in 0..2 {
        let (status, answer) = other.send(&url, &said_at("m-1", "there", at)).await?;
        assert_eq!(status, 202, "{answer}");
    }
    told(&other, "You said: there").await;
    assert_eq!(stage.haptik_was_told(2).await?, ["here", "there"]);
    stage.finish().await
}

#[tokio::test]
async fn an_answer_that_waits_for_slack_goes_where_she_writes_meanwhile() -> anyhow::Result<()> {
    let stage = Stage::with(options(), echo).await?;
    let channel = stage.slack_user_says(ASHA, "one").await;
    stage.slack.wait_for_text(&channel, "You said: one").await;
    stage.slack.set_down(true);
    stage.slack_user_says(ASHA, "two").await;
    stage.haptik_was_told(2).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    stage.app_sends(&said("m-1", "three")).await?;
    told(&stage.app, "You said: two").await;
    told(&stage.app, "You said: three").await;
    stage.slack.set_down(false);
    stage.finish().await
}

#[tokio::test]
async fn control_returns_to_the_bot_that_handed_over_wherever_the_user_writes_by_then()
-> anyhow::Result<()> {
    let stage = Stage::with(options(), |_: &UserMessage| Vec::new()).await?;
    let asked = json!({
        "id": "h-1", "timestamp": Timestamp::now().to_string(), "message": "wants a refund",
        "user": {"id": ASHA},
    });
    let url = format!("{}/handoff", stage.channel_url("my-app"));
    assert_eq!(stage.app.send(&url, &asked).await?.0, 202);
    stage.haptik_was_told(1).await?;
    let channel = stage.slack_user_says(ASHA, "I am on Slack now").await;
    stage.haptik_was_told(2).await?;
    stage.simulator().agent_says_text(ASHA, "So am I")?;
    stage.slack.wait_for_text(&channel, "So am I").await;
    let (status, ended) = stage.app.delete(&format!("{url}/{ASHA}")).await?;
    assert_eq!((status, &ended["id"]), (202, &json!("h-1")));
    let ended = stage.app.wait_for_type("handoff_ended", 1).await.remove(0);
    assert_eq!(ended.body["user"], json!({"id": ASHA}));
    assert_eq!(ended.body["reason"], "ended_by_bot");
    assert_eq!(ended.body["agent_joined"], true);
    stage.finish().await
}

#[tokio::test]
async fn after_hours_somebody_is_told_also_whom_a_bot_had_handed_over_and_taken_back()
-> anyhow::Result<()> {
    let sink = App::start().await?;
    let mut options = options();
    options.tables = format!(
        "[sinks.crm]\ntype = 'webhook'\nevents = ['missed_handoff']\nurl = '{}'\nsigning_secrets = ['{SECRET}']",
        sink.url()
    );
    let stage = Stage::with(options, |_: &UserMessage| Vec::new()).await?;
    let asked = json!({
        "id": "h-1", "timestamp": Timestamp::now().to_string(), "message": "wants a refund",
        "user": {"id": ASHA},
    });
    let url = format!("{}/handoff", stage.channel_url("my-app"));
    assert_eq!(stage.app.send(&url, &asked).await?.0, 202);
    stage.haptik_was_told(1).await?;
    assert_eq!(stage.app.delete(&format!("{url}/{ASHA}")).await?.0, 202);
    stage.app.wait_for_type("handoff_ended", 1).await;
    let channel = stage.slack_user_says(ASHA, "and now to Haptik's bot").await;
    stage.haptik_was_told(2).await?;
    // Haptik's bot moves the chat itself, some time later.
    let later = Timestamp::now() + jiff::SignedDuration::from_mins(20);
    let completed = json!({
        "event_name": "webhook_conversation_complete", "timestamp": later.to_string(), "business_id": 343,
        "user": {"auth_id": ASHA, "user_name": "hu-1"}, "agent": {"name": "gogo", "is_automated": true},
        "data": {"conversation_no": 4, "completion_type": "autocomplete", "completion_by": "Team Offline Flag"},
    });
    delivered(&stage, &completed).await;
    stage
        .slack
        .wait_for_text(&channel, "Nobody is free at the moment")
        .await;
    let missed = sink.wait_for(1).await.remove(0).body;
    assert_eq!(missed["data"]["data"]["asked_by"], "haptik");
    assert_eq!(missed["data"]["data"]["connection"], "acme-slack");
    stage.finish().await
}

#[tokio::test]
async fn what_another_account_says_of_the_same_name_is_nobodys() -> anyhow::Result<()> {
    let mut options = options();
    let stranger = Stage::with(Options::default(), echo).await?;
    options.slack = "auth_id = 'user'\nhaptik = 'main'";
    options.app = "auth_id = 'user'\nhaptik = 'main'";
    options.tables = format!(
        "[haptik.other]\nbase_url = \"{}\"\nclient_id = \"c\"\ntoken = \"t\"\nwebhook_secrets = [\"{}\"]\nbusiness_id = 9",
        stranger.haptik.base_url(),
        stranger
            .simulator()
            .settings()
            .webhook_secret
            .expose_secret(),
    );
    let stage = Stage::with(options, echo).await?;
    let channel = stage.slack_user_says(ASHA, "one").await;
    stage.slack.wait_for_text(&channel, "You said: one").await;
    // A user of the other account has the same name.
    stranger
        .simulator()
        .set_webhook_url(format!("{}/haptik/other", stage.url));
    let mut options_of_stranger = said("m-1", "hi");
    options_of_stranger["user"]["id"] = json!("u-1");
    let answer = stranger.app_sends(&options_of_stranger).await?;
    let auth_id = answer["auth_id"].as_str().expect("an auth_id").to_owned();
    stage.haptik_was_told(1).await?;
    // It is known here by that very name, at the account `main`.
    let mut here = said("m-2", "two");
    here["user"]["id"] = json!(auth_id);
    stage.app_sends(&here).await?;
    told(&stage.app, "You said: two").await;
    stranger
        .simulator()
        .agent_says_text(&auth_id, "not for her")?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(
        !format!("{:?}", stage.app.callbacks()).contains("not for her"),
        "{:?}",
        stage.app.callbacks()
    );
    stranger.abandon();
    stage.finish().await
}

#[tokio::test]
async fn a_profile_that_has_changed_is_told_again() -> anyhow::Result<()> {
    let stage = Stage::with(options(), echo).await?;
    let nobody = stage
        .slack
        .dm("U00000BO01", "unused")
        .with("type", json!("user_change"))
        .with("user", json!({"id": "U00000BO01"}));
    stage.slack_sends(&nobody).await;
    // Slack does not say who she is at first.
    let down = haptik_bridge_tests::fake_slack::Fault::Status(503);
    stage.slack.fail_next("users.info", 3, down);
    let channel = stage.slack_user_says(ASHA, "hi").await;
    stage.slack.wait_for_text(&channel, "You said: hi").await;
    let changed = stage
        .slack
        .dm(ASHA, "unused")
        .with("type", json!("user_change"))
        .with("user", json!({"id": ASHA}));
    for _ in 0..2 {
        stage.slack_sends(&changed).await;
    }
    stage
        .simulator()
        .wait_until(PATIENCE, |seen| seen.users.len() == 2)
        .await?;
    stage.simulator().records(|seen| {
        let told = seen.users.last().expect("two");
        assert!(!told.created && told.auth_id == ASHA, "{told:?}");
        assert!(told.fields.contains_key("name"), "{told:?}");
    });
    // It is known by now, and not told with each message.
    stage.slack_user_says(ASHA, "again").await;
    stage.slack.wait_for_text(&channel, "You said: again").await;
    stage
        .simulator()
        .records(|seen| assert_eq!(seen.users.len(), 2));
    stage.finish().await
}

#[tokio::test]
async fn what_haptik_refuses_of_a_profile_keeps_no_message_back() -> anyhow::Result<()> {
    let stage = Stage::with(options(), echo).await?;
    let refuse = |method: &str, status: u16, words: &str, times: Option<u32>| {
        let outcome = CallOutcome::Status {
            status,
            retry_after: None,
            body: Some(json!({"error_message": words})),
        };
        stage.simulator().clear_faults();
        stage.simulator().add_call_fault(CallFault {
            method: Some(method.to_owned()),
            times,
            ..CallFault::on(USER_PATH, outcome)
        });
    };
    let said_as = |text: &str, name: &str| {
        let mut said = said(text, text);
        said["user"]["name"] = name.into();
        said["user"]["email"] = "odd".into();
        said
    };
    // A creation that is refused for something in the profile.
    refuse("POST", 400, "Invalid email", Some(1));
    stage.app_sends(&said_as("one", "Asha")).await?;
    told(&stage.app, "You said: one").await;
    // An update of a user whom Haptik has forgotten: no status is published for that.
    for (count, (status, words)) in (2..).zip([
        (404, "User not found"),
        (403, "user is not registered"),
        (400, "Invalid_User"),
        (200, "user does not exist"),
    ]) {
        refuse("PUT", status, words, None);
        stage.app_sends(&said_as(words, words)).await?;
        told(&stage.app, &format!("You said: {words}")).await;
        stage.haptik_was_told(count).await?;
    }
    stage.simulator().records(|seen| {
        let names = seen
            .users
            .iter()
            .map(|call| call.fields.get("name").cloned());
        let names: Vec<Option<Value>> = names.collect();
        let expected = [
            None,
            Some("User not found"),
            Some("user is not registered"),
            Some("Invalid_User"),
            Some("user does not exist"),
        ];
        assert_eq!(names, expected.map(|name| name.map(Value::from)));
    });
    stage.finish().await
}

/// A delivery of Haptik's, as its webhook makes it.
async fn delivered(stage: &Stage, event: &Value) {
    let body = event.to_string();
    let secret = &stage.simulator().settings().webhook_secret;
    let answer = haptik_bridge_tests::app::client()
        .expect("a client")
        .post(format!("{}/haptik/main", stage.url))
        .header(
            "x-hub-signature",
            format!(
                "sha1={}",
                signature(secret.expose_secret(), body.as_bytes())
            ),
        )
        .body(body)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn what_is_said_in_the_web_sdks_chat_of_the_same_person_stays_there() -> anyhow::Result<()> {
    let receiver = App::start().await?;
    let mut options = options();
    options.tables = format!(
        "[sinks.audit]\ntype = \"webhook\"\nevents = [\"webhook_conversation_complete\"]\nurl = \"{}\"\nsigning_secrets = [\"{SECRET}\"]",
        receiver.url()
    );
    let stage = Stage::with(options, echo).await?;
    stage.app_sends(&said("m-1", "hello")).await?;
    told(&stage.app, "You said: hello").await;
    let event = |platform: u64, name: &str, id: u64, text: &str| {
        json!({
            "event_name": name, "timestamp": Timestamp::now().to_string(), "business_id": 343,
            "user": {"auth_id": ASHA, "user_name": "hu-1", "device_platform": platform.to_string()},
            "agent": {"name": "gogo", "is_automated": true},
            "message": {"id": id, "body": {"text": text, "type": "TEXT", "data": {}}},
            "data": {"conversation_no": 3},
        })
    };
    let first = 5_000_000_000_u64;
    delivered(&stage, &event(5, "message", first, "in the web chat")).await;
    delivered(
        &stage,
        &event(5, "webhook_conversation_complete", first + 1, ""),
    )
    .await;
    delivered(
        &stage,
        &event(13, "message", first + 2, "in the application"),
    )
    .await;
    told(&stage.app, "in the application").await;
    receiver.wait_for(1).await;
    let kinds: Vec<Value> = stage
        .app
        .callbacks()
        .iter()
        .map(|callback| callback.body["type"].clone())
        .collect();
    assert_eq!(kinds, ["message", "message"], "{:?}", stage.app.callbacks());
    stage.finish().await
}
