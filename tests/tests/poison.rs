//! Entries that can never be delivered are parked with their reason, and their lane goes on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use haptik_bridge_channels::capability::{Capability, Feature};
use haptik_bridge_channels::channel::{
    BuildError, ChannelType, Edge, EdgeDeps, OnlineDeps, Outlet, OutletDeps, Part, SendError, Sent,
    Trial,
};
use haptik_bridge_channels::connections::Outlets;
use haptik_bridge_channels::facts::Facts;
use haptik_bridge_channels::limits;
use haptik_bridge_channels::memory::Memory;
use haptik_bridge_channels::preview::Preview;
use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_local::queue::LocalQueue;
use haptik_bridge_local::registry;
use haptik_bridge_processor::{Limits, Processor};
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::config::{ChannelDefinition, Config, Outbound as OutboundSettings};
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::ingest::RequestContext;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, Payload, State};
use haptik_bridge_shared::message::{Address, Content, Outgoing, Sender};
use haptik_bridge_shared::net;
use haptik_bridge_shared::users::User;
use haptik_bridge_tests::database::serve_with_faults;
use haptik_bridge_tests::faults::{Calls, Fault, Server};
use jiff::Timestamp;
use serde_json::{Value, json};

/// A channel that does to a message what the message says.
#[derive(Debug, Clone, Default)]
struct Trap {
    shown: Arc<Mutex<Vec<String>>>,
    tries: Arc<Mutex<Vec<String>>>,
}

impl ChannelType for Trap {
    const NAME: &'static str = "trap";
    const DEFINITION: ChannelDefinition = ChannelDefinition::of::<OutboundSettings>("trap");
    const LIMITS: Option<&'static limits::Limits> = None;
    const FACTS: Facts = <haptik_bridge_channels::custom::Custom as ChannelType>::FACTS;
    type Config = OutboundSettings;
    type Address = Value;
    type Command = ();

