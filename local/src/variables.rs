//! Variables of the environment in the place of options: `HAPTIK_BRIDGE_DATA_DIR` is `--data-dir`.

use clap::builder::FalseyValueParser;
use clap::{Arg, ArgAction, Command};

/// Options that no variable stands for: consent is given each time.
const NEVER: [&str; 3] = ["yes", "help", "version"];

/// Commands that take none: what `init` is to write has the names of what others read.
const WITHOUT: [&str; 2] = ["init", "completions"];

/// The command, each of whose options `--some-name` may be the variable `HAPTIK_BRIDGE_SOME_NAME`. An empty variable is
/// none, and so is one of an option without a value that says `false`, `no`, `off` or `0`; any other text there is a yes.
pub(crate) fn in_place_of_options(command: Command) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .filter(|name| !WITHOUT.contains(&name.as_str()))
        .collect();
    let command = command.mut_args(with_variable);
    names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, in_place_of_options)
    })
}

fn with_variable(option: Arg) -> Arg {
    let Some(name) = variable_of(&option) else {
        return option;
    };
    let value = crate::variable(&name).unwrap_or_default();
    let is_flag = matches!(option.get_action(), ArgAction::SetTrue);
    let says_no = ["false", "no", "off", "0"].contains(&value.to_lowercase().as_str());
    let option = option.hide_env(true);
    let option = if is_flag {
        option.value_parser(FalseyValueParser::new())
    } else {
        option
    };
    if value.is_empty() || is_flag && says_no {
        // Also where it is declared: whoever sets an empty one wants none.
        option.env(None::<&str>)
    } else {
        // As long as the process lives: clap wants a name that is part of the program.
        option.env(&*name.leak())
    }
}

/// The name of the variable that stands for an option, if one does.
fn variable_of(option: &Arg) -> Option<String> {
    let long = option.get_long().filter(|long| !NEVER.contains(long))?;
    if let Some(declared) = option.get_env() {
        return declared.to_str().map(ToOwned::to_owned);
    }
    let name = long.replace('-', "_").to_uppercase();
    Some(format!("HAPTIK_BRIDGE_{name}"))
}
