//! What Haptik says of a conversation: that nobody was there, that it is rated, which message it answers,
//! and what is new to us.

use std::time::Duration;

use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_simulator::{AgentJoins, CompletedBy, Reply, Settings, UserMessage};
use haptik_bridge_tests::app::{App, Callback, SECRET};
use haptik_bridge_tests::{Options, Stage};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::handoff::{asked, hand_over, no_bot};

const ASHA: &str = "U00000ASHA";
const PATIENCE: Duration = Duration::from_secs(15);
const MISSED: &str = "Nobody is free at the moment, I am sorry. Please try again later.";

fn echo(message: &UserMessage) -> Vec<Reply> {
    vec![Reply::Text(format!("You said: {}", message.text))]
}

/// A stage on which no agent joins, and a sink that gets these events.
async fn options(app: &'static str, events: &str) -> anyhow::Result<(Options, App)> {
    let sink = App::start().await?;
    let options = Options {
        app,
        slack: "team_name = 'Help'\nagent_phrases = ['agent']\nrating = true",
        haptik: Settings {
            time_scale: 0.001,
            agent_joins: AgentJoins::Never,
            ..Settings::default()
        },
        tables: format!(
            "[sinks.crm]\ntype = \"webhook\"\nevents = [{events}]\nurl = \"{}\"\nsigning_secrets = [\"{SECRET}\"]",
            sink.url()
        ),
        ..Options::default()
    };
    Ok((options, sink))
}

/// A chat that Haptik completes at once, since nobody of the team is there.
fn after_hours(auth_id: &str) -> Value {
    json!({
        "event_name": "webhook_conversation_complete", "timestamp": Timestamp::now().to_string(),
        "business_id": 343, "user": {"auth_id": auth_id, "user_name": "asha"},
        "agent": {"name": "gogo", "is_automated": true},
        "data": {"conversation_no": "12", "conversation_identifier": "c-12",
                 "completion_type": "autocomplete", "completion_by": "Team Offline Flag"},
    })
}

fn of<'a>(callbacks: &'a [Callback], kind: &str) -> Vec<&'a Value> {
    let bodies = callbacks.iter().map(|callback| &callback.body);
    bodies.filter(|body| body["type"] == kind).collect()
}

#[tokio::test]
async fn a_bot_that_hands_over_after_hours_hears_that_nobody_was_there() -> anyhow::Result<()> {
    let (options, sink) = options("handoff_only = true", "\"missed_handoff\"").await?;
    let stage = Stage::with(options, no_bot).await?;
    let auth_id = hand_over(&stage, &asked("h-1")).await?;
    stage.haptik_was_told(2).await?;
    stage.simulator().deliver(&after_hours(&auth_id));
    let ended = stage.app.wait_for_type("handoff_ended", 1).await.remove(0);
    let told = ["reason", "agent_joined", "completed_by", "completion_by"];
    assert_eq!(
        told.map(|key| &ended.body[key]),
        [
            &json!("no_agent"),
            &json!(false),
            &json!("timeout"),
            &json!("Team Offline Flag")
        ]
    );
    let complete = &stage.app.of_type("conversation_complete")[0].body;
    assert_eq!(complete["handoff_id"], "h-1");
    let missed = sink.wait_for(1).await.remove(0).body["data"]["data"].take();
    let told = ["handoff_id", "asked_by", "completed_by", "completion_by"];
    assert_eq!(
        told.map(|key| missed[key].as_str()),
        [
            Some("h-1"),
            Some("application"),
            Some("timeout"),
            Some("Team Offline Flag")
        ]
    );
    stage.finish().await
}

#[tokio::test]
async fn whichever_completion_comes_before_anybody_joined_is_a_missed_hand_off()
-> anyhow::Result<()> {
    let (options, sink) = options("handoff_only = true", "\"missed_handoff\"").await?;
    let stage = Stage::with(options, no_bot).await?;
    for (number, by) in [CompletedBy::Bot, CompletedBy::Timeout]
        .into_iter()
        .enumerate()
    {
        let auth_id = hand_over(&stage, &asked(&format!("h-{number}"))).await?;
        stage.haptik_was_told(2 * (number + 1)).await?;
        stage.simulator().completes(&auth_id, by)?;
        let ended = stage.app.wait_for_type("handoff_ended", number + 1).await;
        assert_eq!(ended[number].body["reason"], "no_agent");
    }
    let auth_id = hand_over(&stage, &asked("h-2")).await?;
    stage.haptik_was_told(6).await?;
    stage.simulator().deliver(&json!({
        "event_name": "chat_complete", "timestamp": Timestamp::now().to_string(), "business_id": 343,
        "user": {"auth_id": auth_id}, "agent": {"name": "gogo", "is_automated": true},
        "message": {"id": 900_000, "body": {"text": "Done", "type": "SYSTEM", "data": {}}},
    }));
    let ended = stage.app.wait_for_type("handoff_ended", 3).await;
    assert_eq!(ended[2].body["reason"], "no_agent");
    sink.wait_for(3).await;
    stage.finish().await
}

