//! Where a ticket's transcript comes from, and what is in it.

use std::time::Duration;

use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::Payload;
use haptik_bridge_sinks::Delivered;
use serde_json::{Value, json};

use super::scene::{CHAT, Kind, Scene, completion, message};

/// Lets the ledger have what Haptik delivered.
async fn delivered(scene: &Scene, event: &Value) -> anyhow::Result<()> {
    let payload = Payload::Webhook {
        account: "main".into(),
        body: event.to_string(),
    };
    let at = event["timestamp"].as_str().unwrap_or_default();
    scene
        .recorded(&Lane::Channel("u42".into()), &payload, at)
        .await
}

/// Lets the ledger have what the user did.
async fn told(scene: &Scene, at: &str, action: Value) -> anyhow::Result<()> {
    let inbound = json!({"kind": "inbound", "connection": "app", "inbound": {
        "key": at, "at": at, "auth_id": "u42", "user": "42", "address": {}, "action": action,
    }});
    let payload: Payload = serde_json::from_value(inbound)?;
    scene
        .recorded(&Lane::Haptik("u42".into()), &payload, at)
        .await
}

/// What the ledger has: a conversation, and one before.
async fn record(scene: &Scene) -> anyhow::Result<()> {
    let text = |text: &str| json!({"text": text, "type": "TEXT", "data": {}});
    delivered(
        scene,
        &message(1, "2026-11-23T09:00:00Z", &text("Yesterday")),
    )
    .await?;
    let mut before = completion();
    before["timestamp"] = json!("2026-11-23T09:05:00Z");
    before["data"]["conversation_identifier"] = json!("conversation-11");
    delivered(scene, &before).await?;
    let said = json!({"type": "message", "text": "My number is 9876543210", "attachments": [
        {"url": "https://files.example/bill.pdf", "name": "bill.pdf"},
    ]});
    told(scene, "2026-11-24T09:59:57Z", said).await?;
    let menu = json!({"text": "Which one?", "type": "BUTTON", "data": {"items": [
        {"actionable_text": "Show", "type": "TEXT_ONLY", "payload": {"message": "Show{task}", "gogo_message": "Show{task}"}},
        {"actionable_text": "Terms", "type": "APP_ACTION", "uri": "LINK", "payload": {"url": "https://e.example/terms.pdf"}},
    ]}});
    delivered(scene, &message(2, "2026-11-24T09:59:58Z", &menu)).await?;
    let key = format!("{:020}#message", 2);
    let tap = json!({"type": "choice", "message": {"auth_id": "u42", "key": key}, "index": 0});
    told(scene, "2026-11-24T09:59:59Z", tap).await?;
    let cards = json!({"text": "", "type": "CAROUSEL", "data": {"items": [
        {"title": "Plan A", "thumbnail": {"image": "https://e.example/a.png"}, "actionables": []},
    ]}});
    delivered(scene, &message(3, "2026-11-24T10:00:00Z", &cards)).await?;
    delivered(scene, &message(4, "2026-11-24T10:00:01Z", &text("{}"))).await?;
    delivered(
        scene,
        &message(
            5,
            "2026-11-24T10:00:02Z",
            &text("<p>Ask <b>9876543210</b>{close}</p>"),
        ),
    )
    .await
}

/// All that is in the record, as it is in a ticket.
const WHOLE: [&str; 8] = [
    "user: My number is 9876543210",
    "user: 📎 bill.pdf: https://haptik.example/f/1",
    "bot: Which one?",
    "Terms: https://e.example/terms.pdf",
    "user: Show",
    "bot: Plan A",
    "https://e.example/a.png",
    "bot: Ask 9876543210",
];

