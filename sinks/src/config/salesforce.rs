//! `type = "salesforce"`.

use url::Url;

use super::kinds::API_NAME;
use super::ticket::{TicketSink, TicketTexts, definition};
use haptik_bridge_shared::config::kind::{BaseUrl, Flag, SecretList, TextOf};
use haptik_bridge_shared::config::{Secrets, SinkDefinition};
use haptik_bridge_shared::section;

/// The type.
pub const DEFINITION: SinkDefinition = definition::<Salesforce>("salesforce");

section! {
    /// `type = "salesforce"`: an organisation at Salesforce.
    pub struct Salesforce {
        /// The organisation's own domain, `https://DOMAIN.my.salesforce.com`.
        base_url: Url = required(BaseUrl),
        /// The consumer key of the app.
        client_id: String = required(TextOf::USER_NAME),
        /// Its consumer secret.
        client_secrets as "client_secret": Secrets = required(SecretList::TOKENS),
        /// The field on Case that is an external id and unique: 1 to 80 letters, digits and underscores.
        external_id_field: String = default(API_NAME, "Haptik_Conversation__c"),
        /// Whether a case is linked to the Contact with the requester's address, where there is exactly one.
        link_contact: bool = default(Flag, true),
        /// What its cases say.
        ticket: Box<TicketTexts> = part(),
    }
}

impl TicketSink for Salesforce {
    fn ticket(&self) -> &TicketTexts {
        &self.ticket
    }
}
