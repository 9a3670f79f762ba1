//! Everything that can happen to a hand-off, in many orders and at once, against the real handlers and
//! the real table: whatever the order, control returns exactly once, and nothing that a user said is lost.
//! And one after the other, with the process killed before and after each step.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_simulator::{
    AgentJoins, CallFault, CallOutcome, CompletedBy, CompletionEvents, DeliveryState, MESSAGE_PATH,
    Reply, Settings, UserMessage,
};
use haptik_bridge_tests::chaos::KillAt;
use haptik_bridge_tests::chaos::handoff::{self, Asker, End, Life, Lived};
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
            stage.local.processor.run_scheduled_maintenance(later).await;
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

/// Kills the process [between](KillAt::between) these steps of a life, one life for each.
async fn at_each_step(life: Life, steps: impl Fn(&Lived) -> Vec<u64>) -> anyhow::Result<()> {
    let calm = handoff::live(life).await?;
    assert!(calm.wrong.is_empty(), "{life:?}: {:#?}", calm.wrong);
    let steps = steps(&calm);
    assert!(steps.len() >= 8, "{life:?}: {calm:?}");
    let kills = KillAt::between(steps);
    let lives = kills.into_iter().map(|kill_at| Life {
        kill_at: Some(kill_at),
        ..life
    });
    let mut lives = stream::iter(lives)
        .map(|life| async move { (life, handoff::live(life).await) })
        .buffer_unordered(8);
    let mut wrong = Vec::new();
    while let Some((life, ended)) = lives.next().await {
        match ended {
            Ok(all) if all.wrong.is_empty() => {}
            Ok(all) => wrong.push(format!("{life:?}: {:?}", all.wrong)),
            Err(error) => wrong.push(format!("{life:?}: {error:#}")),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

/// Kills a whole life at each step where the conversation completes; where something else ends it, from
/// there on.
async fn whichever_ends_it(asked_by: Asker, ends: &[End]) -> anyhow::Result<()> {
    for end in ends {
        let life = Life {
            asked_by,
            end: *end,
            gives_up: false,
            kill_at: None,
        };
        at_each_step(life, |calm| match end {
            End::Completed => calm.steps.clone().collect(),
            End::TakenBack | End::NoAgent => calm.end.clone().collect(),
        })
        .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_before_or_after_any_step_of_a_bots_hand_off_costs_nothing() -> anyhow::Result<()> {
    let ends = [End::Completed, End::TakenBack, End::NoAgent];
    whichever_ends_it(Asker::Bot, &ends).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_before_or_after_any_step_of_a_users_hand_off_costs_nothing() -> anyhow::Result<()> {
    whichever_ends_it(Asker::User, &[End::Completed, End::NoAgent]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_in_a_request_that_is_not_repeated_leaves_a_hand_off_whole() -> anyhow::Result<()> {
    let life = Life {
        asked_by: Asker::Bot,
        end: End::TakenBack,
        gives_up: true,
        kill_at: None,
    };
    at_each_step(life, |calm| calm.edges.iter().cloned().flatten().collect()).await
}

#[tokio::test]
async fn a_completion_that_came_first_ends_a_hand_off_whose_opening_was_cut_off()
-> anyhow::Result<()> {
    let options = Options {
        app: "handoff_only = true\nno_agent_after = 'never'",
        haptik: Settings {
            time_scale: 0.001,
            ..Settings::default()
        },
        ..Options::default()
    };
    let stage = Stage::with(options, no_bot).await?;
    let simulator = stage.simulator();
    simulator.add_call_fault(CallFault::on(MESSAGE_PATH, CallOutcome::status(500)));
    let asked = json!({"id": "h-1", "timestamp": Timestamp::now().to_string(), "user": {"id": "u"},
                       "message": "wants a refund"});
    let url = format!("{}/handoff", stage.channel_url("my-app"));
    assert_eq!(stage.app.send(&url, &asked).await?.0, 202);
    let auth_id = AuthId::derive(&"my-app".into(), "u", None);
    let patience = Duration::from_secs(15);
    let known = simulator.wait_until(patience, |seen| !seen.users.is_empty());
    known.await?;
    simulator.completes(auth_id.as_str(), CompletedBy::Agent)?;
    stage.app.wait_for_type("conversation_complete", 1).await;
    // As by a process that was killed when it had noted this, and nothing after.
    let opened_at = Timestamp::now().as_millisecond() - 60_000;
    let users = &stage.local.bridge.users;
    let opened = users.handoff_opened(&auth_id, "h-1", opened_at).await?;
    assert!(opened.is_some_and(|user| user.handoff.is_some_and(|on| on.is_on())));
    simulator.clear_faults();
    // Nobody had joined, as far as the bridge was told.
    let ended = stage.app.wait_for_type("handoff_ended", 1).await;
    assert_eq!(ended[0].body["reason"], "no_agent");
    assert_eq!(ended[0].body["completed_by"], "agent");
    stage.finish().await
}
