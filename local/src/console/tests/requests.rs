//! What each view asks of the table does not grow with the table: its requests are counted, over a table with few
//! entries of everything and over one with many.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use axum::body::{Body, to_bytes};
use haptik_bridge_channels::memory::Memory;
use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_local::registry;
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::ids::{AuthId, CorrelationId, EntryKey};
use haptik_bridge_shared::key::KeyKind;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Ledger, Payload, State};
use haptik_bridge_shared::net;
use haptik_bridge_shared::outage::{self, Outage};
use haptik_bridge_shared::queue::{Queue, QueueError, Repeat, Ring};
use haptik_bridge_shared::table::Item;
use haptik_bridge_shared::users::UserMap;
use http::{Request, header};
use jiff::Timestamp;
use tower::ServiceExt as _;

use super::super::*;

const CONFIG: &str = include_str!("../../../tests/console/bridge.toml");

const BIG_USER: &str = "biguser";
const REASON: &str = "Haptik refused the message (400)";

#[derive(Debug)]
struct Deaf;

#[async_trait]
impl Queue for Deaf {
    async fn ring(&self, _: &Ring, _: Repeat) -> Result<(), QueueError> {
        Ok(())
    }
}

struct Scene {
    database: EmbeddedDynamoDb,
    router: Router,
    token: String,
}

impl Scene {
    /// A console of a table that has as many of everything as that.
    async fn with(many: usize) -> anyhow::Result<Self> {
        let database = EmbeddedDynamoDb::start(None).await?;
        fill(&database, many).await?;
        let config = Config::parse(CONFIG, &registry::all());
        let config = config.map_err(|error| anyhow::anyhow!("{error}"))?;
        let (table, http) = (&database.table, net::client()?);
        let bridge = Bridge::with_client(config, table.clone(), Arc::new(Deaf), &http)?;
        let inbound = Inbound::new(Arc::new(bridge), table, &http, &Memory::default())?;
        let console = Console::of(
            Arc::new(inbound),
            "a test".to_owned(),
            false,
            Steps::Nowhere,
        );
        let guard = Guard::new(LISTEN)?;
        let token = guard.url();
        let token = token.split_once("token=").context("a token")?.1.to_owned();
        let router = Arc::new(console).router(guard);
        Ok(Self {
            database,
            router,
            token,
        })
    }

    async fn ask(&self, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let method = if body.is_some() { "POST" } else { "GET" };
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/{path}"))
            .header(header::HOST, "127.0.0.1:3001")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let answer = self.router.clone().oneshot(request.body(body)?).await?;
        let status = answer.status();
        let text = to_bytes(answer.into_body(), usize::MAX).await?;
        let text = String::from_utf8_lossy(&text).into_owned();
        anyhow::ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(serde_json::from_str(&text)?)
    }

    /// How many calls of the table a view makes, by their kind; and what it answers.
    async fn calls(&self, path: &str) -> anyhow::Result<(BTreeMap<&'static str, u64>, Value)> {
        let calls = self.database.calls();
        let before: BTreeMap<_, _> = calls.counts().collect();
        let answer = self.ask(path, None).await?;
        let after = calls.counts();
        let made = after.map(|(name, count)| (name, count - before.get(name).unwrap_or(&0)));
        Ok((made.filter(|(_, count)| *count > 0).collect(), answer))
    }
}

