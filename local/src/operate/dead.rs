//! `haptik-bridge dead`.

use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ledger::Entry;

use super::{Common, Operated, auth_id, source, time_range, user_of};

/// Which of what was given up.
#[derive(Debug, clap::Args)]
pub(crate) struct Selection {
    /// Only what was given up since then: a time as 2026-11-23T10:00:00Z, or an age as 90m, 36h or 2d.
    #[arg(long, value_name = "WHEN", default_value = "7d")]
    since: String,
    /// Only what was given up until then.
    #[arg(long, value_name = "WHEN", default_value = "0m")]
    until: String,
    /// Only what came in there: `channels/acme-slack` or `haptik/main`; the name alone will do.
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Only this user's: an `auth_id`, or `CONNECTION/USER`.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Only these, by correlation id, by Haptik's `message.id` or by a key of the ledger; may be repeated.
    #[arg(long, value_name = "ID")]
    id: Vec<String>,
}

/// What to list.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    common: Common,
}

pub(crate) async fn run(
    arguments: Arguments,
    variable: fn(&str) -> Option<String>,
) -> anyhow::Result<()> {
    let operated = arguments.common.place.open(variable).await?;
    let dead = arguments.selection.find(&operated).await?;
    arguments.common.print(&dead)?;
    if !arguments.common.json {
        println!("{} given up", dead.len());
    }
    Ok(())
}

impl Selection {
    /// What was given up and is selected.
    pub(crate) async fn find(&self, operated: &Operated) -> anyhow::Result<Vec<Entry>> {
        let (since, until) = time_range(&self.since, &self.until)?;
        let mut dead = operated.ledger.dead(since, until).await?;
        dead.retain(|entry| self.selects(entry));
        Ok(dead)
    }

    fn selects(&self, entry: &Entry) -> bool {
        let connection = self.connection.as_ref().is_none_or(|name| {
            let source = source(entry);
            source == *name || source.split_once('/').is_some_and(|(_, last)| last == name)
        });
        let user = self
            .user
            .as_ref()
            .is_none_or(|user| user_of(&entry.lane) == Some(&auth_id(user)));
        let id = self.id.is_empty()
            || self.id.iter().any(|id| {
                let message_id = Event::message_id_of(&entry.key).map(|id| id.to_string());
                id == entry.correlation_id.as_str()
                    || id == entry.key.as_str()
                    || message_id.as_ref() == Some(id)
            });
        connection && user && id
    }
}
