//! `docs/operations.md` has what the code emits and what the template watches.

use std::collections::BTreeSet;

use super::{documents, ends_in, files, is_word, quoted, read};

/// The first cells of the table whose first column has this heading.
fn column(page: &str, heading: &str) -> Vec<String> {
    let begins = format!("\n| {heading} |");
    let (_, table) = page
        .split_once(&begins)
        .unwrap_or_else(|| panic!("docs/operations.md has no table of `{heading}`"));
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let cell = |row: &str| row.split('|').nth(1).unwrap_or_default().trim().to_owned();
    rows.map(cell).collect()
}

/// The names in backquotes of a column.
fn named(page: &str, heading: &str) -> BTreeSet<String> {
    let cells = column(page, heading);
    let names = cells.iter().flat_map(|cell| quoted(cell));
    names.map(str::to_owned).collect()
}

/// The sources of what runs, by their paths, without their tests.
fn sources() -> Vec<(String, String)> {
    let crates = ["shared", "channels", "sinks", "functions", "local"];
    let is_source = |path: &String| {
        let (of, rest) = path.split_once('/').unwrap_or_default();
        crates.contains(&of)
            && ends_in(path, &["rs"])
            && rest.contains("src/")
            && !rest.contains("/tests")
    };
    let paths = files().into_iter().filter(is_source);
    let code = paths.map(|path| {
        let text = read(&path);
        let code = text
            .split("#[cfg(test)]\nmod tests")
            .next()
            .unwrap_or_default();
        let lines = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        (path, lines.collect::<Vec<_>>().join("\n"))
    });
    code.collect()
}

/// The texts among the arguments of each call that begins with `call`, such as `Hop::new(`.
fn arguments<'a>(code: &'a str, call: &'a str) -> Vec<&'a str> {
    let calls = code
        .match_indices(call)
        .filter(|(at, _)| !code[..*at].ends_with(is_word) && !code[..*at].ends_with("fn "));
    let texts = calls.filter_map(|(at, _)| {
        let rest = &code[at + call.len()..];
        let call = &rest[..rest.find(';').unwrap_or(rest.len())];
        call.split('"').nth(1)
    });
    texts.collect()
}

/// The name of the function that stands around a place.
fn function_around(code: &str, at: usize) -> &str {
    let (_, name) = code[..at].rsplit_once("fn ").expect("it is in a function");
    let end = name.find(|char| !is_word(char)).unwrap_or(name.len());
    &name[..end]
}

/// Every hop: the name that is given to `Hop::new`, or to the function that gives it on.
fn hops() -> BTreeSet<String> {
    const NEW: &str = "Hop::new(";
    let sources = sources();
    let mut hops = BTreeSet::new();
    for (path, code) in &sources {
        for (at, _) in code.match_indices(NEW) {
            if code[at + NEW.len()..].starts_with('"') {
                let rest = &code[at + NEW.len() + 1..];
                hops.extend(rest.split('"').next().map(str::to_owned));
                continue;
            }
            let name = function_around(code, at);
            let is_shared = code.contains(&format!("pub(crate) fn {name}("));
            let call = format!("{name}(");
            let krate = path.split("src/").next().unwrap_or_default();
            let mut given = BTreeSet::new();
            for (_, code) in sources
                .iter()
                .filter(|(other, _)| other == path || is_shared && other.starts_with(krate))
            {
                let texts = arguments(code, &call).into_iter();
                given.extend(
                    texts
                        .filter(|text| text.chars().all(is_word))
                        .map(str::to_owned),
                );
            }
            assert!(!given.is_empty(), "{path}: nobody gives `{name}` a hop");
            hops.extend(given);
        }
        let written = code.split("hop = \"").skip(1);
        hops.extend(
            written
                .filter_map(|rest| rest.split('"').next())
                .map(str::to_owned),
        );
    }
    assert!(hops.len() > 15, "they are not found: {hops:?}");
    hops
}

