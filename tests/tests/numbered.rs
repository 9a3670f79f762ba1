//! Numbered choices end to end: a channel without buttons, whose users type the number of what they choose.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::extract::{Json, State};
use axum::routing::post;
use haptik_bridge_channels::callback::{self, Reference, Tap};
use haptik_bridge_channels::capability::{self, Capability, Feature};
use haptik_bridge_channels::channel::{
    BuildError, ChannelType, Edge, EdgeDeps, OnlineDeps, Outlet, OutletDeps, Part, Refusal,
    SendError, Sent, Trial,
};
use haptik_bridge_channels::connections::Outlets;
use haptik_bridge_channels::facts::Facts;
use haptik_bridge_channels::limits::{
    Buttons, Counted, Forms, Limits, Pace, Pictures, Shape, Size,
};
use haptik_bridge_channels::memory::Memory;
use haptik_bridge_channels::preview::Preview;
use haptik_bridge_channels::render::{Block, Markup, Page};
use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_local::queue::LocalQueue;
use haptik_bridge_local::registry;
use haptik_bridge_processor::Processor;
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::config::{
    ChannelDefinition, Config, Forms as FormSettings, Outbound as OutboundSettings,
};
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::ingest::RequestContext;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, Payload, State as EntryState};
use haptik_bridge_shared::message::{
    Address, Addressed, Inbound, KeyRef, MessageRef, Outgoing, Sender, UserAction,
};
use haptik_bridge_shared::net;
use haptik_bridge_shared::users::{Mode, User};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

#[path = "numbered/forms.rs"]
mod forms;

/// A channel that takes texts. With buttons in its limits, it refuses them all the same.
#[derive(Debug, Clone, Default)]
struct Texts {
    shown: Arc<Mutex<Vec<(String, String)>>>,
    has_buttons: bool,
}

const TEXTS: Limits = Limits {
    text: Size::utf16(1_600),
    counted: Counted::AsSent,
    markup: Markup::Plain,
    shape: Shape::Bubble,
    address: Size::utf16(2_000),
    buttons: None,
    menu: None,
    cards: None,
    pictures: Pictures::LinkOnly,
    forms: Forms::Chat,
    notices: false,
    agent_identity: None,
    pace: Pace::FREE,
    reply_window: None,
};

const WITH_BUTTONS: Limits = Limits {
    buttons: Some(Buttons {
        most: 10,
        label: Size::utf16(64),
        data: Size::bytes(64),
        codec: callback::write,
        urls: true,
        url_taps: false,
        phones: false,
    }),
    ..TEXTS
};

impl ChannelType for Texts {
    const NAME: &'static str = "texts";
    const DEFINITION: ChannelDefinition = ChannelDefinition::of::<OutboundSettings>("texts");
    const LIMITS: Option<&'static Limits> = Some(&TEXTS);
    const FACTS: Facts = <haptik_bridge_channels::custom::Custom as ChannelType>::FACTS;
    type Config = OutboundSettings;
    type Address = String;
    type Command = ();

    fn capability(feature: Feature) -> Capability {
        capability::within(&TEXTS, feature)
    }

    fn preview(_body: &Value, _sender: &Sender) -> Vec<Preview> {
        Vec::new()
    }

    fn edge(_: &Self::Config, _: EdgeDeps) -> Result<Box<dyn Edge<Self>>, BuildError> {
        Err(BuildError("nothing comes in".to_owned()))
    }

    fn online(_: &Self::Config, _: OnlineDeps) -> Trial {
        Box::pin(async { Vec::new() })
    }

    fn outlet(_: &Self::Config, _: OutletDeps) -> Result<Box<dyn Outlet<Self>>, BuildError> {
        Ok(Box::new(Self::default()))
    }
}

fn encode(page: &Page) -> Value {
    json!(page.text(Markup::Plain))
}

