//! The bridge between a fake Google Chat and a simulated Haptik, end to end: what only this channel has.

use std::sync::Arc;
use std::time::Duration;

use haptik_bridge_simulator::{Reply, UserMessage};
use haptik_bridge_tests::fake_google_chat::events::SentMessage;
use haptik_bridge_tests::fake_google_chat::{AUDIENCE, FakeGoogleChat, Kind, tokens};
use haptik_bridge_tests::faults::{Calls, Fault};
use haptik_bridge_tests::provider::{FakeProvider as _, Shown};
use haptik_bridge_tests::{Options, Stage};
use jiff::Timestamp;
use serde_json::{Value, json};

/// A stage with an app of Google Chat on it.
struct Scene {
    stage: Stage,
    chat: Arc<FakeGoogleChat>,
}

impl Scene {
    async fn of(kind: Kind) -> anyhow::Result<Self> {
        Self::with(kind, "", echo).await
    }

    async fn with(
        kind: Kind,
        connection: &'static str,
        bot: fn(&UserMessage) -> Vec<Reply>,
    ) -> anyhow::Result<Self> {
        let chat = Arc::new(FakeGoogleChat::start_as(kind).await);
        let options = Options {
            provider: Some(chat.clone()),
            connection,
            ..Options::default()
        };
        let stage = Stage::with(options, bot).await?;
        Ok(Self { stage, chat })
    }

    /// Google sends an event, which is answered with an object that posts nothing.
    async fn event(&self, event: &Value) -> anyhow::Result<()> {
        let (status, body) = self.stage.receives(&self.chat.request(event)).await?;
        assert_eq!((status, body.as_str()), (200, "{}"));
        Ok(())
    }

