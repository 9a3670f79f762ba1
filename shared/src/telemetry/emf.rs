//! Events as JSON lines, with metrics in CloudWatch's embedded format
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>).

use std::fmt;
use std::io::Write;

use jiff::Timestamp;
use serde_json::{Map, Number, Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::{GAUGE_TARGET, HOP_TARGET};

/// The namespace of the metrics.
const NAMESPACE: &str = "haptik-bridge";

/// What the Lambda runtime calls the request in its span, and we in our lines.
const REQUEST_FIELD: &str = "requestId";
const REQUEST_KEY: &str = "request_id";

/// Writes each event as one line to what `output` makes.
#[derive(Debug)]
pub(super) struct Emf<O> {
    stack: String,
    output: O,
}

impl<O> Emf<O> {
    pub(super) fn new(stack: &str, output: O) -> Self {
        Self {
            stack: stack.to_owned(),
            output,
        }
    }
}

impl<S, O, W> Layer<S> for Emf<O>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    O: Fn() -> W + 'static,
    W: Write,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let request = fields.0.remove(REQUEST_FIELD);
        if let (Some(request), Some(span)) = (request, context.span(id)) {
            span.extensions_mut().insert(RequestId(request));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let now = Timestamp::now();
        let metadata = event.metadata();
        let mut fields = Fields::default();
        let line = &mut fields.0;
        line.insert("timestamp".to_owned(), format!("{now:.3}").into());
        line.insert("level".to_owned(), metadata.level().as_str().into());
        if metadata.target() != HOP_TARGET {
            line.insert("target".to_owned(), metadata.target().into());
        }
        event.record(&mut fields);
        let mut line = fields.0;
        let request = context
            .event_scope(event)
            .into_iter()
            .flatten()
            .find_map(|span| span.extensions().get::<RequestId>().map(|id| id.0.clone()));
        if let Some(request) = request {
            line.insert(REQUEST_KEY.to_owned(), request);
        }
        if metadata.target() == HOP_TARGET {
            embed_metrics(&mut line, &self.stack, now);
        } else if metadata.target() == GAUGE_TARGET {
            let metrics = [json!({"Name": "dead_now", "Unit": "Count"})];
            let directive = directive(&json!([["stack"]]), &metrics);
            embed(&mut line, &self.stack, now, &[directive]);
        }
        let mut text = Value::Object(line).to_string();
        text.push('\n');
        // In one write, so that lines do not run together. Where there is no output, nobody can be told.
        let _ = (self.output)().write_all(text.as_bytes());
    }
}

/// The request in whose span an event is.
struct RequestId(Value);

/// The metric that counts hops of this name that ended so, if one does.
#[must_use]
pub fn counter(hop: &str, outcome: &str) -> Option<&'static str> {
    Some(match (hop, outcome) {
        ("received", "ok") => "received",
        ("received", "rejected") => "rejected",
        ("received", "not_understood") => "not_understood",
        ("rate_limited", _) => "rate_limited",
        ("unknown_event", _) => "unknown_events",
        ("dropped", _) => "late_of_forgotten",
        ("appended", "repeated") => "repeated",
        ("segmented", "ok") => "segments",
        ("delivered", "ok" | "nothing") => "delivered",
        ("delivered", "will_retry") => "retries",
        ("delivered", "dead") => "dead",
        ("outage", "ok") => "outages",
        ("recovered", "ok") => "recovered",
        ("webhook_enabled", "will_retry") => "enable_failures",
        ("webhook_enabled", "dead") => "enables_refused",
        ("needs_attention", _) => "needs_attention",
        _ => return None,
    })
}

/// The metric of how long something waits in a direction, for alarms alone: what sinks wait for is not what users wait
/// for.
#[must_use]
pub fn wait_metric(direction: &str) -> &'static str {
    match direction {
        "to_sink" => "sink_waited_ms",
        _ => "waited_ms",
    }
}

