//! The three functions in one process: built as each builds itself in AWS, of one configuration, one table
//! and one queue.

use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use haptik_bridge_channels::connections::Outlets;
use haptik_bridge_channels::memory::Memory;
use haptik_bridge_inbound::Inbound;
use haptik_bridge_processor::{Limits, Processor};
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::config::Config;
use haptik_bridge_shared::net;
use haptik_bridge_shared::net::aws::{AwsEnvironment, MissingVariables};
use haptik_bridge_shared::queue::Queue;
use haptik_bridge_shared::reloading::Reloading;
use haptik_bridge_shared::table::Table;
use haptik_bridge_sinks::{SinkDeps, Sinks};

/// The environment that says where AWS is, for the sinks that are there; or what is missing in it.
pub type Aws = Result<AwsEnvironment, MissingVariables>;

/// The three functions.
#[derive(Debug)]
pub struct Application {
    /// What all three depend on.
    pub bridge: Arc<Bridge>,
    /// What the processor delivers to besides.
    pub sinks: Arc<Sinks>,
    /// What handles the rings, and what is due by time.
    pub processor: Processor,
    /// What takes channels' requests.
    pub inbound: Arc<Inbound>,
    webhook: Reloading<Bridge>,
}

impl Application {
    /// Builds the functions of a configuration. `aws` is where its sinks reach AWS. Nothing is called yet.
    ///
    /// # Errors
    /// When a client or a connection cannot be built.
    pub fn new(
        config: Config,
        table: &Table,
        queue: Arc<dyn Queue>,
        limits: Limits,
        aws: &Aws,
    ) -> Result<Self> {
        let http = net::client()?;
        let deps = SinkDeps::new(&config, table, &http, aws);
        let sinks = Arc::new(Sinks::new(&config, &deps));
        let bridge = Arc::new(Bridge::with_client(config, table.clone(), queue, &http)?);
        let memory = Memory::default();
        let outlets = Arc::new(Outlets::new(&bridge, table, &http, &memory)?);
        let inbound = Inbound::new(bridge.clone(), table, &http, &memory)?;
        Ok(Self {
            processor: Processor::with_limits(bridge.clone(), outlets, sinks.clone(), limits),
            inbound: Arc::new(inbound),
            webhook: Reloading::fixed(bridge.clone()),
            bridge,
            sinks,
        })
    }

    /// The routes of the two functions that are called by HTTP.
    pub fn router(&self) -> Router {
        haptik_bridge_inbound::router(Reloading::fixed(self.inbound.clone()))
            .merge(haptik_bridge_webhook::router(self.webhook.clone()))
    }
}
