//! Operating a bridge from the command line: on this machine by its data directory, or deployed by the name
//! of its stack, or by the environment of its functions (`CONFIG_SECRET_ARN`, `TABLE_NAME`, `QUEUE_URL`,
//! `SINK_QUEUE_URL` and AWS credentials).
//!
//! [`timeline`], [`dead`], [`replay`] and [`outages`] print what the ledger has; bodies only when asked for. [`export`]
//! and [`forget`] are about a person, [`audit`] about who did what.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use aws_config::SdkConfig;
use haptik_bridge_channels::memory::Memory;
use haptik_bridge_inbound::Inbound;
use haptik_bridge_local::database::EmbeddedDynamoDb;
pub(crate) use haptik_bridge_local::privacy::auth_ids;
use haptik_bridge_local::registry;
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::config::Config;
use haptik_bridge_shared::environment::Environment;
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, Ledger, Payload};
use haptik_bridge_shared::outage::Outages;
use haptik_bridge_shared::retry::Detail;
use haptik_bridge_shared::table::TableError;
use haptik_bridge_shared::users::UserMap;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use self::clock::ClockArguments;
use crate::{stack, who};

pub(crate) mod audit;
mod clock;
pub(crate) mod dead;
pub(crate) mod export;
pub(crate) mod forget;
pub(crate) mod outages;
mod person;
pub(crate) mod replay;
mod rows;
pub(crate) mod timeline;

/// The variables that name a data directory and a stack.
const DATA_DIR_VARIABLE: &str = "HAPTIK_BRIDGE_DATA_DIR";

/// The file of the ledger of a bridge on this machine.
const LEDGER_FILE: &str = "dynamodb.sqlite";

/// The data directory of a bridge on this machine, unless another is named.
const DATA_DIR: &str = ".haptik-bridge";

/// How long entries of a local ledger are kept that are taken up again.
const ENTRY_TTL: Duration = Duration::from_hours(7 * 24);

/// Which bridge.
#[derive(Debug, clap::Args)]
pub(crate) struct Target {
    /// The data directory of a bridge on this machine; without it, and with `TABLE_NAME` in the
    /// environment, a deployed one [default: .haptik-bridge]
    #[arg(long, value_name = "DIR", env = DATA_DIR_VARIABLE)]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    deployed: stack::Deployed,
}

/// Which bridge, and how to print its entries.
#[derive(Debug, clap::Args)]
pub(crate) struct Common {
    #[command(flatten)]
    place: Target,
    /// Print JSON: an array of entries.
    #[arg(long)]
    json: bool,
    /// Print what was said, too.
    #[arg(long)]
    bodies: bool,
    #[command(flatten)]
    clock: ClockArguments,
}

/// A bridge that is operated.
pub(crate) struct OperatedBridge {
    pub(crate) ledger: Ledger,
    pub(crate) users: UserMap,
    pub(crate) outages: Outages,
    /// What is needed to ring, and to know the sinks; a bridge on this machine that runs in another process rings
    /// by itself.
    inbound: Option<Arc<Inbound>>,
    database: Option<EmbeddedDynamoDb>,
    /// The data directory of one on this machine that runs in another process, or not at all.
    data_dir: Option<PathBuf>,
}

/// Whether a variable has this value.
fn is_of(variable: &str, value: &str) -> bool {
    crate::variable(variable).as_deref() == Some(value)
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.stack(), self.data_dir()) {
            (Some(stack), _) => write!(formatter, "the stack {stack}"),
            (None, Some(directory)) => write!(formatter, "{}", directory.display()),
            (None, None) => match crate::variable("TABLE_NAME") {
                Some(table) => write!(formatter, "the table {table}"),
                None => formatter.write_str(DATA_DIR),
            },
        }
    }
}

impl Target {
    /// The stack, where it is one by its name.
    pub(crate) fn stack(&self) -> Option<&str> {
        let stack = self.deployed.stack.as_deref()?;
        // What the command line says goes before the environment.
        let is_other = self.names_directory() && is_of(stack::VARIABLE, stack);
        (!is_other).then_some(stack)
    }

    /// The data directory, where one is named and is meant.
    fn data_dir(&self) -> Option<&PathBuf> {
        self.data_dir.as_ref().filter(|_| self.stack().is_none())
    }

    /// Whether the command line names a data directory.
    fn names_directory(&self) -> bool {
        let named = self.data_dir.as_ref();
        named.is_some_and(|named| {
            !named
                .to_str()
                .is_some_and(|dir| is_of(DATA_DIR_VARIABLE, dir))
        })
    }

