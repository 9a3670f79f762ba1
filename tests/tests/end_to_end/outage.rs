//! Haptik disables the webhook: what is recorded, and what is delivered late.

use std::time::Duration;

use anyhow::Context as _;
use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::Payload;
use haptik_bridge_shared::outage::{Cause, Findings, Outage, Proof};
use haptik_bridge_simulator::{
    CallFault, CallOutcome, CompletedBy, HISTORY_PATH, Reply, Settings, UserMessage,
};
use haptik_bridge_tests::{Options, Stage};
use jiff::Timestamp;
use serde_json::json;

#[path = "outage/in_time.rs"]
mod in_time;
#[path = "outage/late.rs"]
mod late;
#[path = "outage/old_times.rs"]
mod old_times;
#[path = "outage/unrung.rs"]
mod unrung;
#[path = "outage/walk.rs"]
mod walk;

const ASHA: &str = "U00000ASHA";
const MILO: &str = "U00000MILO";

fn echo(message: &UserMessage) -> Vec<Reply> {
    vec![
        Reply::Text(format!("You said: {}.", message.text)),
        Reply::Text(format!("Anything but {}?", message.text)),
    ]
}

/// A stage on which Haptik's hour is an hour, and nobody waits for it.
async fn stage() -> anyhow::Result<Stage> {
    Stage::with(Options::default(), echo).await
}

/// Says something in a direct message and waits until Haptik has it; returns the channel.
async fn say(stage: &Stage, user: &str, text: &str) -> anyhow::Result<String> {
    let event = stage.slack.dm(user, text);
    let url = stage.channel_url("acme-slack");
    let reply = stage.slack.client().send(&url, &event).await;
    assert!(reply.is_acknowledged());
    let heard = stage
        .simulator()
        .wait_until(Duration::from_secs(15), |seen| {
            seen.messages.iter().any(|message| message.text == text)
        });
    heard.await?;
    Ok(event.channel().to_owned())
}

/// Says something and waits for both answers.
async fn talk(stage: &Stage, user: &str, text: &str) -> anyhow::Result<String> {
    let channel = say(stage, user, text).await?;
    let answer = format!("Anything but {text}?");
    stage.slack.wait_for_text(&channel, &answer).await;
    Ok(channel)
}

/// Keeps house as it will be done after this much time.
async fn run_maintenance_in(stage: &Stage, time: Duration) {
    let now = Timestamp::now() + time;
    stage.local.processor.run_scheduled_maintenance(now).await;
}

async fn records(stage: &Stage) -> anyhow::Result<Vec<(Outage, Findings)>> {
    let outages = &stage.local.bridge.outages;
    let hour = Duration::from_hours(1);
    let found = outages
        .list(Timestamp::now() - hour, Timestamp::now() + 5 * hour)
        .await?;
    let mut records = Vec::new();
    for outage in found {
        let findings = outages.findings(&outage).await?;
        records.push((outage, findings));
    }
    Ok(records)
}

fn texts(stage: &Stage, channel: &str) -> Vec<String> {
    let messages = stage.slack.messages(channel);
    messages.into_iter().map(|message| message.text).collect()
}

fn auth_id(user: &str) -> AuthId {
    AuthId::derive(&"acme-slack".into(), user, None)
}

const fn minutes(minutes: u64) -> Duration {
    Duration::from_mins(minutes)
}

