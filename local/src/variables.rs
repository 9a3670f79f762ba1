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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use clap::{Command, CommandFactory as _};

    use super::variable_of;

    /// The variables of a command's options, and of its commands'.
    fn variables(command: &Command) -> BTreeSet<String> {
        let of_commands = command.get_subcommands().flat_map(variables);
        let own = command.get_arguments().filter_map(variable_of);
        own.chain(of_commands).collect()
    }

    /// Those of the project's own tests.
    const OF_TESTS: [&str; 3] = [
        "HAPTIK_BRIDGE_ENTRIES",
        "HAPTIK_BRIDGE_OTHER",
        "HAPTIK_BRIDGE_PROGRAM",
    ];

    /// What a text calls `HAPTIK_BRIDGE_…`.
    fn named(text: &str) -> BTreeSet<String> {
        let tails = text.split("HAPTIK_BRIDGE_").skip(1);
        let name = |tail: &str| {
            let is_of_name = |letter: char| letter.is_ascii_uppercase() || letter == '_';
            let end = tail.find(|letter| !is_of_name(letter));
            format!("HAPTIK_BRIDGE_{}", &tail[..end.unwrap_or(tail.len())])
        };
        tails.map(name).collect()
    }

    #[test]
    fn whoever_sets_what_the_documents_name_sets_an_option() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let known = variables(&crate::CommandLine::command());
        let pages = std::fs::read_dir(root.join("docs")).expect("the documents");
        let pages = pages.map(|page| page.expect("a document").path());
        let others = [
            "README.md",
            "Dockerfile",
            "scripts/INSTALL.md",
            "scripts/put-config",
        ];
        let others = others.map(|other| root.join(other));
        let mut found = BTreeSet::new();
        for file in pages.chain(others) {
            // A picture names none.
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            for name in named(&text) {
                let is_known = known.contains(&name) || OF_TESTS.contains(&&*name);
                assert!(is_known, "{}: {name}", file.display());
                found.insert(name);
            }
        }
        for name in ["HAPTIK_BRIDGE_CONFIG", "HAPTIK_BRIDGE_DATA_DIR"] {
            assert!(found.contains(name), "{found:?}");
        }
    }
}
