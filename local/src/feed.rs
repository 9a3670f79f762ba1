//! The hops of messages as they happen, for the console: the same events that the log has.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use haptik_bridge_shared::telemetry::HOP_TARGET;
use serde_json::{Map, Value};
use tokio::sync::broadcast;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// How many hops are kept for a page that is opened later, and how many a slow page may fall behind.
const KEPT: usize = 500;

/// A layer of the log that passes hops on. A clone is the same feed.
#[derive(Debug, Clone)]
pub struct HopFeed(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sender: broadcast::Sender<Arc<str>>,
    kept: Mutex<VecDeque<Arc<str>>>,
}

impl HopFeed {
    /// A feed without listeners.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            sender: broadcast::Sender::new(KEPT),
            kept: Mutex::default(),
        }))
    }

    /// The hops so far, as JSON objects, and those to come.
    #[must_use]
    pub fn listen(&self) -> (Vec<Arc<str>>, broadcast::Receiver<Arc<str>>) {
        let kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        (kept.iter().cloned().collect(), self.0.sender.subscribe())
    }
}

impl Default for HopFeed {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Subscriber> Layer<S> for HopFeed {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        if event.metadata().target() != HOP_TARGET {
            return;
        }
        let mut fields = Fields(Map::new());
        event.record(&mut fields);
        fields
            .0
            .insert("at".to_owned(), jiff::Timestamp::now().to_string().into());
        let hop: Arc<str> = Value::Object(fields.0).to_string().into();
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(hop.clone());
        // Nobody listening is no fault.
        let _ = self.0.sender.send(hop);
    }
}

/// An event's fields as a JSON object.
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0
            .insert(field.name().to_owned(), format!("{value:?}").into());
    }
}
