//! `type = "jira"`: customer requests of Jira Service Management Cloud
//! (<https://developer.atlassian.com/cloud/jira/service-desk/rest/api-group-request/>).
//!
//! One request: Jira has neither idempotency keys nor unique fields. The external id stands at the end of
//! the description, or is a label, and Jira is searched for it before a request is created again. That
//! search is behind by seconds to minutes, so `SEARCH_LAG` must have passed. What remains is an index
//! that is further behind.
//!
//! Description and comments are sent as documents (ADF), so that nothing in them is taken for markup.
//! Comments are internal.

use std::time::Duration;

use async_trait::async_trait;
use haptik_bridge_shared::config::Secrets;
use haptik_bridge_shared::config::kind::{BaseUrl, Flag, SecretList, TextOf, Whole};
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::CallError;
use haptik_bridge_shared::net::api::ApiRequest;
use haptik_bridge_shared::section;
use http::HeaderName;
use serde_json::{Map, Value, json};
use url::Url;

use crate::Limit;
use crate::config::ticket::{TicketSink, TicketTexts};
use crate::plain::record_id;
use crate::tickets::{
    Attachment, Auth, Comment, Crm, CrmClient, CrmType, Limits, Requester, Ticket, TicketRef,
};

/// Less than 255 characters.
const SUBJECT: Limit = Limit::utf16(254);

/// 32,767 characters, of the document as it is stored, in which each line costs some more; less the line
/// with the external id.
const TEXT: Limit = Limit {
    most: 32_000,
    size_of: |text| document(text).to_string().encode_utf16().count(),
};

/// Without it, uploads are taken for forged ones.
const ATLASSIAN_TOKEN: HeaderName = HeaderName::from_static("x-atlassian-token");

