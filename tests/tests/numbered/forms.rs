//! Forms that are filled in in the chat, end to end: one question after the other, and one message to Haptik.

use haptik_bridge_shared::config::{Forms, RequiredFields, Submit};
use haptik_bridge_shared::message::Attachment;
use haptik_bridge_shared::message::chat_form::FormStep;
use haptik_bridge_shared::users::Mode;

use super::*;

/// What a bot asks for a delivery.
fn form() -> Value {
    json!({"type": "FORM", "title": "Where to?", "data": {"fields": [
        {"key": "day", "type": "date", "order": 4, "hint": "Day"},
        {"key": "name", "type": "text", "order": 1, "hint": "Name", "required": true},
        {"key": "mail", "type": "text", "keyboard_type": "email", "order": 2, "hint": "E-mail"},
        {"key": "city", "type": "picker", "order": 3, "hint": "City", "options": ["Mumbai", "Pune"], "required": true},
    ]}})
}

const INTRODUCTION: &str =
    "Where to?\n\nPlease answer 4 questions, one after the other. /cancel leaves the form.";

impl Scene {
    /// What is shown, since so many messages.
    fn shown_since(&self, before: usize) -> Vec<String> {
        self.shown().split_off(before)
    }

    async fn answers(&self, texts: &[&str], from: i64) -> anyhow::Result<()> {
        for (second, text) in (from..).zip(texts) {
            self.user_says("one", second, text).await?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_form_is_asked_question_by_question_and_told_as_one_message() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    scene.bot_says("one", 1, form()).await?;
    assert_eq!(scene.shown(), [INTRODUCTION, "1 of 4: Name"]);
    scene.answers(&["Asha", "asha", "/SKIP", "3"], 2).await?;
    assert_eq!(
        scene.shown_since(2),
        [
            "2 of 4: E-mail\n/skip leaves this one out.",
            "This is not an e-mail address. One looks like name@example.com.\n2 of 4: E-mail\n\
             /skip leaves this one out. /cancel leaves the form.",
            "3 of 4: City\n\n1. Mumbai\n2. Pune",
            "Please choose one of these, by its number or its name.\n3 of 4: City\n/cancel leaves the form.\n\n\
             1. Mumbai\n2. Pune",
        ]
    );
    scene
        .answers(&["pune", "tomorrow", "01.12.2026"], 10)
        .await?;
    assert_eq!(
        scene.shown_since(6),
        [
            "4 of 4: Day (a date, as 2026-01-31)\n/skip leaves this one out.",
            "This is not a date. One looks like 2026-01-31.\n4 of 4: Day (a date, as 2026-01-31)\n\
             /skip leaves this one out. /cancel leaves the form.",
        ]
    );
    assert_eq!(
        scene.told("one"),
        ["Name: Asha\nCity: Pune\nDay: 2026-12-01"]
    );
    // What comes after it is said as it is, and nothing of the form is kept.
    scene.user_says("one", 20, "thanks").await?;
    assert_eq!(scene.told("one").last().map(String::as_str), Some("thanks"));
    let kept = scene.bridge.users.form_answers(&"one".into()).await?;
    let kept = kept.expect("that it was sent is noted");
    assert_eq!((kept.step, kept.answers), (FormStep::Sent, Vec::new()));
    Ok(())
}

#[tokio::test]
async fn a_form_is_sent_as_the_connection_has_it() -> anyhow::Result<()> {
    let forms = Forms {
        submit: Submit::Json,
        required: RequiredFields::All,
    };
    let scene = Scene::configured(Texts::default(), forms).await?;
    scene.bot_says("one", 1, form()).await?;
    scene
        .answers(&["Asha", "/skip", "a@b.example", "2", "2026-12-01"], 2)
        .await?;
    assert_eq!(
        scene.shown_since(3)[0],
        "Please fill this in.\n2 of 4: E-mail\n/cancel leaves the form."
    );
    let told = r#"{"name": "Asha", "mail": "a@b.example", "city": "Pune", "day": "2026-12-01"}"#;
    assert_eq!(scene.told("one"), [told]);
    Ok(())
}

#[tokio::test]
async fn a_form_can_be_left_and_what_is_no_answer_is_told() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    scene.bot_says("one", 1, form()).await?;
    scene.answers(&["Asha", "/cancel", "hello"], 2).await?;
    assert_eq!(
        scene.shown_since(3),
        ["The form is left, and nothing of it is sent."]
    );
    assert_eq!(scene.told("one"), ["hello"]);
    // What something says that the bot asked beside it is no answer; a file is told, and the form goes on.
    scene.bot_says("one", 10, form()).await?;
    let file = UserAction::Message {
        text: String::new(),
        attachments: vec![Attachment {
            id: None,
            url: "http://127.0.0.1:9/a.png".to_owned(),
            name: "a.png".to_owned(),
            mime_type: "image/png".to_owned(),
            size: None,
        }],
    };
    scene.user_does("one", 11, file).await?;
    scene.settled().await;
    let told = scene.told("one").len();
    scene.user_says("one", 12, "Asha").await?;
    assert_eq!(scene.told("one").len(), told, "it is an answer");
    scene
        .bot_says("one", 13, asks("Still there?", &["Yes", "Menu"]))
        .await?;
    scene.answers(&["2", "asha@b.example"], 14).await?;
    assert_eq!(
        scene.told("one")[told..],
        ["Menu{Still there?}", "asha@b.example"]
    );
    Ok(())
}

#[tokio::test]
async fn a_form_ends_with_the_next_one_with_an_agent_and_with_time() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    scene.bot_says("one", 1, form()).await?;
    scene.user_says("one", 2, "Asha").await?;
    scene.bot_says("one", 3, form()).await?;
    assert_eq!(
        scene.shown().last().map(String::as_str),
        Some("1 of 4: Name")
    );
    scene.user_says("one", 4, "Ravi").await?;
    // Half an hour is too long for an answer.
    scene
        .user_says("one", 5 + 30 * 60, "ravi@b.example")
        .await?;
    assert_eq!(scene.told("one"), ["ravi@b.example"]);
    let later = 40 * 60;
    scene.bot_says("one", later, form()).await?;
    let mut user = scene.user("one").await?;
    user.mode = Mode::Agent;
    scene.bridge.users.put_conversation(&user).await?;
    scene.user_says("one", later + 1, "for the agent").await?;
    user.mode = Mode::Bot;
    scene.bridge.users.put_conversation(&user).await?;
    scene.user_says("one", later + 2, "for the bot").await?;
    assert_eq!(scene.told("one")[1..], ["for the agent", "for the bot"]);
    Ok(())
}

