//! An entry for which nobody rang, since the process was stopped in between and Haptik has given up.

use super::*;

/// What it says.
pub(super) const UNRUNG: &str = "It has arrived.";

/// A stage on which Asha has such an entry; the channel where she would see it. What rings at the beginning has rung.
async fn with_unrung() -> anyhow::Result<(Stage, String)> {
    let stage = stage().await?;
    run_maintenance_in(&stage, Duration::ZERO).await;
    let asha = talk(&stage, ASHA, "hello").await?;
    // Else what still drains the lane would find it.
    assert!(stage.local.queue.idle(Duration::from_secs(10)).await);
    append_unrung(&stage).await?;
    Ok((stage, asha))
}

pub(super) async fn append_unrung(stage: &Stage) -> anyhow::Result<()> {
    let body = json!({
        "event_name": "message",
        "user": {"auth_id": auth_id(ASHA)},
        "message": {"id": 900_001, "body": {"text": UNRUNG, "type": "TEXT", "data": {}}},
    })
    .to_string();
    let key = Event::read(body.as_bytes())?.key(body.as_bytes());
    let payload = Payload::Webhook {
        account: "main".into(),
        body,
    };
    let (lane, now) = (Lane::Channel(auth_id(ASHA)), Timestamp::now());
    let ledger = &stage.local.bridge.ledger;
    ledger.append(&lane, &key, &payload, now, now).await?;
    Ok(())
}

#[tokio::test]
async fn what_nobody_rang_for_is_rung_for_within_the_hour() -> anyhow::Result<()> {
    let (stage, asha) = with_unrung().await?;
    run_maintenance_in(&stage, minutes(30)).await;
    assert!(stage.local.queue.idle(Duration::from_secs(10)).await);
    assert!(!texts(&stage, &asha).concat().contains(UNRUNG));
    run_maintenance_in(&stage, minutes(61)).await;
    stage.slack.wait_for_text(&asha, UNRUNG).await;
    stage.finish().await
}

#[tokio::test]
async fn it_is_rung_for_although_haptik_does_not_let_the_webhook_be_enabled() -> anyhow::Result<()>
{
    let (stage, asha) = with_unrung().await?;
    let refused = CallFault::on("/v1.0/webhook/", CallOutcome::status(401));
    stage.simulator().add_call_fault(refused);
    run_maintenance_in(&stage, minutes(61)).await;
    stage.slack.wait_for_text(&asha, UNRUNG).await;
    stage.finish().await
}

#[tokio::test]
async fn it_is_rung_for_although_silences_enable_the_webhook_all_the_time() -> anyhow::Result<()> {
    let (stage, asha) = with_unrung().await?;
    let (health, account) = (&stage.local.bridge.health, "main".into());
    let began = Timestamp::now();
    for at in [20, 40] {
        // An agent thinks for a minute.
        health
            .note_received(&account, began + minutes(at - 2))
            .await;
        health.note_sent(&account, began + minutes(at - 1)).await;
        run_maintenance_in(&stage, minutes(at)).await;
    }
    let enabled = stage.simulator().records(|seen| seen.webhook_enables.len());
    assert_eq!(enabled, 3, "at first, and after each silence");
    run_maintenance_in(&stage, minutes(61)).await;
    stage.slack.wait_for_text(&asha, UNRUNG).await;
    stage.finish().await
}

#[tokio::test]
async fn a_process_that_begins_rings_for_what_is_pending() -> anyhow::Result<()> {
    let stage = stage().await?;
    let asha = talk(&stage, ASHA, "hello").await?;
    assert!(stage.local.queue.idle(Duration::from_secs(10)).await);
    append_unrung(&stage).await?;
    run_maintenance_in(&stage, Duration::ZERO).await;
    stage.slack.wait_for_text(&asha, UNRUNG).await;
    stage.finish().await
}
