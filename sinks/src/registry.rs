//! Which types of sinks there are, and the sinks of a configuration. Only who delivers to sinks, or shows
//! what would be delivered, makes them: the edges need not know more than which sinks want an event
//! ([`Bridge::sinks_for`](haptik_bridge_shared::bridge::Bridge::sinks_for)).

use std::collections::BTreeMap;

use haptik_bridge_shared::config::{self, Config, SinkDefinition};

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
use crate::{Sink, SinkDeps, SinkType};

/// Builds a sink, where it is of the type.
type Build = fn(&config::Sink, &SinkDeps) -> Option<Box<dyn Sink>>;

/// The types of sinks.
macro_rules! sinks {
    ($($sink:ty),+ $(,)?) => {
        /// The types of sinks by name. Only who delivers names this table, so only there they are linked.
        const TYPES: &[(&str, Build)] = &[$((<$sink as SinkType>::NAME, build::<$sink>)),+];

        /// Their keys in the configuration.
        pub const DEFINITIONS: &[SinkDefinition] = &[$(<$sink as SinkType>::DEFINITION),+];
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
            let built = TYPES
                .iter()
                .filter(|(name, _)| *name == sink.type_name)
                .find_map(|(_, build)| build(sink, deps));
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
    let config = sink.settings.get()?;
    Some(S::build(config, sink, deps))
}

/// The types that the configurations of tests name.
#[cfg(test)]
pub(crate) const REGISTRY: config::Registry = config::Registry {
    channels: haptik_bridge_channels::registry::DEFINITIONS,
    sinks: DEFINITIONS,
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_type_is_registered_once_under_the_name_of_its_definition() {
        let names: Vec<_> = types().collect();
        let defined: Vec<_> = DEFINITIONS.iter().map(|of| of.name).collect();
        assert_eq!(names, defined);
        let once: BTreeSet<_> = names.iter().collect();
        assert_eq!(once.len(), names.len());
    }
}