#[tokio::test]
async fn an_empty_form_is_not_sent() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let one = json!({"type": "FORM", "data": {"fields": [
        {"key": "a", "type": "multiselectpicker", "hint": "Extras", "options": ["Lunch", "Tour, guided", "Bus"]},
    ]}});
    scene.bot_says("one", 1, one.clone()).await?;
    assert_eq!(
        scene.shown(),
        [
            "Extras (several may be chosen: their numbers, separated by commas)\n1. Lunch\n2. Tour, guided\n3. Bus\n\
          /skip leaves this one out."
        ]
    );
    scene.user_says("one", 2, "/skip").await?;
    assert_eq!(
        scene.shown_since(1),
        ["Nothing was filled in, so nothing is sent."]
    );
    scene.bot_says("one", 3, one).await?;
    scene.answers(&["3, 9", "3 1"], 4).await?;
    assert_eq!(scene.told("one"), ["Extras: Lunch, Bus"]);
    Ok(())
}

#[tokio::test]
async fn a_try_that_is_repeated_decides_as_the_one_before() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let one =
        json!({"type": "FORM", "data": {"fields": [{"key": "a", "type": "text", "hint": "Name"}]}});
    scene.bot_says("one", 1, one.clone()).await?;
    *scene.haptik.failing.lock().expect("not poisoned") = 1;
    scene.user_does("one", 2, said("Asha")).await?;
    while scene.told("one").is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Haptik had taken it, and asks for the next before it is tried again.
    scene.bot_begins_to_say("one", 3, &one).await?;
    scene.settled().await;
    assert_eq!(scene.told("one"), ["Name: Asha", "Name: Asha"]);
    scene.user_says("one", 4, "Ravi").await?;
    assert_eq!(scene.told("one")[2..], ["Name: Ravi"]);
    // A message that is received again asks nothing again.
    let shown = scene.shown().len();
    scene.user_says("one", 4, "Ravi").await?;
    assert_eq!((scene.shown().len(), scene.told("one").len()), (shown, 3));
    Ok(())
}
