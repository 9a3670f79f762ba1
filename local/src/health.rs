//! `haptik-bridge health`: whether the bridge on this machine answers, for a container's health check, which has
//! no other program.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use haptik_bridge_shared::net;

/// What is said of a bridge that is not well.
#[derive(serde::Deserialize)]
struct Refused {
    error: String,
}

/// Which bridge.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Where it listens.
    #[arg(long, value_name = "ADDR", env = "HAPTIK_BRIDGE_LISTEN", default_value = "127.0.0.1:3000", value_parser = crate::listen::address)]
    listen: SocketAddr,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let url = format!(
        "http://{}/health",
        crate::serve::reached_at(arguments.listen)
    );
    let answer = net::client()?.get(&url).send().await;
    let answer = answer.map_err(reqwest::Error::without_url);
    let answer = answer.with_context(|| {
        format!("{url} does not answer: is the bridge running, and does it listen at --listen?")
    })?;
    let status = answer.status();
    if !status.is_success() {
        // The bridge says why; whoever else listens there may say anything.
        let why = answer.json::<Refused>().await;
        let why = why.map(|Refused { error }| format!(": {error}"));
        bail!(
            "{url} answers {}{}",
            status.as_u16(),
            why.unwrap_or_default()
        );
    }
    println!("ok");
    Ok(())
}
