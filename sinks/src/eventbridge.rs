//! `type = "eventbridge"`: every event on a bus of Amazon EventBridge, from where rules pass it on to
//! anything in AWS (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>).
//!
//! The `detail-type` of an event is its `event_name`; `docs/eventbridge-detail.schema.json` is the schema
//! of its `detail`. The bus may deliver an event twice, and so may we: `detail.delivery_id` is the same
//! then.
//!
//! A bus that does not exist takes events all the same, and they are gone
//! (<https://github.com/aws/aws-sdk/issues/186>), so it is asked for before.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::config::retry::RetryConfig;
use aws_sdk_eventbridge::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_eventbridge::operation::describe_event_bus::DescribeEventBusError;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use haptik_bridge_shared::config::SinkDefinition;
use haptik_bridge_shared::net::api::Preview;
use haptik_bridge_shared::net::aws::{AwsEnvironment, MissingVariables};
use haptik_bridge_shared::net::online::{Finding, Verdict};
use haptik_bridge_shared::net::{CallError, CallErrorKind, Unreachable, shortened};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

mod config;

pub use config::Config;

use crate::{Delivered, Delivery, Limit, Sink, SinkDeps, SinkError, SinkType};

/// What is asked of EventBridge, to follow "to".
const CALL: &str = "put an event on the bus";

/// The most bytes of an entry: 1 MB
/// (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>), 256 KB until January
/// 2026. Where AWS takes less, it says so itself.
const LARGEST_ENTRY: usize = 1024 * 1024;

/// "Free-form string, with a maximum of 128 characters"
/// (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html>).
const DETAIL_TYPE: Limit = Limit::characters(128);

/// What an entry's time counts for
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html>).
const TIME_SIZE: usize = 14;

/// The bus that every account has.
const DEFAULT_BUS: &str = "default";

/// How long it is known that a bus is there.
const SEEN_FOR: Duration = Duration::from_mins(1);

/// The most characters of AWS's own words that are kept.
const LONGEST_MESSAGE: usize = 1_000;

/// A sink of the kind `eventbridge`.
#[derive(Debug)]
pub struct EventBridge {
    config: Config,
    client: Result<Client, MissingVariables>,
    endpoint: String,
    /// When the bus was last there.
    seen: Mutex<Option<Instant>>,
}

/// The `detail` of an event on the bus.
#[derive(Debug, Serialize)]
struct Detail<'a> {
    version: &'static str,
    delivery_id: String,
    account: &'a str,
    timestamp: Timestamp,
    event: &'a RawValue,
}

impl SinkType for EventBridge {
    const NAME: &'static str = "eventbridge";
    const ERASURE: &'static str =
        "by the rules' targets; an archive of the bus keeps events for its retention";
    const DEFINITION: SinkDefinition = config::DEFINITION;
    type Config = Config;

    /// The bus, called as the environment says; what is missing there is told when something is to be
    /// delivered.
    fn build(
        config: &Self::Config,
        _of: &haptik_bridge_shared::config::Sink,
        deps: &SinkDeps,
    ) -> Box<dyn Sink> {
        let client = deps.aws.as_ref().map_err(Clone::clone).map(|aws| {
            // The ledger repeats, and waits as long as the circuit breaker says.
            let sdk = aws.sdk_config(deps.http.clone());
            let sdk = aws_sdk_eventbridge::config::Builder::from(&sdk)
                .retry_config(RetryConfig::disabled());
            Client::from_conf(sdk.build())
        });
        Box::new(Self {
            config: config.clone(),
            client,
            endpoint: endpoint(deps.aws.as_ref().ok()),
            seen: Mutex::default(),
        })
    }
}

