//! The control routes, and how much is kept.

use haptik_bridge_simulator::{MESSAGE_PATH, Settings, USER_PATH};
use serde_json::{Value, json};

use crate::{Haptik, answer, message, with_webhook};

#[tokio::test]
async fn faults_are_set_and_cleared_over_http() {
    let haptik = Haptik::plain().await;
    let control = haptik.url("/_simulator/faults/calls");
    let set = async |fault: Value| {
        let request = haptik.client.post(&control).json(&fault);
        request.send().await.expect("an answer").status()
    };
    let fault = json!({
        "path": "/v1.0/*", "times": 1,
        "outcome": {"kind": "status", "status": 429, "retry_after": 3, "body": {"slow": "down"}},
    });
    assert_eq!(set(fault).await, 201);
    let request = haptik
        .call("POST", USER_PATH)
        .json(&json!({"auth_id": "asha1"}));
    let limited = request.send().await.expect("an answer");
    assert_eq!(limited.status(), 429);
    assert_eq!(limited.headers()["Retry-After"], "3");
    assert_eq!(
        limited.json::<Value>().await.expect("JSON"),
        json!({"slow": "down"})
    );
    haptik.create("asha1").await;

    assert_eq!(
        set(json!({"path": "*", "outcome": {"kind": "garbage"}})).await,
        201
    );
    let request = haptik
        .call("POST", MESSAGE_PATH)
        .json(&message("asha1", "hi"));
    let garbage = request.send().await.expect("an answer");
    assert_eq!(garbage.status(), 200);
    garbage.json::<Value>().await.expect_err("no JSON");
    haptik
        .client
        .delete(&control)
        .send()
        .await
        .expect("an answer");
    assert_eq!(haptik.says("asha1", "hi").await.0, 200);
    assert_eq!(set(json!({"path": "*", "tims": 1})).await, 422);
}

#[tokio::test]
async fn a_chat_is_driven_over_the_control_routes() {
    let (haptik, receiver) = with_webhook().await;
    let control = async |path: &str, body: Value| {
        let request = haptik
            .client
            .post(haptik.url(&format!("/_simulator/users/{path}")));
        request
            .json(&body)
            .send()
            .await
            .expect("an answer")
            .status()
    };
    assert_eq!(
        control("asha1/says", json!({"text": "from the bot"})).await,
        200
    );
    assert_eq!(
        control("asha1/agent_joins", json!({"team_name": "Sales"})).await,
        204
    );
    let hsl = json!({"hsl": {"text": "from the agent", "type": "TEXT"}});
    assert_eq!(control("asha1/agent_says", hsl).await, 200);
    assert_eq!(
        control("asha1/completes", json!({"by": "timeout"})).await,
        204
    );
    assert_eq!(control("nobody/says", json!({"text": "x"})).await, 404);
    haptik.delivered(5).await;
    let texts = receiver.texts();
    for expected in [
        "from the bot",
        "from the agent",
        "Prateek has entered the Conversation",
    ] {
        assert!(texts.iter().any(|text| text == expected), "{texts:?}");
    }
    let complete = haptik.event("webhook_conversation_complete", "asha1").await;
    assert_eq!(complete["data"]["completion_type"], "autocomplete");
    let records = haptik
        .client
        .get(haptik.url("/_simulator/records/deliveries"));
    assert_eq!(answer(records).await.1.as_array().map(Vec::len), Some(5));
}

#[tokio::test]
async fn records_and_users_are_bounded() {
    let settings = Settings {
        keep_records: 3,
        keep_users: 2,
        ..Settings::default()
    };
    let haptik = Haptik::start(settings).await;
    for user in ["a", "b", "c"] {
        haptik.create(user).await;
    }
    assert_eq!(
        haptik.says("a", "hi").await.0,
        403,
        "the first user is forgotten"
    );
    for _ in 0..5 {
        assert_eq!(haptik.says("c", "hi").await.0, 200);
    }
    let kept = haptik
        .simulator
        .records(|seen| (seen.messages.len(), seen.messages.total()));
    assert_eq!(kept, (3, 5));
    assert_eq!(haptik.simulator.waiting_events(), 3);
}
