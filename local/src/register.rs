//! `haptik-bridge register`: tells a channel's provider where the bridge is.

use std::path::PathBuf;

use anyhow::bail;
use haptik_bridge_channels::registry::REGISTRATIONS;
use haptik_bridge_shared::net;
use haptik_bridge_shared::retry::Retryable as _;

use crate::check;

/// Which connection.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The connection's name in the configuration.
    connection: String,
    /// The configuration.
    #[arg(long, value_name = "FILE", env = "HAPTIK_BRIDGE_CONFIG", default_value = crate::CONFIG_FILE)]
    config: PathBuf,
    /// The URL under which the provider reaches the bridge.
    #[arg(long, value_name = "URL", value_parser = check::web_url)]
    url: String,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments {
        connection,
        config,
        url,
    } = arguments;
    let config = check::read(config)?;
    let channel = check::connection(&config, connection)?;
    let url = format!("{}/channels/{connection}", url.trim_end_matches('/'));
    let mut registrations = REGISTRATIONS.iter();
    let register = registrations.find(|(name, _)| *name == channel.type_name);
    let registration = match register {
        Some((_, register)) => register(channel, net::client()?, &url)?,
        None => None,
    };
    let Some(registration) = registration else {
        bail!(
            "a {} has no call for that; `haptik-bridge check` says what to paste where",
            channel.type_name
        );
    };
    match registration.await {
        Ok(done) => println!("{done}"),
        // The provider's own words are the operator's here.
        Err(error) => match error.detail() {
            Some(words) => bail!("{error}: {words}"),
            None => bail!("{error}"),
        },
    }
    Ok(())
}