impl EventBridge {
    /// The entry of an event.
    fn entry(&self, delivery: &Delivery<'_>) -> Result<PutEventsRequestEntry, SinkError> {
        let at = delivery.event.timestamp.unwrap_or(delivery.received_at);
        let detail = Detail {
            version: "1",
            delivery_id: delivery.id(),
            account: delivery.account.as_str(),
            timestamp: at,
            event: serde_json::from_str(delivery.body)
                .map_err(|_| SinkError::Unsendable("it is not JSON".to_owned()))?,
        };
        let detail = serde_json::to_string(&detail)
            .map_err(|_| SinkError::Unsendable("it is not JSON".to_owned()))?;
        let detail_type = DETAIL_TYPE.start(&delivery.event.event_name);
        let size = TIME_SIZE + self.config.source.len() + detail_type.len() + detail.len();
        if size > LARGEST_ENTRY {
            return Err(SinkError::Unsendable(format!(
                "it has {size} bytes, and EventBridge takes {LARGEST_ENTRY}"
            )));
        }
        Ok(PutEventsRequestEntry::builder()
            .event_bus_name(&self.config.event_bus)
            .source(&self.config.source)
            .detail_type(detail_type)
            .time(DateTime::from_secs(at.as_second()))
            .detail(detail)
            .build())
    }

    /// Sees to it that the bus is there, as far as we may know that: of a bus of another account, or
    /// without the permission `events:DescribeEventBus`, it is not known.
    async fn look_for_bus(&self, client: &Client) -> Result<(), SinkError> {
        let seen = *self.seen.lock().expect("nothing panics with it");
        let known = seen.is_some_and(|seen| seen.elapsed() < SEEN_FOR);
        if known || self.config.event_bus == DEFAULT_BUS {
            return Ok(());
        }
        let asked = client.describe_event_bus().name(&self.config.event_bus);
        if let Err(error) = asked.send().await {
            match error.as_service_error() {
                Some(DescribeEventBusError::ResourceNotFoundException(gone)) => {
                    return Err(SinkError::NotReady {
                        call: CALL,
                        reason: "the bus does not exist".to_owned(),
                        message: words(gone.message()),
                    });
                }
                // What is wrong, if anything is, the bus itself will say.
                Some(other) if is_final(other.code().unwrap_or_default()) => {}
                _ => return Err(failed(&error)),
            }
        }
        *self.seen.lock().expect("nothing panics with it") = Some(Instant::now());
        Ok(())
    }
}

#[async_trait]
impl Sink for EventBridge {
    /// Puts an event on the bus. The call may go well whose entry does not.
    async fn deliver(&self, delivery: &Delivery<'_>) -> Result<Delivered, SinkError> {
        let entry = self.entry(delivery)?;
        let client = self
            .client
            .as_ref()
            .map_err(|missing| SinkError::NotReady {
                call: CALL,
                reason: format!("there are no AWS credentials: {missing}"),
                message: String::new(),
            })?;
        self.look_for_bus(client).await?;
        let sent = client.put_events().entries(entry).send().await;
        let answer = sent.map_err(|error| failed(&error))?;
        match answer.entries().first() {
            Some(entry) if entry.error_code().is_some() => Err(refusal(
                entry.error_code().unwrap_or_default(),
                entry.error_message(),
                200,
            )),
            Some(_) if answer.failed_entry_count() == 0 => Ok(Delivered::Done),
            _ => Err(unreadable(200)),
        }
    }

    /// Whether the bus is there, as far as these credentials may know that.
    async fn online(&self) -> Vec<Finding> {
        let verdict = match &self.client {
            Ok(client) => bus(client, &self.config.event_bus).await,
            Err(missing) => Verdict::Untried(format!(
                "there are no AWS credentials here ({missing}); on AWS, the processor's role has them"
            )),
        };
        vec![Finding::new("event_bus", verdict)]
    }

    /// `Detail`, which is sent as text, is shown as the JSON that it is.
    async fn preview(&self, delivery: &Delivery<'_>) -> Result<Vec<Preview>, SinkError> {
        let entry = self.entry(delivery)?;
        let detail = entry.detail().unwrap_or_default();
        let body = json!({"Entries": [{
            "EventBusName": entry.event_bus_name(),
            "Source": entry.source(),
            "DetailType": entry.detail_type(),
            "Time": entry.time().map(DateTime::secs),
            "Detail": serde_json::from_str::<Value>(detail).unwrap_or_default(),
        }]});
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", "AWSEvents.PutEvents"),
            ("authorization", "[signature of AWS]"),
        ];
        Ok(vec![Preview {
            method: "POST".to_owned(),
            url: self.endpoint.clone(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            body: format!("{body:#}"),
        }])
    }
}

