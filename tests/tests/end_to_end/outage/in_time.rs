//! One housekeeping has so much time, and no step of it uses up that of the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use haptik_bridge_shared::breaker::CircuitBreaker;
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::net::fake::{Answer, Fake};
use haptik_bridge_shared::queue::{Queue, QueueError, Repeat, Ring};
use haptik_bridge_tests::app::App;

use super::unrung::{UNRUNG, append_unrung};
use super::*;

#[tokio::test]
async fn nobody_waits_for_an_account_whose_haptik_hangs() -> anyhow::Result<()> {
    let hangs = Fake::start(|_| Answer::new(200, "{}").after(Duration::from_mins(1))).await;
    let options = Options {
        tables: format!(
            "[haptik.elsewhere]\nbase_url = '{}'\nclient_id = 'x'\ntoken = 'x'\n\
             webhook_secrets = ['a-secret']\nbusiness_ids = [1, 2, 3]",
            hangs.url("")
        ),
        slack: "haptik = 'main'",
        app: "haptik = 'main'",
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    let asha = talk(&stage, ASHA, "hello").await?;
    assert!(stage.local.queue.idle(Duration::from_secs(10)).await);
    append_unrung(&stage).await?;
    let processor = stage.local.processor.clone();
    let now = Timestamp::now();
    let keeping_house = tokio::spawn(async move { processor.run_scheduled_maintenance(now).await });
    let others_are_looked_after = async {
        let enabled = || stage.simulator().records(|seen| seen.webhook_enables.len());
        while enabled() == 0 || !texts(&stage, &asha).concat().contains(UNRUNG) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(8), others_are_looked_after);
    in_time.await.context("they wait for the one that hangs")?;
    assert!(!keeping_house.is_finished(), "nothing hangs");
    keeping_house.abort();
    stage.finish().await
}

#[tokio::test]
async fn what_waits_for_a_sink_that_needs_attention_is_not_rung_for() -> anyhow::Result<()> {
    let receiver = App::start().await?;
    let options = crate::sinks::sink(&receiver, "['message']");
    let stage = Stage::with(options, echo).await?;
    let bridge = &stage.local.bridge;
    let (breakers, now) = (&bridge.breakers, Timestamp::now());
    let known = CircuitBreaker::default();
    let needs_attention = breakers.needs_attention("audit", &known, "401", minutes(5));
    assert!(needs_attention.await?);
    let body = json!({
        "event_name": "message",
        "user": {"auth_id": auth_id(ASHA)},
        "message": {"id": 900_001, "body": {"text": "Hello.", "type": "TEXT", "data": {}}},
    });
    let lane = Lane::Sink {
        sink: "audit".to_owned(),
        auth_id: auth_id(ASHA),
    };
    let payload = Payload::Webhook {
        account: "main".into(),
        body: body.to_string(),
    };
    let key = "00000000000000900001#message".into();
    let ledger = &bridge.ledger;
    ledger.append(&lane, &key, &payload, now, now).await?;
    assert_eq!(bridge.ring_pending(now).await?, 0, "it is closed");
    let known = breakers.of("audit").await?;
    assert!(breakers.record_success("audit", &known).await?);
    assert_eq!(bridge.ring_pending(now).await?, 1);
    receiver.wait_for(1).await;
    stage.finish().await
}

/// A queue that takes some time for each ring, and counts how many it takes at once.
#[derive(Debug, Default)]
struct SlowQueue {
    now: AtomicUsize,
    at_once: AtomicUsize,
}

#[async_trait]
impl Queue for SlowQueue {
    async fn ring(&self, _: &Ring, _: Repeat) -> Result<(), QueueError> {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.at_once.fetch_max(now, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.now.fetch_sub(1, Ordering::Relaxed);
        Ok(())
    }
}

#[tokio::test]
async fn lanes_are_rung_side_by_side_and_not_all_at_once() -> anyhow::Result<()> {
    let stage = stage().await?;
    let local = &stage.local.bridge;
    let queue = Arc::new(SlowQueue::default());
    let table = local.ledger.table().clone();
    let bridge = Bridge::new(local.config.clone(), table, queue.clone())?;
    let now = Timestamp::now();
    let payload = Payload::Webhook {
        account: "main".into(),
        body: "{}".to_owned(),
    };
    let ledger = &bridge.ledger;
    for number in 0..100 {
        let lane = Lane::Channel(AuthId::from(format!("somebody-{number}").as_str()));
        let key = "00000000000000000007#message".into();
        ledger.append(&lane, &key, &payload, now, now).await?;
    }
    assert_eq!(bridge.ring_pending(now).await?, 100);
    let at_once = queue.at_once.load(Ordering::Relaxed);
    assert!((8..=64).contains(&at_once), "{at_once} at once");
    stage.abandon();
    Ok(())
}
