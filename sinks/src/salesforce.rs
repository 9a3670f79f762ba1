//! `type = "salesforce"`: Cases of Salesforce
//! (<https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/>).
//!
//! One case: it is created by an upsert on a custom field that is an external id and unique, so that
//! Salesforce itself keeps a second one from being made, at any time.
//!
//! Text is shown as it is written. Comments are not published, so only agents see them.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use haptik_bridge_shared::config::Secrets;
use haptik_bridge_shared::config::kind::{BaseUrl, Flag, SecretList, TextOf};
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::api::{ApiAnswer, ApiRequest, below};
use haptik_bridge_shared::net::oauth::OAuthClient;
use haptik_bridge_shared::net::{CallError, CallErrorKind};
use haptik_bridge_shared::section;
use http::Method;
use serde_json::{Map, Value, json};
use url::Url;

use crate::Limit;
use crate::config::kinds::API_NAME;
use crate::config::ticket::{TicketSink, TicketTexts};
use crate::plain::record_id;
use crate::tickets::{
    Attachment, Auth, Comment, Crm, CrmClient, CrmType, Limits, Ticket, TicketRef,
};

/// The version of the API: Winter '25, which is kept until 2028 at least.
const VERSION: &str = "v62.0";

/// The most characters of each, as Java counts them
/// (<https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_case.htm>).
const SUBJECT: Limit = Limit::utf16(255);
const DESCRIPTION: Limit = Limit::utf16(32_000);
const NAME: Limit = Limit::utf16(80);
const EMAIL: Limit = Limit::utf16(80);
const PHONE: Limit = Limit::utf16(40);

/// The most bytes of a comment
/// (<https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_casecomment.htm>).
const COMMENT: Limit = Limit::bytes(4_000);

/// What says that there is a case with this external id, made at the same moment.
const DUPLICATE: &str = "DUPLICATE_VALUE";

/// Refusals that pass: somebody else changes the same record.
const PASSING: [&str; 2] = ["UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE"];

/// Too many requests, which is a 403
/// (<https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm>).
const TOO_MANY: &str = "REQUEST_LIMIT_EXCEEDED";

