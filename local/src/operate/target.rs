//! Which bridge is meant: one on this machine by its data directory, or a deployed one by its stack or by the
//! environment.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use aws_config::SdkConfig;
use haptik_bridge_channels::memory::Memory;
use haptik_bridge_inbound::Inbound;
use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_local::registry;
use haptik_bridge_shared::config::Config;
use haptik_bridge_shared::environment::Environment;
use haptik_bridge_shared::ledger::Ledger;
use haptik_bridge_shared::outage::Outages;
use haptik_bridge_shared::users::UserMap;

use super::bridge::OperatedBridge;
use crate::{stack, who};

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
    #[arg(long, value_name = "DIR", conflicts_with = "stack")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    deployed: stack::Deployed,
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.stack(), &self.data_dir) {
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
        self.deployed.stack.as_deref()
    }

    /// What AWS clients are made of, where the bridge is a deployed one.
    pub(crate) async fn sdk(&self) -> anyhow::Result<Option<SdkConfig>> {
        let by_environment = self.data_dir.is_none() && crate::variable("TABLE_NAME").is_some();
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
        let found = match self.stack() {
            Some(stack) => self.deployed.environment(stack).await?,
            None => HashMap::new(),
        };
        let variable = |name: &str| found.get(name).cloned().or_else(|| variable(name));
        if self.data_dir.is_none() && variable("TABLE_NAME").is_some() {
            return open_deployed(variable).await;
        }
        let directory = self.data_dir.clone();
        open_here(directory.unwrap_or_else(|| PathBuf::from(DATA_DIR))).await
    }
}

/// The deployed bridge of the functions' environment.
async fn open_deployed(
    variable: impl Fn(&str) -> Option<String>,
) -> anyhow::Result<OperatedBridge> {
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
    Ok(OperatedBridge::of(live.current().await?))
}

/// The bridge on this machine that has its ledger in this directory.
async fn open_here(directory: PathBuf) -> anyhow::Result<OperatedBridge> {
    let in_directory = directory.join(LEDGER_FILE);
    // That of `serve --data-dir`, which keeps the demo's in a folder of its own.
    let of_demo = directory.join("demo").join(LEDGER_FILE);
    // Where it may not be looked at, it may well be there.
    let is_there = |file: &Path| {
        let there = file.try_exists();
        there.with_context(|| format!("cannot look into {}", directory.display()))
    };
    let file = if is_there(&in_directory)? || !is_there(&of_demo)? {
        in_directory
    } else {
        eprintln!(
            "haptik-bridge: this is the demo's, in {}",
            of_demo.display()
        );
        of_demo
    };
    if !is_there(&file)? {
        bail!(
            "there is no ledger in {}: name the bridge's directory with --data-dir, or a deployed bridge with \
             --stack NAME",
            directory.display()
        );
    }
    let database = EmbeddedDynamoDb::start(Some(&file)).await?;
    // The demo's has a lock of its own.
    let data_dir = file.parent().map(Path::to_owned);
    Ok(OperatedBridge {
        ledger: Ledger::new(database.table.clone(), ENTRY_TTL),
        users: UserMap::new(database.table.clone()),
        outages: Outages::new(database.table.clone()),
        inbound: None,
        database: Some(database),
        data_dir,
    })
}