#[tokio::test]
async fn a_user_who_asks_for_a_human_after_hours_is_told_and_so_are_the_sinks() -> anyhow::Result<()>
{
    let (options, sink) = options("", "\"missed_handoff\"").await?;
    let stage = Stage::with(options, echo).await?;
    let channel = stage.slack_user_says(ASHA, "hi").await;
    stage.slack.wait_for_text(&channel, "You said: hi").await;
    stage.slack_user_says(ASHA, "agent").await;
    let moved = |seen: &haptik_bridge_simulator::Records| seen.agent_moves.len() == 1;
    stage.simulator().wait_until(PATIENCE, moved).await?;
    let auth_id = AuthId::derive(&"acme-slack".into(), ASHA, None);
    for _ in 0..2 {
        stage.simulator().deliver(&after_hours(auth_id.as_str()));
    }
    stage.slack.wait_for_text(&channel, MISSED).await;
    let missed = sink.wait_for(1).await.remove(0).body;
    assert_eq!(missed["data"]["data"]["asked_by"], "user");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let notices = stage.slack.messages(&channel).into_iter();
    assert_eq!(notices.filter(|notice| notice.text == MISSED).count(), 1);
    sink.wait_for(1).await;
    stage.finish().await
}

#[tokio::test]
async fn a_chat_that_haptiks_own_bot_moved_after_hours_is_a_missed_hand_off_too()
-> anyhow::Result<()> {
    let (options, sink) = options("", "\"missed_handoff\"").await?;
    let stage = Stage::with(options, echo).await?;
    let channel = stage.slack_user_says(ASHA, "hi").await;
    stage.slack.wait_for_text(&channel, "You said: hi").await;
    let auth_id = AuthId::derive(&"acme-slack".into(), ASHA, None);
    stage.simulator().deliver(&after_hours(auth_id.as_str()));
    stage.slack.wait_for_text(&channel, MISSED).await;
    let missed = sink.wait_for(1).await.remove(0).body;
    assert_eq!(missed["data"]["data"]["asked_by"], "haptik");
    // A completion like any other is none.
    stage.slack_user_says(ASHA, "hi again").await;
    stage
        .slack
        .wait_for_text(&channel, "You said: hi again")
        .await;
    stage
        .simulator()
        .completes(auth_id.as_str(), CompletedBy::Bot)?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    sink.wait_for(1).await;
    stage.finish().await
}

#[tokio::test]
async fn a_rating_is_one_event_whatever_haptik_makes_of_it() -> anyhow::Result<()> {
    let (options, sink) = options("", "\"rating\"").await?;
    let stage = Stage::with(options, echo).await?;
    let hello = json!({"type": "message", "id": "m-1", "timestamp": Timestamp::now().to_string(),
                       "user": {"id": "u-42"}, "text": "hello"});
    let auth_id = stage.app_sends(&hello).await?["auth_id"].take();
    stage.app.wait_for(1).await;
    // The second is one too many for Haptik, and the third of a conversation that is over.
    for (number, rating) in [(1, 5), (2, 2), (3, 4)] {
        if number == 3 {
            let auth_id = auth_id.as_str().unwrap_or_default();
            stage.simulator().completes(auth_id, CompletedBy::Bot)?;
            stage.app.wait_for_type("conversation_complete", 1).await;
        }
        let feedback = json!({"type": "feedback", "id": format!("f-{number}"), "timestamp": Timestamp::now().to_string(),
                              "user": {"id": "u-42"}, "rating": rating, "resolved": rating > 3, "comment": "so so"});
        for _ in 0..2 {
            stage.app_sends(&feedback).await?;
        }
        let event = sink.wait_for(number).await.remove(number - 1).body;
        assert_eq!(event["type"], "rating");
        let data = &event["data"]["data"];
        let told = [
            "rating",
            "resolved",
            "comment",
            "connection",
            "channel_user",
        ];
        assert_eq!(
            told.map(|key| &data[key]),
            [
                &json!(rating),
                &json!(rating > 3),
                &json!("so so"),
                &json!("my-app"),
                &json!("u-42")
            ]
        );
        assert_eq!(event["data"]["user"]["auth_id"], auth_id);
    }
    // The company has each of them.
    let thanks = || {
        let callbacks = stage.app.callbacks();
        let messages = of(&callbacks, "message").into_iter();
        messages
            .filter(|body| body["text"] == "Thank you for your rating!")
            .count()
    };
    let deadline = std::time::Instant::now() + PATIENCE;
    while thanks() < 2 && std::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(thanks(), 2);
    stage.finish().await
}

