//! Groups, their topics, and groups that become supergroups.

use haptik_bridge_simulator::{Reply, UserMessage};
use haptik_bridge_tests::fake_telegram::{ChatKind, SentMessage, USERNAME};
use serde_json::json;

use super::{ASHA, RAVI, Scene, echo, reasons, texts};

#[tokio::test]
async fn in_a_group_the_bot_hears_what_is_meant_for_it_and_replies() -> anyhow::Result<()> {
    let scene = Scene::with(echo).await?;
    let telegram = &scene.telegram;
    let group = telegram.add_group(ChatKind::Supergroup, "Acme customers");
    let said = |user: i64, text: &str| SentMessage::new(user, text).in_chat(group);
    scene
        .update(&telegram.said(&said(ASHA, "nobody is asked")))
        .await?;
    scene
        .update(&telegram.said(&said(ASHA, "/help@other_bot me")))
        .await?;
    let asked = telegram.said(&said(ASHA, &format!("@{USERNAME} where is it?")));
    scene.update(&asked).await?;
    let shown = telegram.wait_for_messages(group, 1).await;
    assert_eq!(shown[0].text, "You said: where is it?.");
    assert_eq!(shown[0].reply_to, asked["message"]["message_id"].as_i64());
    let reply = said(RAVI, "and mine?").replying_to(shown[0].id);
    scene.update(&telegram.said(&reply)).await?;
    telegram.wait_for_messages(group, 2).await;
    scene
        .update(&telegram.said(&said(RAVI, &format!("/status@{USERNAME} of 42"))))
        .await?;
    telegram.wait_for_messages(group, 3).await;
    assert_eq!(
        scene.told(3).await?,
        ["where is it?", "and mine?", "/status of 42"]
    );
    // Its name was asked for once.
    assert_eq!(telegram.calls("getMe").len(), 1);
    scene.finish().await
}

#[tokio::test]
async fn a_message_in_a_topic_is_answered_there() -> anyhow::Result<()> {
    let scene = Scene::with(echo).await?;
    let telegram = &scene.telegram;
    let forum = telegram.add_group(ChatKind::Forum, "Acme forum");
    let topics = [telegram.add_topic(forum), telegram.add_topic(forum)];
    for (number, topic) in topics.into_iter().enumerate() {
        let said = SentMessage::new(ASHA, &format!("@{USERNAME} question {number}"));
        scene
            .update(&telegram.said(&said.in_chat(forum).in_topic(topic)))
            .await?;
    }
    let shown = telegram.wait_for_messages(forum, 2).await;
    for (number, topic) in topics.into_iter().enumerate() {
        let answer = shown
            .iter()
            .find(|message| message.topic == Some(topic))
            .expect("an answer");
        assert_eq!(answer.text, format!("You said: question {number}."));
    }
    // Each topic is a conversation of its own.
    scene
        .stage
        .simulator()
        .records(|seen| assert_eq!(seen.users.len(), 2));
    scene.finish().await
}

#[tokio::test]
async fn what_is_asked_in_a_topic_that_is_gone_is_answered_in_the_group() -> anyhow::Result<()> {
    let scene = Scene::with(echo).await?;
    let telegram = &scene.telegram;
    let forum = telegram.add_group(ChatKind::Forum, "Acme forum");
    let topic = telegram.add_topic(forum);
    let said = SentMessage::new(ASHA, &format!("@{USERNAME} hello"));
    let update = telegram.said(&said.in_chat(forum).in_topic(topic));
    telegram.remove_topics(forum);
    scene.update(&update).await?;
    let shown = telegram.wait_for_messages(forum, 1).await;
    assert_eq!(
        (shown[0].text.as_str(), shown[0].topic),
        ("You said: hello.", None)
    );
    let dead = scene.stage.finish_with_dead().await?;
    assert!(dead.is_empty(), "{:?}", reasons(&dead));
    Ok(())
}

#[tokio::test]
async fn a_group_that_became_a_supergroup_is_still_answered_and_its_new_id_is_kept()
-> anyhow::Result<()> {
    let thrice = |message: &UserMessage| [echo(message), echo(message), echo(message)].concat();
    let scene = Scene::with(thrice).await?;
    let group = scene.telegram.add_group(ChatKind::Group, "Acme");
    let said = SentMessage::new(ASHA, &format!("@{USERNAME} hello")).in_chat(group);
    let update = scene.telegram.said(&said);
    let moved = scene.telegram.migrate(group);
    scene.update(&update).await?;
    let shown = scene.telegram.wait_for_messages(moved, 3).await;
    assert_eq!(texts(&shown), ["You said: hello."; 3]);
    let calls = scene.telegram.calls("sendMessage");
    let to_old = calls
        .iter()
        .filter(|call| call.arguments["chat_id"] == group);
    assert_eq!(to_old.count(), 1, "{calls:#?}");
    let dead = scene.stage.finish_with_dead().await?;
    assert!(dead.is_empty(), "{:?}", reasons(&dead));
    Ok(())
}

#[tokio::test]
async fn a_tap_in_a_group_that_is_a_supergroup_by_now_is_answered_and_no_more() -> anyhow::Result<()>
{
    let bot = |_: &UserMessage| {
        let item =
            json!({"actionable_text": "Yes", "type": "TEXT_ONLY", "payload": {"message": "Yes"}});
        let body = json!({"text": "Well?", "type": "TEXT", "data": {"quick_replies": [item]}});
        vec![Reply::Hsl(body)]
    };
    let scene = Scene::with(bot).await?;
    let telegram = &scene.telegram;
    let group = telegram.add_group(ChatKind::Group, "Acme customers");
    let said = SentMessage::new(ASHA, &format!("@{USERNAME} hello")).in_chat(group);
    scene.update(&telegram.said(&said)).await?;
    telegram.wait_for_messages(group, 1).await;
    let tap = telegram.tapped(ASHA, group, "Yes");
    let _ = telegram.migrate(group);
    scene.update(&tap).await?;
    scene.told(2).await?;
    let calls = telegram.calls("editMessageReplyMarkup");
    assert_eq!(calls.len(), 1, "{calls:#?}");
    let dead = scene.stage.finish_with_dead().await?;
    assert!(dead.is_empty(), "{:?}", reasons(&dead));
    Ok(())
}
