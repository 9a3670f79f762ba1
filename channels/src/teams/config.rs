//! `type = "teams"` in the configuration.

use haptik_bridge_shared::config::kind::{
    Fault, Faults, Flag, FullUrl, Given, SecretList, Text, ValueType, quote,
};
use haptik_bridge_shared::config::{ChannelDefinition, OwnIds, Secrets};
use haptik_bridge_shared::section;
use url::Url;

use crate::conversation::CONVERSATIONS;
pub(super) use crate::conversation::Conversation;

/// The type.
pub(super) const DEFINITION: ChannelDefinition = ChannelDefinition {
    setup: |_, url| {
        let how = "Paste into the Azure Bot, Configuration, as the messaging endpoint";
        vec![(how, url.to_owned())]
    },
    // A guest without an account in the tenant's directory has no object id.
    auth_ids: OwnIds::SomeUsers,
    ..ChannelDefinition::of::<Config>("teams")
};

section! {
    /// `type = "teams"`: a bot in Microsoft Teams.
    pub struct Config {
        /// The application (client) id of the app registration, which is the bot's *Microsoft App ID* too.
        app_id: String = required(Guid),
        /// The directory (tenant) id of the app registration. Only people of this tenant are talked to.
        tenant_id: String = required(Guid),
        /// The value of a client secret of the app registration, or several, newest first.
        client_secret: Secrets = required(SecretList::KEYS),
        /// What is one user, and so one conversation, at Haptik: a person, or each thread of a person in a channel.
        conversation: Conversation = default(CONVERSATIONS, "user"),
        /// What the bot says where it was added; up to 1,000 characters.
        welcome: String = default(Text { max: 1_000 }, "Hello! Ask me anything here. Where I cannot help, a colleague will.", "a greeting"),
        /// Whether Haptik is told, as a message of the user's, that a message was edited or deleted.
        tell_edits: bool = default(Flag, false),
        /// The document that names the keys of Microsoft's tokens.
        openid_url: Url = default(FullUrl, "https://login.botframework.com/v1/.well-known/openidconfiguration"),
        /// Where the bot gets its access tokens.
        token_url: Option<Url> = optional(FullUrl, "Microsoft's, of the tenant"),
        /// Where answers may be sent besides Microsoft's own servers: origins, such as `https://teams.example.com`.
        service_urls: Option<Vec<Url>> = optional(Origins),
    }
}

/// An id of Microsoft's, as it writes them: in lower case.
#[derive(Debug)]
struct Guid;

impl ValueType for Guid {
    type Value = String;

    fn name(&self) -> String {
        "GUID".to_owned()
    }

    fn allowed(&self) -> String {
        "a GUID, such as 11111111-2222-3333-4444-555555555555".to_owned()
    }

    fn read(&self, given: &Given<'_>) -> Result<String, Faults> {
        let text = given.text()?;
        let guid = text.to_ascii_lowercase();
        if is_guid(&guid) {
            Ok(guid)
        } else {
            Err(Fault::new(quote(text)).into())
        }
    }
}

fn is_guid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    let is_plain = |byte: u8| byte == b'-' || byte.is_ascii_hexdigit();
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(is_plain)
}

/// Some origins.
#[derive(Debug)]
struct Origins;

impl ValueType for Origins {
    type Value = Vec<Url>;

    fn name(&self) -> String {
        "origin or list".to_owned()
    }

    fn allowed(&self) -> String {
        "an http or https URL with a host and nothing behind it, or a list of such".to_owned()
    }

    fn read(&self, given: &Given<'_>) -> Result<Vec<Url>, Faults> {
        given.each(|text| {
            let url = Url::parse(text).ok();
            let url = url.filter(|url| {
                matches!(url.scheme(), "http" | "https")
                    && url.has_host()
                    && url.username().is_empty()
                    && url.password().is_none()
                    && url.path() == "/"
                    && url.query().is_none()
                    && url.fragment().is_none()
            });
            url.ok_or_else(|| quote(text))
        })
    }
}

impl Config {
    /// Where the bot gets its access tokens: of its own tenant, and of no other.
    pub(super) fn token_url(&self) -> Url {
        let of_tenant = || {
            let tenant = &self.tenant_id;
            let url = format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token");
            Url::parse(&url).expect("a URL of a GUID")
        };
        self.token_url.clone().unwrap_or_else(of_tenant)
    }

    /// The bot's own id in Teams.
    pub(super) fn bot(&self) -> String {
        format!("28:{}", self.app_id)
    }
}
