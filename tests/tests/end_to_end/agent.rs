//! A human within a conversation with Haptik's bot: asked for, joining, missed, done; in Slack.

use std::time::{Duration, Instant};

use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::retry::Detail;
use haptik_bridge_simulator::{
    AGENT_PATH, AgentJoins, CallFault, CallOutcome, CompletedBy, Reply, Settings, UserMessage,
};
use haptik_bridge_tests::app::{App, SECRET};
use haptik_bridge_tests::{Options, Stage};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::later;

const ASHA: &str = "U00000ASHA";
const PATIENCE: Duration = Duration::from_secs(15);

/// A connection whose users can ask for a human.
const SLACK: &str = "team_name = 'Help'\ncountdown = 5\nagent_phrases = ['agent', 'Talk to a human']\n\
     no_agent_after = '10m'\nrating = true\ncompleted_notice = 'Bye from us.'";

fn echo(message: &UserMessage) -> Vec<Reply> {
    vec![Reply::Text(format!("You said: {}", message.text))]
}

fn options() -> Options {
    Options {
        slack: SLACK,
        haptik: Settings {
            time_scale: 0.001,
            ..Settings::default()
        },
        ..Options::default()
    }
}

#[tokio::test]
async fn a_user_asks_for_a_human_who_joins_answers_and_is_rated() -> anyhow::Result<()> {
    let stage = Stage::with(options(), echo).await?;
    let channel = stage.slack_user_says(ASHA, "hi").await;
    stage.slack.wait_for_text(&channel, "You said: hi").await;
    let auth_id = AuthId::derive(&"acme-slack".into(), ASHA, None);
    stage.slack_user_says(ASHA, "  TALK to  a human! ").await;
    stage
        .slack
        .wait_for_text(&channel, "One moment, I am asking a colleague to join.")
        .await;
    let joined = "*Prateek* (Help) has joined the conversation.";
    let joined = stage.slack.wait_for_text(&channel, joined).await;
    assert_eq!(joined.blocks[0]["elements"][0]["type"], "image");
    stage.simulator().records(|seen| {
        assert_eq!(seen.messages.len(), 1, "the request is not said to the bot");
        let moved = seen.agent_moves.last().expect("one");
        assert_eq!((moved.team_name.as_str(), moved.countdown), ("Help", 5));
    });
    stage
        .simulator()
        .agent_says_text(auth_id.as_str(), "How can I help?")?;
    let said = stage.slack.wait_for_text(&channel, "How can I help?").await;
    assert_eq!(said.username.as_deref(), Some("Prateek"));
    // While an agent has the chat, the phrase is a message as any other.
    stage.slack_user_says(ASHA, "agent").await;
    stage.haptik_was_told(2).await?;
    stage
        .simulator()
        .completes(auth_id.as_str(), CompletedBy::Agent)?;
    stage.slack.wait_for_text(&channel, "Bye from us.").await;
    let rating = stage
        .slack
        .wait_until("the rating", PATIENCE, || {
            let messages = stage.slack.messages(&channel);
            messages
                .into_iter()
                .find(|message| message.text.contains("How was this conversation?"))
        })
        .await;
    let tap = stage.slack.tap(&rating, ASHA, "5 ★");
    stage.slack_sends(&tap).await;
    // Haptik takes ratings of open conversations only, which this one is no more.
    stage
        .slack
        .wait_for_text(
            &channel,
            "Thank you! The conversation is over by now, so this rating could not be recorded.",
        )
        .await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let messages = stage.slack.messages(&channel);
    let count = |text: &str| {
        messages
            .iter()
            .filter(|message| message.text.contains(text))
            .count()
    };
    assert_eq!(
        (count("Bye from us."), count("How was this conversation?")),
        (1, 1)
    );
    stage.finish().await
}

#[tokio::test]
async fn a_request_that_comes_first_waits_for_haptiks_name_and_says_so() -> anyhow::Result<()> {
    let stage = Stage::with(options(), echo).await?;
    let channel = stage.slack.dm_channel(ASHA);
    let command = stage
        .slack
        .slash_command(&channel, ASHA, "/haptik", "agent");
    stage.slack_sends(&command).await;
    let waiting =
        "I will ask a colleague to join as soon as the conversation is set up. One moment.";
    stage
        .slack
        .wait_until("the notice", PATIENCE, || {
            stage
                .slack
                .all_messages()
                .into_iter()
                .find(|message| message.text == waiting)
        })
        .await;
    stage
        .simulator()
        .wait_until(PATIENCE, |seen| seen.agent_moves.len() == 1)
        .await?;
    stage
        .slack
        .wait_until("the agent", PATIENCE, || {
            stage
                .slack
                .all_messages()
                .into_iter()
                .find(|message| message.text.starts_with("*Prateek* (Help)"))
        })
        .await;
    stage.haptik_was_told(1).await?;
    stage.finish().await
}

