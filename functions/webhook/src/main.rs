//! The webhook function as Lambda runs it, behind API Gateway.

use haptik_bridge_shared::config::{Config, Registry};
use haptik_bridge_shared::environment::Environment;
use haptik_bridge_shared::telemetry;
use haptik_bridge_webhook::router;

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
    let (reloading, _) = Environment::read(variable)?.reloading(
        |text| Config::parse_without_templates(text, &REGISTRY),
        |bridge, _| Ok(bridge),
    )?;
    lambda_http::run(router(reloading)).await
}
