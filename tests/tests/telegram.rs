//! The bridge between a fake Telegram and a simulated Haptik, end to end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use haptik_bridge_channels::registry::REGISTRATIONS;
use haptik_bridge_shared::ledger::Entry;
use haptik_bridge_simulator::{Bot, Reply, UserMessage};
use haptik_bridge_tests::fake_telegram::{
    BOT, ChatKind, FakeTelegram, Message, SECRET, SentMessage, USERNAME,
};
use haptik_bridge_tests::faults::{Calls, Fault};
use haptik_bridge_tests::provider::FakeProvider as _;
use haptik_bridge_tests::{Options, Stage};
use serde_json::{Value, json};

const ASHA: i64 = 7_000_000_001;
const RAVI: i64 = 7_000_000_002;

/// A stage with a Telegram bot on it.
struct Scene {
    stage: Stage,
    telegram: Arc<FakeTelegram>,
}

impl Scene {
    async fn with(bot: impl Bot) -> anyhow::Result<Self> {
        Self::with_lines(bot, "").await
    }

    /// With more lines for the connection's table.
    async fn with_lines(bot: impl Bot, connection: &'static str) -> anyhow::Result<Self> {
        let telegram = Arc::new(FakeTelegram::start().await);
        let options = Options {
            provider: Some(telegram.clone()),
            connection,
            ..Options::default()
        };
        let stage = Stage::with(options, bot).await?;
        Ok(Self { stage, telegram })
    }

    /// Telegram sends an update, which is acknowledged.
    async fn update(&self, update: &Value) -> anyhow::Result<()> {
        assert_eq!(self.status(update).await?, 200);
        Ok(())
    }

    async fn status(&self, update: &Value) -> anyhow::Result<u16> {
        Ok(self.stage.receives(&self.telegram.request(update)).await?.0)
    }

    /// A user says something in the private chat.
    async fn says(&self, user: i64, text: &str) -> anyhow::Result<()> {
        self.update(&self.telegram.said(&SentMessage::new(user, text)))
            .await
    }

    async fn taps(&self, user: i64, label: &str) -> anyhow::Result<()> {
        self.update(&self.telegram.tapped(user, user, label)).await
    }

    /// What Haptik was told, once there is nothing left to be told.
    async fn told(&self, count: usize) -> anyhow::Result<Vec<String>> {
        assert!(self.stage.local.queue.idle(Duration::from_secs(30)).await);
        self.stage.haptik_was_told(count).await
    }

    async fn finish(self) -> anyhow::Result<()> {
        let dead = self.finish_with_dead().await?;
        assert!(dead.is_empty(), "given up: {:?}", reasons(&dead));
        Ok(())
    }

    async fn finish_with_dead(self) -> anyhow::Result<Vec<Entry>> {
        let dead = self.stage.finish_with_dead().await?;
        let refusals = self.telegram.refusals();
        assert!(refusals.is_empty(), "Telegram refused: {refusals:#?}");
        assert_eq!(self.telegram.warnings(), [""; 0]);
        Ok(dead)
    }
}

fn reasons(dead: &[Entry]) -> Vec<String> {
    dead.iter()
        .filter_map(|entry| entry.reason.clone())
        .collect()
}

fn echo(message: &UserMessage) -> Vec<Reply> {
    vec![Reply::Text(format!("You said: {}.", message.text))]
}

fn say(label: &str, message: &str) -> Value {
    json!({"actionable_text": label, "type": "TEXT_ONLY", "payload": {"message": message}})
}

fn texts(messages: &[Message]) -> Vec<&str> {
    messages
        .iter()
        .map(|message| message.text.as_str())
        .collect()
}

#[tokio::test]
async fn what_is_said_reaches_haptik_once_and_the_answer_comes_back() -> anyhow::Result<()> {
    let scene = Scene::with(echo).await?;
    let update = scene
        .telegram
        .said(&SentMessage::new(ASHA, "Fish & <chips> 🙂"));
    // Telegram repeats what was not answered in time.
    for _ in 0..3 {
        scene.update(&update).await?;
    }
    let shown = scene.telegram.wait_for_messages(ASHA, 1).await;
    assert_eq!(texts(&shown), ["You said: Fish & <chips> 🙂."]);
    assert_eq!(scene.told(1).await?, ["Fish & <chips> 🙂"]);
    scene.stage.simulator().records(|seen| {
        let user = seen.users.iter().next().expect("a user");
        let fields = serde_json::to_string(&user.fields).unwrap_or_default();
        assert!(fields.contains("User1 Rao") && fields.contains("telegram_username"));
    });
    assert!(
        scene
            .telegram
            .actions()
            .contains(&(ASHA, None, "typing".to_owned()))
    );
    scene.finish().await
}