/// The lines of the ticket's transcript, without their times.
fn transcript(scene: &Scene) -> Vec<String> {
    let description = scene.kind.description(&scene.ticket());
    let (_, lines) = description.split_once("Transcript\n\n").unwrap_or_default();
    let lines = lines.lines();
    let lines = lines.map(|line| line.split_once(" UTC  ").map_or(line, |(_, said)| said));
    lines.map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn types_and_masks_are_replaced_from_the_ledger_and_files_are_linked() -> anyhow::Result<()> {
    for kind in [Kind::Zendesk, Kind::Freshdesk, Kind::HubSpot] {
        let mut scene = Scene::start(kind).await?;
        record(&scene).await?;
        scene.was_said_as(&[
            (11, "user", "My number is ******"),
            (2, "bot", "TEXT"),
            (12, "user", "Show{task}"),
            (3, "bot", "CAROUSEL"),
            (4, "bot", ""),
            (5, "bot", "Ask ******"),
        ]);
        scene.deliver(&completion()).await?;
        let mut lines = transcript(&scene);
        lines.sort_unstable();
        let mut whole = WHOLE;
        whole.sort_unstable();
        assert_eq!(lines, whole, "{kind:?}");
    }
    Ok(())
}

#[tokio::test]
async fn the_ledger_stands_in_where_haptik_gives_nothing_and_where_it_is_asked_for()
-> anyhow::Result<()> {
    for lines in ["", "transcript_from = 'auto'", "transcript_from = 'ledger'"] {
        let mut scene = Scene::with(Kind::Zendesk, lines).await?;
        record(&scene).await?;
        scene.nothing_was_kept();
        scene.deliver(&completion()).await?;
        assert_eq!(transcript(&scene), WHOLE, "{lines}");
    }
    let mut scene = Scene::with(Kind::Zendesk, "transcript_from = 'ledger'").await?;
    scene.deliver(&completion()).await?;
    let description = Kind::Zendesk.description(&scene.ticket());
    assert!(
        description.contains("the bridge has no record"),
        "{description}"
    );
    Ok(())
}

#[tokio::test]
async fn haptiks_own_transcript_is_not_mended_where_it_is_asked_for() -> anyhow::Result<()> {
    let mut scene = Scene::with(Kind::Zendesk, "transcript_from = 'haptik'").await?;
    record(&scene).await?;
    scene.was_said(&[
        ("user", "My number is ******"),
        ("bot", "TEXT"),
        ("user", "Show{task}"),
        ("bot", "{}"),
        ("bot", ""),
    ]);
    scene.deliver(&completion()).await?;
    assert_eq!(
        transcript(&scene),
        [
            "user: My number is ******",
            "bot: (a message whose text was not kept)",
            "user: Show",
        ]
    );
    Ok(())
}

#[tokio::test]
async fn a_ticket_waits_for_its_transcript_while_no_token_is_accepted_and_not_for_ever()
-> anyhow::Result<()> {
    for lines in ["", "transcript_from = 'haptik'"] {
        for is_mended in [true, false] {
            let mut scene = Scene::with(Kind::Zendesk, lines).await?;
            record(&scene).await?;
            scene.no_token_is_accepted();
            scene.events_come_now();
            for hours in [0, 1, 6, 16] {
                scene.pass(Duration::from_hours(hours));
                let tried = scene.attempt(&completion(), hours > 0).await?;
                assert!(matches!(tried, Delivered::Later(..)), "{lines}: {tried:?}");
                assert_eq!(scene.crm.tickets().len(), 0, "{lines}");
            }
            if is_mended {
                scene.was_said(&CHAT);
                scene.deliver(&completion()).await?;
                let said = transcript(&scene).join("\n");
                let arrives = "Prateek: It arrives tomorrow.";
                assert!(said.contains(arrives), "{lines}: {said}");
                continue;
            }
            scene.pass(Duration::from_hours(2));
            scene.deliver(&completion()).await?;
            let description = Kind::Zendesk.description(&scene.ticket());
            let says = if lines.is_empty() {
                "bot: Which one?"
            } else {
                "Haptik did not give it"
            };
            assert!(description.contains(says), "{lines}: {description}");
        }
    }
    Ok(())
}
