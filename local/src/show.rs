//! `haptik-bridge capabilities` and `haptik-bridge preview`: what a channel shows, before going live.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::builder::PossibleValuesParser;
use haptik_bridge_channels::registry::{self, CHANNELS, Registered};
use haptik_bridge_channels::{capability, comparison};
use haptik_bridge_shared::message::{Sender, SenderKind};
use serde_json::{Value, json};

use crate::terminal::{print_json, visible};

/// The types of channels, as the command line takes them.
fn channel_types() -> PossibleValuesParser {
    PossibleValuesParser::new(CHANNELS.iter().map(|channel| channel.name))
}

/// Which channel.
#[derive(Debug, clap::Args)]
pub(crate) struct CapabilitiesArguments {
    /// The type of the channel [default: all, side by side]
    #[arg(value_parser = channel_types())]
    channel: Option<String>,
}

/// Which message, for which channel.
#[derive(Debug, clap::Args)]
pub(crate) struct PreviewArguments {
    /// The type of the channel [default: each in turn]
    #[arg(long, value_parser = channel_types())]
    channel: Option<String>,
    /// Print JSON: an array of objects with `channel`, `kind`, `payload` and `link`.
    #[arg(long)]
    json: bool,
    /// An HSL message, or a webhook delivery of Haptik's with one; `-` reads standard input.
    #[arg(value_name = "FILE.json")]
    file: PathBuf,
    /// Shows it as said by an agent of this name.
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
}

/// Prints what a channel makes of everything that Haptik sends, as a Markdown table; without a channel, all
/// of them side by side.
pub(crate) fn capabilities(arguments: &CapabilitiesArguments) -> anyhow::Result<()> {
    match &arguments.channel {
        Some(name) => print!("{}", capability::table(find(name)?.capabilities)),
        None => print!("{}", comparison::markdown(CHANNELS)),
    }
    Ok(())
}

fn find(name: &str) -> anyhow::Result<&'static Registered> {
    registry::find(name).with_context(|| format!("there is no channel {name}"))
}

/// Prints what a message becomes, and a link that shows it.
pub(crate) fn preview(arguments: &PreviewArguments) -> anyhow::Result<()> {
    let text = read(&arguments.file)?;
    let shown = arguments.file.display();
    let message: Value =
        serde_json::from_str(&text).with_context(|| format!("{shown} is not JSON"))?;
    let body = body_of(&message).map_err(|error| anyhow::anyhow!("{shown} {error}"))?;
    let sender = arguments.agent.as_ref().map(|name| Sender {
        kind: SenderKind::Agent,
        name: name.clone(),
        profile_image: String::new(),
    });
    let sender = sender.unwrap_or_default();
    let channels: Vec<&Registered> = match &arguments.channel {
        Some(name) => vec![find(name)?],
        None => CHANNELS.iter().collect(),
    };
    if arguments.json {
        let previews = channels.iter();
        let previews: Vec<Value> = previews
            .flat_map(|channel| as_json(channel, body, &sender))
            .collect();
        return print_json(&previews);
    }
    for channel in channels {
        print_preview(channel, body, &sender)?;
    }
    Ok(())
}

/// What a message becomes in a channel, as `--json` prints it.
pub(crate) fn as_json(channel: &Registered, body: &Value, sender: &Sender) -> Vec<Value> {
    let previews = (channel.preview)(body, sender).into_iter();
    let previews = previews.map(|preview| {
        json!({"channel": channel.name, "kind": preview.kind, "payload": preview.payload, "link": preview.link})
    });
    previews.collect()
}

/// What is shown of a message: an HSL message itself, or that of a delivery of Haptik's.
pub(crate) fn body_of(message: &Value) -> Result<&Value, String> {
    let body = message.pointer("/message/body").unwrap_or(message);
    if !(body.is_object() || body.is_string()) {
        return Err(
            "has no message: allowed are an object, or a text that may hold one".to_owned(),
        );
    }
    let has = |key: &str| body.get(key).is_some();
    if body.is_object() && !["text", "type", "title", "data"].iter().any(|key| has(key)) {
        return Err("is no HSL message: it has neither text nor type, title or data".to_owned());
    }
    Ok(body)
}

fn print_preview(channel: &Registered, body: &Value, sender: &Sender) -> anyhow::Result<()> {
    let previews = (channel.preview)(body, sender);
    if previews.is_empty() {
        println!("{}: nothing is shown.\n", channel.name);
    }
    for (index, preview) in previews.iter().enumerate() {
        println!("{} {} {}\n", channel.name, index + 1, preview.kind);
        if let Some(link) = &preview.link {
            println!("{}\n", visible(link));
        }
        print_json(&preview.payload)?;
        println!();
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
