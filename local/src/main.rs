//! The command line: `haptik-bridge [serve]`, `init`, `check`, `register` and `package` for a bridge on this machine; `timeline`,
//! `dead`, `replay`, `export`, `forget`, `audit`, `outages` and `console` for one on this machine or deployed; `sink` for trying a sink; `capabilities` and
//! `preview` for what a channel shows.

#![expect(clippy::print_stdout, reason = "it is a command line")]

mod certify;
mod check;
mod console;
mod health;
mod init;
mod listen;
mod operate;
mod package;
mod register;
mod serve;
mod show;
mod sinks;
mod stack;
mod terminal;
mod variables;
mod who;

use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

/// A message makes thousands of small allocations: `docs/performance.md` has what others cost.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The configuration's name where none is given.
const CONFIG_FILE: &str = "bridge.toml";

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
    /// Write a configuration with what you choose.
    Init(init::Arguments),
    /// Say whether a configuration file is good, which URLs to paste where, and whether its credentials are accepted.
    Check(check::Arguments),
    /// Say whether the bridge on this machine answers.
    Health(health::Arguments),
    /// Play the bridge against an application's callback, and say what the application does wrong.
    Certify(certify::Arguments),
    /// Look into a bridge, and mend it, in a browser: messages, what was given up, sinks, outages.
    Console(console::Arguments),
    /// Tell a channel's provider where the bridge is, where the provider has a call for that.
    Register(register::Arguments),
    /// Write the package that is uploaded to a channel's provider, where the provider wants one.
    Package(package::Arguments),
    /// Show what is in the ledger of one user: every message, and what became of it.
    Timeline(operate::timeline::Arguments),
    /// List what was given up, and why.
    Dead(operate::dead::Arguments),
    /// Deliver again what was given up.
    Replay(operate::replay::Arguments),
    /// Print all that is known of a person, as JSON.
    Export(operate::export::Arguments),
    /// Remove all that is known of a person.
    Forget(operate::forget::Arguments),
    /// List who looked at what was said, replayed, exported and forgot, and when.
    Audit(operate::audit::Arguments),
    /// List the outages of Haptik's webhook, and what was recovered.
    Outages(operate::outages::Arguments),
    /// Try a sink, or look at what it would send.
    #[command(subcommand)]
    Sink(sinks::Command),
    /// Print what a channel makes of everything that Haptik sends.
    Capabilities(show::CapabilitiesArguments),
    /// Print what a message becomes in a channel.
    Preview(show::PreviewArguments),
    /// Print a script by which your shell completes this command's words.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    haptik_bridge_shared::telemetry::log_panics_by_place();
    exit_where_nothing_can_be_printed();
    let matches = variables::matches(CommandLine::command());
    let command_line = match matches.and_then(|matches| CommandLine::from_arg_matches(&matches)) {
        Ok(command_line) => command_line,
        Err(error) => error.exit(),
    };
    let done = match command_line.command {
        None => serve::run(command_line.serve).await,
        Some(Command::Serve(arguments)) => serve::run(arguments).await,
        Some(Command::Init(arguments)) => init::run(&arguments),
        Some(Command::Completions { shell }) => {
            let mut command = variables::in_place_of_options(CommandLine::command());
            clap_complete::generate(shell, &mut command, "haptik-bridge", &mut std::io::stdout());
            Ok(())
        }
        Some(Command::Check(arguments)) => check::run(&arguments).await,
        Some(Command::Health(arguments)) => health::run(&arguments).await,
        Some(Command::Certify(arguments)) => certify::run(arguments).await,
        Some(Command::Console(arguments)) => console::run(arguments).await,
        Some(Command::Register(arguments)) => register::run(&arguments).await,
        Some(Command::Package(arguments)) => package::run(&arguments),
        Some(Command::Timeline(arguments)) => operate::timeline::run(arguments, variable).await,
        Some(Command::Dead(arguments)) => match operate::dead::run(arguments, variable).await {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        Some(Command::Replay(arguments)) => {
            Box::pin(operate::replay::run(arguments, variable)).await
        }
        Some(Command::Export(arguments)) => {
            Box::pin(operate::export::run(arguments, variable)).await
        }
        Some(Command::Forget(arguments)) => {
            Box::pin(operate::forget::run(arguments, variable)).await
        }
        Some(Command::Audit(arguments)) => operate::audit::run(arguments, variable).await,
        Some(Command::Outages(arguments)) => operate::outages::run(arguments, variable).await,
        Some(Command::Sink(command)) => sinks::run(command).await,
        Some(Command::Capabilities(arguments)) => show::capabilities(&arguments),
        Some(Command::Preview(arguments)) => show::preview(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let error = format!("{error:#}");
            eprintln!("haptik-bridge: {}", terminal::visible(&error));
            ExitCode::FAILURE
        }
    }
}

/// Ends as other tools do when what is printed cannot be written: where whoever reads it, such as `head`, has seen enough,
/// without a word, and with the code of SIGPIPE, which Rust ignores; else, as with a full disk, with the reason. `println!`
/// panics then.
fn exit_where_nothing_can_be_printed() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload_as_str().unwrap_or_default();
        if let Some(why) = said.strip_prefix("failed printing to stdout: ") {
            if why.contains("Broken pipe") {
                std::process::exit(128 + 13);
            }
            eprintln!("haptik-bridge: the output cannot be written: {why}");
            std::process::exit(1);
        }
        before(panic);
    }));
}

/// The configuration in this folder, where there is one: also a link to nowhere, which is for whoever reads it to
/// complain of.
fn config_here() -> Option<&'static Path> {
    let here = Path::new(CONFIG_FILE);
    (here.exists() || here.is_symlink()).then_some(here)
}

/// A variable of the environment.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        super::CommandLine::command().debug_assert();
        super::variables::in_place_of_options(super::CommandLine::command()).debug_assert();
    }
}
