//! `[sinks.NAME]` of the CRMs.

use super::super::error::Reported;
use super::super::kind::{ApiName, BaseUrl, Flag, SecretList, UserName, Whole};
use super::super::section::Section;
use super::super::{Freshdesk, HubSpot, Jira, Salesforce, ServiceNow, ServiceNowLogin, SinkKind};
use super::sinks::ticket;

/// Where HubSpot's API is, for every account.
const HUBSPOT: &str = "https://api.hubapi.com/";

pub(super) fn freshdesk(section: &Section<'_>) -> Result<SinkKind, Reported> {
    let base_url = section.required("base_url", &BaseUrl);
    let api_keys = section.required("api_key", &SecretList::TOKENS);
    let ticket = ticket(section);
    Ok(SinkKind::Freshdesk(Freshdesk {
        base_url: base_url?,
        api_keys: api_keys?,
        ticket: Box::new(ticket?),
    }))
}

pub(super) fn salesforce(section: &Section<'_>) -> Result<SinkKind, Reported> {
    let base_url = section.required("base_url", &BaseUrl);
    let client_id = section.required("client_id", &UserName);
    let client_secrets = section.required("client_secret", &SecretList::TOKENS);
    let field = "Haptik_Conversation__c".to_owned();
    let external_id_field = section.or("external_id_field", &ApiName, field);
    let link_contact = section.or("link_contact", &Flag, true);
    let ticket = ticket(section);
    Ok(SinkKind::Salesforce(Salesforce {
        base_url: base_url?,
        client_id: client_id?,
        client_secrets: client_secrets?,
        external_id_field: external_id_field?,
        link_contact: link_contact?,
        ticket: Box::new(ticket?),
    }))
}

pub(super) fn hubspot(section: &Section<'_>) -> Result<SinkKind, Reported> {
    let default = HUBSPOT.parse().expect("a URL");
    let base_url = section.or("base_url", &BaseUrl, default);
    let access_tokens = section.required("access_token", &SecretList::TOKENS);
    let property = "haptik_conversation".to_owned();
    let unique_property = section.or("unique_property", &ApiName, property);
    let ticket = ticket(section);
    Ok(SinkKind::HubSpot(HubSpot {
        base_url: base_url?,
        access_tokens: access_tokens?,
        unique_property: unique_property?,
        ticket: Box::new(ticket?),
    }))
}

pub(super) fn servicenow(section: &Section<'_>) -> Result<SinkKind, Reported> {
    let base_url = section.required("base_url", &BaseUrl);
    let login = servicenow_login(section);
    let table = section.or("table", &ApiName, "incident".to_owned());
    let ticket = ticket(section);
    Ok(SinkKind::ServiceNow(ServiceNow {
        base_url: base_url?,
        login: login?,
        table: table?,
        ticket: Box::new(ticket?),
    }))
}

/// A user with a password or an OAuth client with a secret, and not parts of both.
fn servicenow_login(section: &Section<'_>) -> Result<ServiceNowLogin, Reported> {
    let username = section.optional("username", &UserName);
    let password = section.optional("password", &SecretList::KEYS);
    let client_id = section.optional("client_id", &UserName);
    let client_secret = section.optional("client_secret", &SecretList::TOKENS);
    let allowed = "needed: username and password, or client_id and client_secret";
    match (username?, password?, client_id?, client_secret?) {
        (Some(username), Some(secrets), None, None) => {
            Ok(ServiceNowLogin::Password { username, secrets })
        }
        (None, None, Some(id), Some(secrets)) => Ok(ServiceNowLogin::Client { id, secrets }),
        (None, None, None, None) => {
            Err(section.missing("username", &format!("missing; {allowed}")))
        }
        (Some(_), None, None, None) => {
            Err(section.missing("password", &format!("missing; {allowed}")))
        }
        (None, None, Some(_), None) => {
            Err(section.missing("client_secret", &format!("missing; {allowed}")))
        }
        (None, Some(_), ..) => Err(section.missing("username", &format!("missing; {allowed}"))),
        (_, _, None, Some(_)) => Err(section.missing("client_id", &format!("missing; {allowed}"))),
        (Some(_), _, Some(_), _) => {
            Err(section.wrong("client_id", format!("found beside username; {allowed}")))
        }
    }
}

pub(super) fn jira(section: &Section<'_>) -> Result<SinkKind, Reported> {
    let base_url = section.required("base_url", &BaseUrl);
    let email = section.required("email", &UserName);
    let api_tokens = section.required("api_token", &SecretList::TOKENS);
    let service_desk_id = section.required("service_desk_id", &Whole::ID);
    let request_type_id = section.required("request_type_id", &Whole::ID);
    let labels = section.or("labels", &Flag, false);
    let raise_on_behalf = section.or("raise_on_behalf", &Flag, true);
    let ticket = ticket(section);
    Ok(SinkKind::Jira(Jira {
        base_url: base_url?,
        email: email?,
        api_tokens: api_tokens?,
        service_desk_id: service_desk_id?,
        request_type_id: request_type_id?,
        labels: labels?,
        raise_on_behalf: raise_on_behalf?,
        ticket: Box::new(ticket?),
    }))
}