/// So many of everything that a view could read: entries of one user, entries with one name, dead ones of one cause,
/// users, outages, messages that were recovered after one, records of who looked.
async fn fill(database: &EmbeddedDynamoDb, many: usize) -> anyhow::Result<()> {
    let table = &database.table;
    let ledger = Ledger::new(table.clone(), Duration::from_hours(24));
    let user = AuthId::from(BIG_USER);
    let now = Timestamp::now();
    let payload = Payload::Webhook {
        account: "main".into(),
        body: "{}".to_owned(),
    };
    let (lane, key) = (Lane::Channel(user.clone()), key(1));
    ledger.append(&lane, &key, &payload, now, now).await?;
    let entry = ledger.entry(&lane, &key).await?.context("it is there")?;
    ledger
        .end(&entry, State::Dead, Some(REASON.into()), now)
        .await?;
    let dead = item(database, &lane.to_string(), key.as_str()).await?;
    let users = UserMap::new(table.clone());
    let known = json!({"auth_id": user, "connection": "app", "channel_user": "u", "address": {}, "last_activity": 0});
    users.put_place(&serde_json::from_value(known)?).await?;
    let known = item(database, &format!("user#{user}"), "user").await?;
    let outages = outage::Outages::new(table.clone());
    let began = now.checked_sub(jiff::SignedDuration::from_hours(48))?;
    let record = Outage::noticed("main".into(), began, now, outage::Cause::Silence);
    outages.put(&record).await?;
    let mut puts = Vec::new();
    for number in 2..=many {
        let id = format!("{number:08x}");
        let mut of_user = dead.clone();
        of_user.insert("sk".to_owned(), text(self::key(number).as_str()));
        let mut of_others = of_user.clone();
        of_others.insert("pk".to_owned(), text(&format!("channel#{id}")));
        let mut same_name = known.clone();
        same_name.insert("pk".to_owned(), text(&format!("user#{id}")));
        puts.extend([of_user, of_others, same_name]);
        let activity = bridge_activity(database, &id, now).await;
        activity?;
        outages
            .recovered(&record, &id.as_str().into(), &key)
            .await?;
        let at = began.checked_add(jiff::SignedDuration::from_secs(i64::try_from(number)?))?;
        let other = Outage::noticed("main".into(), at, now, outage::Cause::Silence);
        outages.put(&other).await?;
        let mut looked = haptik_bridge_shared::table::key(
            format!("audit#{}", &now.to_string()[..7]),
            format!("{now:.6}#{id}"),
        );
        looked.insert("who".to_owned(), text("asha"));
        puts.push(looked);
    }
    for some in puts.chunks(25) {
        let some = some.iter().map(|item| {
            let put = PutRequest::builder().set_item(Some(item.clone())).build()?;
            Ok(WriteRequest::builder().put_request(put).build())
        });
        let some = some.collect::<anyhow::Result<Vec<_>>>()?;
        let client = table.client();
        let write = client.batch_write_item().request_items(table.name(), some);
        write.send().await?;
    }
    Ok(())
}

async fn bridge_activity(
    database: &EmbeddedDynamoDb,
    user: &str,
    at: Timestamp,
) -> anyhow::Result<()> {
    let activity = haptik_bridge_shared::activity::Activity::new(database.table.clone());
    Ok(activity.note(&"main".into(), &user.into(), at).await?)
}

async fn item(database: &EmbeddedDynamoDb, pk: &str, sk: &str) -> anyhow::Result<Item> {
    let found = database.table.get(pk, sk).await?;
    found.with_context(|| format!("there is no {pk} {sk}"))
}

