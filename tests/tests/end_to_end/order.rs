use std::time::Duration;

use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_simulator::{DeliveryFault, DeliveryOutcome, Reply, UserMessage};
use haptik_bridge_tests::fake_slack::{Fault, Message};
use haptik_bridge_tests::{Options, Stage};
use serde_json::json;

const ASHA: &str = "U00000ASHA";

fn silent(_: &UserMessage) -> Vec<Reply> {
    Vec::new()
}

/// With a window so wide that a busy machine does not exceed it, and no accident of the scheduler does its
/// work.
fn wide_window() -> Options {
    Options {
        tables: "[delivery]\nreorder_window_ms = 2000".to_owned(),
        ..Options::default()
    }
}

/// Haptik delivers a reply with this id.
fn reply(stage: &Stage, auth_id: &AuthId, id: u64) {
    stage.simulator().deliver(&json!({
        "event_name": "message", "user": {"auth_id": auth_id},
        "message": {"id": id, "body": {"text": format!("reply {id}"), "type": "TEXT"}},
    }));
}

#[tokio::test]
async fn ten_rounds_of_shuffled_and_repeated_replies_are_shown_once_and_in_order()
-> anyhow::Result<()> {
    let stage = Stage::with(wide_window(), silent).await?;
    let channel = stage.slack_user_says(ASHA, "hi").await;
    stage.haptik_was_told(1).await?;
    let auth_id = AuthId::derive(&"acme-slack".into(), ASHA, None);
    stage.simulator().add_delivery_fault(DeliveryFault {
        probability: 0.3,
        ..DeliveryFault::of(DeliveryOutcome::Duplicate)
    });
    let mut random = fastrand::Rng::with_seed(5);
    for round in 0..10 {
        // Twenty new ones, and the last five of the round before, which are shown already.
        let mut ids: Vec<u64> = (1..=25).map(|number| round * 20 + number).collect();
        random.shuffle(&mut ids);
        for id in ids {
            reply(&stage, &auth_id, id);
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
        let so_far = usize::try_from(round * 20 + 25)?;
        stage.slack.wait_for_messages(&channel, so_far).await;
    }
    assert!(stage.local.queue.idle(Duration::from_secs(20)).await);
    let shown = stage.slack.messages(&channel);
    let texts: Vec<String> = shown.iter().map(Message::visible_text).collect();
    let expected: Vec<String> = (1..=205).map(|id| format!("reply {id}")).collect();
    assert_eq!(texts, expected);
    stage.finish().await
}

#[tokio::test]
async fn what_comes_within_the_window_is_not_overtaken_while_a_slow_one_is_sent()
-> anyhow::Result<()> {
    let options = Options {
        tables: "[delivery]\nreorder_window_ms = 1000".to_owned(),
        ..Options::default()
    };
    let stage = Stage::with(options, silent).await?;
    let channel = stage.slack_user_says(ASHA, "hi").await;
    stage.haptik_was_told(1).await?;
    let auth_id = AuthId::derive(&"acme-slack".into(), ASHA, None);
    let slow = Fault::Delay(Duration::from_millis(900));
    stage.slack.fail_next("chat.postMessage", 1, slow);
    // 3 is young when the lane is looked at for 1, and old when 1 has been sent; 2 comes in between.
    reply(&stage, &auth_id, 1);
    tokio::time::sleep(Duration::from_millis(800)).await;
    reply(&stage, &auth_id, 3);
    tokio::time::sleep(Duration::from_millis(500)).await;
    reply(&stage, &auth_id, 2);
    let shown = stage.slack.wait_for_messages(&channel, 3).await;
    let texts: Vec<String> = shown.iter().map(Message::visible_text).collect();
    assert_eq!(texts, ["reply 1", "reply 2", "reply 3"]);
    stage.finish().await
}

#[tokio::test]
async fn what_comes_while_a_slow_one_is_sent_is_sent_before_what_belongs_behind_it()
-> anyhow::Result<()> {
    // An application, since Slack's own pace would have the lane read again before each message.
    let stage = Stage::with_bot(silent).await?;
    let said = json!({"type": "message", "id": "m-1", "timestamp": jiff::Timestamp::now().to_string(),
                      "user": {"id": "u-42"}, "text": "hi"});
    stage.app_sends(&said).await?;
    stage.haptik_was_told(1).await?;
    let auth_id = AuthId::derive(&"my-app".into(), "u-42", None);
    stage.app.delay_next(Duration::from_secs(3));
    // 1 and 3 are read together, when the window of both is over (1 is the younger), and 2 comes later.
    reply(&stage, &auth_id, 3);
    tokio::time::sleep(Duration::from_millis(20)).await;
    reply(&stage, &auth_id, 1);
    stage.app.wait_for(1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    reply(&stage, &auth_id, 2);
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
    let stage = Stage::with(wide_window(), silent).await?;
    let events: Vec<_> = (0..5)
        .map(|number| stage.slack.dm(ASHA, &format!("{number}")))
        .collect();
    for event in events.iter().rev() {
        stage.slack_sends(event).await;
    }
    assert_eq!(stage.haptik_was_told(5).await?, ["0", "1", "2", "3", "4"]);
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
