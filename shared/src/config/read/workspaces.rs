//! The keys of a Slack connection that say in which workspaces the app is.

use url::Url;

use crate::config::error::Reported;
use crate::config::kind::{BaseUrl, HeaderText, Kind as _, Scopes, SecretList};
use crate::config::section::Section;
use crate::config::{OAuth, Workspaces};

/// The keys of an app that people install.
const OAUTH: [&str; 6] = [
    "client_id",
    "client_secrets",
    "token_encryption_keys",
    "scopes",
    "oauth_base_url",
    "public_url",
];

/// Those of them that must be there.
const MANY: &str = "client_id, client_secrets and token_encryption_keys";

/// The scopes of `docs/slack-app-manifest.yaml`.
const SCOPES: [&str; 15] = [
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "channels:read",
    "chat:write",
    "chat:write.customize",
    "commands",
    "files:read",
    "groups:history",
    "groups:read",
    "im:history",
    "mpim:history",
    "reactions:write",
    "users:read",
    "users:read.email",
];

/// One workspace by `bot_token`, or many by the keys of OAuth.
pub(super) fn read(section: &Section<'_>) -> Result<Workspaces, Reported> {
    let bot_tokens = section.optional("bot_token", &SecretList::TOKENS);
    let client_id = section.optional("client_id", &HeaderText);
    let client_secrets = section.optional("client_secrets", &SecretList::TOKENS);
    let token_encryption_keys =
        section.optional("token_encryption_keys", &SecretList::ENCRYPTION_KEYS);
    let default = SCOPES.map(str::to_owned).to_vec();
    let scopes = section.or("scopes", &Scopes, default);
    let oauth_base_url = section.or("oauth_base_url", &BaseUrl, slack_oauth());
    let public_url = section.optional("public_url", &BaseUrl);
    let first = OAUTH.into_iter().find(|key| section.has(key));
    match first {
        None => {
            let kind = SecretList::TOKENS.allowed();
            let message = format!(
                "missing; needed: {kind}; or, for many workspaces that install the app, {MANY}"
            );
            let bot_tokens = needed(section, "bot_token", &message, bot_tokens)?;
            Ok(Workspaces::One { bot_tokens })
        }
        Some(key) if section.has("bot_token") => {
            let message = format!(
                "found beside bot_token; allowed: bot_token for one workspace, or {MANY} for many that \
                 install the app"
            );
            Err(section.wrong(key, message))
        }
        Some(_) => {
            let missing = |allowed: String| format!("missing; needed: {allowed}");
            let message = missing(HeaderText.allowed());
            let client_id = needed(section, "client_id", &message, client_id);
            let message = missing(SecretList::TOKENS.allowed());
            let client_secrets = needed(section, "client_secrets", &message, client_secrets);
            let message = missing(SecretList::ENCRYPTION_KEYS.allowed());
            let token_encryption_keys = needed(
                section,
                "token_encryption_keys",
                &message,
                token_encryption_keys,
            );
            Ok(Workspaces::Many(Box::new(OAuth {
                client_id: client_id?,
                client_secrets: client_secrets?,
                token_encryption_keys: token_encryption_keys?,
                scopes: scopes?,
                oauth_base_url: oauth_base_url?,
                public_url: public_url?,
            })))
        }
    }
}

/// A value that must be there in this case.
fn needed<T>(
    section: &Section<'_>,
    key: &str,
    message: &str,
    value: Result<Option<T>, Reported>,
) -> Result<T, Reported> {
    value?.ok_or_else(|| section.missing(key, message))
}

fn slack_oauth() -> Url {
    Url::parse("https://slack.com/oauth/").expect("the default is a URL")
}
