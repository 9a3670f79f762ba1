//! Forms, agents and ratings.

use std::time::Duration;

use haptik_bridge_simulator::{CompletedBy, Reply, Settings, UserMessage};
use haptik_bridge_tests::provider::{Shown, Step};
use haptik_bridge_tests::{Options, Stage};
use serde_json::json;

use super::{Start, echo, is_answered, scene, sees};

const PATIENCE: Duration = Duration::from_secs(30);

/// Does what a user does step by step; whether there was anything to be done.
async fn walks(stage: &Stage, next: impl Fn(usize) -> Option<Step>) -> anyhow::Result<bool> {
    let mut sent = 0;
    let began = std::time::Instant::now();
    loop {
        match next(sent) {
            None => return Ok(false),
            Some(Step::Done) => return Ok(true),
            Some(Step::Send(request)) => {
                stage.takes(&request).await?;
                sent += 1;
            }
            Some(Step::Wait) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        anyhow::ensure!(began.elapsed() < PATIENCE, "waited for step {sent}");
    }
}

pub(super) async fn a_form_comes_back_as_its_answers(start: Start) -> anyhow::Result<()> {
    const ANSWERS: [(&str, &str); 3] = [
        ("Name", "Asha"),
        ("City", "Pune"),
        ("Delivery date", "2026-12-01"),
    ];
    let stage = scene(start, |message: &UserMessage| match message.text.as_str() {
        "form" => vec![Reply::Hsl(json!({"type": "FORM", "title": "Where to?", "data": {"fields": [
            {"key": "date", "type": "date", "order": 3, "hint": "Delivery date", "options": []},
            {"key": "name", "type": "text", "order": 1, "hint": "Name", "options": []},
            {"key": "city", "type": "picker", "order": 2, "hint": "City", "options": ["Mumbai", "Pune"]},
        ]}}))],
        _ => Vec::new(),
    })
    .await?;
    let user = stage.provider.user(1);
    stage.takes(&stage.provider.say(&user, "form")).await?;
    sees(&stage, &user, "Where to?", 1).await?;
    // What is asked in the chat is asked one question after the other.
    sees(&stage, &user, ANSWERS[0].0, 1).await?;
    let filled = |sent| stage.provider.fill(&user, &ANSWERS, sent);
    if walks(&stage, filled).await? {
        let told = stage.haptik_was_told(2).await?.remove(1);
        let lines: Vec<String> = ANSWERS
            .iter()
            .map(|(hint, answer)| format!("{hint}: {answer}"))
            .collect();
        assert_eq!(told, lines.join("\n"));
    }
    stage.finish().await
}

pub(super) async fn a_human_joins_answers_and_is_done(start: Start) -> anyhow::Result<()> {
    let options = Options {
        provider: Some(start().await?),
        connection: "agent_phrases = ['human, please']\nteam_name = 'Support'\nno_agent_after = '10m'",
        haptik: Settings {
            time_scale: 0.001,
            ..Settings::default()
        },
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    let user = stage.provider.user(1);
    is_answered(&stage, &user, "hi").await?;
    stage
        .takes(&stage.provider.say(&user, " Human,  PLEASE! "))
        .await?;
    sees(&stage, &user, "has joined", 1).await?;
    let simulator = stage.simulator();
    let auth_id = simulator.records(|seen| {
        assert_eq!(seen.agent_moves.len(), 1);
        assert_eq!(seen.messages.len(), 1, "the request is not said to the bot");
        seen.messages.last().map(|said| said.auth_id.clone())
    });
    let auth_id = auth_id.unwrap_or_default();
    simulator.agent_says_text(&auth_id, "How can I help?")?;
    let says = |one: &&Shown| one.text.contains("How can I help?");
    let said = stage.shown(&user, "the agent's words", |shown| {
        shown.iter().find(says).cloned()
    });
    let said = said.await?;
    let named = said.sender.as_deref() == Some("Prateek") || said.text.contains("Prateek");
    assert!(named, "nobody says who it is: {said:?}");
    stage
        .takes(&stage.provider.say(&user, "It is late"))
        .await?;
    assert_eq!(stage.haptik_was_told(2).await?[1], "It is late");
    simulator.completes(&auth_id, CompletedBy::Agent)?;
    is_answered(&stage, &user, "thanks").await?;
    stage.finish().await
}

pub(super) async fn a_rating_reaches_haptik(start: Start) -> anyhow::Result<()> {
    let stage = scene(start, |_: &UserMessage| {
        vec![Reply::Hsl(json!({"text": "How was it?", "type": "BUTTON", "data": {"items": [
            {"actionable_text": "Rate this chat", "type": "APP_FEEDBACK", "payload": {"message": "", "gogo_message": ""}},
        ]}}))]
    })
    .await?;
    let user = stage.provider.user(1);
    stage.takes(&stage.provider.say(&user, "done")).await?;
    sees(&stage, &user, "How was it?", 1).await?;
    let rates = |sent| match sent {
        0 => stage.provider.rate(&user, 4),
        _ => Some(Step::Done),
    };
    if walks(&stage, rates).await? {
        let simulator = stage.simulator();
        let came = simulator.wait_until(PATIENCE, |seen| !seen.feedback.is_empty());
        came.await?;
        simulator.records(|seen| {
            let feedback = seen.feedback.last().expect("a rating");
            let rating = (feedback.query_rating, feedback.query_resolved);
            assert_eq!(rating, (4, true));
        });
    }
    stage.finish().await
}