#[async_trait]
impl Outlet<Texts> for Texts {
    fn render(&self, outgoing: &Outgoing) -> Vec<Part> {
        let limits = if self.has_buttons {
            &WITH_BUTTONS
        } else {
            &TEXTS
        };
        Part::of_pages(outgoing, limits, encode)
    }

    fn simpler(&self, part: &Part) -> Option<Part> {
        part.simpler(encode)
    }

    async fn send(&self, to: &String, part: &Part) -> Result<Sent, SendError> {
        let page = part.page.as_ref().expect("all are made of pages");
        let has_buttons = |block: &Block| matches!(block, Block::Buttons { .. });
        if page.blocks.iter().any(has_buttons) {
            return Err(SendError::new(Refusal::TooRich, "no buttons here"));
        }
        let text = part.body.as_str().unwrap_or_default().to_owned();
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.push((to.clone(), text));
        Ok(Sent {
            message_id: Some(format!("m{}", shown.len())),
        })
    }
}

/// What Haptik is told: who, and what. It answers 500 to as many calls as `failing` says, after it took
/// them.
#[derive(Debug, Clone, Default)]
struct Haptik {
    told: Arc<Mutex<Vec<(String, String)>>>,
    failing: Arc<Mutex<usize>>,
}

async fn take(State(haptik): State<Haptik>, Json(call): Json<Value>) -> (StatusCode, Json<Value>) {
    let rated = call.get("query_rating");
    let said = match rated {
        Some(rating) => format!("rated {rating}"),
        None => call["message_body"].as_str().unwrap_or_default().to_owned(),
    };
    let who = call.get("auth_id").unwrap_or(&call["user"]["auth_id"]);
    let mut told = haptik.told.lock().unwrap_or_else(PoisonError::into_inner);
    told.push((who.as_str().unwrap_or_default().to_owned(), said));
    let mut failing = haptik
        .failing
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if *failing > 0 {
        *failing -= 1;
        return (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({})));
    }
    (StatusCode::OK, Json(json!({"success": true})))
}

struct Scene {
    bridge: Arc<Bridge>,
    queue: LocalQueue,
    texts: Texts,
    haptik: Haptik,
    began: Timestamp,
    _database: EmbeddedDynamoDb,
}

impl Scene {
    async fn start() -> anyhow::Result<Self> {
        Self::with(Texts::default()).await
    }

    async fn with(texts: Texts) -> anyhow::Result<Self> {
        Self::configured(texts, FormSettings::default()).await
    }

