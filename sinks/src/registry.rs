//! Which types of sinks there are, and the sinks of a configuration. Only who delivers to sinks, or shows
//! what would be delivered, makes them: the edges need not know more than which sinks want an event
//! ([`Bridge::sinks_for`](haptik_bridge_shared::bridge::Bridge::sinks_for)).

use std::collections::BTreeMap;

use haptik_bridge_shared::config::{self, Config, SinkKind};

use crate::eventbridge::EventBridge;
use crate::freshdesk::Freshdesk;
use crate::http::Http;
use crate::hubspot::HubSpot;
use crate::jira::Jira;
use crate::salesforce::Salesforce;
use crate::servicenow::ServiceNow;
use crate::tickets::Ticketing;
use crate::webhook::Webhook;
use crate::zendesk::Zendesk;
use crate::{Sink, SinkDeps};

/// A type of sink.
pub trait SinkType: 'static {
    /// The value of `type`.
    const NAME: &'static str;

    /// The keys that come with it.
    type Config;

    /// The keys, of a sink of this type.
    fn configured(kind: &SinkKind) -> Option<&Self::Config>;

    /// A sink. `of` are the keys that every sink has. Nothing is called yet.
    fn build(config: &Self::Config, of: &config::Sink, deps: &SinkDeps) -> Box<dyn Sink>;
}

/// Builds a sink, where it is of the type.
type Build = fn(&config::Sink, &SinkDeps) -> Option<Box<dyn Sink>>;

/// The types of sinks.
macro_rules! sinks {
    ($($sink:ty),+ $(,)?) => {
        /// The types of sinks by name.
        const TYPES: &[(&str, Build)] = &[$((<$sink as SinkType>::NAME, build::<$sink>)),+];
    };
}

sinks!(
    Webhook,
    EventBridge,
    Http,
    Ticketing<Zendesk>,
    Ticketing<Freshdesk>,
    Ticketing<Salesforce>,
    Ticketing<HubSpot>,
    Ticketing<ServiceNow>,
    Ticketing<Jira>,
);

/// The sinks of a configuration, by name.
#[derive(Debug, Default)]
pub struct Sinks(BTreeMap<String, Box<dyn Sink>>);

impl Sinks {
    /// The sinks of this configuration. Nothing is called yet.
    ///
    /// # Panics
    /// When a sink is of no type, which a configuration does not let through.
    #[must_use]
    pub fn new(config: &Config, deps: &SinkDeps) -> Self {
        let sinks = config.sinks.iter().map(|(name, sink)| {
            let built = TYPES.iter().find_map(|(_, build)| build(sink, deps));
            (name.clone(), built.expect("every type is registered"))
        });
        Self(sinks.collect())
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

/// The names of the types.
pub fn types() -> impl Iterator<Item = &'static str> {
    TYPES.iter().map(|(name, _)| *name)
}

fn build<S: SinkType>(sink: &config::Sink, deps: &SinkDeps) -> Option<Box<dyn Sink>> {
    S::configured(&sink.kind).map(|config| S::build(config, sink, deps))
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::config::BehaviorVersion;
    use haptik_bridge_shared::net;
    use haptik_bridge_shared::net::aws::AwsEnvironment;
    use haptik_bridge_shared::table::Table;

    use super::*;

    #[test]
    fn every_type_that_a_configuration_knows_is_registered_once() {
        let config = Config::parse(config::example()).expect("a configuration");
        let sdk = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .build();
        let table = Table::new(aws_sdk_dynamodb::Client::from_conf(sdk), "none");
        let aws = AwsEnvironment::read(|_| None);
        let http = net::client().expect("a client");
        let deps = SinkDeps::new(&config, &table, &http, &aws);
        let mut built: Vec<_> = config
            .sinks
            .values()
            .flat_map(|sink| {
                TYPES
                    .iter()
                    .filter(|(_, build)| build(sink, &deps).is_some())
            })
            .map(|(name, _)| *name)
            .collect();
        built.sort_unstable();
        let mut names: Vec<_> = types().collect();
        names.sort_unstable();
        assert_eq!(built, names);
    }
}
