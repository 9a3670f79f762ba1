//! What the console of a bridge on this machine remembers of each message's way: its hops, and what was sent and
//! answered at each try, from when the process began. Bodies only where they may be shown.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use haptik_bridge_shared::net::exchange::EXCHANGE_TARGET;
use haptik_bridge_shared::telemetry::HOP_TARGET;
use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::feed::Fields;

/// How many messages are remembered, the last ones.
const MESSAGES: usize = 5_000;

/// How many steps of one are, the last ones.
const STEPS: usize = 100;

/// How many steps are remembered that are of no message: requests that were turned away.
const OF_NOTHING: usize = 200;

/// What is remembered. A clone is the same.
#[derive(Debug, Clone)]
pub struct Watched(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bodies: bool,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    steps: HashMap<String, VecDeque<Value>>,
    /// The messages in the order in which they came.
    order: VecDeque<String>,
    of_nothing: VecDeque<Value>,
}

impl Watched {
    /// Nothing yet; with what was said, or without.
    #[must_use]
    pub fn new(bodies: bool) -> Self {
        Self(Arc::new(Inner {
            bodies,
            kept: Mutex::default(),
        }))
    }

    /// Whether an event is one that is remembered.
    #[must_use]
    pub fn wants(metadata: &Metadata<'_>) -> bool {
        [HOP_TARGET, EXCHANGE_TARGET].contains(&metadata.target())
    }

    /// The steps of the message with this correlation id, in the order in which they ended.
    #[must_use]
    pub fn steps(&self, correlation_id: &str) -> Vec<Value> {
        let kept = self.kept();
        let steps = kept.steps.get(correlation_id).into_iter().flatten();
        steps.cloned().collect()
    }

    /// Forgets the messages with these correlation ids.
    pub fn forget(&self, correlation_ids: impl IntoIterator<Item = String>) {
        let mut kept = self.kept();
        for id in correlation_ids {
            if kept.steps.remove(&id).is_some() {
                kept.order.retain(|known| *known != id);
            }
        }
    }

    /// The last steps that are of no message, the last first.
    #[must_use]
    pub fn of_nothing(&self) -> Vec<Value> {
        self.kept().of_nothing.iter().rev().cloned().collect()
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, mut step: Map<String, Value>) {
        if !self.0.bodies {
            without_bodies(&mut step);
        }
        let id = step.get("correlation_id").and_then(Value::as_str);
        let id = id.map(ToOwned::to_owned);
        let mut kept = self.kept();
        let Some(id) = id else {
            if step.contains_key("hop") {
                push(&mut kept.of_nothing, Value::Object(step), OF_NOTHING);
            }
            return;
        };
        if !kept.steps.contains_key(&id) {
            kept.order.push_back(id.clone());
            if kept.order.len() > MESSAGES
                && let Some(oldest) = kept.order.pop_front()
            {
                kept.steps.remove(&oldest);
            }
        }
        push(
            kept.steps.entry(id).or_default(),
            Value::Object(step),
            STEPS,
        );
    }
}

fn push(steps: &mut VecDeque<Value>, step: Value, most: usize) {
    if steps.len() >= most {
        steps.pop_front();
    }
    steps.push_back(step);
}

/// Takes out of an exchange what was said: bodies, and what stands in a URL behind the path.
fn without_bodies(step: &mut Map<String, Value>) {
    for side in ["/request", "/answer"] {
        let exchange = step.get_mut("exchange");
        let side = exchange.and_then(|exchange| exchange.pointer_mut(side));
        let Some(side) = side.and_then(Value::as_object_mut) else {
            continue;
        };
        let length = side
            .remove("body")
            .and_then(|body| body.as_str().map(str::len));
        side.insert("body_bytes".to_owned(), length.unwrap_or_default().into());
        if let Some(Value::String(url)) = side.get_mut("url")
            && let Some(end) = url.find('?')
        {
            url.truncate(end);
            url.push_str("?…");
        }
    }
}

impl<S: Subscriber> Layer<S> for Watched {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        if !Self::wants(event.metadata()) {
            return;
        }
        let mut step = Fields::of(event);
        // It came as text, since events have no other values.
        if let Some(exchange) = step.get_mut("exchange") {
            let read = exchange.as_str().map(serde_json::from_str);
            *exchange = read.and_then(Result::ok).unwrap_or_default();
        }
        step.insert("at".to_owned(), Timestamp::now().to_string().into());
        self.add(step);
    }
}

#[cfg(test)]
mod tests {
    use haptik_bridge_shared::telemetry::{Hop, Outcome};
    use serde_json::json;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    fn watched(bodies: bool, emit: impl FnOnce()) -> Watched {
        let watched = Watched::new(bodies);
        let subscriber = tracing_subscriber::registry().with(watched.clone());
        tracing::subscriber::with_default(subscriber, emit);
        watched
    }

    fn exchange() {
        let exchange = json!({
            "call": "say it",
            "request": {"method": "POST", "url": "https://x.example/a?text=hello", "headers": [], "body": "hello"},
            "answer": {"status": 400, "headers": [], "body": "hello is refused"},
        });
        tracing::event!(target: EXCHANGE_TARGET, tracing::Level::DEBUG, correlation_id = "c1", %exchange);
    }

    #[test]
    fn what_was_said_is_remembered_only_where_it_may_be_shown() {
        let steps = watched(true, exchange).steps("c1");
        assert_eq!(steps[0]["exchange"]["answer"]["body"], "hello is refused");
        let steps = watched(false, exchange).steps("c1");
        assert!(!json!(steps).to_string().contains("hello"), "{steps:?}");
        assert_eq!(steps[0]["exchange"]["answer"]["status"], 400);
        assert_eq!(steps[0]["exchange"]["answer"]["body_bytes"], 16);
    }

    #[test]
    fn what_was_turned_away_is_of_no_message() {
        let watched = watched(false, || {
            let hop = Hop::new("received", "haptik/main").outcome(Outcome::Rejected);
            hop.reason("the signature is wrong").emit();
        });
        assert_eq!(watched.of_nothing()[0]["reason"], "the signature is wrong");
    }

    #[test]
    fn it_is_bounded() {
        let watched = Watched::new(false);
        for message in 0..MESSAGES + 10 {
            for step in 0..3 {
                let step =
                    json!({"hop": "sent", "step": step, "correlation_id": message.to_string()});
                watched.add(step.as_object().cloned().unwrap_or_default());
            }
        }
        assert!(watched.steps("0").is_empty());
        assert_eq!(watched.steps("5000").len(), 3);
        assert_eq!(watched.kept().steps.len(), MESSAGES);
    }
}
