use std::time::Duration;

use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::Entry;
use haptik_bridge_simulator::{CallFault, CallOutcome, MESSAGE_PATH, Reply, Settings, UserMessage};
use haptik_bridge_tests::fake_slack::Fault;
use haptik_bridge_tests::{Options, Stage};

fn echo(message: &UserMessage) -> Vec<Reply> {
    vec![Reply::Text(format!("You said: {}.", message.text))]
}

#[tokio::test]
async fn what_haptik_could_not_take_is_told_again_and_in_order() -> anyhow::Result<()> {
    let stage = Stage::with_bot(echo).await?;
    for (times, outcome) in [(1, CallOutcome::status(500)), (1, CallOutcome::Drop)] {
        stage.simulator().add_call_fault(CallFault {
            times: Some(times),
            ..CallFault::on(MESSAGE_PATH, outcome)
        });
    }
    let channel = stage.slack_user_says("U00000ASHA", "one").await;
    stage.slack_user_says("U00000ASHA", "two").await;
    let shown = stage.slack.wait_for_messages(&channel, 2).await;
    assert!(shown[0].visible_text().contains("one") && shown[1].visible_text().contains("two"));
    stage.finish().await
}

#[tokio::test]
async fn a_user_whom_haptik_has_forgotten_is_registered_again() -> anyhow::Result<()> {
    let stage = Stage::with_bot(echo).await?;
    let channel = stage.slack_user_says("U00000ASHA", "one").await;
    stage.slack.wait_for_text(&channel, "You said: one.").await;
    let forgotten = CallOutcome::Status {
        status: 403,
        retry_after: None,
        body: Some(serde_json::json!({"error_message": "user is not registered"})),
    };
    stage.simulator().add_call_fault(CallFault {
        times: Some(1),
        ..CallFault::on(MESSAGE_PATH, forgotten)
    });
    stage.slack_user_says("U00000ASHA", "two").await;
    stage.slack.wait_for_text(&channel, "You said: two.").await;
    stage
        .simulator()
        .records(|seen| assert_eq!(seen.users.len(), 2));
    stage.finish().await
}

#[tokio::test]
async fn slack_asks_for_a_pause_and_only_that_user_waits() -> anyhow::Result<()> {
    let stage = Stage::with_bot(echo).await?;
    let slow = stage.slack.dm_channel("U00000ASHA");
    stage
        .slack
        .fail_next_in(&slow, "chat.postMessage", 1, Fault::RateLimited(3));
    let began = std::time::Instant::now();
    stage.slack_user_says("U00000ASHA", "slow").await;
    let quick = stage.slack_user_says("U00000RAVI", "quick").await;
    stage.slack.wait_for_text(&quick, "You said: quick.").await;
    let quick_took = began.elapsed();
    stage.slack.wait_for_text(&slow, "You said: slow.").await;
    assert!(
        began.elapsed() >= Duration::from_secs(3),
        "Retry-After was not kept"
    );
    assert!(
        quick_took < Duration::from_secs(3),
        "another user waited too: {quick_took:?}"
    );
    stage.slack.wait_for_messages(&slow, 1).await;
    stage.finish().await
}

#[tokio::test]
async fn a_message_that_slack_took_without_saying_so_is_not_posted_twice() -> anyhow::Result<()> {
    let stage = Stage::with_bot(echo).await?;
    stage
        .slack
        .fail_next("chat.postMessage", 1, Fault::CutAfter);
    let channel = stage.slack_user_says("U00000ASHA", "once").await;
    stage.slack.wait_for_text(&channel, "You said: once.").await;
    assert!(stage.local.queue.idle(Duration::from_secs(20)).await);
    stage.slack.wait_for_messages(&channel, 1).await;
    stage.finish().await
}

#[tokio::test]
async fn what_slack_refuses_for_ever_is_given_up_and_the_lane_goes_on() -> anyhow::Result<()> {
    let stage = Stage::with_bot(echo).await?;
    stage.slack.fail_next(
        "chat.postMessage",
        1,
        Fault::Refused("is_archived".to_owned()),
    );
    let channel = stage.slack_user_says("U00000ASHA", "one").await;
    stage.slack_user_says("U00000ASHA", "two").await;
    stage.slack.wait_for_text(&channel, "You said: two.").await;
    stage.slack.wait_for_messages(&channel, 1).await;
    stage.slack.assert_nothing_refused();
    let dead = stage.finish_with_dead().await?;
    let reasons: Vec<_> = dead
        .iter()
        .filter_map(|entry| entry.reason.as_deref())
        .collect();
    assert!(
        matches!(reasons[..], [reason] if reason.contains("is_archived")),
        "{reasons:?}"
    );
    Ok(())
}