fn key(number: usize) -> EntryKey {
    let id = u64::try_from(number).unwrap_or_default();
    KeyKind::Message { id }.into()
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn encoded(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

#[tokio::test]
async fn the_requests_of_each_view_do_not_grow_with_what_the_table_has() -> anyhow::Result<()> {
    let (few, many) = (Scene::with(1_050).await?, Scene::with(1_500).await?);
    let lane = Lane::Channel(BIG_USER.into());
    let id = CorrelationId::of(&lane, &key(1));
    let dead = many.ask("dead", None).await?;
    let cause = dead["causes"][0]["id"].as_str().context("a cause")?;
    let entry = format!(
        "lane={}&key={}",
        encoded(&lane.to_string()),
        encoded(key(1).as_str())
    );
    let views = [
        ("about".to_owned(), 0),
        ("turned-away".to_owned(), 0),
        ("recent".to_owned(), 110),
        ("find?q=u".to_owned(), 60),
        (format!("find?q={BIG_USER}"), 60),
        (format!("find?q={id}"), 20),
        ("find?q=1".to_owned(), 20),
        (
            "find?q=https%3A%2F%2Facme.slack.com%2Farchives%2FD1%2Fp1795561837856425".to_owned(),
            20,
        ),
        ("find?q=app%2Fu".to_owned(), 60),
        (format!("conversation?user={BIG_USER}"), 8),
        (format!("entry?{entry}"), 1),
        (format!("steps?{entry}"), 1),
        ("dead".to_owned(), 24),
        (format!("dead/{cause}"), 20),
        ("state".to_owned(), 8),
        ("outages".to_owned(), 110),
        ("audit".to_owned(), 16),
    ];
    for (view, most) in views {
        let (of_few, _) = few.calls(&view).await?;
        let (of_many, answer) = many.calls(&view).await?;
        let count: u64 = of_many.values().sum();
        assert_eq!(of_few, of_many, "{view}");
        assert!(!of_many.contains_key("Scan"), "{view} scans");
        assert!(count <= most, "{view}: {of_many:?}");
        let length = answer.to_string().len();
        assert!(length < 300_000, "{view} answers with {length} bytes");
    }
    Ok(())
}

#[tokio::test]
async fn causes_are_counted_each_by_one_query_and_a_thousand_a_day_is_at_least_that()
-> anyhow::Result<()> {
    let scene = Scene::with(1_050).await?;
    let dead = scene.ask("dead", None).await?;
    assert_eq!(dead["causes"][0]["reason"], REASON, "{dead}");
    assert_eq!(dead["causes"][0]["way"], "channel");
    assert_eq!(dead["causes"][0]["count"], 1_000);
    assert_eq!(dead["causes"][0]["is_least"], true);
    assert_eq!(dead["count_is_least"], true);
    // One of another cause, long before all of these, is seen beside them.
    let table = scene.database.table.clone();
    let ledger = Ledger::new(table, Duration::from_hours(24));
    let lane = Lane::Sink {
        sink: "crm".to_owned(),
        auth_id: "a".into(),
    };
    let before = Timestamp::now().checked_sub(jiff::SignedDuration::from_hours(40))?;
    let payload = Payload::Webhook {
        account: "main".into(),
        body: "x".repeat(700_000),
    };
    ledger
        .append(&lane, &key(7), &payload, before, before)
        .await?;
    let entry = ledger.entry(&lane, &key(7)).await?.context("it is there")?;
    let why = "the CRM does not answer";
    ledger
        .end(&entry, State::Dead, Some(why.into()), before)
        .await?;
    let dead = scene.ask("dead", None).await?;
    assert_eq!(dead["causes"][1]["reason"], why, "{dead}");
    assert_eq!(dead["causes"][1]["count"], 1);
    assert_eq!(dead["causes"][1]["way"], "sink#crm");
    // A list does not read what is large: not one call more.
    let id = dead["causes"][1]["id"].as_str().context("a cause")?;
    let (calls, listed) = scene.calls(&format!("dead/{id}")).await?;
    assert_eq!(listed["entries"][0]["kind"], "large", "{listed}");
    assert!(!calls.contains_key("GetItem"), "{calls:?}");
    Ok(())
}

#[tokio::test]
async fn all_of_a_cause_are_taken_up_once_from_a_count_that_was_agreed_to_and_go_on_after_a_stop()
-> anyhow::Result<()> {
    let scene = Scene::with(1_050).await?;
    let dead = scene.ask("dead", None).await?;
    let wanted = json!({
        "cause": dead["causes"][0]["id"], "since": dead["since"], "until": dead["until"],
        "count": dead["causes"][0]["count"],
    });
    let mut wrong = wanted.clone();
    wrong["count"] = json!(999);
    let refused = scene.ask("replay", Some(wrong)).await;
    let refused = refused.expect_err("nobody agreed to that").to_string();
    assert!(refused.contains("999 were agreed to"), "{refused}");
    let job = scene.ask("replay", Some(wanted.clone())).await?;
    let stopped = scene
        .ask(&format!("replay/{}/stop", job["job"]), Some(json!({})))
        .await?;
    assert_eq!(stopped["stopped"], true);
    let first = scene.over(&job["job"]).await?;
    let taken = first["pending"].as_u64().context("a number")?;
    assert!(taken < 2_099, "{first}");
    // It goes on: what is left is counted again, and all of it is taken up.
    let dead = scene.ask("dead", None).await?;
    let mut rest = wanted;
    rest["until"] = dead["until"].clone();
    rest["count"] = dead["causes"][0]["count"].clone();
    let job = scene.ask("replay", Some(rest)).await?;
    let second = scene.over(&job["job"]).await?;
    let also = second["pending"].as_u64().context("a number")?;
    assert_eq!(taken + also, 2_099, "{first} {second}");
    assert_eq!(scene.ask("dead", None).await?["count"], 0);
    // A look at the progress of very many is a bounded one, too.
    let (calls, _) = scene.calls(&format!("replay/{}", job["job"])).await?;
    assert!(calls.values().sum::<u64>() <= 2, "{calls:?}");
    let audit = scene.ask("audit", None).await?;
    let what = audit["records"][0]["what"].as_str().unwrap_or_default();
    assert_eq!(what, format!("channel: {REASON}"), "{audit}");
    Ok(())
}

impl Scene {
    /// A replay when nothing more is taken up.
    async fn over(&self, job: &Value) -> anyhow::Result<Value> {
        let mut last = Value::Null;
        for _ in 0..600 {
            let shown = self.ask(&format!("replay/{job}"), None).await?;
            if shown["done"] == true || (shown == last && shown["pending"] != 0) {
                return Ok(shown);
            }
            last = shown;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("the replay is not over: {last}")
    }
}
