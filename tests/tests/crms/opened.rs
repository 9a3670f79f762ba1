//! Tickets that are opened before the conversation is complete, and are then completed, not doubled.

use std::time::Duration;

use haptik_bridge_sinks::Delivered;
use haptik_bridge_tests::fake_crm::Fault;
use serde_json::{Value, json};

use super::scene::{CHAT, Kind, Scene, completion, message, pinned, short_completion};

const JOINED: &str = "2026-11-24T09:59:00.000Z";

/// The ticket is one, and has the end of the conversation and what was said, once.
#[track_caller]
fn is_completed(scene: &Scene, after: &str) {
    let ticket = scene.ticket();
    let comments = scene.kind.comments(&ticket);
    let kind = scene.kind;
    let ends = comments
        .iter()
        .filter(|comment| comment.contains("The chat completed: 2026-11-24"));
    assert_eq!(
        ends.count(),
        1,
        "{kind:?}, {after}: {comments:#?}\n{}",
        scene.crm.report()
    );
    let end = comments
        .iter()
        .find(|comment| comment.contains("The chat completed"))
        .expect("one");
    for (sender, text) in CHAT {
        let line = format!("{sender}: {text}");
        assert!(end.contains(&line), "{kind:?}, {after}: {end}");
    }
}

fn a_message() -> Value {
    message(
        1_982_300,
        "2026-11-24T09:58:00.000Z",
        &json!({"text": "Hi", "type": "TEXT", "data": {}}),
    )
}

