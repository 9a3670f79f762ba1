//! Everything that the functions depend on, built from one configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::activity::Activity;
use crate::breaker::CircuitBreakers;
use crate::config::{self, Config};
use crate::haptik::client::HaptikClient;
use crate::health::Health;
use crate::ids::{AccountId, AuthIdSource, ConnectionId};
use crate::ledger::Ledger;
use crate::net::{self, ClientError};
use crate::outage::Outages;
use crate::queue::Queue;
use crate::rate_limit::RateLimits;
use crate::table::Table;
use crate::users::UserMap;

/// A bridge: its configuration made into clients, and where its state is.
#[derive(Debug)]
pub struct Bridge {
    /// The configuration that it was built from.
    pub config: Config,
    /// The accounts at Haptik.
    pub haptik: BTreeMap<AccountId, HaptikClient>,
    /// The connections to channels.
    pub connections: BTreeMap<ConnectionId, Connection>,
    /// What holds for a whole sink.
    pub breakers: CircuitBreakers,
    /// What is to be done.
    pub ledger: Ledger,
    /// Who is where.
    pub users: UserMap,
    /// Whether the webhook of each account is well.
    pub health: Health,
    /// When the webhook did not work.
    pub outages: Outages,
    /// Who was active when.
    pub activity: Activity,
    /// How much connections and accounts may bring in.
    pub rates: RateLimits,
    /// The doorbell.
    pub queue: Arc<dyn Queue>,
}

/// A bridge could not be built from its configuration.
#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    /// The HTTP client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A channel, of this connection.
    #[error("channels.{0}: {1}")]
    Channel(ConnectionId, String),
}

/// One connection to a channel.
#[derive(Debug)]
pub struct Connection {
    /// The account at Haptik that it talks to.
    pub account: AccountId,
    /// The Haptik queue that it talks to.
    pub business_id: u64,
    /// What its users are called at Haptik.
    pub auth_id: AuthIdSource,
    /// How forms are filled in and sent.
    pub forms: config::Forms,
    /// How its users get to a human, and back.
    pub handoff: config::Handoff,
    /// How many requests it may bring in a second.
    pub rate_per_second: Option<u32>,
}

impl Bridge {
    /// Builds the clients. Nothing is called yet.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(config: Config, table: Table, queue: Arc<dyn Queue>) -> Result<Self, BridgeError> {
        Self::with_client(config, table, queue, &net::client()?)
    }

    /// Builds the clients, which send with `http` (see [`net::client`]). Nothing is called yet.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn with_client(
        config: Config,
        table: Table,
        queue: Arc<dyn Queue>,
        http: &reqwest::Client,
    ) -> Result<Self, BridgeError> {
        let haptik = config
            .haptik
            .iter()
            .map(|(name, account)| {
                let name = AccountId::from(name.as_str());
                let client = HaptikClient::new(account, http.clone()).named(&name);
                (name, client)
            })
            .collect();
        let connections = config
            .channels
            .iter()
            .map(|(name, channel)| {
                let connection = Connection {
                    account: channel.haptik.as_str().into(),
                    business_id: channel.business_id,
                    auth_id: channel.auth_id,
                    forms: channel.forms,
                    handoff: channel.handoff.clone(),
                    rate_per_second: channel.rate_per_second,
                };
                (ConnectionId::from(name.as_str()), connection)
            })
            .collect();
        Ok(Self {
            haptik,
            connections,
            breakers: CircuitBreakers::new(table.clone()),
            ledger: Ledger::new(table.clone(), config.delivery.entry_ttl),
            users: UserMap::new(table.clone()),
            health: Health::new(table.clone()),
            outages: Outages::new(table.clone()),
            rates: RateLimits::new(table.clone()),
            activity: Activity::new(table),
            queue,
            config,
        })
    }

    /// The connection called `name`, with its name as an id.
    #[must_use]
    pub fn connection(&self, name: &str) -> Option<(&ConnectionId, &Connection)> {
        self.connections.get_key_value(&ConnectionId::from(name))
    }

    /// The sinks that want this event, which is called `event_name`.
    pub fn sinks_for<'a>(
        &'a self,
        event_name: &'a str,
        event: &'a Value,
    ) -> impl Iterator<Item = &'a str> {
        let wants = move |(_, sink): &(&String, &config::Sink)| sink.wants_event(event_name, event);
        self.config
            .sinks
            .iter()
            .filter(wants)
            .map(|(name, _)| name.as_str())
    }
}
