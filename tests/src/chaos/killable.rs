//! A table whose user is killed at one chosen step: for what an operator runs beside the bridge.

use std::sync::Arc;

use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_shared::table::Table;
use tokio::sync::mpsc;

use super::proxy::{Proxy, Upstreams};
use super::world::{KillAt, Rates, World};
use crate::database::serve;

/// The only process.
const PROCESS: u64 = 1;

/// A table that is reached by calls that can be the last ones.
#[derive(Debug)]
pub struct KillableTable {
    /// The table.
    pub table: Table,
    world: Arc<World>,
    kills: mpsc::UnboundedReceiver<()>,
    _proxy: Proxy,
}

impl KillableTable {
    /// The table of this database, whose user is killed there, if anywhere.
    ///
    /// # Errors
    /// When something cannot start.
    pub async fn of(database: &EmbeddedDynamoDb, kill_at: Option<KillAt>) -> anyhow::Result<Self> {
        let (world, kills) = World::new(1, Rates::NONE, kill_at);
        let world = Arc::new(world);
        let upstreams = Upstreams {
            dynamodb: serve(database).await?,
            ..Upstreams::default()
        };
        let proxy = Proxy::start(world.clone(), upstreams).await?;
        world.revive(PROCESS);
        Ok(Self {
            table: database.table_through(&proxy.url(PROCESS, "dynamodb"))?,
            world,
            kills,
            _proxy: proxy,
        })
    }

    /// Does something with the table; `None` where it was killed in it.
    pub async fn run<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            _ = self.kills.recv() => None,
            done = work => Some(done),
        }
    }

    /// How many calls there were.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.world.steps()
    }
}
