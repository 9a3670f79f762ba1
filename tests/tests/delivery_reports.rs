//! What a channel says later of a message ends in that message's one receipt.

use std::sync::Arc;
use std::time::Duration;

use haptik_bridge_shared::ids::{AuthId, ConnectionId};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_simulator::{Reply, UserMessage};
use haptik_bridge_tests::app::{App, SECRET};
use haptik_bridge_tests::fake_twilio::FakeTwilio;
use haptik_bridge_tests::provider::{FakeProvider as _, Shown};
use haptik_bridge_tests::{Options, Stage};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// A stage with a number at Twilio on it, which tells what becomes of messages by a test's hand, and a sink.
struct Scene {
    stage: Stage,
    twilio: Arc<FakeTwilio>,
    sink: App,
    user: String,
}

fn echo(message: &UserMessage) -> Vec<Reply> {
    vec![Reply::Text(format!("You said: {}", message.text))]
}

impl Scene {
    async fn with(events: &str) -> anyhow::Result<Self> {
        let (twilio, sink) = (
            Arc::new(FakeTwilio::asked_for_reports().await),
            App::start().await?,
        );
        let audit = format!(
            "[sinks.audit]\ntype = \"webhook\"\nevents = {events}\nurl = \"{}\"\nsigning_secrets = [\"{SECRET}\"]\n",
            sink.url()
        );
        let options = Options {
            provider: Some(twilio.clone()),
            tables: audit,
            ..Options::default()
        };
        let stage = Stage::with(options, echo).await?;
        let user = twilio.user(1);
        Ok(Self {
            stage,
            twilio,
            sink,
            user,
        })
    }

    async fn start() -> anyhow::Result<Self> {
        Self::with(r#"["message_delivered", "message_failed"]"#).await
    }

    /// The user says this, and is sent so many messages in all; the SIDs of these.
    async fn says(&self, text: &str, count: usize) -> anyhow::Result<Vec<String>> {
        self.stage.takes(&self.twilio.say(&self.user, text)).await?;
        let enough = |shown: &[Shown]| (shown.len() >= count).then_some(());
        self.stage.shown(&self.user, "answers", enough).await?;
        self.rest().await;
        Ok(self.twilio.sids(&self.user))
    }

    async fn reports(&self, sid: &str, status: &str) -> anyhow::Result<()> {
        let report = self.twilio.reported(sid, &self.user, status);
        self.stage.takes(&report).await?;
        self.rest().await;
        Ok(())
    }

    async fn rest(&self) {
        assert!(self.stage.local.queue.idle(Duration::from_secs(30)).await);
    }

    /// The receipts of what Haptik said, each with the event's name.
    fn told(&self) -> Vec<(String, Value)> {
        let told = self.sink.callbacks().into_iter().map(|callback| {
            let name = callback.body["type"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            (name, callback.body["data"]["data"].clone())
        });
        told.filter(|(_, data)| data["direction"] == "to_channel")
            .collect()
    }

    /// Keeps house as of then.
    async fn keep_house(&self, ahead: SignedDuration) {
        let processor = &self.stage.local.processor;
        processor
            .run_scheduled_maintenance(Timestamp::now() + ahead)
            .await;
        self.rest().await;
    }

    fn lane(&self) -> Lane {
        let connection = ConnectionId::from(self.twilio.connection());
        Lane::Channel(AuthId::derive(&connection, &self.user, None))
    }

    /// How many receipts are open.
    async fn open(&self) -> anyhow::Result<usize> {
        let ledger = &self.stage.local.bridge.ledger;
        let due = ledger.receipts_due(Timestamp::MAX, None).await?;
        let open = ledger.newest_open_receipts(&self.lane()).await?;
        assert_eq!(
            due.len(),
            open.len(),
            "due times are those of open receipts"
        );
        Ok(open.len())
    }
}

#[tokio::test]
async fn a_message_is_delivered_once_the_channel_says_so_and_that_is_told_once()
-> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let sid = scene.says("hi", 1).await?.remove(0);
    for status in ["queued", "sent"] {
        scene.reports(&sid, status).await?;
    }
    assert!(
        scene.told().is_empty(),
        "it is on its way: {:?}",
        scene.told()
    );
    assert_eq!(scene.open().await?, 1);
    for status in ["delivered", "sent", "delivered", "read", "undelivered"] {
        scene.reports(&sid, status).await?;
    }
    let told = scene.told();
    let [(name, data)] = &told[..] else {
        panic!("not one receipt: {told:?}");
    };
    assert_eq!(name, "message_delivered");
    assert_eq!(data["confirmed"], true);
    assert_eq!(data["sent_as"], serde_json::json!([sid]));
    assert_eq!(data["connection"], "acme-sms");
    assert_eq!(data["channel_user"], scene.user);
    assert_eq!(scene.open().await?, 0);
    // What the user said is told as ever: nobody says anything later of that.
    let of_user = scene.sink.callbacks().into_iter();
    let of_user: Vec<Value> = of_user
        .map(|callback| callback.body["data"]["data"].clone())
        .filter(|data| data["direction"] == "to_haptik")
        .collect();
    assert_eq!(of_user.len(), 1);
    assert_eq!(of_user[0]["confirmed"], Value::Null);
    scene.stage.finish().await
}

#[tokio::test]
async fn a_message_that_a_carrier_did_not_deliver_has_failed_with_the_reason() -> anyhow::Result<()>
{
    let scene = Scene::start().await?;
    let sid = scene.says("hi", 1).await?.remove(0);
    for status in ["sent", "undelivered", "undelivered", "delivered"] {
        scene.reports(&sid, status).await?;
    }
    let told = scene.told();
    let [(name, data)] = &told[..] else {
        panic!("not one receipt: {told:?}");
    };
    assert_eq!(name, "message_failed");
    assert_eq!(data["confirmed"], true);
    let reason = data["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("30003"), "{reason}");
    let entries = scene
        .stage
        .local
        .bridge
        .ledger
        .entries(&scene.lane())
        .await?;
    assert_eq!(entries[0].reason.as_deref(), Some(reason));
    scene.stage.finish().await
}

#[tokio::test]
async fn of_a_long_message_each_part_counts() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let long = "word ".repeat(900);
    let sids = scene.says(&long, 3).await?;
    assert!(sids.len() >= 3, "{sids:?}");
    for sid in &sids[1..] {
        scene.reports(sid, "delivered").await?;
    }
    assert!(scene.told().is_empty(), "{:?}", scene.told());
    scene.reports(&sids[0], "delivered").await?;
    assert_eq!(scene.told()[0].0, "message_delivered");
    let all = scene.says(&long, sids.len() * 2).await?;
    let sids = &all[sids.len()..];
    scene.reports(&sids[1], "failed").await?;
    for sid in sids {
        scene.reports(sid, "delivered").await?;
    }
    let told = scene.told();
    let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["message_delivered", "message_failed"]);
    scene.stage.finish().await
}

