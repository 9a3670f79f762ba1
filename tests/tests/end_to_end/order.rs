use std::time::Duration;

use haptik_bridge_local::simulator::{DeliveryFault, DeliveryOutcome, Reply, UserMessage};
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_tests::fake_slack::{Fault, Message};
use haptik_bridge_tests::{Options, Stage};
use serde_json::json;

fn twenty(_: &UserMessage) -> Vec<Reply> {
    (0..20)
        .map(|number| Reply::Text(format!("reply {number:02}")))
        .collect()
}

#[tokio::test]
async fn replies_that_are_delivered_at_once_are_shown_in_the_order_of_their_ids()
-> anyhow::Result<()> {
    let stage = Stage::with_bot(twenty).await?;
    let event = stage.slack.dm("U00000ASHA", "hi");
    stage
        .slack
        .client()
        .send(&stage.channel_url("acme-slack"), &event)
        .await;
    let shown = stage.slack.wait_for_messages(event.channel(), 20).await;
    for (number, message) in shown.iter().enumerate() {
        assert!(
            message
                .visible_text()
                .contains(&format!("reply {number:02}")),
            "{number}: {}",
            message.visible_text()
        );
    }
    stage.finish().await
}

#[tokio::test]
async fn ten_rounds_of_twenty_replies_in_shuffled_order_are_each_shown_in_order()
-> anyhow::Result<()> {
    // Wide, so that a busy machine does not exceed it, and no accident of the scheduler does its work.
    let options = Options {
        tables: "[delivery]\nreorder_window_ms = 2000".to_owned(),
        ..Options::default()
    };
    let bot = |_: &UserMessage| vec![Reply::Text("hello".to_owned())];
    let stage = Stage::with(options, bot).await?;
    let event = stage.slack.dm("U00000ASHA", "hi");
    let url = stage.channel_url("acme-slack");
    stage.slack.client().send(&url, &event).await;
    stage.slack.wait_for_text(event.channel(), "hello").await;
    let auth_id = AuthId::derive(&"acme-slack".into(), "U00000ASHA", None);
    let mut random = fastrand::Rng::with_seed(5);
    let first_id = u64::MAX / 4;
    for round in 0..10 {
        let mut replies: Vec<u64> = (0..20).map(|number| round * 20 + number).collect();
        random.shuffle(&mut replies);
        for number in replies {
            stage.simulator().deliver(&json!({
                "event_name": "message",
                "timestamp": jiff::Timestamp::now().to_string(),
                "user": {"auth_id": auth_id},
                "agent": {"name": "gogo", "is_automated": true},
                "message": {
                    "id": first_id + number,
                    "body": {"text": format!("reply {number:03}"), "type": "TEXT", "data": {}},
                },
            }));
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
        let so_far = usize::try_from(1 + (round + 1) * 20)?;
        stage.slack.wait_for_messages(event.channel(), so_far).await;
    }
    let shown = stage.slack.messages(event.channel());
    for (number, message) in shown.iter().skip(1).enumerate() {
        assert_eq!(message.visible_text(), format!("reply {number:03}"));
    }
    stage.finish().await
}

#[tokio::test]
async fn swapped_and_repeated_deliveries_are_shown_once_and_in_order() -> anyhow::Result<()> {
    let stage = Stage::with_bot(twenty).await?;
    stage.simulator().add_delivery_fault(DeliveryFault {
        probability: 0.3,
        ..DeliveryFault::of(DeliveryOutcome::Swap { hold_ms: 100 })
    });
    stage.simulator().add_delivery_fault(DeliveryFault {
        probability: 0.3,
        ..DeliveryFault::of(DeliveryOutcome::Duplicate)
    });
    let event = stage.slack.dm("U00000ASHA", "hi");
    stage
        .slack
        .client()
        .send(&stage.channel_url("acme-slack"), &event)
        .await;
    let shown = stage.slack.wait_for_messages(event.channel(), 20).await;
    for (number, message) in shown.iter().enumerate() {
        assert!(
            message
                .visible_text()
                .contains(&format!("reply {number:02}")),
            "{number}: {}",
            message.visible_text()
        );
    }
    stage.finish().await
}

#[tokio::test]
async fn what_comes_within_the_window_is_not_overtaken_while_a_slow_one_is_sent()
-> anyhow::Result<()> {
    let options = Options {
        tables: "[delivery]\nreorder_window_ms = 1000".to_owned(),
        ..Options::default()
    };
    let stage = Stage::with(options, |_: &UserMessage| Vec::new()).await?;
    let event = stage.slack.dm("U00000ASHA", "hi");
    let url = stage.channel_url("acme-slack");
    stage.slack.client().send(&url, &event).await;
    let heard = stage.simulator().wait_for(Duration::from_secs(10), |seen| {
        Some(seen.messages.last()?.auth_id.clone())
    });
    let auth_id = heard.await?;
    let deliver = |id: u64| {
        let message = json!({"id": id, "body": {"text": format!("reply {id}"), "type": "TEXT"}});
        let user = json!({ "auth_id": auth_id });
        stage
            .simulator()
            .deliver(&json!({"event_name": "message", "user": user, "message": message}));
    };
    let slow = Fault::Delay(Duration::from_millis(900));
    stage.slack.fail_next("chat.postMessage", 1, slow);
    // 3 is young when the lane is looked at for 1, and old when 1 has been sent; 2 comes in between.
    deliver(1);
    tokio::time::sleep(Duration::from_millis(800)).await;
    deliver(3);
    tokio::time::sleep(Duration::from_millis(500)).await;
    deliver(2);
    let shown = stage.slack.wait_for_messages(event.channel(), 3).await;
    let texts: Vec<String> = shown.iter().map(Message::visible_text).collect();
    assert_eq!(texts, ["reply 1", "reply 2", "reply 3"]);
    stage.finish().await
}

#[tokio::test]
async fn what_comes_while_a_slow_one_is_sent_is_sent_before_what_belongs_behind_it()
-> anyhow::Result<()> {
    // An application, since Slack's own pace would have the lane read again before each message.
    let stage = Stage::with_bot(|_: &UserMessage| Vec::new()).await?;
    let said = json!({"type": "message", "id": "m-1", "timestamp": jiff::Timestamp::now().to_string(),
                      "user": {"id": "u-42"}, "text": "hi"});
    let url = stage.channel_url("my-app");
    assert_eq!(stage.app.send(&url, &said).await?.0, 202);
    let heard = stage.simulator().wait_for(Duration::from_secs(10), |seen| {
        Some(seen.messages.last()?.auth_id.clone())
    });
    let auth_id = heard.await?;
    let deliver = |id: u64| {
        let message = json!({"id": id, "body": {"text": format!("reply {id}"), "type": "TEXT"}});
        let user = json!({ "auth_id": auth_id });
        stage
            .simulator()
            .deliver(&json!({"event_name": "message", "user": user, "message": message}));
    };
    stage.app.delay_next(Duration::from_secs(3));
    // 1 and 3 are read together, when the window of both is over (1 is the younger), and 2 comes later.
    deliver(3);
    tokio::time::sleep(Duration::from_millis(20)).await;
    deliver(1);
    stage.app.wait_for(1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    deliver(2);
    let shown = stage.app.wait_for(3).await;
    let texts: Vec<&str> = shown
        .iter()
        .filter_map(|callback| callback.body["text"].as_str())
        .collect();
    assert_eq!(texts, ["reply 1", "reply 2", "reply 3"]);
    stage.finish().await
}

#[tokio::test]
async fn a_users_own_messages_reach_haptik_in_the_order_in_which_they_were_written()
-> anyhow::Result<()> {
    let stage = Stage::with_bot(|_: &UserMessage| Vec::new()).await?;
    let url = stage.channel_url("acme-slack");
    let events: Vec<_> = (0..5)
        .map(|number| stage.slack.dm("U00000ASHA", &format!("{number}")))
        .collect();
    for event in events.iter().rev() {
        assert!(
            stage
                .slack
                .client()
                .send(&url, event)
                .await
                .is_acknowledged()
        );
    }
    stage
        .simulator()
        .wait_until(Duration::from_secs(10), |seen| seen.messages.len() == 5)
        .await?;
    stage.simulator().records(|seen| {
        let said: Vec<_> = seen
            .messages
            .iter()
            .map(|said| said.text.as_str())
            .collect();
        assert_eq!(said, ["0", "1", "2", "3", "4"]);
    });
    stage.finish().await
}

#[tokio::test]
async fn two_hundred_users_at_once_each_get_their_own_answers() -> anyhow::Result<()> {
    // Without reactions: on a busy machine one takes longer than the second that it may take.
    let options = Options {
        slack: "reaction = \"\"",
        ..Options::default()
    };
    let bot = |message: &UserMessage| {
        (0..3)
            .map(|number| Reply::Text(format!("{} {number}", message.text)))
            .collect::<Vec<_>>()
    };
    let stage = Stage::with(options, bot).await?;
    let url = stage.channel_url("acme-slack");
    let users: Vec<String> = (0..200).map(|number| format!("U{number:04}")).collect();
    let events: Vec<_> = users
        .iter()
        .map(|user| stage.slack.dm(user, &format!("I am {user}.")))
        .collect();
    let mut sends = tokio::task::JoinSet::new();
    for event in events.clone() {
        let (slack, url) = (stage.slack.clone(), url.clone());
        sends.spawn(async move { slack.client().send(&url, &event).await.status });
    }
    while let Some(status) = sends.join_next().await {
        assert_eq!(status?, 200);
    }
    for (user, event) in users.iter().zip(&events) {
        let shown = stage.slack.wait_for_messages(event.channel(), 3).await;
        for (number, message) in shown.iter().enumerate() {
            assert!(
                message
                    .visible_text()
                    .contains(&format!("I am {user}. {number}")),
                "{user}"
            );
        }
    }
    stage.finish().await
}
