//! The configuration: one TOML text, read into a [`Config`] that is complete, checked and typed.
//!
//! Locally the text is a file; in AWS it is the value of one Secrets Manager secret.
//! `bridge.example.toml` shows every key, and `docs/configuration.md` explains them.
//!
//! [`Config::parse`] reports everything that is wrong with a text at once ([`ConfigErrors`]); what
//! is allowed but probably not meant is in [`Config::warnings`]. Neither says the value of a
//! secret, and the `Debug` of everything here leaves secrets out.
//!
//! In `config/`, `read` has one function for each table, `section` is the table being read, `kind`
//! has the kinds of values, `wording` is how errors say things without saying secrets.

mod crms;
mod error;
mod handoff;
mod kind;
mod read;
mod secrets;
mod section;
mod sinks;
mod warnings;
mod wording;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use toml::de::DeTable;
use url::Url;

pub use crms::{Freshdesk, HubSpot, Jira, Salesforce, ServiceNow, ServiceNowLogin};
pub use error::{ConfigError, ConfigErrors, Position};
pub use secrets::Secrets;
pub use sinks::{
    Condition, EventBridge, FieldValue, Http, Sink, SinkKind, TicketTexts, TranscriptPlace, Zendesk,
};

use crate::template::{self, Template};

/// A whole configuration, checked.
///
/// The names of accounts, connections and sinks are 1 to 40 of `a-z`, `0-9` and `-`, and don't
/// start with `-`.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[haptik.NAME]`: the accounts at Haptik; at least one. Haptik's webhook URL of an account
    /// is `POST /haptik/NAME`.
    pub haptik: BTreeMap<String, Haptik>,
    /// `[channels.NAME]`: the connections; at least one. The URL of a connection is
    /// `/channels/NAME`.
    pub channels: BTreeMap<String, Channel>,
    /// `[sinks.NAME]`: where events go besides.
    pub sinks: BTreeMap<String, Sink>,
    /// `[delivery]`.
    pub delivery: Delivery,
    /// `[outbound]`.
    pub outbound: Outbound,
}

/// `[haptik.NAME]`: one account at Haptik.
#[derive(Clone)]
pub struct Haptik {
    /// `base_url`: below it are the messaging calls. Issued by Haptik; ends in a slash.
    pub base_url: Url,
    /// `integration_base_url`: below it are the agent and transcript calls. Default: `base_url`.
    /// Ends in a slash.
    pub integration_base_url: Url,
    /// `sync_url`: the complete URL of the synchronous message call, which Haptik issues to those
    /// who take part in it. Default: none, and answers come to the webhook.
    pub sync_url: Option<Url>,
    /// `client_id`: the `client-id` header of every call.
    pub client_id: String,
    /// `token`: the bearer token of every call.
    pub tokens: Secrets,
    /// `webhook_secrets`: the keys of `X-Hub-Signature` on what Haptik sends.
    pub webhook_secrets: Secrets,
    /// `business_id`: the Haptik queue that connections talk to unless they have their own.
    pub business_id: Option<u64>,
}

/// `[channels.NAME]`: one connection to a channel.
#[derive(Debug, Clone)]
pub struct Channel {
    /// `haptik`: the name of its account, a key of [`Config::haptik`]. Default: the only one.
    pub haptik: String,
    /// `business_id`: the Haptik queue that it talks to. Default: the account's.
    pub business_id: u64,
    /// How a user gets to a human, and back.
    pub handoff: Handoff,
    /// `type`, and the keys that come with it.
    pub kind: ChannelKind,
}

/// How a connection's users get to a human, and back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handoff {
    /// `team_name`: the team of agents that users are handed to. Default: none, and Haptik decides.
    pub team_name: Option<String>,
    /// `countdown`: how many seconds Haptik has the user wait, 5 to 10. Default: Haptik's, which is 10.
    pub countdown: Option<u8>,
    /// `agent_phrases`: what a user says to ask for a human. Default: none, and only Haptik's bot hands
    /// over.
    pub agent_phrases: Vec<String>,
    /// `no_agent_after`: how long an agent may take to join before the user is given back. `None` for
    /// as long as it takes, which is the default, except for custom channels: 5 minutes.
    pub no_agent_after: Option<Duration>,
    /// `rating`: the user is asked for a rating when an agent's conversation is complete. Default:
    /// false.
    pub rating: bool,
    /// `rating_prompt`: what the user is asked then.
    pub rating_prompt: String,
    /// `requested_notice`: what the user is told who asked for a human.
    pub requested_notice: String,
    /// `waiting_notice`: what the user is told whose request has to wait for Haptik.
    pub waiting_notice: String,
    /// `missed_notice`: what the user is told when no agent joins.
    pub missed_notice: String,
    /// `completed_notice`: what the user is told when an agent's conversation is complete. Default:
    /// Haptik's own words.
    pub completed_notice: Option<String>,
}

