//! What is tapped: choices that go away and those that stay, taps that come twice, and those of others.

use haptik_bridge_simulator::{Reply, UserMessage};
use serde_json::json;

use super::{ASHA, Scene, say};

#[tokio::test]
async fn a_quick_reply_is_said_and_goes_away_and_a_button_stays() -> anyhow::Result<()> {
    let bot = |message: &UserMessage| match message.text.as_str() {
        "replies" => vec![Reply::Hsl(
            json!({"text": "Is it this one?", "type": "TEXT", "data": {
                "quick_replies": [say("Yes", "It is"), say("No", "It is not")],
            }}),
        )],
        "buttons" => vec![Reply::Hsl(
            json!({"text": "What now?", "type": "BUTTON", "data": {
                "items": [say("Track", "Track it"), json!({
                    "actionable_text": "Shop", "type": "APP_ACTION", "uri": "LINK",
                    "payload": {"url": "https://shop.example/"},
                })],
            }}),
        )],
        _ => Vec::new(),
    };
    let scene = Scene::with(bot).await?;
    scene.says(ASHA, "replies").await?;
    let shown = scene.telegram.wait_for_messages(ASHA, 1).await;
    assert_eq!(shown[0].buttons(), ["Yes", "No"]);
    scene.taps(ASHA, "Yes").await?;
    assert_eq!(scene.told(2).await?, ["replies", "It is"]);
    let gone = || {
        scene.telegram.messages(ASHA)[0]
            .keyboard
            .is_none()
            .then_some(())
    };
    scene.telegram.wait_until("the keyboard to go", gone).await;
    scene.says(ASHA, "buttons").await?;
    let shown = scene.telegram.wait_for_messages(ASHA, 2).await;
    assert_eq!(shown[1].buttons(), ["Track"]);
    assert_eq!(
        shown[1].links(),
        [("Shop".to_owned(), "https://shop.example/".to_owned())]
    );
    for told in 4..=5 {
        scene.taps(ASHA, "Track").await?;
        assert_eq!(
            scene.told(told).await?.last().map(String::as_str),
            Some("Track it")
        );
    }
    let answered = || (scene.telegram.unanswered_taps() == 0).then_some(());
    scene
        .telegram
        .wait_until("all taps to be answered", answered)
        .await;
    assert!(scene.telegram.messages(ASHA)[1].keyboard.is_some());
    scene.finish().await
}

#[tokio::test]
async fn a_tap_that_comes_twice_is_said_once_and_one_that_is_not_ours_never() -> anyhow::Result<()>
{
    let bot = |_: &UserMessage| {
        vec![Reply::Hsl(
            json!({"text": "Well?", "type": "BUTTON", "data": {
                "items": [say("Track", "Track it")],
            }}),
        )]
    };
    let scene = Scene::with(bot).await?;
    scene.says(ASHA, "hello").await?;
    let shown = scene.telegram.wait_for_messages(ASHA, 1).await;
    let tap = scene.telegram.tapped(ASHA, ASHA, "Track");
    scene.update(&tap).await?;
    scene.update(&tap).await?;
    let foreign = scene
        .telegram
        .tapped_with(ASHA, &shown[0], "somebody else's");
    scene.update(&foreign).await?;
    let answered = || (scene.telegram.answered_taps().len() == 2).then_some(());
    scene
        .telegram
        .wait_until("both taps to be answered", answered)
        .await;
    assert_eq!(scene.told(2).await?, ["hello", "Track it"]);
    scene.telegram.wait_for_messages(ASHA, 2).await;
    scene.finish().await
}
