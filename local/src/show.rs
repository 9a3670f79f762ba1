//! `haptik-bridge capabilities` and `haptik-bridge preview`: what a channel shows, before going live.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::builder::PossibleValuesParser;
use haptik_bridge_shared::channel::{Sender, SenderKind, capability};
use haptik_bridge_shared::registry;
use serde_json::Value;

/// The types of channels.
fn channels() -> impl Iterator<Item = &'static str> {
    registry::CHANNELS.iter().map(|channel| channel.name)
}

/// Those of them whose messages can be looked at.
fn previewed() -> impl Iterator<Item = &'static str> {
    registry::PREVIEWS.iter().map(|(channel, _)| *channel)
}

/// Which channel.
#[derive(Debug, clap::Args)]
pub(crate) struct CapabilitiesArguments {
    /// The type of the channel.
    #[arg(value_parser = PossibleValuesParser::new(channels()))]
    channel: String,
}

/// Which message, for which channel.
#[derive(Debug, clap::Args)]
pub(crate) struct PreviewArguments {
    /// The type of the channel.
    #[arg(long, value_parser = PossibleValuesParser::new(previewed()))]
    channel: String,
    /// An HSL message, or a webhook delivery of Haptik's with one; `-` reads standard input.
    #[arg(value_name = "FILE.json")]
    file: PathBuf,
    /// Shows it as said by an agent of this name.
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
}

/// Prints what a channel makes of everything that Haptik sends, as a Markdown table.
pub(crate) fn capabilities(arguments: &CapabilitiesArguments) {
    if let Some(capabilities) = capability::of(&arguments.channel) {
        print!("{}", capability::table(capabilities));
    }
}

/// Prints what a message becomes, and a link that shows it.
pub(crate) fn preview(arguments: &PreviewArguments) -> anyhow::Result<()> {
    let text = read(&arguments.file)?;
    let shown = arguments.file.display();
    let message: Value =
        serde_json::from_str(&text).with_context(|| format!("{shown} is not JSON"))?;
    let body = message.pointer("/message/body").unwrap_or(&message);
    if !(body.is_object() || body.is_string()) {
        bail!("{shown} has no message: allowed are an object, or a text that may hold one");
    }
    let sender = arguments.agent.as_ref().map(|name| Sender {
        kind: SenderKind::Agent,
        name: name.clone(),
        profile_image: String::new(),
    });
    let mut preview = registry::PREVIEWS.iter();
    let preview = preview.find(|(channel, _)| *channel == arguments.channel);
    let (_, preview) = preview.context("its messages cannot be looked at")?;
    let previews = preview(body, &sender.unwrap_or_default());
    if previews.is_empty() {
        println!("Nothing is shown.");
    }
    for (index, preview) in previews.iter().enumerate() {
        println!("{} {}, {}:\n", index + 1, preview.kind, preview.builder);
        println!("{}\n", serde_json::to_string_pretty(&preview.payload)?);
    }
    Ok(())
}

/// Reads a file, or standard input.
pub(crate) fn read(file: &Path) -> anyhow::Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("cannot read standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}
