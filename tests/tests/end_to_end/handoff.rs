//! Hand-offs from a bot that lives elsewhere, over the custom channel.

use std::time::Duration;

use haptik_bridge_shared::lane::Lane;
use haptik_bridge_simulator::{
    AgentJoins, CallFault, CallOutcome, CompletedBy, DeliveryFault, DeliveryOutcome, MESSAGE_PATH,
    Reply, Settings, UserMessage,
};
use haptik_bridge_tests::app::{App, SECRET};
use haptik_bridge_tests::{Options, Stage};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(15);

/// An application whose users talk with a bot of its own.
const HANDOFF_ONLY: &str = "handoff_only = true\nteam_name = 'Support'";

/// A Haptik whose queue has no bot.
pub(super) fn no_bot(_: &UserMessage) -> Vec<Reply> {
    Vec::new()
}

/// A Haptik that says once that an agent will come, which tells its name of the user.
fn one_moment(message: &UserMessage) -> Vec<Reply> {
    let is_reason = message.text == "wants a refund";
    let said = is_reason.then(|| Reply::Text("One moment.".into()));
    said.into_iter().collect()
}

pub(super) fn options() -> Options {
    Options {
        app: HANDOFF_ONLY,
        haptik: Settings {
            time_scale: 0.001,
            ..Settings::default()
        },
        ..Options::default()
    }
}

async fn stage() -> anyhow::Result<Stage> {
    Stage::with(options(), no_bot).await
}

/// Hands the user over; its `auth_id`.
pub(super) async fn hand_over(stage: &Stage, asked: &Value) -> anyhow::Result<String> {
    let url = format!("{}/handoff", stage.channel_url("my-app"));
    let (status, answer) = stage.app.send(&url, asked).await?;
    assert_eq!(status, 202, "{answer}");
    Ok(answer["auth_id"].as_str().expect("an auth_id").to_owned())
}

/// The user says something, which is answered with this status.
pub(super) async fn say(stage: &Stage, id: &str, text: &str) -> anyhow::Result<u16> {
    let url = stage.channel_url("my-app");
    Ok(stage.app.send(&url, &said(id, text)).await?.0)
}

