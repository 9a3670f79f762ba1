//! What was given up: it is listed, selected and delivered again.

use std::time::Duration;

use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Ledger, Payload, State};
use haptik_bridge_shared::retry::FailureReason;
use jiff::Timestamp;
use serde_json::Value;

use super::{SECRET_WORDS, haptik_bridge, json, ledger, put_user, put_user_in, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_given_up_is_listed_and_delivered_again_once() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let (database, ledger) = ledger(data.path()).await?;
    let listed = text(&haptik_bridge(data.path(), &["dead"]));
    assert!(
        listed.contains("is_archived") && listed.contains("user_disabled"),
        "{listed}"
    );
    assert!(
        listed.contains("2 given up") && !listed.contains(SECRET_WORDS),
        "{listed}"
    );
    let status = |arguments: &[&str]| haptik_bridge(data.path(), arguments).status.code();
    assert_eq!(status(&["dead", "--exit-code"]), Some(3));
    assert_eq!(status(&["dead", "--exit-code", "--since", "0m"]), Some(0));
    let with_bodies = text(&haptik_bridge(data.path(), &["dead", "--bodies"]));
    assert!(with_bodies.contains(SECRET_WORDS));

    let of_one = ["--user", "acme-slack/U1", "--json"];
    let dry_run = [&["replay", "--dry-run"], &of_one[..]].concat();
    assert_eq!(json(&haptik_bridge(data.path(), &dry_run)).len(), 1);
    assert!(
        ledger.pending_lanes().await?.is_empty(),
        "a dry run changed something"
    );
    let unasked = haptik_bridge(data.path(), &[&["replay"], &of_one[..]].concat());
    let said = String::from_utf8_lossy(&unasked.stderr).into_owned();
    assert!(
        !unasked.status.success()
            && said.contains("1 would be delivered again")
            && said.contains("--yes"),
        "{said}"
    );
    assert!(ledger.pending_lanes().await?.is_empty(), "nobody was asked");
    let replay = [&["replay", "--yes"], &of_one[..]].concat();
    let replayed = json(&haptik_bridge(data.path(), &replay));
    assert_eq!(replayed.len(), 1);
    assert_eq!(replayed[0]["state"], "pending");
    assert!(
        json(&haptik_bridge(data.path(), &replay)).is_empty(),
        "it was taken up twice"
    );

    let lanes = ledger.pending_lanes().await?;
    assert_eq!(lanes.len(), 1);
    let (entries, _) = ledger.pending(lanes.first().expect("one")).await?;
    assert!(entries[0].revived_at.is_some() && entries[0].attempts == 0);
    // It is kept as long again as the bridge keeps it.
    let (lane, key) = (entries[0].lane.to_string(), entries[0].key.as_str());
    let item = database.table.get(&lane, key).await?.expect("it is there");
    let expires_at: i64 = item["expires_at"].as_n().expect("a number").parse()?;
    let kept = expires_at - Timestamp::now().as_second();
    assert!((23 * 3_600..=24 * 3_600).contains(&kept), "{kept} s");
    // Its delivery begins, as of a ring that comes again, and ends: nothing has crashed.
    ledger.start(&entries[0]).await?;
    let now = Timestamp::now();
    ledger.end(&entries[0], State::Delivered, None, now).await?;
    let timeline = ["timeline", "acme-slack/U1", "--json"];
    let timeline = json(&haptik_bridge(data.path(), &timeline));
    assert_eq!(timeline[1]["state"], "delivered");
    assert_eq!(timeline[1]["crashes"], 0);
    let left = json(&haptik_bridge(data.path(), &["dead", "--json"]));
    assert_eq!(left.len(), 1);
    let id = left[0]["correlation_id"].as_str().expect("an id");
    let by_id = [
        "dead",
        "--json",
        "--id",
        id,
        "--connection",
        "main",
        "--since",
        "1h",
    ];
    assert_eq!(json(&haptik_bridge(data.path(), &by_id)).len(), 1);
    let by_message_id = ["dead", "--json", "--id", "3"];
    assert_eq!(json(&haptik_bridge(data.path(), &by_message_id)).len(), 1);
    let by_another = ["dead", "--json", "--id", "03"];
    assert!(!haptik_bridge(data.path(), &by_another).status.success());
    let wrong_way_round = haptik_bridge(data.path(), &["dead", "--since", "1h", "--until", "2h"]);
    assert!(!wrong_way_round.status.success());
    let before = ["dead", "--json", "--until", "1h"];
    assert!(json(&haptik_bridge(data.path(), &before)).is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_given_up_is_selected_by_connection_sink_and_any_name_of_a_user()
-> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let (database, ledger) = ledger(data.path()).await?;
    put_user(&database, "acme-slack", "U1").await?;
    put_user(&database, "other-slack", "T1:U2").await?;
    put_user_in(&database, "acme-slack", "U4", Some("1.2")).await?;
    let auth_id = put_user(&database, "acme-slack", "U2").await?;
    let lane = Lane::Sink {
        sink: "crm".to_owned(),
        auth_id,
    };
    let (now, key) = (Timestamp::now(), "00001795561837856425#D1".into());
    let payload = Payload::Inbound {
        connection: "acme-slack".into(),
        inbound: serde_json::from_value(serde_json::json!({
            "key": key, "at": now, "auth_id": "x", "user": "U2", "address": {},
            "action": {"type": "message", "text": SECRET_WORDS},
        }))?,
        handoff: None,
    };
    ledger.append(&lane, &key, &payload, now, now).await?;
    let entry = ledger.entry(&lane, &key).await?.expect("it is there");
    let quoting = FailureReason {
        reason: "the CRM refused it (422)",
        detail: Some(&SECRET_WORDS.into()),
    };
    ledger.end(&entry, State::Dead, Some(quoting), now).await?;

    let keys = |options: &[&str]| -> Vec<String> {
        let arguments = [&["dead", "--json"], options].concat();
        let found = json(&haptik_bridge(data.path(), &arguments));
        let key = |one: &Value| one["key"].as_str().expect("a key").to_owned();
        found.iter().map(key).collect()
    };
    let (two, three) = (
        "00000000000000000002#message",
        "00000000000000000003#message",
    );
    let of_sink = key.as_str();
    assert_eq!(keys(&["--connection", "acme-slack"]), [two, three, of_sink]);
    assert_eq!(
        keys(&["--connection", "channels/acme-slack", "--user", "U1"]),
        [two]
    );
    assert_eq!(keys(&["--connection", "haptik/main"]), [two, three]);
    assert_eq!(keys(&["--connection", "other-slack"]), [""; 0]);
    // A user each of whose threads is a conversation.
    assert_eq!(keys(&["--user", "acme-slack/U4"]), [""; 0]);
    assert_eq!(keys(&["--sink", "crm"]), [of_sink]);
    assert_eq!(keys(&["--user", "U1"]), [two]);
    assert_eq!(keys(&["--user", "U2"]), [three, of_sink]);
    assert_eq!(
        keys(&["--id", "1795561837.856425", "--id", "2"]),
        [two, of_sink]
    );

    let timeline = json(&haptik_bridge(data.path(), &["timeline", "U2", "--json"]));
    let mut shown = timeline
        .iter()
        .map(|one| one["key"].as_str().expect("a key"));
    assert!(shown.any(|key| key == of_sink), "{timeline:?}");

    let dead = text(&haptik_bridge(data.path(), &["dead", "--sink", "crm"]));
    assert!(
        dead.contains("the CRM refused it (422);") && dead.contains("its own words: --bodies"),
        "{dead}"
    );
    let in_full = text(&haptik_bridge(
        data.path(),
        &["dead", "--sink", "crm", "--bodies"],
    ));
    assert!(
        in_full
            .replace("\n              ", " ")
            .contains(&format!("(422): {SECRET_WORDS}")),
        "{in_full}"
    );

    // What was said of an earlier failure does not stay beside a later one.
    ledger
        .end(&entry, State::Dead, Some("cut off".into()), now)
        .await?;
    let later = text(&haptik_bridge(data.path(), &["dead", "--sink", "crm"]));
    assert!(later.contains("· cut off"), "{later}");

    for (mistyped, expected) in [
        (
            ["--sink", "cmr"],
            "there is no sink \"cmr\"; there are: crm",
        ),
        (["--id", "no-such-id"], "has the id \"no-such-id\""),
    ] {
        let none = haptik_bridge(data.path(), &[&["dead"], &mistyped[..]].concat());
        let said = String::from_utf8_lossy(&none.stderr).into_owned();
        assert!(!none.status.success() && said.contains(expected), "{said}");
    }
    // Each row fits a terminal, but for what a provider has said.
    let rows = text(&haptik_bridge(data.path(), &["dead"]));
    assert!(rows.lines().all(|row| row.chars().count() <= 80), "{rows}");
    let unknown = haptik_bridge(data.path(), &["replay", "--user", "U3"]);
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(
        !unknown.status.success() && said.contains("nothing is known of \"U3\""),
        "{said}"
    );
    Ok(())
}

/// A body that an older version did not understand is delivered once this one does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_understood_is_read_again() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let database = EmbeddedDynamoDb::start(Some(&data.path().join("dynamodb.sqlite"))).await?;
    let ledger = Ledger::new(database.table.clone(), Duration::from_hours(24));
    let now = Timestamp::now();
    let event = r#"{"type":"message","channel":"D1","channel_type":"im","user":"U1","text":"hi","ts":"1700000000.000100","odd":NaN}"#;
    for (edge, body, base64) in [
        (
            "haptik/main",
            r#"{"event_name":"message","user":{"auth_id":"a1"},"message":{"id":1,"body":{"text":"half \ud83d","type":"TEXT"}}}"#.to_owned(),
            false,
        ),
        ("haptik/main", "no event at all".to_owned(), false),
        ("haptik/main", "/w==".to_owned(), true),
        (
            "channels/acme-slack",
            format!(r#"{{"type":"event_callback","event":{event}}}"#),
            false,
        ),
    ] {
        let lane = Lane::NotUnderstood {
            edge: edge.to_owned(),
        };
        let key = body.clone().into();
        let payload = Payload::NotUnderstood { body, base64 };
        let reason = "a body that is not JSON";
        ledger.append_dead(&lane, &key, &payload, reason, now).await?;
    }
    let config = data.path().join("bridge.toml");
    std::fs::write(
        &config,
        "[haptik.main]\nbase_url = \"https://haptik.example\"\nintegration_base_url = \"https://haptik.example\"\nclient_id = \"c\"\ntoken = \"t\"\nwebhook_secrets = [\"s\"]\n\n\
         [channels.acme-slack]\ntype = \"slack\"\nhaptik = \"main\"\nbusiness_id = 1\nsigning_secrets = [\"0123456789abcdef0123456789abcdef\"]\nbot_token = \"xoxb-1-2-3\"\n",
    )?;
    let without = text(&haptik_bridge(data.path(), &["replay"]));
    assert!(
        without.contains("4 were not understood: name the configuration"),
        "{without}"
    );
    let config = config.display().to_string();
    let asks = haptik_bridge(data.path(), &["replay", "--config", &config]);
    let said = String::from_utf8_lossy(&asks.stderr).into_owned();
    assert!(
        !asks.status.success() && said.contains("4 would be delivered again"),
        "{said}"
    );
    let replayed = text(&haptik_bridge(
        data.path(),
        &["replay", "--config", &config, "--yes"],
    ));
    assert!(
        replayed.contains("2 that were not understood are now, 2 still are not"),
        "{replayed}"
    );
    let lanes: Vec<String> = ledger
        .pending_lanes()
        .await?
        .iter()
        .map(Lane::to_string)
        .collect();
    assert_eq!(lanes.len(), 2, "{lanes:?}");
    let left = json(&haptik_bridge(data.path(), &["dead", "--json"]));
    assert_eq!(left.len(), 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_nobody_knows_is_an_error() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let (_database, _ledger) = ledger(data.path()).await?;
    let output = haptik_bridge(data.path(), &["dead", "--connection", "acme-slak"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let expected = "no connection or account \"acme-slak\"; there are: haptik/main, main";
    assert!(
        !output.status.success() && said.contains(expected),
        "{said}"
    );
    assert!(
        text(&haptik_bridge(
            data.path(),
            &["dead", "--connection", "main"]
        ))
        .contains("2 given up")
    );
    Ok(())
}
