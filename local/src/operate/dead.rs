//! `haptik-bridge dead`.

use std::collections::{BTreeSet, HashMap};
use std::process::ExitCode;

use anyhow::bail;
use haptik_bridge_local::fill::Wanted;
use haptik_bridge_shared::ids::{AuthId, ConnectionId};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::Entry;

use super::{Common, OperatedBridge, source, time_range};

/// Which of what was given up.
#[derive(Debug, clap::Args)]
pub(crate) struct Selection {
    /// Only what was given up since then: a time as 2026-11-23T10:00:00Z, or an age as 90m, 36h or 2d.
    #[arg(long, value_name = "WHEN", default_value = "7d")]
    since: String,
    /// Only what was given up until then.
    #[arg(long, value_name = "WHEN", default_value = "0m")]
    until: String,
    /// Only what came in by this connection or was to be shown there, as `acme-slack`; or what came from
    /// this account at Haptik, as `haptik/main` or `main`.
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Only deliveries to this sink.
    #[arg(long, value_name = "NAME")]
    sink: Option<String>,
    /// Only this user's: an `auth_id`, `CONNECTION/USER`, or what else `timeline` takes.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Only these, by correlation id, by Haptik's `message.id`, Slack's `ts` or an application's id of the
    /// message, or by a key of the ledger; may be repeated.
    #[arg(long, value_name = "ID")]
    id: Vec<String>,
}

/// What to list.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// End with the status 3 where something is listed: for scripts and probes.
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    common: Common,
}

/// What records call all that is listed.
pub(super) const GIVEN_UP: &str = "what was given up";

/// The status that says that something was given up; 1 is a failure, 2 a mistake in the command line.
const SOME_DEAD: u8 = 3;

pub(crate) async fn run(
    arguments: Arguments,
    variable: fn(&str) -> Option<String>,
) -> anyhow::Result<ExitCode> {
    let operated = arguments.common.place.open(variable).await?;
    let DeadLetters { entries, others } = arguments.selection.find(&operated).await?;
    let common = &arguments.common;
    common.print(&operated, &entries, GIVEN_UP).await?;
    if !arguments.common.json {
        println!("{} given up{}", entries.len(), and_others(others));
    }
    let are_some = arguments.exit_code && !entries.is_empty();
    Ok(ExitCode::from(if are_some { SOME_DEAD } else { 0 }))
}

/// What was found.
pub(crate) struct DeadLetters {
    pub(crate) entries: Vec<Entry>,
    /// How many more were given up in that time.
    pub(crate) others: usize,
}

/// That something is not selected, if so: a name that was mistyped selects nothing.
pub(crate) fn and_others(others: usize) -> String {
    match others {
        0 => String::new(),
        others => format!(", and {others} that are not selected"),
    }
}

impl Selection {
    /// Whether single messages are selected, by their ids.
    pub(crate) fn is_by_id(&self) -> bool {
        !self.id.is_empty()
    }

    /// Whether the events of one user are selected.
    pub(crate) fn is_of_user(&self) -> bool {
        self.user.is_some()
    }

    /// What a sink is to be given, of all that was received in that time.
    pub(crate) async fn of_sink(&self, operated: &OperatedBridge) -> anyhow::Result<Wanted> {
        let (since, until) = time_range(&self.since, &self.until)?;
        let users = match &self.user {
            Some(user) => operated.users_named(user).await?,
            None => BTreeSet::new(),
        };
        Ok(Wanted {
            sink: self.sink.clone().unwrap_or_default(),
            since,
            until,
            users,
        })
    }

    /// What was given up and is selected.
    pub(crate) async fn find(&self, operated: &OperatedBridge) -> anyhow::Result<DeadLetters> {
        let (since, until) = time_range(&self.since, &self.until)?;
        if let Some(sink) = &self.sink {
            operated.named("sink", sink, &operated.sinks().await?)?;
        }
        let users = match &self.user {
            Some(user) => Some(operated.users_named(user).await?),
            None => None,
        };
        let dead = operated.ledger.dead(since, until).await?;
        if let Some(name) = &self.connection {
            let mut known = operated.connections().await?;
            // Where something came in is one, whatever else the ledger has of it.
            for source in dead.iter().map(source) {
                known.extend(source.split_once('/').map(|(_, last)| last.to_owned()));
                known.insert(source);
            }
            known.remove("");
            operated.named("connection or account", name, &known)?;
        }
        let all = dead.len();
        let mut entries = Vec::new();
        let mut connections = Connections {
            operated,
            known: HashMap::new(),
        };
        for entry in dead {
            let is_of_user = users.as_ref().is_none_or(|users| {
                let user = entry.lane.user();
                user.is_some_and(|user| users.contains(user))
            });
            if is_of_user
                && self.has_id(&entry)
                && self.is_to_sink(&entry)
                && self.has_connection(&entry, &mut connections).await?
            {
                entries.push(entry);
            }
        }
        for id in &self.id {
            let has_it = |entry: &Entry| is_called(entry, id);
            if !entries.iter().any(has_it) {
                bail!("nothing that was given up in that time, and is selected, has the id {id:?}");
            }
        }
        let others = all - entries.len();
        Ok(DeadLetters { entries, others })
    }

    fn has_id(&self, entry: &Entry) -> bool {
        self.id.is_empty() || self.id.iter().any(|id| is_called(entry, id))
    }

    fn is_to_sink(&self, entry: &Entry) -> bool {
        let to = match &entry.lane {
            Lane::Sink { sink, .. } => Some(sink),
            _ => None,
        };
        self.sink.is_none() || self.sink.as_ref() == to
    }

    /// Whether an entry came in there, or was to be shown there.
    async fn has_connection(
        &self,
        entry: &Entry,
        connections: &mut Connections<'_>,
    ) -> anyhow::Result<bool> {
        let Some(name) = &self.connection else {
            return Ok(true);
        };
        let source = source(entry);
        let last = source.split_once('/').map(|(_, last)| last);
        if source == *name || last == Some(name) {
            return Ok(true);
        }
        let shown_to = entry.lane.user();
        let Some(user) = shown_to.filter(|_| entry.lane.direction() == "to_channel") else {
            return Ok(false);
        };
        let connection = connections.of(user).await?;
        let name = name.strip_prefix("channels/").unwrap_or(name);
        Ok(connection.is_some_and(|connection| connection.as_str() == name))
    }
}

/// Whether an entry has this id: a correlation id, a provider's or an application's, or a key.
fn is_called(entry: &Entry, id: &str) -> bool {
    id == entry.correlation_id.as_str() || entry.key.matches_provider_id(id)
}

/// By which connections users came; each is looked up once.
struct Connections<'a> {
    operated: &'a OperatedBridge,
    known: HashMap<AuthId, Option<ConnectionId>>,
}

impl Connections<'_> {
    async fn of(&mut self, user: &AuthId) -> anyhow::Result<Option<ConnectionId>> {
        if let Some(connection) = self.known.get(user) {
            return Ok(connection.clone());
        }
        let connection = self.operated.users.get(user).await?;
        let connection = connection.map(|user| user.connection);
        self.known.insert(user.clone(), connection.clone());
        Ok(connection)
    }
}