/// Adds what a hop counts: by stack alone, for the alarms, and by source and direction.
fn embed_metrics(line: &mut Map<String, Value>, stack: &str, now: Timestamp) {
    let text = |key: &str| line.get(key).and_then(Value::as_str).unwrap_or_default();
    let mut directives = Vec::new();
    if let Some(counter) = counter(text("hop"), text("outcome")) {
        let mut metrics = vec![json!({"Name": counter, "Unit": "Count"})];
        if counter == "delivered" && line.contains_key("end_to_end_ms") {
            metrics.push(json!({"Name": "end_to_end_ms", "Unit": "Milliseconds"}));
        }
        // What counts more than itself says how much.
        line.entry(counter).or_insert_with(|| 1.into());
        directives.push(directive(
            &json!([["stack"], ["stack", "source", "direction"]]),
            &metrics,
        ));
    }
    if let Some(waited) = line.remove("waited_ms") {
        let direction = line.get("direction").and_then(Value::as_str);
        let name = wait_metric(direction.unwrap_or_default());
        let metric = json!({"Name": name, "Unit": "Milliseconds"});
        line.insert(name.to_owned(), waited);
        directives.push(directive(&json!([["stack"]]), &[metric]));
    }
    if !directives.is_empty() {
        embed(line, stack, now, &directives);
    }
}

/// What has CloudWatch take these metrics out of a line.
fn directive(dimensions: &Value, metrics: &[Value]) -> Value {
    json!({"Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": metrics})
}

/// Has CloudWatch take metrics out of a line.
fn embed(line: &mut Map<String, Value>, stack: &str, now: Timestamp, directives: &[Value]) {
    line.insert("stack".to_owned(), stack.into());
    line.insert(
        "_aws".to_owned(),
        json!({"Timestamp": now.as_millisecond(), "CloudWatchMetrics": directives}),
    );
}

