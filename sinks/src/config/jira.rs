//! `type = "jira"`.

use url::Url;

use super::ticket::{TicketSink, TicketTexts, definition};
use haptik_bridge_shared::config::kind::{BaseUrl, Flag, SecretList, TextOf, Whole};
use haptik_bridge_shared::config::{Secrets, SinkDefinition};
use haptik_bridge_shared::section;

/// The type.
pub const DEFINITION: SinkDefinition = definition::<Jira>("jira");

section! {
    /// `type = "jira"`: a service desk of Jira Service Management Cloud.
    pub struct Jira {
        /// `https://SITE.atlassian.net`.
        base_url: Url = required(BaseUrl),
        /// The address of the account whose API token it is.
        email: String = required(TextOf::USER_NAME),
        /// An API token.
        api_tokens as "api_token": Secrets = required(SecretList::TOKENS),
        /// The service desk.
        service_desk_id: u64 = required(Whole::ID),
        /// The request type.
        request_type_id: u64 = required(Whole::ID),
        /// Whether the request type has the field Labels, which then gets the tags and the external id.
        labels: bool = default(Flag, false),
        /// Whether a request is raised in the name of the customer with the requester's address.
        raise_on_behalf: bool = default(Flag, true),
        /// What its requests say.
        ticket: Box<TicketTexts> = part(),
    }
}

impl TicketSink for Jira {
    fn ticket(&self) -> &TicketTexts {
        &self.ticket
    }
}
