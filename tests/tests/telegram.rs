//! The bridge between a fake Telegram and a simulated Haptik, end to end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use haptik_bridge_channels::registry::REGISTRATIONS;
use haptik_bridge_shared::ledger::Entry;
use haptik_bridge_simulator::{Bot, Reply, UserMessage};
use haptik_bridge_tests::fake_telegram::{
    BOT, FakeTelegram, Message, SECRET, SentMessage, USERNAME,
};
use haptik_bridge_tests::faults::Fault;
use haptik_bridge_tests::provider::FakeProvider as _;
use haptik_bridge_tests::{Options, Stage};
use serde_json::{Value, json};

#[path = "telegram/files.rs"]
mod files;
#[path = "telegram/groups.rs"]
mod groups;
#[path = "telegram/taps.rs"]
mod taps;

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
