//! `type = "freshdesk"`.

use url::Url;

use super::ticket::{TicketSink, TicketTexts, definition};
use haptik_bridge_shared::config::kind::{BaseUrl, SecretList};
use haptik_bridge_shared::config::{Secrets, SinkDefinition};
use haptik_bridge_shared::section;

/// The type.
pub const DEFINITION: SinkDefinition = definition::<Freshdesk>("freshdesk");

section! {
    /// `type = "freshdesk"`: an account at Freshdesk.
    pub struct Freshdesk {
        /// `https://DOMAIN.freshdesk.com`.
        base_url: Url = required(BaseUrl),
        /// The [API key](https://support.freshdesk.com/support/solutions/articles/215517) of an agent.
        api_keys as "api_key": Secrets = required(SecretList::TOKENS),
        /// What its tickets say.
        ticket: Box<TicketTexts> = part(),
    }
}

impl TicketSink for Freshdesk {
    fn ticket(&self) -> &TicketTexts {
        &self.ticket
    }
}
