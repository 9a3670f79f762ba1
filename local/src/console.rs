//! The console: a page on this machine with which a bridge is looked into and mended, without a shell. For a bridge
//! in this process (`serve --console`), for one on this machine that runs in another, and for a deployed one
//! (`console --stack NAME`).
//!
//! `guard` says who may ask, `page` has the files. What the page asks for is in `find` (entries, conversations),
//! `dead` (what was given up), `replay`, `state` (sinks, connections, outages) and `preview`; `steps` has where
//! the hops of a message are found, `audit` who looked at what, `privacy` exports and
//! forgets a person.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use axum::routing::{get, post};
use axum::{Json, Router};
use haptik_bridge_inbound::Inbound;
use haptik_bridge_shared::config::Config;
use haptik_bridge_shared::telemetry;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{FilterExt as _, LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config_here;
use crate::operate::{OperatedBridge, Target};
use crate::who;

mod audit;
mod dead;
mod find;
mod guard;
mod page;
mod preview;
mod privacy;
mod replay;
mod state;
mod steps;

use guard::Guard;
pub(crate) use steps::Steps;

/// Where the console listens unless another place is named.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3001);

/// Which bridge to look into, and how.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    haptik-bridge console --stack acme-bridge --profile acme-prod\n  \
    haptik-bridge console --data-dir .haptik-bridge --bodies\n\n\
    docs/console.md says what it shows, and which rights in AWS it needs.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Target,
    /// The configuration of a bridge on this machine: it names the connections and sinks, and with it what was not
    /// understood is read again [default: `bridge.toml`, where there is one]
    #[arg(long, value_name = "FILE", env = "HAPTIK_BRIDGE_CONFIG")]
    config: Option<PathBuf>,
    /// The address to listen on: a port, or an address and a port.
    #[arg(long, value_name = "ADDR", env = "HAPTIK_BRIDGE_CONSOLE", default_value_t = LISTEN, value_parser = crate::listen::address)]
    listen: SocketAddr,
    /// Show what was said, too. Each look at it is recorded, with your name.
    #[arg(long)]
    bodies: bool,
}

/// What the page is about.
pub(crate) struct Console {
    operated: OperatedBridge,
    /// What knows the connections and sinks, where a configuration is known.
    inbound: Option<Arc<Inbound>>,
    /// Which bridge, in words.
    place: String,
    /// Who looks.
    who: String,
    bodies: bool,
    steps: Steps,
    jobs: Mutex<BTreeMap<u64, Arc<replay::Job>>>,
    forgets: privacy::Forgets,
}

/// An answer that is an error, with words for whoever reads the page.
#[derive(Debug)]
pub(crate) struct Refused(StatusCode, String);

type Answer = Result<Json<Value>, Refused>;

impl Console {
    /// The console of a bridge that runs in this process.
    pub(crate) fn of(inbound: Arc<Inbound>, place: String, bodies: bool, steps: Steps) -> Self {
        Self {
            operated: OperatedBridge::of(inbound.clone()).at(&place),
            inbound: Some(inbound),
            place,
            who: who::on_this_machine(),
            bodies,
            steps,
            jobs: Mutex::default(),
            forgets: privacy::Forgets::default(),
        }
    }

    async fn open(arguments: &Arguments) -> anyhow::Result<Self> {
        let place = &arguments.place;
        let operated = place.open(crate::variable).await?;
        let mut inbound = operated.inbound();
        let (who, steps) = match place.sdk().await? {
            Some(sdk) => {
                let who = who::caller(&sdk).await?;
                let steps = place.stack().map(|stack| Steps::in_logs(&sdk, stack));
                (who, steps.unwrap_or(Steps::Nowhere))
            }
            None => (who::on_this_machine(), Steps::Nowhere),
        };
        let here = config_here();
        let config = arguments.config.as_deref().or(here);
        if let (None, Some(config)) = (&inbound, config) {
            inbound = Some(Arc::new(operated.on_this_machine(config)?));
        }
        Ok(Self {
            operated,
            inbound,
            place: place.to_string(),
            who,
            bodies: arguments.bodies,
            steps,
            jobs: Mutex::default(),
            forgets: privacy::Forgets::default(),
        })
    }

