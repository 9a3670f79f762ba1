//! `haptik-bridge check`: whether a configuration is good, and which URLs to paste where; with `--online`,
//! whether its credentials are accepted.

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use haptik_bridge_channels::registry as channels;
use haptik_bridge_local::registry;
use haptik_bridge_shared::config::{Channel, Config};
use reqwest::Url;

mod online;

use crate::CONFIG_FILE;

/// Which configuration.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The configuration [default: `bridge.toml`]
    #[arg(value_name = "FILE", conflicts_with = "config")]
    file: Option<PathBuf>,
    /// The same.
    #[arg(long, value_name = "FILE", env = "HAPTIK_BRIDGE_CONFIG")]
    config: Option<PathBuf>,
    /// The URL under which Haptik and the channels reach the bridge.
    #[arg(long, value_name = "URL", default_value = UNKNOWN_URL, value_parser = web_url)]
    url: String,
    /// Also try every credential, the clock and the URL, without anybody seeing it.
    #[arg(long)]
    online: bool,
}

/// What stands for the URL where none is named.
const UNKNOWN_URL: &str = "https://YOUR-BRIDGE";

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let file = arguments.file.as_ref().or(arguments.config.as_ref());
    let file = file.map_or(Path::new(CONFIG_FILE), PathBuf::as_path);
    let config = read(file)?;
    let placeholders: Vec<_> = config.placeholders().collect();
    let count =
        |count: usize, name: &str| format!("{count} {name}{}", if count == 1 { "" } else { "s" });
    println!(
        "{} {}: {}, {}, {}.\n",
        file.display(),
        if placeholders.is_empty() {
            "is good"
        } else {
            "is well formed, and not filled in yet"
        },
        count(config.haptik.len(), "Haptik account"),
        count(config.channels.len(), "connection"),
        count(config.sinks.len(), "sink"),
    );
    for warning in config.warnings() {
        println!("Warning: {warning}");
    }
    let url = arguments.url.trim_end_matches('/');
    println!("{}", urls(&config, url));
    if arguments.online {
        let known = Some(url).filter(|url| *url != UNKNOWN_URL);
        online::run(&config, known).await?;
    }
    if !placeholders.is_empty() {
        bail!(
            "put your own values in the place of the example's: {}",
            placeholders.join(", ")
        );
    }
    Ok(())
}

/// A URL of the web, as it was written.
pub(crate) fn web_url(text: &str) -> Result<String, String> {
    let url = Url::parse(text)
        .map_err(|error| format!("{error}: expected as https://bridge.example.com"))?;
    if !["http", "https"].contains(&url.scheme()) || url.host().is_none() {
        return Err("expected an http or https URL, as https://bridge.example.com".to_owned());
    }
    Ok(text.to_owned())
}

/// Reads a configuration file.
pub(crate) fn read(file: &Path) -> anyhow::Result<Config> {
    let shown = file.display();
    let variable = file.to_str().and_then(|file| file.strip_prefix("env:"));
    let text = if let Some(variable) = variable {
        let text = crate::variable(variable).filter(|text| !text.is_empty());
        text.with_context(|| format!("there is no variable {variable} in the environment"))?
    } else {
        std::fs::read_to_string(file).map_err(|error| {
            // Where it may not be looked at, it may well be there.
            let hint = match error.kind() {
                ErrorKind::NotFound => " (`haptik-bridge init` writes one)",
                _ => "",
            };
            anyhow::Error::new(error).context(format!("cannot read {shown}{hint}"))
        })?
    };
    match Config::parse(&text, &registry::all()) {
        Ok(config) => Ok(config),
        Err(errors) => bail!("{shown} is not a good configuration:\n{errors}"),
    }
}

/// The connection of this name.
pub(crate) fn connection<'a>(config: &'a Config, name: &str) -> anyhow::Result<&'a Channel> {
    let mut connections = config.channels.iter();
    let found = connections.find(|(connection, _)| connection.as_str() == name);
    found.map(|(_, channel)| channel).with_context(|| {
        let names: Vec<_> = config.channels.keys().map(String::as_str).collect();
        let names = names.join(", ");
        format!("there is no connection {name}; there are: {names}")
    })
}

/// The URLs to paste into Haptik's and the channels' dashboards.
pub(crate) fn urls(config: &Config, base_url: &str) -> String {
    let mut text = String::from("Paste into Haptik's dashboard, as the webhook URL:\n");
    for account in config.haptik.keys() {
        let _ = writeln!(text, "  {base_url}/haptik/{account}");
    }
    for (name, channel) in &config.channels {
        let url = format!("{base_url}/channels/{name}");
        let Some(registered) = channels::find(channel.type_name) else {
            continue;
        };
        for (instruction, url) in (registered.definition.setup)(&channel.settings, &url) {
            let _ = writeln!(text, "{instruction}:\n  {url}");
        }
    }
    text
}
