//! The long run of the chaos test, by hand:
//! `cargo run --profile load -p haptik-bridge-tests --bin chaos -- --users 500 --messages 20`.

#![expect(clippy::print_stdout, reason = "it is a command line")]

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use haptik_bridge_tests::chaos::{self, Load, Rates};

/// A load of many users under faults and kills, and a table of what came of it.
#[derive(Debug, Parser)]
struct Arguments {
    /// The seed of the load and of the faults.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many users write.
    #[arg(long, default_value_t = 100)]
    users: usize,
    /// How many of them at the same time: the next one begins when one has all answers.
    #[arg(long, default_value_t = 100)]
    at_once: usize,
    /// How many messages each of them writes.
    #[arg(long, default_value_t = 100)]
    messages: usize,
    /// How many replies the bot gives to each.
    #[arg(long, default_value_t = 2)]
    replies: usize,
    /// How likely a step fails, 0.0 to 1.0.
    #[arg(long, default_value_t = 0.02)]
    faults: f64,
    /// How likely the process is killed at a step, 0.0 to 1.0.
    #[arg(long, default_value_t = 0.000_5)]
    kills: f64,
    /// How likely Haptik delivers something twice or out of order, 0.0 to 1.0.
    #[arg(long, default_value_t = 0.05)]
    disorder: f64,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let report = chaos::run(Load {
        seed: arguments.seed,
        users: arguments.users,
        at_once: arguments.at_once,
        messages: arguments.messages,
        replies: arguments.replies,
        rates: Rates {
            fault: arguments.faults,
            kill: arguments.kills,
        },
        kill_at: None,
        disorder: arguments.disorder,
        patience: Duration::from_mins(10),
    })
    .await?;
    println!("{report}");
    Ok(if report.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