#[tokio::test]
async fn the_home_tab_has_a_button_that_asks() -> anyhow::Result<()> {
    let stage = Stage::with(options(), echo).await?;
    let opened = json!({"type": "app_home_opened", "user": ASHA, "channel": stage.slack.dm_channel(ASHA), "tab": "home", "event_ts": stage.slack.mint_ts()});
    stage.slack_sends(&stage.slack.envelope(&opened)).await;
    let home = stage
        .slack
        .wait_until("the Home tab", PATIENCE, || stage.slack.home(ASHA))
        .await;
    let tap = stage.slack.tap_home(&home, ASHA, "agent");
    stage.slack_sends(&tap).await;
    stage
        .simulator()
        .wait_until(PATIENCE, |seen| seen.agent_moves.len() == 1)
        .await?;
    stage
        .slack
        .wait_until("the agent", PATIENCE, || {
            stage
                .slack
                .all_messages()
                .into_iter()
                .find(|message| message.text.starts_with("*Prateek* (Help)"))
        })
        .await;
    stage.finish().await
}

#[tokio::test]
async fn nobody_takes_the_chat_and_the_user_and_the_sinks_are_told() -> anyhow::Result<()> {
    let receiver = App::start().await?;
    let mut options = options();
    options.haptik.agent_joins = AgentJoins::Never;
    options.tables = format!(
        "[sinks.crm]\ntype = \"webhook\"\nevents = [\"missed_handoff\"]\nurl = \"{}\"\nsigning_secrets = [\"{SECRET}\"]",
        receiver.url()
    );
    let stage = Stage::with(options, echo).await?;
    let channel = stage.slack_user_says(ASHA, "hi").await;
    stage.slack.wait_for_text(&channel, "You said: hi").await;
    stage.slack_user_says(ASHA, "agent").await;
    stage
        .simulator()
        .wait_until(PATIENCE, |seen| seen.agent_moves.len() == 1)
        .await?;
    // Asking again is asking Haptik again.
    stage.slack_user_says(ASHA, "agent").await;
    stage
        .simulator()
        .wait_until(PATIENCE, |seen| seen.agent_moves.len() == 2)
        .await?;
    for _ in 0..2 {
        let later = Timestamp::now().checked_add(SignedDuration::from_mins(11))?;
        stage.local.processor.run_scheduled_maintenance(later).await;
    }
    let missed = "Nobody is free at the moment, I am sorry. Please try again later.";
    stage.slack.wait_for_text(&channel, missed).await;
    let event = receiver.wait_for(1).await.remove(0).body;
    assert_eq!(event["data"]["data"]["asked_by"], "user");
    assert_eq!(event["data"]["data"]["team_name"], "Help");
    // The chat waits at Haptik until it completes. Then the bot answers again, and a human can be asked for.
    stage.slack_user_says(ASHA, "anybody?").await;
    stage
        .simulator()
        .wait_until(PATIENCE, |seen| {
            seen.messages.iter().any(|said| said.text == "anybody?")
        })
        .await?;
    let auth_id = AuthId::derive(&"acme-slack".into(), ASHA, None);
    stage
        .simulator()
        .completes(auth_id.as_str(), CompletedBy::Timeout)?;
    stage.slack_user_says(ASHA, "hello?").await;
    stage
        .slack
        .wait_for_text(&channel, "You said: hello?")
        .await;
    stage.slack_user_says(ASHA, "agent").await;
    stage
        .simulator()
        .wait_until(PATIENCE, |seen| seen.agent_moves.len() == 3)
        .await?;
    stage.finish().await
}

#[tokio::test]
async fn what_haptik_says_of_a_request_is_handled() -> anyhow::Result<()> {
    let mut options = options();
    options.haptik.teams = vec!["Support".into()];
    let stage = Stage::with(options, echo).await?;
    let channel = stage.slack_user_says(ASHA, "hi").await;
    stage.slack.wait_for_text(&channel, "You said: hi").await;
    // It has heard nothing of the user, it says: then it is told the request.
    let refused = json!({"error_message": "user has not sent a message"});
    stage.simulator().add_call_fault(CallFault {
        times: Some(1),
        ..CallFault::on(
            AGENT_PATH,
            CallOutcome::Status {
                status: 400,
                retry_after: None,
                body: Some(refused),
            },
        )
    });
    stage.slack_user_says(ASHA, "agent").await;
    stage.slack.wait_for_text(&channel, "You said: agent").await;
    // There is no such team: the user is told that nobody comes.
    let missed = "Nobody is free at the moment, I am sorry. Please try again later.";
    stage.slack.wait_for_text(&channel, missed).await;
    let dead = stage.finish_with_dead().await?;
    assert_eq!(dead.len(), 1);
    let words = dead[0].detail.as_ref().map_or("", Detail::as_str);
    assert!(words.contains("invalid team_name"), "{words}");
    Ok(())
}

