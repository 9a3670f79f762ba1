//! A bridge of which two people have used everything, and what was planted there.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_local::fill::{Wanted, fill};
use haptik_bridge_local::privacy::{Person, Receipt, WayToForget, forget};
use haptik_bridge_processor::Limits;
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::ids::{AuthId, EntryKey};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Ledger, Payload, State};
use haptik_bridge_shared::outage::{Cause, Cursor, Outage};
use haptik_bridge_shared::table::{Item, Table};
use haptik_bridge_simulator::{
    CallFault, CallOutcome, CompletedBy, MESSAGE_PATH, Reply, Settings, UserMessage,
};
use haptik_bridge_tests::app::{App, SECRET};
use haptik_bridge_tests::fake_crm::{FakeCrm, Kind};
use haptik_bridge_tests::fake_slack::Delivery;
use haptik_bridge_tests::fake_twilio::FakeTwilio;
use haptik_bridge_tests::provider::FakeProvider as _;
use haptik_bridge_tests::{Options, Stage};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

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

    async fn slack_says(&self, user: &str, text: &str) -> anyhow::Result<()> {
        let channel = self.stage.slack_user_says(user, text).await;
        let answer = format!("You said: {text}");
        self.stage.slack.wait_for_text(&channel, &answer).await;
        self.rest().await;
        Ok(())
    }

    async fn in_slack(&self) -> anyhow::Result<()> {
        for number in 0..5 {
            self.slack_says("U00000ASHA", &format!("it is {}", plant(number)))
                .await?;
        }
        self.slack_says("U000000BEN", BEN).await?;
        let slack = &self.stage.slack;
        let files = [5, 6].map(|number| {
            slack.add_file(
                &format!("{}.pdf", plant(number)),
                "application/pdf",
                vec![7_u8; 20],
            )
        });
        let channel = slack.dm_channel("U00000ASHA");
        let shared = slack.file_share(&channel, "U00000ASHA", &plant(7), &files);
        self.stage.slack_sends(&shared).await;
        // In a channel, where the thread is remembered.
        let (message, mention) = slack.mention("C00000HELP", "U00000ASHA", &plant(8), None);
        for event in [message, mention] {
            self.stage.slack_sends(&event).await;
        }
        self.rest().await;
        Ok(())
    }

    async fn by_the_application(&self) -> anyhow::Result<()> {
        let user = json!({
            "id": "u-42", "name": plant(9), "email": format!("{}@example.com", plant(10)),
            "mobile_no": "+15550100", "custom_data": {"address": plant(11)},
        });
        let message = json!({
            "type": "message", "id": "m-1", "timestamp": now(), "text": plant(12), "user": user,
            "attachments": [{"url": format!("{}/files/{}.png", self.stage.app.url(), plant(13)), "name": plant(14)}],
        });
        self.stage.app_sends(&message).await?;
        self.rest().await;
        let feedback = json!({
            "type": "feedback", "id": "f-1", "timestamp": now(), "user": {"id": "u-42"}, "rating": 5,
            "resolved": true, "comment": plant(15),
        });
        self.stage.app_sends(&feedback).await?;
        let asked = json!({
            "id": "h-1", "timestamp": now(), "message": plant(17), "team_name": "Support", "user": {"id": "u-42"},
            "transcript": [{"sender": "user", "text": plant(18)}, {"sender": "bot", "text": plant(19)}],
        });
        let url = format!("{}/handoff", self.stage.channel_url("my-app"));
        let (status, answer) = self.stage.app.send(&url, &asked).await?;
        anyhow::ensure!(status == 202, "{answer}");
        self.rest().await;
        let (status, answer) = self.stage.app.delete(&format!("{url}/u-42")).await?;
        anyhow::ensure!(status < 300, "{status} {answer}");
        self.app_says("m-ben", "u-7", BEN).await?;
        Ok(())
    }

    /// Somebody on a channel that reports later, who stays: whose receipt is open.
    async fn by_twilio(&self) -> anyhow::Result<()> {
        let user = self.twilio.user(1);
        self.stage.takes(&self.twilio.say(&user, BEN)).await?;
        let shown =
            |shown: &[haptik_bridge_tests::provider::Shown]| (!shown.is_empty()).then_some(());
        self.stage.shown(&user, "an answer", shown).await?;
        self.rest().await;
        Ok(())
    }

    async fn at_haptik(&self) -> anyhow::Result<()> {
        let simulator = self.stage.simulator();
        for (at, auth_id) in self.auth_ids().await?.iter().enumerate() {
            let id = auth_id.as_str();
            let first = 20 + at * 3;
            simulator.agent_joins(id)?;
            simulator.agent_says_text(id, &plant(first))?;
            simulator.say_text(id, &plant(first + 1))?;
            simulator.completes(id, CompletedBy::Agent)?;
            simulator.deliver(&json!({
                "event_name": "brand_new", "timestamp": now(), "user": {"auth_id": id}, "data": {"note": plant(first + 2)},
            }));
            // Above 300 kB: it is kept in pieces.
            let long = format!("{} {}", "x".repeat(310_000), plant(16));
            simulator.deliver(&json!({
                "event_name": "long_one", "timestamp": now(), "user": {"auth_id": id}, "data": {"note": long},
            }));
        }
        let enough = |seen: &haptik_bridge_simulator::Records| seen.deliveries.len() >= 10;
        simulator.wait_until(PATIENCE, enough).await?;
        self.crm.wait_for_tickets(2).await;
        // An event of nobody that names somebody all the same.
        simulator.deliver(&json!({
            "event_name": "of_nobody", "timestamp": now(), "data": {"note": plant(26), "who": "U00000ASHA"},
        }));
        simulator.deliver(
            &json!({"event_name": "of_nobody", "timestamp": now(), "data": {"note": BEN}}),
        );
        let until = std::time::Instant::now() + PATIENCE;
        while self.audit.of_type("of_nobody").len() < 2 {
            anyhow::ensure!(
                std::time::Instant::now() < until,
                "the sink has not got them"
            );
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        self.rest().await;
        Ok(())
    }

    async fn given_up_and_not_understood(&self) -> anyhow::Result<()> {
        let simulator = self.stage.simulator();
        for (number, id) in [(27, "m-refused"), (28, "m-refused-too")] {
            let body = json!({"error_message": format!("{} is not allowed", plant(number + 2))});
            simulator.add_call_fault(CallFault {
                times: Some(1),
                ..CallFault::on(
                    MESSAGE_PATH,
                    CallOutcome::Status {
                        status: 400,
                        retry_after: None,
                        body: Some(body),
                    },
                )
            });
            self.app_says(id, "u-42", &plant(number)).await?;
        }
        let url = self.stage.channel_url("acme-slack");
        for (number, body, kind) in [
            (31, json!({"type": "event_callback", "event": {"type": "message", "text": plant(31), "user": {"id": "U00000ASHA"}}}).to_string(), "application/json"),
            (32, format!("payload={}&user=U00000ASHA", plant(32)), "application/x-www-form-urlencoded"),
            (0, format!("payload={BEN}"), "application/x-www-form-urlencoded"),
        ] {
            let answer = self.stage.slack.client();
            let answer = answer.deliver(&url, &Delivery::raw(body, kind)).await;
            anyhow::ensure!(answer.status == 200, "{number}");
        }
        // Above 300 kB, and by an address alone.
        simulator.deliver_raw(format!(
            "{{\"event_name\": \"\", \"note\": \"{} {}\", \"mail\": \"{}@example.com\"}}",
            "x".repeat(310_000),
            plant(33),
            plant(10)
        ));
        let until = std::time::Instant::now() + PATIENCE;
        let since = Timestamp::now() - SignedDuration::from_hours(1);
        while self.ledger().count_dead(since, 10).await? < 6 {
            anyhow::ensure!(std::time::Instant::now() < until, "too little is dead");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        self.rest().await;
        Ok(())
    }

    /// What there is after an outage and in the middle of a run, put there by the code that does.
    async fn in_the_table(&self) -> anyhow::Result<()> {
        let (bridge, now) = (self.bridge(), Timestamp::now());
        let auth_ids = self.auth_ids().await?;
        let mut outage = Outage::noticed("main".into(), now, now, Cause::Silence);
        for (at, auth_id) in auth_ids.iter().enumerate() {
            let key = format!("{:020}#message", 900 + at).into();
            bridge.outages.recovered(&outage, auth_id, &key).await?;
            let reason = format!("its transcript has {}", plant(34 + at));
            bridge.outages.unchecked(&outage, auth_id, &reason).await?;
        }
        let mut cursor = Cursor::new(now);
        cursor.after = auth_ids.first().cloned();
        outage.cursor = Some(cursor);
        bridge.outages.put(&outage).await?;
        let mut user = bridge
            .users
            .get(auth_ids.last().expect("two"))
            .await?
            .expect("known");
        user.user_name = Some(plant(36));
        bridge.users.put_conversation(&user).await?;
        bridge
            .activity
            .note(&"main".into(), &user.auth_id, now)
            .await?;
        self.app_says("m-two", "u-42", &format!("{} {}", plant(37), plant(38)))
            .await?;
        self.slack_says("U00000ASHA", &plant(39)).await?;
        let wanted = Wanted {
            sink: "audit".to_owned(),
            since: now,
            until: Timestamp::now(),
            users: auth_ids.clone(),
        };
        let bridge = self.stage.local.bridge.clone();
        let run = tokio::spawn(async move { fill(&bridge, &wanted, |_| panic!("stopped")).await });
        anyhow::ensure!(run.await.is_err(), "it is stopped on purpose");
        // A hand-off that is over, and due all the same: the process was stopped in between.
        let due = haptik_bridge_shared::users::Due::at_once(&user.auth_id, "h-1");
        let mut item = haptik_bridge_shared::table::key("due#handoff", due);
        item.insert(
            "auth_id".to_owned(),
            AttributeValue::S(user.auth_id.to_string()),
        );
        item.insert("id".to_owned(), AttributeValue::S("h-1".to_owned()));
        self.table().put(item).await?;
        haptik_bridge_local::audit::record(self.table(), "somebody", "looked", "", 1).await?;
        self.what_others_tapped(&auth_ids).await?;
        // Somebody else was forgotten before.
        let other = AuthId::from("somebody-else");
        let tombstone = self.table().put_tombstone(&other, now).await?;
        self.table().end_removal(&tombstone).await?;
        Ok(())
    }

    /// What Ben tapped, of messages that were for them, and what is to be done in the channel for it.
    async fn what_others_tapped(&self, auth_ids: &BTreeSet<AuthId>) -> anyhow::Result<()> {
        let (ledger, now) = (self.ledger(), Timestamp::now());
        let ben = AuthId::derive(&"acme-slack".into(), "U000000BEN", None);
        for (at, whose) in auth_ids.iter().enumerate() {
            let key = EntryKey::from(format!("{:020}#D1", 800 + at));
            let (connection, value) = ("acme-slack", json!({"f": "0001#message", "a": whose}));
            let inbound = json!({
                "key": key, "at": now, "auth_id": ben, "user": "U000000BEN", "address": {"channel": "C1"},
                "action": {"type": "choice", "message": {"auth_id": whose, "key": "0001#message"}, "index": 0},
            });
            let command =
                json!({"body": {"blocks": [{"elements": [{"value": value.to_string()}]}]}});
            let task = json!({"key": key, "at": now, "auth_id": ben, "command": command});
            for (lane, payload) in [
                (
                    Lane::Haptik(ben.clone()),
                    json!({"kind": "inbound", "connection": connection, "inbound": inbound}),
                ),
                (
                    Lane::Task(ben.clone()),
                    json!({"kind": "task", "connection": connection, "task": task}),
                ),
            ] {
                let payload: Payload = serde_json::from_value(payload)?;
                ledger.append(&lane, &key, &payload, now, now).await?;
                let entry = ledger.entry(&lane, &key).await?;
                let entry = entry.ok_or_else(|| anyhow::anyhow!("it is not there"))?;
                ledger.end(&entry, State::Delivered, None, now).await?;
            }
        }
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

pub(super) fn files_in(directory: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        bytes.extend(std::fs::read(entry?.path())?);
    }
    Ok(bytes)
}

/// All items of a table.
pub(super) async fn all_of(table: &Table) -> anyhow::Result<Vec<Item>> {
    let mut items = table
        .client()
        .scan()
        .table_name(table.name())
        .consistent_read(true)
        .into_paginator()
        .items()
        .send();
    let mut all = Vec::new();
    while let Some(item) = items.next().await {
        all.push(item?);
    }
    Ok(all)
}

/// The keys of all items.
pub(super) async fn keys(table: &Table) -> anyhow::Result<Vec<(String, String)>> {
    let part = |item: &Item, name: &str| item[name].as_s().cloned().unwrap_or_default();
    let items = all_of(table).await?;
    Ok(items
        .iter()
        .map(|item| (part(item, "pk"), part(item, "sk")))
        .collect())
}

/// The keys of the items that have one of these names, and which.
pub(super) async fn having(table: &Table, names: &[&str]) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for item in all_of(table).await? {
        let text = format!("{item:?}");
        let has = names.iter().find(|name| text.contains(**name));
        found.extend(has.map(|name| format!("{:?} {:?} has {name}", item["pk"], item["sk"])));
    }
    Ok(found)
}

/// All that a table has, as one text.
pub(super) async fn bytes_of(table: &Table) -> anyhow::Result<String> {
    Ok(format!("{:?}", all_of(table).await?))
}

/// Copies a table into an empty one, without its tombstones and partitions whose key begins so.
pub(super) async fn copy(from: &Table, to: &Table, without: &str) -> anyhow::Result<()> {
    let is_copied =
        |pk: &String| pk != "forgotten" && (without.is_empty() || !pk.starts_with(without));
    for item in all_of(from).await? {
        if item["pk"].as_s().is_ok_and(is_copied) {
            to.put(item).await?;
        }
    }
    Ok(())
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
