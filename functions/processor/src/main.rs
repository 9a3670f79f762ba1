//! The processor function as Lambda runs it: batches of an SQS event source mapping with
//! `ReportBatchItemFailures`, and the schedule's housekeeping.

use std::sync::Arc;
use std::time::{Duration, Instant};

use haptik_bridge_channels::connections::Outlets;
use haptik_bridge_channels::memory::Memory;
use haptik_bridge_processor::event::{Event, Failure, Message, Response};
use haptik_bridge_processor::{Processor, Unhandled};
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::config::{Config, Registry};
use haptik_bridge_shared::environment::{Environment, Parts};
use haptik_bridge_shared::queue::SqsQueue;
use haptik_bridge_shared::reloading::{BuildError, NoConfiguration, Reloading};
use haptik_bridge_shared::telemetry;
use haptik_bridge_sinks::{SinkDeps, Sinks};
use jiff::Timestamp;
use lambda_runtime::{Context, Error, LambdaEvent, service_fn};

/// How much of the function's time is kept free of new deliveries, for the last one to end.
const LAST_DELIVERY: Duration = Duration::from_secs(70);

/// How long records wait when there is no configuration to work with.
const NO_CONFIGURATION_PAUSE: Duration = Duration::from_mins(2);

/// The types of channels and sinks that the configuration may name.
const REGISTRY: Registry = Registry {
    channels: haptik_bridge_channels::registry::DEFINITIONS,
    sinks: haptik_bridge_sinks::DEFINITIONS,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    let variable = |name: &str| std::env::var(name).ok();
    let stack = variable("STACK_NAME").unwrap_or_default();
    telemetry::init(&stack, variable("RUST_LOG").as_deref());
    let environment = Environment::read(variable)?;
    let parse = |text: &str| Config::parse(text, &REGISTRY);
    let (reloading, queue) = environment.reloading(parse, processor)?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Event>| {
        handle(&reloading, &queue, event)
    }))
    .await
}

/// The processor of a bridge, with the channels and the sinks of its configuration.
fn processor(bridge: Bridge, parts: &Parts) -> Result<Processor, BuildError> {
    let outlets = Outlets::new(&bridge, &parts.table, &parts.http, &Memory::default())?;
    let aws = Ok(parts.aws.clone());
    let deps = SinkDeps::new(&bridge.config, &parts.table, &parts.http, &aws);
    let sinks = Sinks::new(&bridge.config, &deps);
    Ok(Processor::new(
        Arc::new(bridge),
        Arc::new(outlets),
        Arc::new(sinks),
    ))
}

async fn handle(
    reloading: &Reloading<Processor>,
    queue: &SqsQueue,
    event: LambdaEvent<Event>,
) -> Result<Response, Error> {
    let reloading = reloading.current().await;
    match event.payload {
        Event::Rings { records } => Ok(deliver(reloading, queue, records, &event.context).await),
        Event::Housekeeping { .. } => {
            reloading?.run_scheduled_maintenance(Timestamp::now()).await;
            Ok(Response::default())
        }
    }
}

async fn deliver(
    reloading: Result<Arc<Processor>, NoConfiguration>,
    queue: &SqsQueue,
    messages: Vec<Message>,
    context: &Context,
) -> Response {
    let records = messages.iter().map(Message::record).collect::<Vec<_>>();
    let unhandled = match reloading {
        Ok(processor) => processor.process(records, deadline(context)).await,
        Err(_) => records
            .into_iter()
            .map(|record| Unhandled {
                id: record.id,
                pause: NO_CONFIGURATION_PAUSE,
            })
            .collect(),
    };
    let mut response = Response::default();
    for Unhandled { id, pause } in unhandled {
        postpone(queue, &messages, &id, pause).await;
        response.batch_item_failures.push(Failure {
            item_identifier: id,
        });
    }
    response
}

async fn postpone(queue: &SqsQueue, messages: &[Message], id: &str, pause: Duration) {
    let message = messages.iter().find(|message| message.message_id == id);
    let Some((arn, receipt_handle)) = message.and_then(|message| {
        let receipt_handle = message.receipt_handle.as_deref()?;
        Some((message.event_source_arn.as_str(), receipt_handle))
    }) else {
        return;
    };
    if let Err(error) = queue.postpone(arn, receipt_handle, pause).await {
        tracing::warn!(%error, "a message comes again after the visibility timeout instead of the pause");
    }
}

fn deadline(context: &Context) -> Instant {
    let left = context
        .deadline()
        .duration_since(std::time::SystemTime::now())
        .unwrap_or_default();
    Instant::now() + left.saturating_sub(LAST_DELIVERY)
}
