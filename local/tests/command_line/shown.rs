//! What is shown to whoever operates a bridge, where, and what is recorded of it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use haptik_bridge_shared::ledger::State;
use haptik_bridge_shared::retry::{Detail, FailureReason};
use jiff::Timestamp;
use serde_json::Value;

use super::{Kept, on, program, text};

const SAID: &str = "what was said is private";

async fn given_up(data: &std::path::Path, detail: &str) -> anyhow::Result<()> {
    let kept = Kept::begin(data).await?;
    let user = kept.user("U1", None).await?;
    let entry = kept.answer(&user, 1, SAID).await?;
    let detail = Detail::from(detail);
    let why = FailureReason {
        reason: "Haptik refused it (422)",
        detail: Some(&detail),
    };
    let (ledger, now) = (&kept.ledger, Timestamp::now());
    ledger.end(&entry, State::Dead, Some(why), now).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_sees_in_a_replay_what_was_said_is_recorded() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let data = data.path();
    given_up(data, "").await?;
    let recorded = || -> anyhow::Result<Vec<String>> {
        let audit: Vec<Value> = serde_json::from_str(&text(&on(data, &["audit", "--json"])))?;
        let did = audit.iter().filter_map(|record| record["did"].as_str());
        Ok(did.map(ToOwned::to_owned).collect())
    };
    let dry = ["replay", "--dry-run"];
    assert!(!text(&on(data, &dry)).contains(SAID));
    assert!(recorded()?.is_empty());
    let dry = ["replay", "--dry-run", "--bodies"];
    assert!(text(&on(data, &dry)).contains(SAID));
    assert_eq!(recorded()?, ["looked"]);
    let replay = ["replay", "--yes", "--bodies", "--json"];
    assert!(text(&on(data, &replay)).contains(SAID));
    assert_eq!(recorded()?, ["looked", "replayed", "looked"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_gets_nothing_to_obey_from_what_was_said() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let data = data.path();
    let odd = "\u{1b}]0;x\u{7}\u{1b}[2J\u{9b}2J\u{202e}\u{7f} is refused";
    given_up(data, odd).await?;
    for words in [&["dead", "--bodies"][..], &["dead", "--bodies", "--json"]] {
        let shown = text(&on(data, words));
        let is_obeyed =
            |letter: char| letter.is_control() && letter != '\n' || letter == '\u{202e}';
        assert!(!shown.contains(is_obeyed), "{shown:?}");
        assert!(
            shown.contains("is refused") && shown.contains(r"\u009b"),
            "{shown}"
        );
    }
    // JSON says it all the same.
    let json = text(&on(data, &["dead", "--bodies", "--json"]));
    let json: Value = serde_json::from_str(&json)?;
    assert_eq!(json[0]["detail"], odd);
    Ok(())
}

/// A question is on the terminal, and the file has JSON alone. A terminal is made by `script`, where there is one.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_not_part_of_what_is_printed() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let data = data.path();
    given_up(data, "").await?;
    for command in ["replay", "forget acme-slack/U1 --cut-off"] {
        let (program, file) = (program(), data.join("printed.json"));
        let line = format!(
            "'{program}' {command} --json --data-dir '{}' > '{}'",
            data.display(),
            file.display()
        );
        let mut script = Command::new("script");
        script.args(["-qec", &line, "/dev/null"]);
        script.env("SHELL", "/bin/sh").stdin(Stdio::piped());
        let Ok(mut script) = script.stdout(Stdio::piped()).spawn() else {
            eprintln!("there is no `script`: not tried");
            return Ok(());
        };
        let mut keyboard = script.stdin.take().expect("it is piped");
        keyboard.write_all(b"y\n")?;
        let screen = script.wait_with_output()?;
        drop(keyboard);
        let screen = String::from_utf8_lossy(&screen.stdout).into_owned();
        assert!(screen.contains("? [y/N]"), "{command}: {screen}");
        let printed = std::fs::read_to_string(&file)?;
        let json = serde_json::from_str::<Value>(&printed);
        assert!(json.is_ok(), "{command}: {printed}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_conversations_of_a_user_are_found_by_the_channel_s_id() -> anyhow::Result<()> {
    const THREADS: usize = 120;
    let data = tempfile::tempdir()?;
    let data = data.path();
    let kept = Kept::begin(data).await?;
    for thread in 0..THREADS {
        kept.user("U1", Some(&thread.to_string())).await?;
    }
    drop(kept);
    let shown = text(&on(data, &["timeline", "U1"]));
    assert_eq!(shown.matches(" is U1 of acme-slack").count(), THREADS);
    Ok(())
}
