//! A person is exported and forgotten in the console: what is asked first, what is shown and recorded, who is refused.

use std::process::Command;
use std::time::Duration;

use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::Payload;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::harness::{Console, SAID, ledger, program};

const NAME: &str = "acme-slack/T1:U1";

/// Waits until somebody is forgotten; how that ended.
async fn ended(console: &Console, job: &Value) -> anyhow::Result<Value> {
    for _ in 0..400 {
        let progress = console
            .get(&format!("person/forget/{}", job["job"]))
            .await?;
        if progress["done"] == true {
            return Ok(progress);
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    anyhow::bail!("it never ends")
}

/// What the audit has: who did what, and of whom.
async fn recorded(console: &Console) -> anyhow::Result<Vec<[String; 3]>> {
    let records = console.get("audit").await?["records"].clone();
    let records = records.as_array().cloned().unwrap_or_default();
    let field = |record: &Value, name: &str| record[name].as_str().unwrap_or_default().to_owned();
    Ok(records
        .iter()
        .map(|record| ["who", "did", "what"].map(|name| field(record, name)))
        .collect())
}

/// All that the views have of a table, as one text.
async fn shown(console: &Console) -> anyhow::Result<String> {
    let mut shown = String::new();
    for view in [
        "about",
        "recent",
        "dead",
        "state",
        "outages",
        "audit",
        "turned-away",
        "find?q=902",
        "find?q=4242",
    ] {
        shown += &console.get(view).await?.to_string();
    }
    Ok(shown)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_exported_and_forgotten_once_the_id_was_typed_in() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let (database, _ledger, user) = ledger(data.path()).await?;
    drop(database);
    let began = Timestamp::now() - SignedDuration::from_secs(1);
    let console = Console::start(data.path(), &["--bodies"])?;
    let known = console.get(&format!("person?user={user}")).await?;
    assert_eq!(known["names"], json!([NAME, user]));
    assert_eq!(known["counts"]["entries"], 2, "{known}");
    assert_eq!(known["counts"]["users"], 1, "{known}");
    assert!(
        known["elsewhere"].to_string().contains("acme-slack"),
        "{known}"
    );

    // It is meant only by whoever types the person's id.
    for typed in ["", "yes", "acme-slack/T1:U2", "U1"] {
        let asked = json!({"user": user, "typed": typed, "cut_off": false});
        for path in ["person/export", "person/forget"] {
            let (status, said) = console.post(path, &asked).await?;
            assert_eq!(status, 400, "{path} {typed:?}: {said}");
            assert!(
                said["error"]
                    .as_str()
                    .is_some_and(|words| words.contains("nothing was done"))
            );
        }
    }
    assert_eq!(recorded(&console).await?, Vec::<[String; 3]>::new());

    let (status, exported) = console
        .post("person/export", &json!({"user": user, "typed": NAME}))
        .await?;
    assert_eq!(status, 200, "{exported}");
    assert!(exported.to_string().contains(SAID), "{exported}");
    assert_eq!(exported["person"]["auth_ids"], json!([user]));

    let asked = json!({"user": user, "typed": user, "cut_off": false});
    let (status, job) = console.post("person/forget", &asked).await?;
    assert_eq!(status, 200, "{job}");
    let ended = ended(&console, &job).await?;
    assert_eq!(ended["error"], Value::Null, "{ended}");
    let receipt = &ended["receipt"];
    assert_eq!(receipt["removed"]["entries"], 2, "{receipt}");
    assert_eq!(receipt["removed"]["users"], 1, "{receipt}");
    assert_eq!(receipt["cut_off"], 0);
    assert!(
        receipt["elsewhere"].to_string().contains("acme-slack"),
        "{receipt}"
    );
    let tombstone = receipt["tombstones"][0].as_str().unwrap_or_default();
    assert_eq!(tombstone.len(), 32, "{receipt}");

    // Who did it and of whom, by the hash of the tombstone; before it was done.
    let by = |did: &str| ["asha@desk", did, tombstone].map(ToOwned::to_owned);
    assert_eq!(recorded(&console).await?, [by("forgot"), by("exported")]);
    let at = console.get("audit").await?["records"][0]["at"].clone();
    let at: Timestamp = at.as_str().unwrap_or_default().parse()?;
    assert!((began..=Timestamp::now()).contains(&at), "{at}");

    let everything = shown(&console).await? + &ended.to_string() + &console.log()?;
    for name in [user.as_str(), "T1:U1", SAID] {
        assert!(!everything.contains(name), "{name} is in {everything}");
    }
    assert!(
        console.log()?.contains("exported"),
        "the log has the audit's lines"
    );
    for name in ["U1", NAME, user.as_str()] {
        assert_eq!(
            console.get(&format!("find?q={name}")).await?["users"],
            json!([])
        );
    }
    drop(console);
    let bytes = std::fs::read(data.path().join("dynamodb.sqlite"))?;
    for name in [user.as_str(), SAID] {
        assert!(
            !bytes
                .windows(name.len())
                .any(|some| some == name.as_bytes()),
            "{name} is in the file"
        );
    }
    Ok(())
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_receipt_is_shown_also_where_the_file_cannot_be_compacted() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let (database, ledger, user) = ledger(data.path()).await?;
    let large = Payload::Webhook {
        account: "main".into(),
        body: "x".repeat(200_000),
    };
    let (lane, now) = (Lane::Channel("somebody-else".into()), Timestamp::now());
    for number in 0..12 {
        let key = format!("{number:020}#message").as_str().into();
        ledger.append(&lane, &key, &large, now, now).await?;
    }
    // With its journal, which is as large.
    drop((database, ledger));
    // As on a disk that has no room for a copy: no file grows above a megabyte.
    let mut full = Command::new("sh");
    full.args(["-c", "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\""]);
    full.arg(program());
    let console = Console::start_by(full, data.path(), &[])?;
    let asked = json!({"user": user, "typed": user, "cut_off": true});
    let (status, job) = console.post("person/forget", &asked).await?;
    assert_eq!(status, 200, "{job}");
    let ended = ended(&console, &job).await?;
    assert_eq!(ended["receipt"]["removed"]["users"], 1, "{ended}");
    let error = ended["error"].as_str().unwrap_or_default();
    assert!(error.contains("forget --again"), "{ended}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_or_means_nobody_is_refused_and_nothing_is_done() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let (_database, _ledger, user) = ledger(data.path()).await?;
    let console = Console::start(data.path(), &[])?;
    let meant = json!({"user": user, "typed": user, "cut_off": true});
    // Without --bodies nobody gets what was said.
    let (status, said) = console.post("person/export", &meant).await?;
    assert_eq!(status, 403, "{said}");
    assert!(
        said["error"]
            .as_str()
            .is_some_and(|words| words.contains("--bodies")),
        "{said}"
    );
    // Of nobody there is nothing.
    let nobody = AuthId::from("nobody-at-all");
    let unknown = json!({"user": nobody, "typed": nobody});
    let (status, said) = console.post("person/forget", &unknown).await?;
    assert_eq!(status, 404, "{said}");
    let asked = console
        .http
        .get(format!("{}/api/person?user={nobody}", console.base));
    let answer = asked.bearer_auth(&console.token).send().await?;
    assert_eq!(answer.status(), 404);
    let asked = console
        .http
        .get(format!("{}/api/person/forget/7", console.base));
    assert_eq!(
        asked.bearer_auth(&console.token).send().await?.status(),
        404
    );
    // Nobody else, and no other page.
    for path in ["person/export", "person/forget"] {
        let url = format!("{}/api/{path}", console.base);
        let post = || console.http.post(&url).json(&meant);
        assert_eq!(post().send().await?.status(), 401, "{path}");
        assert_eq!(
            post().bearer_auth("0".repeat(48)).send().await?.status(),
            401,
            "{path}"
        );
        let from_elsewhere = post().bearer_auth(&console.token);
        let from_elsewhere = from_elsewhere.header("origin", "https://evil.example");
        assert_eq!(from_elsewhere.send().await?.status(), 403, "{path}");
        let by_name = post()
            .bearer_auth(&console.token)
            .header("host", "evil.example");
        assert_eq!(by_name.send().await?.status(), 421, "{path}");
        let read = console.http.get(&url).bearer_auth(&console.token);
        assert_eq!(read.send().await?.status(), 405, "{path}");
    }
    assert_eq!(recorded(&console).await?, Vec::<[String; 3]>::new());
    let known = console.get(&format!("person?user={user}")).await?;
    assert_eq!(
        known["counts"]["entries"], 2,
        "nothing was removed: {known}"
    );
    Ok(())
}