    /// What AWS clients are made of, where the bridge is a deployed one.
    pub(crate) async fn sdk(&self) -> anyhow::Result<Option<SdkConfig>> {
        let by_environment = self.data_dir().is_none() && crate::variable("TABLE_NAME").is_some();
        if self.stack().is_none() && !by_environment {
            return Ok(None);
        }
        self.deployed.sdk().await.map(Some)
    }

    /// Who operates it: the caller in AWS, or the user of this machine.
    pub(crate) async fn who(&self) -> anyhow::Result<String> {
        match self.sdk().await? {
            Some(sdk) => who::caller(&sdk).await,
            None => Ok(who::on_this_machine()),
        }
    }

    pub(crate) async fn open(
        &self,
        variable: fn(&str) -> Option<String>,
    ) -> anyhow::Result<OperatedBridge> {
        if self.names_directory() && self.stack().is_some() {
            bail!(
                "--data-dir names a bridge on this machine, --stack a deployed one: name one of them"
            );
        }
        let found = match self.stack() {
            Some(stack) => self.deployed.environment(stack).await?,
            None => HashMap::new(),
        };
        let variable = |name: &str| found.get(name).cloned().or_else(|| variable(name));
        if self.data_dir().is_none() && variable("TABLE_NAME").is_some() {
            let bridge = {
                let environment = Environment::read(variable).context(
                    "TABLE_NAME is in the environment, so a deployed bridge is meant: name it by --stack NAME instead, \
                     or one on this machine by --data-dir DIR",
                )?;
                let parse = |text: &str| Config::parse_without_templates(text, &registry::all());
                let (live, _) = environment.reloading(parse, |bridge, parts| {
                    let (table, http) = (&parts.table, &parts.http);
                    Ok(Inbound::new(
                        Arc::new(bridge),
                        table,
                        http,
                        &Memory::default(),
                    )?)
                })?;
                live.current().await?
            };
            return Ok(OperatedBridge::of(bridge));
        }
        let directory = self.data_dir().cloned();
        let directory = directory.unwrap_or_else(|| PathBuf::from(DATA_DIR));
        let in_directory = directory.join(LEDGER_FILE);
        // That of `serve --data-dir`, which keeps the demo's in a folder of its own.
        let of_demo = directory.join("demo").join(LEDGER_FILE);
        let file = if in_directory.exists() || !of_demo.exists() {
            in_directory
        } else {
            eprintln!(
                "haptik-bridge: this is the demo's, in {}",
                of_demo.display()
            );
            of_demo
        };
        if !file.exists() {
            bail!(
                "there is no ledger in {}: name the bridge's directory with --data-dir, or a deployed bridge with \
                 --stack NAME",
                directory.display()
            );
        }
        let database = EmbeddedDynamoDb::start(Some(&file)).await?;
        Ok(OperatedBridge {
            ledger: Ledger::new(database.table.clone(), ENTRY_TTL),
            users: UserMap::new(database.table.clone()),
            outages: Outages::new(database.table.clone()),
            inbound: None,
            database: Some(database),
            data_dir: Some(directory),
        })
    }
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
    fn bridge(&self) -> Option<&Bridge> {
        self.inbound
            .as_ref()
            .map(|inbound| inbound.bridge().as_ref())
    }