/// The fields of an event.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        // To the microsecond: more is noise.
        let rounded = (value * 1000.0).round() / 1000.0;
        self.set(field, Number::from_f64(rounded).map(Value::Number));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::ids::EntryKey;
    use crate::lane::Lane;
    use crate::telemetry::{Hop, Outcome};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(emit: impl FnOnce()) -> Vec<Value> {
        let written = Written::default();
        let output = written.clone();
        let lines = Emf::new("acme", move || output.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), emit);
        let bytes = written.0.lock().expect("no panic").clone();
        String::from_utf8(bytes)
            .expect("text")
            .lines()
            .map(|line| serde_json::from_str(line).expect("one JSON object a line"))
            .collect()
    }

    fn line_of(name: &'static str, outcome: Outcome, lane: Option<&Lane>) -> Value {
        let key = EntryKey::from("1");
        let lines = written(|| {
            let hop = Hop::new(name, "channels/acme-slack").outcome(outcome);
            let hop = hop.written_at(Timestamp::now());
            lane.map_or(hop, |lane| hop.entry(lane, &key)).emit();
        });
        assert_eq!(lines.len(), 1, "one line a hop");
        lines.into_iter().next().expect("it is there")
    }

    #[test]
    fn a_delivery_counts_itself_and_its_time_by_source_and_direction() {
        let line = line_of("delivered", Outcome::Ok, Some(&Lane::Channel("a".into())));
        assert_eq!(line["delivered"], 1);
        assert_eq!(line["direction"], "to_channel");
        assert_eq!(line["stack"], "acme");
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "haptik-bridge");
        for metric in directive["Metrics"].as_array().expect("a list") {
            let name = metric["Name"].as_str().expect("a name");
            assert!(line[name].is_number(), "{name} has its value in the line");
        }
        for dimension in directive["Dimensions"][1].as_array().expect("a list") {
            let name = dimension.as_str().expect("a name");
            assert!(line[name].is_string(), "{name} has its value in the line");
        }
        assert!(line["_aws"]["Timestamp"].is_i64());
    }

    #[test]
    fn a_wait_that_is_no_failure_is_a_number_of_the_stack_too() {
        let lines = written(|| {
            let (lane, key) = (Lane::Channel("a".into()), EntryKey::from("1"));
            let hop = Hop::new("delivered", "haptik/main").entry(&lane, &key);
            let hop = hop.outcome(Outcome::Waiting);
            hop.waits_since(Timestamp::UNIX_EPOCH).emit();
            hop.emit();
        });
        let directives = lines[0]["_aws"]["CloudWatchMetrics"].as_array();
        assert_eq!(directives.map(Vec::len), Some(1), "{}", lines[0]);
        assert!(lines[0]["waited_ms"].is_number());
        assert!(lines[1].get("_aws").is_none(), "{}", lines[1]);
    }

    #[test]
    fn how_long_something_waits_is_a_number_of_the_stack_for_chats_and_for_sinks() {
        let of_sink = Lane::Sink {
            sink: "crm".into(),
            auth_id: "a".into(),
        };
        for (lane, name) in [
            (Lane::Haptik("a".into()), "waited_ms"),
            (Lane::Channel("a".into()), "waited_ms"),
            (of_sink, "sink_waited_ms"),
        ] {
            let since = Timestamp::now() - Duration::from_mins(11);
            let lines = written(|| {
                let key = EntryKey::from("1");
                let hop = Hop::new("delivered", "haptik/main").entry(&lane, &key);
                hop.outcome(Outcome::WillRetry).waits_since(since).emit();
            });
            let line = &lines[0];
            let waited = line[name].as_f64().expect("a number");
            assert!((660_000.0..670_000.0).contains(&waited), "{line}");
            assert_eq!(line["retries"], 1);
            let directives = line["_aws"]["CloudWatchMetrics"].as_array();
            let directive = directives.and_then(|all| all.get(1)).expect("a second one");
            assert_eq!(directive["Dimensions"], json!([["stack"]]));
            let metrics = json!([{"Name": name, "Unit": "Milliseconds"}]);
            assert_eq!(directive["Metrics"], metrics);
        }
    }

    #[test]
    fn what_is_counted_is_written_at_info_and_the_steps_between_at_debug() {
        let lane = Lane::Channel("a".into());
        let level = |name, outcome, lane| line_of(name, outcome, lane)["level"].clone();
        for (name, outcome) in [
            ("received", Outcome::Ok),
            ("delivered", Outcome::Ok),
            ("appended", Outcome::Repeated),
        ] {
            assert_eq!(level(name, outcome, Some(&lane)), "INFO", "{name}");
        }
        for step in ["appended", "rendered", "sent_to_channel"] {
            assert_eq!(level(step, Outcome::Ok, Some(&lane)), "DEBUG", "{step}");
        }
        assert_eq!(
            level("installed", Outcome::Ok, None),
            "INFO",
            "it is of no message"
        );
    }

    #[test]
    fn a_text_counts_as_many_as_it_has_segments() {
        let lines = written(|| crate::telemetry::segments("channels/acme-sms", 3, "UCS-2"));
        let line = &lines[0];
        assert_eq!(
            (&line["segments"], &line["encoding"]),
            (&json!(3), &json!("UCS-2"))
        );
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Metrics"][0]["Name"], "segments");
        assert_eq!(line["direction"], "to_channel");
    }

    #[test]
    fn a_forged_request_counts_as_rejected_in_the_direction_it_would_have_had() {
        let line = line_of("received", Outcome::Rejected, None);
        assert_eq!(
            (&line["rejected"], &line["direction"]),
            (&json!(1), &json!("to_haptik"))
        );
    }

    #[test]
    fn what_lies_there_is_a_number_of_the_stack_and_none_is_no_line() {
        let lines = written(|| {
            crate::telemetry::dead_now(7);
            crate::telemetry::dead_now(0);
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["dead_now"], 7);
        let directive = &lines[0]["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Dimensions"], json!([["stack"]]));
        assert_eq!(directive["Metrics"][0]["Name"], "dead_now");
    }

    #[test]
    fn a_step_on_the_way_counts_nothing() {
        let line = line_of("rendered", Outcome::Ok, Some(&Lane::Channel("a".into())));
        assert!(line.get("_aws").is_none(), "{line}");
    }

    #[test]
    fn a_line_names_the_request_in_which_it_was_written() {
        let lines = written(|| {
            let span = tracing::info_span!("Lambda runtime invoke", requestId = "r-1");
            let _entered = span.enter();
            tracing::warn!(count = 3, "something \"odd\"\nhappened");
        });
        assert_eq!(lines[0]["request_id"], "r-1");
        assert_eq!(lines[0]["level"], "WARN");
        assert_eq!(lines[0]["count"], 3);
        assert_eq!(lines[0]["message"], "something \"odd\"\nhappened");
    }
}
