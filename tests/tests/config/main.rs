//! What is read, what is refused, and that no secret is ever printed.

mod crms;
mod declared;
mod handoff;
mod refused;
mod secrecy_kept;
mod sinks;
mod values;
mod workspaces;
mod written_down;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use haptik_bridge_channels::custom::config::{Custom, Transcript};
use haptik_bridge_channels::registry::CHANNELS;
use haptik_bridge_channels::slack::config::{Conversation, OAuth, Slack, Workspaces};
use haptik_bridge_local::registry;
use haptik_bridge_shared::config::{
    Config, ConfigErrors, Delivery, Handoff, KeyDoc, Outbound, Part as _, Secrets, Sink, TableDoc,
    WhenMissing,
};
use haptik_bridge_sinks::config::ticket::{
    FieldValue, TicketSink as _, TicketTexts, TranscriptPlace,
};
use haptik_bridge_sinks::eventbridge::Config as EventBridge;
use haptik_bridge_sinks::jira::Config as Jira;
use haptik_bridge_sinks::salesforce::Config as Salesforce;
use haptik_bridge_sinks::webhook::Config as Webhook;
use secrecy::{ExposeSecret as _, SecretString};

/// `bridge.example.toml`, and what the folders of channels add to it.
fn example() -> &'static str {
    static EXAMPLE: LazyLock<String> = LazyLock::new(|| {
        let shared = haptik_bridge_shared::config::example();
        format!(
            "{shared}\n{}",
            of_channels("config.example.toml").join("\n")
        )
    });
    &EXAMPLE
}

/// `docs/configuration.md`, and what the pages in the folders of channels say of their keys.
fn documentation() -> &'static str {
    static DOCUMENTATION: LazyLock<String> = LazyLock::new(|| {
        let mut all = include_str!("../../../docs/configuration.md").to_owned();
        for page in of_channels("README.md") {
            let (_, keys) = page
                .split_once("\n### `type = ")
                .expect("a section of keys");
            let (keys, _) = keys.split_once("\n## ").unwrap_or((keys, ""));
            all.push_str("\n### `type = ");
            all.push_str(keys);
        }
        all
    });
    &DOCUMENTATION
}

/// The files of this name in the folders of channels, where they are.
fn of_channels(file: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../channels/src");
    let names = CHANNELS.iter().map(|channel| channel.name);
    let texts = names.filter_map(|name| fs::read_to_string(folder.join(name).join(file)).ok());
    texts.collect()
}

/// The smallest configuration, to which the tests add.
const MINIMAL: &str = r#"
[haptik.main]
base_url = "https://haptik.example"
client_id = "client"
token = "token"
webhook_secrets = "key"
business_id = 343

[channels.slack]
type = "slack"
signing_secrets = "signing"
bot_token = "xoxb-1"
"#;

/// 24 bytes, and 16.
const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const WHSEC_SHORT: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZg==";

fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse(text, &registry::all())
}

fn minimal_and(more: &str) -> Config {
    let text = format!("{MINIMAL}{more}");
    parse(&text).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

/// The errors of a text, each as it is printed.
fn errors_of(text: &str) -> Vec<String> {
    let errors = parse(text).expect_err("it is refused");
    errors.iter().map(ToString::to_string).collect()
}

/// The errors that something adds to the smallest configuration, without their positions.
fn errors_with(more: &str) -> Vec<String> {
    let errors = parse(&format!("{MINIMAL}{more}")).expect_err("it is refused");
    errors
        .iter()
        .map(|error| format!("{}: {}", error.path, error.message))
        .collect()
}

/// Adds something to the smallest configuration, whose one error must hold every part.
#[track_caller]
fn refused(more: &str, parts: &[&str]) {
    let errors = errors_with(more);
    let [error] = errors.as_slice() else {
        panic!("one error for {more:?}: {errors:#?}")
    };
    for part in parts {
        assert!(error.contains(part), "{part:?} is not in {error:?}");
    }
}

/// Each line of `mistakes` is a line that is added to a table, and behind `=>` what its one error must hold,
/// with `&` between the parts.
#[track_caller]
fn each_refused(table: &str, mistakes: &str) {
    for mistake in mistakes.trim().lines() {
        let (line, parts) = mistake.trim().split_once(" => ").expect("a mistake");
        refused(
            &format!("{table}{line}"),
            &parts.split(" & ").collect::<Vec<_>>(),
        );
    }
}

fn exposed(secrets: &Secrets) -> Vec<&str> {
    secrets.iter().map(SecretString::expose_secret).collect()
}

fn slack(config: &Config, connection: &str) -> Slack {
    let settings = &config.channels[connection].settings;
    settings.get().cloned().expect("it is Slack")
}

/// The settings of a sink.
fn sink_of<T: Clone + 'static>(config: &Config, name: &str) -> T {
    let settings = &config.sinks[name].settings;
    settings.get().cloned().expect("it is of this type")
}

