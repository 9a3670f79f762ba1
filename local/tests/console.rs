//! The console of the real binary, on the data directory of a bridge: what it answers to whom, that it finds what
//! people look for, and that it never reads the table.

#[path = "console/harness.rs"]
mod harness;
#[path = "console/large.rs"]
mod large;
#[path = "console/privacy.rs"]
mod privacy;

use std::time::Duration;

use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::State;
use jiff::Timestamp;
use serde_json::{Value, json};

use harness::{Console, OF_HAPTIK, OF_SLACK, SAID, give_up, ledger};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_found_by_whatever_is_known_of_it() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let (_database, ledger, user) = ledger(data.path()).await?;
    let console = Console::start(data.path(), &[])?;
    let entry = ledger
        .entry(&Lane::Channel(user.clone()), &OF_HAPTIK.into())
        .await?
        .expect("it is there");
    for (name, key) in [
        (
            "https://acme.slack.com/archives/D1/p1795561837856425",
            OF_SLACK,
        ),
        ("1795561837.856425", OF_SLACK),
        ("4242", OF_SLACK),
        (OF_SLACK, OF_SLACK),
        ("902", OF_HAPTIK),
        (entry.correlation_id.as_str(), OF_HAPTIK),
    ] {
        assert_eq!(console.found(name).await?, [key], "{name}");
    }
    for name in [
        "903",
        "https://acme.slack.com/archives/D1/p1795561837856426",
        "D",
        "nobody",
    ] {
        assert!(console.found(name).await?.is_empty(), "{name}");
    }
    for name in ["U1", "T1:U1", "acme-slack/U1", user.as_str()] {
        let found = console.get(&format!("find?q={name}")).await?;
        assert_eq!(
            found["users"][0]["auth_id"],
            user.as_str(),
            "{name}: {found}"
        );
    }
    let conversation = console.get(&format!("conversation?user={user}")).await?;
    assert_eq!(conversation["entries"].as_array().map(Vec::len), Some(2));
    assert_eq!(conversation["next"], Value::Null);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_said_is_shown_only_where_it_was_asked_for_and_each_look_is_recorded()
-> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let (_database, _ledger, user) = ledger(data.path()).await?;
    let entry = format!(
        "entry?lane=channel%23{user}&key={}",
        OF_HAPTIK.replace('#', "%23")
    );
    let views = [
        "about",
        "recent",
        "dead",
        "state",
        "outages",
        "audit",
        "turned-away",
        "find?q=902",
    ];
    let console = Console::start(data.path(), &[])?;
    let conversation = format!("conversation?user={user}");
    for view in views
        .into_iter()
        .chain([entry.as_str(), conversation.as_str()])
    {
        let shown = console.get(view).await?.to_string();
        assert!(!shown.contains(SAID), "{view}: {shown}");
    }
    assert_eq!(console.get("audit").await?["records"], json!([]));
    drop(console);
    let console = Console::start(data.path(), &["--bodies"])?;
    let shown = console.get(&entry).await?;
    assert_eq!(shown["payload"]["message"]["body"]["text"], SAID);
    assert_eq!(shown["detail"], SAID);
    let records = console.get("audit").await?["records"].clone();
    assert_eq!(records[0]["who"], "asha@desk", "{records}");
    assert_eq!(records[0]["did"], "looked");
    assert_eq!(
        records[0]["what"], shown["correlation_id"],
        "and nobody's name"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_selection_is_delivered_again_once_and_recorded() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let (_database, ledger, user) = ledger(data.path()).await?;
    let console = Console::start(data.path(), &[])?;
    let place = json!({"lane": format!("channel#{user}"), "key": OF_HAPTIK});
    let wrong = json!({"places": [place], "count": 2});
    assert_eq!(console.post("replay", &wrong).await?.0, 400);
    assert!(
        ledger.pending_lanes().await?.is_empty(),
        "nobody agreed to it"
    );
    let selected = json!({"places": [place], "count": 1});
    let (status, job) = console.post("replay", &selected).await?;
    assert_eq!(status, 200, "{job}");
    let path = format!("replay/{}", job["job"]);
    let progress = async || -> anyhow::Result<Value> {
        for _ in 0..100 {
            let job = console.get(&path).await?;
            if job["pending"] == 1 || job["done"] == true {
                return Ok(job);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::bail!("the replay never began")
    };
    assert_eq!(progress().await?["pending"], 1);
    let lane = Lane::Channel(user);
    let (pending, _) = ledger.pending(&lane).await?;
    assert!(pending[0].revived_at.is_some());
    let now = Timestamp::now();
    ledger.end(&pending[0], State::Delivered, None, now).await?;
    let job = console.get(&path).await?;
    assert_eq!(
        (&job["delivered"], &job["done"]),
        (&json!(1), &json!(true)),
        "{job}"
    );
    // Again: it is not dead any more.
    let (_, job) = console.post("replay", &selected).await?;
    let path = format!("replay/{}", job["job"]);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let job = console.get(&path).await?;
    assert_eq!(
        (&job["not_dead"], &job["done"]),
        (&json!(1), &json!(true)),
        "{job}"
    );
    let records = console.get("audit").await?["records"].clone();
    assert_eq!(records.as_array().map(Vec::len), Some(2), "{records}");
    assert_eq!(
        (&records[0]["did"], &records[0]["count"]),
        (&json!("replayed"), &json!(1))
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_given_up_comes_by_pages_the_last_first_and_each_once() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let (_database, ledger, user) = ledger(data.path()).await?;
    let many = 450;
    for number in 1_000..1_000 + many {
        give_up(&ledger, &user, &format!("{number:020}#message")).await?;
    }
    let console = Console::start(data.path(), &[])?;
    let mut keys = Vec::new();
    let dead = console.get("dead").await?;
    assert_eq!(dead["count"], many + 1);
    let causes = dead["causes"].as_array().cloned().unwrap_or_default();
    assert_eq!(causes.len(), 1, "{dead}");
    assert_eq!(causes[0]["way"], "channel");
    assert_eq!(
        causes[0]["reason"],
        "Slack refused to send the message (invalid_auth)"
    );
    let cause = causes[0]["id"].as_str().unwrap_or_default();
    let mut page = console.get(&format!("dead/{cause}")).await?;
    loop {
        let entries = page["entries"].as_array().cloned().unwrap_or_default();
        assert!(entries.len() <= 100);
        keys.extend(
            entries
                .iter()
                .map(|entry| entry["key"].as_str().unwrap_or_default().to_owned()),
        );
        if page["next"].is_null() {
            break;
        }
        let after = page["next"].to_string();
        let after: String = url::form_urlencoded::byte_serialize(after.as_bytes()).collect();
        page = console.get(&format!("dead/{cause}?after={after}")).await?;
    }
    assert_eq!(
        keys.last().map(String::as_str),
        Some(OF_HAPTIK),
        "the first is the last"
    );
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), many + 1);
    // A conversation comes by pages, too: over all its lanes the last first, and each once.
    let (mut times, mut shown) = (Vec::new(), Vec::new());
    let mut before = String::new();
    loop {
        let page = console
            .get(&format!("conversation?user={user}{before}"))
            .await?;
        for entry in page["entries"].as_array().into_iter().flatten() {
            let at = entry["received_at"].as_str().unwrap_or_default();
            times.push(at.parse::<jiff::Timestamp>()?);
            shown.push(format!("{} {}", entry["lane"], entry["key"]));
        }
        if page["next"].is_null() {
            break;
        }
        let next = page["next"].to_string();
        let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        before = format!("&before={next}");
    }
    assert!(times.is_sorted_by(|later, earlier| later >= earlier));
    shown.sort();
    shown.dedup();
    assert_eq!((times.len(), shown.len()), (many + 2, many + 2));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_is_answered() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let _ledger = ledger(data.path()).await?;
    let console = Console::start(data.path(), &[])?;
    let dead = format!("{}/api/dead", console.base);
    let ask = |url: &str| console.http.get(url);
    assert_eq!(ask(&dead).send().await?.status(), 401);
    assert_eq!(ask(&console.base).send().await?.status(), 401);
    let script = format!("{}/page/app.js", console.base);
    assert_eq!(ask(&script).send().await?.status(), 401);
    let from_elsewhere = ask(&dead).bearer_auth(&console.token);
    let from_elsewhere = from_elsewhere.header("origin", "https://evil.example");
    assert_eq!(from_elsewhere.send().await?.status(), 403);
    let by_name = ask(&dead).bearer_auth(&console.token);
    assert_eq!(
        by_name
            .header("host", "evil.example")
            .send()
            .await?
            .status(),
        421
    );
    assert_eq!(
        ask(&dead)
            .bearer_auth(&console.token)
            .send()
            .await?
            .status(),
        200
    );
    Ok(())
}
