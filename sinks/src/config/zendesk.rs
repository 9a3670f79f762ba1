//! `type = "zendesk"`.

use url::Url;

use super::ticket::{TicketSink, TicketTexts, definition};
use haptik_bridge_shared::config::kind::{BaseUrl, SecretList, TextOf};
use haptik_bridge_shared::config::{Secrets, SinkDefinition};
use haptik_bridge_shared::section;

/// The type.
pub const DEFINITION: SinkDefinition = definition::<Zendesk>("zendesk");

section! {
    /// `type = "zendesk"`: an account at Zendesk Support.
    pub struct Zendesk {
        /// `https://SUBDOMAIN.zendesk.com`.
        base_url: Url = required(BaseUrl),
        /// The address of the agent whose API token it is.
        email: String = required(TextOf::USER_NAME),
        /// An [API token](https://support.zendesk.com/hc/en-us/articles/4408889192858).
        api_tokens as "api_token": Secrets = required(SecretList::TOKENS),
        /// What its tickets say.
        ticket: Box<TicketTexts> = part(),
    }
}

impl TicketSink for Zendesk {
    fn ticket(&self) -> &TicketTexts {
        &self.ticket
    }
}
