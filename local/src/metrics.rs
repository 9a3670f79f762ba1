//! The metrics of a bridge on one machine, in the text format of Prometheus
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>): the same counters as CloudWatch has of a deployed
//! one, out of the same hops. The format is a few lines; the crates for it keep registries that nothing here needs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

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
    /// What is tried for longest, by the metric's name.
    waits: BTreeMap<&'static str, Longest>,
}

/// How long [`Longest`] holds at least; at most twice as long.
const LONGEST_HOLDS: Duration = Duration::from_mins(5);

/// The longest time of late.
#[derive(Debug, Default)]
struct Longest {
    /// Since when `now` is gathered.
    since: Option<Instant>,
    now: f64,
    before: f64,
}

impl Longest {
    fn add(&mut self, seconds: f64, at: Instant) {
        self.pass(at);
        self.since.get_or_insert(at);
        self.now = self.now.max(seconds);
    }

    /// What is older goes.
    fn pass(&mut self, at: Instant) {
        let age = self.since.map(|since| at.duration_since(since));
        if let Some(age) = age.filter(|age| *age >= LONGEST_HOLDS) {
            let is_late = age >= LONGEST_HOLDS * 2;
            *self = Self {
                before: if is_late { 0.0 } else { self.now },
                since: (!is_late).then_some(at),
                now: 0.0,
            };
        }
    }

    fn of(&mut self, at: Instant) -> f64 {
        self.pass(at);
        self.now.max(self.before)
    }
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
        if let Some(waited) = hop.get("waited_ms").and_then(Value::as_f64) {
            let name = telemetry::wait_metric(text("direction"));
            let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let longest = counted.waits.entry(name).or_default();
            longest.add(waited / 1_000.0, Instant::now());
        }
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
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for (name, longest) in &mut counted.waits {
            let (name, seconds) = (name.trim_end_matches("_ms"), longest.of(Instant::now()));
            let _ = writeln!(
                text,
                "# TYPE haptik_bridge_{name}_seconds gauge\nhaptik_bridge_{name}_seconds {seconds}"
            );
        }
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
    fn the_longest_wait_is_known_for_some_minutes() {
        let (mut longest, start) = (Longest::default(), Instant::now());
        let minutes = |count| start + Duration::from_mins(count);
        longest.add(7.0, start);
        longest.add(3.0, minutes(1));
        assert!((longest.of(minutes(4)) - 7.0).abs() < 0.1);
        longest.add(5.0, minutes(6));
        assert!((longest.of(minutes(7)) - 7.0).abs() < 0.1);
        assert!((longest.of(minutes(12)) - 5.0).abs() < 0.1);
        assert!((longest.of(minutes(40)) - 0.0).abs() < 0.1);
    }

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
            let waits = hop.outcome(Outcome::Waiting);
            waits.waits_since(Timestamp::UNIX_EPOCH).emit();
            let of_sink = haptik_bridge_shared::lane::Lane::Sink {
                sink: "crm".into(),
                auth_id: "a".into(),
            };
            let waits = Hop::new("delivered", "sinks/crm").entry(&of_sink, &key);
            let waits = waits.outcome(Outcome::WillRetry);
            waits.waits_since(Timestamp::UNIX_EPOCH).emit();
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
        for gauge in [
            "haptik_bridge_waited_seconds",
            "haptik_bridge_sink_waited_seconds",
        ] {
            let mut lines = text.lines();
            let waits = lines.find_map(|line| line.strip_prefix(gauge)?.trim().parse::<f64>().ok());
            assert!(waits.is_some_and(|waits| waits > 1e9), "{gauge} in {text}");
        }
        assert!(
            !text.contains("channels/x"),
            "a step on the way counts nothing"
        );
    }
}
