//! The bridge on one machine: the three handlers behind one listener, with the embedded database and
//! the queue in memory.

use std::fs::{DirBuilder, File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use haptik_bridge_inbound::Inbound;
use haptik_bridge_processor::{Limits, Processor};
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::config::Config;
use haptik_bridge_shared::ingest::refusal;
use haptik_bridge_sinks::Sinks;
use http::StatusCode;
use jiff::Timestamp;
use tokio::net::TcpListener;

use crate::application::{Application, Aws};
use crate::database::{Calls, EmbeddedDynamoDb, WriteOutage};
use crate::queue::LocalQueue;

/// How long deliveries that are under way may take to end when the bridge stops: a little longer than the
/// [`delivery_timeout`](Limits::delivery_timeout). What is cut off would be sent again.
const LAST_DELIVERIES: Duration = Duration::from_secs(75);

/// How long connections may take to end when the bridge stops.
const LAST_CONNECTIONS: Duration = Duration::from_secs(2);

/// How often it is looked whether Haptik's webhook is to be enabled, and whether something is pending that
/// nobody rang for: what `replay` took up again in another process, for example.
const KEEP_HOUSE_EVERY: Duration = Duration::from_secs(15);

/// How often a bridge on this machine did what a deployed one calls AWS for.
#[derive(Debug, Clone)]
pub struct AwsCalls {
    database: Calls,
    queue: LocalQueue,
}

impl AwsCalls {
    /// Each kind of call that there was, and how often.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let rung = Some(("SendMessage", self.queue.rung())).filter(|(_, count)| *count > 0);
        self.database.counts().chain(rung)
    }
}

/// A bridge on this machine.
#[derive(Debug)]
pub struct LocalBridge {
    /// What the handlers depend on.
    pub bridge: Arc<Bridge>,
    /// What the processor delivers to besides.
    pub sinks: Arc<Sinks>,
    /// The queue between them.
    pub queue: LocalQueue,
    /// What handles the rings, and keeps house.
    pub processor: Processor,
    application: Application,
    database: EmbeddedDynamoDb,
    /// Keeps a second process off the data directory; released when the process ends, however it does.
    _lock: Option<File>,
}

impl LocalBridge {
    /// Starts a bridge whose ledger is in `data_dir`, or in memory; `aws` is where its sinks reach AWS. Deliveries that were pending when
    /// the last process ended go on.
    ///
    /// # Errors
    /// When the data directory cannot be used, or another process uses it.
    pub async fn start(config: Config, data_dir: Option<&Path>, aws: &Aws) -> anyhow::Result<Self> {
        Self::start_with(config, data_dir, Limits::default(), aws).await
    }

    /// Starts a bridge whose processor has other limits.
    ///
    /// # Errors
    /// As [`LocalBridge::start`].
    pub async fn start_with(
        config: Config,
        data_dir: Option<&Path>,
        limits: Limits,
        aws: &Aws,
    ) -> anyhow::Result<Self> {
        let lock = data_dir.map(lock).transpose()?;
        let file = data_dir.map(|dir| dir.join("dynamodb.sqlite"));
        let database = EmbeddedDynamoDb::start(file.as_deref()).await?;
        let queue = LocalQueue::in_turn(database.turns());
        let rings = Arc::new(queue.clone());
        let application = Application::new(config, &database.table, rings, limits, aws)?;
        queue.start(application.processor.clone());
        Ok(Self {
            processor: application.processor.clone(),
            bridge: application.bridge.clone(),
            sinks: application.sinks.clone(),
            application,
            queue,
            database,
            _lock: lock,
        })
    }

    /// What takes channels' requests.
    #[must_use]
    pub fn inbound(&self) -> Arc<Inbound> {
        self.application.inbound.clone()
    }

    /// What counts the calls that a deployed bridge makes of AWS: the operations of DynamoDB, and `SendMessage` of SQS.
    #[must_use]
    pub fn aws_calls(&self) -> AwsCalls {
        AwsCalls {
            database: self.database.calls(),
            queue: self.queue.clone(),
        }
    }

    /// Rings the lanes that have something pending from an earlier process; returns how many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn resume(&self) -> anyhow::Result<usize> {
        let lanes = self.bridge.ledger.pending_lanes().await?;
        let count = lanes.len();
        for lane in lanes {
            self.queue.recover(lane);
        }
        Ok(count)
    }

    /// The routes of the three functions, and an answer for every other path.
    pub fn router(&self) -> Router {
        let router = self.application.router();
        let router = router.layer(from_fn_with_state(self.database.outage(), health_of_ledger));
        router.fallback(async || -> Response {
            refusal(StatusCode::NOT_FOUND, "there is nothing at this path")
        })
    }

    /// Serves `router` until `stop` resolves, then lets what is under way end.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(
        &self,
        listener: TcpListener,
        router: Router,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> anyhow::Result<()> {
        let (stopped, mut stopping) = tokio::sync::watch::channel(());
        let graceful = async move {
            stop.await;
            drop(stopped);
        };
        let server = axum::serve(listener, router).with_graceful_shutdown(graceful);
        let keeping_house = async {
            loop {
                self.processor
                    .run_scheduled_maintenance(Timestamp::now())
                    .await;
                tokio::time::sleep(KEEP_HOUSE_EVERY).await;
                if let Err(error) = self.resume().await {
                    tracing::warn!(%error, "what is pending cannot be looked for");
                }
            }
        };
        let patience = async {
            // An open event stream of the console must not keep the bridge from stopping.
            while stopping.changed().await.is_ok() {}
            tokio::time::sleep(LAST_CONNECTIONS).await;
        };
        tokio::select! {
            ended = async { server.await } => ended?,
            () = patience => {}
            () = keeping_house => {}
        }
        self.queue.close(LAST_DELIVERIES).await;
        Ok(())
    }
}

/// Answers `GET /health` while the ledger does not take what is written; the functions know nothing of a disk.
async fn health_of_ledger(
    State(outage): State<WriteOutage>,
    request: Request,
    next: Next,
) -> Response {
    if request.uri().path() == "/health"
        && let Some(why) = outage.now()
    {
        let why = format!("the ledger does not take what is written: {why}");
        return refusal(StatusCode::SERVICE_UNAVAILABLE, &why);
    }
    next.run(request).await
}

fn lock(data_dir: &Path) -> anyhow::Result<File> {
    let shown = data_dir.display();
    // What people say is kept there.
    let mut directory = DirBuilder::new();
    directory.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut directory, 0o700);
    directory
        .create(data_dir)
        .with_context(|| format!("the data directory {shown} cannot be made"))?;
    let lock = File::create(data_dir.join("lock"))
        .with_context(|| format!("the data directory {shown} cannot be written to"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            bail!(
                "another haptik-bridge uses the data directory {shown}: stop it, or name another with --data-dir"
            )
        }
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}
