//! The bridge between a fake Twilio and a simulated Haptik, end to end.

use std::sync::Arc;
use std::time::Duration;

use haptik_bridge_channels::channel::OnlineDeps;
use haptik_bridge_channels::registry::{REGISTRATIONS, TRIALS};
use haptik_bridge_shared::config::{Channel, Config};
use haptik_bridge_shared::ids::{AuthId, ConnectionId};
use haptik_bridge_shared::ledger::Entry;
use haptik_bridge_simulator::{Bot, Reply, UserMessage};
use haptik_bridge_tests::fake_twilio::{FakeTwilio, NUMBER, SERVICE, WHATSAPP};
use haptik_bridge_tests::faults::{Calls, Fault};
use haptik_bridge_tests::provider::{FakeProvider as _, Request, Shown};
use haptik_bridge_tests::{Options, Stage};
use serde_json::{Value, json};

/// A stage with a sender at Twilio on it.
struct Scene {
    stage: Stage,
    twilio: Arc<FakeTwilio>,
    user: String,
}

impl Scene {
    async fn with(
        twilio: FakeTwilio,
        connection: &'static str,
        bot: impl Bot,
    ) -> anyhow::Result<Self> {
        let twilio = Arc::new(twilio);
        let options = Options {
            provider: Some(twilio.clone()),
            connection,
            ..Options::default()
        };
        let stage = Stage::with(options, bot).await?;
        let user = twilio.user(1);
        Ok(Self {
            stage,
            twilio,
            user,
        })
    }

    async fn says(&self, text: &str) -> anyhow::Result<()> {
        self.stage.takes(&self.twilio.say(&self.user, text)).await
    }

    /// What Haptik was told, once there is nothing left to be told.
    async fn told(&self, count: usize) -> anyhow::Result<Vec<String>> {
        self.rest().await;
        self.stage.haptik_was_told(count).await
    }

    async fn rest(&self) {
        assert!(self.stage.local.queue.idle(Duration::from_secs(30)).await);
    }

    /// The texts that the user was sent, once there are so many and nothing is left to be sent.
    async fn shown(&self, count: usize) -> anyhow::Result<Vec<String>> {
        let enough = |shown: &[Shown]| (shown.len() >= count).then_some(());
        self.stage.shown(&self.user, "answers", enough).await?;
        self.rest().await;
        let shown = self.twilio.shown(&self.user);
        Ok(shown.into_iter().map(|message| message.text).collect())
    }

    fn auth_id(&self) -> AuthId {
        let connection = ConnectionId::from(self.twilio.connection());
        AuthId::derive(&connection, &self.user, None)
    }

    async fn finish(self) -> anyhow::Result<()> {
        let dead = self.finish_with_dead().await?;
        assert!(dead.is_empty(), "given up: {:?}", reasons(&dead));
        Ok(())
    }

