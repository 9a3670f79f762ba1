//! `type = "freshdesk"`.

use url::Url;

use super::ticket::{TicketSink, TicketTexts, definition};
use crate::config::kind::{BaseUrl, SecretList};
use crate::config::{Secrets, SinkDefinition};
use crate::section;

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
