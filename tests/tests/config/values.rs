//! What each kind of value may be.

use super::*;

#[test]
fn a_business_id_is_a_whole_number() {
    let allowed = "channels.slack.business_id: & from 0 to 9223372036854775807";
    let mistakes = "
        '343' => found a string
        343.0 => found a float
        -1 => found -1
        true => found a boolean
        9223372036854775808 => found 9223372036854775808
        2020-01-01 => found a date or time
        { a = 1 } => found a table";
    for mistake in mistakes.trim().lines() {
        each_refused("business_id = ", &format!("{mistake} & {allowed}"));
    }
    let good = [
        ("1_000", 1000),
        ("0x10", 16),
        ("9223372036854775807", 1 << 62),
    ];
    for (value, number) in good {
        let config = minimal_and(&format!("business_id = {value}"));
        let business_id = config.channels["slack"].business_id;
        assert!(business_id >= number, "{value}: {business_id:?}");
    }
}

#[test]
fn a_url_is_http_with_a_host_and_nothing_that_does_not_belong_there() {
    let mistakes = r#"
        "" => an empty string
        "slack.com/api" => text that is not a URL
        "https:slack.com" => text that is not a URL
        "https://" => a placeholder
        "https://:80" => text that is not a URL
        "https://[::1" => text that is not a URL
        "ftp://slack.com" => a URL that is neither http nor https
        "file:///etc/passwd" => a URL that is neither http nor https
        "https://user@slack.com" => a URL with a user name or password
        "https://:pw@slack.com" => a URL with a user name or password
        "https://slack.com/api#x" => a URL with a fragment
        "https://slack.com/api?x=1" => a URL with a query
        "https://slack.com/a pi" => a URL with white space or control characters in it
        " https://slack.com" => a URL with white space or control characters in it
        "https://sla\nck.com" => a URL with white space or control characters in it
        "https://…" => a placeholder
        "https://<host>" => a placeholder"#;
    for mistake in mistakes.trim().lines() {
        let mistake = mistake.replace("=> ", "=> channels.slack.api_base_url: found ");
        each_refused("api_base_url = ", &format!("{mistake}; "));
    }
    let custom = "[channels.x]\ntype = 'custom'\nsigning_secrets = 'MDEyMzQ1Njc4OWFiY2RlZg'\n";
    refused(
        &format!("{custom}callback_url = 'https://x.example/#x'"),
        &["channels.x.callback_url: found a URL with a fragment"],
    );
}

#[test]
fn secrets_that_nobody_filled_in_are_refused() {
    let placeholders = "…|xoxb-…|...|***|REPLACE_ME|replace-me|replace with your token|xoxb-REPLACE_ME|\
        changeme|Change-Me|<token>|<your token>|${TOKEN}|{{ token }}|TODO|your-token-here|whsec_|xoxb-";
    for placeholder in placeholders.split('|') {
        for list in [
            format!("'{placeholder}'"),
            format!("['good', '{placeholder}']"),
        ] {
            let text = MINIMAL
                .replace("'signing'", &list)
                .replace("\"signing\"", &list);
            let errors = errors_of(&text);
            assert!(
                matches!(errors.as_slice(), [error]
                    if error.contains("signing_secrets") && error.contains("found a placeholder")),
                "{list}: {errors:?}"
            );
        }
    }
    for (value, found) in [
        ("''", "an empty string"),
        ("' '", "an empty string"),
        ("[]", "an empty list"),
    ] {
        let errors = errors_of(&MINIMAL.replace("\"signing\"", value));
        assert!(
            errors.iter().any(|error| error.contains(found)),
            "{value}: {errors:?}"
        );
    }
    for good in ["s", "t0ken", "secret", "x", "todo-list", "a<b>", "yours"] {
        parse(&MINIMAL.replace("signing\"", &format!("{good}\""))).expect(good);
    }
}

#[test]
fn a_token_that_does_not_fit_into_a_header_is_refused() {
    for token in ["a b", "a\\n", "a\\u0000", "ä"] {
        let errors = errors_of(&MINIMAL.replace("\"token\"", &format!("\"{token}\"")));
        assert!(
            matches!(errors.as_slice(), [error] if error.contains("haptik.main.token: found text with")),
            "{token}: {errors:?}"
        );
    }
}

