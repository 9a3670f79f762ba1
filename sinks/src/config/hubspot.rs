//! `type = "hubspot"`.

use url::Url;

use super::kinds::API_NAME;
use super::ticket::{TicketSink, TicketTexts, definition};
use haptik_bridge_shared::config::kind::{BaseUrl, SecretList};
use haptik_bridge_shared::config::{Secrets, SinkDefinition};
use haptik_bridge_shared::section;

/// The type.
pub const DEFINITION: SinkDefinition = definition::<HubSpot>("hubspot");

section! {
    /// `type = "hubspot"`: an account at HubSpot.
    pub struct HubSpot {
        /// Where HubSpot's API is.
        base_url: Url = default(BaseUrl, "https://api.hubapi.com"),
        /// The access token of a private app.
        access_tokens as "access_token": Secrets = required(SecretList::TOKENS),
        /// The property of tickets whose values are unique: 1 to 80 letters, digits and underscores.
        unique_property: String = default(API_NAME, "haptik_conversation"),
        /// What its tickets say.
        ticket: Box<TicketTexts> = part(),
    }
}

impl TicketSink for HubSpot {
    fn ticket(&self) -> &TicketTexts {
        &self.ticket
    }
}
