//! The same load and the same checker for a bridge that is deployed: its functions are processes of
//! their own, which somebody else kills, and AWS is an emulator, whose faults are somebody else's too.
//! The faults of Haptik, the channel and the sink are ours: the functions reach them through the proxy.

use std::sync::Arc;
use std::time::{Duration, Instant};

use haptik_bridge_shared::table::Table;

use super::process::{Secrets, Setup};
use super::proxy::Proxy;
use super::world::World;
use super::{
    Limits, Load, Neighbours, Report, audit, configuration, evidence, has_undelivered, load,
};

/// How much of Haptik's pauses between two tries is waited for: a function that was killed, or a denied
/// call, takes longer to come back than a process of the local run.
const HAPTIKS_PACE: f64 = 0.02;

/// How often it is looked whether something is still on its way.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How often in a row nothing may be on its way before a run is over.
const QUIET: u32 = 4;

/// The number of the one process that there is for the proxy: the deployed functions.
const FUNCTIONS: u64 = 1;

/// The neighbours of a deployed bridge.
#[derive(Debug)]
pub struct Deployed {
    load: Load,
    world: Arc<World>,
    neighbours: Neighbours,
    proxy: Proxy,
}

impl Deployed {
    /// Starts the neighbours. Of the load's rates only the faults count.
    ///
    /// # Errors
    /// When one of them cannot be started.
    pub async fn start(load: Load) -> anyhow::Result<Self> {
        let (world, _) = World::new(load.seed, load.rates, None);
        let world = Arc::new(world);
        world.revive(FUNCTIONS);
        let neighbours = super::neighbours(super::slack().await, &load, HAPTIKS_PACE).await?;
        // The functions have a DynamoDB already.
        let upstreams = neighbours.upstreams();
        Ok(Self {
            proxy: Proxy::start(world.clone(), upstreams).await?,
            load,
            world,
            neighbours,
        })
    }

    /// The configuration to deploy.
    #[must_use]
    pub fn configuration(&self) -> String {
        let setup = Setup {
            config: super::configuration_of,
            secrets: Secrets::of(&self.neighbours.haptik),
            provider: self.neighbours.provider.clone(),
            sinks: audit(),
            limits: Limits::default(),
        };
        configuration(&self.proxy, &setup, FUNCTIONS)
    }

    /// Puts the load on the bridge at `url`, whose ledger is in `table`, and judges what came of it.
    ///
    /// # Errors
    /// When the ledger cannot be read, or a message is never acknowledged.
    pub async fn run(&self, url: &str, table: &Table) -> anyhow::Result<Report> {
        let began = Instant::now();
        self.neighbours.set_bridge(url);
        let said = load::speak(&self.neighbours.provider, &self.load).await?;
        self.settle(table).await?;
        let report =
            evidence::judge(&self.load, &self.world, table, &self.neighbours, &said).await?;
        Ok(Report {
            took: began.elapsed(),
            ..report
        })
    }

    /// Waits until nothing is on its way any more, or for as long as it may take.
    async fn settle(&self, table: &Table) -> anyhow::Result<()> {
        let deadline = Instant::now() + self.load.patience;
        let haptik = self.neighbours.haptik.simulator();
        let mut quiet = 0;
        while quiet < QUIET && Instant::now() < deadline {
            let busy = evidence::pending(table).await? > 0 || has_undelivered(haptik);
            quiet = if busy { 0 } else { quiet + 1 };
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }
}
