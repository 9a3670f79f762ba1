//! The connections of a configuration: what a function builds of `[channels.…]`.

use std::collections::BTreeMap;

use haptik_bridge_shared::bridge::{Bridge, BridgeError};
use haptik_bridge_shared::config;
use haptik_bridge_shared::ids::{AuthIds, ConnectionId};
use haptik_bridge_shared::net::Fetcher;
use haptik_bridge_shared::offers::Offers;
use haptik_bridge_shared::table::Table;

use crate::channel::{BuildError, ChannelType, EdgeDeps, Outlet, OutletDeps};
use crate::erased::{AnyEdge, AnyOutlet, ErasedOutlet};
use crate::memory::Memory;
use crate::registry::{EDGES, OUTLETS};

/// The sides that receive, by connection.
#[derive(Debug)]
pub struct Edges(BTreeMap<ConnectionId, Box<dyn AnyEdge>>);

/// The sides that send, by connection.
#[derive(Debug)]
pub struct Outlets(BTreeMap<ConnectionId, Box<dyn AnyOutlet>>);

impl Edges {
    /// The edges of a bridge's connections. Nothing is called yet.
    ///
    /// # Errors
    /// When one cannot be built: the error names it.
    pub fn new(
        bridge: &Bridge,
        table: &Table,
        http: &reqwest::Client,
        memory: &Memory,
    ) -> Result<Self, BridgeError> {
        let fetcher = Fetcher::new(bridge.config.outbound.allow_private_networks)?;
        let deps = |id: &ConnectionId, channel: &config::Channel| EdgeDeps {
            connection: id.clone(),
            auth_ids: AuthIds::new(id.clone(), channel.auth_id),
            http: http.clone(),
            table: table.clone(),
            memory: memory.clone(),
            offers: Offers::new(bridge.ledger.clone()),
            agent_phrase: channel.handoff.agent_phrases.first().cloned(),
            forms: channel.forms,
            fetcher: fetcher.clone(),
        };
        let edges = each(bridge, EDGES, |id, channel, build| {
            build(channel, deps(id, channel))
        });
        Ok(Self(edges?))
    }

    /// The edge of a connection.
    #[must_use]
    pub fn get(&self, connection: &ConnectionId) -> Option<&dyn AnyEdge> {
        self.0.get(connection).map(AsRef::as_ref)
    }
}

impl Outlets {
    /// The outlets of a bridge's connections. Nothing is called yet.
    ///
    /// # Errors
    /// When one cannot be built: the error names it.
    pub fn new(
        bridge: &Bridge,
        table: &Table,
        http: &reqwest::Client,
        memory: &Memory,
    ) -> Result<Self, BridgeError> {
        let fetcher = Fetcher::new(bridge.config.outbound.allow_private_networks)?;
        let outlets = each(bridge, OUTLETS, |id, channel, build| {
            let deps = OutletDeps {
                connection: id.clone(),
                http: http.clone(),
                fetcher: fetcher.clone(),
                table: table.clone(),
                memory: memory.clone(),
                offers: Offers::new(bridge.ledger.clone()),
                forms: channel.forms,
            };
            build(channel, deps)
        });
        Ok(Self(outlets?))
    }

    /// With another outlet for a connection: for tests, and for who embeds the bridge.
    #[must_use]
    pub fn with<C: ChannelType>(
        mut self,
        connection: ConnectionId,
        outlet: Box<dyn Outlet<C>>,
    ) -> Self {
        self.0
            .insert(connection, Box::new(ErasedOutlet::<C>::new(outlet)));
        self
    }

    /// Whether one of them asks to hear what became of messages.
    #[must_use]
    pub fn want_receipts(&self) -> bool {
        self.0.values().any(|outlet| outlet.wants_receipts())
    }

    /// Whether one of them says later what became of messages.
    #[must_use]
    pub fn report_later(&self) -> bool {
        self.0.values().any(|outlet| outlet.reports_later())
    }

    /// The outlet of a connection.
    #[must_use]
    pub fn get(&self, connection: &ConnectionId) -> Option<&dyn AnyOutlet> {
        self.0.get(connection).map(AsRef::as_ref)
    }

    /// All of them, with their connections.
    pub fn iter(&self) -> impl Iterator<Item = (&ConnectionId, &dyn AnyOutlet)> {
        let outlets = self.0.iter();
        outlets.map(|(connection, outlet)| (connection, outlet.as_ref()))
    }
}

/// Builds one side of each connection with the entry of its type in a table.
fn each<B: Copy, T>(
    bridge: &Bridge,
    table: &[(&str, B)],
    build: impl Fn(&ConnectionId, &config::Channel, B) -> Result<T, BuildError>,
) -> Result<BTreeMap<ConnectionId, T>, BridgeError> {
    let channels = bridge.config.channels.iter();
    let sides = channels.map(|(name, channel)| {
        let id = ConnectionId::from(name.as_str());
        let entry = table.iter().find(|(name, _)| *name == channel.type_name);
        let unknown = || BuildError(format!("there is no channel {}", channel.type_name));
        let side = entry
            .ok_or_else(unknown)
            .and_then(|(_, entry)| build(&id, channel, *entry));
        match side {
            Ok(side) => Ok((id, side)),
            Err(error) => Err(BridgeError::Channel(id, error.to_string())),
        }
    });
    sides.collect()
}
