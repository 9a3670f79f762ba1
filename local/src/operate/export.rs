//! `haptik-bridge export USER`.

use std::path::PathBuf;

use haptik_bridge_local::privacy::{Person, export};
use haptik_bridge_shared::config::Config;
use haptik_bridge_shared::ids::AuthId;

use super::{OperatedBridge, Target};
use crate::check;

/// Whose data.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The person: an `auth_id`; `CONNECTION/USER` with the channel's own id, as `acme-slack/U024BE7LH`; or that id
    /// alone, where it is one person's. All conversations of the same user at the same connection belong to it.
    user: String,
    /// The configuration of a bridge on this machine: with it, it is said how what lies elsewhere is removed there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    place: Target,
}

pub(crate) async fn run(
    arguments: Arguments,
    variable: fn(&str) -> Option<String>,
) -> anyhow::Result<()> {
    let operated = arguments.place.open(variable).await?;
    let config = operated.configuration(arguments.config.as_deref())?;
    let person = Person::named(&operated.ledger, &operated.users, &arguments.user).await?;
    let what = operated
        .hashed(person.auth_ids.iter().map(AuthId::as_str))
        .await?;
    operated
        .record(&arguments.place, "exported", &what, 1)
        .await?;
    let exported = export(&operated.ledger, config.as_ref(), &person).await?;
    println!("{}", serde_json::to_string_pretty(&exported)?);
    Ok(())
}

impl OperatedBridge {
    /// The configuration, where it is known: that of a deployed bridge, or of this file.
    pub(super) fn configuration(
        &self,
        file: Option<&std::path::Path>,
    ) -> anyhow::Result<Option<Config>> {
        match (self.bridge(), file) {
            (Some(bridge), _) => Ok(Some(bridge.config.clone())),
            (None, Some(file)) => check::read(file).map(Some),
            (None, None) => Ok(None),
        }
    }
}
