//! `type = "twilio"` in the configuration.

use haptik_bridge_shared::config::kind::{
    BaseUrl, Fault, Faults, Given, SecretList, TextOf, ValueType, quote,
};
use haptik_bridge_shared::config::{ChannelDefinition, OwnIds, Secrets, Settings};
use haptik_bridge_shared::section;
use url::Url;

/// The type.
pub(super) const DEFINITION: ChannelDefinition = ChannelDefinition {
    auth_ids: OwnIds::User,
    setup,
    ..ChannelDefinition::of::<Config>("twilio")
};

/// What Twilio's console and `register` have behind the URL: a request that is not answered 2xx is sent again
/// (<https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides>). It is never signed.
pub(super) const OVERRIDES: &str = "#rc=3&rp=all";

section! {
    /// `type = "twilio"`: a number, a WhatsApp or RCS sender, or a messaging service of Twilio's.
    pub struct Config {
        /// The account's SID, which the console shows: `AC` and 32 hexadecimal digits.
        account_sid: String = required(ACCOUNT_SID),
        /// The account's auth token: it signs what Twilio sends, and is the password for what Twilio is sent. The secret of a shared key, by which Twilio signs where its console says so, is one more of the list.
        auth_tokens: Secrets = required(SecretList::TOKENS),
        /// Under what messages stand: a number (`+15551234567`), `whatsapp:` or `rcs:` and a sender, or the SID of a messaging service (`MG…`).
        from: Sender = required(Senders),
        /// The whole URL that is pasted into Twilio's console, where it is another than the one that is called behind a gateway or a proxy: it is what Twilio signs, and where it tells what became of a message.
        public_url: Option<String> = optional(PublicUrl, "the URL that is called"),
        /// Below it are `2010-04-01` and the API's resources.
        api_base_url: Url = default(BaseUrl, "https://api.twilio.com"),
        /// Below it is the Content API, by which buttons are made for WhatsApp and RCS.
        content_base_url: Url = default(BaseUrl, "https://content.twilio.com"),
        /// Below it are messaging services, the senders of WhatsApp and RCS, and WhatsApp's typing indicator.
        messaging_base_url: Option<Url> = optional(BaseUrl, "Twilio's own; the `api_base_url`, where that is another"),
    }
}

impl Config {
    /// [`Config::messaging_base_url`], or what is right without it.
    pub(super) fn messaging_base_url(&self) -> Url {
        let own = || {
            let is_twilios = self.api_base_url.host_str() == Some("api.twilio.com");
            Url::parse(MESSAGING).ok().filter(|_| is_twilios)
        };
        let url = self.messaging_base_url.clone().or_else(own);
        url.unwrap_or_else(|| self.api_base_url.clone())
    }
}

/// Where messaging services are.
const MESSAGING: &str = "https://messaging.twilio.com";

const ACCOUNT_SID: TextOf = TextOf {
    name: "text",
    allowed: "an account's SID, \"AC\" and 32 hexadecimal digits",
    check: |text| {
        if is_sid("AC", text) {
            Ok(())
        } else {
            Err(quote(text))
        }
    },
};

/// Under what messages stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// An address: a number, or a sender with the name of its channel before it.
    Address(String),
    /// A messaging service, by its SID.
    Service(String),
}

impl Sender {
    /// The number of a sender of SMS; `None` of all others.
    pub(super) fn number(&self) -> Option<&str> {
        match self {
            Self::Address(address) => Some(address.as_str()).filter(|from| from.starts_with('+')),
            Self::Service(_) => None,
        }
    }

    /// Whether it is a short code, whose webhook is set in the console alone.
    pub(super) fn is_short_code(&self) -> bool {
        match self {
            Self::Address(address) => is_short_code(address),
            Self::Service(_) => false,
        }
    }

    /// The name and the value of the field of a message that says it
    /// (<https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource>).
    pub(super) fn field(&self) -> (&'static str, String) {
        match self {
            Self::Address(address) => ("From", address.clone()),
            Self::Service(sid) => ("MessagingServiceSid", sid.clone()),
        }
    }
}

#[derive(Debug)]
struct Senders;

