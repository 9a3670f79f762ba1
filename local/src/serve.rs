//! `haptik-bridge serve`: the bridge on this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use axum::Router;
use axum::routing::get;
use haptik_bridge_local::demo::Demo;
use haptik_bridge_local::feed::{Feed, HopLayer};
use haptik_bridge_local::gateway::LocalBridge;
use haptik_bridge_local::metrics::Metrics;
use haptik_bridge_local::watch::Watched;
use haptik_bridge_shared::net::aws::AwsEnvironment;
use haptik_bridge_shared::telemetry;
use tokio::net::TcpListener;
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::check;
use crate::config_here;
use crate::console::{self, Console, Steps};
use crate::listen::{self, stop_signal};

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
    #[arg(long, value_name = "ADDR", env = "HAPTIK_BRIDGE_LISTEN", default_value = "127.0.0.1:3000", value_parser = listen::address)]
    listen: SocketAddr,
    /// Where the ledger is kept.
    #[arg(
        long,
        value_name = "DIR",
        env = "HAPTIK_BRIDGE_DATA_DIR",
        default_value = ".haptik-bridge"
    )]
    data_dir: PathBuf,
    /// Serve the console, too: a page on this machine to look into messages and mend what was given up; at
    /// 127.0.0.1:3001, or at this address or port.
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "3001", value_parser = listen::address)]
    console: Option<SocketAddr>,
    /// Have the console show what was said, too. Each look at it is recorded, with your name.
    #[arg(long, requires = "console")]
    bodies: bool,
    /// Serve metrics for Prometheus at `/metrics`, at 127.0.0.1:9464 or at this address or port.
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "9464", value_parser = listen::address)]
    metrics: Option<SocketAddr>,
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

impl LogFormat {
    /// Says something that is no event of a message: to people as a text, else as a line of the log.
    fn say(self, line: &str) {
        self.say_at_length(line, || line.to_owned());
    }

    /// As [`LogFormat::say`], and more of it to people.
    fn say_at_length(self, line: &str, to_people: impl FnOnce() -> String) {
        match self {
            Self::Text => println!("{}", to_people()),
            Self::Json => tracing::info!("{line}"),
        }
    }

    /// Says what somebody may not have wanted.
    fn warn(self, line: &str) {
        match self {
            Self::Text => eprintln!("haptik-bridge: warning: {line}"),
            Self::Json => tracing::warn!("{line}"),
        }
    }
}

/// What is logged unless `RUST_LOG` says otherwise. The embedded database warns of each conditional write
/// that lost, which is how a repetition is known: nothing to look at.
const LOGGED: &str = "info,dynoxide=error";

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
    let watched = arguments.console.map(|_| Watched::new(arguments.bodies));
    let of_console = watched.clone();
    let of_console = of_console.map(|watched| watched.with_filter(filter_fn(Watched::wants)));
    let metrics = arguments.metrics.map(|_| Metrics::default());
    tracing_subscriber::registry()
        .with(HopLayer(hops.clone()).with_filter(filter_fn(of_hop)))
        .with(of_console)
        .with(
            metrics
                .clone()
                .map(|metrics| metrics.with_filter(filter_fn(of_hop))),
        )
        .with(lines.with_filter(filter))
        .init();
    let listener = TcpListener::bind(arguments.listen).await.with_context(|| {
        format!(
            "cannot listen on {}: name another address with --listen",
            arguments.listen
        )
    })?;
    let base_url = format!("http://{}", reached_at(listener.local_addr()?));
    let here = config_here().filter(|_| !arguments.demo);
    let beside = Beside {
        console: arguments.console.zip(watched),
        bodies: arguments.bodies,
        metrics: arguments.metrics.zip(metrics),
    };
    let log = arguments.log_format;
    match arguments.config.as_deref().or(here) {
        Some(file) => {
            let data_dir = &arguments.data_dir;
            serve_configured(file, data_dir, listener, &base_url, beside, log).await
        }
        None => serve_demo(&arguments.data_dir, listener, base_url, hops, beside, log).await,
    }
}

/// Whether an event is a hop.
fn of_hop(metadata: &tracing::Metadata<'_>) -> bool {
    metadata.target() == telemetry::HOP_TARGET
}

/// What is served beside a bridge, each where it listens: the console, with what it remembers, and metrics.
struct Beside {
    console: Option<(SocketAddr, Watched)>,
    bodies: bool,
    metrics: Option<(SocketAddr, Metrics)>,
}

