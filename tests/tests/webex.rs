//! The bridge between a fake Webex and a simulated Haptik, end to end: what only this channel has.

use std::sync::Arc;
use std::time::{Duration, Instant};

use haptik_bridge_channels::channel::OnlineDeps;
use haptik_bridge_channels::registry::{REGISTRATIONS, TRIALS};
use haptik_bridge_shared::config::{Config, Registry};
use haptik_bridge_shared::net::client;
use haptik_bridge_simulator::{Reply, UserMessage};
use haptik_bridge_tests::fake_webex::FakeWebex;
use haptik_bridge_tests::faults::{Calls, Fault};
use haptik_bridge_tests::provider::FakeProvider as _;
use haptik_bridge_tests::{Options, Stage};
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

/// A stage with a Webex bot on it.
struct Scene {
    stage: Stage,
    webex: Arc<FakeWebex>,
}

impl Scene {
    async fn with(
        connection: &'static str,
        bot: fn(&UserMessage) -> Vec<Reply>,
    ) -> anyhow::Result<Self> {
        let webex = Arc::new(FakeWebex::start().await);
        let options = Options {
            provider: Some(webex.clone()),
            connection,
            ..Options::default()
        };
        let stage = Stage::with(options, bot).await?;
        Ok(Self { stage, webex })
    }

    /// Webex sends a hook.
    async fn hook(&self, hook: &Value) -> anyhow::Result<()> {
        let (status, body) = self.stage.receives(&self.webex.request(hook)).await?;
        assert_eq!((status, body.as_str()), (200, ""));
        Ok(())
    }