#[tokio::test]
async fn one_whom_slack_refuses_for_ever_holds_up_nobody_else_and_not_the_other_direction()
-> anyhow::Result<()> {
    let stage = Stage::with_bot(echo).await?;
    // Both of a kind that is given up and of one that is tried again.
    for (user, fault) in [
        ("U00000ASHA", Fault::Refused("is_archived".to_owned())),
        ("U00000RAVI", Fault::Status(500)),
    ] {
        let channel = stage.slack.dm_channel(user);
        stage
            .slack
            .fail_next_in(&channel, "chat.postMessage", usize::MAX, fault);
    }
    for number in 0..5 {
        for user in ["U00000ASHA", "U00000RAVI", "U00000MILO"] {
            let text = format!("{user} {number}");
            stage.slack_user_says(user, &text).await;
        }
    }
    let milo = stage.slack.dm_channel("U00000MILO");
    let shown = stage.slack.wait_for_messages(&milo, 5).await;
    for (number, message) in shown.iter().enumerate() {
        let answer = format!("You said: U00000MILO {number}.");
        assert_eq!(message.visible_text(), answer);
    }
    // What the refused say still reaches Haptik, in order.
    let all_told = stage.haptik_was_told(15).await?;
    for user in ["U00000ASHA", "U00000RAVI"] {
        let told = all_told.iter().filter(|text| text.starts_with(user));
        let said: Vec<String> = (0..5).map(|number| format!("{user} {number}")).collect();
        assert_eq!(told.collect::<Vec<_>>(), said.iter().collect::<Vec<_>>());
    }
    stage.abandon();
    Ok(())
}

#[tokio::test]
async fn a_delivery_that_haptik_repeats_until_it_gives_up_is_recovered_by_the_next_start()
-> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let options = || Options {
        data_dir: Some(data.path().to_owned()),
        ..Options::default()
    };
    let stage = Stage::with(options(), echo).await?;
    stage
        .simulator()
        .add_call_fault(CallFault::on("*", CallOutcome::status(503)));
    let channel = stage.slack_user_says("U00000ASHA", "kept").await;
    stage
        .simulator()
        .wait_until(Duration::from_secs(10), |seen| {
            seen.calls.iter().any(|call| call.faulty)
        })
        .await?;
    stage.local.queue.close(Duration::from_secs(5)).await;
    let (pending, dead) = stage.left_over().await?;
    assert_eq!((pending.len(), dead.len()), (1, 0));
    stage.abandon();

    let stage = Stage::with(options(), echo).await?;
    assert_eq!(stage.local.resume().await?, 1);
    assert_eq!(stage.haptik_was_told(1).await?, ["kept"]);
    stage.slack.wait_for_text(&channel, "You said: kept.").await;
    stage.finish().await
}

#[tokio::test]
async fn a_webhook_that_was_disabled_delivers_all_that_waited_once_it_is_enabled()
-> anyhow::Result<()> {
    let haptik = Settings {
        time_scale: 0.001,
        ..Settings::default()
    };
    let stage = Stage::with(
        Options {
            haptik,
            ..Options::default()
        },
        echo,
    )
    .await?;
    stage.simulator().disable_webhook();
    let channel = stage.slack_user_says("U00000ASHA", "one").await;
    stage.haptik_was_told(1).await?;
    stage.simulator().enable_webhook();
    stage.slack.wait_for_text(&channel, "You said: one.").await;
    stage.finish().await
}

#[tokio::test]
async fn a_webhook_that_haptik_has_disabled_is_enabled_by_itself_after_a_silence()
-> anyhow::Result<()> {
    let stage = Stage::with_bot(echo).await?;
    let run_maintenance_in = |seconds| {
        let processor = stage.local.processor.clone();
        async move {
            let now = jiff::Timestamp::now() + Duration::from_secs(seconds);
            processor.run_scheduled_maintenance(now).await;
        }
    };
    run_maintenance_in(0).await;
    let enables = || stage.simulator().records(|seen| seen.webhook_enables.len());
    assert_eq!(enables(), 1, "it is enabled at first");
    stage.simulator().disable_webhook();
    let channel = stage.slack_user_says("U00000ASHA", "one").await;
    stage.haptik_was_told(1).await?;
    assert!(stage.local.queue.idle(Duration::from_secs(10)).await);
    run_maintenance_in(20).await;
    assert_eq!(enables(), 1, "it is too soon to speak of a silence");
    run_maintenance_in(45).await;
    assert_eq!(enables(), 2);
    stage.slack.wait_for_text(&channel, "You said: one.").await;
    stage.finish().await
}

#[tokio::test]
async fn a_sink_that_hangs_holds_up_no_chat() -> anyhow::Result<()> {
    // It takes connections, and never answers.
    let crm = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let tables = format!(
        "[sinks.crm]\ntype = \"webhook\"\nevents = [\"*\"]\nurl = \"http://{}\"\nsigning_secrets = [\"{}\"]",
        crm.local_addr()?,
        haptik_bridge_tests::app::SECRET,
    );
    let options = Options {
        tables,
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    let began = std::time::Instant::now();
    for text in ["one", "two", "three"] {
        let channel = stage.slack_user_says("U00000ASHA", text).await;
        let answer = format!("You said: {text}.");
        stage.slack.wait_for_text(&channel, &answer).await;
    }
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "the chat waited for the sink: {:?}",
        began.elapsed()
    );
    // What Slack has got is recorded a moment later.
    let waits_for_sink = |entry: &Entry| matches!(entry.lane, Lane::Sink { .. });
    let until = std::time::Instant::now() + Duration::from_secs(10);
    let (mut pending, mut dead) = stage.left_over().await?;
    while !pending.iter().all(waits_for_sink) && std::time::Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(20)).await;
        (pending, dead) = stage.left_over().await?;
    }
    assert!(dead.is_empty(), "{:?}", dead.first());
    let lanes: Vec<_> = pending.iter().map(|entry| &entry.lane).collect();
    assert!(
        lanes.len() == 3 && pending.iter().all(waits_for_sink),
        "{lanes:?}"
    );
    stage.abandon();
    Ok(())
}
