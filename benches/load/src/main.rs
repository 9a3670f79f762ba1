//! `load run` measures a bridge, or two in turns; `load chart` draws what came of it. `benches/load/run` builds both and
//! calls it.

#![expect(clippy::print_stdout, reason = "it is a command line")]

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use haptik_bridge_load::{
    Beside, Load, Report, chart, comparison, in_words, ledger, measure, table,
};

/// Many users both ways through a bridge on one machine, and what that takes.
#[derive(Debug, Parser)]
#[command(name = "load")]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure.
    Run(Box<Arguments>),
    /// Measure a connection with a message a second beside one that brings many.
    Beside(BesideArguments),
    /// Measure the ledger alone, on the embedded database: the least that a message takes on one machine.
    Ledger {
        /// How many users have messages at the same time.
        #[arg(long, default_value_t = 100)]
        users: u64,
        /// How many messages they have, all together.
        #[arg(long, default_value_t = 20_000)]
        count: u64,
    },
    /// Draw what `run --json` wrote into these files, as SVG: a bar for each.
    Chart {
        /// What a bar is called, and its file: `NAME=FILE`.
        #[arg(required = true)]
        bars: Vec<String>,
    },
}

/// What is measured.
#[derive(Debug, clap::Args)]
struct Arguments {
    /// The program.
    #[arg(long, default_value = "target/release/haptik-bridge")]
    bridge: PathBuf,
    /// Another build of it, measured in turns with the first.
    #[arg(long)]
    against: Option<PathBuf>,
    /// How often each is measured.
    #[arg(long, default_value_t = 1)]
    rounds: usize,
    /// How many users write at the same time.
    #[arg(long, default_value_t = 500)]
    users: usize,
    /// How many messages the users write, all together.
    #[arg(long, conflicts_with = "seconds")]
    count: Option<u64>,
    /// For how many seconds they write; 30 where no count is given.
    #[arg(long)]
    seconds: Option<u64>,
    /// How many messages a user writes one after the other before it waits for the answers.
    #[arg(long, default_value_t = 1)]
    burst: u32,
    /// How many milliseconds a user waits between an answer and the next message.
    #[arg(long, default_value_t = 0)]
    pause_ms: u64,
    /// The bridge's `reorder_window_ms`.
    #[arg(long)]
    reorder_window_ms: Option<u64>,
    /// How many delivered entries are in the ledger before.
    #[arg(long, default_value_t = 0)]
    history: u64,
    /// How many seconds an answer may take before it counts as lost.
    #[arg(long, default_value_t = 60)]
    patience: u64,
    /// Print JSON: a list of runs.
    #[arg(long)]
    json: bool,
}

/// How busy the one is.
#[derive(Debug, clap::Args)]
struct BesideArguments {
    /// The program.
    #[arg(long, default_value = "target/release/haptik-bridge")]
    bridge: PathBuf,
    /// How many users write by the busy connection.
    #[arg(long, default_value_t = 500)]
    users: usize,
    /// How many messages they write in a second, whether or not they are answered.
    #[arg(long, default_value_t = 500)]
    per_second: u32,
    /// How many they write at most.
    #[arg(long)]
    count: Option<u32>,
    /// The busy connection's `rate_per_second`.
    #[arg(long)]
    rate: Option<u32>,
    /// For how many seconds the other user writes.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// How many seconds an answer may take before it counts as lost.
    #[arg(long, default_value_t = 60)]
    patience: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    match CommandLine::parse().command {
        Command::Run(arguments) => run(&arguments).await,
        Command::Beside(arguments) => beside(&arguments).await,
        Command::Ledger { users, count } => {
            let directory = tempfile::tempdir()?;
            let report = ledger(directory.path(), users, count).await?;
            println!(
                "{} messages of {users} users: {:.0} a second, {:.2} ms of a processor for each, {:.2} ms of them in the kernel",
                report.messages,
                report.messages_per_second(),
                report.processor_ms,
                report.kernel_ms
            );
            Ok(ExitCode::SUCCESS)
        }
        Command::Chart { bars } => {
            println!("{}", chart::svg(&read(&bars)?));
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn beside(arguments: &BesideArguments) -> anyhow::Result<ExitCode> {
    let load = Load {
        bridge: arguments.bridge.clone(),
        users: arguments.users,
        count: None,
        time: None,
        burst: 1,
        pause: Duration::ZERO,
        reorder_window_ms: None,
        history: 0,
        patience: Duration::from_secs(arguments.patience),
    };
    let wanted = Beside {
        load,
        busy_per_second: arguments.per_second,
        busy_count: arguments.count,
        rate_per_second: arguments.rate,
        time: Duration::from_secs(arguments.seconds),
    };
    let report = haptik_bridge_load::beside(&wanted).await?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{}", in_words(&report));
    }
    Ok(if report.quiet_lost == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut runs = [Vec::new(), Vec::new()];
    for round in 0..arguments.rounds {
        let builds = [Some(&arguments.bridge), arguments.against.as_ref()];
        for (build, runs) in builds.into_iter().zip(&mut runs) {
            let Some(bridge) = build else { continue };
            let report = measure(&load(arguments, bridge)).await?;
            if !arguments.json {
                println!(
                    "{} ({} of {})\n",
                    bridge.display(),
                    round + 1,
                    arguments.rounds
                );
                println!("{}", table(&report));
            }
            runs.push(report);
        }
    }
    let [first, second] = &runs;
    if arguments.json {
        let all = [first.as_slice(), second].concat();
        println!("{}", serde_json::to_string_pretty(&all)?);
    } else if !second.is_empty() {
        println!("{}", comparison(first, second));
    }
    let good = first.iter().chain(second).all(Report::is_good);
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn load(arguments: &Arguments, bridge: &std::path::Path) -> Load {
    let seconds = arguments
        .seconds
        .or(arguments.count.is_none().then_some(30));
    Load {
        bridge: bridge.to_owned(),
        users: arguments.users,
        count: arguments.count,
        time: seconds.map(Duration::from_secs),
        burst: arguments.burst.max(1),
        pause: Duration::from_millis(arguments.pause_ms),
        reorder_window_ms: arguments.reorder_window_ms,
        history: arguments.history,
        patience: Duration::from_secs(arguments.patience),
    }
}

fn read(bars: &[String]) -> anyhow::Result<Vec<(String, Vec<Report>)>> {
    let read = |bar: &String| {
        let (name, file) = bar.split_once('=').context("a bar is NAME=FILE")?;
        let text = fs::read_to_string(file).with_context(|| format!("{file} cannot be read"))?;
        let reports = serde_json::from_str(&text);
        let reports = reports.with_context(|| format!("{file} is not what `run --json` writes"))?;
        Ok((name.to_owned(), reports))
    };
    bars.iter().map(read).collect()
}
