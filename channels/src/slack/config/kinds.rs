//! The kinds of values that only Slack has.

use haptik_bridge_shared::config::kind::{
    Fault, Faults, Given, SecretList, ValueType, probably_not_meant, quote,
};

/// Bot tokens.
pub(super) const BOT_TOKENS: SecretList = SecretList {
    warnings: |token| {
        let mut warnings = probably_not_meant(token);
        // Or with token rotation `xoxe.xoxb-`.
        if !token.starts_with("xoxb-") && !token.starts_with("xoxe.xoxb-") {
            let warning = " does not start with \"xoxb-\" as Slack's bot tokens do";
            warnings.push(warning.to_owned());
        }
        warnings
    },
    ..SecretList::TOKENS
};

/// Scopes of Slack's.
#[derive(Debug)]
pub(super) struct Scopes;

impl ValueType for Scopes {
    type Value = Vec<String>;

    fn name(&self) -> String {
        "list of texts".to_owned()
    }

    fn allowed(&self) -> String {
        "a list of Slack's bot scopes, such as [\"chat:write\", \"im:history\"]".to_owned()
    }

    fn read(&self, given: &Given<'_>) -> Result<Vec<String>, Faults> {
        let is_scope = |byte: u8| byte.is_ascii_lowercase() || b":._-".contains(&byte);
        given.each(|text| match text {
            "" => Err("an empty string"),
            text if text.bytes().all(is_scope) => Ok(text.to_owned()),
            _ => Err("a text that is no scope"),
        })
    }
}

/// The name of an emoji, or nothing.
#[derive(Debug)]
pub(super) struct Emoji;

impl ValueType for Emoji {
    type Value = Option<String>;

    fn name(&self) -> String {
        "name of an emoji".to_owned()
    }

    fn allowed(&self) -> String {
        "the name of an emoji without colons, such as \"eyes\", or \"\" for none".to_owned()
    }

    fn read(&self, given: &Given<'_>) -> Result<Option<String>, Faults> {
        let text = given.value().as_str().ok_or_else(|| given.other())?;
        let is_name = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-+'".contains(&byte)
        };
        if text.len() > 100 || !text.bytes().all(is_name) {
            return Err(Fault::new(quote(text)).into());
        }
        Ok(Some(text.to_owned()).filter(|name| !name.is_empty()))
    }
}
