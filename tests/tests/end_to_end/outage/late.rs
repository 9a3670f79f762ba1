//! Whose conversations are compared with their transcripts, and what of them is delivered late.

use std::time::Duration;

use anyhow::Context as _;
use aws_sdk_dynamodb::types::AttributeValue;
use haptik_bridge_shared::activity::Hour;
use haptik_bridge_simulator::{CallFault, CallOutcome, HISTORY_PATH, UserMessage};
use haptik_bridge_tests::app::App;
use haptik_bridge_tests::{Options, Stage};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    ASHA, MILO, auth_id, echo, minutes, records, run_maintenance_in, say, stage, talk, texts,
};

/// Has it that a user last wrote so long ago.
pub(super) async fn wrote_before(stage: &Stage, user: &str, ago: Duration) -> anyhow::Result<()> {
    let (bridge, auth_id) = (&stage.local.bridge, auth_id(user));
    let known = bridge.users.get(&auth_id).await?;
    let mut known = known.context("the user is known")?;
    let table = bridge.ledger.table();
    let hour = Hour::of_millisecond(known.last_activity);
    let text = |text: String| AttributeValue::S(text);
    let forgotten = table
        .client()
        .delete_item()
        .table_name(table.name())
        .key("pk", text(format!("active#main#{hour}")))
        .key("sk", text(auth_id.to_string()))
        .send();
    forgotten.await?;
    let at = Timestamp::from_millisecond(known.last_activity)? - ago;
    known.last_activity = at.as_millisecond();
    bridge.users.put_place(&known).await?;
    bridge.activity.note(&"main".into(), &auth_id, at).await?;
    Ok(())
}

#[tokio::test]
async fn those_of_the_day_before_are_looked_at_once_an_outage_is_proved_or_long()
-> anyhow::Result<()> {
    // A transcript proves a short one; a long one needs no proof.
    for (is_answered, length) in [(true, 10), (false, 61)] {
        let bot = move |message: &UserMessage| match message.text.as_str() {
            "one" if !is_answered => Vec::new(),
            _ => echo(message),
        };
        let stage = Stage::with(Options::default(), bot).await?;
        run_maintenance_in(&stage, Duration::ZERO).await;
        talk(&stage, ASHA, "hello").await?;
        let milo = talk(&stage, MILO, "hello too").await?;
        wrote_before(&stage, MILO, Duration::from_hours(20)).await?;
        stage.simulator().disable_webhook();
        say(&stage, ASHA, "one").await?;
        let haptik = stage.simulator();
        haptik.say_text(auth_id(MILO).as_str(), "It has arrived.")?;
        haptik.let_time_pass(minutes(61));
        run_maintenance_in(&stage, minutes(length)).await;
        run_maintenance_in(&stage, minutes(length + 2)).await;
        assert!(stage.local.queue.idle(Duration::from_secs(10)).await);
        let shown = texts(&stage, &milo).concat();
        assert!(
            shown.contains("It has arrived.\n(sent "),
            "{length}: {shown}"
        );
        stage.finish().await?;
    }
    Ok(())
}