section! {
    /// `type = "salesforce"`: an organisation at Salesforce.
    pub struct Config {
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

impl TicketSink for Config {
    fn ticket(&self) -> &TicketTexts {
        &self.ticket
    }
}

/// An organisation at Salesforce.
#[derive(Debug)]
pub struct Salesforce {
    config: Config,
    client: CrmClient,
}

impl CrmType for Salesforce {
    const NAME: &'static str = "salesforce";
    const ERASURE: &'static str = "delete the cases and the contact, and empty the recycle bin";
    const LIMITS: Limits = Limits {
        name: NAME,
        email: EMAIL,
        phone: PHONE,
        field: Limit::utf16(131_072),
        ..Limits::of(SUBJECT, DESCRIPTION, COMMENT)
    };
    type Config = Config;

    /// All goes to the configured host: client credentials work at the organisation's own domain alone,
    /// which is the `instance_url` of the tokens as well.
    fn new(config: &Self::Config, http: reqwest::Client) -> Self {
        let auth = Auth::OAuth(OAuthClient::new(
            below(&config.base_url, "services/oauth2/token"),
            config.client_id.clone(),
            config.client_secrets.clone(),
        ));
        Self {
            client: CrmClient::new(http, &config.base_url, auth).classify(passing),
            config: config.clone(),
        }
    }
}

impl Salesforce {
    fn url(&self, path: &str) -> Url {
        self.client.url(&format!("services/data/{VERSION}/{path}"))
    }

    fn case_url(&self, ticket: &Ticket) -> Url {
        let field = &self.config.external_id_field;
        self.url(&format!("sobjects/Case/{field}/{}", ticket.external_id))
    }

    fn upsert(&self, ticket: &Ticket, contact: Option<String>) -> ApiRequest {
        let mut body = Map::new();
        let requester = &ticket.requester;
        let supplied = [
            ("SuppliedName", &requester.name),
            ("SuppliedPhone", &requester.phone),
            ("SuppliedEmail", &requester.email),
        ];
        for (field, text) in supplied {
            if !text.is_empty() {
                body.insert(field.to_owned(), json!(text));
            }
        }
        if let Some(contact) = contact {
            body.insert("ContactId".to_owned(), json!(contact));
        }
        body.extend(ticket.all_fields(value_of));
        body.insert("Subject".to_owned(), json!(ticket.subject));
        body.insert("Description".to_owned(), json!(ticket.description));
        ApiRequest::new("create a case", Method::PATCH, self.case_url(ticket))
            .json(Value::Object(body))
            .expect(&[300, 400, 404])
    }

    fn case_ref(&self, id: String) -> TicketRef {
        let url = self.client.url(&format!("lightning/r/Case/{id}/view"));
        TicketRef::at(id, &url)
    }

    /// The contact with this address, if there is exactly one that the user of the connected app may see.
    async fn contact(&self, email: &str) -> Result<Option<String>, CallError> {
        let soql = format!(
            "SELECT Id FROM Contact WHERE Email = '{}' LIMIT 2",
            quoted(email)
        );
        let found = self.query("find a contact", &soql).await?;
        Ok(match found.as_slice() {
            [contact] => lenient_json::some_text(contact, "Id"),
            _ => None,
        })
    }

    /// The records of a query; none where an object in it may not be seen.
    async fn query(&self, call: &'static str, soql: &str) -> Result<Vec<Value>, CallError> {
        let mut url = self.url("query");
        url.query_pairs_mut().append_pair("q", soql);
        let request = ApiRequest::get(call, url).expect(&[400]);
        let answer = self.client.send(request).await?;
        Ok(lenient_json::list(&answer.body, "records")
            .cloned()
            .collect())
    }

    async fn insert(&self, call: &'static str, object: &str, body: Value) -> Result<(), CallError> {
        let url = self.url(&format!("sobjects/{object}"));
        let request = ApiRequest::post(call, url).json(body);
        self.client.send(request).await.map(drop)
    }
}

#[async_trait]
impl Crm for Salesforce {
    /// What a case is (<https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_basic_info.htm>):
    /// whoever may not see cases is not told.
    async fn me(&self) -> Result<String, CallError> {
        let request = ApiRequest::get("say what a case is", self.url("sobjects/Case"));
        self.client.send(request).await?;
        Ok("Salesforce knows the app, which may see cases".to_owned())
    }

    async fn find(&self, ticket: &Ticket) -> Result<Option<TicketRef>, CallError> {
        let mut url = self.case_url(ticket);
        url.set_query(Some("fields=Id"));
        let request = ApiRequest::get("find a case", url).expect(&[300, 404]);
        let answer = self.client.send(request).await?;
        let id = match answer.status {
            300 => first_of_several(&answer),
            404 => None,
            _ => record_id(&answer.body, "Id"),
        };
        Ok(id.map(|id| self.case_ref(id)))
    }

    async fn create(&self, ticket: &Ticket) -> Result<TicketRef, CallError> {
        let email = &ticket.requester.email;
        let contact = if self.config.link_contact && !email.is_empty() {
            self.contact(email).await?
        } else {
            None
        };
        let answer = self.client.send(self.upsert(ticket, contact)).await?;
        let codes = answer.body.to_string();
        let id = match answer.status {
            // Several have it already, because the field is not unique.
            300 => first_of_several(&answer),
            400 if codes.contains(DUPLICATE) => {
                let found = self.find(ticket).await?;
                return found.ok_or_else(|| answer.error(CallErrorKind::Refused));
            }
            400 if PASSING.iter().any(|code| codes.contains(code)) => {
                return Err(answer.error(CallErrorKind::Unavailable));
            }
            400 => return Err(answer.error(CallErrorKind::Refused)),
            // The field is not there, or not for this user: all cases wait until somebody mends that.
            404 => return Err(answer.error(CallErrorKind::Unauthorized)),
            _ => record_id(&answer.body, "id"),
        };
        let id = id.ok_or_else(|| answer.unreadable())?;
        Ok(self.case_ref(id))
    }

    async fn comments(&self, to: &TicketRef) -> Result<Vec<String>, CallError> {
        let soql = format!(
            "SELECT CommentBody FROM CaseComment WHERE ParentId = '{}' ORDER BY CreatedDate DESC LIMIT 200",
            quoted(&to.id)
        );
        let comments = self.query("list comments", &soql).await?;
        let texts = comments
            .iter()
            .map(|other| lenient_json::text(other, "CommentBody"));
        Ok(texts.collect())
    }

    async fn comment(&self, to: &TicketRef, comment: &Comment) -> Result<(), CallError> {
        let body = json!({
            "ParentId": to.id,
            "CommentBody": comment.text,
            "IsPublished": false,
        });
        self.insert("add a comment", "CaseComment", body).await
    }

    async fn attachments(&self, to: &TicketRef) -> Result<Vec<String>, CallError> {
        let soql = format!(
            "SELECT ContentDocument.Title FROM ContentDocumentLink WHERE LinkedEntityId = '{}'",
            quoted(&to.id)
        );
        let files = self.query("list files", &soql).await?;
        let titles = files.iter().map(|link| {
            let document = link.get("ContentDocument").unwrap_or(&Value::Null);
            lenient_json::text(document, "Title")
        });
        Ok(titles.collect())
    }

    async fn attach(&self, to: &TicketRef, attachment: &Attachment) -> Result<(), CallError> {
        let body = json!({
            "Title": attachment.name,
            "PathOnClient": attachment.name,
            "VersionData": STANDARD.encode(&attachment.bytes),
            "FirstPublishLocationId": to.id,
        });
        self.insert("attach a file", "ContentVersion", body).await
    }

    fn requests(&self, ticket: &Ticket) -> Vec<ApiRequest> {
        self.client.shown(self.upsert(ticket, None))
    }
}

/// Of a 403, whether it says that there were too many requests; of a 400, whether it passes.
fn passing(status: u16, body: &str) -> Option<CallErrorKind> {
    match status {
        403 if body.contains(TOO_MANY) => Some(CallErrorKind::RateLimited),
        400 if PASSING.iter().any(|code| body.contains(code)) => Some(CallErrorKind::Unavailable),
        _ => None,
    }
}

/// The id at the end of the first URL of an answer 300.
fn first_of_several(answer: &ApiAnswer) -> Option<String> {
    let first = answer.body.get(0)?.as_str()?;
    let id = first.rsplit('/').next()?;
    record_id(&json!({"id": id}), "id")
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
