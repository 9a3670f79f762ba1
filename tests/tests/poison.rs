//! Entries that can never be delivered are parked with their reason, and their lane goes on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use haptik_bridge_channels::channel::{Channel, Part, Received, Rejected, Request};
use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_local::queue::LocalQueue;
use haptik_bridge_local::registry;
use haptik_bridge_processor::{Limits, Processor};
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::config::Config;
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::ingest::RequestContext;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, Payload, State};
use haptik_bridge_shared::message::{Address, Attachment, Content, Outgoing, Profile};
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_shared::users::{Mode, User};
use jiff::Timestamp;
use serde_json::{Value, json};

/// A channel that does to a message what the message says.
#[derive(Debug, Clone, Default)]
struct Trap {
    shown: Arc<Mutex<Vec<String>>>,
    tries: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Channel for Trap {
    fn receive(&self, _request: &Request<'_>, _now: Timestamp) -> Result<Received, Rejected> {
        Err(Rejected::NotFound)
    }

    async fn profile(&self, _address: &Address, _user: &str) -> Result<Option<Profile>, Failure> {
        Ok(None)
    }

    async fn fetch(
        &self,
        _address: &Address,
        _attachment: &Attachment,
        _limit: usize,
    ) -> Result<Bytes, Failure> {
        Err(Failure::permanent("there are no files"))
    }

    fn render(&self, outgoing: &Outgoing) -> Vec<Part> {
        let Content::Message { hsl, .. } = &outgoing.content else {
            return Vec::new();
        };
        let parts = hsl.text.split('|').enumerate();
        parts
            .map(|(index, text)| Part {
                index,
                body: json!(text),
            })
            .collect()
    }

    async fn already_sent(
        &self,
        _address: &Address,
        _outgoing: &Outgoing,
    ) -> Result<Option<Vec<usize>>, Failure> {
        Ok(None)
    }

    async fn send(&self, _address: &Address, part: &Part) -> Result<(), Failure> {
        let text = part.body.as_str().unwrap_or_default().to_owned();
        note(&self.tries, &text);
        match text.as_str() {
            "panic" => panic!("a message that brings its delivery down"),
            "hang" => std::future::pending().await,
            "slow" => {
                tokio::time::sleep(Duration::from_millis(60)).await;
                note(&self.shown, &text);
                Ok(())
            }
            "refuse" => Err(Failure::permanent("refused for ever")),
            _ => {
                note(&self.shown, &text);
                Ok(())
            }
        }
    }

    async fn perform(&self, _task: &Value) -> Result<(), Failure> {
        Ok(())
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
        let (queue, trap) = (LocalQueue::new(), Trap::default());
        let mut bridge = Bridge::new(config, database.table.clone(), Arc::new(queue.clone()))?;
        let connection = bridge.connections.get_mut(&"trap".into());
        connection.expect("it is configured").channel = Box::new(trap.clone());
        let bridge = Arc::new(bridge);
        let limits = Limits {
            delivery_timeout: Duration::from_millis(200),
            most_crashes: 1,
            ..Limits::default()
        };
        queue.start(Processor::with_limits(
            bridge.clone(),
            Arc::default(),
            limits,
        ));
        Ok(Self {
            bridge,
            queue,
            trap,
            _database: database,
        })
    }

    /// Lets Haptik say something to a user.
    async fn say(&self, auth_id: &AuthId, id: u64, text: &str) -> anyhow::Result<()> {
        let user = User {
            auth_id: auth_id.clone(),
            connection: "trap".into(),
            channel_user: auth_id.to_string(),
            address: Address(Value::Null),
            registered: None,
            marks: Vec::new(),
            user_name: None,
            mode: Mode::Bot,
            completion: None,
            handoff: None,
            last_activity: 0,
        };
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