    async fn configured(texts: Texts, forms: FormSettings) -> anyhow::Result<Self> {
        let haptik = Haptik::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let router = Router::new()
            .route("/v1.0/log_message_from_user/", post(take))
            .route("/v1.0/log_feedback_from_user/", post(take))
            .with_state(haptik.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let config = format!(
            r#"
            [haptik.main]
            base_url = "http://127.0.0.1:{port}"
            client_id = "client"
            token = "token"
            webhook_secrets = ["secret"]
            business_id = 343

            [channels.texts]
            type = "custom"
            signing_secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
            callback_url = "http://127.0.0.1:9"
            "#
        );
        let config = Config::parse(&config, &registry::all())?;
        let database = EmbeddedDynamoDb::start(None).await?;
        let queue = LocalQueue::new();
        let (table, http) = (database.table.clone(), net::client()?);
        let mut config = config;
        if let Some(channel) = config.channels.get_mut("texts") {
            channel.forms = forms;
        }
        let bridge = Bridge::with_client(config, table.clone(), Arc::new(queue.clone()), &http)?;
        let outlets = Outlets::new(&bridge, &table, &http, &Memory::default())?;
        let outlets = outlets.with::<Texts>("texts".into(), Box::new(texts.clone()));
        let bridge = Arc::new(bridge);
        queue.start(Processor::new(
            bridge.clone(),
            Arc::new(outlets),
            Arc::default(),
        ));
        let scene = Self {
            bridge,
            queue,
            texts,
            haptik,
            // Times are what decides, and not how long the test takes.
            began: Timestamp::now() - SignedDuration::from_hours(2),
            _database: database,
        };
        for name in ["one", "other"] {
            scene.knows(name).await?;
        }
        Ok(scene)
    }

    /// Has a user who is registered and is in the one conversation.
    async fn knows(&self, name: &str) -> anyhow::Result<()> {
        let user = User {
            auth_id: name.into(),
            connection: "texts".into(),
            channel_user: name.to_owned(),
            address: Address(json!("group")),
            registered: None,
            activities: Vec::new(),
            user_name: None,
            mode: Mode::Bot,
            completion: None,
            handoff: None,
            offer: None,
            offer_end: None,
            asked_form: None,
            last_activity: 0,
            asked: None,
            placed_at: None,
            changed_place_at: None,
        };
        let users = &self.bridge.users;
        users.put_place(&user).await?;
        users.put_registered(&user.auth_id, "hash").await?;
        Ok(())
    }

    fn at(&self, second: i64) -> Timestamp {
        self.began + SignedDuration::from_secs(second)
    }

    async fn settled(&self) {
        assert!(self.queue.idle(Duration::from_secs(20)).await);
    }

    /// Haptik says something, and it is shown.
    async fn bot_says(&self, to: &str, second: i64, body: Value) -> anyhow::Result<()> {
        self.bot_begins_to_say(to, second, &body).await?;
        self.settled().await;
        Ok(())
    }

    async fn bot_begins_to_say(&self, to: &str, second: i64, body: &Value) -> anyhow::Result<()> {
        let event = json!({"event_name": "message", "message": {"id": second, "body": body}});
        let payload = Payload::Webhook {
            account: "main".into(),
            body: event.to_string(),
        };
        let (lane, now) = (Lane::Channel(to.into()), self.at(second));
        let key = format!("{second:020}#message").into();
        let context = RequestContext::new("test", now);
        self.bridge
            .accept(context, &lane, &key, &payload, now)
            .await?;
        Ok(())
    }

    /// A user does something, and Haptik is told.
    async fn user_does(&self, who: &str, second: i64, action: UserAction) -> anyhow::Result<()> {
        let now = self.at(second);
        let inbound = Inbound {
            key: format!("{second:020}#said").into(),
            at: now,
            auth_id: who.into(),
            user: who.to_owned(),
            address: Address(json!("group")),
            message_id: None,
            profile: None,
            addressed: Addressed::Yes,
            action,
            mentions: Vec::new(),
        };
        let context = RequestContext::new("test", now);
        self.bridge
            .accept_inbound(context, &"texts".into(), inbound, None)
            .await?;
        Ok(())
    }

    async fn user_says(&self, who: &str, second: i64, text: &str) -> anyhow::Result<()> {
        self.user_does(who, second, said(text)).await?;
        self.settled().await;
        Ok(())
    }

    fn shown(&self) -> Vec<String> {
        let shown = self.texts.shown.lock();
        let shown = shown.unwrap_or_else(PoisonError::into_inner);
        shown.iter().map(|(_, text)| text.clone()).collect()
    }

    /// What Haptik was told of a user.
    fn told(&self, who: &str) -> Vec<String> {
        let told = self.haptik.told.lock();
        let told = told.unwrap_or_else(PoisonError::into_inner);
        let of_user = told.iter().filter(|(user, _)| user == who);
        of_user.map(|(_, text)| text.clone()).collect()
    }

    async fn entry(&self, auth_id: &str, second: i64) -> anyhow::Result<Entry> {
        let lane = Lane::Channel(auth_id.into());
        let key = format!("{second:020}#message").into();
        let entry = self.bridge.ledger.entry(&lane, &key).await?;
        Ok(entry.expect("it was appended"))
    }

    async fn user(&self, auth_id: &str) -> anyhow::Result<User> {
        let user = self.bridge.users.get(&auth_id.into()).await?;
        Ok(user.expect("it is known"))
    }
}

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
