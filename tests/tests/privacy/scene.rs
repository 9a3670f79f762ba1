//! A bridge of which two people have used everything, and what was planted there.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_local::privacy::{Person, Receipt, WayToForget, forget};
use haptik_bridge_processor::Limits;
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::ledger::Ledger;
use haptik_bridge_shared::table::Table;
use haptik_bridge_simulator::{Reply, Settings, UserMessage};
use haptik_bridge_tests::app::{App, SECRET};
use haptik_bridge_tests::fake_crm::{FakeCrm, Kind};
use haptik_bridge_tests::fake_twilio::FakeTwilio;
use haptik_bridge_tests::{Options, Stage};
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::table::{copy, files_in};

#[path = "scene/used.rs"]
mod used;

/// How many strings are planted.
const PLANTED: usize = 40;

/// Who is forgotten.
pub(super) const NAMES: [&str; 2] = ["acme-slack/U00000ASHA", "my-app/u-42"];

/// What somebody else said, who is not forgotten.
pub(super) const BEN: &str = "wagtail-of-ben";

/// How long it takes until every process knows of a tombstone, here.
pub(super) const UNTIL_KNOWN: Duration = Duration::from_millis(60);

const PATIENCE: Duration = Duration::from_mins(1);

/// The planted string of this number.
pub(super) fn plant(number: usize) -> String {
    assert!(number < PLANTED);
    format!("kestrel-{number:02}-planted")
}

/// All of them.
pub(super) fn planted() -> impl Iterator<Item = String> {
    (0..PLANTED).map(plant)
}

/// A bridge that was used.
pub(super) struct Scene {
    pub(super) stage: Stage,
    pub(super) crm: FakeCrm,
    pub(super) audit: App,
    pub(super) twilio: Arc<FakeTwilio>,
    directory: TempDir,
}

/// The bot says again what it was told.
fn echo(message: &UserMessage) -> Vec<Reply> {
    vec![Reply::Text(format!("You said: {}", message.text))]
}

fn now() -> String {
    Timestamp::now().to_string()
}

impl Scene {
    /// A bridge with every kind of channel side by side, and sinks; nobody has used it yet.
    pub(super) async fn quiet() -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let (crm, audit) = (FakeCrm::zendesk().await, App::start().await?);
        let twilio = Arc::new(FakeTwilio::asked_for_reports().await);
        let tables = format!(
            "[sinks.crm]\n{}\nevents = ['webhook_conversation_complete', 'chat_pinned']\nbase_url = '{}'\ntranscript = 'none'\n\
             [sinks.audit]\ntype = 'webhook'\nevents = ['*', 'message_delivered', 'message_failed', 'missed_handoff']\n\
             url = '{}'\nsigning_secrets = ['{SECRET}']\n",
            Kind::Zendesk.login(),
            crm.base_url(),
            audit.url(),
        );
        let options = Options {
            data_dir: Some(directory.path().to_owned()),
            provider: Some(twilio.clone()),
            tables,
            limits: Limits {
                completion_wait: Duration::from_millis(200),
                ..Limits::default()
            },
            haptik: Settings {
                time_scale: 0.001,
                ..Settings::default()
            },
            ..Options::default()
        };
        let stage = Stage::with(options, echo).await?;
        stage
            .local
            .bridge
            .ledger
            .table()
            .set_reread_after(UNTIL_KNOWN / 2);
        Ok(Self {
            stage,
            crm,
            audit,
            twilio,
            directory,
        })
    }

    /// One in which two people have used everything, and strings are planted.
    pub(super) async fn busy() -> anyhow::Result<Self> {
        let scene = Self::quiet().await?;
        scene.in_slack().await?;
        scene.by_the_application().await?;
        scene.by_twilio().await?;
        scene.at_haptik().await?;
        scene.given_up_and_not_understood().await?;
        scene.in_the_table().await?;
        scene.rest().await;
        Ok(scene)
    }

    pub(super) fn bridge(&self) -> &Bridge {
        &self.stage.local.bridge
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.bridge().ledger
    }

    pub(super) fn table(&self) -> &Table {
        self.ledger().table()
    }

    pub(super) async fn rest(&self) {
        assert!(
            self.stage.local.queue.idle(PATIENCE).await,
            "it never rests"
        );
    }

    /// Ends the bridge, with what was given up on purpose.
    pub(super) async fn end(self) -> anyhow::Result<()> {
        self.rest().await;
        self.stage.abandon();
        Ok(())
    }

    pub(super) async fn person(&self, name: &str) -> anyhow::Result<Person> {
        Person::named(self.ledger(), &self.bridge().users, name).await
    }

    pub(super) async fn forget(&self, name: &str) -> anyhow::Result<Receipt> {
        let person = self.person(name).await?;
        self.forget_person(&person, false).await
    }

    pub(super) async fn forget_person(
        &self,
        person: &Person,
        cut_off: bool,
    ) -> anyhow::Result<Receipt> {
        let way = WayToForget {
            cut_off,
            patience: Duration::from_secs(20),
            until_known: UNTIL_KNOWN,
        };
        forget(self.ledger(), &self.bridge().users, person, way, |_| {}).await
    }

    /// The `auth_id`s of those who are forgotten.
    pub(super) async fn auth_ids(&self) -> anyhow::Result<BTreeSet<AuthId>> {
        let mut auth_ids = BTreeSet::new();
        for name in NAMES {
            auth_ids.extend(self.person(name).await?.auth_ids);
        }
        Ok(auth_ids)
    }

    /// The user of the application says something.
    pub(super) async fn app_says(&self, id: &str, user: &str, text: &str) -> anyhow::Result<()> {
        let body = json!({"type": "message", "id": id, "timestamp": now(), "text": text, "user": {"id": user}});
        self.stage.app_sends(&body).await?;
        self.rest().await;
        Ok(())
    }

    /// Copies the table as it is.
    pub(super) async fn copy_to(&self, other: &Table) -> anyhow::Result<()> {
        copy(self.table(), other, "").await
    }

    pub(super) async fn compact(&self) -> anyhow::Result<()> {
        let file = self.directory.path().join("dynamodb.sqlite");
        EmbeddedDynamoDb::start(Some(&file)).await?.compact().await
    }

    /// The bytes of all files of the database.
    pub(super) fn file(&self) -> anyhow::Result<Vec<u8>> {
        files_in(self.directory.path())
    }
}

/// The events that Haptik delivered of somebody, as they came.
pub(super) fn deliveries_of(stage: &Stage, auth_id: &str) -> Vec<String> {
    stage.simulator().records(|seen| {
        let deliveries = seen.deliveries.iter();
        deliveries
            .filter(|delivery| delivery.auth_id.as_deref() == Some(auth_id))
            .map(|delivery| delivery.body.clone())
            .collect()
    })
}

/// What an event of Haptik's says at another time.
pub(super) fn at(body: &str, at: Timestamp) -> Value {
    let mut event: Value = serde_json::from_str(body).expect("an event");
    event["timestamp"] = at.to_string().into();
    event
}