#[tokio::test]
async fn what_haptiks_queue_dropped_is_delivered_late_in_order_and_once() -> anyhow::Result<()> {
    let stage = stage().await?;
    run_maintenance_in(&stage, Duration::ZERO).await;
    let asha = talk(&stage, ASHA, "before").await?;
    let milo = talk(&stage, MILO, "hello").await?;
    let shown_before = (texts(&stage, &asha).len(), texts(&stage, &milo).len());

    stage.simulator().disable_webhook();
    say(&stage, ASHA, "one").await?;
    say(&stage, ASHA, "two").await?;
    stage
        .simulator()
        .say_text(auth_id(MILO).as_str(), "Are you still there?")?;
    assert_eq!(stage.simulator().waiting_events(), 5);
    stage.simulator().let_time_pass(minutes(61));
    run_maintenance_in(&stage, minutes(61)).await;
    assert_eq!(
        stage.simulator().waiting_events(),
        0,
        "enabled too late: they are lost"
    );
    assert_eq!(texts(&stage, &asha).len(), shown_before.0);

    // Haptik may take a minute to deliver what it still has.
    run_maintenance_in(&stage, minutes(61) + Duration::from_secs(30)).await;
    assert_eq!(texts(&stage, &asha).len(), shown_before.0);
    run_maintenance_in(&stage, minutes(63)).await;
    stage
        .slack
        .wait_for_messages(&asha, shown_before.0 + 4)
        .await;
    stage
        .slack
        .wait_for_messages(&milo, shown_before.1 + 1)
        .await;
    let late: Vec<String> = texts(&stage, &asha).split_off(shown_before.0);
    let said = [
        "You said: one.",
        "Anything but one?",
        "You said: two.",
        "Anything but two?",
    ];
    for (late, said) in late.iter().zip(said) {
        let marked = late.starts_with(said) && late.contains("UTC, delivered late)");
        assert!(marked, "{late}");
    }
    assert!(texts(&stage, &milo)[shown_before.1].starts_with("Are you still there?"));

    let found = records(&stage).await?;
    let [(outage, findings)] = &found[..] else {
        panic!("one outage: {found:#?}");
    };
    assert_eq!(outage.cause, Cause::Silence);
    assert_eq!(outage.proof, Some(Proof::MissingInTheLedger));
    assert!(outage.began <= Timestamp::now() && outage.closed.is_some());
    assert_eq!(findings.recovered.len(), 5);
    assert!(findings.unchecked.is_empty(), "{findings:#?}");

    // A delivery that comes after all is a repetition, and what follows changes nothing.
    let lost = stage.simulator().records(|seen| {
        let lost = seen
            .deliveries
            .iter()
            .find(|delivery| delivery.attempts.is_empty());
        lost.map(|delivery| delivery.body.clone())
    });
    stage
        .simulator()
        .deliver_raw(lost.expect("something was lost"));
    run_maintenance_in(&stage, minutes(64)).await;
    run_maintenance_in(&stage, minutes(130)).await;
    run_maintenance_in(&stage, minutes(132)).await;
    assert!(stage.local.queue.idle(Duration::from_secs(10)).await);
    assert_eq!(texts(&stage, &asha).len(), shown_before.0 + 4);
    assert_eq!(texts(&stage, &milo).len(), shown_before.1 + 1);
    assert_eq!(records(&stage).await?.len(), 1);
    stage.finish().await
}

#[tokio::test]
async fn an_outage_of_less_than_an_hour_costs_nothing_and_delivers_nothing_late()
-> anyhow::Result<()> {
    let stage = stage().await?;
    run_maintenance_in(&stage, Duration::ZERO).await;
    let asha = talk(&stage, ASHA, "before").await?;
    stage.simulator().disable_webhook();
    say(&stage, ASHA, "one").await?;
    stage.simulator().let_time_pass(minutes(50));
    run_maintenance_in(&stage, minutes(50)).await;
    stage.slack.wait_for_text(&asha, "Anything but one?").await;
    run_maintenance_in(&stage, minutes(52)).await;
    assert!(!texts(&stage, &asha).concat().contains("delivered late"));
    let found = records(&stage).await?;
    assert!(
        matches!(&found[..], [(outage, _)] if outage.proof.is_none()),
        "{found:#?}"
    );
    stage.finish().await
}