/// Every metric that a hop counts, with those that are numbers of their own.
fn metrics() -> BTreeSet<String> {
    let emf = read("shared/src/telemetry/emf.rs");
    let table = emf.split("pub fn counter(").nth(1).expect("the table");
    let table = table.split("_ => return None").next().unwrap_or_default();
    let waits = emf.split("pub fn wait_metric(").nth(1).expect("a table");
    let waits = waits.split("\n}").next().unwrap_or_default();
    let counted = [table, waits]
        .into_iter()
        .flat_map(|table| table.split("=> \"").skip(1));
    let own = emf.split("{\"Name\": \"").skip(1);
    let names = counted.chain(own).filter_map(|rest| rest.split('"').next());
    names.map(str::to_owned).collect()
}

/// The alarms of the template, without the stack's name.
fn alarms() -> BTreeSet<String> {
    let template = read("template.yaml");
    let names = template.split("AlarmName: !Sub ${AWS::StackName} ").skip(1);
    let names = names.filter_map(|rest| rest.lines().next());
    let alarms: BTreeSet<String> = names.map(str::to_owned).collect();
    assert_eq!(
        alarms.len(),
        template.matches("Type: AWS::CloudWatch::Alarm").count(),
        "an alarm's name is written otherwise"
    );
    alarms
}

#[test]
fn every_hop_is_on_the_page_and_no_other() {
    assert_eq!(named(&read("docs/operations.md"), "hop"), hops());
}

/// What the lines say that tell of no hop: the last text of each call of `tracing`'s macros.
fn messages() -> BTreeSet<String> {
    let mut messages = BTreeSet::new();
    for (path, code) in sources() {
        // What the command line and the local bridge say is not of a stack.
        if path.starts_with("local/") {
            continue;
        }
        for level in ["error", "warn", "info"] {
            for call in code.split(&format!("tracing::{level}!(")).skip(1) {
                let call = call.split(");").next().unwrap_or_default();
                // Hops and numbers have a target of their own.
                if !call.contains("_TARGET") {
                    let said = call.rsplit('"').nth(1);
                    messages.insert(said.unwrap_or_else(|| panic!("{path}: {call}")).to_owned());
                }
            }
        }
    }
    assert!(messages.len() > 30, "they are not found: {messages:?}");
    messages
}

#[test]
fn every_message_of_the_log_is_on_the_page() {
    let page = read("docs/operations.md");
    // Several of a kind are named by what they have in common.
    let named: Vec<&str> = quoted(&page)
        .into_iter()
        .filter(|said| said.contains(' '))
        .collect();
    let is_named = |message: &String| named.iter().any(|said| message.contains(said));
    let missing: Vec<String> = messages()
        .into_iter()
        .filter(|said| !is_named(said))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/operations.md does not say what to do: {missing:#?}"
    );
}

#[test]
fn every_metric_is_on_the_page_and_no_other() {
    assert_eq!(named(&read("docs/operations.md"), "metric"), metrics());
}

#[test]
fn every_alarm_is_on_the_page_and_no_other() {
    let rows = column(&read("docs/operations.md"), "alarm");
    let named = rows.iter().flat_map(|row| {
        // `inbound, webhook, processor errors` are three.
        let (first, last) = row.rsplit_once(", ").unwrap_or(("", row));
        let what = last.rsplit_once(' ').map_or("", |(_, what)| what);
        let others = first.split(", ").filter(|name| !name.is_empty());
        let others = others.map(move |name| format!("{name} {what}"));
        others.chain([last.to_owned()])
    });
    assert_eq!(named.collect::<BTreeSet<_>>(), alarms());
}

#[test]
fn no_document_names_an_alarm_that_there_is_not() {
    let alarms = alarms();
    for path in documents() {
        let text = read(&path);
        for mark in ['`', '*'] {
            for before in ["alarm ", "alarms ", "Alarm ", "Alarms "] {
                for rest in text.split(&format!("{before}{mark}")).skip(1) {
                    let name = rest.split(mark).next().unwrap_or_default();
                    assert!(alarms.contains(name), "{path} names the alarm {name}");
                }
            }
        }
    }
}

#[test]
fn the_page_says_how_many_alarms_there_are() {
    let many = format!("{} alarms", alarms().len());
    assert!(read("docs/operations.md").contains(&many), "{many}");
}