#[tokio::test]
async fn a_request_with_another_secret_is_refused() -> anyhow::Result<()> {
    let scene = Scene::with(echo).await?;
    let update = scene.telegram.said(&SentMessage::new(ASHA, "hello"));
    for secret in ["", "another"] {
        let mut request = scene.telegram.request(&update);
        let headers = request.headers_mut();
        headers.insert("x-telegram-bot-api-secret-token", secret.parse()?);
        assert_eq!(scene.stage.receives(&request).await?.0, 401);
    }
    assert_eq!(scene.telegram.calls("*").len(), 0);
    scene.finish().await
}

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
async fn a_link_to_the_bot_begins_with_its_payload() -> anyhow::Result<()> {
    let scene = Scene::with(echo).await?;
    scene.says(ASHA, "/start").await?;
    scene.says(RAVI, "/start campaign-42_x").await?;
    let mut told = scene.told(2).await?;
    told.sort();
    assert_eq!(told, ["Hi", "campaign-42_x"]);
    scene.telegram.wait_for_messages(RAVI, 1).await;
    scene.finish().await
}

#[tokio::test]
async fn photos_and_documents_reach_haptik_with_their_captions_once() -> anyhow::Result<()> {
    let scene = Scene::with(|_: &UserMessage| Vec::new()).await?;
    let telegram = &scene.telegram;
    let photo = telegram.add_photo("a large photo");
    let bill = telegram.add_document("bill.pdf", "application/pdf", "PDF", None);
    let large = telegram.add_document("all.pdf", "application/pdf", "…", Some(21 << 20));
    scene
        .update(&telegram.said(&SentMessage::new(ASHA, "It came broken").with_file(&photo)))
        .await?;
    scene
        .update(&telegram.said(&SentMessage::new(ASHA, "").with_file(&bill)))
        .await?;
    scene
        .update(&telegram.said(&SentMessage::new(ASHA, "").with_file(&large)))
        .await?;
    let told = scene.told(2).await?;
    assert_eq!(told, ["It came broken", "📎 all.pdf"]);
    scene.stage.simulator().records(|seen| {
        let files: Vec<_> = seen
            .files
            .iter()
            .map(|file| (file.name.clone(), file.size))
            .collect();
        assert_eq!(
            files,
            [("photo.jpg".to_owned(), 13), ("bill.pdf".to_owned(), 3)]
        );
    });
    let shown = telegram.wait_for_messages(ASHA, 1).await;
    assert!(shown[0].text.contains("larger than 10 MB"), "{shown:?}");
    scene.finish().await
}

#[tokio::test]
async fn pictures_cards_and_documents_are_shown_and_what_cannot_be_loaded_is_a_link()
-> anyhow::Result<()> {
    let bot = |message: &UserMessage| {
        let card = |url: &str| json!({"title": "Blue", "sub_title": "In stock", "thumbnail": {"image": url}, "actionables": [say("Buy", "Buy it")]});
        let file = |url: &str| json!({"thumbnail": {"image": url}});
        let item = match message.text.as_str() {
            "card" => card("https://pictures.example/blue.png"),
            "gone" => card("https://pictures.example/gone.png"),
            _ => file("https://files.example/bill.pdf"),
        };
        vec![Reply::Hsl(
            json!({"text": "", "type": "CAROUSEL", "data": {"items": [item]}}),
        )]
    };
    let scene = Scene::with(bot).await?;
    let telegram = &scene.telegram;
    telegram.refuse_url(
        "https://pictures.example/gone.png",
        "wrong type of the web page content",
    );
    scene.says(ASHA, "card").await?;
    let shown = telegram.wait_for_messages(ASHA, 1).await;
    assert_eq!(
        shown[0].photo.as_deref(),
        Some("https://pictures.example/blue.png")
    );
    assert!(shown[0].text.contains("Blue") && shown[0].text.contains("In stock"));
    assert_eq!(shown[0].buttons(), ["Buy"]);
    scene.says(ASHA, "gone").await?;
    let shown = telegram.wait_for_messages(ASHA, 2).await;
    assert_eq!(shown[1].photo, None);
    assert!(
        shown[1]
            .links()
            .iter()
            .any(|(_, url)| url == "https://pictures.example/gone.png")
    );
    assert_eq!(shown[1].buttons(), ["Buy"]);
    scene.says(ASHA, "bill").await?;
    let shown = telegram.wait_for_messages(ASHA, 3).await;
    assert_eq!(
        shown[2].document.as_deref(),
        Some("https://files.example/bill.pdf")
    );
    let dead = scene.stage.finish_with_dead().await?;
    assert!(dead.is_empty(), "{:?}", reasons(&dead));
    assert_eq!(telegram.refusals().len(), 1);
    Ok(())
}

#[tokio::test]
async fn one_who_blocked_the_bot_is_given_up_at_once_and_others_are_not_delayed()
-> anyhow::Result<()> {
    let scene = Scene::with(echo).await?;
    let blocked = scene.telegram.said(&SentMessage::new(ASHA, "one"));
    let _ = scene.telegram.blocked(ASHA, true);
    scene.update(&blocked).await?;
    scene.says(RAVI, "two").await?;
    scene.telegram.wait_for_messages(RAVI, 1).await;
    let tries = || (scene.telegram.calls("sendMessage").len() >= 2).then_some(());
    scene.telegram.wait_until("both tries", tries).await;
    let dead = scene.stage.finish_with_dead().await?;
    let reasons = reasons(&dead);
    assert!(
        matches!(&reasons[..], [reason] if reason.contains("blocked")),
        "{reasons:?}"
    );
    assert_eq!(scene.telegram.calls("sendMessage").len(), 2);
    Ok(())
}

