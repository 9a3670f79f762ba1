//! Whose data are exported or removed, as the command line says it.

use std::path::PathBuf;

use haptik_bridge_local::privacy::Person;
use haptik_bridge_shared::config::Config;

use super::OperatedBridge;
use crate::check;

/// The person, and by which configuration it is said what lies elsewhere.
#[derive(Debug, clap::Args)]
pub(super) struct PersonArguments {
    /// The person: an `auth_id`; `CONNECTION/USER` with the channel's own id, as `acme-slack/U024BE7LH`; or that id
    /// alone, where it is one person's. All conversations of the same user at the same connection belong to it.
    pub(super) user: Option<String>,
    /// The configuration of a bridge on this machine: with it, it is said how what lies elsewhere is removed there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl PersonArguments {
    /// The person.
    pub(super) async fn person(&self, operated: &OperatedBridge) -> anyhow::Result<Person> {
        let name = self.user.as_deref().unwrap_or_default();
        Person::named(&operated.ledger, &operated.users, name).await
    }

    /// The configuration, where it is known: that of a deployed bridge, or of the file.
    pub(super) fn configuration(
        &self,
        operated: &OperatedBridge,
    ) -> anyhow::Result<Option<Config>> {
        match (operated.bridge(), &self.config) {
            (Some(bridge), _) => Ok(Some(bridge.config.clone())),
            (None, Some(file)) => check::read(file).map(Some),
            (None, None) => Ok(None),
        }
    }
}