impl ValueType for Senders {
    type Value = Sender;

    fn name(&self) -> String {
        "sender".to_owned()
    }

    fn allowed(&self) -> String {
        "a number such as \"+15551234567\", 3 to 8 digits of a short code, \"whatsapp:+15551234567\", \
         \"rcs:\" and an agent, or the SID of a messaging service, \"MG\" and 32 hexadecimal digits"
            .to_owned()
    }

    fn read(&self, given: &Given<'_>) -> Result<Sender, Faults> {
        let text = given.text()?;
        sender(text).ok_or_else(|| Fault::new(quote(text)).into())
    }
}

fn sender(text: &str) -> Option<Sender> {
    if is_sid("MG", text) {
        return Some(Sender::Service(text.to_owned()));
    }
    let is_visible = |text: &str| {
        !text.is_empty() && text.len() <= 255 && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let is_address = match text.split_once(':') {
        Some(("whatsapp", number)) => is_number(number),
        Some(("rcs", agent)) => is_visible(agent),
        Some(_) => false,
        None => is_number(text) || is_short_code(text),
    };
    is_address.then(|| Sender::Address(text.to_owned()))
}

/// A number as E.164 has it.
pub(super) fn is_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn is_short_code(text: &str) -> bool {
    (3..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether it is the SID of something: two letters, and 32 hexadecimal digits.
pub(super) fn is_sid(kind: &str, text: &str) -> bool {
    text.strip_prefix(kind).is_some_and(|digits| {
        digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// A URL that is kept as it is written: Twilio signs it so. What stands behind `#` is never signed.
#[derive(Debug)]
struct PublicUrl;

impl ValueType for PublicUrl {
    type Value = String;

    fn name(&self) -> String {
        "URL".to_owned()
    }

    fn allowed(&self) -> String {
        "an http or https URL with a host, without user and password".to_owned()
    }

    fn read(&self, given: &Given<'_>) -> Result<String, Faults> {
        let text = given.text()?;
        let url = Url::parse(text).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
        });
        let signed = text.split('#').next().unwrap_or_default();
        url.map(|_| signed.to_owned())
            .ok_or_else(|| Fault::new("a text that is no such URL").into())
    }
}

fn setup(settings: &Settings, url: &str) -> Vec<(&'static str, String)> {
    let config: Option<&Config> = settings.get();
    let url = config
        .and_then(|config| config.public_url.as_deref())
        .unwrap_or(url);
    let is_short_code = config.is_some_and(|config| config.from.is_short_code());
    let how = if is_short_code {
        "Paste into Twilio's console at the short code as the webhook and the fallback of \"A message comes in\", HTTP POST"
    } else {
        "Give to Twilio by `haptik-bridge register`, or paste into its console at the number, the sender or the messaging service as the webhook and the fallback, HTTP POST"
    };
    vec![(how, format!("{url}{OVERRIDES}"))]
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_sender_is_a_number_a_sender_of_a_channel_or_a_service() {
        let service = format!("MG{HEX}");
        assert_eq!(sender(&service), Some(Sender::Service(service.clone())));
        for address in [
            "+15551234567",
            "whatsapp:+14155238886",
            "rcs:acme_agent",
            "12345",
        ] {
            assert_eq!(sender(address), Some(Sender::Address(address.to_owned())));
        }
        for odd in [
            "",
            "+",
            "+0555123456",
            "15551234567890",
            "+1 555 123 4567",
            "whatsapp:12345",
            "whatsapp:",
            "rcs:",
            "rcs:a b",
            "sms:+15551234567",
            "MG0123",
            "AC0123456789abcdef0123456789abcdef",
        ] {
            assert_eq!(sender(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_service_and_a_number_are_in_fields_of_their_own() {
        let number = Sender::Address("+15551234567".to_owned());
        assert_eq!(number.field(), ("From", "+15551234567".to_owned()));
        assert_eq!(number.number(), Some("+15551234567"));
        let service = Sender::Service(format!("MG{HEX}"));
        assert_eq!(service.field().0, "MessagingServiceSid");
        assert_eq!(Sender::Address("rcs:acme".to_owned()).number(), None);
    }
}
