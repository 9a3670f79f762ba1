//! What comes late does not recreate somebody who was forgotten; who writes again is a new person.

use std::time::Duration;

use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::ingest::RequestContext;
use haptik_bridge_shared::ledger::Reported;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::scene::{Scene, at, deliveries_of};
use super::table::{bytes_of, having};

const SLACK_USER: &str = "U00000ASHA";

/// Nothing in the table names this user.
async fn assert_gone(scene: &Scene, auth_id: &AuthId, what: &str) -> anyhow::Result<()> {
    scene.rest().await;
    let left = having(scene.table(), &[auth_id.as_str(), SLACK_USER]).await?;
    assert!(left.is_empty(), "after {what}: {left:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_late_recreates_nobody_and_a_new_message_is_a_new_persons() -> anyhow::Result<()>
{
    let scene = Scene::quiet().await?;
    let stage = &scene.stage;
    let event = stage.slack.dm(SLACK_USER, "hello");
    stage.slack_sends(&event).await;
    stage
        .slack
        .wait_for_text(event.channel(), "You said: hello")
        .await;
    scene.rest().await;
    let person = scene.person("acme-slack/U00000ASHA").await?;
    let auth_id = person.auth_ids.first().expect("one").clone();
    let before = deliveries_of(stage, auth_id.as_str());
    assert!(!before.is_empty());
    scene.forget_person(&person, false).await?;
    assert_gone(&scene, &auth_id, "having been forgotten").await?;

    // Slack delivers again what was said before; the same event, and the same message by another one.
    stage.slack_sends(&event).await;
    stage
        .slack_sends(&event.clone().with_event_id("Ev0AGAIN"))
        .await;
    assert_gone(&scene, &auth_id, "Slack's redelivery").await?;
    // Haptik delivers again, and what is new there: an agent says something, the conversation completes.
    for body in &before {
        stage
            .simulator()
            .deliver(&at(body, Timestamp::now() - SignedDuration::from_secs(30)));
        stage.simulator().deliver_raw(body.clone());
    }
    stage
        .simulator()
        .agent_says_text(auth_id.as_str(), "Are you there?")?;
    let completed = haptik_bridge_simulator::CompletedBy::Agent;
    stage.simulator().completes(auth_id.as_str(), completed)?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_gone(&scene, &auth_id, "Haptik's redelivery").await?;
    assert!(scene.crm.tickets().is_empty(), "no ticket is made of it");
    // A channel says later what became of a message.
    let context = RequestContext::new("channels/acme-slack", Timestamp::now());
    let bridge = scene.bridge();
    let reported = Reported::Failed("gone".to_owned());
    bridge
        .accept_report(
            context,
            &"acme-slack".into(),
            "1795561837.856425",
            &reported,
        )
        .await?;
    stage
        .local
        .processor
        .run_scheduled_maintenance(Timestamp::now())
        .await;
    assert_gone(&scene, &auth_id, "a late report").await?;

    let users = || stage.simulator().records(|seen| seen.users.len());
    let known = users();
    let again = stage.slack.dm(SLACK_USER, "me again");
    stage.slack_sends(&again).await;
    stage
        .slack
        .wait_for_text(again.channel(), "You said: me again")
        .await;
    scene.rest().await;
    assert!(users() > known, "a new user is registered anew");
    let user = bridge.users.get(&auth_id).await?.expect("there again");
    assert!(user.handoff.is_none() && user.completion.is_none());
    // And now what is late is late all the same.
    let count = stage.slack.messages(again.channel()).len();
    stage.slack_sends(&event).await;
    for body in &before {
        stage
            .simulator()
            .deliver(&at(body, Timestamp::now() - SignedDuration::from_hours(1)));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    scene.rest().await;
    let messages = stage.slack.messages(again.channel());
    assert_eq!(messages.len(), count, "{messages:#?}");
    let told = stage.simulator().records(|seen| seen.messages.len());
    assert_eq!(told, 2, "hello, and me again");
    scene.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_writes_while_being_forgotten_waits_and_is_lost_to_nobody()
-> anyhow::Result<()> {
    let scene = Scene::quiet().await?;
    let stage = &scene.stage;
    scene.app_says("m-1", "u-42", "before").await?;
    stage.app.wait_for_type("message", 1).await;
    let auth_id = AuthId::derive(&"my-app".into(), "u-42", None);
    let tombstone = scene
        .table()
        .put_tombstone(&auth_id, Timestamp::now())
        .await?;
    tokio::time::sleep(super::scene::UNTIL_KNOWN).await;
    let said = json!({
        "type": "message", "id": "m-2", "timestamp": Timestamp::now().to_string(), "text": "meanwhile",
        "user": {"id": "u-42", "name": "Asha"},
    });
    stage.app_sends(&said).await?;
    tokio::time::sleep(Duration::from_millis(400)).await;
    let told = || stage.simulator().records(|seen| seen.messages.len());
    assert_eq!(told(), 1, "it waits");
    // A hand-off is a state of the user, which nothing of before may be mixed with: it is to be sent again.
    let asked = json!({"id": "h-1", "timestamp": Timestamp::now().to_string(), "message": "help", "user": {"id": "u-42"}});
    let url = format!("{}/handoff", stage.channel_url("my-app"));
    assert_eq!(stage.app.send(&url, &asked).await?.0, 503);

    let person = scene.person("my-app/u-42").await?;
    let way = haptik_bridge_local::privacy::WayToForget {
        cut_off: true,
        patience: Duration::ZERO,
        until_known: super::scene::UNTIL_KNOWN,
    };
    // Begun before the message, ended now.
    let tombstones = haptik_bridge_local::privacy::Again {
        salt: scene.table().salt().await?,
        tombstones: vec![tombstone],
    };
    let (ledger, users) = (scene.ledger(), &scene.bridge().users);
    haptik_bridge_local::privacy::forget_again(
        ledger,
        users,
        Some(tombstones),
        way.until_known,
        |_| {},
    )
    .await?;
    drop(person);
    let callbacks = stage.app.wait_for_type("message", 2).await;
    assert_eq!(callbacks[1].body["text"], "You said: meanwhile");
    scene.rest().await;
    assert_eq!(told(), 2);
    let bytes = bytes_of(scene.table()).await?;
    assert!(
        bytes.contains("meanwhile") && !bytes.contains("before\\\""),
        "only what is new is there"
    );
    let entries = ledger
        .entries(&haptik_bridge_shared::lane::Lane::Haptik(auth_id))
        .await?;
    assert_eq!(entries.len(), 1);
    scene.end().await
}
