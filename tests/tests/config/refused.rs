//! What is refused as a whole: keys, names, tables, and what is not TOML.

use super::*;

#[test]
fn all_errors_of_a_file_are_reported_in_its_order() {
    let errors = errors_of(
        r#"[haptik.main]
base_url = "nowhere"
token = 7
webhook_secret = "x"

[channels.Slack]
type = "slack"
bot_token = []
conversation = "thred"

[delivery]
reorder_window_ms = 10001

[colour]
"#,
    );
    let about: Vec<_> = errors
        .iter()
        .filter_map(|error| error.split("; ").next())
        .collect();
    assert_eq!(
        about,
        [
            "line 1, column 9: haptik.main.client_id: missing",
            "line 1, column 9: haptik.main.webhook_secrets: missing",
            "line 2, column 12: haptik.main.base_url: found text that is not a URL",
            "line 3, column 9: haptik.main.token: found an integer",
            "line 4, column 1: haptik.main.webhook_secret: unknown key (it holds a string)",
            "line 6, column 11: channels.Slack: found a name that is not allowed",
            "line 6, column 11: channels.Slack.signing_secrets: missing",
            "line 6, column 11: channels.Slack.business_id: missing, and haptik.main has none for \
             its connections either",
            "line 8, column 13: channels.Slack.bot_token: found an empty list",
            "line 9, column 16: channels.Slack.conversation: found \"thred\"",
            "line 12, column 21: delivery.reorder_window_ms: found 10001",
            "line 14, column 2: colour: unknown key (it holds a table)",
        ]
    );
}

#[test]
fn an_empty_file_is_told_what_it_needs() {
    assert_eq!(
        errors_of(""),
        [
            "haptik: missing; needed: at least one account at Haptik, [haptik.NAME]",
            "channels: missing; needed: at least one connection to a channel, [channels.NAME]",
        ]
    );
}

#[test]
fn tables_that_are_no_tables_are_refused() {
    for text in [
        "haptik = 3",
        "[[haptik]]",
        "[haptik]\nmain = 'x'",
        "[haptik]\nmain = [1]",
    ] {
        let errors = errors_of(text);
        assert!(
            errors
                .iter()
                .any(|error| error.contains("haptik") && error.contains("[haptik.NAME]")),
            "{text}: {errors:?}"
        );
    }
    refused("[outbound.x]", &["outbound.x: unknown key"]);
    let errors = errors_of(&format!("delivery = 1\n{MINIMAL}"));
    assert_eq!(
        errors,
        ["line 1, column 12: delivery: found an integer; allowed: a table, [delivery]"]
    );
}

#[test]
fn names_that_do_not_fit_into_a_url_are_refused() {
    let connection = |name: &str| {
        format!("[channels.{name}]\ntype = 'slack'\nsigning_secrets = 's'\nbot_token = 'xoxb-1'\n")
    };
    let too_long = "a".repeat(41);
    for name in ["A", "a_b", "-a", "'ä'", "''", "'a b'", "'a/b'", &too_long] {
        let parts = [
            "channels.",
            "found a name that is not allowed",
            "a-z, 0-9 and -",
        ];
        refused(&connection(name), &parts);
    }
    let longest = "a".repeat(40);
    for name in ["a", "0", "a-", longest.as_str()] {
        assert!(minimal_and(&connection(name)).channels.contains_key(name));
    }
}

#[test]
fn an_unknown_key_is_refused_with_the_key_that_was_probably_meant() {
    each_refused(
        "",
        "
        BotToken = 'x' => channels.slack.BotToken & allowed: haptik, business_id, auth_id, forms, rate_per_second, type
        [sink.x] => sink: unknown key & did you mean sinks?
        zzz = 1 => zzz: unknown key (it holds an integer); allowed: ",
    );
    refused(
        "[outbound]\nallow-private-networks = true",
        &["did you mean allow_private_networks?"],
    );
}

