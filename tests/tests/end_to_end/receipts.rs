//! Receipts: each message has one, once it has ended, and who did not ask has none.

use std::time::Duration;

use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::ledger::State;
use haptik_bridge_shared::table::text;
use haptik_bridge_simulator::{CallFault, CallOutcome, MESSAGE_PATH, Reply, UserMessage};
use haptik_bridge_tests::app::{App, SECRET};
use haptik_bridge_tests::fake_slack::Fault;
use haptik_bridge_tests::{Options, Stage};
use jiff::Timestamp;
use serde_json::{Value, json};

fn echo(message: &UserMessage) -> Vec<Reply> {
    vec![Reply::Text(format!("You said: {}", message.text))]
}

/// A webhook sink called `audit`.
fn audit(receiver: &App, events: &str) -> String {
    format!(
        "[sinks.audit]\ntype = \"webhook\"\nevents = {events}\nurl = \"{}\"\nsigning_secrets = [\"{SECRET}\"]\n",
        receiver.url()
    )
}

fn said(id: &str, text: &str) -> Value {
    json!({
        "type": "message", "id": id, "timestamp": Timestamp::now().to_string(), "text": text,
        "user": {"id": "u-42"},
    })
}

const RECEIPTS: &str = r#"["message_delivered", "message_failed"]"#;

/// What a receiver was told of receipts: the event, the direction, the message's id and the reason.
fn told(bodies: &[Value], id_of: impl Fn(&Value) -> Value) -> Vec<(String, String, String, bool)> {
    let mut told: Vec<_> = bodies
        .iter()
        .map(|body| {
            let data = id_of(body);
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (
                text(&body["type"]),
                text(&data["direction"]),
                text(&data["message_id"]),
                data["reason"].is_string(),
            )
        })
        .collect();
    told.sort();
    told
}

