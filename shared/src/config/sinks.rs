//! `[sinks.NAME]`: where events go besides.

use serde_json::Value;

use super::kind::MaskedField;
use super::registry::Settings;
use crate::lenient_json;
use crate::own_events::{OperatorEvent, RECEIPTS};

/// `[sinks.NAME]`: something outside that gets events.
#[derive(Debug, Clone)]
pub struct Sink {
    /// `events`: the names of the events that it gets, `"*"` for all but receipts and
    /// [`OperatorEvent`]s, which are named; at least one.
    pub events: Vec<String>,
    /// `when`: what else must hold of an event; all of it.
    pub when: Vec<Condition>,
    /// `rate_per_second`: how many requests it gets at most.
    pub rate_per_second: Option<u32>,
    /// `mask`: what of the user it is not told.
    pub mask: Vec<MaskedField>,
    /// Whether messages that come after the completion are added to its tickets; `None` of a sink that makes
    /// none.
    pub follow_ups: Option<bool>,
    /// `type`.
    pub type_name: &'static str,
    /// The keys that come with it.
    pub settings: Settings,
}

/// One condition on an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The path of a value in the event, with dots between its keys; or in its `data`.
    pub path: String,
    /// The values that it may have, as text.
    pub values: Vec<String>,
}

impl Sink {
    /// Whether it gets the events of this name.
    #[must_use]
    pub fn wants(&self, event_name: &str) -> bool {
        (self.follow_ups == Some(true) && event_name == "message")
            || self.events.iter().any(|event| {
                event == event_name || (event == "*" && !is_asked_for_by_name(event_name))
            })
    }

    /// Whether it gets this event, which is called `event_name`.
    #[must_use]
    pub fn wants_event(&self, event_name: &str, event: &Value) -> bool {
        // A follow-up belongs to a completion that was looked at.
        let is_follow_up = event_name == "message" && self.follow_ups.is_some();
        self.wants(event_name)
            && (is_follow_up || self.when.iter().all(|condition| condition.holds(event)))
    }
}

/// Whether a sink gets an event only where it names it: what the bridge tells of each message and of itself would
/// be many times what Haptik says.
fn is_asked_for_by_name(event_name: &str) -> bool {
    RECEIPTS.contains(&event_name) || OperatorEvent::is_named(event_name)
}

impl Condition {
    /// Whether it holds of an event.
    #[must_use]
    pub fn holds(&self, event: &Value) -> bool {
        let data = event.get("data").map(lenient_json::unwrapped);
        let found = at(event, &self.path)
            .or_else(|| data.as_deref().and_then(|data| at(data, &self.path)))
            .unwrap_or_default();
        self.values.contains(&found)
    }
}

/// The value at a path, as text. A key may have dots itself: the longest that is there counts.
fn at(value: &Value, path: &str) -> Option<String> {
    let value = lenient_json::unwrapped(value);
    let ends = path.match_indices('.').map(|(end, _)| end);
    let mut ends: Vec<usize> = ends.chain([path.len()]).collect();
    ends.reverse();
    let (end, found) = ends.into_iter().find_map(|end| {
        let found = value.get(path.get(..end)?)?;
        Some((end, found))
    })?;
    match path.get(end + 1..) {
        Some(rest) => at(found, rest),
        None => Some(match found {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(path: &str, values: &[&str]) -> bool {
        let event = json!({
            "business_id": 343,
            "agent": {"is_automated": false},
            "data": {
                "completion_type": "agent",
                "closing_categories": {"reason": "Refund"},
                "conversation_details": {"a.b": {"c.d": "x"}, "none": null},
            },
        });
        let values = values.iter().map(ToString::to_string).collect();
        let path = path.to_owned();
        Condition { path, values }.holds(&event)
    }

    #[test]
    fn a_condition_is_on_the_event_or_its_data_and_compares_text() {
        assert!(holds("business_id", &["1", "343"]));
        assert!(holds("agent.is_automated", &["false"]));
        assert!(holds("data.completion_type", &["agent"]));
        assert!(holds("completion_type", &["agent"]));
        assert!(holds("closing_categories.reason", &["Refund"]));
        assert!(!holds("closing_categories.reason", &["refund"]));
        assert!(holds("conversation_details.a.b.c.d", &["x"]));
        assert!(!holds("closing_categories.reason.deep", &["Refund"]));
        assert!(!holds("missing", &["x"]));
        assert!(holds("missing", &[""]) && holds("conversation_details.none", &[""]));
    }
}