/// What a connection connects to.
#[derive(Debug, Clone)]
pub enum ChannelKind {
    /// `type = "slack"`.
    Slack(Slack),
    /// `type = "custom"`.
    Custom(Custom),
}

/// `type = "slack"`: one app, in a Slack workspace or in many.
#[derive(Debug, Clone)]
pub struct Slack {
    /// `signing_secrets`: the keys of `X-Slack-Signature`
    /// ([Slack](https://docs.slack.dev/authentication/verifying-requests-from-slack/)).
    pub signing_secrets: Secrets,
    /// The workspaces in which the app is.
    pub workspaces: Workspaces,
    /// `api_base_url`: below it are the Web API's methods. Default: `https://slack.com/api`. Ends
    /// in a slash.
    pub api_base_url: Url,
    /// `conversation`: what is one user at Haptik. Default: `"user"`.
    pub conversation: Conversation,
    /// `agent_identity`: agents speak under their own name and picture, where the app has the scope
    /// `chat:write.customize`. Default: true.
    pub agent_identity: bool,
    /// `carousels`: cards stand side by side, where Slack's own cards hold what they say; else below
    /// each other. Default: true.
    pub carousels: bool,
    /// `reaction`: the name of the emoji on a message that is being answered. Default: `"eyes"`; `""`
    /// in the file for none.
    pub reaction: Option<String>,
    /// `tell_edits`: Haptik is told that a message was edited or deleted. Default: false.
    pub tell_edits: bool,
    /// `welcome`: what the app's Home tab and the assistant say first. Up to 1,000 characters.
    pub welcome: String,
    /// `suggested_prompts`: what the assistant offers to say; up to 4 of up to 75 characters.
    /// Default: none.
    pub suggested_prompts: Vec<String>,
}

/// The workspaces in which a Slack app is.
#[derive(Debug, Clone)]
pub enum Workspaces {
    /// One.
    One {
        /// `bot_token`: the bot token, `xoxb-…`
        /// ([Slack](https://docs.slack.dev/authentication/tokens/)).
        bot_tokens: Secrets,
    },
    /// As many as install it.
    Many(Box<OAuth>),
}

/// How people install a Slack app in their workspaces
/// ([Slack](https://docs.slack.dev/authentication/installing-with-oauth/)).
#[derive(Debug, Clone)]
pub struct OAuth {
    /// `client_id`: the app's client id.
    pub client_id: String,
    /// `client_secrets`: the app's client secret.
    pub client_secrets: Secrets,
    /// `token_encryption_keys`: the base64 of 32 bytes each. The newest encrypts the tokens in the
    /// table, any decrypts them.
    pub token_encryption_keys: Secrets,
    /// `scopes`: what the app asks for. Default: those of `docs/slack-app-manifest.yaml`.
    pub scopes: Vec<String>,
    /// `oauth_base_url`: below it is the page on which people consent. Default:
    /// `https://slack.com/oauth`. Ends in a slash.
    pub oauth_base_url: Url,
    /// `public_url`: where browsers reach the bridge. Default: none, and Slack sends them back to the
    /// first redirect URL that the app has. Ends in a slash.
    pub public_url: Option<Url>,
}

/// What is one conversation, and so one user at Haptik.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Conversation {
    /// `"user"`: everything that a person writes is one conversation.
    #[default]
    User,
    /// `"thread"`: every thread of a person is one.
    Thread,
}

/// `type = "custom"`: an application of one's own, signed both ways as
/// [Standard Webhooks](https://www.standardwebhooks.com).
#[derive(Clone)]
pub struct Custom {
    /// `signing_secrets`: `whsec_` and padded base64. What it sends is signed by any of them, what
    /// it gets by each, newest first.
    pub signing_secrets: Secrets,
    /// `callback_url`: where the application gets its messages.
    pub callback_url: Url,
    /// `handoff_only`: the application has a bot of its own, and what its users say is taken only while
    /// they are handed over to a human. Default: false.
    pub handoff_only: bool,
    /// `transcript`: how Haptik is told what was said before a hand-off. Default: `"message"`.
    pub transcript: Transcript,
}