#[tokio::test]
async fn an_application_and_a_sink_hear_once_of_each_message_both_ways() -> anyhow::Result<()> {
    let receiver = App::start().await?;
    let options = Options {
        app: "receipts = true",
        tables: audit(&receiver, RECEIPTS),
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    let message = said("m-1", "one");
    stage.app_sends(&message).await?;
    stage.app_sends(&message).await?;
    stage.app.wait_for_type("message", 1).await;
    let of_app = stage.app.wait_for_type("message_delivered", 2).await;
    let bodies: Vec<Value> = of_app
        .iter()
        .map(|callback| callback.body.clone())
        .collect();
    let answer = stage.app.wait_for_type("message", 1).await.remove(0);
    let answer_id = answer.body["id"].as_str().expect("an id").to_owned();
    let expected = vec![
        (
            "message_delivered".to_owned(),
            "to_channel".to_owned(),
            answer_id,
            false,
        ),
        (
            "message_delivered".to_owned(),
            "to_haptik".to_owned(),
            "m-1".to_owned(),
            false,
        ),
    ];
    assert_eq!(told(&bodies, Value::clone), expected);
    let bodies: Vec<Value> = receiver
        .wait_for(2)
        .await
        .iter()
        .map(|callback| callback.body.clone())
        .collect();
    assert_eq!(told(&bodies, |body| body["data"]["data"].clone()), expected);
    assert_eq!(bodies[0]["data"]["data"]["connection"], "my-app");
    assert_eq!(bodies[0]["data"]["data"]["channel_user"], "u-42");
    stage.finish().await
}

#[tokio::test]
async fn what_is_given_up_is_told_with_its_reason_and_what_is_pending_is_not() -> anyhow::Result<()>
{
    let receiver = App::start().await?;
    let options = Options {
        app: "receipts = true",
        tables: audit(&receiver, RECEIPTS),
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    stage.simulator().add_call_fault(CallFault {
        times: Some(1),
        ..CallFault::on(MESSAGE_PATH, CallOutcome::status(400))
    });
    stage.app_sends(&said("m-1", "refused")).await?;
    let failed = stage.app.wait_for_type("message_failed", 1).await.remove(0);
    assert_eq!(failed.body["message_id"], "m-1");
    assert_eq!(failed.body["direction"], "to_haptik");
    assert!(
        failed.body["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("400"))
    );
    let callback = receiver.wait_for(1).await.remove(0);
    assert_eq!(callback.body["type"], "message_failed");

    stage.simulator().add_call_fault(CallFault {
        times: Some(2),
        ..CallFault::on(MESSAGE_PATH, CallOutcome::status(503))
    });
    stage.app_sends(&said("m-2", "later")).await?;
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(receiver.callbacks().len(), 1, "it is pending");
    let delivered = stage.app.wait_for_type("message_delivered", 2).await;
    assert!(
        delivered
            .iter()
            .any(|callback| callback.body["message_id"] == "m-2")
    );
    receiver.wait_for(3).await;
    let dead = stage.finish_with_dead().await?;
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].state, State::Dead);
    Ok(())
}

#[tokio::test]
async fn a_message_that_is_replayed_has_another_receipt_for_that() -> anyhow::Result<()> {
    let receiver = App::start().await?;
    let options = Options {
        tables: audit(&receiver, RECEIPTS),
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    let refused = Fault::Refused("channel_not_found".to_owned());
    stage.slack.fail_next("chat.postMessage", 1, refused);
    stage.slack_user_says("U00000ASHA", "hi").await;
    let first: Vec<Value> = receiver
        .wait_for(2)
        .await
        .into_iter()
        .map(|one| one.body)
        .collect();
    let kinds = |bodies: &[Value]| {
        let mut kinds: Vec<String> = bodies.iter().map(|body| body["type"].to_string()).collect();
        kinds.sort();
        kinds
    };
    assert_eq!(
        kinds(&first),
        ["\"message_delivered\"", "\"message_failed\""]
    );
    let (_, dead) = stage.left_over().await?;
    let bridge = &stage.local.bridge;
    assert!(bridge.ledger.revive(&dead[0], Timestamp::now()).await?);
    bridge
        .ring_again(dead[0].lane.clone(), Timestamp::now())
        .await?;
    let last = receiver.wait_for(3).await.remove(2).body;
    assert_eq!(last["type"], "message_delivered");
    assert_eq!(last["data"]["data"]["replayed"], true);
    assert_eq!(last["data"]["data"]["direction"], "to_channel");
    stage.finish().await
}

#[tokio::test]
async fn a_star_asks_for_no_receipts_and_an_application_gets_none_unasked() -> anyhow::Result<()> {
    let receiver = App::start().await?;
    let options = Options {
        tables: audit(&receiver, r#"["*"]"#),
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    stage.app_sends(&said("m-1", "one")).await?;
    stage.app.wait_for(1).await;
    receiver.wait_for(1).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(stage.app.callbacks().len(), 1);
    assert_eq!(receiver.callbacks().len(), 1);
    stage.finish().await
}

#[tokio::test]
async fn a_sink_that_is_off_and_a_token_that_is_refused_are_told_to_another_sink()
-> anyhow::Result<()> {
    let (receiver, crm) = (App::start().await?, App::start().await?);
    let operator = r#"["sink_off", "sink_on", "secret_refused"]"#;
    let off = format!(
        "[sinks.crm]\ntype = \"webhook\"\nevents = [\"message\"]\nurl = \"{}\"\nsigning_secrets = [\"{SECRET}\"]\n",
        crm.url()
    );
    let options = Options {
        tables: audit(&receiver, operator) + &off,
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    crm.answer_next(&[401]);
    stage.slack_user_says("U00000ASHA", "hi").await;
    let told = receiver.wait_for(1).await.remove(0).body;
    assert_eq!(told["type"], "sink_off");
    assert_eq!(told["data"]["data"]["place"], "sinks/crm");
    let refused = Fault::Refused("invalid_auth".to_owned());
    stage.slack.fail_next("chat.postMessage", 2, refused);
    stage.slack_user_says("U00000ASHA", "again").await;
    let told = receiver.wait_for(2).await.remove(1).body;
    assert_eq!(told["type"], "secret_refused");
    assert_eq!(told["data"]["data"]["place"], "channels/acme-slack");
    stage.abandon();
    Ok(())
}

#[tokio::test]
async fn a_user_who_cannot_be_read_keeps_no_message_from_its_end() -> anyhow::Result<()> {
    let options = Options {
        app: "receipts = true",
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    stage.app_sends(&said("m-1", "one")).await?;
    stage.app.wait_for_type("message_delivered", 2).await;
    // Damaged, or written by a version that this one replaced.
    let auth_id = AuthId::derive(&"my-app".into(), "u-42", None);
    let table = stage.local.bridge.ledger.table();
    let damaged = table.update(format!("user#{auth_id}"), "user");
    damaged
        .set("last_activity", text("long ago"))
        .send()
        .await?;
    stage.app_sends(&said("m-2", "two")).await?;
    let failed = stage.app.wait_for_type("message_failed", 1).await.remove(0);
    assert_eq!(failed.body["message_id"], "m-2");
    assert_eq!(stage.finish_with_dead().await?.len(), 1);
    Ok(())
}
