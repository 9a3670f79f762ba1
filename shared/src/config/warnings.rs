//! What is allowed but probably not meant.

use std::net::{Ipv4Addr, Ipv6Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;
use url::{Host, Url};

use super::wording::{list_of, quote};
use super::{ChannelKind, Config, Secrets, ServiceNowLogin, SinkKind, Workspaces};

/// The events that Haptik's documentation names, and the bridge's own, which a sink may ask for.
const EVENTS: [&str; 6] = [
    "*",
    "message",
    "chat_pinned",
    "chat_complete",
    "webhook_conversation_complete",
    "missed_handoff",
];

/// The warnings of a configuration, in the order of its tables.
pub(super) fn of(config: &Config) -> Vec<String> {
    let mut warnings = Warnings::default();
    for (name, haptik) in &config.haptik {
        let path = format!("haptik.{name}");
        warnings.url(&path, "base_url", &haptik.base_url);
        if haptik.integration_base_url != haptik.base_url {
            warnings.url(&path, "integration_base_url", &haptik.integration_base_url);
        }
        if let Some(url) = &haptik.sync_url {
            warnings.url(&path, "sync_url", url);
        }
        warnings.secrets(&path, "token", &haptik.tokens);
        warnings.secrets(&path, "webhook_secrets", &haptik.webhook_secrets);
    }
    for (name, channel) in &config.channels {
        let path = format!("channels.{name}");
        match &channel.kind {
            ChannelKind::Slack(slack) => {
                warnings.secrets(&path, "signing_secrets", &slack.signing_secrets);
                warnings.workspaces(&path, &slack.workspaces);
                warnings.url(&path, "api_base_url", &slack.api_base_url);
            }
            ChannelKind::Custom(custom) => {
                warnings.standard_webhooks(&path, &custom.signing_secrets);
                warnings.url(&path, "callback_url", &custom.callback_url);
            }
        }
    }
    for (name, sink) in &config.sinks {
        let path = format!("sinks.{name}");
        warnings.events(&path, &sink.events);
        match &sink.kind {
            SinkKind::Webhook {
                url,
                signing_secrets,
            } => {
                warnings.url(&path, "url", url);
                warnings.standard_webhooks(&path, signing_secrets);
            }
            SinkKind::EventBridge(_) => {}
            SinkKind::Http(http) => {
                for (name, secret) in &http.secrets {
                    let secrets = Secrets::new(secret.clone(), []);
                    warnings.secrets(&format!("{path}.secrets"), name, &secrets);
                }
            }
            SinkKind::Zendesk(zendesk) => {
                warnings.url(&path, "base_url", &zendesk.base_url);
                warnings.secrets(&path, "api_token", &zendesk.api_tokens);
            }
            SinkKind::Freshdesk(freshdesk) => {
                warnings.url(&path, "base_url", &freshdesk.base_url);
                warnings.secrets(&path, "api_key", &freshdesk.api_keys);
            }
            SinkKind::Salesforce(salesforce) => {
                warnings.url(&path, "base_url", &salesforce.base_url);
                warnings.secrets(&path, "client_secret", &salesforce.client_secrets);
            }
            SinkKind::HubSpot(hubspot) => {
                warnings.url(&path, "base_url", &hubspot.base_url);
                warnings.secrets(&path, "access_token", &hubspot.access_tokens);
            }
            SinkKind::ServiceNow(servicenow) => {
                warnings.url(&path, "base_url", &servicenow.base_url);
                match &servicenow.login {
                    ServiceNowLogin::Password { secrets, .. } => {
                        warnings.secrets(&path, "password", secrets);
                    }
                    ServiceNowLogin::Client { secrets, .. } => {
                        warnings.secrets(&path, "client_secret", secrets);
                    }
                }
            }
            SinkKind::Jira(jira) => {
                warnings.url(&path, "base_url", &jira.base_url);
                warnings.secrets(&path, "api_token", &jira.api_tokens);
            }
        }
    }
    if config.outbound.allow_private_networks {
        warnings.0.push(
            "outbound.allow_private_networks is true: users can make the bridge fetch from private \
             addresses; leave it off outside tests"
                .to_owned(),
        );
    }
    warnings.0
}

#[derive(Debug, Default)]
struct Warnings(Vec<String>);

impl Warnings {
    fn url(&mut self, path: &str, key: &str, url: &Url) {
        if url.scheme() == "http" && !is_loopback(url) {
            self.0.push(format!(
                "{path}.{key} is http: what is sent there, secrets included, can be read on the way; \
                 use https"
            ));
        }
    }

    /// Secrets of `bridge.example.toml`, which everybody knows, and such with a stray space.
    fn secrets(&mut self, path: &str, key: &str, secrets: &Secrets) {
        for (index, secret) in secrets.iter().enumerate() {
            let secret = secret.expose_secret();
            if secret.trim_start_matches("xoxb-").starts_with("example-") {
                self.example(path, key, index);
            }
            if secret.trim() != secret {
                self.0.push(format!(
                    "{path}.{key}[{index}] has white space around it, which is part of the secret"
                ));
            }
        }
    }

    fn standard_webhooks(&mut self, path: &str, secrets: &Secrets) {
        let key = "signing_secrets";
        for (index, secret) in secrets.iter().enumerate() {
            let secret = secret.expose_secret();
            let bytes = STANDARD
                .decode(secret.trim_start_matches("whsec_"))
                .unwrap_or_default();
            if bytes.starts_with(b"example-") {
                self.example(path, key, index);
            }
            if !(24..=64).contains(&bytes.len()) {
                self.0.push(format!(
                    "{path}.{key}[{index}] has {} bytes; Standard Webhooks wants 24 to 64",
                    bytes.len()
                ));
            }
        }
    }

    fn example(&mut self, path: &str, key: &str, index: usize) {
        self.0.push(format!(
            "{path}.{key}[{index}] looks like the one of bridge.example.toml, which is no secret; \
             put your own there"
        ));
    }

    fn workspaces(&mut self, path: &str, workspaces: &Workspaces) {
        match workspaces {
            Workspaces::One { bot_tokens } => {
                self.secrets(path, "bot_token", bot_tokens);
                self.bot_tokens(path, bot_tokens);
            }
            Workspaces::Many(oauth) => {
                self.secrets(path, "client_secrets", &oauth.client_secrets);
                self.url(path, "oauth_base_url", &oauth.oauth_base_url);
                if let Some(url) = &oauth.public_url {
                    self.url(path, "public_url", url);
                }
            }
        }
    }

    /// `xoxb-`, or with token rotation `xoxe.xoxb-`.
    fn bot_tokens(&mut self, path: &str, tokens: &Secrets) {
        for (index, token) in tokens.iter().enumerate() {
            let token = token.expose_secret();
            if !token.starts_with("xoxb-") && !token.starts_with("xoxe.xoxb-") {
                self.0.push(format!(
                    "{path}.bot_token[{index}] does not start with \"xoxb-\" as Slack's bot tokens do"
                ));
            }
        }
    }

    fn events(&mut self, path: &str, events: &[String]) {
        for event in events
            .iter()
            .filter(|event| !EVENTS.contains(&event.as_str()))
        {
            self.0.push(format!(
                "{path}.events has {}, which is no event of Haptik's documentation or of the bridge: {}",
                quote(event),
                list_of(&EVENTS)
            ));
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => Ipv4Addr::is_loopback(&address),
        Some(Host::Ipv6(address)) => Ipv6Addr::is_loopback(&address),
        None => false,
    }
}