#[tokio::test]
async fn nothing_but_what_haptik_said_in_that_time_is_delivered_late() -> anyhow::Result<()> {
    let stage = stage().await?;
    run_maintenance_in(&stage, Duration::ZERO).await;
    let asha = talk(&stage, ASHA, "before").await?;
    stage.simulator().disable_webhook();
    say(&stage, ASHA, "one").await?;
    stage.simulator().let_time_pass(minutes(61));
    run_maintenance_in(&stage, minutes(61)).await;
    let at = |minutes| (Timestamp::now() + SignedDuration::from_mins(minutes)).to_string();
    // What still waited comes, whose key is a time and not its id.
    stage.simulator().deliver(&json!({
        "event_name": "chat_complete",
        "timestamp": at(40),
        "user": {"auth_id": auth_id(ASHA)},
        "agent": {"name": "gogo", "is_automated": true},
        "message": {"id": 900_004, "body": {"text": "over and done", "type": "SYSTEM", "data": {}}},
    }));
    let known = stage.local.queue.idle(Duration::from_secs(10));
    assert!(known.await);
    let line = |id: Value, at: Value, sender: &str, text: &str| json!({"message_id": id, "timestamp": at, "sender": sender, "text": text});
    let transcript = json!({"chat_json": [
        line(json!(900_001), json!(at(-60)), "bot", "before that time"),
        line(json!(900_002), json!(at(5)), "user", "what the user said"),
        line(json!(900_003), json!(at(10)), "bot", "in that time"),
        line(json!(900_004), json!(at(40)), "bot", "over and done"),
        line(json!(900_005), json!(at(62)), "bot", "after that time"),
        line(Value::Null, json!(at(20)), "bot", "without an id"),
        line(json!(900_007), Value::Null, "bot", "without a time"),
    ]});
    let outcome = CallOutcome::Status {
        status: 200,
        retry_after: None,
        body: Some(transcript),
    };
    let fault = CallFault::on(HISTORY_PATH, outcome);
    stage.simulator().add_call_fault(fault);
    run_maintenance_in(&stage, minutes(63)).await;
    stage.local.queue.idle(Duration::from_secs(10)).await;
    let found = records(&stage).await?;
    let [(_, findings)] = &found[..] else {
        panic!("one outage: {found:#?}");
    };
    let keys: Vec<&str> = findings
        .recovered
        .iter()
        .map(|late| late.key.as_str())
        .collect();
    assert_eq!(keys, ["00000000000000900003#message"]);
    let shown = texts(&stage, &asha);
    let late = shown.iter().filter(|text| text.contains("delivered late"));
    assert!(late.clone().all(|text| text.starts_with("in that time\n")));
    assert_eq!(late.count(), 1, "{shown:#?}");
    stage.finish().await
}

#[tokio::test]
async fn what_the_ledger_may_have_forgotten_is_not_delivered_late() -> anyhow::Result<()> {
    let options = Options {
        tables: "[delivery]\ngive_up_after = '1m'\nentry_ttl = '1h'".to_owned(),
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    run_maintenance_in(&stage, Duration::ZERO).await;
    let asha = talk(&stage, ASHA, "hello").await?;
    stage.simulator().disable_webhook();
    say(&stage, ASHA, "one").await?;
    stage.simulator().let_time_pass(minutes(61));
    run_maintenance_in(&stage, minutes(61)).await;
    run_maintenance_in(&stage, minutes(63)).await;
    assert!(stage.local.queue.idle(Duration::from_secs(10)).await);
    let shown = texts(&stage, &asha).concat();
    assert!(!shown.contains("delivered late"), "{shown}");
    stage.finish().await
}

#[tokio::test]
async fn a_sink_gets_late_what_the_user_does() -> anyhow::Result<()> {
    let receiver = App::start().await?;
    let options = crate::sinks::sink(&receiver, "['message']");
    let stage = Stage::with(options, echo).await?;
    run_maintenance_in(&stage, Duration::ZERO).await;
    talk(&stage, ASHA, "hello").await?;
    stage.simulator().disable_webhook();
    say(&stage, ASHA, "one").await?;
    stage.simulator().let_time_pass(minutes(61));
    run_maintenance_in(&stage, minutes(61)).await;
    run_maintenance_in(&stage, minutes(63)).await;
    let late = receiver.wait_for(4).await.split_off(2);
    for (late, said) in late.iter().zip(["You said: one.", "Anything but one?"]) {
        let text = late.body.to_string();
        assert!(text.contains(said), "{text}");
    }
    stage.finish().await
}

#[tokio::test]
async fn who_is_handed_over_is_among_those_who_were_active() -> anyhow::Result<()> {
    let options = Options {
        app: "handoff_only = true",
        ..Options::default()
    };
    let stage = Stage::with(options, crate::handoff::no_bot).await?;
    let asked = crate::handoff::asked("h-1");
    let handed = crate::handoff::hand_over(&stage, &asked).await?;
    stage.haptik_was_told(1).await?;
    let (activity, now) = (&stage.local.bridge.activity, Timestamp::now());
    let mut active = Vec::new();
    for hour in [Hour::of(now).before(), Hour::of(now)] {
        active.extend(activity.active(&"main".into(), hour, None, 10).await?);
    }
    assert_eq!(active, [handed.as_str().into()]);
    stage.finish().await
}