#[tokio::test]
async fn a_silence_in_which_nobody_answered_is_recorded_as_no_more_than_that() -> anyhow::Result<()>
{
    let silent = |message: &UserMessage| match message.text.as_str() {
        "hello" => vec![Reply::Text("Hello.".to_owned())],
        _ => Vec::new(),
    };
    let stage = Stage::with(Options::default(), silent).await?;
    run_maintenance_in(&stage, Duration::ZERO).await;
    let asha = say(&stage, ASHA, "hello").await?;
    stage.slack.wait_for_text(&asha, "Hello.").await;
    say(&stage, ASHA, "are you there").await?;
    for seconds in [31, 70, 135, 300, 365] {
        run_maintenance_in(&stage, Duration::from_secs(seconds)).await;
    }
    let found = records(&stage).await?;
    let [(outage, findings)] = &found[..] else {
        panic!("one record: {found:#?}");
    };
    assert_eq!((outage.cause, outage.proof), (Cause::Silence, None));
    assert!(outage.checked > 0, "the conversation was compared");
    assert_eq!(findings, &Findings::default());
    assert_eq!(outage.closed, None, "it goes on");
    let enables = stage.simulator().records(|seen| seen.webhook_enables.len());
    assert_eq!(
        enables,
        1 + 3,
        "at first, and each time that it had doubled"
    );
    stage.finish().await
}

#[tokio::test]
async fn those_who_go_on_writing_do_not_hide_that_nobody_answers() -> anyhow::Result<()> {
    let stage = stage().await?;
    let health = &stage.local.bridge.health;
    // Times are kept to the millisecond.
    let began = Timestamp::from_millisecond(Timestamp::now().as_millisecond())?;
    let account = "main".into();
    let at = |seconds| began + Duration::from_secs(seconds);
    health.note_sent(&account, at(0)).await;
    health.note_received(&account, at(1)).await;
    for seconds in (2..60).step_by(11) {
        health.note_sent(&account, at(seconds)).await;
    }
    let known = health.of(&account).await?;
    assert_eq!(known.silence(at(62)), Some(minutes(1)));
    // What was received before and is noted only now answers nothing.
    health.note_received(&account, at(1)).await;
    assert!(health.of(&account).await?.silence(at(62)).is_some());
    health.note_received(&account, at(60)).await;
    assert_eq!(health.of(&account).await?.silence(at(62)), None);
    stage.finish().await
}

#[tokio::test]
async fn a_conversation_after_the_last_completed_one_is_found() -> anyhow::Result<()> {
    let stage = stage().await?;
    run_maintenance_in(&stage, Duration::ZERO).await;
    let asha = talk(&stage, ASHA, "first").await?;
    for _ in 0..2 {
        stage
            .simulator()
            .completes(auth_id(ASHA).as_str(), CompletedBy::Bot)?;
        talk(&stage, ASHA, "again").await?;
    }
    assert!(stage.local.queue.idle(Duration::from_secs(10)).await);
    stage.simulator().disable_webhook();
    say(&stage, ASHA, "in the third").await?;
    stage.simulator().let_time_pass(minutes(61));
    run_maintenance_in(&stage, minutes(61)).await;
    run_maintenance_in(&stage, minutes(63)).await;
    assert!(stage.local.queue.idle(Duration::from_secs(10)).await);
    let shown = texts(&stage, &asha).concat();
    assert!(shown.contains("You said: in the third.\n(sent "), "{shown}");
    let asked = stage.simulator().records(|seen| {
        let calls = seen
            .calls
            .iter()
            .filter(|call| call.path.starts_with(HISTORY_PATH));
        calls.count()
    });
    assert!(asked <= 4, "{asked} calls for one conversation");
    stage.finish().await
}

