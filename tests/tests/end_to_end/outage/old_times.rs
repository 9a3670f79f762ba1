//! Events that are older than what Haptik can have kept, or that came before: no outage follows from them.

use serde_json::Value;

use super::*;

/// An event of Asha's chat, of that time.
fn said_at(at: &Value, id: u64) -> Value {
    json!({
        "event_name": "message",
        "timestamp": at,
        "user": {"auth_id": auth_id(ASHA)},
        "agent": {"name": "Prateek", "is_automated": false},
        "message": {"id": id, "body": {"text": format!("Note {id}."), "type": "TEXT", "data": {}}},
    })
}

/// A time so long ago, as Haptik writes it.
fn ago(time: Duration) -> Value {
    json!((Timestamp::now() - time).to_string())
}

/// Checks that the housekeeping of right after sees no outage.
async fn no_outage_follows(stage: &Stage) -> anyhow::Result<()> {
    run_maintenance_in(stage, Duration::from_secs(5)).await;
    let account = "main".into();
    let known = stage.local.bridge.health.of(&account).await?;
    assert_eq!((known.held_back, known.outage), (None, None));
    Ok(())
}

#[tokio::test]
async fn a_time_of_long_ago_is_no_outage() -> anyhow::Result<()> {
    let stage = stage().await?;
    let asha = talk(&stage, ASHA, "hello").await?;
    run_maintenance_in(&stage, Duration::ZERO).await;
    let five_days = Duration::from_hours(5 * 24);
    for (id, at) in [(7, json!(0)), (8, json!("0")), (9, ago(five_days))] {
        stage.simulator().deliver(&said_at(&at, id));
        let text = format!("Note {id}.");
        stage.slack.wait_for_text(&asha, &text).await;
    }
    no_outage_follows(&stage).await?;
    stage.finish().await
}

#[tokio::test]
async fn a_delivery_that_comes_again_has_not_waited() -> anyhow::Result<()> {
    let stage = stage().await?;
    let asha = talk(&stage, ASHA, "hello").await?;
    run_maintenance_in(&stage, Duration::ZERO).await;
    let event = said_at(&ago(Duration::from_secs(28)), 7);
    stage.simulator().deliver(&event);
    stage.slack.wait_for_text(&asha, "Note 7.").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    stage.simulator().deliver(&event);
    let patience = Duration::from_secs(15);
    let delivered = stage.simulator().wait_until(patience, |seen| {
        let attempts = seen.deliveries.iter().map(|of| of.attempts.len());
        attempts.sum::<usize>() == 4
    });
    delivered.await?;
    no_outage_follows(&stage).await?;
    stage.finish().await
}

#[tokio::test]
async fn what_an_operator_has_taken_again_has_not_waited() -> anyhow::Result<()> {
    let stage = stage().await?;
    let asha = talk(&stage, ASHA, "hello").await?;
    run_maintenance_in(&stage, Duration::ZERO).await;
    let body = said_at(&ago(minutes(10)), 7).to_string();
    let (bridge, account) = (&stage.local.bridge, "main".into());
    let taken = haptik_bridge_webhook::take_again(bridge, &account, body.as_bytes());
    assert!(taken.await?);
    stage.slack.wait_for_text(&asha, "Note 7.").await;
    no_outage_follows(&stage).await?;
    stage.finish().await
}
