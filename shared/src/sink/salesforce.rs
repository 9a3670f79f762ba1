//! `type = "salesforce"`: Cases of Salesforce
//! (<https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/>).
//!
//! One case: it is created by an upsert on a custom field that is an external id and unique, so that
//! Salesforce itself keeps a second one from being made, at any time.
//!
//! Text is shown as it is written. Comments are not published, so only agents see them.

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Map, Value, json};
use url::Url;

use super::tickets::{Attachment, Comment, Crm, Limits, Ticket, TicketRef};
use crate::config;
use crate::net::api::{Api, ApiAnswer, ApiRequest, below};
use crate::net::oauth::OAuthClient;
use crate::net::{CallError, CallErrorKind};
use crate::wire;

/// The version of the API: Winter '25, which is kept until 2028 at least.
const VERSION: &str = "v62.0";

/// The most characters of each
/// (<https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_case.htm>).
const LONGEST_SUBJECT: usize = 255;
const LONGEST_DESCRIPTION: usize = 32_000;
const LONGEST_NAME: usize = 80;
const LONGEST_PHONE: usize = 40;

/// The most bytes of a comment
/// (<https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_casecomment.htm>).
const LONGEST_COMMENT: usize = 4_000;

/// What says that there is a case with this external id, made at the same moment.
const DUPLICATE: &str = "DUPLICATE_VALUE";

/// Refusals that pass: somebody else changes the same record.
const PASSING: [&str; 2] = ["UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE"];

/// Too many requests, which is a 403
/// (<https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm>).
const TOO_MANY: &str = "REQUEST_LIMIT_EXCEEDED";

/// An organisation at Salesforce.
#[derive(Debug)]
pub struct Salesforce {
    config: config::Salesforce,
    client: OAuthClient,
}

impl Salesforce {
    /// The organisation of this configuration.
    #[must_use]
    pub fn new(config: config::Salesforce) -> Self {
        let client = OAuthClient::new(
            below(&config.base_url, "services/oauth2/token"),
            config.client_id.clone(),
            config.client_secrets.clone(),
        );
        Self { config, client }
    }

    /// All goes to the configured host: client credentials work at the organisation's own domain alone,
    /// which is the `instance_url` of the tokens as well.
    fn url(&self, path: &str) -> Url {
        below(
            &self.config.base_url,
            &format!("services/data/{VERSION}/{path}"),
        )
    }

    /// Sends with the token. Too many requests are told apart from credentials that do not suffice.
    async fn send(&self, api: &Api, request: ApiRequest) -> Result<ApiAnswer, CallError> {
        let api = api.clone().classify(too_many);
        self.client.send(&api, request).await
    }

    fn case_url(&self, ticket: &Ticket) -> Url {
        let field = &self.config.external_id_field;
        self.url(&format!("sobjects/Case/{field}/{}", ticket.external_id))
    }

    fn upsert(&self, ticket: &Ticket, contact: Option<String>) -> ApiRequest {
        let mut body = Map::new();
        let requester = &ticket.requester;
        let supplied = [
            ("SuppliedName", &requester.name, LONGEST_NAME),
            ("SuppliedPhone", &requester.phone, LONGEST_PHONE),
        ];
        for (field, text, longest) in supplied {
            if !text.is_empty() {
                let text: String = text.chars().take(longest).collect();
                body.insert(field.to_owned(), json!(text));
            }
        }
        // An address that is cut is another address.
        if !requester.email.is_empty() && requester.email.len() <= LONGEST_NAME {
            body.insert("SuppliedEmail".to_owned(), json!(requester.email));
        }
        if let Some(contact) = contact {
            body.insert("ContactId".to_owned(), json!(contact));
        }
        let more = ticket.fields.iter().chain(&ticket.custom_fields);
        body.extend(more.map(|(name, value)| (name.clone(), value_of(value))));
        body.insert("Subject".to_owned(), json!(ticket.subject));
        body.insert("Description".to_owned(), json!(ticket.description));
        ApiRequest::new("create a case", Method::PATCH, self.case_url(ticket))
            .json(Value::Object(body))
            .expect(&[300, 400, 404])
    }

    fn case_ref(&self, id: &str) -> TicketRef {
        let url = below(
            &self.config.base_url,
            &format!("lightning/r/Case/{id}/view"),
        );
        TicketRef {
            id: id.to_owned(),
            url: Some(url.to_string()),
        }
    }

    /// The contact with this address, if there is exactly one that the user of the connected app may see.
    async fn contact(&self, api: &Api, email: &str) -> Result<Option<String>, CallError> {
        let soql = format!(
            "SELECT Id FROM Contact WHERE Email = '{}' LIMIT 2",
            quoted(email)
        );
        let found = self.query(api, "find a contact", &soql).await?;
        Ok(match found.as_slice() {
            [contact] => wire::some_text(contact, "Id"),
            _ => None,
        })
    }

    /// The records of a query; none where an object in it may not be seen.
    async fn query(
        &self,
        api: &Api,
        call: &'static str,
        soql: &str,
    ) -> Result<Vec<Value>, CallError> {
        let mut url = self.url("query");
        url.query_pairs_mut().append_pair("q", soql);
        let request = ApiRequest::get(call, url).expect(&[400]);
        let answer = self.send(api, request).await?;
        Ok(wire::list(&answer.body, "records").cloned().collect())
    }