    /// The users whom a text names: an `auth_id`, `CONNECTION/USER`, `CONNECTION/USER/THREAD`; or the
    /// channel's own id alone, a correlation id, an id of a message of theirs, for which the whole table is
    /// read.
    async fn users_named(&self, text: &str) -> anyhow::Result<BTreeSet<AuthId>> {
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
    fn named(&self, what: &str, name: &str, known: &BTreeSet<String>) -> anyhow::Result<()> {
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
    async fn sinks(&self) -> anyhow::Result<BTreeSet<String>> {
        if let Some(bridge) = self.bridge() {
            return Ok(bridge.config.sinks.keys().cloned().collect());
        }
        Ok(self.ledger.names().await?.sinks)
    }

    /// The connections and accounts that there are: of the configuration, or those that the ledger knows.
    async fn connections(&self) -> anyhow::Result<BTreeSet<String>> {
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
    async fn accounts(&self) -> anyhow::Result<BTreeSet<String>> {
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
    async fn lanes_of(&self, users: &BTreeSet<AuthId>) -> anyhow::Result<BTreeSet<Lane>> {
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

impl Common {
    /// Prints entries: a row each, or JSON.
    fn print(&self, entries: &[Entry]) -> anyhow::Result<()> {
        if self.json {
            let entries: Vec<Value> = entries
                .iter()
                .map(|entry| as_json(entry, self.bodies))
                .collect();
            println!("{}", serde_json::to_string_pretty(&entries)?);
            return Ok(());
        }
        print!(
            "{}",
            rows::table(entries, self.bodies, &self.clock.clock())?
        );
        Ok(())
    }
}

pub(crate) fn as_json(entry: &Entry, bodies: bool) -> Value {
    let mut value = json!({
        "lane": entry.lane,
        "key": entry.key,
        "direction": entry.lane.direction(),
        "state": entry.state,
        "correlation_id": entry.correlation_id,
        "source": source(entry),
        "at": entry.at,
        "received_at": entry.received_at,
        "ended_at": entry.ended_at,
        "revived_at": entry.revived_at,
        "attempts": entry.attempts,
        "crashes": crashes(entry),
        "overruns": entry.overruns,
        "parts_done": entry.parts_done,
        "message_ids": entry.message_ids,
        "reason": entry.reason,
    });
    if let (true, Some(fields)) = (bodies, value.as_object_mut()) {
        fields.insert("payload".to_owned(), entry.payload.shown());
        fields.insert(
            "detail".to_owned(),
            json!(entry.detail.as_ref().map(Detail::as_str)),
        );
    }
    value
}

/// How many tries in a row were begun and never ended. Of a pending entry, one of them may be under way.
fn crashes(entry: &Entry) -> u32 {
    // What was begun last has ended with the entry.
    let ended = u32::from(entry.ended_at.is_some());
    entry.starts.saturating_sub(ended)
}

/// Where an entry came in: `channels/acme-slack` or `haptik/main`.
fn source(entry: &Entry) -> String {
    match (&entry.payload, &entry.lane) {
        (Payload::Inbound { connection, .. } | Payload::Task { connection, .. }, _) => {
            format!("channels/{connection}")
        }
        (Payload::Webhook { account, .. }, _) => format!("haptik/{account}"),
        (Payload::NotUnderstood { .. }, Lane::NotUnderstood { edge }) => edge.clone(),
        (
            Payload::NotUnderstood { .. }
            | Payload::HandoffEnded { .. }
            | Payload::MessageReturned { .. }
            | Payload::Receipt { .. }
            | Payload::NotRead,
            _,
        ) => String::new(),
    }
}

/// A time from `--since` until `--until`.
fn time_range(since: &str, until: &str) -> anyhow::Result<(Timestamp, Timestamp)> {
    let (from, to) = (moment(since)?, moment(until)?);
    if from > to {
        bail!("--since {since} is later than --until {until}: nothing lies between them");
    }
    Ok((from, to))
}

/// A length of time, as 90s, 10m or 2h.
fn duration(text: &str) -> Result<Duration, String> {
    let parts = text.split_at_checked(text.len().saturating_sub(1));
    let seconds = parts.and_then(|(count, unit)| {
        let unit = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            _ => return None,
        };
        count.parse::<u64>().ok()?.checked_mul(unit)
    });
    let seconds = seconds.ok_or("it is no time; allowed: a number with s, m or h, as 10m")?;
    Ok(Duration::from_secs(seconds))
}

/// Asks whether to do this; an error is a no, and says that it is not done. `nobody` is said where nobody can be asked.
fn ask_for(what: &str, nobody: &str, not_done: &str) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("{nobody}");
    }
    print!("{what}? [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => bail!("{not_done}"),
    }
}

/// A time, as `2026-11-23T10:00:00Z` or as an age: `90m`, `36h`, `2d`.
pub(crate) fn moment(text: &str) -> anyhow::Result<Timestamp> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let age = text.split_at_checked(text.len().saturating_sub(1));
    let seconds = age.and_then(|(count, unit)| {
        let unit = match unit {
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return None,
        };
        count.parse::<i64>().ok()?.checked_mul(unit)
    });
    let seconds = seconds.filter(|seconds| *seconds >= 0);
    let seconds = seconds.with_context(|| {
        format!(
            "{text:?} is no time: expected one as 2026-11-23T10:00:00Z, or an age as 90m, 36h or 2d"
        )
    })?;
    Ok(Timestamp::now().checked_sub(SignedDuration::from_secs(seconds))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_time_or_an_age() {
        assert_eq!(
            moment("2026-11-23T10:00:00Z").expect("a time").as_second(),
            1_795_428_000
        );
        let age = Timestamp::now().duration_since(moment("36h").expect("an age"));
        assert_eq!((age + SignedDuration::from_secs(30)).as_hours(), 36);
        for odd in ["", "h", "x", "-1h", "1ü", "9999999999999d", "tomorrow"] {
            assert!(moment(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn a_time_range_that_ends_before_it_begins_is_an_error() {
        assert!(time_range("2h", "1h").is_ok());
        let error = time_range("1h", "2h").expect_err("the wrong way round");
        assert!(error.to_string().contains("--since 1h is later"), "{error}");
    }
}
