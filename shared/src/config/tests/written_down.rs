//! The example and the documentation say what the reader does.

use std::collections::BTreeMap;

use super::*;

const DOCUMENTATION: &str = include_str!("../../../../docs/configuration.md");

/// The keys of every connection, whatever its type.
const SHARED: [&str; 12] = [
    "haptik",
    "business_id",
    "team_name",
    "countdown",
    "agent_phrases",
    "no_agent_after",
    "rating",
    "rating_prompt",
    "requested_notice",
    "waiting_notice",
    "missed_notice",
    "completed_notice",
];

/// The keys of all ticket sinks, which the example shows with the first of them.
const OF_ALL_TICKETS: [&str; 12] = [
    "when",
    "rate_per_second",
    "subject",
    "description",
    "requester_name",
    "requester_email",
    "requester_phone",
    "tags",
    "fields",
    "custom_fields",
    "transcript",
    "follow_ups",
];

/// Every key of every table, as the reader itself lists them when it meets one it doesn't know.
fn keys() -> BTreeMap<String, Vec<String>> {
    let errors = Config::parse(
        "zzz = 1\n[haptik.main]\nzzz = 1\n[channels.slack]\ntype = 'slack'\nzzz = 1\n\
         [channels.custom]\ntype = 'custom'\nzzz = 1\n[sinks.webhook]\ntype = 'webhook'\nzzz = 1\n\
         [sinks.eventbridge]\ntype = 'eventbridge'\nzzz = 1\n\
         [sinks.http]\ntype = 'http'\nzzz = 1\n\
         [sinks.zendesk]\ntype = 'zendesk'\nzzz = 1\n\
         [sinks.freshdesk]\ntype = 'freshdesk'\nzzz = 1\n\
         [sinks.salesforce]\ntype = 'salesforce'\nzzz = 1\n\
         [sinks.hubspot]\ntype = 'hubspot'\nzzz = 1\n\
         [sinks.servicenow]\ntype = 'servicenow'\nzzz = 1\n\
         [sinks.jira]\ntype = 'jira'\nzzz = 1\n\
         [delivery]\nzzz = 1\n[outbound]\nzzz = 1",
    )
    .expect_err("zzz is no key");
    let unknown = errors.iter().filter_map(|error| {
        let table = error.path.strip_suffix("zzz")?.trim_end_matches('.');
        let (_, allowed) = error.message.split_once("allowed: ")?;
        Some((
            table.to_owned(),
            allowed.split(", ").map(str::to_owned).collect(),
        ))
    });
    unknown.collect()
}

#[test]
fn the_example_is_a_configuration_that_shows_the_defaults() {
    let config = Config::parse(example()).unwrap_or_else(|errors| panic!("{errors}"));
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
fn every_secret_of_the_example_is_warned_of_and_nothing_else() {
    let warnings = Config::parse(example())
        .expect("a configuration")
        .warnings();
    assert!(
        warnings
            .iter()
            .all(|warning| warning.contains("bridge.example.toml")),
        "{warnings:#?}"
    );
    let secrets = [
        "token = ",
        "bot_token = ",
        "signing_secrets = ",
        "webhook_secrets = ",
        "api_token = ",
        "api_key = ",
        "client_secret = ",
        "access_token = ",
        "password = ",
        "secrets = ",
    ];
    let lines = example()
        .lines()
        .filter(|line| secrets.iter().any(|key| line.starts_with(key)));
    assert_eq!(warnings.len(), lines.count(), "{warnings:#?}");
}

#[test]
fn every_key_is_in_the_example() {
    let keys = keys();
    assert_eq!(keys.len(), 15, "{keys:?}");
    for (table, keys) in keys.iter().filter(|(table, _)| !table.is_empty()) {
        let (first, kind) = table.split_once('.').unwrap_or((table, ""));
        // The example's tables, each up to the next one.
        let section = example().split("\n[").find(|section| {
            section.starts_with(first)
                && (["", "main"].contains(&kind) || section.contains(&format!("type = \"{kind}\"")))
        });
        let section = section.unwrap_or_else(|| panic!("no {table}"));
        // What a connection or a sink shares with the others is shown once.
        let shared = |key: &str| match (first, kind) {
            (_, "custom") => SHARED.contains(&key),
            ("sinks", "webhook" | "eventbridge" | "http") => {
                ["when", "rate_per_second"].contains(&key)
            }
            ("sinks", kind) => kind != "zendesk" && OF_ALL_TICKETS.contains(&key),
            _ => false,
        };
        for key in keys.iter().filter(|key| !shared(key)) {
            let shown = section.lines().any(|line| {
                line.trim_start_matches("# ")
                    .starts_with(&format!("{key} = "))
            });
            assert!(shown, "{table}.{key} is not in the example");
        }
    }
}

#[test]
fn every_key_is_in_the_documentation() {
    for (table, keys) in keys() {
        for key in keys {
            let documented = if table.is_empty() {
                DOCUMENTATION.contains(&format!("`[{key}"))
            } else {
                DOCUMENTATION.contains(&format!("\n| `{key}` |"))
            };
            assert!(documented, "{table}.{key} is not in docs/configuration.md");
        }
    }
}

#[test]
fn the_errors_in_the_documentation_are_what_is_printed() {
    let mut shown = 0;
    for example in DOCUMENTATION.split("```toml\n").skip(1) {
        let Some((text, rest)) = example.split_once("\n```\n") else {
            continue;
        };
        let Some((_, output)) = rest.split_once("```text\n") else {
            continue;
        };
        let Some((output, _)) = output.split_once("\n```") else {
            continue;
        };
        let errors = Config::parse(text).expect_err("the example is wrong");
        assert_eq!(errors.to_string(), output, "of\n{text}");
        shown += 1;
    }
    assert!(shown >= 3, "{shown} examples");
}
