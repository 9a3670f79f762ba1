//! Which types of sinks there are, and the sinks of a configuration. Only who delivers to sinks, or shows
//! what would be delivered, makes them: the edges need not know more than which sinks want an event
//! ([`Bridge::sinks_for`](haptik_bridge_shared::bridge::Bridge::sinks_for)).

use std::collections::BTreeMap;

use haptik_bridge_shared::config::{self, Config, SinkDefinition};

use crate::mask::MaskedSink;
use crate::tickets::Ticketing;
use crate::{Sink, SinkDeps, SinkType};

/// Builds a sink, where it is of the type.
type Build = fn(&config::Sink, &SinkDeps) -> Option<Box<dyn Sink>>;

/// The types of sinks: those that are told of events, and the CRMs, in which conversations become tickets.
macro_rules! sinks {
    (sinks: [$($sink:ty),+ $(,)?], crms: [$($crm:ty),+ $(,)?] $(,)?) => {
        /// The types of sinks by name. Only who delivers names this table, so only there they are linked.
        const TYPES: &[(&str, Build)] = &[
            $((<$sink as SinkType>::NAME, build::<$sink>),)+
            $((<Ticketing<$crm> as SinkType>::NAME, build::<Ticketing<$crm>>),)+
        ];

        /// Their keys in the configuration.
        pub const DEFINITIONS: &[SinkDefinition] = &[
            $(<$sink as SinkType>::DEFINITION,)+
            $(<Ticketing<$crm> as SinkType>::DEFINITION,)+
        ];

        /// How what they were given of a person is removed there, by name.
        const ERASURES: &[(&str, &str)] = &[
            $((<$sink as SinkType>::NAME, <$sink as SinkType>::ERASURE),)+
            $((<Ticketing<$crm> as SinkType>::NAME, <Ticketing<$crm> as SinkType>::ERASURE),)+
        ];

        #[cfg(test)]
        mod each_crm {
            #[tokio::test]
            async fn says_whether_it_takes_the_credentials_and_is_only_read() {
                $(super::tests::is_asked::<$crm>().await;)+
            }
        }
    };
}

sinks!(
    sinks: [
        crate::webhook::Webhook,
        crate::eventbridge::EventBridge,
        crate::http::Http,
    ],
    crms: [
        crate::zendesk::Zendesk,
        crate::freshdesk::Freshdesk,
        crate::salesforce::Salesforce,
        crate::hubspot::HubSpot,
        crate::servicenow::ServiceNow,
        crate::jira::Jira,
    ],
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
            let mask = deps.mask_of(&sink.mask);
            let masked = deps.with_mask(mask.as_ref());
            let built = TYPES
                .iter()
                .filter(|(name, _)| *name == sink.type_name)
                .find_map(|(_, build)| build(sink, &masked));
            let built = built.expect("every type is registered");
            let built = match mask {
                Some(mask) => Box::new(MaskedSink::new(built, mask)),
                None => built,
            };
            (name.clone(), built)
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

/// How what a sink of this type was given of a person is removed there; `None` where there is no such type.
#[must_use]
pub fn erasure(type_name: &str) -> Option<&'static str> {
    let mut all = ERASURES.iter();
    all.find_map(|(name, how)| (*name == type_name).then_some(*how))
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

    use haptik_bridge_shared::net::fake::{Answer, Fake};
    use haptik_bridge_shared::net::online::Verdict;
    use haptik_bridge_shared::net::{CallError, client};

    use super::*;
    use crate::hubspot::HubSpot;
    use crate::tickets::CrmType;
    use crate::zendesk::Zendesk;

    /// What a CRM of the example configuration says of its credentials when it answers so, and what it
    /// was asked for by.
    async fn asked<C: CrmType>(answer: Answer) -> (Result<String, CallError>, Vec<String>) {
        let fake = Fake::start(move |request| {
            if request.path.contains("token") {
                Answer::new(200, r#"{"access_token": "t", "expires_in": 3600}"#)
            } else {
                answer.clone()
            }
        })
        .await;
        let example = include_str!("../../bridge.example.toml");
        let lines = example.lines().map(|line| {
            if line.starts_with("base_url = ") {
                format!("base_url = '{}'", fake.url(""))
            } else {
                line.to_owned()
            }
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        let config = Config::parse(&text, &REGISTRY).expect("a configuration");
        let mut sinks = config.sinks.values();
        let sink = sinks.find(|sink| sink.type_name == C::NAME);
        let sink =
            sink.unwrap_or_else(|| panic!("bridge.example.toml needs a sink of type {}", C::NAME));
        let settings = sink.settings.get();
        let crm = C::new(settings.expect("its own"), client().expect("a client"));
        let me = crm.me().await;
        let requests = fake.requests().into_iter();
        (me, requests.map(|request| request.method).collect())
    }

    /// Whether good credentials, bad ones and a CRM that is down are told apart, by reading alone.
    pub(super) async fn is_asked<C: CrmType>() {
        let name = C::NAME;
        let known = r#"{"user": {"id": 7, "role": "agent"}, "hasUniqueValue": true, "result": []}"#;
        let (me, methods) = asked::<C>(Answer::new(200, known)).await;
        assert!(me.is_ok_and(|learnt| !learnt.is_empty()), "{name}");
        assert_eq!(methods.last().map(String::as_str), Some("GET"), "{name}");
        let (me, _) = asked::<C>(Answer::new(401, r#"{"error": "example-secret"}"#)).await;
        let refused = Verdict::of_error(&me.expect_err(name), "the CRM", "");
        assert!(
            matches!(refused, Verdict::Refused { .. }),
            "{name}: {refused:?}"
        );
        let (me, _) = asked::<C>(Answer::new(503, "")).await;
        let down = Verdict::of_error(&me.expect_err(name), "the CRM", "");
        assert!(matches!(down, Verdict::Unreached(_)), "{name}: {down:?}");
    }

    #[tokio::test]
    async fn zendesk_knows_nobody_where_it_says_so_with_200() {
        let nobody = r#"{"user": {"id": null, "name": "Anonymous user", "role": "end-user"}}"#;
        let (me, _) = asked::<Zendesk>(Answer::new(200, nobody)).await;
        assert!(me.is_err());
        let customer = r#"{"user": {"id": 7, "role": "end-user"}}"#;
        let (me, _) = asked::<Zendesk>(Answer::new(200, customer)).await;
        assert!(me.is_err());
    }

    #[tokio::test]
    async fn a_property_of_hubspots_that_keeps_no_ticket_single_is_refused() {
        let (me, _) = asked::<HubSpot>(Answer::new(200, r#"{"hasUniqueValue": false}"#)).await;
        assert!(me.is_err());
    }

    #[test]
    fn every_type_is_registered_once_under_the_name_of_its_definition() {
        let names: Vec<_> = types().collect();
        let defined: Vec<_> = DEFINITIONS.iter().map(|of| of.name).collect();
        assert_eq!(names, defined);
        let once: BTreeSet<_> = names.iter().collect();
        assert_eq!(once.len(), names.len());
        assert_eq!(erasure("zendesky"), None);
    }
}
