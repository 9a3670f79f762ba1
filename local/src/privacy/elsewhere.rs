//! What lies outside of the bridge's table, and how it is removed there: nothing of the bridge's can.

use std::collections::BTreeSet;

use haptik_bridge_channels::registry;
use haptik_bridge_shared::config::Config;
use haptik_bridge_sinks::erasure;
use serde::Serialize;

use super::{Holdings, Person};

/// A place outside of the table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Elsewhere {
    /// Which: `haptik/main`, `channels/acme-slack`, `sinks/crm`, or in words.
    pub place: String,
    /// How what is there of a person is removed.
    pub how: String,
}

/// Haptik.
const AT_HAPTIK: &str = "Haptik documents no call for it: ask Haptik, with the auth_id";

/// What is not known without the configuration.
const UNKNOWN: &str = "by its own means: with --config, which ones are said";

/// Beside them, whatever is configured.
const ALWAYS: [(&str, &str); 4] = [
    (
        "logs",
        "their lines have the auth_id and the ids of messages, and no words; they go with the log's retention",
    ),
    (
        "queues",
        "a ring has the auth_id and the key of an entry, and no words; it goes once it was handled, from the dead-letter queue after 14 days",
    ),
    (
        "backups",
        "one of before has everything: after it was restored, `haptik-bridge forget --again`; point-in-time recovery goes back 35 days",
    ),
    (
        "a console that runs",
        "what it remembers of the way of the last 5,000 messages goes when it stops",
    ),
];

/// The places outside of the table that may have something of a person, of whom these are the holdings.
#[must_use]
pub fn elsewhere(config: Option<&Config>, person: &Person, holdings: &Holdings) -> Vec<Elsewhere> {
    let mut places = BTreeSet::new();
    let mut add = |place: String, how: &str| {
        let how = how.to_owned();
        places.insert(Elsewhere { place, how });
    };
    let channels = config.map(|config| &config.channels);
    for (connection, _) in &person.places {
        let channel = channels.and_then(|channels| channels.get(connection.as_str()));
        let known = channel.and_then(|channel| registry::find(channel.type_name));
        let how = known.map_or(UNKNOWN, |channel| channel.facts.erasure);
        add(format!("channels/{connection}"), how);
        if let Some(channel) = channel {
            add(format!("haptik/{}", channel.haptik), AT_HAPTIK);
        }
    }
    let accounts = config.into_iter().flat_map(|config| config.haptik.keys());
    let accounts: Vec<_> = accounts.collect();
    match accounts.as_slice() {
        [] => add("haptik".to_owned(), AT_HAPTIK),
        [account] => add(format!("haptik/{account}"), AT_HAPTIK),
        // Those of the person's connections are there.
        _ => {}
    }
    let told = holdings.items.iter();
    let told = told.filter_map(|item| item.kind.part("sink", &item.pk, &item.sk));
    for sink in told.collect::<BTreeSet<_>>() {
        let configured = config.and_then(|config| config.sinks.get(sink));
        let how = configured.and_then(|sink| erasure(sink.type_name));
        add(format!("sinks/{sink}"), how.unwrap_or(UNKNOWN));
    }
    let mut places: Vec<Elsewhere> = places.into_iter().collect();
    places.extend(ALWAYS.map(|(place, how)| Elsewhere {
        place: place.to_owned(),
        how: how.to_owned(),
    }));
    places
}
