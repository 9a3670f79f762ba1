//! The types of sinks in the configuration: one module for each, with its keys.

pub mod eventbridge;
pub mod freshdesk;
pub mod http;
pub mod hubspot;
pub mod jira;
pub mod kinds;
pub mod salesforce;
pub mod servicenow;
pub mod ticket;
pub mod webhook;
pub mod zendesk;