    async fn insert(
        &self,
        api: &Api,
        call: &'static str,
        object: &str,
        body: Value,
    ) -> Result<(), CallError> {
        let url = self.url(&format!("sobjects/{object}"));
        self.send(api, ApiRequest::post(call, url).json(body))
            .await?;
        Ok(())
    }
}

#[async_trait]
impl Crm for Salesforce {
    async fn find(&self, api: &Api, ticket: &Ticket) -> Result<Option<TicketRef>, CallError> {
        let mut url = self.case_url(ticket);
        url.set_query(Some("fields=Id"));
        let request = ApiRequest::get("find a case", url).expect(&[300, 404]);
        let answer = self.send(api, request).await?;
        Ok(match answer.status {
            300 => first_of_several(&answer).map(|id| self.case_ref(&id)),
            404 => None,
            _ => wire::some_text(&answer.body, "Id").map(|id| self.case_ref(&id)),
        })
    }

    async fn create(&self, api: &Api, ticket: &Ticket) -> Result<TicketRef, CallError> {
        let email = &ticket.requester.email;
        let contact = if self.config.link_contact && !email.is_empty() {
            self.contact(api, email).await?
        } else {
            None
        };
        let answer = self.send(api, self.upsert(ticket, contact)).await?;
        let codes = answer.body.to_string();
        match answer.status {
            // Several have it already, because the field is not unique.
            300 => {
                let id = first_of_several(&answer).ok_or_else(|| answer.unreadable())?;
                Ok(self.case_ref(&id))
            }
            400 if codes.contains(DUPLICATE) => {
                let found = self.find(api, ticket).await?;
                found.ok_or_else(|| answer.error(CallErrorKind::Refused))
            }
            400 if PASSING.iter().any(|code| codes.contains(code)) => {
                Err(answer.error(CallErrorKind::Unavailable))
            }
            400 => Err(answer.error(CallErrorKind::Refused)),
            // The field is not there, or not for this user: all cases wait until somebody mends that.
            404 => Err(answer.error(CallErrorKind::Unauthorized)),
            _ => {
                let id = wire::some_text(&answer.body, "id");
                let id = id.ok_or_else(|| answer.unreadable())?;
                Ok(self.case_ref(&id))
            }
        }
    }

    async fn comment(
        &self,
        api: &Api,
        to: &TicketRef,
        comment: &Comment,
        again: bool,
    ) -> Result<(), CallError> {
        if again {
            let soql = format!(
                "SELECT CommentBody FROM CaseComment WHERE ParentId = '{}' ORDER BY CreatedDate DESC LIMIT 200",
                quoted(&to.id)
            );
            let same =
                |other: &Value| wire::text(other, "CommentBody").trim() == comment.text.trim();
            if self
                .query(api, "list comments", &soql)
                .await?
                .iter()
                .any(same)
            {
                return Ok(());
            }
        }
        let body = json!({
            "ParentId": to.id,
            "CommentBody": comment.text,
            "IsPublished": false,
        });
        self.insert(api, "add a comment", "CaseComment", body).await
    }

    async fn attach(
        &self,
        api: &Api,
        to: &TicketRef,
        attachment: &Attachment,
        again: bool,
    ) -> Result<(), CallError> {
        if again {
            let soql = format!(
                "SELECT ContentDocument.Title FROM ContentDocumentLink WHERE LinkedEntityId = '{}'",
                quoted(&to.id)
            );
            let same = |link: &Value| {
                let document = link.get("ContentDocument").unwrap_or(&Value::Null);
                wire::text(document, "Title") == attachment.name
            };
            if self.query(api, "list files", &soql).await?.iter().any(same) {
                return Ok(());
            }
        }
        let body = json!({
            "Title": attachment.name,
            "PathOnClient": attachment.name,
            "VersionData": STANDARD.encode(&attachment.bytes),
            "FirstPublishLocationId": to.id,
        });
        self.insert(api, "attach a file", "ContentVersion", body)
            .await
    }

    fn requests(&self, ticket: &Ticket) -> Vec<ApiRequest> {
        self.client.shown(self.upsert(ticket, None))
    }

    fn limits(&self) -> Limits {
        Limits {
            subject: LONGEST_SUBJECT,
            description: LONGEST_DESCRIPTION,
            comment: LONGEST_COMMENT,
        }
    }

    /// In bytes, as a comment is measured; that is never less than the characters of the rest.
    fn size_of(&self, text: &str) -> usize {
        text.len()
    }

    fn settles_in(&self) -> Duration {
        Duration::ZERO
    }
}

/// Of a 403, whether it says that there were too many requests.
fn too_many(status: u16, body: &str) -> Option<CallErrorKind> {
    (status == 403 && body.contains(TOO_MANY)).then_some(CallErrorKind::RateLimited)
}

/// The id at the end of the first URL of an answer 300.
fn first_of_several(answer: &ApiAnswer) -> Option<String> {
    let first = answer.body.get(0)?.as_str()?;
    let id = first.rsplit('/').next()?;
    Some(id.to_owned()).filter(|id| !id.is_empty())
}

/// A value as a field takes it: lists and objects as their JSON.
fn value_of(value: &Value) -> Value {
    match value {
        Value::Array(_) | Value::Object(_) => json!(value.to_string()),
        other => other.clone(),
    }
}

/// A text between quotation marks in SOQL
/// (<https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_quotedstringescapes.htm>).
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_a_query_early() {
        assert_eq!(quoted("o'neil\\@x"), "o\\'neil\\\\@x");
    }
}
