//! Numbered choices end to end: a channel without buttons, whose users type the number of what they choose.

use std::time::Duration;

use haptik_bridge_channels::callback::{self, Reference, Tap};
use haptik_bridge_channels::limits::Size;
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::State as EntryState;
use haptik_bridge_shared::message::{KeyRef, MessageRef, UserAction};
use serde_json::{Value, json};

#[path = "numbered/channel.rs"]
mod channel;
#[path = "numbered/forms.rs"]
mod forms;
#[path = "numbered/scene.rs"]
mod scene;

use channel::Texts;
use scene::Scene;

fn said(text: &str) -> UserAction {
    UserAction::Message {
        text: text.to_owned(),
        attachments: Vec::new(),
    }
}

/// A message with quick replies.
fn asks(text: &str, labels: &[&str]) -> Value {
    let replies = labels.iter().map(|label| {
        let payload = json!({"message": format!("{label}{{{text}}}"), "gogo_message": ""});
        json!({"actionable_text": label, "type": "TEXT_ONLY", "payload": payload})
    });
    let replies: Vec<Value> = replies.collect();
    json!({"text": text, "type": "TEXT", "data": {"quick_replies": replies}})
}

fn tells(text: &str) -> Value {
    json!({"text": text, "type": "TEXT", "data": {}})
}

#[tokio::test]
async fn the_number_of_a_choice_says_what_the_choice_says() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    scene
        .bot_says("one", 1, asks("Well?", &["Yes", "No"]))
        .await?;
    assert_eq!(scene.shown(), ["Well?\n\n1. Yes\n2. No"]);
    scene.user_says("one", 2, " 2. ").await?;
    scene
        .bot_says("one", 3, asks("Sure?", &["Yes", "No"]))
        .await?;
    scene.user_says("one", 4, "yES").await?;
    scene
        .bot_says("one", 5, asks("And?", &["Yes", "No"]))
        .await?;
    scene.user_says("one", 6, "3").await?;
    assert_eq!(scene.told("one"), ["No{Well?}", "Yes{Sure?}", "3"]);
    let rating = json!({"actionable_text": "Rate", "type": "APP_FEEDBACK", "payload": {}});
    let rating = json!({"text": "How was it?", "type": "BUTTON", "data": {"items": [rating]}});
    scene.bot_says("one", 7, rating).await?;
    scene.user_says("one", 8, "4").await?;
    assert_eq!(
        scene.told("one").last().map(String::as_str),
        Some("rated 4")
    );
    assert_eq!(scene.entry("one", 1).await?.message_ids, ["m1"]);
    Ok(())
}

#[tokio::test]
async fn two_users_in_one_conversation_have_offers_of_their_own() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    scene.bot_says("one", 1, asks("A?", &["Yes", "No"])).await?;
    scene
        .bot_says("other", 2, asks("B?", &["Red", "Green"]))
        .await?;
    scene.user_says("one", 3, "1").await?;
    scene.user_says("other", 4, "1").await?;
    assert_eq!(scene.told("one"), ["Yes{A?}"]);
    assert_eq!(scene.told("other"), ["Red{B?}"]);
    Ok(())
}

#[tokio::test]
async fn an_offer_ends_with_the_users_next_message_and_with_later_ones() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    scene.bot_says("one", 1, asks("A?", &["Yes", "No"])).await?;
    scene.user_says("one", 2, "hm").await?;
    scene.user_says("one", 3, "2").await?;
    scene.bot_says("one", 4, asks("B?", &["Yes", "No"])).await?;
    scene.user_says("one", 5, "2").await?;
    scene.user_says("one", 6, "1").await?;
    assert_eq!(scene.told("one"), ["hm", "2", "No{B?}", "1"]);
    // Soon after it, what follows belongs to it.
    scene
        .bot_says("one", 10, asks("C?", &["Yes", "No"]))
        .await?;
    scene.bot_says("one", 70, tells("Take your time.")).await?;
    scene.user_says("one", 80, "1").await?;
    scene
        .bot_says("one", 90, asks("D?", &["Yes", "No"]))
        .await?;
    scene.bot_says("one", 151, tells("Never mind.")).await?;
    scene.user_says("one", 160, "1").await?;
    scene
        .bot_says("one", 170, asks("E?", &["Yes", "No"]))
        .await?;
    scene
        .bot_says("one", 171, asks("F?", &["Or", "And"]))
        .await?;
    scene.user_says("one", 180, "1").await?;
    assert_eq!(scene.told("one")[4..], ["Yes{C?}", "1", "Or{F?}"]);
    Ok(())
}

