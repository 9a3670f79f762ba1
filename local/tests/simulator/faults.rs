//! Faults of calls, the control routes, a bot of one's own, and the account's life.

use std::time::Duration;

use haptik_bridge_local::simulator::{
    CallFault, CallOutcome, CompletedBy, CompletionEvents, MESSAGE_PATH, Reply, Settings,
    Simulator, USER_PATH, UserMessage,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{Haptik, answer, message, with_webhook};

#[tokio::test]
async fn a_dropped_connection_is_closed_without_a_byte() {
    let haptik = Haptik::plain().await;
    haptik.create("asha1").await;
    let dropped = CallFault::on(MESSAGE_PATH, CallOutcome::Drop);
    haptik.simulator.add_call_fault(CallFault {
        times: Some(2),
        ..dropped
    });
    let mut raw = TcpStream::connect(haptik.running.address())
        .await
        .expect("a connection");
    let request = format!("POST {MESSAGE_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    raw.write_all(request.as_bytes()).await.expect("sent");
    let mut received = Vec::new();
    raw.read_to_end(&mut received)
        .await
        .expect("the end of the stream");
    assert_eq!(received, b"");

    let request = haptik
        .call("POST", MESSAGE_PATH)
        .json(&message("asha1", "hi"));
    request.send().await.expect_err("no answer");
    assert!(haptik.simulator.records(|seen| seen.messages.is_empty()));
    assert_eq!(haptik.says("asha1", "hi").await.0, 200);
    let statuses: Vec<Option<u16>> = haptik.simulator.records(|seen| {
        let calls = seen.calls.iter().filter(|call| call.path == MESSAGE_PATH);
        calls.map(|call| call.status).collect()
    });
    assert_eq!(statuses, [None, None, Some(200)]);
}

#[tokio::test]
async fn a_call_can_take_effect_although_its_answer_is_lost() {
    let haptik = Haptik::plain().await;
    haptik.create("asha1").await;
    let dropped = CallFault::on(MESSAGE_PATH, CallOutcome::Drop);
    haptik.simulator.add_call_fault(CallFault {
        takes_effect: true,
        ..dropped
    });
    let request = haptik
        .call("POST", MESSAGE_PATH)
        .json(&message("asha1", "hi"));
    request.send().await.expect_err("no answer");
    assert_eq!(haptik.simulator.records(|seen| seen.messages.len()), 1);
}

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
async fn a_delayed_answer_is_the_right_one() {
    let haptik = Haptik::plain().await;
    let delay = CallFault {
        delay_ms: 80,
        ..CallFault::on("*", CallOutcome::Answer)
    };
    haptik.simulator.add_call_fault(delay);
    let started = std::time::Instant::now();
    haptik.create("asha1").await;
    assert!(started.elapsed() >= Duration::from_millis(80));
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
async fn a_bot_of_ones_own_is_a_closure_and_its_agent_is_driven_from_outside() {
    let settings = Settings {
        completion_events: CompletionEvents {
            conversation_complete: true,
            chat_complete: false,
        },
        ..Settings::default()
    };
    let bot = |message: &UserMessage| match message.text.as_str() {
        "help" => vec![Reply::AgentJoins { team_name: None }],
        other => vec![Reply::Text(other.to_uppercase())],
    };
    let haptik = Haptik::serve(Simulator::with_bot(settings, bot)).await;
    haptik.create("asha1").await;
    for text in ["loud", "help", "nobody answers this"] {
        haptik.says("asha1", text).await;
    }
    haptik
        .simulator
        .agent_says_text("asha1", "I do")
        .expect("a user");
    haptik
        .simulator
        .completes("asha1", CompletedBy::Bot)
        .expect("a user");
    let events: Vec<Value> = haptik.simulator.records(|seen| {
        let bodies = seen
            .deliveries
            .iter()
            .map(|it| serde_json::from_str(&it.body));
        bodies.collect::<Result<_, _>>().expect("JSON")
    });
    let names: Vec<&Value> = events.iter().map(|event| &event["event_name"]).collect();
    assert_eq!(
        names,
        [
            "message",
            "chat_pinned",
            "message",
            "webhook_conversation_complete"
        ]
    );
    assert_eq!(events[0]["message"]["body"]["text"], "LOUD");
    assert_eq!(events[2]["agent"]["is_automated"], false);
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

#[tokio::test]
async fn an_account_that_was_stopped_can_be_served_again_at_the_same_port() {
    let Haptik {
        simulator,
        running,
        client,
    } = Haptik::plain().await;
    let address = running.address();
    running.stop().await;
    client
        .get(format!("http://{address}/"))
        .send()
        .await
        .expect_err("nobody listens");
    let running = simulator.serve(address).await.expect("the same port");
    let haptik = Haptik {
        simulator,
        running,
        client,
    };
    haptik.create("asha1").await;
}

#[tokio::test]
async fn waiting_for_what_does_not_come_ends() {
    let simulator = Simulator::new(Settings::default());
    let waited = simulator.wait_until(Duration::from_millis(10), |seen| !seen.messages.is_empty());
    assert!(waited.await.is_err());
}
