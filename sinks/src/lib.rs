//! Sinks: whoever wants the bot's events, besides the user.
//!
//! A sink is a type with a [`SinkType`], in a module of its name that has its keys too, and one line in
//! [`registry`]: [`webhook`] sends every event as it came, [`eventbridge`] puts it on a bus, [`http`] sends what the
//! operator's templates say. The others are CRMs: what they have in common, one ticket for each conversation, is in
//! [`tickets`], and what a CRM has of its own is a [`CrmType`](tickets::CrmType) and a [`Crm`](tickets::Crm).
//!
//! [`Sinks`] are those of a configuration, built with [`SinkDeps`]: a sink has no more than that, and
//! cannot touch the ledger. [`context`] is what there is of an event for templates to use.

pub mod config;
pub mod context;
mod deps;
mod error;
pub mod eventbridge;
mod fit;
pub mod freshdesk;
pub mod http;
pub mod hubspot;
pub mod jira;
mod mask;
mod plain;
pub mod registry;
pub mod salesforce;
pub mod servicenow;
mod sink;
pub mod tickets;
mod transcript;
pub mod webhook;
pub mod zendesk;

pub use deps::{SinkDeps, SinkType};
pub use error::SinkError;
pub use fit::Limit;
pub use registry::{DEFINITIONS, Sinks, erasure};
pub use sink::{Delivered, Delivery, Sink, TicketRef};
