//! Signatures, retries, the queue of a disabled webhook, and faults of deliveries.

use std::time::Duration;

use axum::body::Bytes;
use haptik_bridge_simulator::{
    DeliveryFault, DeliveryOutcome, DeliveryState, Settings, WEBHOOK_PATH,
};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha1::Sha1;
use tokio::net::TcpListener;

use crate::{Haptik, LONG, Receiver, state_of, with_webhook};

#[tokio::test]
async fn a_delivery_is_signed_over_its_raw_body_and_shaped_like_the_sample() {
    let (haptik, receiver) = with_webhook().await;
    haptik.bot_says("“hello” ☝️");
    haptik.delivered(1).await;
    let (signature, body) = receiver.got().remove(0);
    let mut mac = Hmac::<Sha1>::new_from_slice(b"simulator-webhook-secret").expect("any key");
    mac.update(&body);
    let expected = hex::encode(mac.finalize().into_bytes());
    assert_eq!(signature, format!("sha1={expected}"));
    let event: Value = serde_json::from_slice(&body).expect("JSON");
    let keys: Vec<&String> = event.as_object().expect("an object").keys().collect();
    assert_eq!(
        keys,
        [
            "version",
            "timestamp",
            "user",
            "business_id",
            "business_name",
            "event_name",
            "agent",
            "message"
        ]
    );
    assert_eq!(event["message"]["body"]["type"], "TEXT");
    assert_eq!(event["user"]["device_platform"], "13");
}

#[tokio::test]
async fn a_failed_delivery_is_tried_again_until_it_is_answered() {
    let (haptik, receiver) = with_webhook().await;
    receiver.will_answer([500, 404, 302]);
    haptik.bot_says("hello");
    haptik.delivered(1).await;
    let statuses: Vec<Option<u16>> = haptik.simulator.records(|seen| {
        let delivery = seen.deliveries.last().expect("a delivery");
        delivery
            .attempts
            .iter()
            .map(|attempt| attempt.status)
            .collect()
    });
    assert_eq!(statuses, [Some(500), Some(404), Some(302), Some(200)]);
}

#[tokio::test]
async fn the_webhook_is_disabled_after_seven_tries_and_what_waits_is_delivered_when_enabled() {
    let (haptik, receiver) = with_webhook().await;
    receiver.will_answer([500; 7]);
    haptik.bot_says("given up");
    let failed = haptik.simulator.wait_until(LONG, |seen| {
        seen.deliveries.last().map(state_of) == Some(DeliveryState::Failed)
    });
    failed.await.expect("the failure");
    assert!(!haptik.simulator.webhook_is_enabled());
    assert_eq!(receiver.got().len(), 7);

    haptik.bot_says("one");
    haptik.bot_says("two");
    assert_eq!(haptik.simulator.waiting_events(), 2);
    let enable = json!({"enabled": true, "business_id": 343, "device_platform": 13});
    let enabled = (StatusCode::OK, json!({"enabled": true}));
    assert_eq!(haptik.post(WEBHOOK_PATH, enable).await, enabled);
    haptik.delivered(2).await;
    let mut texts = receiver.texts().split_off(7);
    texts.sort();
    assert_eq!(texts, ["one", "two"]);
    let waited = haptik
        .simulator
        .records(|seen| seen.webhook_enables.last().map(|it| it.waiting));
    assert_eq!(waited, Some(2));
    assert_eq!(
        haptik.post(WEBHOOK_PATH, json!({"enabled": "yes"})).await.0,
        400
    );
}

#[tokio::test]
async fn what_waited_for_more_than_an_hour_is_lost() {
    let haptik = Haptik::start(Settings {
        time_scale: 0.0,
        ..Settings::default()
    })
    .await;
    haptik.create("asha1").await;
    haptik.bot_says("too late");
    tokio::time::sleep(Duration::from_millis(5)).await;
    haptik
        .simulator
        .set_webhook_url(Receiver::default().listen().await);
    let state = haptik
        .simulator
        .records(|seen| seen.deliveries.last().map(state_of));
    assert_eq!(state, Some(DeliveryState::Lost));
    assert_eq!(haptik.simulator.waiting_events(), 0);
}

#[tokio::test]
async fn a_webhook_that_answers_too_late_has_not_answered() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = silent.local_addr().expect("an address");
    let haptik = Haptik::start(Settings {
        webhook_url: Some(format!("http://{address}/")),
        delivery_timeout: Duration::from_millis(50),
        ..Settings::default()
    })
    .await;
    haptik.create("asha1").await;
    haptik.bot_says("hello");
    let error = haptik
        .simulator
        .wait_for(LONG, |seen| seen.deliveries.last()?.attempts.first()?.error)
        .await;
    assert_eq!(error, Ok("timeout"));
}

#[tokio::test]
async fn duplicates_garbage_and_forgeries_come_on_request() {
    let (haptik, receiver) = with_webhook().await;
    for outcome in [
        DeliveryOutcome::Duplicate,
        DeliveryOutcome::Garbage,
        DeliveryOutcome::Forged,
    ] {
        haptik
            .simulator
            .add_delivery_fault(DeliveryFault::once(outcome));
    }
    haptik.bot_says("hello");
    haptik.delivered(4).await;
    let mut kinds: Vec<String> = haptik.simulator.records(|seen| {
        seen.deliveries
            .iter()
            .map(|it| format!("{:?}", it.kind))
            .collect()
    });
    kinds.sort();
    assert_eq!(kinds, ["Duplicate", "Event", "Forged", "Garbage"]);
    let signed = |(signature, body): &&(String, Bytes)| {
        let expected = haptik_bridge_simulator::signature("simulator-webhook-secret", body);
        *signature == format!("sha1={expected}")
    };
    assert_eq!(
        receiver.got().iter().filter(signed).count(),
        3,
        "all but the forged one"
    );
    assert_eq!(receiver.texts(), ["hello", "hello", "hello"]);
}
