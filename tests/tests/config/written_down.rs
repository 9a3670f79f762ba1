//! The example and the documentation say what is declared.

use std::collections::BTreeMap;

use super::*;

/// What stands above the keys that all ticket sinks have.
const TICKET_SINKS: &str = "### Ticket sinks";

/// The headings of the documentation, with the rows below each.
fn documented() -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut rows = BTreeMap::new();
    let mut heading = "";
    for line in documentation().lines() {
        if line.starts_with('#') {
            heading = line.split(": ").next().unwrap_or(line);
        } else if line.starts_with("| `") && heading.starts_with("##") {
            rows.entry(heading).or_insert_with(Vec::new).push(line);
        }
    }
    rows
}

/// Whether a key is one that all ticket sinks have.
fn is_of_tickets(table: &TableDoc, key: &KeyDoc) -> bool {
    let of_tickets = TicketTexts::keys();
    let is_ticket_sink = of_tickets.iter().all(|key| table.keys.contains(key));
    is_ticket_sink && of_tickets.contains(key)
}

#[test]
fn every_key_is_in_the_documentation_as_it_is_declared() {
    let mut expected = BTreeMap::new();
    let of_tickets = TicketTexts::keys();
    expected.insert(
        TICKET_SINKS.to_owned(),
        of_tickets.iter().map(KeyDoc::row).collect::<Vec<_>>(),
    );
    for table in registry::all().tables() {
        let heading = match (table.table, table.type_name) {
            (_, Some(name)) => format!("### `type = \"{name}\"`"),
            ("haptik" | "channels" | "sinks", None) => format!("## `[{}.NAME]`", table.table),
            (only, None) => format!("## `[{only}]`"),
        };
        let keys = table.keys.iter().filter(|key| !is_of_tickets(&table, key));
        expected.insert(heading, keys.map(KeyDoc::row).collect());
    }
    let documented = documented();
    for (heading, rows) in &expected {
        let found = documented
            .get(heading.as_str())
            .cloned()
            .unwrap_or_default();
        assert!(
            &found == rows,
            "below {heading:?} docs/configuration.md, or the page of the channel, needs these rows:\n{}",
            rows.join("\n")
        );
    }
    for heading in documented.keys() {
        assert!(expected.contains_key(*heading), "keys below {heading:?}");
    }
}

#[test]
fn every_key_is_in_the_example_with_its_default() {
    for table in registry::all().tables() {
        // The example's tables, each up to the next one.
        let mut sections = example().split("\n[").filter(|section| {
            section.starts_with(table.table)
                && table
                    .type_name
                    .is_none_or(|name| section.contains(&format!("type = \"{name}\"")))
        });
        let sections: String = if table.type_name.is_some() {
            sections.next().unwrap_or_default().to_owned()
        } else {
            sections.collect()
        };
        for key in &table.keys {
            let start = format!("{} = ", key.key);
            // What ticket sinks have in common is shown with the first of them.
            let (_, of_tickets) = example().split_once("# Tickets in ").unwrap_or_default();
            let mut lines = if is_of_tickets(&table, key) {
                of_tickets.lines()
            } else {
                sections.lines()
            };
            let line = lines.find(|line| line.trim_start_matches("# ").starts_with(&start));
            let line = line.unwrap_or_else(|| panic!("{table:?}.{start} is not in the example"));
            // The example shows what one may want; these are not the defaults.
            let differs = ["no_agent_after", "integration_base_url"].contains(&key.key);
            if let (WhenMissing::Value(default), false) = (key.otherwise, differs) {
                let value = line.trim_start_matches("# ").trim_start_matches(&start);
                assert!(
                    value.starts_with(default),
                    "{line}: the default is {default}"
                );
            }
        }
    }
}

#[test]
fn the_example_is_a_configuration_that_shows_the_defaults() {
    let config = parse(example()).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(config.delivery, Delivery::default());
    assert_eq!(config.outbound, Outbound::default());
    let account = config.haptik_of("acme-slack").expect("the account");
    assert_eq!(account.integration_base_url, account.base_url);
    let shown = slack(&config, "acme-slack");
    let default = slack(&minimal_and(""), "slack");
    assert_eq!(shown.api_base_url, default.api_base_url);
    assert_eq!(shown.conversation, default.conversation);
}

#[test]
fn every_secret_and_id_of_the_example_is_warned_of_and_nothing_else() {
    let config = parse(example()).expect("a configuration");
    let warnings = config.warnings();
    assert!(
        warnings
            .iter()
            .all(|warning| warning.contains("bridge.example.toml")),
        "{warnings:#?}"
    );
    let secrets = [
        "token = ",
        "integration_token = ",
        "bot_token = ",
        "secret_tokens = ",
        "auth_tokens = ",
        "service_account = ",
        "signing_secrets = ",
        "webhook_secrets = ",
        "api_token = ",
        "api_key = ",
        "client_secret = ",
        "access_token = ",
        "password = ",
        "secrets = ",
    ];
    let lines = example().lines().filter(|line| {
        let is_secret = secrets.iter().any(|key| line.starts_with(key));
        is_secret || line.contains(" = \"example-")
    });
    assert_eq!(
        warnings.len(),
        lines.count(),
        "is a key that is a secret not in `secrets` above? {warnings:#?}"
    );
}

#[test]
fn the_errors_in_the_documentation_are_what_is_printed() {
    let mut shown = 0;
    for example in documentation().split("```toml\n").skip(1) {
        let Some((text, rest)) = example.split_once("\n```\n") else {
            continue;
        };
        let Some((_, output)) = rest.split_once("```text\n") else {
            continue;
        };
        let Some((output, _)) = output.split_once("\n```") else {
            continue;
        };
        let errors = parse(text).expect_err("the example is wrong");
        assert_eq!(errors.to_string(), output, "of\n{text}");
        shown += 1;
    }
    assert!(shown >= 3, "{shown} examples");
}
