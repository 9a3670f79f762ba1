//! The types of channels and sinks that there are. This is the one place that lists them.

use serde_json::Value;

use crate::channel::slack::Preview;
use crate::channel::{Sender, custom, slack};
use crate::config::{ChannelDefinition, Registry, SinkDefinition};
use crate::sink::config as sinks;

/// The types of channels.
pub const CHANNELS: &[ChannelDefinition] = &[slack::config::DEFINITION, custom::config::DEFINITION];

/// The types of sinks.
pub const SINKS: &[SinkDefinition] = &[
    sinks::webhook::DEFINITION,
    sinks::eventbridge::DEFINITION,
    sinks::http::DEFINITION,
    sinks::zendesk::DEFINITION,
    sinks::freshdesk::DEFINITION,
    sinks::salesforce::DEFINITION,
    sinks::hubspot::DEFINITION,
    sinks::servicenow::DEFINITION,
    sinks::jira::DEFINITION,
];

/// What a message body of Haptik's becomes when this sender says it.
pub type PreviewOf = fn(&Value, &Sender) -> Vec<Preview>;

/// The types of channels whose messages can be looked at.
pub const PREVIEWS: &[(&str, PreviewOf)] = &[("slack", slack::preview)];

/// All types, for [`Config::parse`](crate::config::Config::parse).
#[must_use]
pub const fn all() -> Registry {
    Registry {
        channels: CHANNELS,
        sinks: SINKS,
    }
}