#[tokio::test]
async fn a_try_that_is_repeated_chooses_the_same_whatever_was_offered_since() -> anyhow::Result<()>
{
    let scene = Scene::start().await?;
    scene.bot_says("one", 1, asks("A?", &["Yes", "No"])).await?;
    *scene.haptik.failing.lock().expect("not poisoned") = 1;
    scene.user_does("one", 2, said("2")).await?;
    while scene.told("one").is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Haptik had taken it.
    let offer = asks("B?", &["Red", "Green"]);
    scene.bot_begins_to_say("one", 3, &offer).await?;
    scene.settled().await;
    assert_eq!(scene.shown().len(), 2);
    assert_eq!(scene.told("one"), ["No{A?}", "No{A?}"]);
    scene.user_says("one", 4, "2").await?;
    assert_eq!(scene.told("one")[2..], ["Green{B?}"]);
    Ok(())
}

#[tokio::test]
async fn buttons_that_a_provider_refuses_become_numbers() -> anyhow::Result<()> {
    let scene = Scene::with(Texts {
        has_buttons: true,
        ..Texts::default()
    })
    .await?;
    scene
        .bot_says("one", 1, asks("Well?", &["Yes", "No"]))
        .await?;
    assert_eq!(scene.shown(), ["Well?\n\n1. Yes\n2. No"]);
    scene.user_says("one", 2, "2").await?;
    assert_eq!(scene.told("one"), ["No{Well?}"]);
    Ok(())
}

#[tokio::test]
async fn what_offers_nothing_leaves_nothing_with_the_user() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    scene.bot_says("one", 1, tells("Hello")).await?;
    scene.user_says("one", 2, "1").await?;
    let user = scene.user("one").await?;
    assert_eq!((user.offer, user.offer_end), (None, None));
    assert_eq!(scene.told("one"), ["1"]);
    Ok(())
}

#[tokio::test]
async fn a_button_that_carries_a_digest_is_looked_up_in_the_ledger() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    scene.knows("0123456789abcdef0123456789abcdef").await?;
    let auth_id = AuthId::from("0123456789abcdef0123456789abcdef");
    let (whom, ask) = (auth_id.as_str(), asks("Well?", &["Yes", "No"]));
    scene.bot_says(whom, 1, ask).await?;
    for second in 2..6 {
        scene.bot_says(whom, second, tells("So.")).await?;
    }
    let entry = scene.entry(whom, 1).await?;
    let reference = Reference {
        auth_id: auth_id.clone(),
        key: entry.key.clone(),
    };
    let tap = Tap::Say {
        index: 1,
        message: "x".repeat(100),
        gogo_message: String::new(),
    };
    let data = callback::write(&reference, &tap, Size::bytes(64)).expect("there is room");
    assert!(data.len() <= 38);
    let tapped = callback::read(&data).expect("it is ours");
    let message = MessageRef {
        auth_id: tapped.auth_id().expect("it is derived").clone(),
        key: KeyRef::KeyDigest(entry.key.digest()),
    };
    assert!(data.contains(&entry.key.digest()));
    let choice = UserAction::Choice { message, index: 1 };
    scene.user_does(whom, 7, choice).await?;
    scene.settled().await;
    assert_eq!(scene.told(whom), ["No{Well?}"]);
    // What is not there is given up at once, and says so.
    let gone = UserAction::Choice {
        message: MessageRef {
            auth_id: auth_id.clone(),
            key: KeyRef::KeyDigest("AAAAAAAAAAAA".to_owned()),
        },
        index: 1,
    };
    scene.user_does(whom, 8, gone).await?;
    scene.settled().await;
    let lane = Lane::Haptik(whom.into());
    let key = format!("{:020}#said", 8).into();
    let dead = scene.bridge.ledger.entry(&lane, &key).await?;
    assert_eq!(dead.expect("it is there").state, EntryState::Dead);
    Ok(())
}