    /// Waits until something is shown in a space.
    async fn sees(&self, space: &str, text: &str) -> anyhow::Result<Value> {
        let began = std::time::Instant::now();
        loop {
            let messages = self.chat.messages(space);
            let mut newest = messages.into_iter().rev();
            if let Some(message) = newest.find(|message| message.to_string().contains(text)) {
                return Ok(message);
            }
            let is_patient = began.elapsed() < Duration::from_secs(30);
            assert!(is_patient, "waited for {text}\n{}", self.chat.report());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn told(&self, count: usize) -> anyhow::Result<Vec<String>> {
        assert!(self.stage.local.queue.idle(Duration::from_secs(30)).await);
        self.stage.haptik_was_told(count).await
    }

    async fn finish(self) -> anyhow::Result<()> {
        assert_eq!(self.chat.refusals(), [""; 0]);
        self.stage.finish().await
    }
}

fn echo(message: &UserMessage) -> Vec<Reply> {
    vec![Reply::Text(format!("You said: {}.", message.text))]
}

const ASHA: &str = "users/1000000001";
const ROOM: &str = "spaces/AAQ";

#[tokio::test]
async fn every_kind_of_app_is_answered_and_its_users_are_known() -> anyhow::Result<()> {
    for kind in [Kind::Chat, Kind::AddOn, Kind::Project] {
        let scene = Scene::of(kind).await?;
        scene
            .event(&scene.chat.said(&SentMessage::new(ASHA, "Fish & chips < 2")))
            .await?;
        let direct = scene.chat.direct(ASHA);
        scene.sees(&direct, "You said: Fish & chips < 2.").await?;
        scene.stage.simulator().records(|seen| {
            let user = seen.users.iter().next().expect("a user");
            let fields = serde_json::to_string(&user.fields).unwrap_or_default();
            assert!(fields.contains("u1000000001@acme.example"), "{fields}");
        });
        scene.finish().await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_that_google_aborts_is_sent_again_and_shown_once() -> anyhow::Result<()> {
    let scene = Scene::of(Kind::Chat).await?;
    let faults = scene.chat.server().faults();
    let aborted = Fault::Refused("ABORTED".to_owned());
    faults.add(Calls::to("/messages"), 1, aborted);
    scene
        .event(&scene.chat.said(&SentMessage::new(ASHA, "hello")))
        .await?;
    let direct = scene.chat.direct(ASHA);
    scene.sees(&direct, "You said: hello.").await?;
    assert_eq!(scene.told(1).await?, ["hello"]);
    assert_eq!(scene.chat.messages(&direct).len(), 1);
    scene.finish().await
}

#[tokio::test]
async fn a_mention_is_answered_in_its_thread_by_the_same_user_at_haptik() -> anyhow::Result<()> {
    let scene = Scene::of(Kind::AddOn).await?;
    scene
        .event(&scene.chat.said(&SentMessage::new(ASHA, "alone")))
        .await?;
    let direct = scene.sees(&scene.chat.direct(ASHA), "alone").await?;
    assert_ne!(direct["thread"]["name"], format!("{ROOM}/threads/T"));
    let mention = SentMessage::new(ASHA, "in public").in_space(ROOM, "FGE");
    scene.event(&scene.chat.said(&mention)).await?;
    let answer = scene.sees(ROOM, "You said: in public.").await?;
    assert_eq!(answer["thread"]["name"], "spaces/AAQ/threads/FGE");
    assert_eq!(scene.told(2).await?, ["alone", "in public"]);
    let users = scene.stage.simulator().records(|seen| seen.users.len());
    assert_eq!(users, 1);
    scene.finish().await
}

#[tokio::test]
async fn each_thread_is_a_user_where_the_connection_says_so() -> anyhow::Result<()> {
    let scene = Scene::with(Kind::Chat, "conversation = 'thread'", echo).await?;
    for (thread, text) in [("T1", "one"), ("T2", "two"), ("T1", "three")] {
        let said = SentMessage::new(ASHA, text).in_space(ROOM, thread);
        scene.event(&scene.chat.said(&said)).await?;
        scene.sees(ROOM, &format!("You said: {text}.")).await?;
    }
    let users = scene.stage.simulator().records(|seen| seen.users.len());
    assert_eq!(users, 2);
    scene.finish().await
}

#[tokio::test]
async fn a_reply_that_is_chosen_rests_and_a_form_becomes_what_was_filled_in() -> anyhow::Result<()>
{
    let bot = |message: &UserMessage| match message.text.as_str() {
        "replies" => {
            let say = |label: &str| json!({"actionable_text": label, "type": "TEXT_ONLY", "payload": {"message": label}});
            vec![Reply::Hsl(
                json!({"text": "Well?", "type": "TEXT", "data": {"quick_replies": [say("Yes"), say("No")]}}),
            )]
        }
        "form" => vec![Reply::Hsl(
            json!({"type": "FORM", "title": "Where to?", "data": {"fields": [
                {"key": "name", "type": "text", "order": 1, "hint": "Name", "options": []},
            ]}}),
        )],
        _ => Vec::new(),
    };
    let scene = Scene::with(Kind::AddOn, "", bot).await?;
    let direct = scene.chat.direct(ASHA);
    scene
        .event(&scene.chat.said(&SentMessage::new(ASHA, "replies")))
        .await?;
    scene.sees(&direct, "Well?").await?;
    scene.stage.takes(&scene.chat.tap(ASHA, "Yes")).await?;
    let settled = scene.sees(&direct, "✓ Yes").await?;
    assert_eq!(settled["text"], "Well?");
    assert!(!settled.to_string().contains("\"No\""), "{settled}");
    scene
        .event(&scene.chat.said(&SentMessage::new(ASHA, "form")))
        .await?;
    scene.sees(&direct, "Where to?").await?;
    let answers = [("Name", "Asha & <Co>")];
    let Some(haptik_bridge_tests::provider::Step::Send(request)) =
        scene.chat.fill(ASHA, &answers, 0)
    else {
        panic!("a form");
    };
    scene.stage.takes(&request).await?;
    scene.sees(&direct, "✓ Name: Asha &amp; &lt;Co&gt;").await?;
    let told = scene.told(4).await?;
    assert_eq!(told, ["replies", "Yes", "form", "Name: Asha & <Co>"]);
    scene.finish().await
}

#[tokio::test]
async fn who_adds_the_app_is_welcomed_once_and_haptik_hears_nothing() -> anyhow::Result<()> {
    let scene = Scene::with(Kind::Chat, "welcome = 'Good *day*'", echo).await?;
    let space = scene.chat.space(ASHA, None);
    let added = scene.chat.event(
        "ADDED_TO_SPACE",
        "addedToSpacePayload",
        ASHA,
        &json!({"space": space}),
    );
    for _ in 0..2 {
        scene.event(&added).await?;
    }
    scene.sees(&scene.chat.direct(ASHA), "Good *day*").await?;
    assert_eq!(scene.told(0).await?, [""; 0]);
    assert_eq!(scene.chat.messages(&scene.chat.direct(ASHA)).len(), 1);
    scene.finish().await
}

#[tokio::test]
async fn a_token_of_another_kind_or_for_another_is_refused() -> anyhow::Result<()> {
    let scene = Scene::of(Kind::AddOn).await?;
    let event = scene
        .chat
        .said(&SentMessage::new(ASHA, "between you and me"));
    let now = Timestamp::now().as_second();
    let changed = |claim: &str, value: Value| {
        let mut claims = tokens::claims(Kind::AddOn, now);
        claims[claim] = value;
        claims
    };
    for claims in [
        changed(
            "aud",
            json!("https://elsewhere.example.com/channels/acme-google-chat"),
        ),
        changed("aud", json!([AUDIENCE])),
        changed("iss", json!("https://evil.example.com")),
        changed(
            "email",
            json!("service-1@gcp-sa-gsuiteaddons.iam.gserviceaccount.com"),
        ),
        changed("email_verified", json!(false)),
        changed("exp", json!(now - 301)),
        changed("iat", json!(now + 400)),
        tokens::claims(Kind::Project, now),
    ] {
        let token = tokens::signed(&tokens::header("k1"), &claims, "k1");
        let request = scene.chat.request_with(&event, &token);
        assert_eq!(scene.stage.receives(&request).await?.0, 401, "{claims}");
    }
    let forged = tokens::signed(
        &tokens::header("k1"),
        &tokens::claims(Kind::AddOn, now),
        "k2",
    );
    let request = scene.chat.request_with(&event, &forged);
    assert_eq!(scene.stage.receives(&request).await?.0, 401);
    // All of them asked for the keys once.
    assert_eq!(scene.chat.calls("/certs").len(), 1);
    assert!(scene.stage.local.bridge.ledger.lanes().await?.is_empty());
    scene.finish().await
}

#[tokio::test]
async fn without_keys_requests_are_to_come_again() -> anyhow::Result<()> {
    let scene = Scene::of(Kind::AddOn).await?;
    let faults = scene.chat.server().faults();
    faults.add(Calls::to("/certs"), usize::MAX, Fault::Status(500));
    let request = scene
        .chat
        .request(&scene.chat.said(&SentMessage::new(ASHA, "hello")));
    for _ in 0..3 {
        assert_eq!(scene.stage.receives(&request).await?.0, 503);
    }
    assert_eq!(faults.failed().len(), 1);
    faults.clear();
    scene.finish().await
}

#[tokio::test]
async fn an_access_token_that_ended_is_renewed_once_for_all() -> anyhow::Result<()> {
    let scene = Scene::of(Kind::AddOn).await?;
    scene
        .event(&scene.chat.said(&SentMessage::new(ASHA, "one")))
        .await?;
    scene.sees(&scene.chat.direct(ASHA), "said: one").await?;
    scene.chat.end_tokens();
    for user in [ASHA, "users/1000000002", "users/1000000003"] {
        scene
            .event(&scene.chat.said(&SentMessage::new(user, "two")))
            .await?;
    }
    for user in [ASHA, "users/1000000002", "users/1000000003"] {
        scene.sees(&scene.chat.direct(user), "said: two").await?;
    }
    assert_eq!(scene.chat.calls("/token").len(), 2);
    scene.finish().await
}

#[tokio::test]
async fn an_app_that_was_removed_gives_up_at_once_and_others_go_on() -> anyhow::Result<()> {
    let scene = Scene::of(Kind::Chat).await?;
    scene.chat.remove_from(&scene.chat.direct(ASHA));
    scene
        .event(&scene.chat.said(&SentMessage::new(ASHA, "one")))
        .await?;
    scene
        .event(
            &scene
                .chat
                .said(&SentMessage::new("users/1000000002", "two")),
        )
        .await?;
    scene
        .sees(&scene.chat.direct("users/1000000002"), "said: two")
        .await?;
    scene.told(2).await?;
    let dead = scene.stage.finish_with_dead().await?;
    assert_eq!(dead.len(), 1);
    let reason = dead[0].reason.clone().unwrap_or_default();
    assert!(reason.contains("removed"), "{reason}");
    Ok(())
}

#[tokio::test]
async fn a_file_of_drive_is_named_and_the_user_is_told() -> anyhow::Result<()> {
    let scene = Scene::of(Kind::AddOn).await?;
    let drive = json!({
        "contentName": "plan.pdf", "contentType": "application/pdf", "source": "DRIVE_FILE",
        "driveDataRef": {"driveFileId": "1AbC"},
    });
    scene
        .event(&scene.chat.said(&SentMessage::new(ASHA, "").with(drive)))
        .await?;
    scene
        .sees(&scene.chat.direct(ASHA), "could not be passed on")
        .await?;
    let told = scene.told(1).await?;
    assert_eq!(
        told,
        ["📎 plan.pdf (https://drive.google.com/file/d/1AbC/view)"]
    );
    scene.finish().await
}

#[tokio::test]
async fn nobody_is_mentioned_by_what_a_bot_says() -> anyhow::Result<()> {
    let bot = |_: &UserMessage| vec![Reply::Text("Hear, <users/all>: `<users/all>`".to_owned())];
    let scene = Scene::with(Kind::AddOn, "", bot).await?;
    scene
        .event(&scene.chat.said(&SentMessage::new(ASHA, "hi")))
        .await?;
    let message = scene.sees(&scene.chat.direct(ASHA), "Hear").await?;
    assert!(
        !message["text"].to_string().contains("<users/"),
        "{message}"
    );
    let shown: Vec<Shown> = scene.chat.shown(ASHA);
    assert_eq!(shown[0].text, "Hear, <users/all>: `<users/all>`");
    scene.finish().await
}

#[tokio::test]
async fn a_bot_can_look_its_users_up_by_their_number() -> anyhow::Result<()> {
    let scene = Scene::with(Kind::AddOn, "auth_id = 'user'", echo).await?;
    scene
        .event(&scene.chat.said(&SentMessage::new(ASHA, "hi")))
        .await?;
    scene
        .sees(&scene.chat.direct(ASHA), "You said: hi.")
        .await?;
    let said = scene.stage.simulator().records(|seen| {
        let said = seen.messages.last().expect("a message");
        said.auth_id.clone()
    });
    assert_eq!(said, "1000000001");
    scene.finish().await
}
