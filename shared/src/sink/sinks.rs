//! The sinks of a configuration. Only who delivers to sinks, or shows what would be delivered, makes them:
//! the edges need not know more than which sinks want an event
//! ([`Bridge::sinks_for`](crate::bridge::Bridge::sinks_for)).

use std::collections::BTreeMap;

use super::eventbridge::EventBridge;
use super::freshdesk::Freshdesk;
use super::http::HttpSink;
use super::hubspot::HubSpot;
use super::jira::Jira;
use super::salesforce::Salesforce;
use super::servicenow::ServiceNow;
use super::tickets::{Crm, Tickets};
use super::zendesk::Zendesk;
use super::{Sink, SinkDeps, WebhookSink};
use crate::config::{self, Config, SinkKind};

/// The sinks of a configuration, by name.
#[derive(Debug, Default)]
pub struct Sinks(BTreeMap<String, Box<dyn Sink>>);

impl Sinks {
    /// The sinks of this configuration. Nothing is called yet.
    #[must_use]
    pub fn new(config: &Config, deps: &SinkDeps) -> Self {
        let sinks = config.sinks.iter();
        Self(
            sinks
                .map(|(name, sink)| (name.clone(), sink_of(sink, deps)))
                .collect(),
        )
    }

    /// The sink of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&dyn Sink> {
        self.0.get(name).map(AsRef::as_ref)
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn sink_of(sink: &config::Sink, deps: &SinkDeps) -> Box<dyn Sink> {
    let crm: Box<dyn Crm> = match &sink.kind {
        SinkKind::Webhook {
            url,
            signing_secrets,
        } => {
            let (url, secrets) = (url.clone(), signing_secrets.clone());
            return Box::new(WebhookSink::new(url, secrets, deps.http.clone()));
        }
        SinkKind::EventBridge(config) => {
            return Box::new(EventBridge::new(config.clone(), deps));
        }
        SinkKind::Http(config) => {
            let config = config.as_ref().clone();
            return Box::new(HttpSink::new(config, deps));
        }
        SinkKind::Zendesk(zendesk) => Box::new(Zendesk::new(zendesk.clone())),
        SinkKind::Freshdesk(freshdesk) => Box::new(Freshdesk::new(freshdesk.clone())),
        SinkKind::Salesforce(salesforce) => Box::new(Salesforce::new(salesforce.clone())),
        SinkKind::HubSpot(hubspot) => Box::new(HubSpot::new(hubspot.clone())),
        SinkKind::ServiceNow(servicenow) => Box::new(ServiceNow::new(servicenow.clone())),
        SinkKind::Jira(jira) => Box::new(Jira::new(jira.clone())),
    };
    let both_twins = ["chat_complete", "webhook_conversation_complete"];
    let both_twins = both_twins.iter().all(|event| sink.wants(event));
    let texts = sink.ticket().expect("the other kinds make tickets");
    Box::new(Tickets::new(crm, deps, texts.clone(), both_twins))
}
