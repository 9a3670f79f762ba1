//! What forgetting somebody leaves behind, and when it waits.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use haptik_bridge_shared::ledger::State;
use jiff::Timestamp;

use super::{Kept, bare, on, program, refusal, text};

const SAID: &str = "what was said is private";

/// A bridge's data directory: a person, and so much of somebody else.
async fn person(data: &Path, of_others: usize) -> anyhow::Result<()> {
    let kept = Kept::begin(data).await?;
    let now = Timestamp::now();
    let (person, other) = (kept.user("U1", None).await?, kept.user("U2", None).await?);
    let mut entries = vec![kept.answer(&person, 1, SAID).await?];
    for number in 0..of_others {
        let body = "x".repeat(200_000);
        entries.push(kept.answer(&other, number, &body).await?);
    }
    for entry in &entries {
        kept.ledger.end(entry, State::Delivered, None, now).await?;
    }
    Ok(())
}

const FORGET: [&str; 3] = ["forget", "acme-slack/U1", "--yes"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_lock_is_made_that_the_bridge_s_user_could_not_open() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let data = data.path();
    person(data, 0).await?;
    let forgotten = text(&on(data, &FORGET));
    assert!(
        !forgotten.contains("Waiting"),
        "no bridge runs: {forgotten}"
    );
    let again = text(&on(data, &["forget", "--again", "--yes"]));
    assert!(again.contains("Removed: nothing"), "{again}");
    assert!(!data.join("lock").exists());
    // One that is there is kept as it is, and taken.
    std::fs::write(data.join("lock"), "of the bridge")?;
    let again = text(&on(data, &["forget", "--again", "--yes"]));
    assert!(!again.contains("Waiting"), "no bridge runs: {again}");
    assert_eq!(std::fs::read(data.join("lock"))?, b"of the bridge");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_demo_is_waited_for_like_any_bridge() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let of_demo = data.path().join("demo");
    std::fs::create_dir(&of_demo)?;
    person(&of_demo, 0).await?;
    let lock = File::create(of_demo.join("lock"))?;
    lock.try_lock()?;
    let mut forgetting = bare();
    forgetting.args(FORGET).arg("--data-dir").arg(data.path());
    let mut forgetting = forgetting.stdout(Stdio::piped()).spawn()?;
    let said = BufReader::new(forgetting.stdout.take().expect("it is piped"));
    let first = said.lines().next();
    forgetting.kill()?;
    forgetting.wait()?;
    let first = first.expect("a line")?;
    assert!(first.starts_with("Waiting 30 s"), "{first}");
    assert!(!data.path().join("lock").exists());
    Ok(())
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_receipt_is_printed_also_where_the_file_cannot_be_compacted() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let data = data.path();
    person(data, 12).await?;
    // As on a disk that has no room for a copy: no file grows above a megabyte.
    let mut full = Command::new("sh");
    full.args([
        "-c",
        "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\"",
        &program(),
    ]);
    full.args(FORGET).arg("--data-dir").arg(data).env_clear();
    let output = full.output()?;
    let error = refusal(&output);
    assert!(error.contains("forget --again"), "{error}");
    let receipt = String::from_utf8(output.stdout)?;
    for part in ["Removed: 1 entries", "Tombstone: ", "channels/acme-slack"] {
        assert!(receipt.contains(part), "{part}: {receipt}");
    }
    let has = || -> anyhow::Result<bool> {
        let bytes = std::fs::read(data.join("dynamodb.sqlite"))?;
        Ok(bytes
            .windows(SAID.len())
            .any(|some| some == SAID.as_bytes()))
    };
    assert!(has()?, "the error is none");
    text(&on(data, &["forget", "--again", "--yes"]));
    assert!(!has()?);
    Ok(())
}