/// Whether the bus is there.
async fn bus(client: &Client, name: &str) -> Verdict {
    let Err(error) = client.describe_event_bus().name(name).send().await else {
        return Verdict::Accepted("the bus is there".to_owned());
    };
    match error.as_service_error() {
        Some(DescribeEventBusError::ResourceNotFoundException(_)) => Verdict::Refused {
            why: "the bus does not exist".to_owned(),
            mend: "Make it in AWS, or name another".to_owned(),
        },
        Some(other) if is_final(other.code().unwrap_or_default()) => Verdict::Untried(
            "these AWS credentials may not ask for the bus; that is no fault of the processor's role"
                .to_owned(),
        ),
        _ => Verdict::Unreached(failed(&error).to_string()),
    }
}

/// Where EventBridge is, as people are shown it.
fn endpoint(aws: Option<&AwsEnvironment>) -> String {
    if let Some(url) = aws.and_then(|aws| aws.endpoint_url.as_ref()) {
        return url.clone();
    }
    let region = aws.map_or("[AWS_REGION]", |aws| aws.region.as_str());
    format!("https://events.{region}.amazonaws.com/")
}

/// The codes of an entry
/// (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html>) and those
/// of any call (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/CommonErrors.html>); none that
/// is not known.
fn kind_of(code: &str) -> Option<CallErrorKind> {
    match code {
        "AccessDenied"
        | "AccessDeniedException"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "InvalidAccountIdException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "NotAuthorized"
        | "NotAuthorizedForDetailTypeException"
        | "NotAuthorizedForSourceException"
        | "OptInRequired"
        | "RequestExpired"
        | "ResourceNotFoundException"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => Some(CallErrorKind::Unauthorized),
        "LimitExceededException" | "Throttling" | "ThrottledException" | "ThrottlingException" => {
            Some(CallErrorKind::RateLimited)
        }
        "InternalException" | "InternalFailure" | "ServiceUnavailable" => {
            Some(CallErrorKind::Unavailable)
        }
        _ => None,
    }
}

/// Whether a code would be the same if it were asked again.
fn is_final(code: &str) -> bool {
    matches!(kind_of(code), None | Some(CallErrorKind::Unauthorized))
}

/// Why an entry, or a call with this status, was refused.
fn refusal(code: &str, message: Option<&str>, status: u16) -> SinkError {
    let message = words(message);
    let error = CallError::of_status(CALL, status, &message, None);
    let kind = kind_of(code).unwrap_or(match error.kind {
        CallErrorKind::Unavailable if status < 500 => CallErrorKind::Refused,
        _ => error.kind.clone(),
    });
    match kind {
        CallErrorKind::Unauthorized => SinkError::NotReady {
            call: CALL,
            reason: code.to_owned(),
            message,
        },
        CallErrorKind::Refused => error
            .as_kind(kind)
            .saying(&format!("{code}: {message}"))
            .into(),
        _ => error.as_kind(kind).into(),
    }
}

/// Why a call failed.
fn failed<E>(error: &SdkError<E, HttpResponse>) -> SinkError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error {
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            let code = service.err().code().unwrap_or("an error without a code");
            refusal(code, service.err().message(), status)
        }
        SdkError::ResponseError(response) => unreadable(response.raw().status().as_u16()),
        other => {
            let kind = CallErrorKind::Unreachable(Unreachable::behind(other));
            CallError::new(CALL, kind).into()
        }
    }
}

fn unreadable(status: u16) -> SinkError {
    let error = CallError::of_status(CALL, status, "", None);
    error.as_kind(CallErrorKind::Unreadable).into()
}

fn words(message: Option<&str>) -> String {
    shortened(message.unwrap_or_default(), LONGEST_MESSAGE)
}

#[cfg(test)]
mod tests;
