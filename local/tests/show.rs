//! `capabilities` and `preview` of the real binary.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn haptik_bridge(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_haptik-bridge"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs")
}

fn text(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_without_a_word() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let ended = Command::new(env!("CARGO_BIN_EXE_haptik-bridge"))
        .args(["capabilities", "slack"])
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .expect("the binary runs");
    assert_eq!(ended.status.code(), Some(141), "{ended:?}");
    assert!(ended.stderr.is_empty(), "{ended:?}");
}

#[test]
fn every_sample_has_a_preview_with_a_link() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/tests/samples");
    let mut silent = Vec::new();
    for file in std::fs::read_dir(directory).expect("the samples") {
        let path = file.expect("a file").path();
        let path = path.to_str().expect("a path");
        let shown = text(haptik_bridge(&["preview", "--channel", "slack", path]));
        if shown == "slack: nothing is shown.\n\n" {
            silent.push(Path::new(path).file_stem().expect("a name").to_owned());
        } else {
            assert!(
                shown.starts_with(
                    "slack 1 message\n\nhttps://app.slack.com/block-kit-builder/#%7B%22blocks%22"
                ),
                "{path}: {shown}"
            );
        }
    }
    silent.sort();
    assert_eq!(silent, ["hsl-silent", "webhook-conversation-complete"]);
}

#[test]
fn what_is_wrong_with_a_preview_is_said() {
    let directory = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("a path").to_owned()
    };
    let (odd, number, unknown) = (
        write("odd.json", "{\"text\": "),
        write("number.json", "[1]"),
        write("unknown.json", "{\"typ\": \"x\"}"),
    );
    let missing = directory.path().join("missing.json");
    let missing = missing.to_str().expect("a path");
    for (arguments, expected) in [
        (
            vec!["--channel", "slack", odd.as_str()],
            vec!["odd.json is not JSON", "line 1"],
        ),
        (
            vec!["--channel", "slack", &number],
            vec!["number.json has no message", "allowed are"],
        ),
        (
            vec!["--channel", "slack", missing],
            vec!["cannot read", "missing.json"],
        ),
        (
            vec!["--channel", "slak", &odd],
            vec!["slak", "possible values: custom, google_chat, slack"],
        ),
        (
            vec![unknown.as_str()],
            vec!["is no HSL message", "neither text nor type"],
        ),
        (vec!["--channel", "slack"], vec!["FILE.json"]),
    ] {
        let output = haptik_bridge(&[&["preview"], arguments.as_slice()].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && output.stdout.is_empty(),
            "{arguments:?}"
        );
        for part in expected {
            assert!(said.contains(part), "{part:?} in {said}");
        }
    }
    let unknown = haptik_bridge(&["capabilities", "slak"]);
    let said = String::from_utf8_lossy(&unknown.stderr);
    assert!(
        said.contains("possible values: custom, google_chat, slack"),
        "{said}"
    );
}

#[test]
fn a_preview_without_a_channel_is_of_every_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("text.json");
    std::fs::write(&file, "{\"text\": \"hello\"}").expect("a file");
    let file = file.to_str().expect("a path");
    let shown = text(haptik_bridge(&["preview", file]));
    let json = text(haptik_bridge(&["preview", "--json", file]));
    let previews: Vec<serde_json::Value> = serde_json::from_str(&json).expect("an array");
    for channel in haptik_bridge_channels::registry::CHANNELS {
        assert!(shown.contains(&format!("{} 1 ", channel.name)), "{shown}");
        let has = |preview: &serde_json::Value| preview["channel"] == channel.name;
        assert!(previews.iter().any(has), "{json}");
    }
}

#[test]
fn a_configuration_is_made_once_with_what_was_asked_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("bridge.toml");
    let file = file.to_str().expect("a path");
    let init = [
        "init",
        "--channel",
        "slack",
        "--sink",
        "zendesk",
        "--config",
        file,
    ];
    text(haptik_bridge(&init));
    let written = std::fs::read_to_string(file).expect("it is written");
    assert!(
        written.contains("type = \"slack\"") && written.contains("type = \"zendesk\""),
        "{written}"
    );
    assert!(!written.contains("type = \"custom\""), "{written}");
    let check = haptik_bridge(&["check", file]);
    let said = String::from_utf8_lossy(&check.stderr).into_owned();
    assert!(
        !check.status.success() && said.contains("haptik.main.token[0]"),
        "{said}"
    );
    let check = haptik_bridge(&["check", file, "--url", "not-a-url"]);
    assert_eq!(check.status.code(), Some(2), "{check:?}");
    let again = haptik_bridge(&init);
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(
        !again.status.success() && said.contains("is not overwritten"),
        "{said}"
    );
    let unknown = haptik_bridge(&["init", "--channel", "fax", "--config", "x.toml"]);
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(
        said.contains("there is no channel of the type \"fax\"; there are:"),
        "{said}"
    );
}

#[test]
fn a_shell_completes_the_words() {
    let script = text(haptik_bridge(&["completions", "bash"]));
    assert!(
        script.contains("timeline") && script.contains("--stack"),
        "{script}"
    );
}

#[test]
fn a_preview_reads_standard_input_too() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_haptik-bridge"))
        .args(["preview", "--channel", "slack", "--agent", "Prateek", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut input = child.stdin.take().expect("its input");
    input.write_all(b"\"hello\"").expect("it reads");
    drop(input);
    let shown = text(child.wait_with_output().expect("it ends"));
    assert!(
        shown.contains("\"username\": \"Prateek\"") && shown.contains("hello"),
        "{shown}"
    );
}

#[test]
fn the_documentation_has_what_capabilities_prints() {
    let printed = text(haptik_bridge(&["capabilities", "slack"]));
    assert!(printed.lines().count() > 15, "{printed}");
    assert!(include_str!("../../docs/slack.md").contains(&printed));
    let printed = text(haptik_bridge(&["capabilities"]));
    assert!(include_str!("../../docs/channels.md").ends_with(&printed));
}
