//! `timeline`, `dead`, `replay` and `outages` of the real binary, on the data directory of a bridge.

#[path = "operate/dead.rs"]
mod dead;
#[path = "operate/times.rs"]
mod times;

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Ledger, Payload, State};
use haptik_bridge_shared::outage::{Cause, Outage, Outages, Proof, Unchecked};
use haptik_bridge_shared::retry::FailureReason;
use haptik_bridge_shared::users::UserMap;
use jiff::Timestamp;
use serde_json::Value;

const SECRET_WORDS: &str = "what was said is private";

fn haptik_bridge(data: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_haptik-bridge"))
        .args(arguments)
        .arg("--data-dir")
        .arg(data)
        .env_remove("TABLE_NAME")
        .output()
        .expect("the binary runs")
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn json(output: &Output) -> Vec<Value> {
    serde_json::from_str(&text(output)).expect("an array")
}

/// A ledger with two entries of one user, delivered and dead, and a dead one of another.
async fn ledger(data: &Path) -> anyhow::Result<(EmbeddedDynamoDb, Ledger)> {
    let database = EmbeddedDynamoDb::start(Some(&data.join("dynamodb.sqlite"))).await?;
    let ledger = Ledger::new(database.table.clone(), Duration::from_hours(24));
    let one = AuthId::derive(&"acme-slack".into(), "U1", None);
    let other = AuthId::derive(&"acme-slack".into(), "U2", None);
    for (auth_id, id, reason) in [
        (&one, 1, None),
        (&one, 2, Some("Slack answered is_archived")),
        (&other, 3, Some("Slack answered user_disabled")),
    ] {
        let (lane, key) = (Lane::Channel(auth_id.clone()), format!("{id:020}#message"));
        let payload = Payload::Webhook {
            account: "main".into(),
            body: SECRET_WORDS.to_owned(),
        };
        let now = Timestamp::now();
        ledger
            .append(&lane, &key.as_str().into(), &payload, now, now)
            .await?;
        let entry = ledger
            .entry(&lane, &key.as_str().into())
            .await?
            .expect("it is there");
        let state = if reason.is_some() {
            State::Dead
        } else {
            State::Delivered
        };
        let why = reason.map(FailureReason::from);
        ledger.end(&entry, state, why, Timestamp::now()).await?;
    }
    Ok((database, ledger))
}

/// Notes where a user of `connection` is.
async fn put_user(
    database: &EmbeddedDynamoDb,
    connection: &str,
    user: &str,
) -> anyhow::Result<AuthId> {
    put_user_in(database, connection, user, None).await
}

async fn put_user_in(
    database: &EmbeddedDynamoDb,
    connection: &str,
    user: &str,
    thread: Option<&str>,
) -> anyhow::Result<AuthId> {
    let auth_id = AuthId::derive(&connection.into(), user, thread);
    let users = UserMap::new(database.table.clone());
    let user = serde_json::json!({
        "auth_id": auth_id,
        "connection": connection,
        "channel_user": user,
        "address": {},
        "last_activity": 0,
    });
    users.put_place(&serde_json::from_value(user)?).await?;
    Ok(auth_id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timeline_is_found_by_user_by_auth_id_and_by_message() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let (database, ledger) = ledger(data.path()).await?;
    let auth_id = put_user(&database, "acme-slack", "U1").await?;
    let lane = Lane::Channel(auth_id.clone());
    let entries = ledger.entries(&lane).await?;
    let correlation_id = entries[0].correlation_id.as_str();
    for user in [
        "acme-slack/U1",
        "U1",
        correlation_id,
        auth_id.as_str(),
        "00000000000000000002#message",
        "2",
    ] {
        let entries = json(&haptik_bridge(data.path(), &["timeline", user, "--json"]));
        let states: Vec<_> = entries
            .iter()
            .map(|entry| entry["state"].as_str())
            .collect();
        assert_eq!(states, [Some("delivered"), Some("dead")], "{user}");
        assert!(entries.iter().all(|entry| entry.get("payload").is_none()));
    }
    let unknown = haptik_bridge(data.path(), &["timeline", "nobody-there"]);
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(
        !unknown.status.success() && said.contains("nothing is known"),
        "{said}"
    );
    Ok(())
}

#[test]
fn a_directory_without_a_ledger_is_an_error_that_says_what_to_do() {
    let data = tempfile::tempdir().expect("a directory");
    let output = haptik_bridge(data.path(), &["dead"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("--data-dir"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outages_are_listed_with_what_was_recovered_and_what_could_not_be() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let (database, _ledger) = ledger(data.path()).await?;
    let outages = Outages::new(database.table.clone());
    let now = Timestamp::now();
    let began = now - Duration::from_mins(90);
    let mut proven = Outage::noticed("main".into(), began, now, Cause::Silence);
    proven.proof = Some(Proof::MissingInTheLedger);
    proven.ended = Some(began + Duration::from_mins(61));
    let (asha, milo) = ("a1".into(), "a2".into());
    outages.put(&proven).await?;
    for _ in 0..2 {
        let key = "00000000000000000007#message".into();
        outages.recovered(&proven, &asha, &key).await?;
    }
    let why = "the user_name is unknown";
    let unchecked = Unchecked {
        auth_id: milo,
        reason: why.to_owned(),
        tries: None,
    };
    outages.unchecked(&proven, &unchecked).await?;
    let silence = Outage::noticed("main".into(), now, now, Cause::Silence);
    outages.put(&silence).await?;

    let listed = text(&haptik_bridge(data.path(), &["outages"]));
    for part in [
        "3660 s",
        "1 messages recovered",
        "(being reconciled)",
        why,
        "perhaps nobody",
    ] {
        assert!(listed.contains(part), "{part}: {listed}");
    }
    let proven_only = ["outages", "--proven", "--account", "main", "--json"];
    let found = json(&haptik_bridge(data.path(), &proven_only));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["proof"], "missing_in_the_ledger");
    assert_eq!(found[0]["recovered"][0]["auth_id"], "a1");
    assert_eq!(found[0]["unchecked"][0]["reason"], why);
    let earlier = ["outages", "--json", "--until", "2h"];
    assert!(json(&haptik_bridge(data.path(), &earlier)).is_empty());
    let elsewhere = haptik_bridge(data.path(), &["outages", "--account", "other"]);
    let said = String::from_utf8_lossy(&elsewhere.stderr).into_owned();
    assert!(
        !elsewhere.status.success()
            && said.contains("there is no account \"other\"; there are: main"),
        "{said}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_option_may_be_a_variable_and_the_command_line_goes_before_it() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let (_database, _ledger) = ledger(data.path()).await?;
    let folder = data.path().to_str().expect("text");
    let run = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_haptik-bridge"));
        command.args(arguments).env_remove("TABLE_NAME");
        let output = command.envs(variables.iter().copied()).output();
        let output = output.expect("the binary runs");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        (output.status.code(), said)
    };
    let here = ("HAPTIK_BRIDGE_DATA_DIR", folder);
    let (code, said) = run(&["dead"], &[here]);
    assert!(code == Some(0) && said.contains("2 given up"), "{said}");
    for (value, is_json) in [("1", true), ("yes", true), ("no", false), ("", false)] {
        let (_, said) = run(&["dead"], &[here, ("HAPTIK_BRIDGE_JSON", value)]);
        assert_eq!(said.starts_with('['), is_json, "{value:?}: {said}");
    }
    let (_, said) = run(&["dead"], &[here, ("HAPTIK_BRIDGE_SINCE", "0m")]);
    assert!(said.contains("0 given up"), "{said}");
    let (_, said) = run(
        &["dead", "--since", "1d"],
        &[here, ("HAPTIK_BRIDGE_SINCE", "0m")],
    );
    assert!(said.contains("2 given up"), "{said}");
    // What is meant for another command is no matter.
    let others = [
        here,
        ("HAPTIK_BRIDGE_LISTEN", "3000"),
        ("HAPTIK_BRIDGE_CONSOLE", "3001"),
    ];
    assert!(run(&["dead"], &others).1.contains("2 given up"));
    // Consent is no variable.
    let (code, said) = run(&["replay"], &[here, ("HAPTIK_BRIDGE_YES", "1")]);
    assert!(
        code == Some(1) && said.contains("nobody can be asked"),
        "{said}"
    );
    // A bridge on this machine and a deployed one: the command line says which.
    let stack = ("HAPTIK_BRIDGE_STACK", "acme");
    let (_, said) = run(&["dead", "--data-dir", folder], &[stack]);
    assert!(said.contains("2 given up"), "{said}");
    let (code, said) = run(&["dead", "--data-dir", folder, "--stack", "acme"], &[]);
    assert!(
        code == Some(2) && said.contains("cannot be used with"),
        "{said}"
    );
    Ok(())
}

#[test]
fn a_ledger_that_is_none_is_said_to_be_none() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    std::fs::write(
        data.path().join("dynamodb.sqlite"),
        "no database".repeat(100),
    )?;
    let output = haptik_bridge(data.path(), &["dead"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("it may be damaged or another file"), "{said}");
    assert!(!said.contains("feature") && !said.contains("::"), "{said}");
    Ok(())
}

#[test]
fn a_directory_that_cannot_be_looked_into_is_not_one_without_a_ledger() {
    let directory = tempfile::tempdir().expect("a directory");
    let said = |data: &Path| {
        let output = haptik_bridge(data, &["dead"]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).expect("text")
    };
    assert!(said(directory.path()).contains("there is no ledger in"));
    // As where only its owner may look into it.
    let file = directory.path().join("file");
    std::fs::write(&file, "").expect("it is written");
    let behind = said(&file.join("data"));
    assert!(behind.contains("cannot look into"), "{behind}");
}