    fn capability(feature: Feature) -> Capability {
        <haptik_bridge_channels::custom::Custom as ChannelType>::capability(feature)
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

#[async_trait]
impl Outlet<Trap> for Trap {
    fn render(&self, outgoing: &Outgoing) -> Vec<Part> {
        let Content::Message { hsl, .. } = &outgoing.content else {
            return Vec::new();
        };
        let parts = hsl.text.split('|').enumerate();
        parts
            .map(|(index, text)| Part::new(index, json!(text)))
            .collect()
    }

    async fn send(&self, _to: &Value, part: &Part) -> Result<Sent, SendError> {
        let text = part.body.as_str().unwrap_or_default().to_owned();
        note(&self.tries, &text);
        match text.as_str() {
            "panic" => panic!("a message that brings its delivery down"),
            "hang" => std::future::pending().await,
            "slow" => {
                tokio::time::sleep(Duration::from_millis(60)).await;
                note(&self.shown, &text);
            }
            "refuse" => return Err(SendError::refused("refused for ever")),
            _ => note(&self.shown, &text),
        }
        Ok(Sent::default())
    }
}

fn note(texts: &Mutex<Vec<String>>, text: &str) {
    let mut texts = texts.lock().unwrap_or_else(PoisonError::into_inner);
    texts.push(text.to_owned());
}

struct Scene {
    bridge: Arc<Bridge>,
    queue: LocalQueue,
    trap: Trap,
    /// The database as the bridge reaches it.
    database: Server,
    _database: EmbeddedDynamoDb,
}

impl Scene {
    async fn start() -> anyhow::Result<Self> {
        let config = Config::parse(
            r#"
            [haptik.main]
            base_url = "http://127.0.0.1:9"
            client_id = "client"
            token = "token"
            webhook_secrets = ["secret"]
            business_id = 343

            [channels.trap]
            type = "custom"
            signing_secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
            callback_url = "http://127.0.0.1:9"
            "#,
            &registry::all(),
        )?;
        let database = EmbeddedDynamoDb::start(None).await?;
        let served = serve_with_faults(&database).await?;
        let (queue, trap) = (LocalQueue::new(), Trap::default());
        let (table, http) = (database.table_through(served.origin())?, net::client()?);
        let rings = Arc::new(queue.clone());
        let bridge = Bridge::with_client(config, table.clone(), rings, &http)?;
        let outlets = Outlets::new(&bridge, &table, &http, &Memory::default())?;
        let outlets = outlets.with::<Trap>("trap".into(), Box::new(trap.clone()));
        let bridge = Arc::new(bridge);
        let limits = Limits {
            delivery_timeout: Duration::from_millis(200),
            most_crashes: 1,
            ..Limits::default()
        };
        queue.start(Processor::with_limits(
            bridge.clone(),
            Arc::new(outlets),
            Arc::default(),
            limits,
        ));
        Ok(Self {
            bridge,
            queue,
            trap,
            database: served,
            _database: database,
        })
    }

    /// Lets Haptik say something to a user.
    async fn say(&self, auth_id: &AuthId, id: u64, text: &str) -> anyhow::Result<()> {
        let (named, nowhere) = (auth_id.to_string(), Address(Value::Null));
        let user = User::new(auth_id.clone(), "trap".into(), named, nowhere);
        self.bridge.users.put_place(&user).await?;
        let body = json!({"event_name": "message", "message": {"id": id, "body": {"text": text, "type": "TEXT", "data": {}}}});
        let payload = Payload::Webhook {
            account: "main".into(),
            body: body.to_string(),
        };
        let (lane, key, now) = (
            Lane::Channel(auth_id.clone()),
            format!("{id:020}#message").into(),
            Timestamp::now(),
        );
        self.bridge
            .accept(RequestContext::new("test", now), &lane, &key, &payload, now)
            .await?;
        Ok(())
    }

    async fn entry(&self, auth_id: &AuthId, id: u64) -> anyhow::Result<Entry> {
        let lane = Lane::Channel(auth_id.clone());
        let key = format!("{id:020}#message").into();
        let entry = self.bridge.ledger.entry(&lane, &key).await?;
        Ok(entry.expect("it was appended"))
    }

    fn shown(&self) -> Vec<String> {
        let shown = self.trap.shown.lock();
        shown.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is said between two others is parked for `reason` after `tries` tries, and the others come
    /// through in order.
    async fn parks(poison: &str, tries: usize, reason: &str) -> anyhow::Result<()> {
        let scene = Self::start().await?;
        let (one, other) = (AuthId::from("one"), AuthId::from("other"));
        for (id, text) in [(1, "before"), (2, poison), (3, "after")] {
            scene.say(&one, id, text).await?;
        }
        scene.say(&other, 4, "elsewhere").await?;
        assert!(scene.queue.idle(Duration::from_secs(20)).await);
        let dead = scene.entry(&one, 2).await?;
        assert_eq!(dead.state, State::Dead);
        let said = dead.reason.unwrap_or_default();
        assert!(said.contains(reason), "{said}");
        let mut shown = scene.shown();
        let elsewhere = shown.iter().position(|text| text == "elsewhere");
        shown.remove(elsewhere.expect("another user is not held up"));
        assert_eq!(shown, ["before", "after"]);
        let all = scene.trap.tries.lock();
        let all = all.unwrap_or_else(PoisonError::into_inner);
        assert_eq!(all.iter().filter(|text| *text == poison).count(), tries);
        Ok(())
    }
}

#[tokio::test]
async fn what_is_refused_for_ever_is_given_up_at_once() -> anyhow::Result<()> {
    Scene::parks("refuse", 1, "refused for ever").await
}

#[tokio::test]
async fn what_brings_its_delivery_down_each_time_is_parked() -> anyhow::Result<()> {
    Scene::parks("panic", 2, "parked: the function stopped").await
}

#[tokio::test]
async fn what_cannot_be_recorded_for_a_while_is_not_parked() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let one = AuthId::from("one");
    // Three tries to record it, each of which the SDK makes three times.
    let recorded = Calls::any().with("\"delivered\"");
    let refusals = scene.database.faults();
    refusals.add(recorded, 9, Fault::Status(500));
    scene.say(&one, 1, "said").await?;
    assert!(scene.queue.idle(Duration::from_mins(1)).await);
    assert_eq!(refusals.failed().len(), 9);
    let entry = scene.entry(&one, 1).await?;
    assert_eq!((entry.state, entry.reason), (State::Delivered, None));
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_parked_at_once_is_not_tried_for_that_again() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let one = AuthId::from("one");
    // The first time that it is parked, which the SDK tries three times.
    let parked = Calls::any().with("parked: ");
    scene.database.faults().add(parked, 3, Fault::Status(500));
    scene.say(&one, 1, "panic").await?;
    assert!(scene.queue.idle(Duration::from_mins(1)).await);
    assert_eq!(scene.database.faults().failed().len(), 3);
    assert_eq!(scene.entry(&one, 1).await?.state, State::Dead);
    let tries = scene.trap.tries.lock();
    let tries = tries.unwrap_or_else(PoisonError::into_inner);
    assert_eq!(tries.len(), 2);
    Ok(())
}

#[tokio::test]
async fn what_takes_too_long_each_time_is_parked() -> anyhow::Result<()> {
    Scene::parks("hang", 2, "parked: it took too long").await
}

#[tokio::test]
async fn what_takes_long_but_gets_on_is_delivered_in_several_goes() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let one = AuthId::from("one");
    scene
        .say(&one, 1, "slow|slow|slow|slow|slow|slow|end")
        .await?;
    scene.say(&one, 2, "after").await?;
    assert!(scene.queue.idle(Duration::from_mins(1)).await);
    let entry = scene.entry(&one, 1).await?;
    assert_eq!((entry.state, entry.overruns), (State::Delivered, 0));
    let expected = [
        "slow", "slow", "slow", "slow", "slow", "slow", "end", "after",
    ];
    assert_eq!(scene.shown(), expected);
    Ok(())
}
