//! The small configurations of `examples/config`, one for each channel.

use std::path::{Path, PathBuf};

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
