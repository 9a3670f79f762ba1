//! Everything that can happen to a hand-off, in many orders and at once, against the real handlers and
//! the real table: whatever the order, control returns exactly once, and nothing that a user said is lost.

use std::collections::BTreeSet;
use std::time::Duration;

use haptik_bridge_local::simulator::{
    AgentJoins, CompletedBy, CompletionEvents, DeliveryState, Reply, Settings, UserMessage,
};
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_tests::{Options, Stage};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// How many users, each with an order of its own.
const USERS: u64 = 24;

/// What can happen.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// An agent takes the chat.
    Pin,
    /// The agent says something.
    AgentSays,
    /// The conversation at Haptik completes.
    Complete,
    /// A completion of another day is delivered.
    OldCompletion,
    /// The bot takes its user back.
    EndByBot,
    /// Hand-offs that nobody has taken are looked after.
    Guard,
    /// The bot hands its user over.
    HandOver(&'static str),
    /// The user says something.
    Say(&'static str),
}

const STEPS: [Step; 11] = [
    Step::HandOver("h-1"),
    Step::HandOver("h-2"),
    Step::HandOver("h-3"),
    Step::Pin,
    Step::AgentSays,
    Step::Complete,
    Step::OldCompletion,
    Step::EndByBot,
    Step::Guard,
    Step::Say("m-1"),
    Step::Say("m-2"),
];

/// What a user and its bot saw.
#[derive(Debug, Default)]
struct Seen {
    order: Vec<Step>,
    begun: BTreeSet<&'static str>,
    taken: BTreeSet<&'static str>,
    refused: BTreeSet<&'static str>,
}

fn no_bot(_: &UserMessage) -> Vec<Reply> {
    Vec::new()
}

/// One user's steps, in an order that follows from the seed; some wait for those before, some do not.
async fn live(stage: &Stage, number: u64) -> anyhow::Result<Seen> {
    let mut random = fastrand::Rng::with_seed(number);
    let mut seen = Seen {
        order: STEPS.to_vec(),
        ..Seen::default()
    };
    random.shuffle(&mut seen.order);
    // Mostly there is a hand-off that something can happen to.
    if !number.is_multiple_of(4) {
        seen.order.insert(0, Step::HandOver("h-0"));
    }
    let user = user(number);
    let auth_id = AuthId::derive(&"my-app".into(), &user, None);
    for step in seen.order.clone() {
        tokio::time::sleep(Duration::from_millis(random.u64(0..40))).await;
        take(stage, &user, &auth_id, step, &mut seen).await?;
    }
    Ok(seen)
}

async fn take(
    stage: &Stage,
    user: &str,
    auth_id: &AuthId,
    step: Step,
    seen: &mut Seen,
) -> anyhow::Result<()> {
    let url = stage.channel_url("my-app");
    let now = Timestamp::now();
    let simulator = stage.simulator();
    match step {
        // Nothing can happen at Haptik to a user of whom Haptik has not heard.
        Step::Pin => drop(simulator.agent_joins(auth_id.as_str())),
        Step::AgentSays => drop(simulator.agent_says_text(auth_id.as_str(), "hello")),
        Step::Complete => drop(simulator.completes(auth_id.as_str(), CompletedBy::Agent)),
        Step::OldCompletion => simulator.deliver(&json!({
            "event_name": "webhook_conversation_complete", "business_id": 343,
            "timestamp": now.checked_sub(SignedDuration::from_hours(20))?.to_string(),
            "user": {"auth_id": auth_id}, "agent": {"is_automated": true},
            "data": {"conversation_identifier": "of another day", "completion_type": "agent"},
        })),
        Step::EndByBot => {
            let (status, _) = stage.app.delete(&format!("{url}/handoff/{user}")).await?;
            assert!([202, 404].contains(&status), "{status}");
        }
        Step::Guard => {
            let later = now.checked_add(SignedDuration::from_mins(6))?;
            stage.local.processor.keep_house(later).await;
        }
        Step::HandOver(id) => {
            let asked = json!({"id": id, "timestamp": now.to_string(), "user": {"id": user},
                               "message": format!("{user} {id}")});
            let (status, answer) = stage.app.send(&format!("{url}/handoff"), &asked).await?;
            match status {
                202 => drop(seen.begun.insert(id)),
                status => assert_eq!(status, 409, "{answer}"),
            }
        }
        Step::Say(id) => {
            let said = json!({"type": "message", "id": id, "timestamp": now.to_string(),
                              "user": {"id": user}, "text": format!("{user} {id}")});
            let (status, answer) = stage.app.send(&url, &said).await?;
            match status {
                202 => drop(seen.taken.insert(id)),
                status => {
                    assert_eq!(status, 409, "{answer}");
                    seen.refused.insert(id);
                }
            }
        }
    }
    Ok(())
}

fn user(number: u64) -> String {
    format!("u{number}")
}

/// What must hold of a user when all has come to rest.
async fn check(stage: &Stage, number: u64, seen: &Seen) -> anyhow::Result<()> {
    let user = user(number);
    let why = || format!("{user}: {seen:#?}");
    let callbacks: Vec<_> = stage
        .app
        .callbacks()
        .into_iter()
        .map(|callback| callback.body)
        .filter(|body| body["user"]["id"] == user.as_str())
        .collect();
    let of_type = |kind: &'static str| callbacks.iter().filter(move |body| body["type"] == kind);
    let mut ended: Vec<&str> = of_type("handoff_ended")
        .filter_map(|body| body["id"].as_str())
        .collect();
    ended.sort_unstable();
    let begun: Vec<&str> = seen.begun.iter().copied().collect();
    assert_eq!(ended, begun, "each ends exactly once; {}", why());
    for id in &begun {
        let end = callbacks
            .iter()
            .position(|body| body["type"] == "handoff_ended" && body["id"] == *id);
        let after = callbacks.iter().skip(end.unwrap_or_default() + 1);
        let mut late = after.filter(|body| body["handoff_id"] == *id);
        let late = late.find(|body| body["type"] != "message_returned");
        assert_eq!(
            late,
            None,
            "nothing comes in a hand-off that is over; {}",
            why()
        );
    }
    let told = |id: &str| {
        let text = format!("{user} {id}");
        stage.simulator().records(|seen| {
            seen.messages
                .iter()
                .filter(|said| said.text == text)
                .count()
        })
    };
    let returned = |id: &str| {
        of_type("message_returned")
            .filter(|body| body["id"] == id)
            .count()
    };
    for id in &seen.taken {
        assert!(told(id) + returned(id) >= 1, "{id} is lost; {}", why());
        assert!(
            told(id) <= 1 && returned(id) <= 1,
            "{id} is doubled; {}",
            why()
        );
    }
    for id in &seen.refused {
        assert_eq!(told(id) + returned(id), 0, "{id} was refused; {}", why());
    }
    let auth_id = AuthId::derive(&"my-app".into(), &user, None);
    let handoff = stage.local.bridge.handoff_of(&auth_id).await?;
    assert_eq!(handoff, None, "{}", why());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_order_control_returns_once_and_nothing_is_lost() -> anyhow::Result<()> {
    let options = Options {
        app: "handoff_only = true",
        tables: "[delivery]\nreorder_window_ms = 0".to_owned(),
        haptik: Settings {
            time_scale: 0.001,
            agent_joins: AgentJoins::Never,
            completion_events: CompletionEvents {
                conversation_complete: true,
                chat_complete: false,
            },
            ..Settings::default()
        },
        ..Options::default()
    };
    let stage = Stage::with(options, no_bot).await?;
    let users = (0..USERS).map(|number| live(&stage, number));
    let seen = futures_util::future::try_join_all(users).await?;
    // What is still on when all is done, the bot takes back.
    for number in 0..USERS {
        let user = user(number);
        let url = format!("{}/handoff/{user}", stage.channel_url("my-app"));
        stage.app.delete(&url).await?;
    }
    let simulator = stage.simulator();
    let delivered = simulator.wait_until(Duration::from_secs(30), |seen| {
        seen.deliveries
            .iter()
            .all(|delivery| delivery.state == DeliveryState::Delivered)
    });
    delivered.await?;
    assert!(stage.local.queue.idle(Duration::from_secs(30)).await);
    for (number, seen) in (0..USERS).zip(&seen) {
        check(&stage, number, seen).await?;
    }
    stage.finish().await
}
