//! The keys that say in which workspaces the app is.

use url::Url;

use super::kinds::{BOT_TOKENS, Scopes};
use crate::install::ENCRYPTION_KEYS;
use haptik_bridge_shared::config::kind::{BaseUrl, SecretList, TextOf, ValueType as _};
use haptik_bridge_shared::config::{KeyDoc, Part, Reported, Secrets, Section};
use haptik_bridge_shared::section;

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

section! {
    /// An app in one workspace.
    struct OneWorkspace {
        /// For an app in one workspace: the *Bot User OAuth Token*, `xoxb-…`; visible ASCII characters.
        bot_tokens as "bot_token": Option<Secrets> = optional(BOT_TOKENS, "required, or the keys of OAuth"),
    }
}

section! {
    /// How people install a Slack app in their workspaces
    /// ([Slack](https://docs.slack.dev/authentication/installing-with-oauth/)).
    pub struct OAuth {
        /// For an app that [many workspaces install](slack.md#many-workspaces), in the place of `bot_token`: its *Client ID*, from *Basic Information*.
        client_id: String = required(TextOf::HEADER, "required for OAuth"),
        /// Its *Client Secret*; visible ASCII characters.
        client_secrets: Secrets = required(SecretList::TOKENS, "required for OAuth"),
        /// What the workspaces' tokens are encrypted with in the table: the base64 of 32 random bytes. Make one with `openssl rand -base64 32`. The newest encrypts, all decrypt.
        token_encryption_keys: Secrets = required(ENCRYPTION_KEYS, "required for OAuth"),
        /// With OAuth: the bot scopes that people are asked for.
        scopes: Vec<String> = or(Scopes, Ok(SCOPES.iter().map(|scope| (*scope).to_owned()).collect()), "those of [the manifest](slack-app-manifest.yaml)"),
        /// With OAuth: below it, at `v2/authorize`, is the page on which people consent.
        oauth_base_url: Url = default(BaseUrl, "https://slack.com/oauth"),
        /// With OAuth: where browsers reach the bridge. The redirect URL is then named to Slack; without it, Slack takes the first one that the app has.
        public_url: Option<Url> = optional(BaseUrl),
    }
}

/// The scopes of the manifest, docs/slack-app-manifest.yaml.
#[rustfmt::skip]
pub(in crate::slack) const SCOPES: &[&str] = &[
    "app_mentions:read", "assistant:write", "channels:history", "channels:read", "chat:write",
    "chat:write.customize", "commands", "files:read", "groups:history", "groups:read", "im:history",
    "im:write", "mpim:history", "reactions:write", "users:read", "users:read.email",
];

/// The keys of [`OAuth`] that must be there.
const MANY: &str = "client_id, client_secrets and token_encryption_keys";

impl Part for Workspaces {
    /// One workspace by `bot_token`, or many by the keys of OAuth.
    fn read(section: &Section<'_>) -> Result<Self, Reported> {
        let one = OneWorkspace::read(section);
        let keys = OAuth::keys();
        let Some(key) = keys.iter().find(|key| section.has(key.key)) else {
            section.know_all(&keys);
            let bot_tokens = one?.bot_tokens.ok_or_else(|| {
                let token = BOT_TOKENS.allowed();
                let message = format!(
                    "missing; needed: {token}; or, for many workspaces that install the app, {MANY}"
                );
                section.missing("bot_token", &message)
            })?;
            return Ok(Self::One { bot_tokens });
        };
        if section.has("bot_token") {
            section.know_all(&keys);
            let message = format!(
                "found beside bot_token; allowed: bot_token for one workspace, or {MANY} for many that \
                 install the app"
            );
            return Err(section.wrong(key.key, message));
        }
        Ok(Self::Many(Part::read(section)?))
    }

    fn keys() -> Vec<KeyDoc> {
        [OneWorkspace::keys(), OAuth::keys()].concat()
    }
}