#[test]
fn the_smallest_configuration_has_the_documented_defaults() {
    let config = minimal_and("");
    let haptik = config.haptik_of("slack").expect("the account");
    assert_eq!(haptik.base_url.as_str(), "https://haptik.example/");
    assert_eq!(haptik.integration_base_url, haptik.base_url);
    assert_eq!(haptik.sync_url, None);
    assert_eq!(haptik.client_id, "client");
    assert_eq!(haptik.business_id, Some(343));
    let channel = config.channels.get("slack").expect("the connection");
    assert_eq!(
        (channel.haptik.as_str(), channel.business_id),
        ("main", 343)
    );
    let slack = slack(&config, "slack");
    assert_eq!(slack.api_base_url.as_str(), "https://slack.com/api/");
    assert_eq!(slack.conversation, Conversation::User);
    assert!(config.sinks.is_empty());
    assert_eq!(config.delivery.reorder_window, Duration::from_millis(200));
    assert_eq!(config.delivery.give_up_after, Duration::from_hours(24));
    assert_eq!(config.delivery.entry_ttl, Duration::from_hours(168));
    assert_eq!(config.delivery.report_within, Duration::from_hours(1));
    assert!(!config.outbound.allow_private_networks);
    assert_eq!(config.warnings(), Vec::<String>::new());
}

#[test]
fn every_key_is_read() {
    let config = parse(
        r#"
        [haptik.eu]
        base_url = "https://eu.example/messaging/"
        integration_base_url = "https://eu.example/integration"
        sync_url = "https://eu.example/sync?beta=1"
        client_id = "c"
        token = ["new-token", "old-token"]
        webhook_secrets = ["new-key", "old key"]
        [haptik.us]
        base_url = "http://127.0.0.1:8080"
        client_id = "c2"
        token = "t2"
        webhook_secrets = ["k2"]
        business_id = 1
        [channels.team]
        type = "slack"
        haptik = "eu"
        business_id = 7
        signing_secrets = ["s1", "s2"]
        bot_token = ["xoxb-new", "xoxb-old"]
        api_base_url = "http://127.0.0.1:9/api"
        conversation = "thread"
        [channels.app]
        type = "custom"
        haptik = "us"
        signing_secrets = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
        callback_url = "https://app.example/in?tenant=1"
        [sinks.audit]
        type = "webhook"
        events = "message"
        url = "https://audit.example"
        signing_secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
        [delivery]
        reorder_window_ms = 0
        give_up_after = "1h 30m"
        entry_ttl = "90min"
        report_within = "30m"
        [outbound]
        allow_private_networks = true
        "#,
    )
    .expect("a configuration");
    let eu = config.haptik_of("team").expect("eu");
    let urls = [
        &eu.base_url,
        &eu.integration_base_url,
        eu.sync_url.as_ref().expect("a URL"),
    ];
    assert_eq!(
        urls.map(url::Url::as_str),
        [
            "https://eu.example/messaging/",
            "https://eu.example/integration/",
            "https://eu.example/sync?beta=1"
        ]
    );
    assert_eq!(exposed(&eu.tokens), ["new-token", "old-token"]);
    assert_eq!(eu.tokens.newest().expose_secret(), "new-token");
    assert_eq!(exposed(&eu.webhook_secrets), ["new-key", "old key"]);
    let team = slack(&config, "team");
    assert_eq!(config.channels["team"].business_id, 7);
    assert_eq!(exposed(&team.signing_secrets), ["s1", "s2"]);
    let Workspaces::One { bot_tokens } = &team.workspaces else {
        panic!("team is one workspace")
    };
    assert_eq!(exposed(bot_tokens), ["xoxb-new", "xoxb-old"]);
    assert_eq!(team.api_base_url.as_str(), "http://127.0.0.1:9/api/");
    assert_eq!(team.conversation, Conversation::Thread);
    let app = &config.channels["app"];
    assert_eq!((app.haptik.as_str(), app.business_id), ("us", 1));
    let custom: &Custom = app.settings.get().expect("app is custom");
    let one_spelling = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3";
    assert_eq!(exposed(&custom.signing_secrets), [one_spelling]);
    let callback_url = custom.callback_url.as_str();
    assert_eq!(callback_url, "https://app.example/in?tenant=1");
    let audit: Webhook = sink_of(&config, "audit");
    assert_eq!(audit.url.as_str(), "https://audit.example/");
    assert_eq!(exposed(&audit.signing_secrets), [WHSEC]);
    let audit = &config.sinks["audit"];
    assert!(audit.wants("message") && !audit.wants("chat_pinned"));
    let Delivery {
        reorder_window,
        give_up_after,
        entry_ttl,
        report_within,
    } = config.delivery;
    assert_eq!(reorder_window, Duration::ZERO);
    assert_eq!([give_up_after, entry_ttl], [Duration::from_mins(90); 2]);
    assert_eq!(report_within, Duration::from_mins(30));
    assert!(config.outbound.allow_private_networks);
    assert!(config.haptik_of("nobody").is_none());
}

