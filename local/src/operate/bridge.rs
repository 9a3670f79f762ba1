//! A bridge that is operated, and what there is in it by name.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::bail;
use haptik_bridge_inbound::Inbound;
use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_local::privacy::auth_ids;
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::Ledger;
use haptik_bridge_shared::outage::Outages;
use haptik_bridge_shared::table::TableError;
use haptik_bridge_shared::users::UserMap;

/// A bridge that is operated.
pub(crate) struct OperatedBridge {
    pub(crate) ledger: Ledger,
    pub(crate) users: UserMap,
    pub(crate) outages: Outages,
    /// What is needed to ring, and to know the sinks; a bridge on this machine that runs in another process rings
    /// by itself.
    pub(super) inbound: Option<Arc<Inbound>>,
    pub(super) database: Option<EmbeddedDynamoDb>,
    /// The data directory of one on this machine that runs in another process, or not at all.
    pub(super) data_dir: Option<PathBuf>,
}

impl OperatedBridge {
    /// A bridge that runs in this process.
    pub(crate) fn of(inbound: Arc<Inbound>) -> Self {
        let bridge = inbound.bridge();
        Self {
            ledger: bridge.ledger.clone(),
            users: bridge.users.clone(),
            outages: bridge.outages.clone(),
            inbound: Some(inbound),
            database: None,
            data_dir: None,
        }
    }

    /// The same, whose files are in this directory.
    pub(crate) fn at(self, directory: &str) -> Self {
        let data_dir = Some(PathBuf::from(directory));
        Self { data_dir, ..self }
    }

    /// What reads requests, where it is known.
    pub(crate) fn inbound(&self) -> Option<Arc<Inbound>> {
        self.inbound.clone()
    }

    /// The bridge, where it is a deployed one or in this process.
    pub(super) fn bridge(&self) -> Option<&Bridge> {
        self.inbound
            .as_ref()
            .map(|inbound| inbound.bridge().as_ref())
    }

    /// The users whom a text names: an `auth_id`, `CONNECTION/USER`, `CONNECTION/USER/THREAD`; or the
    /// channel's own id alone, a correlation id, an id of a message of theirs, for which the whole table is
    /// read.
    pub(super) async fn users_named(&self, text: &str) -> anyhow::Result<BTreeSet<AuthId>> {
        for named in auth_ids(text) {
            let mut is_known = self.users.get(&named).await?.is_some();
            for lane in [Lane::Channel(named.clone()), Lane::Haptik(named.clone())] {
                is_known = is_known || !self.ledger.entries(&lane).await?.is_empty();
            }
            if is_known {
                return Ok(BTreeSet::from([named]));
            }
        }
        let mut users = self.users_in_indexes(text).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the whole table is read");
            BTreeSet::new()
        });
        if users.is_empty() {
            // What an earlier version has written is in no index, and its table has none.
            users = self.ledger.users_with(text).await?;
        }
        if users.is_empty() {
            bail!(
                "nothing is known of {text:?}: neither as an auth_id, CONNECTION/USER or a channel's id of \
                 a user, nor as a correlation id or the id of a message"
            );
        }
        Ok(users)
    }

    /// Those of them whom an index has.
    async fn users_in_indexes(&self, text: &str) -> Result<BTreeSet<AuthId>, TableError> {
        let mut users: BTreeSet<AuthId> = self.users.called(text).await?.into_iter().collect();
        let places = self.ledger.places_of(text).await?;
        users.extend(
            places
                .into_iter()
                .filter_map(|(lane, _)| lane.user().cloned()),
        );
        Ok(users)
    }

    /// That a name of the command line is one that there is: `what` says of what kind, `known` has those of
    /// the configuration, or of the ledger where there is no configuration.
    pub(super) fn named(
        &self,
        what: &str,
        name: &str,
        known: &BTreeSet<String>,
    ) -> anyhow::Result<()> {
        // The ledger of a bridge on this machine may have nothing of what is configured yet.
        let is_unknown = known.is_empty() && self.bridge().is_none();
        if known.contains(name) || is_unknown {
            return Ok(());
        }
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        match known.as_slice() {
            [] => bail!("there is no {what} {name:?}; there is none at all"),
            known => bail!(
                "there is no {what} {name:?}; there are: {}",
                known.join(", ")
            ),
        }
    }

    /// The sinks that there are.
    pub(super) async fn sinks(&self) -> anyhow::Result<BTreeSet<String>> {
        if let Some(bridge) = self.bridge() {
            return Ok(bridge.config.sinks.keys().cloned().collect());
        }
        Ok(self.ledger.names().await?.sinks)
    }

    /// The connections and accounts that there are: of the configuration, or those that the ledger knows.
    pub(super) async fn connections(&self) -> anyhow::Result<BTreeSet<String>> {
        let accounts = self.accounts().await?;
        let connections: BTreeSet<String> = match self.bridge() {
            Some(bridge) => bridge.config.channels.keys().cloned().collect(),
            None => self.ledger.names().await?.connections,
        };
        let names = |kind: &'static str, names: BTreeSet<String>| {
            let names = names.into_iter();
            names.flat_map(move |name| [format!("{kind}/{name}"), name])
        };
        let connections = names("channels", connections);
        Ok(connections.chain(names("haptik", accounts)).collect())
    }

    /// The accounts at Haptik that there are: of the configuration, or those that the ledger knows.
    pub(super) async fn accounts(&self) -> anyhow::Result<BTreeSet<String>> {
        if let Some(bridge) = self.bridge() {
            return Ok(bridge
                .config
                .haptik
                .keys()
                .map(ToString::to_string)
                .collect());
        }
        Ok(self.ledger.names().await?.accounts)
    }

    /// The lanes of users: both directions, and those towards sinks. Of a deployed bridge they are the sinks
    /// that are configured, since its table is large.
    pub(super) async fn lanes_of(
        &self,
        users: &BTreeSet<AuthId>,
    ) -> anyhow::Result<BTreeSet<Lane>> {
        let Some(bridge) = self.bridge() else {
            let mut lanes = self.ledger.lanes().await?;
            lanes.retain(|lane| lane.user().is_some_and(|user| users.contains(user)));
            return Ok(lanes);
        };
        let mut lanes = BTreeSet::new();
        for user in users {
            lanes.extend([Lane::Haptik, Lane::Channel, Lane::Task].map(|lane| lane(user.clone())));
            lanes.extend(bridge.config.sinks.keys().map(|sink| Lane::Sink {
                sink: sink.clone(),
                auth_id: user.clone(),
            }));
        }
        Ok(lanes)
    }
}
