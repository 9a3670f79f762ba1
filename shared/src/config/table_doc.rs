//! What there is to say of every table.

use super::declare::Part as _;
use super::handoff::Handoff;
use super::key_doc::{KeyDoc, WhenMissing};
use super::read::{ConnectionKeys, SinkKeys, channel_types, sink_types};
use super::registry::Registry;
use super::section::Defaults;
use super::tables::{Delivery, Haptik, Outbound};

/// What there is to say of a table of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDoc {
    /// The table: `channels` of `[channels.NAME]`.
    pub table: &'static str,
    /// The type whose keys these are; `None` of the keys that every type has.
    pub type_name: Option<&'static str>,
    /// The keys.
    pub keys: Vec<KeyDoc>,
}

impl Registry {
    /// Every table of a configuration with its keys, in the order of `docs/configuration.md`.
    #[must_use]
    pub fn tables(&self) -> Vec<TableDoc> {
        let table = |table, type_name, keys| TableDoc {
            table,
            type_name,
            keys,
        };
        let channels = self.channels.iter();
        let channels = channels.map(|of| table("channels", Some(of.name), (of.keys)()));
        let sinks = self.sinks.iter();
        let sinks = sinks.map(|of| table("sinks", Some(of.name), (of.keys)()));
        let mut tables = vec![
            table("haptik", None, Haptik::keys()),
            table("channels", None, keys_of_channels(self)),
        ];
        tables.extend(channels);
        tables.push(table("sinks", None, keys_of_sinks(self)));
        tables.extend(sinks);
        tables.push(table("delivery", None, Delivery::keys()));
        tables.push(table("outbound", None, Outbound::keys()));
        tables
    }
}

/// The keys of every connection.
fn keys_of_channels(registry: &Registry) -> Vec<KeyDoc> {
    let types = channel_types(registry);
    let of_type = KeyDoc::new("type", &["The channel."], &types, WhenMissing::Required);
    let mut keys = [vec![of_type], ConnectionKeys::keys(), Handoff::keys()].concat();
    for channel in registry.channels {
        with_defaults(&mut keys, channel.name, channel.defaults);
    }
    keys
}

/// The keys of every sink.
fn keys_of_sinks(registry: &Registry) -> Vec<KeyDoc> {
    let types = sink_types(registry);
    let of_type = KeyDoc::new(
        "type",
        &["The kind of sink."],
        &types,
        WhenMissing::Required,
    );
    let mut keys = [vec![of_type], SinkKeys::keys()].concat();
    for sink in registry.sinks {
        with_defaults(&mut keys, sink.name, sink.defaults);
    }
    keys
}

fn with_defaults(keys: &mut [KeyDoc], type_name: &'static str, defaults: Defaults) {
    for (of, value) in defaults {
        for key in keys.iter_mut().filter(|key| key.key == *of) {
            key.with_default_of(type_name, value);
        }
    }
}
