//! `type = "telegram"` in the configuration.

use haptik_bridge_shared::config::kind::{
    BaseUrl, Fault, Faults, Flag, Given, SecretList, ValueType, probably_not_meant,
};
use haptik_bridge_shared::config::{ChannelDefinition, OwnIds, Secrets};
use haptik_bridge_shared::{redacted_debug, section};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

/// The type.
pub(super) const DEFINITION: ChannelDefinition = ChannelDefinition {
    setup: |_, url| {
        let how = "Give to Telegram: `haptik-bridge register`, or the method setWebhook";
        vec![(how, url.to_owned())]
    },
    auth_ids: OwnIds::User,
    ..ChannelDefinition::of::<Config>("telegram")
};

section! {
    /// `type = "telegram"`: a Telegram bot.
    pub struct Config {
        /// The bot's token, which [@BotFather](https://t.me/BotFather) gives.
        bot_token: BotToken = required(BotTokens),
        /// What Telegram shows with each request: up to 256 of `A`-`Z`, `a`-`z`, `0`-`9`, `_`, `-`, such as `openssl rand -hex 32` makes. `register` gives Telegram the newest.
        secret_tokens: Secrets = required(SECRET_TOKENS),
        /// Below it are the bots' methods and their files.
        api_base_url: Url = default(BaseUrl, "https://api.telegram.org"),
        /// Whether Haptik is told, as a message of the user's, that a message was edited.
        tell_edits: bool = default(Flag, false),
    }
}

/// A bot's token (<https://core.telegram.org/bots/api#authorizing-your-bot>): it begins with the bot's id.
#[derive(Clone)]
pub struct BotToken {
    /// The bot's id.
    pub(super) id: u64,
    /// The whole token.
    pub(super) secret: SecretString,
}

impl BotToken {
    /// A token, if the text has the form of one.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (id, rest) = text.split_once(':')?;
        let digits = id.bytes().all(|byte| byte.is_ascii_digit());
        let is_token = digits && !rest.is_empty() && rest.bytes().all(is_plain);
        Some(Self {
            id: id.parse().ok().filter(|id| *id > 0 && is_token)?,
            secret: text.into(),
        })
    }
}

redacted_debug!(BotToken { id });

/// A token or several, newest first, of which only the newest is used: when `@BotFather` gives a new one, the
/// old one is over.
#[derive(Debug)]
pub(super) struct BotTokens;

impl ValueType for BotTokens {
    type Value = BotToken;

    const SECRET: bool = true;

    fn name(&self) -> String {
        "secret or list".to_owned()
    }

    fn allowed(&self) -> String {
        "a token as @BotFather gives it, a number, \":\" and letters, digits, _ and -, \
         or a list of such, newest first"
            .to_owned()
    }

    fn read(&self, given: &Given<'_>) -> Result<BotToken, Faults> {
        let read = |text: &str| BotToken::read(text).ok_or("text that is no token");
        let mut tokens = given.each(read)?.into_iter();
        Ok(tokens.next().ok_or_else(|| Fault::new("an empty list"))?)
    }

    fn warnings(&self, token: &BotToken) -> Vec<String> {
        probably_not_meant(token.secret.expose_secret())
    }
}

/// What `setWebhook` takes as `secret_token` (<https://core.telegram.org/bots/api#setwebhook>).
const SECRET_TOKENS: SecretList = SecretList {
    allowed: "1 to 256 of A-Z, a-z, 0-9, _ and -, or a list of such, newest first",
    read: secret_token,
    warnings: unusual_secret_token,
};

fn secret_token(text: &str) -> Result<String, &'static str> {
    if !(1..=256).contains(&text.len()) {
        return Err("text of another length");
    }
    if !text.bytes().all(is_plain) {
        return Err("text with other characters");
    }
    Ok(text.to_owned())
}

fn unusual_secret_token(secret: &str) -> Vec<String> {
    let mut warnings = probably_not_meant(secret);
    if secret.len() < 16 {
        warnings.push(
            " is short enough to be guessed: it is all that tells Telegram from others".to_owned(),
        );
    }
    warnings
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_begins_with_the_bots_id_and_is_never_shown() {
        let token = BotToken::read("123456789:AAH-x_y").expect("a token");
        assert_eq!(token.id, 123_456_789);
        assert!(!format!("{token:?}").contains("AAH"));
        for odd in [
            "",
            "123456789",
            ":AAH",
            "0:AAH",
            "12a:AAH",
            "+1:AAH",
            "1:",
            "1:a b",
            "1:a/b",
            "1:ä",
        ] {
            assert!(BotToken::read(odd).is_none(), "{odd}");
        }
    }

    #[test]
    fn a_secret_is_what_telegram_takes() {
        assert!(secret_token("a-b_C9").is_ok() && secret_token(&"x".repeat(256)).is_ok());
        for odd in ["", "a b", "a.b", "ä", &"x".repeat(257)] {
            assert!(secret_token(odd).is_err(), "{odd}");
        }
        assert_eq!(unusual_secret_token("short").len(), 1);
    }
}
