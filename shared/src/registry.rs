//! The types of sinks that there are.

use crate::config::SinkDefinition;
use crate::sink::config as sinks;

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
