//! Variables of the environment in the place of options: `HAPTIK_BRIDGE_DATA_DIR` is `--data-dir`. What the command line
//! says goes before: a variable is none where the command line has what contradicts it. [`settled`] sees to that, since
//! to clap a variable is as good as the command line.

use std::collections::BTreeSet;

use clap::builder::FalseyValueParser;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, Error, Id};

/// Options that no variable stands for: consent is given each time.
const NEVER: [&str; 3] = ["yes", "help", "version"];

/// Commands that take none: what `init` is to write has the names of what others read.
const WITHOUT: [&str; 2] = ["init", "completions"];

/// Options that are nothing without another, as their `requires` says, which clap does not tell: their variables are
/// none then.
const NEEDS: [(&str, &str); 5] = [
    ("bodies", "console"),
    ("delivered", "sink"),
    ("from", "again"),
    ("profile", "stack"),
    ("region", "stack"),
];

/// What the command line says, and variables where it says nothing.
///
/// # Errors
/// When it is not understood, or two variables contradict each other.
pub(crate) fn matches(command: Command) -> Result<ArgMatches, Error> {
    let command = in_place_of_options(command);
    // What is on the command line, also where that is not all, or contradicts a variable.
    let said = command.clone().ignore_errors(true).try_get_matches();
    let command = match said {
        Ok(said) => settled(command, &said)?,
        Err(_) => command,
    };
    command.try_get_matches()
}

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

/// The command, without the variables that stand behind what is said.
fn settled(command: Command, said: &ArgMatches) -> Result<Command, Error> {
    if let Some((name, said)) = said.subcommand() {
        let Some(of_name) = command.find_subcommand(name).cloned() else {
            return Ok(command);
        };
        let of_name = settled(of_name, said)?;
        // Those of `serve`, which is the command without a name, are none of another's.
        let command = command.mut_args(|arg| arg.env(None::<&str>));
        return Ok(command.mut_subcommand(name, |_| of_name));
    }
    let is_said = |id: &Id| said.value_source(id.as_str()) == Some(ValueSource::CommandLine);
    let variables = command
        .get_arguments()
        .filter(|arg| arg.get_env().is_some());
    let variables: BTreeSet<Id> = variables.map(|arg| arg.get_id().clone()).collect();
    let none = Pairs::of(&command).behind(is_said, &variables);
    let none = none.map_err(|(one, other)| {
        let name = |id: &Id| {
            let mut options = command.get_arguments();
            let option = options.find(|arg| arg.get_id() == id);
            option.and_then(variable_of).unwrap_or_default()
        };
        let (one, other) = (name(&one), name(&other));
        let words = format!(
            "the variables {one} and {other} contradict each other: say on the command line which is meant\n"
        );
        Error::raw(ErrorKind::ArgumentConflict, words)
    })?;
    let without = |command: Command, id| command.mut_arg(id, |arg| arg.env(None::<&str>));
    Ok(none.into_iter().fold(command, without))
}

/// What the options of a command have to do with each other.
struct Pairs {
    /// One of these alone is taken.
    contradict: Vec<(Id, Id)>,
    /// The first is nothing without the second.
    need: Vec<(Id, Id)>,
}

impl Pairs {
    fn of(command: &Command) -> Self {
        let others = |arg: &Arg| {
            let others = command.get_arg_conflicts_with(arg).into_iter();
            let pair = |other: &Arg| (arg.get_id().clone(), other.get_id().clone());
            others.map(pair).collect::<Vec<_>>()
        };
        let has = |id: &str| command.get_arguments().any(|arg| arg.get_id() == id);
        let need = NEEDS.iter().filter(|(one, other)| has(one) && has(other));
        let need = need.map(|(one, other)| (Id::from(*one), Id::from(*other)));
        Self {
            contradict: command.get_arguments().flat_map(others).collect(),
            need: need.collect(),
        }
    }