#[tokio::test]
async fn a_rating_may_be_asked_for_as_soon_as_an_agent_has_the_chat() -> anyhow::Result<()> {
    let (mut options, sink) = options("", "\"rating\"").await?;
    options.slack = "rating = true\nrating_when = 'joined'\nrating_resolved_from = 3";
    let stage = Stage::with(options, echo).await?;
    let channel = stage.slack_user_says(ASHA, "hi").await;
    stage.slack.wait_for_text(&channel, "You said: hi").await;
    let auth_id = AuthId::derive(&"acme-slack".into(), ASHA, None);
    stage.simulator().agent_joins(auth_id.as_str())?;
    let rating = stage
        .slack
        .wait_until("the rating", PATIENCE, || {
            let messages = stage.slack.messages(&channel).into_iter();
            let mut asked = messages.filter(|message| message.text.contains("How was this"));
            asked.next()
        })
        .await;
    stage
        .slack_sends(&stage.slack.tap(&rating, ASHA, "3 ★"))
        .await;
    let taken = |seen: &haptik_bridge_simulator::Records| {
        let last = seen.feedback.last();
        last.is_some_and(|last| last.query_rating == 3 && last.query_resolved)
    };
    stage.simulator().wait_until(PATIENCE, taken).await?;
    // What was not asked is not said.
    let event = sink.wait_for(1).await.remove(0).body;
    assert_eq!(event["data"]["data"]["resolved"], Value::Null);
    stage
        .simulator()
        .completes(auth_id.as_str(), CompletedBy::Agent)?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let messages = stage.slack.messages(&channel).into_iter();
    let asked = messages.filter(|message| message.text.contains("How was this"));
    assert!(asked.count() <= 1, "it is not asked for twice");
    stage.finish().await
}

#[tokio::test]
async fn an_event_that_is_new_reaches_the_sinks_that_want_it_and_nothing_is_dead()
-> anyhow::Result<()> {
    let (options, sink) = options("", "\"*\"").await?;
    let stage = Stage::with(options, no_bot).await?;
    stage.simulator().deliver(&json!({
        "event_name": "agent_typing", "timestamp": Timestamp::now().to_string(), "business_id": 343,
        "user": {"auth_id": "u1"}, "since": 3,
    }));
    stage
        .simulator()
        .deliver(&json!({"event_name": "brand new: {}"}));
    let events = sink.wait_for(2).await;
    let names: Vec<&Value> = events.iter().map(|event| &event.body["type"]).collect();
    assert!(names.contains(&&json!("agent_typing")), "{names:?}");
    stage.finish().await
}

#[tokio::test]
async fn an_answer_that_names_what_it_answers_has_the_applications_own_id() -> anyhow::Result<()> {
    let (options, _sink) = options("", "\"rating\"").await?;
    let stage = Stage::with(options, no_bot).await?;
    let mut auth_id = Value::Null;
    for number in 1..=3 {
        let said = json!({"type": "message", "id": format!("m#{number}"), "timestamp": Timestamp::now().to_string(),
                          "user": {"id": "u-42"}, "text": format!("question {number}")});
        auth_id = stage.app_sends(&said).await?["auth_id"].take();
    }
    stage.haptik_was_told(3).await?;
    let second = stage.simulator().records(|seen| {
        let mut messages = seen.messages.iter();
        messages
            .find(|message| message.text == "question 2")
            .map(|message| message.message_id)
    });
    let answer = |id: u64, answers: Value| {
        json!({"event_name": "message", "timestamp": Timestamp::now().to_string(), "business_id": 343,
               "user": {"auth_id": auth_id}, "agent": {"name": "gogo", "is_automated": true},
               "message": {"id": id, "body": {"text": format!("answer {id}"), "type": "TEXT", "data": {}}},
               "user_message_info": answers})
    };
    stage
        .simulator()
        .deliver(&answer(900_001, json!({"id": second})));
    stage
        .simulator()
        .deliver(&answer(900_002, json!({"id": 7})));
    stage.simulator().deliver(&answer(900_003, Value::Null));
    let answers = stage.app.wait_for(3).await;
    let named = |text: &str| {
        let mut bodies = answers.iter().map(|one| &one.body);
        bodies
            .find(|body| body["text"] == text)
            .and_then(|body| body.get("in_reply_to"))
            .cloned()
    };
    assert_eq!(named("answer 900001"), Some(json!("m#2")));
    assert_eq!(
        (named("answer 900002"), named("answer 900003")),
        (None, None)
    );
    stage.finish().await
}
