//! The names of events.

use super::{Faults, Given, ValueType, quote};
use crate::config::wording::list_of;

/// The events that Haptik's documentation names, and the bridge's own, which a sink may ask for.
const EVENTS: [&str; 16] = [
    "*",
    "message",
    "chat_pinned",
    "chat_complete",
    "webhook_conversation_complete",
    "missed_handoff",
    "rating",
    "message_delivered",
    "message_failed",
    "sink_off",
    "sink_on",
    "webhook_disabled",
    "webhook_enabled",
    "workspace_installed",
    "workspace_gone",
    "secret_refused",
];

/// The events that a sink gets: names, or `*`.
#[derive(Debug)]
pub(in crate::config) struct Events;

impl ValueType for Events {
    type Value = Vec<String>;

    fn name(&self) -> String {
        "text or list".to_owned()
    }

    fn allowed(&self) -> String {
        "a list of event names, or [\"*\"] for all".to_owned()
    }

    fn read(&self, given: &Given<'_>) -> Result<Vec<String>, Faults> {
        given.each(|text| match text.trim() {
            "" => Err("an empty string"),
            name if name != text => Err("a name with white space around it"),
            name => Ok(name.to_owned()),
        })
    }

    fn warnings(&self, events: &Vec<String>) -> Vec<String> {
        let unknown = events
            .iter()
            .filter(|event| !EVENTS.contains(&event.as_str()));
        let warning = |event: &String| {
            format!(
                " has {}, which is no event of Haptik's documentation or of the bridge: {}",
                quote(event),
                list_of(&EVENTS)
            )
        };
        unknown.map(warning).collect()
    }
}
