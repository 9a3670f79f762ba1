//! `haptik-bridge serve` as what collects its log sees it.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use serde_json::Value;

#[cfg(unix)]
#[test]
fn with_json_as_the_log_format_all_that_is_printed_is_lines_of_it() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let listen = TcpListener::bind(("0.0.0.0", 0))?.local_addr()?;
    // Both streams are one, as in a container's log.
    let (printed, output) = std::io::pipe()?;
    let mut bridge = Command::new(env!("CARGO_BIN_EXE_haptik-bridge"))
        .args(["serve", "--demo", "--log-format", "json", "--metrics", "0"])
        .args(["--listen", &listen.to_string()])
        .current_dir(data.path())
        .stdout(output.try_clone()?)
        .stderr(output)
        .stdin(Stdio::null())
        .spawn()?;
    let (mut said, mut is_stopping) = (Vec::new(), false);
    for line in BufReader::new(printed).lines() {
        let line = line?;
        let logged = serde_json::from_str::<Value>(&line);
        let logged = logged.with_context(|| format!("no JSON: {line}"))?;
        let message = logged["message"].as_str().unwrap_or_default().to_owned();
        // The first step of its housekeeping: it serves.
        if !is_stopping && logged["hop"].is_string() {
            is_stopping = true;
            let process = bridge.id().to_string();
            Command::new("kill").args(["-TERM", &process]).status()?;
        }
        said.push(message);
    }
    ensure!(bridge.wait()?.success());
    let has = |part: &str| said.iter().any(|message| message.contains(part));
    let parts = [
        "the demo has no password",
        "a demo at http://127.0.0.1:",
        "Metrics: http://127.0.0.1:",
        "Stopped.",
    ];
    for part in parts {
        assert!(has(part), "{part}: {said:?}");
    }
    Ok(())
}
