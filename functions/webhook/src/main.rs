//! The webhook function as Lambda runs it, behind API Gateway.

use haptik_bridge_shared::environment::Environment;
use haptik_bridge_shared::telemetry;
use haptik_bridge_webhook::router;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init();
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    let environment = Environment::read(|name| std::env::var(name).ok())?;
    let (live, _) = environment.connect().await;
    lambda_http::run(router(live)).await
}
