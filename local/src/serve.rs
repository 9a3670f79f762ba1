//! `haptik-bridge serve`: the bridge on this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use axum::Router;
use axum::routing::get;
use haptik_bridge_local::demo::Demo;
use haptik_bridge_local::feed::{Feed, HopLayer};
use haptik_bridge_local::gateway::LocalBridge;
use haptik_bridge_shared::net::aws::AwsEnvironment;
use haptik_bridge_shared::telemetry;
use tokio::net::TcpListener;
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::CONFIG_FILE;
use crate::check;

/// Where and as what to serve.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The configuration [default: `bridge.toml`, where there is one; without one, a demo runs with a
    /// simulated Haptik]
    #[arg(long, value_name = "FILE", env = "HAPTIK_BRIDGE_CONFIG")]
    config: Option<PathBuf>,
    /// Run the demo, also where there is a `bridge.toml`.
    #[arg(long, conflicts_with = "config")]
    demo: bool,
    /// The address to listen on: `127.0.0.1:3000`, `localhost:3000`, `:3000` or `3000`.
    #[arg(long, value_name = "ADDR", env = "HAPTIK_BRIDGE_LISTEN", default_value = "127.0.0.1:3000", value_parser = address)]
    listen: SocketAddr,
    /// Where the ledger is kept.
    #[arg(
        long,
        value_name = "DIR",
        env = "HAPTIK_BRIDGE_DATA_DIR",
        default_value = ".haptik-bridge"
    )]
    data_dir: PathBuf,
    /// How log lines look.
    #[arg(long, env = "HAPTIK_BRIDGE_LOG_FORMAT", default_value = "text")]
    log_format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged unless `RUST_LOG` says otherwise. The embedded database warns of each conditional write
/// that lost, which is how a repetition is known: nothing to look at.
const LOGGED: &str = "info,dynoxide=error";

/// An address to listen on; a port alone is one of this machine.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    let local = |port: &str| format!("127.0.0.1:{port}");
    let full = match text.rsplit_once(':') {
        None => local(text),
        Some(("" | "localhost", port)) => local(port),
        Some(_) => text.to_owned(),
    };
    full.parse().map_err(|_| {
        "expected an address and a port as 127.0.0.1:3000 or [::1]:3000, or a port as 3000"
            .to_owned()
    })
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let hops = Feed::new();
    let wanted = crate::variable("RUST_LOG").filter(|wanted| !wanted.is_empty());
    let filter = EnvFilter::try_new(wanted.as_deref().unwrap_or(LOGGED))
        .context("RUST_LOG is not understood: expected as info, debug or warn,haptik_bridge=debug")?
        .and(filter_fn(telemetry::may_be_logged));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match arguments.log_format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry()
        .with(HopLayer(hops.clone()))
        .with(lines.with_filter(filter))
        .init();
    let listener = TcpListener::bind(arguments.listen).await.with_context(|| {
        format!(
            "cannot listen on {}: name another address with --listen",
            arguments.listen
        )
    })?;
    let base_url = format!("http://{}", reached_at(listener.local_addr()?));
    let here = Path::new(CONFIG_FILE);
    let here = (!arguments.demo && here.exists()).then_some(here);
    match arguments.config.as_deref().or(here) {
        Some(file) => serve_configured(file, &arguments.data_dir, listener, &base_url).await,
        None => serve_demo(&arguments.data_dir, listener, base_url, hops).await,
    }
}

/// Where this machine reaches what listens there: an unspecified address is none to call.
pub(crate) fn reached_at(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listening.port())
}

async fn serve_configured(
    file: &Path,
    data_dir: &Path,
    listener: TcpListener,
    base_url: &str,
) -> anyhow::Result<()> {
    let config = check::read(file)?;
    println!(
        "haptik-bridge {} with {} at {base_url}",
        env!("CARGO_PKG_VERSION"),
        file.display()
    );
    println!("\n{}", check::urls(&config, base_url));
    if listener.local_addr()?.ip().is_loopback() {
        println!(
            "Only this machine reaches {base_url}: Haptik and the channels need an https URL that leads here, from\n\
             a reverse proxy or a tunnel, in its place."
        );
    }
    let local = LocalBridge::start(
        config,
        Some(data_dir),
        &AwsEnvironment::read(crate::variable),
    )
    .await?;
    let home = Router::new().route("/", get(|| async { "haptik-bridge\n" }));
    go_on(&local, listener, local.router().merge(home)).await
}

async fn serve_demo(
    data_dir: &Path,
    listener: TcpListener,
    base_url: String,
    hops: Feed,
) -> anyhow::Result<()> {
    let demo = Demo::new(base_url.clone());
    let local = LocalBridge::start(
        demo.config()?,
        Some(&data_dir.join("demo")),
        &AwsEnvironment::read(crate::variable),
    )
    .await?;
    let simulator = demo.simulator();
    let router = local
        .router()
        .merge(demo.router(local.bridge.clone(), hops, &simulator)?);
    if !listener.local_addr()?.ip().is_loopback() {
        eprintln!(
            "haptik-bridge: warning: the demo has no password, and with --listen {} everybody in the network\n\
             reaches its page, its ledger and its simulator",
            listener.local_addr()?
        );
    }
    println!(
        "haptik-bridge {version}: a demo, since there is no bridge.toml here and no --config FILE\n\n  \
           {base_url}                  a chat with a simulated bot, and every hop of each message\n  \
           {base_url}/haptik/demo      the webhook that the simulated Haptik calls\n  \
           {base_url}/channels/web     the custom channel that the chat talks to\n  \
           {base_url}/channels/my-bot  a custom channel for a bot of your own: examples/README.md\n  \
           {base_url}/simulator        the simulated Haptik: its API, and faults on request\n\n\
         Type \"hi\" there. Next, connect a real Slack to your Haptik bot:\n\n  \
           1. docs/slack.md: make the Slack app from docs/slack-app-manifest.yaml, note its two keys\n  \
           2. cp bridge.example.toml bridge.toml, fill in Haptik's and Slack's keys, then\n     \
              cargo run -- check --config bridge.toml\n  \
           3. cargo run -- serve --config bridge.toml, behind an https tunnel to {address}\n\n\
         Ctrl-C stops it.",
        version = env!("CARGO_PKG_VERSION"),
        address = listener.local_addr()?,
    );
    go_on(&local, listener, Demo::guarded(router)).await
}

/// Goes on with what was pending, and serves until Ctrl-C or SIGTERM.
async fn go_on(local: &LocalBridge, listener: TcpListener, router: Router) -> anyhow::Result<()> {
    match local.resume().await? {
        0 => {}
        lanes => println!("Going on with what was pending in {lanes} lanes."),
    }
    local.serve(listener, router, stop_signal()).await?;
    println!("Stopped. What is pending goes on at the next start.");
    Ok(())
}

async fn stop_signal() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn an_address_may_be_a_port_alone() {
        let local = "127.0.0.1:3000".parse();
        for text in ["3000", ":3000", "localhost:3000", "127.0.0.1:3000"] {
            assert_eq!(
                address(text),
                local.clone().map_err(|_| String::new()),
                "{text}"
            );
        }
        assert!(address("[::1]:3000").is_ok_and(|address| address.is_ipv6()));
        for odd in ["", "x", "example.com:3000", "127.0.0.1", "70000", "::1"] {
            let error = address(odd).expect_err(odd);
            assert!(error.contains("3000"), "{error}");
        }
    }
}
