//! The small configurations of `examples/config`, one for each channel.

use std::path::{Path, PathBuf};
use std::process::Command;

use haptik_bridge_channels::registry::CHANNELS;
use haptik_bridge_local::registry;
use haptik_bridge_shared::config::Config;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/config")
}

#[test]
fn every_channel_has_a_small_configuration_that_is_good() {
    for channel in CHANNELS {
        let file = folder().join(format!("{}.toml", channel.name));
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| {
            panic!("write {}, as its neighbours are: {error}", file.display())
        });
        let config = Config::parse(&text, &registry::all())
            .unwrap_or_else(|errors| panic!("{}: {errors}", file.display()));
        let types: Vec<_> = config
            .channels
            .values()
            .map(|channel| channel.type_name)
            .collect();
        assert_eq!(types, [channel.name], "{}", file.display());
        assert!(
            text.lines().count() <= 24,
            "{} is not small",
            file.display()
        );
    }
}

#[test]
fn there_is_none_of_a_channel_that_there_is_not() {
    for file in std::fs::read_dir(folder()).expect("the folder") {
        let path = file.expect("a file").path();
        let name = path.file_stem().and_then(|name| name.to_str());
        assert!(
            CHANNELS.iter().any(|channel| Some(channel.name) == name),
            "{}",
            path.display()
        );
    }
}

/// A key of nobody's.
const SERVICE_ACCOUNT_KEY: &str =
    include_str!("../../channels/src/signed_token/samples/account.pem");

/// The small configurations in one, as `check` reads it: all channels at once.
#[test]
fn all_channels_at_once_are_good_and_no_secret_of_them_is_printed() {
    let app_secret = "a25vd24tdG8tbm9ib2R5LWVsc2Utc2VjcmV0";
    let (mut text, mut secrets) = (String::new(), vec![app_secret.to_owned()]);
    for channel in CHANNELS {
        let file = folder().join(format!("{}.toml", channel.name));
        let one = std::fs::read_to_string(file).expect("a small configuration");
        // What is still an example is refused.
        let one = one.replace("example-", "known-to-nobody-else-");
        let one = one.replace("ZXhhbXBsZS1vZi1hLXNlY3JldC10by1yZXBsYWNl", app_secret);
        let key = SERVICE_ACCOUNT_KEY.trim().replace('\n', "\\n");
        let one = one.replace("the whole JSON file", &key);
        let table = one.find("[channels.").expect("a connection");
        if text.is_empty() {
            text.push_str(&one[..table]);
        }
        text.push_str(&one[table..]);
        secrets.extend(one.split('"').skip(1).step_by(2).filter_map(secret));
    }
    assert!(secrets.len() > CHANNELS.len(), "{secrets:?}");
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("bridge.toml");
    std::fs::write(&file, &text).expect("it is written");
    let checked = Command::new(env!("CARGO_BIN_EXE_haptik-bridge"))
        .args(["check", "--url", "https://bridge.example.com", "--config"])
        .arg(&file)
        .output()
        .expect("the binary runs");
    let printed = [checked.stdout, checked.stderr].concat();
    let printed = String::from_utf8(printed).expect("text");
    assert!(checked.status.success(), "{printed}");
    for (name, _) in connections(&text) {
        let url = format!("https://bridge.example.com/channels/{name}");
        assert!(printed.contains(&url), "no {url}:\n{printed}");
    }
    for secret in secrets {
        assert!(!printed.contains(&secret), "{secret:?} is in\n{printed}");
    }
}

/// What of the values of a configuration is a secret: it says so by its name.
fn secret(value: &str) -> Option<String> {
    let is_one = value.contains("known-to-nobody-else-")
        && (value.contains("secret") || value.contains("token"));
    is_one.then(|| value.to_owned())
}

/// The names of the connections, and what follows.
fn connections(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let tables = text.split("[channels.").skip(1);
    tables.filter_map(|table| table.split_once(']'))
}

/// The README's own, word for word.
#[test]
fn the_configuration_on_the_first_screen_is_good() {
    let readme = include_str!("../../README.md");
    let text = readme
        .split_once("```toml\n")
        .and_then(|(_, rest)| rest.split_once("```"))
        .map(|(text, _)| text)
        .expect("README.md has a configuration");
    assert!(text.lines().count() <= 14, "it is to be short");
    let parsed = Config::parse(text, &registry::all());
    assert!(
        parsed.is_ok(),
        "{}",
        parsed
            .err()
            .map(|errors| errors.to_string())
            .unwrap_or_default()
    );
}
