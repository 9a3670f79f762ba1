//! The console of a table with as many entries as one likes.

use std::time::Duration;

use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_shared::ids::{AuthId, EntryKey};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Ledger, Payload, State};
use haptik_bridge_shared::retry::FailureReason;
use jiff::Timestamp;
use serde_json::json;

use super::harness::{Console, OF_HAPTIK, OF_SLACK, SAID, ledger};

/// How many entries are written at a time.
const AT_ONCE: usize = 20_000;

/// As many entries as `HAPTIK_BRIDGE_ENTRIES` says: half of them given up, in the last six days, for a few causes a day;
/// every tenth of one user, the others of users with a hundred each.
#[expect(
    clippy::disallowed_methods,
    reason = "it says how long the test may take"
)]
async fn fill(database: &EmbeddedDynamoDb, user: &AuthId) -> anyhow::Result<usize> {
    let wanted = std::env::var("HAPTIK_BRIDGE_ENTRIES").ok();
    let wanted = wanted
        .and_then(|wanted| wanted.parse().ok())
        .unwrap_or(1_000_000);
    let table = &database.table;
    let delivered = table.get(&format!("haptik#{user}"), OF_SLACK).await?;
    let delivered = imported(delivered.expect("it is there"));
    let dead = dead_ones(database).await?;
    let engine = database.engine();
    let failed = |error| anyhow::anyhow!("the ledger cannot be filled: {error}");
    engine.enable_bulk_loading().map_err(failed)?;
    let numbers: Vec<usize> = (0..wanted).collect();
    for some in numbers.chunks(AT_ONCE) {
        let items = some.iter().map(|number| {
            let (kind, like) = match number % 2 {
                0 => ("channel", dead.get(number / 2 % dead.len())),
                _ => ("haptik", Some(&delivered)),
            };
            let mut item = like.cloned().unwrap_or_default();
            let of = if number % 10 == 0 {
                user.to_string()
            } else {
                format!("{:032x}", number / 100)
            };
            let text = |text: String| dynoxide::AttributeValue::S(text);
            item.insert("pk".to_owned(), text(format!("{kind}#{of}")));
            let key = format!("{:020}#message", 10_000 + number);
            item.insert("sk".to_owned(), text(key));
            item.insert("came_as".to_owned(), text(format!("{number:08x}")));
            if let Some(dynoxide::AttributeValue::N(ended)) = item.get_mut("ended_at") {
                // Over twelve hours of that day.
                let within = i64::try_from(number * 7 % 43_200_000).unwrap_or_default();
                *ended = (ended.parse::<i64>().unwrap_or_default() + within).to_string();
            }
            item
        });
        let imported = engine.import_items(
            table.name(),
            items.collect(),
            dynoxide::ImportOptions::default(),
        );
        imported.map_err(failed)?;
    }
    engine.disable_bulk_loading().map_err(failed)?;
    Ok(wanted)
}

/// An entry that was given up for each of a few causes, in the first hour of each of six days.
async fn dead_ones(database: &EmbeddedDynamoDb) -> anyhow::Result<Vec<dynoxide::Item>> {
    let ledger = Ledger::new(database.table.clone(), Duration::from_hours(14 * 24));
    let lane = Lane::Channel("like-this-one".into());
    let mut dead = Vec::new();
    for day in 1..=6 {
        for (number, status) in [400, 401, 403, 404, 422].into_iter().enumerate() {
            let at = Timestamp::now().as_second() / 86_400 - day;
            let at = Timestamp::from_second(at * 86_400 + 60)?;
            let key = EntryKey::from(format!("{:020}#message", day * 10 + i64::try_from(number)?));
            let payload = Payload::Webhook {
                account: "main".into(),
                body: json!({"message": {"body": {"text": SAID}}}).to_string(),
            };
            ledger.append(&lane, &key, &payload, at, at).await?;
            let entry = ledger.entry(&lane, &key).await?.expect("it is there");
            let reason = format!("Slack refused to send the message ({status})");
            let why = FailureReason::from(reason.as_str());
            ledger.end(&entry, State::Dead, Some(why), at).await?;
            let item = database.table.get(&lane.to_string(), key.as_str()).await?;
            dead.push(imported(item.expect("it is there")));
        }
    }
    Ok(dead)
}

