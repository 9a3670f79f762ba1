//! The sinks of a configuration. Only who delivers to sinks, or shows what would be delivered, makes them:
//! the edges need not know more than which sinks want an event
//! ([`Bridge::sinks_for`](crate::bridge::Bridge::sinks_for)).

use std::collections::BTreeMap;

use super::api::Api;
use super::config as of;
use super::config::ticket::TicketSink;
use super::eventbridge::EventBridge;
use super::freshdesk::Freshdesk;
use super::http::HttpSink;
use super::hubspot::HubSpot;
use super::jira::Jira;
use super::salesforce::Salesforce;
use super::servicenow::ServiceNow;
use super::tickets::{Crm, Tickets};
use super::zendesk::Zendesk;
use super::{Sink, WebhookSink};
use crate::config::{self, Config};
use crate::environment::{AwsEnvironment, MissingVariables};

/// The sinks of a configuration, by name.
#[derive(Debug, Default)]
pub struct Sinks(BTreeMap<String, Box<dyn Sink>>);

impl Sinks {
    /// The sinks of this configuration, which send with `http` (see
    /// [`outbound::client`](crate::outbound::client)), and to services of AWS as `aws` says. Nothing is
    /// called yet.
    #[must_use]
    pub fn new(
        config: &Config,
        http: &reqwest::Client,
        aws: &Result<AwsEnvironment, MissingVariables>,
    ) -> Self {
        let sinks = config.sinks.iter();
        Self(
            sinks
                .map(|(name, sink)| (name.clone(), sink_of(sink, http, aws)))
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

fn sink_of(
    sink: &config::Sink,
    http: &reqwest::Client,
    aws: &Result<AwsEnvironment, MissingVariables>,
) -> Box<dyn Sink> {
    let settings = &sink.settings;
    if let Some(webhook) = settings.get::<of::webhook::Webhook>() {
        let (url, secrets) = (webhook.url.clone(), webhook.signing_secrets.clone());
        return Box::new(WebhookSink::new(url, secrets, http.clone()));
    }
    if let Some(bus) = settings.get::<of::eventbridge::EventBridge>() {
        return Box::new(EventBridge::new(bus.clone(), aws, http.clone()));
    }
    if let Some(of_http) = settings.get::<of::http::Http>() {
        return Box::new(HttpSink::new(of_http.clone(), Api::new(http.clone())));
    }
    let tickets = tickets_of(sink, http, Zendesk::new)
        .or_else(|| tickets_of(sink, http, Freshdesk::new))
        .or_else(|| tickets_of(sink, http, Salesforce::new))
        .or_else(|| tickets_of(sink, http, HubSpot::new))
        .or_else(|| tickets_of(sink, http, ServiceNow::new))
        .or_else(|| tickets_of(sink, http, Jira::new));
    Box::new(tickets.expect("these are all types of the registry"))
}

/// The tickets of a sink, where its configuration is that of this CRM.
fn tickets_of<T: TicketSink + Clone, C: Crm + 'static>(
    sink: &config::Sink,
    http: &reqwest::Client,
    crm: fn(T) -> C,
) -> Option<Tickets> {
    let settings: &T = sink.settings.get()?;
    let both_twins = ["chat_complete", "webhook_conversation_complete"];
    let both_twins = both_twins.iter().all(|event| sink.wants(event));
    Some(Tickets::new(
        Box::new(crm(settings.clone())),
        Api::new(http.clone()),
        settings.ticket().clone(),
        both_twins,
    ))
}