#[tokio::test]
async fn a_ticket_is_opened_when_an_agent_joins_and_completed_at_the_end() -> anyhow::Result<()> {
    for kind in Kind::ALL {
        let mut scene = Scene::opened_by(kind, "chat_pinned", "").await?;
        let opened = scene.deliver(&pinned(JOINED)).await?;
        assert!(
            matches!(opened, Delivered::Ticket(_)),
            "{kind:?}: {opened:?}"
        );
        let description = kind.description(&scene.ticket());
        assert!(
            description.contains("Prateek has joined the chat"),
            "{description}"
        );
        // Another agent takes the chat over.
        let mut again = pinned("2026-11-24T09:59:30.000Z");
        again["message"]["id"] = json!(1_982_410);
        for event in [&again, &a_message(), &pinned(JOINED)] {
            scene.deliver(event).await?;
            assert!(kind.comments(&scene.ticket()).is_empty(), "{kind:?}");
        }
        for event in [
            completion(),
            short_completion(),
            completion(),
            pinned(JOINED),
            again,
        ] {
            scene.deliver(&event).await?;
            is_completed(&scene, event["event_name"].as_str().unwrap_or_default());
        }
        // The next conversation is another ticket.
        let mut next = pinned("2026-11-24T12:00:00.000Z");
        next["message"]["id"] = json!(1_982_700);
        scene.deliver(&next).await?;
        assert_eq!(scene.crm.tickets().len(), 2, "{kind:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_ticket_that_the_first_message_opens_is_completed_by_either_event() -> anyhow::Result<()>
{
    for kind in Kind::ALL {
        for pair in [
            [short_completion(), completion()],
            [completion(), short_completion()],
        ] {
            let mut scene = Scene::opened_by(kind, "message", "follow_ups = true").await?;
            for event in [&a_message(), &pinned(JOINED)] {
                scene.deliver(event).await?;
            }
            for event in &pair {
                scene.deliver(event).await?;
                is_completed(&scene, &event.to_string());
            }
            // What is said after it is a follow-up, and begins no other chat.
            let body = json!({"text": "One more thing{task}", "type": "TEXT", "data": {}});
            let said = message(1_982_600, "2026-11-24T10:04:00.000Z", &body);
            scene.deliver(&said).await?;
            let comments = kind.comments(&scene.ticket());
            let last = comments.last().expect("a comment");
            assert!(
                last.contains(": One more thing") && !last.contains('{'),
                "{last}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn nothing_doubles_when_calls_fail_while_a_ticket_is_opened_or_completed()
-> anyhow::Result<()> {
    for kind in Kind::ALL {
        for fault in [
            Fault::CutAfter,
            Fault::CutBefore,
            Fault::StatusAfter(502),
            Fault::Status(503),
        ] {
            let mut scene = Scene::opened_by(kind, "chat_pinned", "").await?;
            let (method, path) = kind.creation();
            scene.crm.fail_next(method, path, 1, fault.clone());
            scene.deliver(&pinned(JOINED)).await?;
            let (method, path) = kind.comment();
            scene.crm.fail_next(method, path, 1, fault.clone());
            for event in [completion(), short_completion(), completion()] {
                scene.deliver(&event).await?;
            }
            is_completed(&scene, &format!("{fault:?}"));
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_ticket_whose_opening_was_killed_is_completed_at_the_end() -> anyhow::Result<()> {
    for kind in Kind::ALL {
        let mut scene = Scene::opened_by(kind, "chat_pinned", "").await?;
        let (method, path) = kind.creation();
        let hangs = Fault::DelayAfter(Duration::from_mins(1));
        scene.crm.fail_next(method, path, 1, hangs);
        let event = pinned(JOINED);
        tokio::select! {
            _ = scene.attempt(&event, false) => panic!("{kind:?}: it was answered"),
            _ = scene.crm.wait_for_tickets(1) => {}
        }
        // It was given up, and nobody looked at it again.
        for event in [completion(), short_completion(), completion()] {
            scene.deliver(&event).await?;
        }
        is_completed(&scene, "a kill");
    }
    Ok(())
}

#[tokio::test]
async fn a_ticket_whose_opening_is_refused_is_made_at_the_end() -> anyhow::Result<()> {
    for kind in Kind::ALL {
        let mut scene = Scene::opened_by(kind, "chat_pinned", "").await?;
        let (method, path) = kind.creation();
        scene.crm.fail_next(method, path, 1, Fault::Status(422));
        scene
            .deliver(&pinned(JOINED))
            .await
            .expect_err("it is refused");
        for event in [short_completion(), completion()] {
            scene.deliver(&event).await?;
        }
        let description = kind.description(&scene.ticket());
        assert!(
            description.contains("Prateek: It arrives tomorrow."),
            "{description}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn what_a_star_names_opens_nothing() -> anyhow::Result<()> {
    let mut scene = Scene::opened_by(Kind::Zendesk, "*", "").await?;
    for event in [a_message(), pinned(JOINED)] {
        let delivered = scene.deliver(&event).await?;
        assert!(matches!(delivered, Delivered::Nothing(_)), "{delivered:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_said_in_the_next_conversation_is_in_no_ticket_of_the_last() -> anyhow::Result<()> {
    let body = json!({"text": "Hi again", "type": "TEXT", "data": {}});
    let later = |id, at: &str| message(id, at, &body);
    for opens in ["chat_pinned", "message"] {
        let mut scene = Scene::opened_by(Kind::Zendesk, opens, "follow_ups = true").await?;
        scene.deliver(&completion()).await?;
        let follow_up = later(1_982_500, "2026-11-24T10:02:00.000Z");
        scene.deliver(&follow_up).await?;
        // Of a user who came through another channel, what is said an hour later is of another conversation.
        for (id, at) in [
            (1_982_600, "2026-11-24T11:00:00.000Z"),
            (1_982_601, "2026-11-24T11:01:00.000Z"),
        ] {
            scene.deliver(&later(id, at)).await?;
        }
        let tickets = scene.crm.tickets();
        assert_eq!(tickets.len(), 1 + usize::from(opens == "message"));
        assert_eq!(Kind::Zendesk.comments(&tickets[0]).len(), 1, "{opens}");
    }
    Ok(())
}

#[tokio::test]
async fn events_that_name_no_user_are_in_no_ticket_of_somebody_else() -> anyhow::Result<()> {
    let nobodys = |mut event: Value| {
        event["user"] = json!({});
        event
    };
    let mut scene = Scene::opened_by(Kind::Zendesk, "message", "follow_ups = true").await?;
    scene.deliver(&nobodys(a_message())).await?;
    assert!(scene.crm.tickets().is_empty(), "whose it is, is not known");
    scene.deliver(&nobodys(completion())).await?;
    let body = json!({"text": "for somebody else", "type": "TEXT", "data": {}});
    let other = message(1_982_500, "2026-11-24T10:02:00.000Z", &body);
    scene.deliver(&nobodys(other)).await?;
    assert!(Kind::Zendesk.comments(&scene.ticket()).is_empty());
    Ok(())
}
