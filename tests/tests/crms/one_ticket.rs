//! Exactly one ticket.

use std::time::Duration;

use haptik_bridge_tests::fake_crm::Fault;
use serde_json::json;

use super::scene::{CHAT, Kind, Scene, completion, short_completion};

/// What goes wrong with the call that creates the ticket.
const FAULTS: [Option<Fault>; 5] = [
    None,
    Some(Fault::CutAfter),
    Some(Fault::CutBefore),
    Some(Fault::StatusAfter(502)),
    Some(Fault::Status(503)),
];

/// The ticket is one, and says all that was said.
#[track_caller]
fn is_whole(scene: &Scene) {
    let ticket = scene.ticket();
    let description = scene.kind.description(&ticket);
    for (sender, text) in CHAT {
        let line = format!("{sender}: {text}");
        assert!(
            description.contains(&line),
            "{:?}: {description}",
            scene.kind
        );
    }
}

#[tokio::test]
async fn both_completions_three_times_in_both_orders_are_one_ticket() -> anyhow::Result<()> {
    for kind in Kind::ALL {
        for fault in FAULTS {
            for mut pair in [
                [completion(), short_completion()],
                [short_completion(), completion()],
            ] {
                let mut scene = Scene::start(kind).await?;
                if let Some(fault) = &fault {
                    let (method, path) = kind.creation();
                    scene.crm.fail_next(method, path, 1, fault.clone());
                }
                for _ in 0..3 {
                    for event in &pair {
                        scene.deliver(event).await?;
                    }
                    pair.reverse();
                }
                is_whole(&scene);
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_process_that_is_killed_once_the_ticket_is_there_leaves_one() -> anyhow::Result<()> {
    for kind in Kind::ALL {
        let mut scene = Scene::start(kind).await?;
        let (method, path) = kind.creation();
        let hangs = Fault::DelayAfter(Duration::from_mins(1));
        scene.crm.fail_next(method, path, 1, hangs);
        let event = completion();
        tokio::select! {
            _ = scene.attempt(&event, false) => panic!("{kind:?}: it was answered"),
            _ = scene.crm.wait_for_tickets(1) => {}
        }
        scene.deliver(&event).await?;
        scene.deliver(&short_completion()).await?;
        is_whole(&scene);
    }
    Ok(())
}

#[tokio::test]
async fn two_processes_that_begin_at_once_create_one_ticket() -> anyhow::Result<()> {
    for kind in Kind::ALL {
        let mut scene = Scene::start(kind).await?;
        let event = completion();
        let both = tokio::join!(scene.attempt(&event, false), scene.attempt(&event, true));
        assert!(both.0.is_ok() && both.1.is_ok(), "{kind:?}: {both:?}");
        scene.deliver(&event).await?;
        is_whole(&scene);
    }
    Ok(())
}

#[tokio::test]
async fn another_conversation_is_another_ticket() -> anyhow::Result<()> {
    for kind in Kind::ALL {
        let mut scene = Scene::start(kind).await?;
        scene.deliver(&completion()).await?;
        let mut other = completion();
        other["data"]["conversation_identifier"] = json!("conversation-13");
        other["timestamp"] = json!("2026-11-24T12:00:05.000Z");
        scene.deliver(&other).await?;
        assert_eq!(scene.crm.tickets().len(), 2, "{kind:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_jira_request_may_be_missed_by_the_search_and_is_waited_for() -> anyhow::Result<()> {
    let mut scene = Scene::with(Kind::Jira, "labels = true").await?;
    scene.crm.set_search_lag(Duration::from_mins(4));
    let (method, path) = Kind::Jira.creation();
    scene.crm.fail_next(method, path, 1, Fault::CutAfter);
    scene.deliver(&completion()).await?;
    is_whole(&scene);
    let labels = &scene.ticket().fields["labels"];
    assert_eq!(labels[0], "haptik");
    assert!(
        labels[1]
            .as_str()
            .is_some_and(|label| label.starts_with("haptik-"))
    );
    Ok(())
}