/// How a transcript is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transcript {
    /// `"message"`: as one message, or as few as it fits into.
    #[default]
    Message,
    /// `"lines"`: line by line.
    Lines,
}

/// `[delivery]`: how the ledger delivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// `reorder_window_ms`: how long an entry is held from its receipt, so that what Haptik sent
    /// before it can overtake it. 0 to 10,000 ms, 0 switches it off. Default: 200 ms.
    pub reorder_window: Duration,
    /// `give_up_after`: how long an entry is tried before it is dead. 1 minute to 14 days.
    /// Default: 24 hours.
    pub give_up_after: Duration,
    /// `entry_ttl`: how long an entry is kept for the timeline and replay. 1 hour to 365 days, and
    /// not less than `give_up_after`. Default: 7 days.
    pub entry_ttl: Duration,
}

/// `[outbound]`: what the bridge may call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outbound {
    /// `allow_private_networks`: lets URLs that users supply (attachments) point at private or
    /// loopback addresses. For tests. Default: false.
    pub allow_private_networks: bool,
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, at once. A text that is not TOML is refused for that
    /// alone: what its keys are is not known then.
    pub fn parse(toml: &str) -> Result<Self, ConfigErrors> {
        Self::read(toml, Template::check)
    }

    /// Reads a configuration for somebody who sends nothing to its sinks: as [`Config::parse`], but
    /// what is inside a template is not looked at, and so the engine for that is not needed.
    ///
    /// # Errors
    ///
    /// As [`Config::parse`], without those of templates.
    pub fn parse_without_templates(toml: &str) -> Result<Self, ConfigErrors> {
        Self::read(toml, |_, _| Ok(()))
    }

    fn read(toml: &str, check: template::Check) -> Result<Self, ConfigErrors> {
        let report = error::Report::default();
        let (table, mut faults) = DeTable::parse_recoverable(toml);
        faults.sort_by_key(|fault| fault.span().map(|span| span.start));
        // The parser's own `Display` prints the line, which can hold a secret. Of one line, only the
        // first fault says something; the others follow from it.
        let mut broken = None;
        let mut line_of_last = 0..0;
        for fault in &faults {
            let at = fault.span().map(|span| span.start);
            if at.is_some_and(|at| line_of_last.contains(&at)) {
                continue;
            }
            if let Some(at) = at {
                let rest = toml.get(at..).unwrap_or_default();
                line_of_last = at..at + rest.find('\n').unwrap_or(rest.len()) + 1;
            }
            let message = format!("not TOML: {}", fault.message());
            broken = Some(report.add(at, String::new(), message));
        }
        // After a duplicate key the rest is still what was meant; after other faults it may not be.
        let only_duplicates = faults
            .iter()
            .all(|fault| fault.message() == "duplicate key");
        let config = match broken {
            Some(reported) if !only_duplicates => Err(reported),
            _ => read::config(&section::Section::root(table.get_ref(), &report, check)),
        };
        report.conclude(config, toml)
    }

    /// What is allowed but probably not meant, one sentence each, without secrets.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        warnings::of(self)
    }

    /// The account of a connection; `None` when there is no such connection.
    #[must_use]
    pub fn haptik_of(&self, connection: &str) -> Option<&Haptik> {
        self.haptik.get(&self.channels.get(connection)?.haptik)
    }
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            reorder_window: Duration::from_millis(200),
            give_up_after: Duration::from_hours(24),
            entry_ttl: Duration::from_hours(7 * 24),
        }
    }
}

/// The text of `bridge.example.toml`, which shows every key with its default. It is a valid
/// configuration, whose secrets are worthless.
#[must_use]
pub fn example() -> &'static str {
    include_str!("../../bridge.example.toml")
}

impl fmt::Debug for Haptik {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Haptik")
            .field("base_url", &self.base_url.as_str())
            .field("integration_base_url", &self.integration_base_url.as_str())
            .field("sync_url", &self.sync_url.as_ref().map(origin))
            .field("client_id", &self.client_id)
            .field("tokens", &self.tokens)
            .field("webhook_secrets", &self.webhook_secrets)
            .field("business_id", &self.business_id)
            .finish()
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Custom")
            .field("signing_secrets", &self.signing_secrets)
            .field("callback_url", &origin(&self.callback_url))
            .field("handoff_only", &self.handoff_only)
            .field("transcript", &self.transcript)
            .finish()
    }
}

/// A URL without its path and query, which can be what keeps it private.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}