#[test]
fn a_base_url_with_or_without_a_slash_joins_the_same() {
    for api in [
        "https://slack.com/api",
        "https://slack.com/api/",
        "https://slack.com/api//",
    ] {
        let config = minimal_and(&format!("api_base_url = \"{api}\""));
        let url = slack(&config, "slack")
            .api_base_url
            .join("chat.postMessage")
            .expect("a URL");
        assert_eq!(url.as_str(), "https://slack.com/api/chat.postMessage");
    }
}

#[test]
fn a_standard_webhooks_secret_is_kept_in_one_spelling() {
    let spellings = [
        WHSEC_SHORT,
        "MDEyMzQ1Njc4OWFiY2RlZg==",
        "whsec_MDEyMzQ1Njc4OWFiY2RlZg",
    ];
    for spelling in spellings {
        let config = minimal_and(&format!(
            "[sinks.s]\ntype = 'webhook'\nevents = ['*']\nurl = 'https://s.example'\n\
             signing_secrets = '{spelling}'"
        ));
        let webhook: Webhook = sink_of(&config, "s");
        assert_eq!(exposed(&webhook.signing_secrets), [WHSEC_SHORT]);
    }
}

#[test]
fn a_sink_of_all_events_wants_unknown_ones_too() {
    let sink = |events: &str| {
        let config = minimal_and(&format!(
            "[sinks.s]\ntype = 'eventbridge'\nevents = '{events}'"
        ));
        config.sinks["s"].clone()
    };
    assert!(sink("*").wants("an_event_of_next_year"));
    assert!(!sink("message").wants("an_event_of_next_year"));
}

#[test]
fn what_is_probably_not_meant_is_warned_of() {
    let config = minimal_and(&format!(
        r#"
        [channels.other]
        type = "slack"
        signing_secrets = "key "
        bot_token = ["xoxe.xoxb-1", "xoxp-1"]
        api_base_url = "http://slack.internal/api"
        [channels.app]
        type = "custom"
        signing_secrets = ["{WHSEC}", "{WHSEC_SHORT}"]
        callback_url = "http://localhost:3000/in"
        [sinks.s]
        type = "webhook"
        events = ["message", "chat_pined"]
        url = "http://[::1]:3000/"
        signing_secrets = "{WHSEC}"
        [outbound]
        allow_private_networks = true
        "#
    ));
    let warnings = config.warnings();
    let about: Vec<_> = warnings
        .iter()
        .filter_map(|warning| warning.split(' ').next())
        .collect();
    assert_eq!(
        about,
        [
            "channels.app.signing_secrets[1]",
            "channels.other.signing_secrets[0]",
            "channels.other.bot_token[1]",
            "channels.other.api_base_url",
            "sinks.s.events",
            "outbound.allow_private_networks",
        ],
        "{warnings:#?}"
    );
}