#[tokio::test]
async fn a_user_whom_haptik_has_never_answered_is_named_in_the_record() -> anyhow::Result<()> {
    let stage = stage().await?;
    run_maintenance_in(&stage, Duration::ZERO).await;
    stage.simulator().disable_webhook();
    say(&stage, ASHA, "anybody?").await?;
    stage.simulator().let_time_pass(minutes(61));
    run_maintenance_in(&stage, minutes(61)).await;
    run_maintenance_in(&stage, minutes(63)).await;
    let found = records(&stage).await?;
    let [(_, findings)] = &found[..] else {
        panic!("one record: {found:#?}");
    };
    let [unchecked] = &findings.unchecked[..] else {
        panic!("one user: {findings:#?}");
    };
    assert_eq!(unchecked.auth_id, auth_id(ASHA));
    assert!(
        unchecked.reason.contains("user_name is unknown"),
        "{}",
        unchecked.reason
    );
    stage.finish().await
}

#[tokio::test]
async fn a_reconciliation_that_cannot_go_on_goes_on_where_it_was_by_the_next_housekeeping()
-> anyhow::Result<()> {
    let stage = stage().await?;
    run_maintenance_in(&stage, Duration::ZERO).await;
    let asha = talk(&stage, ASHA, "hello").await?;
    let milo = talk(&stage, MILO, "hello too").await?;
    stage.simulator().disable_webhook();
    say(&stage, ASHA, "one").await?;
    say(&stage, MILO, "two").await?;
    stage.simulator().let_time_pass(minutes(61));
    run_maintenance_in(&stage, minutes(61)).await;
    // At first there is no transcript to be had.
    let unavailable = CallFault::on(HISTORY_PATH, CallOutcome::status(503));
    stage.simulator().add_call_fault(unavailable);
    run_maintenance_in(&stage, minutes(63)).await;
    run_maintenance_in(&stage, minutes(64)).await;
    let asked = || {
        stage.simulator().records(|seen| {
            let calls = seen.calls.iter();
            calls.filter(|call| call.path == HISTORY_PATH).count()
        })
    };
    assert_eq!(
        asked(),
        4,
        "one call each and each time, and no more where it does not answer"
    );
    // Then the process is stopped between one conversation, of three calls, and the next.
    stage.simulator().clear_faults();
    stage.simulator().add_call_fault(CallFault {
        delay_ms: 100,
        ..CallFault::on(HISTORY_PATH, CallOutcome::Answer)
    });
    let processor = stage.local.processor.clone();
    let now = Timestamp::now() + minutes(65);
    let keeping_house = tokio::spawn(async move { processor.run_scheduled_maintenance(now).await });
    let is_between = async {
        while asked() < 4 + 4 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), is_between)
        .await
        .context("the second conversation is not asked for")?;
    keeping_house.abort();
    stage.simulator().clear_faults();
    run_maintenance_in(&stage, minutes(66)).await;
    run_maintenance_in(&stage, minutes(67)).await;
    assert!(stage.local.queue.idle(Duration::from_secs(10)).await);
    for channel in [&asha, &milo] {
        let shown = texts(&stage, channel);
        let late = shown.iter().filter(|text| text.contains("delivered late"));
        assert_eq!(late.count(), 2, "{shown:#?}");
    }
    // Three of the first, one or two of the second before the end, and three of it again.
    assert!(
        asked() <= 4 + 3 + 2 + 3,
        "{} calls: one was compared twice",
        asked()
    );
    let found = records(&stage).await?;
    assert!(
        matches!(&found[..], [(outage, findings)]
        if outage.closed.is_some() && findings.recovered.len() == 4),
        "{found:#?}"
    );
    stage.finish().await
}

