//! Times as the commands print them.

use std::path::Path;
use std::process::{Command, Output};

use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::outage::{Cause, Outage, Outages};
use jiff::Timestamp;

use super::{json, ledger, text};

/// The zone of India as POSIX writes it, for which no rules are needed.
const INDIA: &str = "IST-5:30";

fn in_zone(zone: &str, data: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_haptik-bridge"))
        .args(arguments)
        .arg("--data-dir")
        .arg(data)
        .env_remove("TABLE_NAME")
        .env("TZ", zone)
        .output()
        .expect("the binary runs")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn times_are_of_the_zone_with_its_offset_or_utc_and_json_is_utc() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let data = directory.path();
    let (database, _ledger) = ledger(data).await?;
    let began: Timestamp = "2026-11-23T21:30:00Z".parse()?;
    let outage = Outage::noticed("main".into(), began, began, Cause::Silence);
    Outages::new(database.table.clone()).put(&outage).await?;
    let forgotten = AuthId::from("somebody");
    database.table.put_tombstone(&forgotten, began).await?;
    drop(database);
    text(&in_zone(
        "UTC",
        data,
        &["timeline", "acme-slack/U1", "--bodies"],
    ));
    let of_outages: &[&str] = &["outages", "--since", "2026-11-01T00:00:00Z"];
    for (arguments, in_india, in_utc) in [
        (
            &["timeline", "acme-slack/U1"][..],
            "(times are UTC+05:30)",
            "(times are UTC)",
        ),
        (&["dead"], "(times are UTC+05:30)", "(times are UTC)"),
        (&["audit"], "+05:30  ", "Z  "),
        (
            of_outages,
            "2026-11-24T03:00:00+05:30  main",
            "2026-11-23T21:30:00Z  main",
        ),
        (
            &["forget", "--list"],
            "2026-11-24T03:00:00+05:30  ",
            "2026-11-23T21:30:00Z  ",
        ),
    ] {
        let printed = text(&in_zone(INDIA, data, arguments));
        assert!(printed.contains(in_india), "{arguments:?}: {printed}");
        let utc = [arguments, &["--utc"]].concat();
        let printed = text(&in_zone(INDIA, data, &utc));
        assert!(
            printed.contains(in_utc) && !printed.contains("+05:30"),
            "{utc:?}: {printed}"
        );
        let as_json = [arguments, &["--json"]].concat();
        let (here, there) = (
            in_zone(INDIA, data, &as_json),
            in_zone("UTC", data, &as_json),
        );
        assert_eq!(text(&here), text(&there), "{as_json:?}");
    }
    // What is printed is taken where a time is asked for.
    let audit = text(&in_zone(INDIA, data, &["audit"]));
    let at = audit.split_whitespace().next().unwrap_or_default();
    let since = in_zone(INDIA, data, &["audit", "--since", at, "--json"]);
    assert_eq!(json(&since).len(), 1, "{at}");
    // A zone that nobody knows is said.
    let printed = in_zone("Nowhere/At_All", data, &["dead"]);
    assert!(text(&printed).contains("(times are UTC)"), "{printed:?}");
    let said = String::from_utf8_lossy(&printed.stderr);
    assert!(
        said.contains("times are UTC") && said.contains("Nowhere/At_All"),
        "{said}"
    );
    Ok(())
}
