//! The bot of `examples/rust`: hands its user over, forwards, shows what agents say, and goes on itself when
//! it is over. (Those of `examples/python` and `examples/typescript` are tested by `tests/openapi/run`.)

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use axum::{Json, Router};
use external_bot::{Bot, Client, router};
use haptik_bridge_simulator::{CompletedBy, Reply, Settings, UserMessage};
use haptik_bridge_tests::app::{SECRET, client};
use haptik_bridge_tests::{Options, Stage};
use http::{Method, StatusCode, Uri};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// A Haptik that says that an agent will come.
fn one_moment(message: &UserMessage) -> Vec<Reply> {
    let is_reason = message.text == "asked for a human";
    let said = is_reason.then(|| Reply::Text("One moment.".into()));
    said.into_iter().collect()
}

const PATIENCE: Duration = Duration::from_secs(20);

struct Scene {
    stage: Stage,
    bot: Bot,
    screen: UnboundedReceiver<String>,
}

/// The bot on the connection `own-bot`, with agents who come as soon as they are asked.
async fn scene(more: &str) -> anyhow::Result<Scene> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let callback_url = format!("http://{}/callback", listener.local_addr()?);
    let options = Options {
        tables: format!(
            "[channels.own-bot]\ntype = \"custom\"\nsigning_secrets = [\"{SECRET}\"]\n\
             callback_url = \"{callback_url}\"\nhandoff_only = true\nteam_name = \"Support\"\n{more}"
        ),
        haptik: Settings {
            time_scale: 0.001,
            ..Settings::default()
        },
        ..Options::default()
    };
    let stage = Stage::with(options, one_moment).await?;
    let (shown, screen) = unbounded_channel();
    let client = Client::new(client()?, &stage.channel_url("own-bot"), SECRET)?;
    let bot = Bot::new(client, json!({"id": "u/42", "name": "Asha"}), shown);
    let server = router(bot.clone());
    tokio::spawn(async move { axum::serve(listener, server).await });
    Ok(Scene { stage, bot, screen })
}

impl Scene {
    /// Waits for a line. What Haptik says by itself may come before it.
    async fn sees(&mut self, expected: &str) {
        loop {
            let line = tokio::time::timeout(PATIENCE, self.screen.recv()).await;
            let Ok(Some(line)) = line else {
                panic!("nothing came; expected: {expected}");
            };
            if line != "gogo: One moment." {
                assert_eq!(line, expected);
                return;
            }
        }
    }

    /// Waits until the agents were told something; returns the user's `auth_id`.
    async fn told(&self, text: &str) -> anyhow::Result<String> {
        let simulator = self.stage.simulator();
        let told = |told: &str| told.contains(text);
        simulator
            .wait_until(PATIENCE, |seen| {
                seen.messages.iter().any(|message| told(&message.text))
            })
            .await?;
        simulator.records(|seen| {
            let mut messages = seen.messages.iter();
            let message = messages.find(|message| told(&message.text));
            Ok(message.context("it was told")?.auth_id.clone())
        })
    }
}

#[tokio::test]
async fn the_bot_hands_over_and_goes_on_when_the_agent_is_done_twice() -> anyhow::Result<()> {
    let mut scene = scene("").await?;
    for round in ["first", "second"] {
        scene.bot.hear(&format!("{round} question")).await;
        scene
            .sees(&format!("bot: You said: {round} question"))
            .await;
        scene.bot.hear("agent").await;
        scene.sees("bot: I am bringing a colleague.").await;
        let auth_id = scene.told(&format!("user: {round} question")).await?;
        scene.sees("*: Prateek of Support has joined").await;
        scene.bot.hear(&format!("{round} for the agent")).await;
        scene.told(&format!("{round} for the agent")).await?;
        scene
            .stage
            .simulator()
            .agent_says_text(&auth_id, "How can I help?")?;
        scene.sees("Prateek: How can I help?").await;
        scene
            .stage
            .simulator()
            .completes(&auth_id, CompletedBy::Agent)?;
        scene.sees("bot: I am back.").await;
    }
    scene.bot.hear("thanks").await;
    scene.sees("bot: You said: thanks").await;
    scene.stage.finish().await
}

#[tokio::test]
async fn the_bot_takes_its_user_back_early() -> anyhow::Result<()> {
    let mut scene = scene("").await?;
    scene.bot.hear("agent").await;
    scene.sees("bot: I am bringing a colleague.").await;
    scene.sees("*: Prateek of Support has joined").await;
    scene.bot.hear("/bot").await;
    scene.sees("bot: I am back.").await;
    scene.bot.hear("hello").await;
    scene.sees("bot: You said: hello").await;
    scene.stage.finish().await
}

/// What a bridge was asked: method, path and body.
type Asked = Arc<Mutex<Vec<(Method, String, String)>>>;

/// A bridge that answers to each request with the next status.
async fn scripted(statuses: &[u16]) -> anyhow::Result<(String, Asked)> {
    let asked = Asked::default();
    let (kept, statuses) = (asked.clone(), statuses.to_vec());
    let router = Router::new().fallback(move |method: Method, uri: Uri, body: String| {
        let mut kept = kept.lock().expect("no other test panicked");
        let status = statuses[kept.len()];
        kept.push((method, uri.path().to_owned(), body));
        let status = StatusCode::from_u16(status).expect("a status");
        async move { (status, Json(json!({"error": "on request"}))) }
    });
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}/channels/own-bot", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((url, asked))
}

#[tokio::test]
async fn a_hand_off_that_nobody_answered_is_asked_for_again_as_the_same() -> anyhow::Result<()> {
    let (url, asked) = scripted(&[503, 503, 202, 202, 404]).await?;
    let (shown, mut screen) = unbounded_channel();
    let client = Client::new(client()?, &url, SECRET)?.trying_once();
    let bot = Bot::new(client, json!({"id": "u-42"}), shown);
    for said in ["agent", "agent", "hello", "/bot", "and now?"] {
        bot.hear(said).await;
    }
    let unknown = "bot: I do not know yet whether a colleague comes.";
    let expected = [
        unknown,
        unknown,
        "bot: I am bringing a colleague.",
        "bot: I am back.",
        "bot: You said: and now?",
    ];
    for line in expected {
        assert_eq!(screen.recv().await.as_deref(), Some(line));
    }
    let asked = asked.lock().expect("no other test panicked");
    let paths: Vec<_> = asked.iter().map(|(_, path, _)| path.as_str()).collect();
    let handoff = "/channels/own-bot/handoff";
    let taken_back = "/channels/own-bot/handoff/u-42";
    let expected = [handoff, handoff, handoff, "/channels/own-bot", taken_back];
    assert_eq!(paths, expected);
    assert!(asked[0].2 == asked[1].2 && asked[1].2 == asked[2].2);
    Ok(())
}

#[test]
fn the_rust_of_the_page_is_that_of_the_example() {
    let page = include_str!("../../docs/handoff.md");
    let example = include_str!("../../examples/rust/src/lib.rs");
    let blocks: Vec<&str> = page
        .split("```rust\n")
        .skip(1)
        .filter_map(|block| block.split("```").next())
        .collect();
    assert_eq!(blocks.len(), 2);
    for block in blocks {
        assert!(example.contains(block), "not in the example: {block}");
    }
}