/// An item as the engine takes it.
fn imported(item: haptik_bridge_shared::table::Item) -> dynoxide::Item {
    use aws_sdk_dynamodb::types::AttributeValue as Sdk;
    use dynoxide::AttributeValue as Own;
    let value = |value| match value {
        Sdk::S(text) => Some(Own::S(text)),
        Sdk::N(number) => Some(Own::N(number)),
        Sdk::Null(null) => Some(Own::NULL(null)),
        _ => None,
    };
    let fields = item.into_iter();
    fields
        .filter_map(|(name, field)| Some((name, value(field)?)))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "writes a million entries, which takes many minutes"]
async fn each_view_answers_within_two_seconds_whatever_the_table_has() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let (database, ledger, user) = ledger(data.path()).await?;
    let begun = std::time::Instant::now();
    let entries = fill(&database, &user).await?;
    eprintln!("{entries} entries were written in {:?}", begun.elapsed());
    let entry = ledger
        .entry(&Lane::Channel(user.clone()), &OF_HAPTIK.into())
        .await?;
    let id = entry.expect("it is there").correlation_id;
    let toml = data.path().join("bridge.toml");
    std::fs::write(&toml, CONFIG)?;
    let console = Console::start(data.path(), &[])?;
    let dead = console.get("dead").await?;
    let cause = dead["causes"][0]["id"].as_str().unwrap_or_default();
    assert!(dead["causes"].as_array().map(Vec::len) >= Some(5), "{dead}");
    for view in [
        "recent".to_owned(),
        "dead".to_owned(),
        format!("dead/{cause}"),
        "state".to_owned(),
        "outages".to_owned(),
        "audit".to_owned(),
        format!("find?q={id}"),
        "find?q=https%3A%2F%2Facme.slack.com%2Farchives%2FD1%2Fp1795561837856425".to_owned(),
        "find?q=U1".to_owned(),
        "find?q=nobody-knows-this-1".to_owned(),
        format!("conversation?user={user}"),
        format!(
            "entry?lane=channel%23{user}&key={}",
            OF_HAPTIK.replace('#', "%23")
        ),
    ] {
        let mut times = Vec::new();
        for _ in 0..5 {
            let begun = std::time::Instant::now();
            console.get(&view).await?;
            times.push(begun.elapsed());
        }
        times.sort();
        eprintln!(
            "{entries} entries, {:>9.1?} (slowest {:>9.1?}): {view}",
            times[2], times[4]
        );
        assert!(times[4] < Duration::from_secs(2), "{view} takes {times:?}");
    }
    // A replay of one cause begins at once, whatever it has.
    let begun = std::time::Instant::now();
    let wanted = json!({
        "cause": cause, "since": dead["since"], "until": dead["until"], "count": dead["causes"][0]["count"], "is_least": dead["causes"][0]["is_least"],
    });
    let (status, job) = console.post("replay", &wanted).await?;
    let took = begun.elapsed();
    assert_eq!(status, 200, "{job}");
    eprintln!("{entries} entries, {took:>9.1?}: the replay of a cause begins");
    assert!(took < Duration::from_secs(2), "{took:?}");
    let path = format!("replay/{}", job["job"]);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let begun = std::time::Instant::now();
    let shown = console.get(&path).await?;
    let took = begun.elapsed();
    eprintln!(
        "{entries} entries, {took:>9.1?}: its progress ({} under way)",
        shown["pending"]
    );
    assert!(took < Duration::from_secs(2), "{took:?}");
    Ok(())
}

const CONFIG: &str = include_str!("bridge.toml");
