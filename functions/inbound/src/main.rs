//! The inbound function as Lambda runs it, behind API Gateway.

use std::sync::Arc;

use haptik_bridge_channels::memory::Memory;
use haptik_bridge_inbound::{Inbound, gateway, router};
use haptik_bridge_shared::config::{Config, Registry};
use haptik_bridge_shared::environment::Environment;
use haptik_bridge_shared::telemetry;
use lambda_http::tower::ServiceExt as _;

/// The types of channels and sinks that the configuration may name.
const REGISTRY: Registry = Registry {
    channels: haptik_bridge_channels::registry::DEFINITIONS,
    sinks: haptik_bridge_sinks::DEFINITIONS,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    let variable = |name: &str| std::env::var(name).ok();
    let stack = variable("STACK_NAME").unwrap_or_default();
    telemetry::init(&stack, variable("RUST_LOG").as_deref());
    let parse = |text: &str| Config::parse_without_templates(text, &REGISTRY);
    let (reloading, _) = Environment::read(variable)?.reloading(parse, |bridge, parts| {
        let memory = Memory::default();
        Ok(Inbound::new(
            Arc::new(bridge),
            &parts.table,
            &parts.http,
            &memory,
        )?)
    })?;
    lambda_http::run(router(reloading).map_request(gateway::whole_path)).await
}
