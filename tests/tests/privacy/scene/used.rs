//! What two people do who use everything, and what else is in the table when they have.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use haptik_bridge_local::fill::{Wanted, fill};
use haptik_bridge_shared::ids::{AuthId, EntryKey};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Payload, State};
use haptik_bridge_shared::outage::{Cause, Cursor, Outage, Unchecked};
use haptik_bridge_simulator::{CallFault, CallOutcome, CompletedBy, MESSAGE_PATH};
use haptik_bridge_tests::fake_slack::Delivery;
use haptik_bridge_tests::provider::FakeProvider as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{BEN, PATIENCE, Scene, now, plant};

impl Scene {
    async fn slack_says(&self, user: &str, text: &str) -> anyhow::Result<()> {
        let channel = self.stage.slack_user_says(user, text).await;
        let answer = format!("You said: {text}");
        self.stage.slack.wait_for_text(&channel, &answer).await;
        self.rest().await;
        Ok(())
    }

    pub(super) async fn in_slack(&self) -> anyhow::Result<()> {
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

    pub(super) async fn by_the_application(&self) -> anyhow::Result<()> {
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
    pub(super) async fn by_twilio(&self) -> anyhow::Result<()> {
        let user = self.twilio.user(1);
        self.stage.takes(&self.twilio.say(&user, BEN)).await?;
        let shown =
            |shown: &[haptik_bridge_tests::provider::Shown]| (!shown.is_empty()).then_some(());
        self.stage.shown(&user, "an answer", shown).await?;
        self.rest().await;
        Ok(())
    }

    pub(super) async fn at_haptik(&self) -> anyhow::Result<()> {
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

    pub(super) async fn given_up_and_not_understood(&self) -> anyhow::Result<()> {
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
    pub(super) async fn in_the_table(&self) -> anyhow::Result<()> {
        let (bridge, now) = (self.bridge(), Timestamp::now());
        let auth_ids = self.auth_ids().await?;
        let mut outage = Outage::noticed("main".into(), now, now, Cause::Silence);
        for (at, auth_id) in auth_ids.iter().enumerate() {
            let key = format!("{:020}#message", 900 + at).into();
            bridge.outages.recovered(&outage, auth_id, &key).await?;
            let unchecked = Unchecked {
                auth_id: auth_id.clone(),
                reason: format!("its transcript has {}", plant(34 + at)),
                tries: None,
            };
            bridge.outages.unchecked(&outage, &unchecked).await?;
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
}
