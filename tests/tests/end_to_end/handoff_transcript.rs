//! What was said before a hand-off: told to Haptik whole, in order and once, whatever happens meanwhile.

use std::time::Duration;

use haptik_bridge_simulator::{CallFault, CallOutcome, CompletedBy, MESSAGE_PATH};
use haptik_bridge_tests::{Options, Stage};
use serde_json::{Value, json};

use super::handoff::{asked, hand_over, no_bot, options, run_maintenance_in, say};

const PATIENCE: Duration = Duration::from_secs(15);

/// A line of the transcript is a message of its own.
fn in_lines() -> Options {
    Options {
        app: "handoff_only = true\ntranscript = 'lines'",
        ..options()
    }
}

#[tokio::test]
async fn an_agent_answers_before_during_and_after_the_transcript() -> anyhow::Result<()> {
    let stage = Stage::with(in_lines(), no_bot).await?;
    let simulator = stage.simulator();
    let slow = CallFault {
        delay_ms: 400,
        times: Some(4),
        ..CallFault::on(MESSAGE_PATH, CallOutcome::Answer)
    };
    simulator.add_call_fault(slow);
    let mut asked = asked("h-1");
    asked["transcript"] = (1..=5)
        .map(|line| json!({"sender": "user", "text": line.to_string()}))
        .collect();
    let auth_id = hand_over(&stage, &asked).await?;
    simulator
        .wait_until(PATIENCE, |seen| !seen.users.is_empty())
        .await?;
    simulator.agent_joins(&auth_id)?;
    simulator.agent_says_text(&auth_id, "before")?;
    simulator
        .wait_until(PATIENCE, |seen| seen.messages.len() >= 2)
        .await?;
    simulator.agent_says_text(&auth_id, "during")?;
    stage.haptik_was_told(6).await?;
    simulator.agent_says_text(&auth_id, "after")?;
    let messages = stage.app.wait_for_type("message", 3).await;
    let texts: Vec<&Value> = messages
        .iter()
        .map(|message| &message.body["text"])
        .collect();
    assert_eq!(texts, ["before", "during", "after"]);
    assert!(
        messages
            .iter()
            .all(|message| message.body["handoff_id"] == "h-1")
    );
    stage.app.wait_for_type("agent_joined", 1).await;
    let lines = [
        "user: 1",
        "user: 2",
        "user: 3",
        "user: 4",
        "user: 5",
        "wants a refund",
    ];
    assert_eq!(stage.haptik_was_told(6).await?, lines);
    // Nobody is missed: an agent has the chat.
    run_maintenance_in(&stage, 10).await?;
    simulator.completes(&auth_id, CompletedBy::Agent)?;
    let ended = stage.app.wait_for_type("handoff_ended", 1).await;
    assert_eq!(ended[0].body["reason"], "completed");
    stage.finish().await
}

#[tokio::test]
async fn haptik_forgets_the_user_fails_or_says_nothing_in_the_middle() -> anyhow::Result<()> {
    for (outcome, times) in [
        (
            CallOutcome::Status {
                status: 403,
                retry_after: None,
                body: Some(json!({"error_message": "user is not registered"})),
            },
            1,
        ),
        (CallOutcome::status(500), 1),
        (CallOutcome::Drop, 1),
    ] {
        let stage = Stage::with(in_lines(), no_bot).await?;
        let simulator = stage.simulator();
        let is_403 = matches!(outcome, CallOutcome::Status { status: 403, .. });
        // The first message goes well.
        for (outcome, times) in [(CallOutcome::Answer, 1), (outcome, times)] {
            simulator.add_call_fault(CallFault {
                times: Some(times),
                ..CallFault::on(MESSAGE_PATH, outcome)
            });
        }
        hand_over(&stage, &asked("h-1")).await?;
        assert_eq!(say(&stage, "m-1", "hello?").await?, 202);
        let lines = [
            "user: I want my money back",
            "bot: I am bringing a colleague.",
            "wants a refund",
            "hello?",
        ];
        assert_eq!(stage.haptik_was_told(4).await?, lines);
        simulator.records(|seen| assert_eq!(seen.users.len(), 1 + usize::from(is_403)));
        stage.finish().await?;
    }
    Ok(())
}

#[tokio::test]
async fn ten_thousand_lines_reach_the_agent() -> anyhow::Result<()> {
    let stage = Stage::with(options(), no_bot).await?;
    let mut asked = asked("h-1");
    asked["transcript"] = (0..10_000)
        .map(|line| json!({"sender": "user", "text": format!("line {line}")}))
        .collect();
    let auth_id = hand_over(&stage, &asked).await?;
    let simulator = stage.simulator();
    simulator
        .wait_until(Duration::from_mins(1), |seen| {
            seen.messages
                .last()
                .is_some_and(|said| said.text == "wants a refund")
        })
        .await?;
    let text: String = simulator.records(|seen| {
        seen.messages
            .iter()
            .map(|said| said.text.clone() + "\n")
            .collect()
    });
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("user: line"))
        .collect();
    assert_eq!((lines.len(), lines[9_999]), (10_000, "user: line 9999"));
    simulator.agent_joins(&auth_id)?;
    stage.app.wait_for_type("agent_joined", 1).await;
    stage.finish().await
}

#[tokio::test]
async fn a_transcript_that_takes_long_is_told_in_stretches() -> anyhow::Result<()> {
    let mut options = in_lines();
    options.limits.stretch = Duration::ZERO;
    let stage = Stage::with(options, no_bot).await?;
    let mut asked = asked("h-1");
    asked["transcript"] = (0..20)
        .map(|line| json!({"sender": "user", "text": line.to_string()}))
        .collect();
    hand_over(&stage, &asked).await?;
    assert_eq!(say(&stage, "m-1", "hello?").await?, 202);
    let lines = stage.haptik_was_told(22).await?;
    assert_eq!(
        (lines[0].as_str(), lines[19].as_str(), lines[21].as_str()),
        ("user: 0", "user: 19", "hello?")
    );
    stage.finish().await
}
