//! What a page is shown as it happens: the newest events are kept, for a page that is opened later or
//! has lost its connection.

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

/// How many events are kept unless it is said otherwise, and how many a slow page may fall behind.
const KEPT: usize = 500;

/// A feed of events, numbered from 1. A clone is the same one.
#[derive(Debug, Clone)]
pub struct Feed(Arc<Inner>);

/// An event of a feed: its number, and what it is, as JSON.
pub type Item = (u64, Arc<str>);

#[derive(Debug)]
struct Inner {
    most: usize,
    sender: broadcast::Sender<Item>,
    kept: Mutex<Buffer>,
}

#[derive(Debug, Default)]
struct Buffer {
    last: u64,
    items: VecDeque<Item>,
}

impl Feed {
    /// A feed without events.
    #[must_use]
    pub fn new() -> Self {
        Self::keeping(KEPT)
    }

    /// A feed that keeps this many events.
    #[must_use]
    pub fn keeping(most: usize) -> Self {
        Self(Arc::new(Inner {
            most,
            sender: broadcast::Sender::new(most),
            kept: Mutex::default(),
        }))
    }

    /// Adds an event.
    pub fn push(&self, json: &str) {
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.last += 1;
        let item = (kept.last, Arc::from(json));
        if kept.items.len() >= self.0.most {
            kept.items.pop_front();
        }
        kept.items.push_back(Item::clone(&item));
        // Nobody listening is no fault. Sent under the lock, so that the order is kept.
        let _ = self.0.sender.send(item);
    }

    /// The events after the one with this number that are kept, and those to come.
    #[must_use]
    pub fn listen(&self, after: u64) -> (Vec<Item>, broadcast::Receiver<Item>) {
        let kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let items = kept.items.iter().filter(|(number, _)| *number > after);
        (items.cloned().collect(), self.0.sender.subscribe())
    }
}

impl Default for Feed {
    fn default() -> Self {
        Self::new()
    }
}

/// A layer of the log that adds the hops of messages to a feed: the console shows what the log has.
#[derive(Debug, Clone)]
pub struct HopLayer(pub Feed);

impl<S: Subscriber> Layer<S> for HopLayer {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        if event.metadata().target() != HOP_TARGET {
            return;
        }
        let mut fields = Fields::of(event);
        let now = jiff::Timestamp::now();
        fields.insert("at".to_owned(), now.to_string().into());
        self.0.push(&Value::Object(fields).to_string());
    }
}

/// An event's fields as a JSON object.
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    pub(crate) fn of(event: &Event<'_>) -> Map<String, Value> {
        let mut fields = Self(Map::new());
        event.record(&mut fields);
        fields.0
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let value = format!("{value:?}");
        self.0.insert(field.name().to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_comes_back_gets_what_it_missed_and_a_bounded_past() {
        let feed = Feed::new();
        for number in 1..=600 {
            feed.push(&number.to_string());
        }
        let numbers = |after| {
            let (items, _) = feed.listen(after);
            items
                .into_iter()
                .map(|(number, _)| number)
                .collect::<Vec<_>>()
        };
        assert_eq!(numbers(597), [598, 599, 600]);
        assert_eq!(numbers(0).len(), KEPT);
        assert_eq!(numbers(600).len(), 0);
    }
}