    async fn finish_with_dead(self) -> anyhow::Result<Vec<Entry>> {
        let dead = self.stage.finish_with_dead().await?;
        let refusals = self.twilio.refusals();
        assert!(refusals.is_empty(), "Twilio refused: {refusals:#?}");
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

fn say(label: &str) -> Value {
    json!({"actionable_text": label, "type": "TEXT_ONLY", "payload": {"message": format!("I take {label}")}})
}

/// Offers so many choices as the message says, and repeats what is chosen.
fn offer(message: &UserMessage) -> Vec<Reply> {
    let Ok(count) = message.text.parse::<usize>() else {
        return echo(message);
    };
    let items: Vec<Value> = (1..=count)
        .map(|number| say(&format!("tea {number}")))
        .collect();
    vec![Reply::Hsl(
        json!({"text": "Well?", "type": "BUTTON", "data": {"items": items}}),
    )]
}

#[tokio::test]
async fn after_stop_nothing_is_sent_until_start() -> anyhow::Result<()> {
    let scene = Scene::with(FakeTwilio::start().await, "", echo).await?;
    scene.says("hello").await?;
    assert_eq!(scene.shown(1).await?, ["You said: hello."]);
    for word in ["HELP", "STOP"] {
        scene.says(word).await?;
    }
    let asha = scene.auth_id();
    scene
        .stage
        .simulator()
        .say_text(asha.as_str(), "Still there?")?;
    assert_eq!(scene.shown(1).await?, ["You said: hello."]);
    // Another is written to.
    let ravi = scene.twilio.user(2);
    scene.stage.takes(&scene.twilio.say(&ravi, "hi")).await?;
    let first = |shown: &[Shown]| shown.first().cloned();
    let shown = scene.stage.shown(&ravi, "an answer", first).await?;
    assert_eq!(shown.text, "You said: hi.");
    scene.says("START").await?;
    // Where nothing was stopped it is an answer like others.
    scene.says("Yes").await?;
    assert_eq!(scene.told(3).await?, ["hello", "hi", "Yes"]);
    let all = scene.shown(2).await?;
    assert_eq!(all, ["You said: hello.", "You said: Yes."]);
    let dead = scene.finish_with_dead().await?;
    assert_eq!(reasons(&dead).len(), 1);
    assert!(reasons(&dead)[0].contains("STOP"), "{:?}", reasons(&dead));
    Ok(())
}

#[tokio::test]
async fn a_stop_that_comes_late_does_not_undo_a_start() -> anyhow::Result<()> {
    let scene = Scene::with(FakeTwilio::start().await, "", echo).await?;
    let stop = scene.twilio.say(&scene.user, "STOP");
    scene.stage.takes(&stop).await?;
    scene.says("yes").await?;
    // Twilio repeats it.
    scene.stage.takes(&stop).await?;
    scene.says("hello").await?;
    assert_eq!(scene.told(1).await?, ["hello"]);
    assert_eq!(scene.shown(1).await?, ["You said: hello."]);
    scene.finish().await
}

#[tokio::test]
async fn what_was_pasted_is_signed_whatever_is_called() -> anyhow::Result<()> {
    let lines = "public_url = \"https://api.example/prod/channels/acme-sms?key=1#rc=3\"";
    let scene = Scene::with(FakeTwilio::start().await, lines, echo).await?;
    let called = scene.stage.channel_url("acme-sms");
    let at = |url: &str, request: Request| -> anyhow::Result<Request> {
        let mut request = request;
        *request.uri_mut() = url.parse()?;
        Ok(request)
    };
    let pasted = "https://api.example/prod/channels/acme-sms?key=1";
    // The gateway passes the query on, or not.
    for (number, url) in [called.clone(), format!("{called}?key=1")]
        .iter()
        .enumerate()
    {
        scene.twilio.set_webhook(pasted);
        let request = scene.twilio.say(&scene.user, &format!("{number}"));
        scene.stage.takes(&at(url, request)?).await?;
    }
    scene.twilio.set_webhook(&called);
    let request = scene.twilio.say(&scene.user, "as it is called");
    assert_eq!(scene.stage.receives(&request).await?.0, 401);
    assert_eq!(scene.told(2).await?, ["0", "1"]);
    assert_eq!(scene.shown(2).await?.len(), 2);
    // What became of messages is told there, too.
    let calls = scene.twilio.calls("/Messages.json");
    let callback = ("StatusCallback".to_owned(), format!("{pasted}#rc=3&rp=all"));
    assert!(
        calls.iter().all(|call| call.fields.contains(&callback)),
        "{calls:?}"
    );
    scene.finish().await
}

#[tokio::test]
async fn on_whatsapp_a_choice_is_tapped_in_buttons_or_a_menu() -> anyhow::Result<()> {
    let scene = Scene::with(FakeTwilio::whatsapp().await, "", offer).await?;
    let (mut told, mut shown) = (Vec::new(), 0);
    // As many as there are buttons, as a menu has rows, and more than that.
    for count in ["3", "10", "11"] {
        scene.says(count).await?;
        shown += 1;
        scene.shown(shown).await?;
        let tap = scene.twilio.tap(&scene.user, &format!("tea {count}"));
        scene.stage.takes(&tap).await?;
        shown += 1;
        scene.shown(shown).await?;
        told.extend([count.to_owned(), format!("I take tea {count}")]);
        assert_eq!(scene.told(told.len()).await?, told);
    }
    // Each shape was made once, and is kept.
    scene.says("3").await?;
    scene.shown(shown + 1).await?;
    assert_eq!(scene.twilio.calls("/v1/Content").len(), 2);
    let typing = scene.twilio.calls("/v2/Indicators/Typing.json");
    assert!(!typing.is_empty());
    scene.finish().await
}

#[tokio::test]
async fn on_whatsapp_a_text_of_several_lines_has_its_buttons() -> anyhow::Result<()> {
    let greet = |message: &UserMessage| {
        if message.text != "hello" {
            return echo(message);
        }
        let items = [say("tea"), say("coffee")];
        let body =
            json!({"text": "Hello!\nWhich one?", "type": "BUTTON", "data": {"items": items}});
        vec![Reply::Hsl(body)]
    };
    let scene = Scene::with(FakeTwilio::whatsapp().await, "", greet).await?;
    scene.says("hello").await?;
    assert_eq!(scene.shown(2).await?, ["Hello!", "Which one?"]);
    let shown = scene.twilio.shown(&scene.user);
    assert_eq!(shown[1].buttons, ["tea", "coffee"]);
    let tap = scene.twilio.tap(&scene.user, "tea");
    scene.stage.takes(&tap).await?;
    assert_eq!(scene.told(2).await?, ["hello", "I take tea"]);
    scene.finish().await
}

#[tokio::test]
async fn where_no_content_can_be_made_numbers_will_do() -> anyhow::Result<()> {
    let scene = Scene::with(FakeTwilio::whatsapp().await, "", offer).await?;
    let faults = scene.twilio.server().faults();
    let refused = Fault::Refused("20001".to_owned());
    faults.add(Calls::to("/v1/Content"), 1, refused);
    scene.says("2").await?;
    assert_eq!(scene.shown(1).await?, ["Well?\n\n1. tea 1\n2. tea 2"]);
    scene.says("2").await?;
    assert_eq!(scene.shown(2).await?[1], "You said: I take tea 2.");
    scene.finish().await
}

/// The connection as a file would have it.
fn configured(scene: &Scene, from: &str, url: &str) -> anyhow::Result<Config> {
    let table = scene.twilio.toml(scene.twilio.server().origin());
    let table = table.replace(scene_sender(scene), from);
    let text = format!(
        "[haptik.main]\nbase_url = 'https://h.example'\nclient_id = 'c'\ntoken = 't'\nwebhook_secrets = 's'\n\
         business_id = 1\n[channels.acme]\n{table}\npublic_url = \"{url}\"\n"
    );
    Ok(Config::parse(&text, &haptik_bridge_local::registry::all())?)
}

fn scene_sender(scene: &Scene) -> &'static str {
    if scene.user.starts_with('+') {
        NUMBER
    } else {
        WHATSAPP
    }
}

#[tokio::test]
async fn register_says_where_messages_go_and_check_sees_it() -> anyhow::Result<()> {
    let url = "https://bridge.example/channels/acme";
    let hook = format!("{url}#rc=3&rp=all");
    for (from, field) in [
        (NUMBER, "SmsUrl"),
        (SERVICE, "InboundRequestUrl"),
        (WHATSAPP, "callback_url"),
    ] {
        let scene = Scene::with(FakeTwilio::start().await, "", echo).await?;
        let config = configured(&scene, from, url)?;
        let channel = config.channels.values().next().expect("a connection");
        let before = tried(channel).await?;
        assert!(before[1].starts_with("refused: from: "), "{before:?}");
        let (_, register) = REGISTRATIONS
            .iter()
            .find(|(name, _)| *name == "twilio")
            .expect("the channel");
        let http = haptik_bridge_shared::net::client()?;
        let done = register(channel, http, "https://other.example")?.expect("a call");
        let done = done.await?;
        assert!(done.contains(url) && done.contains(from), "{done}");
        assert_eq!(scene.twilio.hooks().get(field), Some(&hook), "{from}");
        let after = tried(channel).await?;
        assert_eq!(after[0], "ok: auth_tokens[0]: Twilio knows the account");
        assert_eq!(after[1], "ok: from: Twilio sends what is said here");
        scene.finish().await?;
    }
    Ok(())
}

async fn tried(channel: &Channel) -> anyhow::Result<Vec<String>> {
    let (_, online) = TRIALS
        .iter()
        .find(|(name, _)| *name == "twilio")
        .expect("the channel");
    let deps = OnlineDeps {
        http: haptik_bridge_shared::net::client()?,
        url: None,
    };
    let findings = online(channel, deps)?.await;
    Ok(findings.iter().map(ToString::to_string).collect())
}
