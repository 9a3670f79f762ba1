//! Whatever completes, the sinks that are no CRM send it whole, to the endpoint that is configured.

use std::time::Duration;

use anyhow::Context as _;
use fastrand::Rng;
use haptik_bridge_local::gateway::LocalBridge;
use haptik_bridge_local::registry;
use haptik_bridge_shared::config::Config;
use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ids::AccountId;
use haptik_bridge_shared::net::api::Preview;
use haptik_bridge_shared::net::aws::AwsEnvironment;
use haptik_bridge_sinks::{Delivery, SinkError};
use jiff::Timestamp;
use serde_json::Value;
use url::Url;

use super::limits::random_completion;

/// How many completions each sink gets.
const COMPLETIONS: u64 = 1_000;

const SINKS: &str = r#"
[haptik.main]
base_url = "https://haptik.example"
client_id = "c"
token = "t"
webhook_secrets = "s"
business_id = 343

[channels.app]
type = "custom"
callback_url = "https://a.example"
signing_secrets = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

[sinks.audit]
type = "webhook"
events = ["*"]
url = "https://audit.example/haptik-events?from=bridge"
signing_secrets = ["whsec_ZXhhbXBsZS1vZi1hLXNlY3JldC10by1yZXBsYWNl"]

[sinks.bus]
type = "eventbridge"
events = ["*"]

[sinks.desk]
type = "http"
events = ["*"]
url = "https://desk.example/api/of-{{ user_details.name }}/tickets?reason={{ closing_categories.reason }}&to={{ user_details.email }}"
headers = { X-Delivery = "{{ delivery_id }}", X-Subject = "{{ closing_categories.comment }}" }
body = '''{"subject": "Chat of {{ user_details.name }}", "details": {{ conversation_details }}, "to": {{ user_details }}}'''
"#;

/// A bridge with all of these sinks.
async fn bridge() -> anyhow::Result<LocalBridge> {
    let config = Config::parse(SINKS, &registry::all()).context("the test's configuration")?;
    LocalBridge::start(config, None, &AwsEnvironment::read(|_| None)).await
}

/// What a sink would send of an event.
async fn sent(
    local: &LocalBridge,
    sink: &str,
    event: &Value,
) -> Result<(Preview, String), SinkError> {
    let body = event.to_string();
    let read = Event::read(body.as_bytes()).expect("an event");
    let key = read.key(body.as_bytes());
    let delivery = Delivery {
        sink,
        account: &AccountId::from("main"),
        event: &read,
        body: &body,
        key: &key,
        received_at: Timestamp::UNIX_EPOCH,
        now: Timestamp::now(),
        again: false,
        completion_wait: Duration::ZERO,
        longest_settling: Duration::MAX,
    };
    let id = delivery.id();
    let of_name = local.sinks.get(sink).expect("the sink");
    let mut sent = of_name.preview(&delivery).await?;
    assert_eq!(sent.len(), 1, "one request");
    Ok((sent.remove(0), id))
}

/// The completions, by their number.
fn completions() -> impl Iterator<Item = (u64, Value)> {
    (0..COMPLETIONS).map(|number| {
        let mut random = Rng::with_seed(70_000 + number);
        (number, random_completion(&mut random, number))
    })
}

/// The value of a header, which can be sent.
fn header<'a>(sent: &'a Preview, name: &str) -> &'a str {
    let mut found = sent.headers.iter();
    let found = found.find(|(found, _)| found.eq_ignore_ascii_case(name));
    let (_, value) = found.expect("the header");
    let is_sendable = http::HeaderValue::from_str(value).is_ok();
    assert!(is_sendable, "{name}: {value:?}");
    value
}

#[tokio::test]
async fn a_webhook_gets_every_completion_whole_at_its_url() -> anyhow::Result<()> {
    let local = bridge().await?;
    for (number, event) in completions() {
        let (sent, id) = sent(&local, "audit", &event).await?;
        assert_eq!(sent.url, "https://audit.example/haptik-events?from=bridge");
        assert_eq!(header(&sent, "webhook-id"), id);
        let body: Value = serde_json::from_str(&sent.body)?;
        assert_eq!(body["type"], event["event_name"]);
        assert_eq!(body["data"], event, "completion {number}");
    }
    Ok(())
}

/// The limits of <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html>: an entry
/// of 1 MB, a `DetailType` of 128 characters, a `Detail` that is an object.
#[tokio::test]
async fn a_bus_gets_every_completion_whole_within_its_limits() -> anyhow::Result<()> {
    const LARGEST: usize = 1_048_576;
    let local = bridge().await?;
    let mut too_large = 0;
    for (number, event) in completions() {
        match sent(&local, "bus", &event).await {
            Ok((sent, id)) => {
                let body: Value = serde_json::from_str(&sent.body)?;
                let entries = body["Entries"].as_array().context("entries")?;
                assert_eq!(entries.len(), 1);
                let entry = &entries[0];
                let detail = &entry["Detail"];
                assert_eq!(detail["event"], event, "completion {number}");
                assert_eq!(detail["delivery_id"], id);
                let kind = entry["DetailType"].as_str().context("a type")?;
                assert!((1..=128).contains(&kind.chars().count()));
                let source = entry["Source"].as_str().context("a source")?;
                let size = 14 + kind.len() + source.len() + detail.to_string().len();
                assert!(size <= LARGEST, "completion {number}: {size}");
            }
            Err(SinkError::Unsendable(reason)) => {
                assert!(event.to_string().len() > LARGEST - 1_000, "{reason}");
                too_large += 1;
            }
            Err(other) => panic!("completion {number}: {other}"),
        }
    }
    assert!(too_large < COMPLETIONS / 10, "{too_large}");
    Ok(())
}

#[tokio::test]
async fn a_rest_api_is_called_at_its_endpoint_whatever_completes() -> anyhow::Result<()> {
    let local = bridge().await?;
    for (number, event) in completions() {
        let (sent, id) = match sent(&local, "desk", &event).await {
            Ok(sent) => sent,
            Err(error) => panic!("completion {number}: {error}"),
        };
        let url = Url::parse(&sent.url)?;
        assert_eq!(url.origin().ascii_serialization(), "https://desk.example");
        let path: Vec<&str> = url.path_segments().context("a path")?.collect();
        let is_endpoint = matches!(path[..], ["api", one, "tickets"] if one.starts_with("of-"));
        assert!(is_endpoint, "completion {number}: {path:?}");
        let keys: Vec<_> = url.query_pairs().map(|(key, _)| key.into_owned()).collect();
        assert_eq!(keys, ["reason", "to"], "completion {number}");
        assert_eq!(url.fragment(), None);
        assert_eq!(header(&sent, "x-delivery"), id);
        header(&sent, "x-subject");
        let body: Value = serde_json::from_str(&sent.body)?;
        assert_eq!(body["details"], event["data"]["conversation_details"]);
        assert_eq!(body["to"], event["data"]["user_details"]);
    }
    Ok(())
}
