//! `haptik-bridge health`: whether the bridge on this machine answers, for a container's health check, which has
//! no other program.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use haptik_bridge_shared::net;

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
    let status = answer
        .with_context(|| {
            format!("{url} does not answer: is the bridge running, and does it listen at --listen?")
        })?
        .status();
    if !status.is_success() {
        bail!("{url} answers {}", status.as_u16());
    }
    println!("ok");
    Ok(())
}
