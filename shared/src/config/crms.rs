//! `[sinks.NAME]` of the CRMs: where each is, and how to log in there.

use std::fmt;

use url::Url;

use super::{Secrets, TicketTexts};

/// `type = "freshdesk"`: an account at Freshdesk.
#[derive(Debug, Clone)]
pub struct Freshdesk {
    /// `base_url`: `https://DOMAIN.freshdesk.com`. Ends in a slash.
    pub base_url: Url,
    /// `api_key`: the API key of an agent
    /// ([Freshdesk](https://support.freshdesk.com/support/solutions/articles/215517)).
    pub api_keys: Secrets,
    /// What its tickets say.
    pub ticket: Box<TicketTexts>,
}

/// `type = "salesforce"`: an organisation at Salesforce.
#[derive(Debug, Clone)]
pub struct Salesforce {
    /// `base_url`: the organisation's own domain, `https://DOMAIN.my.salesforce.com`. Ends in a slash.
    pub base_url: Url,
    /// `client_id`: the consumer key of the connected app.
    pub client_id: String,
    /// `client_secret`: the consumer secret of the connected app.
    pub client_secrets: Secrets,
    /// `external_id_field`: the API name of the field on Case that is an external id and unique. Default:
    /// `Haptik_Conversation__c`.
    pub external_id_field: String,
    /// `link_contact`: whether a case is linked to the contact with the requester's address, where there is
    /// exactly one. Default: true.
    pub link_contact: bool,
    /// What its cases say.
    pub ticket: Box<TicketTexts>,
}

/// `type = "hubspot"`: an account at HubSpot.
#[derive(Debug, Clone)]
pub struct HubSpot {
    /// `base_url`. Default: `https://api.hubapi.com`. Ends in a slash.
    pub base_url: Url,
    /// `access_token`: the access token of a private app.
    pub access_tokens: Secrets,
    /// `unique_property`: the internal name of the property of tickets whose values are unique. Default:
    /// `haptik_conversation`.
    pub unique_property: String,
    /// What its tickets say.
    pub ticket: Box<TicketTexts>,
}

/// `type = "servicenow"`: an instance of ServiceNow.
#[derive(Debug, Clone)]
pub struct ServiceNow {
    /// `base_url`: `https://INSTANCE.service-now.com`. Ends in a slash.
    pub base_url: Url,
    /// `username` and `password`, or `client_id` and `client_secret`.
    pub login: ServiceNowLogin,
    /// `table`: the table in which incidents are made. Default: `incident`.
    pub table: String,
    /// What its incidents say.
    pub ticket: Box<TicketTexts>,
}

/// How to log in to ServiceNow.
#[derive(Clone)]
pub enum ServiceNowLogin {
    /// As a user, with each request.
    Password {
        /// `username`.
        username: String,
        /// `password`.
        secrets: Secrets,
    },
    /// As an OAuth client by its credentials.
    Client {
        /// `client_id`.
        id: String,
        /// `client_secret`.
        secrets: Secrets,
    },
}

/// `type = "jira"`: a service desk of Jira Service Management Cloud.
#[derive(Debug, Clone)]
pub struct Jira {
    /// `base_url`: `https://SITE.atlassian.net`. Ends in a slash.
    pub base_url: Url,
    /// `email`: the address of the account whose API token it is.
    pub email: String,
    /// `api_token`: an API token.
    pub api_tokens: Secrets,
    /// `service_desk_id`.
    pub service_desk_id: u64,
    /// `request_type_id`.
    pub request_type_id: u64,
    /// `labels`: whether the request type has the field Labels, which then gets the tags and the external
    /// id. Default: false.
    pub labels: bool,
    /// `raise_on_behalf`: whether a request is raised in the name of the customer with the requester's
    /// address. Default: true.
    pub raise_on_behalf: bool,
    /// What its requests say.
    pub ticket: Box<TicketTexts>,
}

impl fmt::Debug for ServiceNowLogin {
    /// Leaves the secrets out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password { username, .. } => formatter
                .debug_struct("Password")
                .field("username", username)
                .finish_non_exhaustive(),
            Self::Client { id, .. } => formatter
                .debug_struct("Client")
                .field("id", id)
                .finish_non_exhaustive(),
        }
    }
}
