//! `export`, `forget` and `audit` of the real binary, on the data directory of a bridge.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Ledger, Payload, State};
use haptik_bridge_shared::users::UserMap;
use jiff::Timestamp;
use serde_json::{Value, json};

const SAID: &str = "what was said is private";

fn haptik_bridge(data: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_haptik-bridge"))
        .args(arguments)
        .arg("--data-dir")
        .arg(data)
        .env_remove("TABLE_NAME")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut stdin = child.stdin.take().expect("an input");
    // Who asks nothing does not read it.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn refusal(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr.clone()).expect("text")
}

/// A bridge's data directory, of which two people have used `acme-slack`.
async fn directory() -> anyhow::Result<tempfile::TempDir> {
    let data = tempfile::tempdir()?;
    let file = data.path().join("dynamodb.sqlite");
    let database = EmbeddedDynamoDb::start(Some(&file)).await?;
    let ledger = Ledger::new(database.table.clone(), Duration::from_hours(24));
    let users = UserMap::new(database.table.clone());
    for user in ["U1", "U2"] {
        let auth_id = AuthId::derive(&"acme-slack".into(), user, None);
        let known = json!({
            "auth_id": auth_id, "connection": "acme-slack", "channel_user": user, "address": {}, "last_activity": 0,
        });
        users.put_place(&serde_json::from_value(known)?).await?;
        let lane = Lane::Channel(auth_id);
        let payload = Payload::Webhook {
            account: "main".into(),
            body: format!("{SAID} by {user}"),
        };
        let (key, now) = ("00000000000000000001#message".into(), Timestamp::now());
        ledger.append(&lane, &key, &payload, now, now).await?;
        let entry = ledger.entry(&lane, &key).await?.expect("it is there");
        ledger.end(&entry, State::Delivered, None, now).await?;
    }
    Ok(data)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_exported_and_forgotten_and_both_are_recorded() -> anyhow::Result<()> {
    let directory = directory().await?;
    let data = directory.path();
    let exported = text(&haptik_bridge(data, &["export", "acme-slack/U1"], ""));
    let exported: Value = serde_json::from_str(&exported)?;
    let body = &exported["items"]["entries"][0]["payload"]["body"];
    assert_eq!(*body, format!("{SAID} by U1"));
    assert_eq!(exported["items"]["users"][0]["channel_user"], "U1");

    let backup = tempfile::tempdir()?;
    std::fs::copy(
        data.join("dynamodb.sqlite"),
        backup.path().join("dynamodb.sqlite"),
    )?;
    let unasked = refusal(&haptik_bridge(data, &["forget", "acme-slack/U1"], ""));
    assert!(
        unasked.contains("2 items would be removed") && unasked.contains("--yes"),
        "{unasked}"
    );
    let forgotten = text(&haptik_bridge(
        data,
        &["forget", "acme-slack/U1", "--yes"],
        "",
    ));
    assert!(
        forgotten.contains("1 entries")
            && forgotten.contains("1 users")
            && forgotten.contains("channels/acme-slack"),
        "{forgotten}"
    );
    let bytes = std::fs::read(data.join("dynamodb.sqlite"))?;
    let has = |text: &str| {
        bytes
            .windows(text.len())
            .any(|bytes| bytes == text.as_bytes())
    };
    assert!(!has("by U1") && has("by U2"), "the bytes of the file");
    let again = refusal(&haptik_bridge(
        data,
        &["forget", "acme-slack/U1", "--yes"],
        "",
    ));
    assert!(again.contains("nothing is known of"), "{again}");

    let listed = text(&haptik_bridge(data, &["forget", "--list"], ""));
    assert!(
        listed.contains("1 forgotten") && !listed.contains("not all"),
        "{listed}"
    );
    let tombstones = text(&haptik_bridge(data, &["forget", "--list", "--json"], ""));
    assert!(!tombstones.contains("U1"));
    // A backup of before is as if nothing had been.
    let restored = backup.path();
    let unnamed = refusal(&haptik_bridge(
        restored,
        &["forget", "--again", "--yes"],
        "",
    ));
    assert!(
        unnamed.contains("no tombstones") && unnamed.contains("--from"),
        "{unnamed}"
    );
    text(&haptik_bridge(restored, &["export", "acme-slack/U1"], ""));
    let arguments = ["forget", "--again", "--from", "-", "--yes"];
    let receipt = text(&haptik_bridge(restored, &arguments, &tombstones));
    assert!(
        receipt.contains("1 entries") && receipt.contains("1 users"),
        "{receipt}"
    );
    let gone = refusal(&haptik_bridge(restored, &["export", "acme-slack/U1"], ""));
    assert!(gone.contains("nothing is known of"), "{gone}");
    text(&haptik_bridge(restored, &["export", "acme-slack/U2"], ""));

    text(&haptik_bridge(
        data,
        &["timeline", "acme-slack/U2", "--bodies"],
        "",
    ));
    let audit = text(&haptik_bridge(data, &["audit", "--json"], ""));
    let audit: Vec<Value> = serde_json::from_str(&audit)?;
    let did: Vec<&str> = audit
        .iter()
        .filter_map(|record| record["did"].as_str())
        .collect();
    assert_eq!(did, ["looked", "forgot", "exported"], "the last first");
    assert_eq!(
        audit[1]["what"], audit[2]["what"],
        "of the same person, by a hash"
    );
    let said = serde_json::to_string(&audit)?;
    let auth_id = AuthId::derive(&"acme-slack".into(), "U1", None);
    assert!(
        !said.contains("U1") && !said.contains(auth_id.as_str()),
        "{said}"
    );
    assert!(text(&haptik_bridge(data, &["audit"], "")).contains("3 records"));
    assert!(text(&haptik_bridge(data, &["audit", "--until", "1h"], "")).contains("0 records"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_pending_is_not_removed_unless_it_is_cut_off() -> anyhow::Result<()> {
    let directory = directory().await?;
    let data = directory.path();
    {
        let database = EmbeddedDynamoDb::start(Some(&data.join("dynamodb.sqlite"))).await?;
        let ledger = Ledger::new(database.table.clone(), Duration::from_hours(24));
        let lane = Lane::Channel(AuthId::derive(&"acme-slack".into(), "U1", None));
        let payload = Payload::Webhook {
            account: "main".into(),
            body: SAID.to_owned(),
        };
        let (key, now) = ("00000000000000000002#message".into(), Timestamp::now());
        ledger.append(&lane, &key, &payload, now, now).await?;
    }
    let waiting = ["forget", "acme-slack/U1", "--yes", "--wait", "1s"];
    let refused = refusal(&haptik_bridge(data, &waiting, ""));
    assert!(
        refused.contains("1 deliveries are still under way"),
        "{refused}"
    );
    text(&haptik_bridge(data, &["export", "acme-slack/U1"], ""));
    let cut = ["forget", "acme-slack/U1", "--yes", "--cut-off", "--json"];
    let receipt: Value = serde_json::from_str(&text(&haptik_bridge(data, &cut, "")))?;
    assert_eq!(receipt["cut_off"], 1);
    assert_eq!(receipt["removed"]["entries"], 2);
    for odd in [
        &["forget"][..],
        &["forget", "a", "--again"],
        &["forget", "a", "--cut-off", "--wait", "1s"],
        &["forget", "a", "--wait", "soon"],
        &["forget", "--list", "--from", "x"],
    ] {
        refusal(&haptik_bridge(data, odd, ""));
    }
    Ok(())
}