section! {
    /// `type = "jira"`: a service desk of Jira Service Management Cloud.
    pub struct Config {
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

impl TicketSink for Config {
    fn ticket(&self) -> &TicketTexts {
        &self.ticket
    }
}

/// A service desk of Jira.
#[derive(Debug)]
pub struct Jira {
    config: Config,
    client: CrmClient,
}

impl CrmType for Jira {
    const NAME: &'static str = "jira";
    const ERASURE: &'static str =
        "delete the requests and the customer; an Atlassian account is its owner's to delete";
    const LIMITS: Limits = Limits {
        tag_of: label_of,
        field: Limit::utf16(32_767),
        ..Limits::of(SUBJECT, TEXT, TEXT)
    };
    /// "The delay might vary from a few seconds to minutes"
    /// (<https://developer.atlassian.com/cloud/jira/platform/search-and-reconcile/>).
    const SEARCH_LAG: Duration = Duration::from_mins(5);
    type Config = Config;

    /// With an API token of the account with this address
    /// (<https://support.atlassian.com/atlassian-account/docs/manage-api-tokens-for-your-atlassian-account/>).
    fn new(config: &Self::Config, http: reqwest::Client) -> Self {
        let auth = Auth::Basic(config.email.clone(), config.api_tokens.clone());
        Self {
            client: CrmClient::new(http, &config.base_url, auth),
            config: config.clone(),
        }
    }
}

impl Jira {
    fn creation(&self, ticket: &Ticket, account: Option<&str>) -> ApiRequest {
        let mut values = Map::new();
        values.extend(ticket.all_fields(Value::clone));
        values.insert("summary".to_owned(), json!(ticket.subject));
        let description = if self.config.labels {
            let tags = ticket.tags.iter().chain([&ticket.external_id]);
            let labels: Vec<_> = tags.collect();
            values.insert("labels".to_owned(), json!(labels));
            ticket.description.clone()
        } else {
            format!("{}\n\n{}", ticket.description, ticket.external_id)
        };
        values.insert("description".to_owned(), document(&description));
        let mut body = json!({
            "serviceDeskId": self.config.service_desk_id.to_string(),
            "requestTypeId": self.config.request_type_id.to_string(),
            "requestFieldValues": values,
            "isAdfRequest": true,
        });
        if let Some(account) = account {
            body["raiseOnBehalfOf"] = json!(account);
        }
        let url = self.client.url("rest/servicedeskapi/request");
        ApiRequest::post("create a request", url).json(body)
    }

    fn request_ref(&self, key: String) -> TicketRef {
        let url = self.client.url(&format!("browse/{key}"));
        TicketRef::at(key, &url)
    }

    /// The account of the customer with this address, new if need be. None where there is no address, or
    /// where we may neither find nor make it: the request is then raised in our own name.
    ///
    /// The search finds by what an address or a name begins with, and does not show each address
    /// (<https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-user-search/>): an account whose
    /// address is hidden may be somebody else's, who would get the request and what was said.
    async fn customer(&self, requester: &Requester) -> Result<Option<String>, CallError> {
        if requester.email.is_empty() || !self.config.raise_on_behalf {
            return Ok(None);
        }
        let query = [("query", requester.email.as_str())];
        let url = self.client.query("rest/api/3/user/search", &query);
        let request = ApiRequest::get("find a customer", url).expect(&[400, 403, 404]);
        let answer = self.client.send(request).await?;
        let same = |user: &&Value| {
            lenient_json::text(user, "emailAddress").eq_ignore_ascii_case(&requester.email)
        };
        let users = answer
            .body
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        if let Some(account) = users
            .iter()
            .find(same)
            .and_then(|user| lenient_json::some_text(user, "accountId"))
        {
            return Ok(Some(account));
        }
        let body = json!({
            "email": requester.email,
            "displayName": requester.name_or_email(),
        });
        let url = self.client.url("rest/servicedeskapi/customer");
        let request = ApiRequest::post("create a customer", url)
            .json(body)
            .expect(&[400, 403, 404, 409]);
        let answer = self.client.send(request).await?;
        Ok(lenient_json::some_text(&answer.body, "accountId"))
    }
}

#[async_trait]
impl Crm for Jira {
    /// The account whose token it is
    /// (<https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-myself/>).
    async fn me(&self) -> Result<String, CallError> {
        let request = ApiRequest::get("say who we are", self.client.url("rest/api/3/myself"));
        self.client.send(request).await?;
        Ok("Jira knows the account".to_owned())
    }

    async fn find(&self, ticket: &Ticket) -> Result<Option<TicketRef>, CallError> {
        let id = &ticket.external_id;
        let jql = if self.config.labels {
            format!("labels = \"{id}\"")
        } else {
            // A phrase, which is found as it stands.
            format!("description ~ \"\\\"{id}\\\"\"")
        };
        let query = [("jql", jql.as_str()), ("fields", "key")];
        let url = self.client.query("rest/api/3/search/jql", &query);
        let answer = self
            .client
            .send(ApiRequest::get("find a request", url))
            .await?;
        let issues = answer.body.get("issues").and_then(Value::as_array);
        let issues = issues.ok_or_else(|| answer.unreadable())?;
        let key = issues.first().and_then(|issue| record_id(issue, "key"));
        Ok(key.map(|key| self.request_ref(key)))
    }

    async fn create(&self, ticket: &Ticket) -> Result<TicketRef, CallError> {
        let account = self.customer(&ticket.requester).await?;
        let request = self.creation(ticket, account.as_deref());
        let answer = self.client.send(request).await?;
        let key = record_id(&answer.body, "issueKey");
        let key = key.ok_or_else(|| answer.unreadable())?;
        Ok(self.request_ref(key))
    }

    async fn comments(&self, to: &TicketRef) -> Result<Vec<String>, CallError> {
        let path = format!("rest/api/3/issue/{}/comment", to.id);
        let query = [("orderBy", "-created"), ("maxResults", "200")];
        let request = ApiRequest::get("list comments", self.client.query(&path, &query));
        let answer = self.client.send(request).await?;
        let comments = lenient_json::list(&answer.body, "comments");
        let bodies = comments.filter_map(|comment| comment.get("body"));
        Ok(bodies.map(text_of).collect())
    }

    /// An internal comment
    /// (<https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-comments/>).
    async fn comment(&self, to: &TicketRef, comment: &Comment) -> Result<(), CallError> {
        let url = self
            .client
            .url(&format!("rest/api/3/issue/{}/comment", to.id));
        let request = ApiRequest::post("add a comment", url).json(json!({
            "body": document(&comment.text),
            "properties": [{"key": "sd.public.comment", "value": {"internal": true}}],
        }));
        self.client.send(request).await.map(drop)
    }

    async fn attachments(&self, to: &TicketRef) -> Result<Vec<String>, CallError> {
        let path = format!("rest/api/3/issue/{}", to.id);
        let url = self.client.query(&path, &[("fields", "attachment")]);
        let answer = self.client.send(ApiRequest::get("list files", url)).await?;
        let fields = answer.body.get("fields").unwrap_or(&Value::Null);
        let files = lenient_json::list(fields, "attachment");
        Ok(files
            .map(|file| lenient_json::text(file, "filename"))
            .collect())
    }

    /// A file of the issue, which customers do not see
    /// (<https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-attachments/>).
    async fn attach(&self, to: &TicketRef, attachment: &Attachment) -> Result<(), CallError> {
        let url = self
            .client
            .url(&format!("rest/api/3/issue/{}/attachments", to.id));
        let request = ApiRequest::post("attach a file", url)
            .header(ATLASSIAN_TOKEN, "no-check")
            .multipart([("file".to_owned(), attachment.field())]);
        self.client.send(request).await.map(drop)
    }

    fn requests(&self, ticket: &Ticket) -> Vec<ApiRequest> {
        let has_customer = self.config.raise_on_behalf && !ticket.requester.email.is_empty();
        let account = has_customer.then_some("[the customer's accountId]");
        self.client.shown(self.creation(ticket, account))
    }
}

/// A plain text in the Atlassian Document Format
/// (<https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/>): a paragraph a line.
fn document(text: &str) -> Value {
    let paragraphs = text.lines().map(|line| {
        if line.is_empty() {
            json!({"type": "paragraph"})
        } else {
            json!({"type": "paragraph", "content": [{"type": "text", "text": line}]})
        }
    });
    json!({"type": "doc", "version": 1, "content": paragraphs.collect::<Vec<_>>()})
}

/// What a document says, without its marks.
fn text_of(node: &Value) -> String {
    let own = lenient_json::text(node, "text");
    let inner = lenient_json::list(node, "content").map(text_of);
    std::iter::once(own)
        .chain(inner)
        .collect::<Vec<_>>()
        .join(" ")
}

/// A label as Jira takes it: without white space.
fn label_of(tag: &str) -> String {
    tag.split_whitespace().collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plain::without_space;

    #[test]
    fn a_document_says_what_the_text_says_and_has_no_empty_text() {
        let text = "*not bold* {code}\n\n<b>é</b>";
        let document = document(text);
        assert_eq!(without_space(&text_of(&document)), without_space(text));
        assert_eq!(document["content"][1], json!({"type": "paragraph"}));
    }
}