pub(super) async fn run_maintenance_in(stage: &Stage, minutes: i64) -> anyhow::Result<()> {
    let now = Timestamp::now().checked_add(SignedDuration::from_mins(minutes))?;
    stage.local.processor.run_scheduled_maintenance(now).await;
    Ok(())
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

pub(super) fn asked(id: &str) -> Value {
    json!({
        "id": id, "timestamp": now(), "message": "wants a refund", "team_name": "Support",
        "user": {"id": "u-42", "name": "Asha", "email": "a@example.com", "custom_data": {"plan": "gold"}},
        "transcript": [{"sender": "user", "text": "I want my money back"},
                       {"sender": "bot", "text": "I am bringing a colleague."}],
    })
}

fn said(id: &str, text: &str) -> Value {
    json!({"type": "message", "id": id, "timestamp": now(), "text": text, "user": {"id": "u-42"}})
}

#[tokio::test]
async fn the_interface_answers_as_documented() -> anyhow::Result<()> {
    let stage = stage().await?;
    let (url, app) = (stage.channel_url("my-app"), &stage.app);
    let handoff = format!("{url}/handoff");
    let user = format!("{handoff}/u-42");

    let (status, answer) = app.send(&url, &said("m-0", "hello")).await?;
    assert_eq!(status, 409, "{answer}");
    assert!(
        answer["error"]
            .as_str()
            .is_some_and(|error| error.contains("handoff_only"))
    );
    assert_eq!(app.delete(&user).await?.0, 404);

    let (status, begun) = app.send(&handoff, &asked("h-1")).await?;
    assert_eq!((status, &begun["id"]), (202, &json!("h-1")));
    assert_eq!(say(&stage, "m-1", "hello").await?, 202);
    assert_eq!(
        app.send(&handoff, &asked("h-1")).await?,
        (202, begun.clone())
    );
    let (status, another) = app.send(&handoff, &asked("h-2")).await?;
    assert_eq!((status, &another["handoff_id"]), (409, &json!("h-1")));

    for _ in 0..2 {
        assert_eq!(app.delete(&user).await?, (202, begun.clone()));
    }
    assert_eq!(app.send(&url, &said("m-2", "hello")).await?.0, 409);
    assert_eq!(app.send(&handoff, &asked("h-1")).await?, (202, begun));
    assert_eq!(app.send(&url, &said("m-3", "hello")).await?.0, 409);

    let mut nested = asked("h-3");
    nested["user"]["custom_data"] = json!({"plan": {"name": "gold"}});
    let (status, answer) = app.send(&handoff, &nested).await?;
    assert_eq!(status, 400);
    assert!(
        answer["error"]
            .as_str()
            .is_some_and(|error| error.starts_with("user.custom_data.plan is an object")),
        "{answer}"
    );
    assert_eq!(app.delete(&format!("{handoff}/%FF")).await?.0, 400);
    assert_eq!(app.delete(&format!("{handoff}/")).await?.0, 404);
    let (status, answer) = app.delete(&handoff).await?;
    let nobody = json!("the query names no user; needed: DELETE …/handoff?user=ID");
    assert_eq!((status, &answer["error"]), (400, &nobody));
    let client = haptik_bridge_tests::app::client()?;
    let unsigned = client.delete(&user).send().await?;
    assert_eq!(unsigned.status(), 401);
    let unsigned = client.post(&handoff).body(asked("h-4").to_string());
    assert_eq!(unsigned.send().await?.status(), 401);
    stage.finish().await
}

#[tokio::test]
async fn the_whole_round_trip_and_a_second_one() -> anyhow::Result<()> {
    let stage = Stage::with(options(), one_moment).await?;
    let simulator = stage.simulator();
    for (round, id) in ["h-1", "h-2"].into_iter().enumerate() {
        let round = round + 1;
        let auth_id = hand_over(&stage, &asked(id)).await?;
        let joined = stage
            .app
            .wait_for_type("agent_joined", round)
            .await
            .remove(round - 1);
        assert_eq!(joined.body["sender"]["name"], "Prateek");
        assert_eq!(joined.body["team_name"], "Support");
        assert_eq!(joined.body["handoff_id"], id);
        simulator.records(|seen| {
            assert_eq!(seen.agent_moves.len(), round);
            assert_eq!(seen.agent_moves.last().expect("one").team_name, "Support");
        });
        let picture = format!("{}/_simulator/images/a.png", stage.haptik.base_url());
        let mut file = said(&format!("f-{round}"), "here is the bill");
        file["attachments"] =
            json!([{"url": picture, "name": "bill.png", "mime_type": "image/png"}]);
        stage.app_sends(&file).await?;
        simulator
            .wait_until(PATIENCE, |seen| seen.files.len() == round)
            .await?;
        simulator.agent_says(
            &auth_id,
            &json!({"text": "Look here", "type": "CAROUSEL",
            "data": {"items": [{"thumbnail": {"image": "https://img.example/r.png"}}]}}),
        )?;
        // What the agent said, and Haptik's "One moment."
        let messages = stage.app.wait_for_type("message", 2 * round).await;
        let said = &messages.last().expect("one").body;
        assert_eq!(said["images"], json!(["https://img.example/r.png"]));
        assert_eq!(
            (&said["sender"]["kind"], &said["handoff_id"]),
            (&json!("agent"), &json!(id))
        );
        simulator.completes(&auth_id, CompletedBy::Agent)?;
        let ended = stage
            .app
            .wait_for_type("handoff_ended", round)
            .await
            .remove(round - 1);
        assert_eq!(ended.body["reason"], "completed");
        assert_eq!(
            (
                &ended.body["id"],
                &ended.body["completed_by"],
                &ended.body["agent_joined"]
            ),
            (&json!(id), &json!("agent"), &json!(true))
        );
        assert_eq!(say(&stage, &format!("m-{round}"), "thanks").await?, 409);
    }
    let expected = [
        "What was said before:\nuser: I want my money back\nbot: I am bringing a colleague.",
        "wants a refund",
        "here is the bill",
    ];
    assert_eq!(
        stage.haptik_was_told(6).await?,
        [expected, expected].concat()
    );
    simulator.records(|seen| {
        let fields = &seen.users.last().expect("one").fields;
        assert_eq!(
            (seen.users.len(), &fields["email"]),
            (1, &json!("a@example.com"))
        );
        assert_eq!(fields["custom_data"], json!({"plan": "gold"}));
    });
    // The deprecated events of the completion pairs are held for two seconds and end nothing.
    tokio::time::sleep(Duration::from_secs(3)).await;
    stage.app.wait_for_type("conversation_complete", 2).await;
    stage.app.wait_for_type("handoff_ended", 2).await;
    stage.finish().await
}

#[tokio::test]
async fn an_unknown_team_gives_control_back_with_haptiks_cause() -> anyhow::Result<()> {
    let mut options = options();
    options.haptik.teams = vec!["Support".into()];
    let stage = Stage::with(options, one_moment).await?;
    let mut asked_for = asked("h-1");
    asked_for["team_name"] = json!("Nobody");
    hand_over(&stage, &asked_for).await?;
    let ended = stage.app.wait_for_type("handoff_ended", 1).await.remove(0);
    assert_eq!(ended.body["reason"], "failed");
    let error = ended.body["error"].as_str().unwrap_or_default();
    assert!(error.contains("invalid team_name"), "{error}");
    assert_eq!(say(&stage, "m-1", "hello?").await?, 409);
    hand_over(&stage, &asked("h-2")).await?;
    stage.app.wait_for_type("agent_joined", 1).await;
    assert_eq!(stage.finish_with_dead().await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_answer_to_a_line_of_the_hand_off_names_the_applications_own_id() -> anyhow::Result<()> {
    let mut options = options();
    options.haptik.agent_joins = AgentJoins::Never;
    let stage = Stage::with(options, no_bot).await?;
    let auth_id = hand_over(&stage, &asked("h-1")).await?;
    stage.haptik_was_told(2).await?;
    let line = stage.simulator().records(|seen| {
        seen.messages
            .iter()
            .next()
            .map(|message| message.message_id)
    });
    stage.simulator().deliver(&json!({
        "event_name": "message", "timestamp": Timestamp::now().to_string(), "business_id": 343,
        "user": {"auth_id": auth_id}, "agent": {"name": "Priya", "is_automated": false},
        "message": {"id": 900_001, "body": {"text": "I see", "type": "TEXT", "data": {}}},
        "user_message_info": {"id": line},
    }));
    let said = stage.app.wait_for_type("message", 1).await.remove(0);
    assert_eq!(said.body["in_reply_to"], "h-1");
    stage.finish().await
}

#[tokio::test]
async fn an_agent_who_waits_behind_what_cannot_be_shown_has_joined() -> anyhow::Result<()> {
    let mut options = options();
    options.haptik.agent_joins = AgentJoins::Never;
    let stage = Stage::with(options, one_moment).await?;
    let simulator = stage.simulator();
    let auth_id = hand_over(&stage, &asked("h-1")).await?;
    simulator
        .wait_until(PATIENCE, |seen| seen.agent_moves.len() == 1)
        .await?;
    stage.app.wait_for_type("message", 1).await;
    // The application is down for a while, and the agent's joining waits behind a message.
    stage.app.answer_next(&[503, 503]);
    simulator.say_text(&auth_id, "Please hold on.")?;
    let lane = Lane::Channel(auth_id.as_str().into());
    let ledger = &stage.local.bridge.ledger;
    let until = tokio::time::Instant::now() + PATIENCE;
    for count in 1..=2 {
        while ledger.pending(&lane).await?.0.len() < count {
            anyhow::ensure!(tokio::time::Instant::now() < until, "nothing is pending");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if count == 1 {
            simulator.agent_joins(&auth_id)?;
        }
    }
    for _ in 0..2 {
        run_maintenance_in(&stage, 6).await?;
    }
    let joined = stage.app.wait_for_type("agent_joined", 1).await.remove(0);
    assert_eq!(joined.body["handoff_id"], "h-1");
    assert!(stage.app.of_type("handoff_ended").is_empty());
    stage.finish().await
}

#[tokio::test]
async fn nobody_joins() -> anyhow::Result<()> {
    let receiver = App::start().await?;
    let mut options = options();
    options.haptik.agent_joins = AgentJoins::Never;
    options.tables = format!(
        "[sinks.crm]\ntype = \"webhook\"\nevents = [\"missed_handoff\"]\nurl = \"{}\"\nsigning_secrets = [\"{SECRET}\"]",
        receiver.url()
    );
    let stage = Stage::with(options, one_moment).await?;
    let auth_id = hand_over(&stage, &asked("h-1")).await?;
    stage
        .simulator()
        .wait_until(PATIENCE, |seen| seen.agent_moves.len() == 1)
        .await?;
    run_maintenance_in(&stage, 4).await?;
    assert!(stage.app.of_type("handoff_ended").is_empty());
    for _ in 0..3 {
        run_maintenance_in(&stage, 6).await?;
    }
    let ended = stage.app.wait_for_type("handoff_ended", 1).await.remove(0);
    assert_eq!(
        (&ended.body["reason"], &ended.body["agent_joined"]),
        (&json!("no_agent"), &json!(false))
    );
    let missed = receiver.wait_for(1).await.remove(0).body;
    assert_eq!(missed["type"], "missed_handoff");
    let data = &missed["data"];
    assert_eq!(data["event_name"], "missed_handoff");
    assert_eq!(data["user"]["auth_id"], auth_id);
    assert_eq!(data["data"]["handoff_id"], "h-1");
    assert_eq!(data["data"]["channel_user"], "u-42");
    assert_eq!(say(&stage, "m-1", "hello?").await?, 409);
    // An agent who comes too late is shown, and no part of a hand-off.
    stage.simulator().agent_joins(&auth_id)?;
    let joined = stage.app.wait_for_type("agent_joined", 1).await.remove(0);
    assert_eq!(joined.body.get("handoff_id"), None);
    hand_over(&stage, &asked("h-2")).await?;
    stage.app.wait_for_type("handoff_ended", 1).await;
    stage.finish().await
}

#[tokio::test]
async fn a_completion_twice_before_the_pin_or_a_day_later_ends_what_it_belongs_to()
-> anyhow::Result<()> {
    let mut options = options();
    options.haptik.agent_joins = AgentJoins::Never;
    let stage = Stage::with(options, no_bot).await?;
    let simulator = stage.simulator();
    let auth_id = hand_over(&stage, &asked("h-1")).await?;
    stage.haptik_was_told(2).await?;
    // Twice, and before the pin, which is older and comes later.
    let pinned = |at: Timestamp, id: u64| {
        json!({"event_name": "chat_pinned", "timestamp": at.to_string(), "business_id": 343,
               "user": {"auth_id": auth_id}, "agent": {"name": "Prateek", "is_automated": false},
               "message": {"id": id, "body": {"text": "", "type": "SYSTEM", "data": {}}}})
    };
    // Haptik's times are milliseconds.
    let before = Timestamp::now() - Duration::from_millis(1);
    simulator.add_delivery_fault(DeliveryFault::once(DeliveryOutcome::Duplicate));
    simulator.completes(&auth_id, CompletedBy::Agent)?;
    stage.app.wait_for_type("handoff_ended", 1).await;
    simulator.deliver(&pinned(before, 5));
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(stage.app.of_type("agent_joined").is_empty());
    stage.app.wait_for_type("conversation_complete", 1).await;
    stage.app.wait_for_type("handoff_ended", 1).await;

    hand_over(&stage, &asked("h-2")).await?;
    stage.haptik_was_told(4).await?;
    let yesterday = Timestamp::now().checked_sub(SignedDuration::from_hours(24))?;
    simulator.deliver(&json!({
        "event_name": "webhook_conversation_complete", "timestamp": yesterday.to_string(), "business_id": 343,
        "user": {"auth_id": auth_id}, "agent": {"is_automated": true},
        "data": {"conversation_no": "0", "conversation_identifier": "old", "completion_type": "agent"},
    }));
    stage.app.wait_for_type("conversation_complete", 2).await;
    simulator.agent_joins(&auth_id)?;
    let joined = stage.app.wait_for_type("agent_joined", 1).await.remove(0);
    assert_eq!(joined.body["handoff_id"], "h-2");
    stage.app.wait_for_type("handoff_ended", 1).await;
    assert_eq!(say(&stage, "m-1", "hello").await?, 202);
    simulator.completes(&auth_id, CompletedBy::Timeout)?;
    let ended = stage.app.wait_for_type("handoff_ended", 2).await.remove(1);
    assert_eq!(
        (&ended.body["id"], &ended.body["completed_by"]),
        (&json!("h-2"), &json!("timeout"))
    );
    stage.finish().await
}

#[tokio::test]
async fn what_comes_too_late_goes_back_to_the_bot() -> anyhow::Result<()> {
    let stage = stage().await?;
    let simulator = stage.simulator();
    let auth_id = hand_over(&stage, &asked("h-1")).await?;
    stage.haptik_was_told(2).await?;
    // Taken while the hand-off was on, and not told before it ended.
    simulator.add_call_fault(CallFault::on(MESSAGE_PATH, CallOutcome::status(500)));
    let message = said("m-1", "one more thing");
    stage.app_sends(&message).await?;
    let user = format!("{}/handoff/u-42", stage.channel_url("my-app"));
    assert_eq!(stage.app.delete(&user).await?.0, 202);
    let returned = stage
        .app
        .wait_for_type("message_returned", 1)
        .await
        .remove(0);
    assert_eq!(
        (
            &returned.body["id"],
            &returned.body["text"],
            &returned.body["handoff_id"]
        ),
        (&json!("m-1"), &json!("one more thing"), &json!("h-1"))
    );
    simulator.clear_faults();
    stage.app.wait_for_type("handoff_ended", 1).await;
    // Sent again since its answer was lost: it was taken.
    stage.app_sends(&message).await?;

    // Told when the conversation was complete already, of which we did not know.
    hand_over(&stage, &asked("h-2")).await?;
    stage.haptik_was_told(4).await?;
    simulator.add_delivery_fault(DeliveryFault::of(DeliveryOutcome::Delay {
        delay_ms: 1_500,
    }));
    simulator.completes(&auth_id, CompletedBy::Agent)?;
    assert_eq!(say(&stage, "m-2", "are you there?").await?, 202);
    stage.haptik_was_told(5).await?;
    let returned = stage
        .app
        .wait_for_type("message_returned", 2)
        .await
        .remove(1);
    assert_eq!(returned.body["text"], "are you there?");
    stage.app.wait_for_type("handoff_ended", 2).await;
    stage.finish().await
}

#[tokio::test]
async fn of_two_hand_offs_at_once_one_begins() -> anyhow::Result<()> {
    let stage = stage().await?;
    let url = format!("{}/handoff", stage.channel_url("my-app"));
    let (one, other) = (asked("h-1"), asked("h-2"));
    let (one, other) = tokio::join!(stage.app.send(&url, &one), stage.app.send(&url, &other));
    let mut statuses = [one?.0, other?.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 409]);
    stage.haptik_was_told(2).await?;
    stage.finish().await
}
