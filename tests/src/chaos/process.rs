//! The bridge as a process that can be killed: its handlers in a runtime of their own, which is dropped
//! with all that is under way in it.

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::Context as _;
use haptik_bridge_local::application::Application;
use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_local::registry;
use haptik_bridge_processor::Limits;
use haptik_bridge_shared::config::Config;
use haptik_bridge_shared::net::aws::AwsEnvironment;
use haptik_bridge_simulator::Running;
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use super::doorbell::{Doorbell, DoorbellOf, Worker};
use super::proxy::{Proxy, Upstreams};
use super::world::World;
use crate::database::serve;
use crate::provider::FakeProvider;

/// What every process of a run has in common, and what outlives each.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub(crate) world: Arc<World>,
    pub(crate) doorbell: Doorbell,
    pub(crate) proxy: Proxy,
    pub(crate) database: EmbeddedDynamoDb,
    pub(crate) setup: Setup,
    listener: TcpListener,
}

/// How a process is set up.
#[derive(Debug)]
pub(crate) struct Setup {
    /// The configuration of a process, by its number.
    pub(crate) config: fn(&Surroundings, u64) -> String,
    pub(crate) secrets: Secrets,
    /// The other side of the channel.
    pub(crate) provider: Arc<dyn FakeProvider>,
    /// The tables of sinks in it.
    pub(crate) sinks: String,
    pub(crate) limits: Limits,
}

impl Surroundings {
    /// What is around processes that are yet to come: an empty database, and the proxy before it and the
    /// other dependencies.
    pub(crate) async fn new(
        world: World,
        doorbell: Doorbell,
        upstreams: Upstreams,
        setup: Setup,
    ) -> anyhow::Result<Arc<Self>> {
        let world = Arc::new(world);
        let database = EmbeddedDynamoDb::start(None).await?;
        let upstreams = Upstreams {
            dynamodb: serve(&database).await?,
            ..upstreams
        };
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        Ok(Arc::new(Self {
            proxy: Proxy::start(world.clone(), upstreams).await?,
            world,
            doorbell,
            database,
            setup,
            listener,
        }))
    }

    /// Keeps house as of a time to come; whether that came to its end, and the process was not killed in it.
    pub(crate) async fn run_maintenance(&self, ahead: SignedDuration) -> anyhow::Result<bool> {
        let worker = self.doorbell.worker().await;
        let Worker { runtime, processor } = worker.context("there is no process")?;
        let (now, kills) = (Timestamp::now().checked_add(ahead)?, self.kills());
        let kept = runtime.spawn(async move { processor.run_scheduled_maintenance(now).await });
        Ok(kept.await.is_ok() && self.kills() == kills)
    }

    /// How often something went wrong.
    pub(crate) fn kills(&self) -> u64 {
        self.world.tally().values().sum()
    }

    /// Where every process can be reached, one after the other.
    pub(crate) fn url(&self) -> anyhow::Result<String> {
        Ok(format!("http://{}", self.listener.local_addr()?))
    }
}

/// What stands in the configuration of the account at Haptik.
#[derive(Debug)]
pub(crate) struct Secrets {
    pub(crate) client_id: String,
    pub(crate) token: String,
    pub(crate) webhook_secret: String,
    pub(crate) business_id: u64,
}

impl Secrets {
    /// Those of an account at Haptik.
    pub(crate) fn of(haptik: &Running) -> Self {
        let settings = haptik.simulator().settings();
        Self {
            client_id: settings.client_id.clone(),
            token: settings.token.expose_secret().to_owned(),
            webhook_secret: settings.webhook_secret.expose_secret().to_owned(),
            business_id: settings.business_id,
        }
    }
}

/// Starts a process, and another one each time that it was killed.
pub(crate) async fn keep_alive(
    surroundings: Arc<Surroundings>,
    mut kills: mpsc::UnboundedReceiver<()>,
) -> anyhow::Result<()> {
    for process in 1.. {
        let runtime = Guarded(Some(start(&surroundings, process)?));
        if kills.recv().await.is_none() {
            break;
        }
        surroundings.doorbell.set_worker(None);
        drop(runtime);
        let mut in_flight = surroundings.world.in_flight.subscribe();
        in_flight.wait_for(|count| *count == 0).await?;
    }
    Ok(())
}

/// A runtime that is dropped without waiting for anything, also in an asynchronous context.
struct Guarded(Option<Runtime>);

impl Drop for Guarded {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn start(surroundings: &Surroundings, process: u64) -> anyhow::Result<Runtime> {
    let Surroundings {
        world,
        doorbell,
        proxy,
        database,
        setup,
        listener,
    } = surroundings;
    let toml = (setup.config)(surroundings, process);
    let config = Config::parse(&toml, &registry::all()).context("the configuration")?;
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let queue = DoorbellOf {
        doorbell: doorbell.clone(),
        world: world.clone(),
        process,
    };
    let table = database.table_through(&proxy.url(process, "dynamodb"))?;
    let aws = AwsEnvironment::read(|_| None);
    let application = Application::new(config, &table, Arc::new(queue), setup.limits, &aws)?;
    let router = application.router();
    let listener = listener.try_clone()?;
    let entered = runtime.enter();
    let listener = tokio::net::TcpListener::from_std(listener)?;
    drop(entered);
    world.revive(process);
    runtime.spawn(async move {
        // It serves until it is killed.
        let _ = axum::serve(listener, router).await;
    });
    doorbell.set_worker(Some(Worker {
        runtime: runtime.handle().clone(),
        processor: application.processor,
    }));
    Ok(runtime)
}