#[test]
fn a_type_that_this_version_does_not_have_is_refused_once() {
    refused(
        "[sinks.crm]\ntype = 'zendesc'\nevents = ['*']\nemail = 'a@b.example'\napi_token = 'x'",
        &[
            "sinks.crm.type: found \"zendesc\"; did you mean \"zendesk\"?",
            "(the sinks of this version)",
        ],
    );
    refused(
        "[channels.x]\ntype = 'Slack'",
        &["found \"Slack\"; did you mean \"slack\"?"],
    );
    let names = CHANNELS.iter().map(|channel| format!("{:?}", channel.name));
    let names: Vec<_> = names.collect();
    refused(
        "[channels.x]\nbot_token = 'x'",
        &["channels.x.type: missing", &names.join(" or ")],
    );
}

#[test]
fn a_connection_names_an_account_that_there_is() {
    refused(
        "haptik = 'mian'",
        &["channels.slack.haptik: found \"mian\"; did you mean \"main\"?"],
    );
    refused(
        "haptik = ''",
        &["channels.slack.haptik: found an empty string"],
    );
    refused(
        "[haptik.other]\nbase_url = 'http://localhost'\nclient_id = 'c'\ntoken = 't'\n\
         webhook_secrets = 's'",
        &["channels.slack.haptik: missing, and there are 2 accounts; needed: one of main, other"],
    );
}

#[test]
fn a_connection_has_a_business_id_of_its_own_or_of_its_account() {
    let without = MINIMAL.replace("business_id = 343\n", "");
    let errors = errors_of(&without);
    assert!(
        matches!(errors.as_slice(), [error] if error.contains("channels.slack.business_id: missing")
            && error.contains("haptik.main has none")),
        "{errors:?}"
    );
    let own = parse(&format!("{without}business_id = 0")).expect("it has its own");
    assert_eq!(
        own.channels.get("slack").map(|channel| channel.business_id),
        Some(0)
    );
}

#[test]
fn a_missing_business_id_is_reported_beside_other_errors_of_the_account() {
    let text = MINIMAL
        .replace("business_id = 343\n", "")
        .replace("\"token\"", "7");
    let errors = errors_of(&text);
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(
        errors
            .iter()
            .any(|error| error.contains("channels.slack.business_id: missing"))
    );
}

#[test]
fn an_account_that_is_wrong_is_not_reported_again_by_its_connections() {
    let errors = errors_of(&MINIMAL.replace("business_id = 343", "business_id = '343'"));
    assert!(
        matches!(errors.as_slice(), [error] if error.contains("haptik.main.business_id: found a string")),
        "{errors:?}"
    );
}

#[test]
fn what_is_not_toml_is_said_with_its_place_and_without_the_line() {
    let errors = errors_of("[haptik.main]\n# ünïcödé\nclient_id = 'ü', token = 'hunter2'\n");
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(
        errors
            .iter()
            .all(|error| error.starts_with("line 3, column 16: not TOML: ")),
        "{errors:?}"
    );
    let errors = errors_of("[haptik.main]\r\ntoken = \"unterminated hunter2\r\n[channels.x\r\n");
    let places: Vec<_> = errors
        .iter()
        .filter_map(|error| error.split(": ").next())
        .collect();
    assert_eq!(
        places,
        ["line 2, column 30", "line 3, column 12"],
        "{errors:?}"
    );
}

#[test]
fn a_duplicate_key_does_not_hide_the_other_errors() {
    let errors = errors_of(&format!(
        "{MINIMAL}type = \"slack\"\nconversation = \"thred\"\n"
    ));
    let about: Vec<_> = errors
        .iter()
        .filter_map(|error| error.split("; ").next())
        .collect();
    assert_eq!(
        about,
        [
            "line 13, column 1: not TOML: duplicate key",
            "line 14, column 16: channels.slack.conversation: found \"thred\"",
        ]
    );
}