#[tokio::test]
async fn the_end_of_an_earlier_conversation_takes_the_chat_from_no_agent() -> anyhow::Result<()> {
    let stage = Stage::with(options(), echo).await?;
    let channel = stage.slack_user_says(ASHA, "hi").await;
    stage.slack.wait_for_text(&channel, "You said: hi").await;
    let auth_id = AuthId::derive(&"acme-slack".into(), ASHA, None);
    stage.slack_user_says(ASHA, "agent").await;
    let joined = "*Prateek* (Help) has joined the conversation.";
    stage.slack.wait_for_text(&channel, joined).await;
    // Haptik tells of the conversation before only now.
    let at = Timestamp::now() - SignedDuration::from_mins(5);
    stage.simulator().deliver(&json!({
        "event_name": "webhook_conversation_complete", "timestamp": at.to_string(),
        "business_id": 343, "user": {"auth_id": auth_id, "user_name": "asha"},
        "agent": {"name": "gogo", "is_automated": true},
        "data": {"conversation_no": "11", "conversation_identifier": "c-11", "completion_by": "Prateek"},
    }));
    stage
        .slack
        .wait_for_text(&channel, "This conversation is complete.")
        .await;
    stage.slack_user_says(ASHA, "agent").await;
    assert_eq!(stage.haptik_was_told(2).await?, ["hi", "agent"]);
    let asked = stage.slack.messages(&channel).into_iter();
    let asked = asked.filter(|message| message.text.contains("How was this conversation?"));
    assert_eq!(asked.count(), 0, "the chat goes on");
    stage.finish().await
}

#[tokio::test]
async fn an_agent_who_wrote_without_having_joined_is_told_the_phrase() -> anyhow::Result<()> {
    let mut options = options();
    options.haptik.agent_joins = AgentJoins::Never;
    let stage = Stage::with(options, echo).await?;
    let channel = stage.slack_user_says(ASHA, "hi").await;
    stage.slack.wait_for_text(&channel, "You said: hi").await;
    let auth_id = AuthId::derive(&"acme-slack".into(), ASHA, None);
    stage.slack_user_says(ASHA, "agent").await;
    let haptik = stage.simulator();
    haptik
        .wait_until(PATIENCE, |seen| seen.agent_moves.len() == 1)
        .await?;
    haptik.agent_says_text(auth_id.as_str(), "How can I help?")?;
    stage.slack.wait_for_text(&channel, "How can I help?").await;
    stage.slack_user_says(ASHA, "agent").await;
    assert_eq!(stage.haptik_was_told(2).await?, ["hi", "agent"]);
    stage.finish().await
}

#[tokio::test]
async fn an_outage_before_it_leaves_a_request_its_tries() -> anyhow::Result<()> {
    let stage = Stage::with(options(), echo).await?;
    let channel = stage.slack_user_says(ASHA, "hi").await;
    stage.slack.wait_for_text(&channel, "You said: hi").await;
    let answers = |status, body| CallFault {
        times: Some(1),
        ..CallFault::on(
            AGENT_PATH,
            CallOutcome::Status {
                status,
                retry_after: None,
                body,
            },
        )
    };
    let haptik = stage.simulator();
    haptik.add_call_fault(answers(503, None));
    stage.slack_user_says(ASHA, "agent").await;
    haptik
        .wait_until(PATIENCE, |seen| seen.calls.iter().any(|call| call.faulty))
        .await?;
    // It goes on for hours.
    let ledger = &stage.local.bridge.ledger;
    let auth_id = AuthId::derive(&"acme-slack".into(), ASHA, None);
    let lane = Lane::Haptik(auth_id);
    let until = Instant::now() + PATIENCE;
    let failed = loop {
        let (pending, _) = ledger.pending(&lane).await?;
        let failed = pending.into_iter().find(|entry| entry.attempts == 1);
        match failed {
            Some(failed) => break failed,
            None => assert!(Instant::now() < until, "no try has failed"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    for _ in 0..20 {
        ledger.failed(&failed, "Haptik is down".into()).await?;
    }
    let refused = json!({"error_message": "user has not sent a message"});
    haptik.add_call_fault(answers(400, Some(refused)));
    stage.slack.wait_for_text(&channel, "You said: agent").await;
    // The pauses are long by now.
    later::ring(&stage, &lane, 2).await?;
    let joined = "*Prateek* (Help) has joined the conversation.";
    stage.slack.wait_for_text(&channel, joined).await;
    let (pending, _) = ledger.pending(&lane).await?;
    assert!(pending.is_empty(), "{pending:?}");
    let (_, dead) = stage.left_over().await?;
    assert!(dead.is_empty(), "{dead:?}");
    stage.abandon();
    Ok(())
}