#[tokio::test]
async fn telegram_asks_for_a_pause_and_only_that_user_waits() -> anyhow::Result<()> {
    let scene = Scene::with(echo).await?;
    let slow = scene.telegram.showing(Some(&ASHA.to_string()));
    scene
        .telegram
        .server()
        .faults()
        .add(slow, 1, Fault::RateLimited(3));
    let began = Instant::now();
    scene.says(ASHA, "slow").await?;
    scene.says(RAVI, "quick").await?;
    scene.telegram.wait_for_messages(RAVI, 1).await;
    let quick = began.elapsed();
    scene.telegram.wait_for_messages(ASHA, 1).await;
    let took = (quick, began.elapsed());
    assert!(
        took.0 < Duration::from_secs(3) && took.1 >= Duration::from_secs(3),
        "{took:?}"
    );
    scene.finish().await
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
async fn a_file_that_is_unavailable_for_a_while_reaches_haptik_all_the_same() -> anyhow::Result<()>
{
    let scene = Scene::with(echo).await?;
    let faults = scene.telegram.server().faults();
    let words = "wrong file_id or the file is temporarily unavailable";
    let unavailable = Fault::Refused(format!("400 Bad Request: {words}"));
    faults.add(Calls::to("/getFile"), 1, unavailable);
    let user = ASHA.to_string();
    let request = scene
        .telegram
        .attach(&user, "bill.pdf", "application/pdf", b"%PDF-1.4")
        .expect("a file");
    scene.stage.takes(&request).await?;
    assert!(scene.stage.local.queue.idle(Duration::from_secs(30)).await);
    let files = scene.stage.simulator().records(|seen| seen.files.len());
    assert_eq!(files, 1);
    scene.finish().await
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

#[tokio::test]
async fn an_edit_is_told_once_where_the_connection_says_so() -> anyhow::Result<()> {
    for (lines, expected) in [("tell_edits = true", 2), ("", 1)] {
        let scene = Scene::with_lines(|_: &UserMessage| Vec::new(), lines).await?;
        let said = scene
            .telegram
            .said(&SentMessage::new(ASHA, "Where is my order?"));
        scene.update(&said).await?;
        let id = said["message"]["message_id"].as_i64().expect("an id");
        let edited = scene.telegram.edited(ASHA, id, "Where is my order 42?");
        scene.update(&edited).await?;
        // Something changed that a bot does not see.
        let mut again = edited.clone();
        again["update_id"] = json!(799_000_000);
        scene.update(&again).await?;
        let told = scene.told(expected).await?;
        assert_eq!(told[0], "Where is my order?");
        if expected == 2 {
            assert_eq!(told[1], "Edited message: Where is my order 42?");
        }
        scene.finish().await?;
    }
    Ok(())
}

#[tokio::test]
async fn registering_sets_the_webhook_with_the_newest_secret() -> anyhow::Result<()> {
    let scene = Scene::with(echo).await?;
    let config = &scene.stage.local.bridge.config;
    let (_, channel) = config
        .channels
        .iter()
        .find(|(_, channel)| channel.type_name == "telegram")
        .expect("the connection");
    let (_, register) = REGISTRATIONS
        .iter()
        .find(|(name, _)| *name == "telegram")
        .expect("the channel");
    let http = haptik_bridge_shared::net::client()?;
    let url = "https://bridge.example/channels/acme-telegram";
    let registration = register(channel, http, url)?.expect("a call");
    let done = registration.await?;
    assert!(done.contains(USERNAME) && done.contains(url) && !done.contains(SECRET));
    let webhook = scene.telegram.webhook();
    assert_eq!(webhook["url"], url);
    assert_eq!(webhook["secret_token"], SECRET);
    assert_eq!(
        webhook["allowed_updates"],
        json!(["message", "edited_message", "callback_query"])
    );
    scene.finish().await
}

#[tokio::test]
async fn whatever_telegram_sends_is_acknowledged_and_what_is_not_for_the_bot_is_silent()
-> anyhow::Result<()> {
    let scene = Scene::with(echo).await?;
    let _ = scene.telegram.said(&SentMessage::new(ASHA, "unsent"));
    let mut own = scene.telegram.said(&SentMessage::new(ASHA, "mine"));
    own["message"]["from"] = json!({"id": BOT, "is_bot": true, "first_name": "Acme"});
    for update in [
        own,
        scene.telegram.blocked(RAVI, true),
        json!({"update_id": 1, "something_new": {"x": 1}}),
        json!({"update_id": 2, "message_reaction": {"chat": {"id": ASHA, "type": "private"}}}),
        json!({"update_id": 3, "channel_post": {"message_id": 1, "date": 1, "chat": {"id": -1, "type": "channel"}, "text": "x"}}),
    ] {
        assert_eq!(scene.status(&update).await?, 200, "{update}");
    }
    assert_eq!(scene.told(0).await?, [""; 0]);
    scene.finish().await
}
