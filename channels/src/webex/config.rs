//! `type = "webex"` in the configuration.

use haptik_bridge_shared::config::kind::{BaseUrl, Flag, SecretList, Text, probably_not_meant};
use haptik_bridge_shared::config::{ChannelDefinition, OwnIds, Secrets};
use haptik_bridge_shared::section;
use url::Url;

/// The type.
pub(super) const DEFINITION: ChannelDefinition = ChannelDefinition {
    setup: |_, url| {
        let how = "Give to Webex: `haptik-bridge register`, which makes the webhooks at this URL";
        vec![(how, url.to_owned())]
    },
    auth_ids: OwnIds::SomeUsers,
    ..ChannelDefinition::of::<Config>("webex")
};

section! {
    /// `type = "webex"`: a Webex bot.
    pub struct Config {
        /// The bot's access token, which [developer.webex.com](https://developer.webex.com/my-apps) shows once.
        bot_token: Secrets = required(SecretList::TOKENS),
        /// What Webex signs each request with: a text of your own, such as `openssl rand -hex 32` makes. `register` gives Webex the newest.
        webhook_secrets: Secrets = required(WEBHOOK_SECRETS),
        /// What the bot says where it was added; up to 1,000 characters.
        welcome: String = default(Text { max: 1_000 }, "Hello! Ask me anything here. Where I cannot help, a colleague will.", "a greeting"),
        /// Whether Haptik is told, as a message of the user's, that a message was edited or deleted.
        tell_edits: bool = default(Flag, false),
        /// Below it are the API's methods.
        api_base_url: Url = default(BaseUrl, "https://webexapis.com/v1"),
    }
}

/// Keys of an HMAC, every byte of which counts.
const WEBHOOK_SECRETS: SecretList = SecretList {
    warnings: unusual_secret,
    ..SecretList::KEYS
};

fn unusual_secret(secret: &str) -> Vec<String> {
    let mut warnings = probably_not_meant(secret);
    if secret.len() < 16 {
        warnings.push(
            " is short enough to be guessed: it is all that tells Webex from others".to_owned(),
        );
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_could_be_guessed_is_told() {
        assert_eq!(unusual_secret("short").len(), 1);
        assert!(unusual_secret(&"4f".repeat(32)).is_empty());
    }
}