impl Beside {
    /// Serves it as long as this process runs.
    async fn begin(
        self,
        local: &LocalBridge,
        data_dir: &Path,
        log: LogFormat,
    ) -> anyhow::Result<()> {
        if let Some((listen, metrics)) = self.metrics {
            let listener = TcpListener::bind(listen).await;
            let listener = listener.with_context(|| format!("no metrics at {listen}"))?;
            let served = format!("Metrics: http://{}/metrics", listener.local_addr()?);
            log.say(&served);
            let kept = local.bridge.config.delivery.entry_ttl.try_into()?;
            let router = metrics.router(local.bridge.ledger.clone(), kept, local.aws_calls());
            tokio::spawn(async move { axum::serve(listener, router).await });
        }
        if let Some((listen, watched)) = self.console {
            let place = data_dir.display().to_string();
            let steps = Steps::Here(watched);
            let console = Console::of(local.inbound(), place, self.bodies, steps);
            let serving = console::Serving::begin(console, listen).await?;
            tokio::spawn(serving.until(stop_signal()));
        }
        Ok(())
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
    beside: Beside,
    log: LogFormat,
) -> anyhow::Result<()> {
    let config = check::read(file)?;
    let started = format!(
        "haptik-bridge {} with {} at {base_url}",
        env!("CARGO_PKG_VERSION"),
        file.display()
    );
    let only_here = listener.local_addr()?.ip().is_loopback();
    log.say_at_length(&started, || {
        let urls = check::urls(&config, base_url);
        let proxy = if only_here {
            format!(
                "\nOnly this machine reaches {base_url}: Haptik and the channels need an https URL that leads here, from\n\
                 a reverse proxy or a tunnel, in its place."
            )
        } else {
            String::new()
        };
        format!("{started}\n\n{urls}{proxy}")
    });
    let local = LocalBridge::start(
        config,
        Some(data_dir),
        &AwsEnvironment::read(crate::variable),
    )
    .await?;
    beside.begin(&local, data_dir, log).await?;
    let home = Router::new().route("/", get(|| async { "haptik-bridge\n" }));
    go_on(&local, listener, local.router().merge(home), log).await
}

async fn serve_demo(
    data_dir: &Path,
    listener: TcpListener,
    base_url: String,
    hops: Feed,
    beside: Beside,
    log: LogFormat,
) -> anyhow::Result<()> {
    let demo = Demo::new(base_url.clone());
    let local = LocalBridge::start(
        demo.config()?,
        Some(&data_dir.join("demo")),
        &AwsEnvironment::read(crate::variable),
    )
    .await?;
    beside.begin(&local, &data_dir.join("demo"), log).await?;
    let simulator = demo.simulator();
    let router = local
        .router()
        .merge(demo.router(local.bridge.clone(), hops, &simulator)?);
    if !listener.local_addr()?.ip().is_loopback() {
        log.warn(&format!(
            "the demo has no password, and with --listen {} everybody in the network reaches its page, its ledger and its simulator",
            listener.local_addr()?
        ));
    }
    let address = reached_at(listener.local_addr()?);
    let version = env!("CARGO_PKG_VERSION");
    let started = format!("haptik-bridge {version}: a demo at {base_url}");
    log.say_at_length(&started, || format!(
        "haptik-bridge {version}: a demo, since there is no bridge.toml here and no --config FILE\n\n  \
           {base_url}                  a chat with a simulated bot, and every hop of each message\n  \
           {base_url}/haptik/demo      the webhook that the simulated Haptik calls\n  \
           {base_url}/channels/web     the custom channel that the chat talks to\n  \
           {base_url}/channels/my-bot  a custom channel for a bot of your own: examples/README.md\n  \
           {base_url}/simulator        the simulated Haptik: its API, and faults on request\n\n\
         Type \"hi\" there. Next, connect a real Slack to your Haptik bot:\n\n  \
           1. docs/slack.md: make the Slack app from docs/slack-app-manifest.yaml, note its two keys\n  \
           2. haptik-bridge init --channel slack, fill in Haptik's and Slack's keys in bridge.toml, then\n     \
              haptik-bridge check --online\n  \
           3. haptik-bridge serve, behind an https tunnel to {address}\n\n\
         Ctrl-C stops it.",
    ));
    go_on(&local, listener, Demo::guarded(router), log).await
}

/// Goes on with what was pending, and serves until Ctrl-C or SIGTERM.
async fn go_on(
    local: &LocalBridge,
    listener: TcpListener,
    router: Router,
    log: LogFormat,
) -> anyhow::Result<()> {
    match local.resume().await? {
        0 => {}
        lanes => log.say(&format!("Going on with what was pending in {lanes} lanes.")),
    }
    local.serve(listener, router, stop_signal()).await?;
    log.say("Stopped. What is pending goes on at the next start.");
    Ok(())
}
