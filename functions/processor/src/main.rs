//! The processor function as Lambda runs it: batches of an SQS event source mapping with
//! `ReportBatchItemFailures`.

use std::time::{Duration, Instant};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use haptik_bridge_processor::{Processor, Record, Unhandled};
use haptik_bridge_shared::environment::Environment;
use haptik_bridge_shared::live::Live;
use haptik_bridge_shared::queue::SqsQueue;
use haptik_bridge_shared::telemetry;
use lambda_runtime::{Context, Error, LambdaEvent, service_fn};

/// How much of the function's time is kept free of new deliveries, for the last one to end.
const LAST_DELIVERY: Duration = Duration::from_secs(70);

/// How long records wait when there is no configuration to work with.
const NO_CONFIGURATION_PAUSE: Duration = Duration::from_mins(1);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    let environment = Environment::read(|name| std::env::var(name).ok())?;
    let (live, queue) = environment.connect().await;
    lambda_runtime::run(service_fn(|event: LambdaEvent<SqsEvent>| {
        handle(&live, &queue, event)
    }))
    .await
}

async fn handle(
    live: &Live,
    queue: &SqsQueue,
    event: LambdaEvent<SqsEvent>,
) -> Result<SqsBatchResponse, Error> {
    let messages = event.payload.records;
    let records = messages.iter().map(record).collect::<Vec<_>>();
    let unhandled = match live.current().await {
        Ok(bridge) => {
            Processor::new(bridge)
                .process(records, deadline(&event.context))
                .await
        }
        Err(_) => records
            .into_iter()
            .map(|record| Unhandled {
                id: record.id,
                pause: NO_CONFIGURATION_PAUSE,
            })
            .collect(),
    };
    let mut response = SqsBatchResponse::default();
    for Unhandled { id, pause } in unhandled {
        postpone(queue, &messages, &id, pause).await;
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = id;
        response.batch_item_failures.push(failure);
    }
    Ok(response)
}

fn record(message: &SqsMessage) -> Record {
    let receives = message.attributes.get("ApproximateReceiveCount");
    Record {
        id: message.message_id.clone().unwrap_or_default(),
        body: message.body.clone().unwrap_or_default(),
        receives: receives
            .and_then(|receives| receives.parse().ok())
            .unwrap_or(1),
    }
}

async fn postpone(queue: &SqsQueue, messages: &[SqsMessage], id: &str, pause: Duration) {
    let message = messages
        .iter()
        .find(|message| message.message_id.as_deref() == Some(id));
    let Some(receipt_handle) = message.and_then(|message| message.receipt_handle.as_deref()) else {
        return;
    };
    if let Err(error) = queue.postpone(receipt_handle, pause).await {
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
