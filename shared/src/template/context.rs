//! What templates can use: the names, and values under them.

use minijinja::Value as Filled;
use minijinja::value::Serde;
use serde_json::{Map, Value};

/// The names, as `docs/sinks.md` explains them.
pub const NAMES: [&str; 20] = [
    "event",
    "event_name",
    "delivery_id",
    "timestamp",
    "sink",
    "account",
    "business_id",
    "business_name",
    "user",
    "agent",
    "completed_by",
    "completion_type",
    "completion_by",
    "conversation_no",
    "conversation_identifier",
    "chat_link",
    "closing_categories",
    "conversation_details",
    "transcript",
    "transcript_text",
];

/// The values as the engine takes them.
#[must_use]
pub fn filled(values: Map<String, Value>) -> Filled {
    Filled::from(Serde(Value::Object(values)))
}