#[tokio::test]
async fn what_is_reported_before_the_message_is_recorded_is_told_with_it() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    // The SID that the next message will have: that of the user's own is before it.
    let own = scene.twilio.said(&scene.user, "hi", &[]);
    let own = own.iter().find(|(name, _)| name == "MessageSid");
    let number = own.and_then(|(_, sid)| u64::from_str_radix(&sid[2..], 16).ok());
    let sid = format!("SM{:032x}", number.unwrap_or_default() + 2);
    scene.reports(&sid, "undelivered").await?;
    assert!(scene.told().is_empty());
    assert_eq!(scene.says("hi", 1).await?, [sid]);
    let told = scene.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, "message_failed");
    assert_eq!(scene.open().await?, 0);
    scene.stage.finish().await
}

#[tokio::test]
async fn of_what_nothing_is_said_in_time_it_is_told_that_it_is_not_confirmed() -> anyhow::Result<()>
{
    let scene = Scene::start().await?;
    let sid = scene.says("hi", 1).await?.remove(0);
    scene.keep_house(SignedDuration::from_mins(50)).await;
    assert!(scene.told().is_empty(), "it is waited for");
    scene.keep_house(SignedDuration::from_mins(61)).await;
    scene.keep_house(SignedDuration::from_mins(62)).await;
    scene.reports(&sid, "undelivered").await?;
    let told = scene.told();
    let [(name, data)] = &told[..] else {
        panic!("not one receipt: {told:?}");
    };
    assert_eq!(name, "message_delivered");
    assert_eq!(data["confirmed"], false);
    assert_eq!(scene.open().await?, 0);
    scene.stage.finish().await
}

#[tokio::test]
async fn where_nobody_asks_for_receipts_nothing_waits_and_nothing_is_written() -> anyhow::Result<()>
{
    let scene = Scene::with(r#"["message"]"#).await?;
    let sid = scene.says("hi", 1).await?.remove(0);
    scene.reports(&sid, "undelivered").await?;
    assert_eq!(scene.open().await?, 0);
    let bridge = &scene.stage.local.bridge;
    let connection = ConnectionId::from(scene.twilio.connection());
    assert_eq!(bridge.ledger.reported(&connection, &sid).await?, None);
    scene.stage.finish().await
}
