//! The command line: `haptik-bridge [serve]`, `check`, `capabilities` and `preview`.

#![expect(clippy::print_stdout, reason = "it is a command line")]

mod check;
mod serve;
mod show;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A bridge between messaging channels and Haptik's "Bot as an API".
#[derive(Debug, Parser)]
#[command(
    name = "haptik-bridge",
    version,
    args_conflicts_with_subcommands = true
)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Arguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the bridge on this machine; the same as without a command.
    Serve(serve::Arguments),
    /// Say whether a configuration file is good, and which URLs to paste where.
    Check(check::Arguments),
    /// Print what a channel makes of everything that Haptik sends.
    Capabilities(show::CapabilitiesArguments),
    /// Print what a message becomes in a channel.
    Preview(show::PreviewArguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    let done = match command_line.command {
        None => serve::run(command_line.serve).await,
        Some(Command::Serve(arguments)) => serve::run(arguments).await,
        Some(Command::Check(arguments)) => check::run(&arguments),
        Some(Command::Capabilities(arguments)) => {
            show::capabilities(&arguments);
            Ok(())
        }
        Some(Command::Preview(arguments)) => show::preview(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("haptik-bridge: {error:#}");
            ExitCode::FAILURE
        }
    }
}
