//! The chaos test of a deployed bridge, for `tests/deployed`: prints the configuration to deploy as one
//! line of JSON, waits for a line `{"bridge": URL, "table": NAME}`, and then prints a table of what came of the
//! load. It fails when something was lost, reordered, or doubled where that can be told.

#![expect(clippy::print_stdout, reason = "it is a command line")]

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
use clap::Parser;
use haptik_bridge_shared::net::{self, aws};
use haptik_bridge_shared::table::Table;
use haptik_bridge_tests::chaos::deployed::Deployed;
use haptik_bridge_tests::chaos::{Load, Rates};
use serde::Deserialize;
use serde_json::json;

/// A load of many users under faults of Haptik, Slack and a sink.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where the emulator of AWS is, for reading the ledger.
    #[arg(long)]
    aws: String,
    /// The seed of the load and of the faults.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many users write.
    #[arg(long, default_value_t = 12)]
    users: usize,
    /// How many messages each of them writes.
    #[arg(long, default_value_t = 5)]
    messages: usize,
    /// How many replies the bot gives to each.
    #[arg(long, default_value_t = 2)]
    replies: usize,
    /// How likely a call fails, 0.0 to 1.0.
    #[arg(long, default_value_t = 0.05)]
    faults: f64,
    /// How likely Haptik delivers something twice or out of order, 0.0 to 1.0.
    #[arg(long, default_value_t = 0.1)]
    disorder: f64,
}

/// Where the bridge is.
#[derive(Debug, Deserialize)]
struct Stack {
    bridge: String,
    table: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let deployed = Deployed::start(Load {
        seed: arguments.seed,
        users: arguments.users,
        at_once: arguments.users,
        messages: arguments.messages,
        replies: arguments.replies,
        rates: Rates {
            fault: arguments.faults,
            kill: 0.0,
        },
        kill_at: None,
        disorder: arguments.disorder,
        patience: Duration::from_mins(4),
    })
    .await?;
    println!("{}", json!({"configuration": deployed.configuration()}));
    let line = io::stdin().lines().next().context("no stack was named")??;
    let stack: Stack = serde_json::from_str(&line)?;
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "emulator"))
        .endpoint_url(arguments.aws)
        .http_client(aws::http_client(net::client()?))
        .build();
    let table = Table::new(Client::from_conf(config), stack.table);
    let report = deployed.run(&stack.bridge, &table).await?;
    println!("{report}");
    Ok(if report.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