    /// The configuration, where it is known.
    fn config(&self) -> Option<&Config> {
        let inbound = self.inbound.as_ref()?;
        Some(&inbound.bridge().config)
    }

    /// The page and what it asks for, for whoever has the token.
    fn router(self: Arc<Self>, guard: Guard) -> Router {
        let api = Router::new()
            .route("/api/about", get(about))
            .route("/api/find", get(find::find))
            .route("/api/conversation", get(find::conversation))
            .route("/api/recent", get(find::recent))
            .route("/api/entry", get(find::entry))
            .route("/api/steps", get(steps::steps))
            .route("/api/turned-away", get(steps::turned_away))
            .route("/api/dead", get(dead::list))
            .route("/api/dead/{cause}", get(dead::entries))
            .route("/api/replay", post(replay::begin))
            .route("/api/replay/{job}", get(replay::progress))
            .route("/api/replay/{job}/stop", post(replay::stop))
            .route("/api/state", get(state::state))
            .route("/api/outages", get(state::outages))
            .route("/api/preview", post(preview::preview))
            .route("/api/audit", get(audit::list))
            .route("/api/person", get(privacy::person))
            .route("/api/person/export", post(privacy::exported))
            .route("/api/person/forget", post(privacy::forgotten))
            .route("/api/person/forget/{job}", get(privacy::progress))
            .with_state(self);
        guard.guarded(page::router().merge(api))
    }
}

/// What the page says of itself.
async fn about(axum::extract::State(console): axum::extract::State<Arc<Console>>) -> Json<Value> {
    let channels = haptik_bridge_channels::registry::CHANNELS.iter();
    let channels: Vec<&str> = channels.map(|channel| channel.name).collect();
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "place": console.place,
        "who": console.who,
        "bodies": console.bodies,
        "steps": console.steps.kind(),
        "channels": channels,
        "configured": console.config().is_some(),
    }))
}

/// `haptik-bridge console`.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let is_of_us = filter_fn(|metadata| metadata.target().starts_with("haptik_bridge"));
    let filter = LevelFilter::INFO.and(is_of_us.and(filter_fn(telemetry::may_be_logged)));
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .init();
    let console = Console::open(&arguments).await?;
    let serving = Serving::begin(console, arguments.listen).await?;
    serving.until(crate::listen::stop_signal()).await;
    Ok(())
}

/// A console that listens.
pub(crate) struct Serving {
    listener: TcpListener,
    router: Router,
}

impl Serving {
    /// Listens, and says where.
    ///
    /// # Errors
    /// When that is not on this machine, or something else listens there.
    pub(crate) async fn begin(console: Console, listen: SocketAddr) -> anyhow::Result<Self> {
        anyhow::ensure!(
            listen.ip().is_loopback(),
            "the console listens on this machine only, not on {listen}: from elsewhere, forward its port \
             (ssh -L 3001:127.0.0.1:3001 HOST)"
        );
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("the console cannot listen on {listen}: name another port"))?;
        let guard = Guard::new(listener.local_addr()?)?;
        println!(
            "The console of {}, as {}. Who has this address can see and replay everything:\n  {}",
            console.place,
            console.who,
            guard.url(),
        );
        let router = Arc::new(console).router(guard);
        Ok(Self { listener, router })
    }

    /// Serves until `stop` resolves.
    pub(crate) async fn until(self, stop: impl Future<Output = ()> + Send + 'static) {
        let served = axum::serve(self.listener, self.router).with_graceful_shutdown(stop);
        if let Err(error) = served.await {
            tracing::error!(%error, "the console has stopped");
        }
    }
}

impl Refused {
    fn new(status: StatusCode, words: impl Into<String>) -> Self {
        Self(status, words.into())
    }

    fn bad(words: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, words)
    }

    fn not_found(words: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, words)
    }
}

impl axum::response::IntoResponse for Refused {
    fn into_response(self) -> axum::response::Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

impl<E: std::fmt::Display> From<E> for Refused {
    fn from(error: E) -> Self {
        Self(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

/// The query of a request.
type Asked = axum::extract::Query<HashMap<String, String>>;

#[cfg(test)]
mod tests {
    mod requests;
}