    /// Waits until something is shown in a room.
    async fn sees(&self, room: &str, text: &str) -> anyhow::Result<Value> {
        let began = Instant::now();
        loop {
            let mut newest = self.webex.messages(room).into_iter().rev();
            if let Some(message) = newest.find(|message| message.to_string().contains(text)) {
                return Ok(message);
            }
            let is_patient = began.elapsed() < Duration::from_secs(30);
            assert!(is_patient, "waited for {text}\n{}", self.webex.report());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn told(&self, count: usize) -> anyhow::Result<Vec<String>> {
        assert!(self.stage.local.queue.idle(Duration::from_secs(30)).await);
        self.stage.haptik_was_told(count).await
    }

    async fn finish(self) -> anyhow::Result<()> {
        assert_eq!(self.webex.refusals(), [""; 0]);
        self.stage.finish().await
    }
}

fn echo(message: &UserMessage) -> Vec<Reply> {
    vec![Reply::Text(format!("You said: {}.", message.text))]
}

const ASHA: &str = "Y2lzUSER000001";
const SPACE: &str = "Y2lzSPACE";

#[tokio::test]
async fn a_mention_is_answered_in_its_thread_by_the_same_user_at_haptik() -> anyhow::Result<()> {
    let scene = Scene::with("", echo).await?;
    let direct = FakeWebex::direct(ASHA);
    scene
        .hook(&scene.webex.said(ASHA, &direct, &json!({"text": "alone"})))
        .await?;
    let answer = scene.sees(&direct, "You said: alone.").await?;
    assert!(answer.get("parentId").is_none());
    let first = scene.webex.mentioned(ASHA, SPACE, "in public", None);
    scene.hook(&first).await?;
    let answer = scene.sees(SPACE, "You said: in public.").await?;
    assert_eq!(answer["parentId"], first["data"]["id"]);
    let root = first["data"]["id"].as_str();
    scene
        .hook(&scene.webex.mentioned(ASHA, SPACE, "and again", root))
        .await?;
    let answer = scene.sees(SPACE, "You said: and again.").await?;
    assert_eq!(answer["parentId"], first["data"]["id"]);
    let told = scene.told(3).await?;
    assert_eq!(told, ["alone", "in public", "and again"]);
    scene.finish().await
}

#[tokio::test]
async fn a_hook_that_does_not_say_that_it_is_of_a_reply_is_answered_in_the_thread()
-> anyhow::Result<()> {
    let scene = Scene::with("", echo).await?;
    let first = scene.webex.mentioned(ASHA, SPACE, "one", None);
    scene.hook(&first).await?;
    scene.sees(SPACE, "You said: one.").await?;
    let root = first["data"]["id"].as_str();
    let mut reply = scene.webex.mentioned(ASHA, SPACE, "two", root);
    if let Some(data) = reply["data"].as_object_mut() {
        data.remove("parentId");
    }
    scene.hook(&reply).await?;
    let answer = scene.sees(SPACE, "You said: two.").await?;
    assert_eq!(answer["parentId"], first["data"]["id"]);
    // The first try, whose thread began with a reply.
    assert_eq!(scene.webex.refusals().len(), 1);
    scene.webex.forgive();
    scene.finish().await
}

#[tokio::test]
async fn who_adds_the_bot_is_greeted_and_haptik_is_told_nothing() -> anyhow::Result<()> {
    let scene = Scene::with("welcome = \"Hello *there*\"", echo).await?;
    scene.hook(&scene.webex.added(ASHA, SPACE)).await?;
    scene.sees(SPACE, "Hello **there**").await?;
    let mut other = scene.webex.added(ASHA, "Y2lzOTHER");
    other["data"]["personId"] = "Y2lzANOTHERBOT".into();
    other["createdBy"] = "Y2lzBOT".into();
    scene.hook(&other).await?;
    assert!(scene.told(0).await?.is_empty());
    assert!(scene.webex.messages("Y2lzOTHER").is_empty());
    scene.finish().await
}

#[tokio::test]
async fn edits_and_deletions_are_told_where_the_connection_says_so() -> anyhow::Result<()> {
    let scene = Scene::with("tell_edits = true", echo).await?;
    let direct = FakeWebex::direct(ASHA);
    let said = scene.webex.said(ASHA, &direct, &json!({"text": "blue"}));
    scene.hook(&said).await?;
    scene.sees(&direct, "You said: blue.").await?;
    for event in ["updated", "deleted"] {
        let hook = FakeWebex::hook("messages", event, ASHA, &said["data"]);
        scene.hook(&hook).await?;
    }
    scene.sees(&direct, "You said: Deleted a message.").await?;
    let told = scene.told(3).await?;
    assert_eq!(told, ["blue", "Edited message: blue", "Deleted a message."]);
    scene.finish().await
}

/// Says the same twice.
fn twice(message: &UserMessage) -> Vec<Reply> {
    let text = format!("Please wait, {}.", message.text);
    vec![Reply::Text(text.clone()), Reply::Text(text)]
}

/// How many messages of the bot have this in them.
fn count(webex: &FakeWebex, room: &str, text: &str) -> usize {
    let messages = webex.messages(room);
    messages
        .iter()
        .filter(|each| each.to_string().contains(text))
        .count()
}

#[tokio::test]
async fn what_was_taken_unheard_in_the_direct_room_is_shown_once_also_where_it_says_the_same()
-> anyhow::Result<()> {
    let scene = Scene::with("", twice).await?;
    let (webex, direct) = (&scene.webex, FakeWebex::direct(ASHA));
    let faults = webex.server().faults();
    for (name, fault) in [
        ("Cut", Fault::CutAfter),
        ("Within", Fault::CutWithin(10)),
        ("Status", Fault::StatusAfter(502)),
        ("Before", Fault::CutBefore),
    ] {
        faults.add(webex.showing(Some(ASHA)), 1, fault);
        scene
            .hook(&webex.said(ASHA, &direct, &json!({"text": name})))
            .await?;
        let text = format!("Please wait, {name}.");
        let began = Instant::now();
        while count(webex, &direct, &text) < 2 {
            let is_patient = began.elapsed() < Duration::from_secs(30);
            assert!(is_patient, "waited for {text}\n{}", webex.report());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(scene.stage.local.queue.idle(Duration::from_secs(30)).await);
        assert_eq!(count(webex, &direct, &text), 2, "{name}");
    }
    assert_eq!(faults.failed().len(), 4);
    scene.finish().await
}

#[tokio::test]
async fn what_is_fetched_is_asked_for_again_where_the_answer_is_none() -> anyhow::Result<()> {
    let scene = Scene::with("", echo).await?;
    let (webex, direct) = (&scene.webex, FakeWebex::direct(ASHA));
    let faults = webex.server().faults();
    let kinds = [
        Fault::Garbage,
        Fault::Status(503),
        Fault::CutBefore,
        Fault::RateLimited(1),
    ];
    for fault in kinds {
        let fetching = Calls::to("/v1/messages/").by(Method::GET);
        faults.add(fetching, 1, fault.clone());
        let text = format!("fetched {}", faults.failed().len());
        scene
            .hook(&webex.said(ASHA, &direct, &json!({"text": text})))
            .await?;
        scene.sees(&direct, &format!("You said: {text}.")).await?;
    }
    assert_eq!(scene.told(4).await?.len(), 4);
    scene.finish().await
}

#[tokio::test]
async fn what_the_api_says_in_broken_json_is_told_without_what_is_broken() -> anyhow::Result<()> {
    let scene = Scene::with("", echo).await?;
    let direct = FakeWebex::direct(ASHA);
    let said = scene
        .webex
        .said(ASHA, &direct, &json!({"text": "cut BROKEN here"}));
    scene.webex.say_instead("BROKEN", r"\ud83d");
    scene.hook(&said).await?;
    scene.sees(&direct, "You said: cut").await?;
    assert_eq!(scene.told(1).await?, ["cut \u{fffd} here"]);
    scene.finish().await
}

#[tokio::test]
async fn a_space_that_the_bot_was_removed_from_is_given_up_at_once() -> anyhow::Result<()> {
    let scene = Scene::with("", echo).await?;
    scene.webex.remove_from(SPACE);
    let said = scene.webex.mentioned(ASHA, SPACE, "anybody?", None);
    scene.hook(&said).await?;
    scene.told(1).await?;
    let direct = FakeWebex::direct("Y2lzUSER000002");
    let other = scene
        .webex
        .said("Y2lzUSER000002", &direct, &json!({"text": "me"}));
    scene.hook(&other).await?;
    scene.sees(&direct, "You said: me.").await?;
    assert!(scene.stage.local.queue.idle(Duration::from_secs(30)).await);
    let dead = scene.stage.finish_with_dead().await?;
    assert_eq!(dead.len(), 1, "{dead:?}");
    Ok(())
}

#[tokio::test]
async fn housekeeping_makes_those_webhooks_active_again_that_webex_ended() -> anyhow::Result<()> {
    let scene = Scene::with("", echo).await?;
    let here = "https://bridge.example.com/channels/acme-webex";
    let there = "https://other.example.com/channels/acme-webex-2";
    scene
        .webex
        .make_webhook("haptik-bridge acme-webex messages created", here);
    scene.webex.make_webhook("made by hand", here);
    scene.webex.make_webhook("of another bridge", there);
    scene.webex.end_webhooks();
    let processor = &scene.stage.local.processor;
    processor
        .run_scheduled_maintenance(Timestamp::now() + Duration::from_mins(10))
        .await;
    let states: Vec<Value> = scene
        .webex
        .webhooks()
        .iter()
        .map(|webhook| webhook["status"].clone())
        .collect();
    assert_eq!(states, ["active", "active", "inactive"]);
    scene.finish().await
}

#[tokio::test]
async fn a_file_that_cannot_be_scanned_is_told_of() -> anyhow::Result<()> {
    let scene = Scene::with("", echo).await?;
    let direct = FakeWebex::direct(ASHA);
    let file = scene.webex.add_file("safe.zip", "application/zip", b"PK");
    scene.webex.set_file_status(428);
    let said = scene.webex.said(ASHA, &direct, &json!({"files": [file]}));
    scene.hook(&said).await?;
    scene.sees(&direct, "file").await?;
    scene.stage.abandon();
    Ok(())
}

#[tokio::test]
async fn nobody_is_mentioned_by_what_a_bot_says() -> anyhow::Result<()> {
    let scene = Scene::with("", |_| {
        vec![Reply::Text(
            "Hello <@all> and <@personEmail:a@b.example|A>".to_owned(),
        )]
    })
    .await?;
    let direct = FakeWebex::direct(ASHA);
    let said = scene.webex.said(ASHA, &direct, &json!({"text": "hi"}));
    scene.hook(&said).await?;
    let shown = scene.sees(&direct, "Hello").await?;
    let text = shown["markdown"].as_str().unwrap_or_default();
    assert!(!text.contains("<@") && text.contains("@all"), "{text}");
    scene.finish().await
}

#[tokio::test]
async fn a_file_that_is_scanned_is_waited_for_and_a_harmful_one_is_told_of() -> anyhow::Result<()> {
    let scene = Scene::with("", echo).await?;
    let direct = FakeWebex::direct(ASHA);
    let file = scene
        .webex
        .add_file("bill.pdf", "application/pdf", b"%PDF-1.4");
    scene.webex.set_file_status(423);
    let said = scene.webex.said(ASHA, &direct, &json!({"files": [file]}));
    scene.hook(&said).await?;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    scene.webex.set_file_status(410);
    scene
        .sees(&direct, "could not be passed on")
        .await
        .or_else(|_| anyhow::bail!("no notice"))?;
    scene.stage.finish().await
}

/// A configuration with a connection to this fake alone.
fn config(webex: &FakeWebex) -> Config {
    let text = format!(
        "[haptik.main]\nbase_url = 'https://h.example'\nclient_id = 'c'\ntoken = 't'\n\
         webhook_secrets = 's'\nbusiness_id = 1\n[channels.acme-webex]\n{}",
        webex.toml(webex.server().origin())
    );
    let registry = Registry {
        channels: haptik_bridge_channels::registry::DEFINITIONS,
        sinks: &[],
    };
    Config::parse(&text, &registry).expect("a configuration")
}

const URL: &str = "https://bridge.example.com/channels/acme-webex";

#[tokio::test]
async fn registering_makes_the_webhooks_and_makes_ended_ones_active_again() -> anyhow::Result<()> {
    let webex = FakeWebex::start().await;
    webex.make_webhook(
        "of another bridge",
        "https://other.example/channels/acme-webex-2",
    );
    let config = config(&webex);
    let channel = config.channels.values().next().expect("a connection");
    let register = REGISTRATIONS.iter().find(|(name, _)| *name == "webex");
    let (_, register) = register.expect("it is a channel");
    for _ in 0..2 {
        let call = register(channel, client()?, URL)?.expect("it has a call");
        let said = call.await?;
        assert!(said.contains(URL) && !said.contains("fake-webex"), "{said}");
        let webhooks = webex.webhooks();
        assert_eq!(webhooks.len(), 4, "{webhooks:?}");
        assert!(webhooks[1..].iter().all(|each| each["status"] == "active"));
        assert!(webhooks[1..].iter().all(|each| each["targetUrl"] == URL));
        webex.end_webhooks();
    }
    assert_eq!(webex.webhooks()[0]["name"], "of another bridge");
    assert_eq!(webex.refusals(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn the_token_and_the_webhooks_are_tried_without_anybody_seeing_it() -> anyhow::Result<()> {
    let webex = FakeWebex::start().await;
    let config = config(&webex);
    let channel = config.channels.values().next().expect("a connection");
    let register = REGISTRATIONS.iter().find(|(name, _)| *name == "webex");
    let (_, register) = register.expect("it is a channel");
    let try_it = TRIALS.iter().find(|(name, _)| *name == "webex");
    let (_, try_it) = try_it.expect("it is a channel");
    let found = async || -> anyhow::Result<String> {
        let deps = OnlineDeps {
            http: client()?,
            url: Some(URL.to_owned()),
        };
        Ok(format!("{:?}", try_it(channel, deps)?.await))
    };
    let none = found().await?;
    assert!(none.contains("knows the bot Help"), "{none}");
    assert!(
        none.contains("does not send messages created here"),
        "{none}"
    );
    register(channel, client()?, URL)?
        .expect("it has a call")
        .await?;
    let all = found().await?;
    assert!(
        all.contains("sends what is said and what is tapped here"),
        "{all}"
    );
    webex.end_webhooks();
    let ended = found().await?;
    assert!(
        ended.contains("has ended the webhook of messages created"),
        "{ended}"
    );
    webex
        .server()
        .faults()
        .add(Calls::any(), 1, Fault::Refused("401 No.".to_owned()));
    let refused = found().await?;
    assert!(refused.contains("Make a new token"), "{refused}");
    for findings in [none, all, ended, refused] {
        assert!(!findings.contains("fake-webex"), "{findings}");
    }
    assert_eq!(webex.messages("Y2lzROOM").len(), 0);
    Ok(())
}