#[test]
fn a_standard_webhooks_secret_is_base64_of_at_least_16_bytes() {
    let sink = "[sinks.s]\ntype = 'webhook'\nevents = ['*']\nurl = 'https://s.example'\n";
    for (secret, found) in [
        ("whsec_not base64!", "found text that is not base64"),
        (
            "whsec_MDEyMzQ1Njc4OWFiY2Rl",
            "found a secret of fewer than 16 bytes",
        ),
        ("my secret", "found text that is not base64"),
    ] {
        let more = format!("{sink}signing_secrets = ['{WHSEC}', '{secret}']");
        refused(
            &more,
            &["sinks.s.signing_secrets[1]: ", found, "allowed: \"whsec_\""],
        );
    }
}

#[test]
fn a_sink_says_which_events_it_wants() {
    let sink = format!(
        "[sinks.s]\ntype = 'webhook'\nurl = 'https://s.example'\nsigning_secrets = '{WHSEC}'\n"
    );
    refused(
        &sink,
        &["sinks.s.events: missing; needed: a list of event names"],
    );
    for (events, found) in [
        ("[]", "an empty list"),
        ("['']", "an empty string"),
        ("[1]", "an integer"),
    ] {
        refused(
            &format!("{sink}events = {events}"),
            &["sinks.s.events", found],
        );
    }
}

#[test]
fn delivery_stays_within_its_limits() {
    each_refused(
        "[delivery]\n",
        r#"
        reorder_window_ms = -1 => delivery.reorder_window_ms: found -1 & from 0 to 10000
        reorder_window_ms = '1s' => found a string & from 0 to 10000
        give_up_after = '59s' => delivery.give_up_after: found "59s" & from "1m" to "14d"
        give_up_after = '15d' => found "15d" & from "1m" to "14d"
        give_up_after = 24 => found an integer & a duration such as "24h"
        give_up_after = '24' => found "24" & a duration such as "24h"
        give_up_after = '1µs' => found "1µs" & a duration such as "24h"
        entry_ttl = '59m' => delivery.entry_ttl: found "59m" & from "1h" to "365d"
        entry_ttl = '366d' => found "366d" & from "1h" to "365d"
        report_within = '0s' => delivery.report_within: found "0s" & from "1s" to "3d"
        report_within = '4d' => found "4d" & from "1s" to "3d"
        entry_ttl = '23h' => delivery.entry_ttl: found a duration & shorter than give_up_after
        give_up_after = '8d' => delivery.entry_ttl: left out, and its default & shorter than"#,
    );
    let longest = minimal_and(
        "[delivery]\nreorder_window_ms = 10000\ngive_up_after = '14d'\nentry_ttl = '365d'",
    );
    assert_eq!(longest.delivery.entry_ttl, Duration::from_hours(365 * 24));
    let shortest = minimal_and("[delivery]\ngive_up_after = '1m'\nentry_ttl = '1h'");
    assert_eq!(shortest.delivery.give_up_after, Duration::from_mins(1));
}

#[test]
fn what_slack_says_and_shows_stays_within_its_limits() {
    let with = |line: &str| {
        format!(
            "[channels.team]\ntype = 'slack'\nsigning_secrets = 's'\nbot_token = 'xoxb-1'\n{line}"
        )
    };
    each_refused(
        &with(""),
        r#"
        reaction = ':eyes:' => found ":eyes:" & without colons
        reaction = 1 => found an integer & or "" for none
        welcome = ' ' => channels.team.welcome & 1 to 1000
        suggested_prompts = [] => an empty list & 1 to 4 texts
        suggested_prompts = ['1', '2', '3', '4', '5'] => found 5 texts & 1 to 4 texts
        tell_edits = 'no' => found a string & true or false
        agent_identity = 1 => found an integer & true or false"#,
    );
    let set = minimal_and(&with("reaction = ''\nsuggested_prompts = 'Help'"));
    let team = slack(&set, "team");
    assert_eq!((team.reaction, team.tell_edits), (None, false));
    assert_eq!(team.suggested_prompts, ["Help"]);
    let default = slack(&minimal_and(&with("")), "team");
    assert_eq!(default.reaction.as_deref(), Some("eyes"));
    assert!(default.agent_identity && default.carousels && default.suggested_prompts.is_empty());
}