#[tokio::test]
async fn an_outage_is_recorded_before_the_webhook_is_enabled() -> anyhow::Result<()> {
    let stage = stage().await?;
    run_maintenance_in(&stage, Duration::ZERO).await;
    let asha = talk(&stage, ASHA, "hello").await?;
    stage.simulator().disable_webhook();
    say(&stage, ASHA, "one").await?;
    stage.simulator().let_time_pass(minutes(61));
    // The process is stopped while it has the webhook enabled.
    stage.simulator().add_call_fault(CallFault {
        delay_ms: 60_000,
        ..CallFault::on("/v1.0/webhook/", CallOutcome::Answer)
    });
    let processor = stage.local.processor.clone();
    let now = Timestamp::now() + minutes(61);
    let maintenance = tokio::spawn(async move { processor.run_scheduled_maintenance(now).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    maintenance.abort();
    stage.simulator().clear_faults();
    assert_eq!(records(&stage).await?.len(), 1);
    // Then something else comes, so that there is no silence any more.
    run_maintenance_in(&stage, minutes(62)).await;
    stage
        .simulator()
        .say_text(auth_id(ASHA).as_str(), "Still there?")?;
    stage.slack.wait_for_text(&asha, "Still there?").await;
    run_maintenance_in(&stage, minutes(64)).await;
    stage.slack.wait_for_text(&asha, "Anything but one?").await;
    let found = records(&stage).await?;
    assert!(
        matches!(&found[..], [(outage, _)] if outage.closed.is_some()),
        "{found:#?}"
    );
    stage.finish().await
}

#[tokio::test]
async fn deliveries_that_had_waited_prove_an_outage_that_nobody_noticed() -> anyhow::Result<()> {
    let stage = stage().await?;
    let asha = talk(&stage, ASHA, "hello").await?;
    run_maintenance_in(&stage, Duration::ZERO).await;
    // What an agent said ten minutes ago comes only now.
    let at = Timestamp::now() - minutes(10);
    stage.simulator().deliver(&json!({
        "event_name": "message",
        "timestamp": at.to_string(),
        "user": {"auth_id": auth_id(ASHA)},
        "agent": {"name": "Prateek", "is_automated": false},
        "message": {"id": 7, "body": {"text": "One moment.", "type": "TEXT", "data": {}}},
    }));
    stage.slack.wait_for_text(&asha, "One moment.").await;
    run_maintenance_in(&stage, Duration::from_secs(5)).await;
    let found = records(&stage).await?;
    let [(outage, _)] = &found[..] else {
        panic!("one record: {found:#?}");
    };
    assert_eq!(outage.cause, Cause::Waiting);
    assert_eq!(outage.proof, Some(Proof::DeliveriesHadWaited));
    assert_eq!(outage.began.as_millisecond(), at.as_millisecond());
    run_maintenance_in(&stage, minutes(2)).await;
    run_maintenance_in(&stage, minutes(3)).await;
    let found = records(&stage).await?;
    assert!(
        matches!(&found[..], [(outage, _)] if outage.closed.is_some()),
        "{found:#?}"
    );
    stage.finish().await
}

#[tokio::test]
async fn a_webhook_that_cannot_be_enabled_is_tried_by_every_housekeeping() -> anyhow::Result<()> {
    let haptik = Settings::default();
    let stage = Stage::with(
        Options {
            haptik,
            ..Options::default()
        },
        echo,
    )
    .await?;
    run_maintenance_in(&stage, Duration::ZERO).await;
    let asha = talk(&stage, ASHA, "hello").await?;
    stage.simulator().disable_webhook();
    say(&stage, ASHA, "one").await?;
    stage.simulator().add_call_fault(CallFault {
        times: Some(2),
        ..CallFault::on("/v1.0/webhook/", CallOutcome::status(500))
    });
    for later in 1..4 {
        run_maintenance_in(&stage, minutes(later)).await;
    }
    stage.slack.wait_for_text(&asha, "Anything but one?").await;
    let found = records(&stage).await?;
    assert!(
        matches!(&found[..], [(outage, _)]
        if outage.failed_enables == 2 && outage.enabled.is_some()),
        "{found:#?}"
    );
    stage.finish().await
}

#[tokio::test]
async fn the_webhook_of_every_queue_is_enabled() -> anyhow::Result<()> {
    let options = Options {
        slack: "business_id = 344",
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    run_maintenance_in(&stage, Duration::ZERO).await;
    let enabled = stage.simulator().records(|seen| seen.webhook_enables.len());
    assert_eq!(enabled, 2, "the account's own and the connection's");
    stage.finish().await
}