    /// Which of these variables are none: the command line has what contradicts them, or what they need is not there.
    /// An error are two that contradict each other.
    fn behind(
        &self,
        is_said: impl Fn(&Id) -> bool,
        variables: &BTreeSet<Id>,
    ) -> Result<BTreeSet<Id>, (Id, Id)> {
        let mut left: BTreeSet<&Id> = variables.iter().filter(|id| !is_said(id)).collect();
        for (one, other) in &self.contradict {
            left.retain(|id| !(*id == one && is_said(other) || *id == other && is_said(one)));
        }
        for (one, other) in &self.need {
            if !(is_said(other) || left.contains(other)) {
                left.remove(one);
            }
        }
        let both = |(one, other): &&(Id, Id)| left.contains(one) && left.contains(other);
        if let Some(pair) = self.contradict.iter().find(both) {
            return Err(pair.clone());
        }
        Ok(variables
            .iter()
            .filter(|id| !left.contains(id))
            .cloned()
            .collect())
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

    use clap::error::{ContextKind, ContextValue, ErrorKind};
    use clap::{Arg, ArgAction, Command, CommandFactory as _, Id};

    use super::{NEEDS, Pairs, variable_of};

    /// The variables of a command's options, and of its commands'.
    fn variables(command: &Command) -> BTreeSet<String> {
        let of_commands = command.get_subcommands().flat_map(variables);
        let own = command.get_arguments().filter_map(variable_of);
        own.chain(of_commands).collect()
    }

    /// A command and all below it, each with the words that lead to it.
    fn with_words(command: &Command, words: &[String]) -> Vec<(Vec<String>, Command)> {
        let mut all = vec![(words.to_vec(), command.clone())];
        for below in command.get_subcommands() {
            let words = [words, &[below.get_name().to_owned()]].concat();
            all.extend(with_words(below, &words));
        }
        all
    }

    fn commands() -> Vec<(Vec<String>, Command)> {
        with_words(
            &crate::CommandLine::command(),
            &["haptik-bridge".to_owned()],
        )
    }

    #[test]
    fn of_all_that_contradicts_the_command_line_goes_before_and_two_variables_are_an_error() {
        let mut count = 0;
        for (words, command) in commands() {
            let pairs = Pairs::of(&command);
            let has_variable = |id: &Id| {
                let mut options = command.get_arguments();
                options.any(|arg| arg.get_id() == id && variable_of(arg).is_some())
            };
            for (one, other) in &pairs.contradict {
                for (said, variable) in [(one, other), (other, one)] {
                    let variables = BTreeSet::from([variable.clone()]);
                    let none = pairs.behind(|id| id == said, &variables);
                    assert_eq!(none, Ok(variables), "{words:?}: {said} and {variable}");
                }
                let both = BTreeSet::from([one.clone(), other.clone()]);
                // Two on the command line are clap's to refuse.
                assert_eq!(
                    pairs.behind(|id| both.contains(id), &both),
                    Ok(both.clone())
                );
                let needed = NEEDS.iter().map(|(_, needed)| Id::from(*needed));
                let all = both.iter().cloned().chain(needed).collect();
                if has_variable(one) && has_variable(other) {
                    assert!(pairs.behind(|_| false, &all).is_err(), "{one} and {other}");
                    count += 1;
                }
            }
        }
        assert!(count >= 10, "{count}");
    }

    /// Of what a command misses, the options, when it is called so.
    fn missing(words: &[String]) -> BTreeSet<String> {
        let read = crate::CommandLine::command().try_get_matches_from(words);
        let Err(error) = read else {
            return BTreeSet::new();
        };
        let named = error.get(ContextKind::InvalidArg);
        let (ErrorKind::MissingRequiredArgument, Some(ContextValue::Strings(named))) =
            (error.kind(), named)
        else {
            return BTreeSet::new();
        };
        let long = |named: &String| Some(named.strip_prefix("--")?.split(' ').next()?.to_owned());
        named.iter().filter_map(long).collect()
    }

    fn as_words(option: &Arg) -> Option<Vec<String>> {
        let long = option.get_long().filter(|long| *long != "help")?;
        let option = match option.get_action() {
            ArgAction::SetTrue => format!("--{long}"),
            // What many options take.
            _ => format!("--{long}=1m"),
        };
        Some(vec![option])
    }

    #[test]
    fn what_an_option_needs_is_known() {
        let mut found = BTreeSet::new();
        for (words, command) in commands() {
            let always = missing(&words);
            for option in command.get_arguments() {
                let Some(option_words) = as_words(option) else {
                    continue;
                };
                let id = option.get_id().as_str().to_owned();
                let needed = missing(&[words.clone(), option_words].concat());
                let new = needed.difference(&always).cloned();
                found.extend(new.map(|needed| (id.clone(), needed)));
            }
        }
        let known = NEEDS.map(|(one, other)| (one.to_owned(), other.to_owned()));
        assert_eq!(found, BTreeSet::from(known));
    }

    #[test]
    fn a_variable_without_what_it_needs_is_none() {
        for (words, command) in commands() {
            let pairs = Pairs::of(&command);
            for (one, other) in &pairs.need {
                let variables = BTreeSet::from([one.clone()]);
                let behind = |said: &str| pairs.behind(|id| id == said, &variables);
                assert_eq!(behind(""), Ok(variables.clone()), "{words:?}");
                assert_eq!(behind(other.as_str()), Ok(BTreeSet::new()), "{words:?}");
            }
        }
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
