//! The keys of a Slack app that many workspaces install.

use super::*;

/// The base64 of 32 bytes.
const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// A connection beside the smallest configuration, with these keys.
fn connection(keys: &str) -> String {
    format!("[channels.many]\ntype = 'slack'\nsigning_secrets = 's'\n{keys}")
}

fn good(more: &str) -> String {
    connection(&format!(
        "client_id = '1.2'\nclient_secrets = ['new', 'old']\ntoken_encryption_keys = '{KEY}'\n{more}"
    ))
}

fn oauth(more: &str) -> OAuth {
    let config = minimal_and(&good(more));
    match slack(&config, "many").workspaces {
        Workspaces::Many(oauth) => *oauth,
        Workspaces::One { .. } => panic!("many is many"),
    }
}

#[test]
fn an_app_that_many_install_has_the_documented_defaults() {
    let oauth = oauth("");
    assert_eq!(oauth.client_id, "1.2");
    assert_eq!(exposed(&oauth.client_secrets), ["new", "old"]);
    assert_eq!(exposed(&oauth.token_encryption_keys), [KEY]);
    assert_eq!(oauth.oauth_base_url.as_str(), "https://slack.com/oauth/");
    assert_eq!(oauth.public_url, None);
    let manifest = include_str!("../../../docs/slack-app-manifest.yaml");
    let scopes = manifest
        .lines()
        .skip_while(|line| *line != "    bot:")
        .skip(1)
        .map_while(|line| line.strip_prefix("      - "));
    assert_eq!(oauth.scopes, scopes.collect::<Vec<_>>());
}

#[test]
fn what_is_given_is_taken() {
    let oauth = oauth(
        "scopes = ['chat:write', 'users:read.email']\noauth_base_url = 'https://slack-gov.com/oauth/'\n\
         public_url = 'https://b.example/stage'",
    );
    assert_eq!(oauth.scopes, ["chat:write", "users:read.email"]);
    let base = oauth.oauth_base_url.as_str();
    assert_eq!(base, "https://slack-gov.com/oauth/");
    let public = oauth.public_url.expect("it is given");
    assert_eq!(public.as_str(), "https://b.example/stage/");
}

#[test]
fn both_ways_and_neither_are_refused() {
    refused(
        &good("bot_token = 'xoxb-1'"),
        &[
            "channels.many.client_id: found beside bot_token",
            "bot_token for one workspace",
            "client_id, client_secrets and token_encryption_keys for many",
        ],
    );
    refused(
        &connection("bot_token = 'xoxb-1'\nscopes = ['chat:write']"),
        &["channels.many.scopes: found beside bot_token"],
    );
    refused(
        &connection(""),
        &[
            "channels.many.bot_token: missing",
            "or, for many workspaces that install the app, client_id, client_secrets and \
             token_encryption_keys",
        ],
    );
    let errors = errors_with(&connection("public_url = 'https://b.example'"));
    let missing: Vec<_> = errors
        .iter()
        .filter_map(|error| error.split_once(": missing").map(|(path, _)| path))
        .collect();
    assert_eq!(
        missing,
        [
            "channels.many.client_id",
            "channels.many.client_secrets",
            "channels.many.token_encryption_keys"
        ],
        "{errors:#?}"
    );
}

#[test]
fn a_key_says_how_to_make_one_and_a_scope_is_one() {
    for key in ["c2hvcnQ=", "not base64!", &KEY[1..]] {
        refused(
            &good("").replace(KEY, key),
            &[
                "channels.many.token_encryption_keys: found text that is not the base64 of 32 bytes",
                "openssl rand -base64 32",
            ],
        );
    }
    refused(
        &good("").replace(&format!("'{KEY}'"), "[]"),
        &["token_encryption_keys: found an empty list"],
    );
    refused(
        &good("").replace(KEY, "REPLACE_ME"),
        &["token_encryption_keys: found a placeholder"],
    );
    refused(
        &good("scopes = ['chat:write', 'Chat Write']"),
        &["channels.many.scopes[1]: found a text that is no scope"],
    );
    refused(&good("scopes = []"), &["scopes: found an empty list"]);
    refused(
        &good("oauth_base_url = 'slack.com'"),
        &["oauth_base_url: found text that is not a URL"],
    );
    refused(
        &good("public_url = 'ftp://b.example'"),
        &["public_url: found a URL that is neither"],
    );
}

#[test]
fn what_is_probably_not_meant_is_warned_of_without_the_secret() {
    let text =
        good("public_url = 'http://b.example'\noauth_base_url = 'http://slack.example/oauth'")
            .replace("'new'", "'example-slack-client-secret'");
    let config = minimal_and(&text);
    let warnings = config.warnings();
    let about: Vec<_> = warnings
        .iter()
        .filter_map(|warning| warning.split(' ').next())
        .collect();
    assert_eq!(
        about,
        [
            "channels.many.client_secrets[0]",
            "channels.many.oauth_base_url",
            "channels.many.public_url"
        ],
        "{warnings:#?}"
    );
    let printed = format!("{config:?} {warnings:?}");
    for secret in ["example-slack-client-secret", "'old'", KEY] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
