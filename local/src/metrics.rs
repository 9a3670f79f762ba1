//! The metrics of a bridge on one machine, in the text format of Prometheus
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>): the same counters as CloudWatch has of a deployed
//! one, out of the same hops. The format is a few lines; the crates for it keep registries that nothing here needs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::response::IntoResponse as _;
use axum::routing::get;
use haptik_bridge_shared::ledger::Ledger;
use haptik_bridge_shared::telemetry::{self, HOP_TARGET};
use http::{StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::feed::Fields;
use crate::gateway::AwsCalls;

/// Up to how many entries are counted that were given up.
const MOST_DEAD: usize = 10_000;

/// The bounds of the buckets of the time to a delivery, in seconds.
const BOUNDS: [f64; 9] = [0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 600.0, 3_600.0];

/// The metrics. A clone is the same.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Arc<Mutex<Counted>>);

#[derive(Debug, Default)]
struct Counted {
    /// By the metric's name, then by source and direction.
    counters: BTreeMap<&'static str, BTreeMap<Labels, u64>>,
    times: BTreeMap<Labels, Times>,
}

type Labels = (String, String);

#[derive(Debug, Default)]
struct Times {
    buckets: [u64; BOUNDS.len()],
    count: u64,
    sum: f64,
}

impl Metrics {
    /// `GET /metrics`; what was given up is counted in `ledger`, where entries are kept for `kept`.
    pub fn router(self, ledger: Ledger, kept: SignedDuration, calls: AwsCalls) -> Router {
        let metrics = move || async move {
            let now = Timestamp::now();
            let since = now.checked_sub(kept).unwrap_or(now);
            match ledger.count_dead(since, MOST_DEAD).await {
                Ok(dead) => {
                    let kind = "text/plain; version=0.0.4; charset=utf-8";
                    let calls = calls.counts().collect();
                    ([(header::CONTENT_TYPE, kind)], self.text(dead, calls)).into_response()
                }
                Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
            }
        };
        Router::new().route("/metrics", get(metrics))
    }

    fn count(&self, hop: &Map<String, Value>) {
        let text = |name: &str| hop.get(name).and_then(Value::as_str).unwrap_or_default();
        let Some(name) = telemetry::counter(text("hop"), text("outcome")) else {
            return;
        };
        // What counts more than itself says how much.
        let count = hop.get(name).and_then(Value::as_u64).unwrap_or(1);
        let labels = (text("source").to_owned(), text("direction").to_owned());
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let milliseconds = hop.get("end_to_end_ms").and_then(Value::as_f64);
        if let (Some(milliseconds), "delivered") = (milliseconds, name) {
            counted
                .times
                .entry(labels.clone())
                .or_default()
                .add(milliseconds / 1_000.0);
        }
        *counted
            .counters
            .entry(name)
            .or_default()
            .entry(labels)
            .or_default() += count;
    }

    fn text(&self, dead: usize, calls: Vec<(&str, u64)>) -> String {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for (name, series) in &counted.counters {
            let _ = writeln!(text, "# TYPE haptik_bridge_{name}_total counter");
            for (labels, count) in series {
                let _ = writeln!(
                    text,
                    "haptik_bridge_{name}_total{{{}}} {count}",
                    shown(labels)
                );
            }
        }
        text.push_str("# TYPE haptik_bridge_end_to_end_seconds histogram\n");
        for (labels, times) in &counted.times {
            let (labels, name) = (shown(labels), "haptik_bridge_end_to_end_seconds");
            for (bound, count) in BOUNDS.iter().zip(times.buckets) {
                let _ = writeln!(text, "{name}_bucket{{{labels},le=\"{bound}\"}} {count}");
            }
            let Times { count, sum, .. } = times;
            let _ = writeln!(text, "{name}_bucket{{{labels},le=\"+Inf\"}} {count}");
            let _ = writeln!(
                text,
                "{name}_sum{{{labels}}} {sum}\n{name}_count{{{labels}}} {count}"
            );
        }
        text.push_str("# TYPE haptik_bridge_aws_calls_total counter\n");
        for (call, count) in calls {
            let _ = writeln!(
                text,
                "haptik_bridge_aws_calls_total{{call=\"{call}\"}} {count}"
            );
        }
        let _ = writeln!(
            text,
            "# TYPE haptik_bridge_dead_now gauge\nhaptik_bridge_dead_now {dead}"
        );
        text
    }
}

impl Times {
    fn add(&mut self, seconds: f64) {
        self.count += 1;
        self.sum += seconds;
        for (bound, count) in BOUNDS.iter().zip(&mut self.buckets) {
            *count += u64::from(seconds <= *bound);
        }
    }
}

fn shown((source, direction): &Labels) -> String {
    let escaped = |text: &str| {
        let text = text.replace('\\', "\\\\").replace('"', "\\\"");
        text.replace('\n', "\\n")
    };
    format!(
        "source=\"{}\",direction=\"{}\"",
        escaped(source),
        escaped(direction)
    )
}

impl<S: Subscriber> Layer<S> for Metrics {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        if event.metadata().target() == HOP_TARGET {
            self.count(&Fields::of(event));
        }
    }
}

#[cfg(test)]
mod tests {
    use haptik_bridge_shared::telemetry::{Hop, Outcome};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn hops_are_counted_as_on_aws_in_the_text_format() {
        let metrics = Metrics::default();
        let subscriber = tracing_subscriber::registry().with(metrics.clone());
        tracing::subscriber::with_default(subscriber, || {
            let (lane, key) = (
                haptik_bridge_shared::lane::Lane::Channel("a".into()),
                "1".into(),
            );
            let hop = Hop::new("delivered", "channels/a\"b").entry(&lane, &key);
            hop.written_at(Timestamp::now()).emit();
            hop.outcome(Outcome::Dead).emit();
            Hop::new("rendered", "channels/x").emit();
            telemetry::segments("channels/sms", 3, "UCS-2");
        });
        let text = metrics.text(3, vec![("PutItem", 7)]);
        let labels = r#"source="channels/a\"b",direction="to_channel""#;
        let of_sms = r#"source="channels/sms",direction="to_channel""#;
        for line in [
            "# TYPE haptik_bridge_delivered_total counter".to_owned(),
            format!("haptik_bridge_delivered_total{{{labels}}} 1"),
            format!("haptik_bridge_dead_total{{{labels}}} 1"),
            format!("haptik_bridge_end_to_end_seconds_bucket{{{labels},le=\"0.25\"}} 1"),
            format!("haptik_bridge_end_to_end_seconds_count{{{labels}}} 1"),
            "haptik_bridge_aws_calls_total{call=\"PutItem\"} 7".to_owned(),
            format!("haptik_bridge_segments_total{{{of_sms}}} 3"),
            "haptik_bridge_dead_now 3".to_owned(),
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
        assert!(
            !text.contains("channels/x"),
            "a step on the way counts nothing"
        );
    }
}
