//! `type = "servicenow"`: incidents of ServiceNow, by its
//! [Table API](https://www.servicenow.com/docs/bundle/zurich-api-reference/page/integrate/inbound-rest/concept/c_TableAPI.html).
//!
//! One incident: its `correlation_id`, which ServiceNow has for this, is the external id, and is looked for
//! in the table itself before an incident is created again. What remains is a creation that ServiceNow
//! carries out later than `SEARCH_LAG` after it was asked, because the column is not unique.
//!
//! Texts are plain, and shown so. Comments are work notes, which only agents see; there `[code]` is no tag.

use std::time::Duration;

use async_trait::async_trait;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::CallError;
use haptik_bridge_shared::net::api::{ApiRequest, below};
use haptik_bridge_shared::net::oauth::OAuthClient;
use http::Method;
use http::header::ACCEPT;
use serde_json::{Map, Value, json};

mod config;

pub use config::{Config, Login};

use crate::Limit;
use crate::plain::{as_text, record_id};
use crate::tickets::{
    Attachment, Auth, Comment, Crm, CrmClient, CrmType, Limits, Ticket, TicketRef,
};

/// The lengths of the columns; ServiceNow cuts what is longer without a word.
const SUBJECT: Limit = Limit::utf16(160);
const TEXT: Limit = Limit::utf16(4_000);

/// What a journal takes for the beginning of HTML
/// (<https://www.servicenow.com/docs/bundle/zurich-platform-administration/page/administer/field-administration/concept/c_JournalFieldType.html>),
/// and a bracket that begins no tag.
const CODE: &str = "[code]";
const NO_TAG: &str = "[\u{200b}";

/// What incidents have unless `fields` says otherwise.
const DEFAULTS: [(&str, &str); 2] = [("contact_type", "chat"), ("correlation_display", "Haptik")];

/// An instance of ServiceNow.
#[derive(Debug)]
pub struct ServiceNow {
    /// The table in which incidents are.
    table: String,
    client: CrmClient,
}

impl CrmType for ServiceNow {
    const NAME: &'static str = "servicenow";
    const ERASURE: &'static str =
        "delete the incidents with their attachments, or let data privacy make them anonymous";
    const LIMITS: Limits = Limits::of(SUBJECT, TEXT, TEXT);
    /// How long a creation may take on its way: three times as long as we wait for its answer.
    const SEARCH_LAG: Duration = Duration::from_secs(30);
    type Config = Config;

    fn new(config: &Self::Config, http: reqwest::Client) -> Self {
        let auth = match &config.login {
            Login::Password { username, secrets } => Auth::Basic(username.clone(), secrets.clone()),
            Login::Client { id, secrets } => Auth::OAuth(OAuthClient::new(
                below(&config.base_url, "oauth_token.do"),
                id.clone(),
                secrets.clone(),
            )),
        };
        let client = CrmClient::new(http, &config.base_url, auth);
        Self {
            client: client.header(ACCEPT, "application/json"),
            table: config.table.clone(),
        }
    }
}

impl ServiceNow {
    /// The rows of a query.
    async fn rows(&self, request: ApiRequest) -> Result<Vec<Value>, CallError> {
        let answer = self.client.send(request).await?;
        let rows = answer.body.get("result").and_then(Value::as_array);
        match (answer.status, rows) {
            (_, Some(rows)) => Ok(rows.clone()),
            (403, None) => Ok(Vec::new()),
            _ => Err(answer.unreadable()),
        }
    }

    fn creation(&self, ticket: &Ticket, caller: Option<&str>) -> ApiRequest {
        let mut body = Map::new();
        body.extend(DEFAULTS.map(|(name, value)| (name.to_owned(), json!(value))));
        if let Some(caller) = caller {
            body.insert("caller_id".to_owned(), json!(caller));
        }
        body.extend(ticket.all_fields(as_text));
        let own = [
            ("short_description", &ticket.subject),
            ("description", &ticket.description),
            ("correlation_id", &ticket.external_id),
        ];
        body.extend(own.map(|(name, text)| (name.to_owned(), json!(text))));
        let path = format!("api/now/table/{}", self.table);
        let url = self
            .client
            .query(&path, &[("sysparm_fields", "sys_id,number")]);
        ApiRequest::post("create an incident", url).json(Value::Object(body))
    }

    fn incident(&self, row: &Value) -> Option<TicketRef> {
        let id = record_id(row, "sys_id")?;
        let url = self
            .client
            .query(&format!("{}.do", self.table), &[("sys_id", &id)]);
        Some(TicketRef::at(id, &url))
    }

    /// The user with this address; none where there is none, or the users may not be read.
    async fn caller(&self, email: &str) -> Result<Option<String>, CallError> {
        // A circumflex would end the condition.
        if email.is_empty() || email.contains('^') {
            return Ok(None);
        }
        let query = [
            ("sysparm_query", &*format!("email={email}")),
            ("sysparm_fields", "sys_id,email"),
            ("sysparm_limit", "1"),
        ];
        let url = self.client.query("api/now/table/sys_user", &query);
        let request = ApiRequest::get("find a user", url).expect(&[403]);
        let rows = self.rows(request).await?;
        let same = |row: &&Value| lenient_json::text(row, "email").eq_ignore_ascii_case(email);
        Ok(rows
            .iter()
            .find(same)
            .and_then(|row| lenient_json::some_text(row, "sys_id")))
    }
}

#[async_trait]
impl Crm for ServiceNow {
    /// The number of any row of the table: no rows are told to whom may not read them.
    async fn me(&self) -> Result<String, CallError> {
        let path = format!("api/now/table/{}", self.table);
        let query = [("sysparm_limit", "1"), ("sysparm_fields", "number")];
        let request = ApiRequest::get("read the table", self.client.query(&path, &query));
        self.client.send(request).await?;
        Ok("ServiceNow knows the account, which may read the table".to_owned())
    }

    async fn find(&self, ticket: &Ticket) -> Result<Option<TicketRef>, CallError> {
        let id = &ticket.external_id;
        let query = [
            ("sysparm_query", &*format!("correlation_id={id}")),
            ("sysparm_fields", "sys_id,number,correlation_id"),
            ("sysparm_limit", "1"),
        ];
        let path = format!("api/now/table/{}", self.table);
        let request = ApiRequest::get("find an incident", self.client.query(&path, &query));
        let rows = self.rows(request).await?;
        // A condition that ServiceNow cannot read is left out, and then it finds any incident.
        let ours = |row: &&Value| lenient_json::text(row, "correlation_id") == *id;
        Ok(rows.iter().find(ours).and_then(|row| self.incident(row)))
    }

    async fn create(&self, ticket: &Ticket) -> Result<TicketRef, CallError> {
        let caller = self.caller(&ticket.requester.email).await?;
        let request = self.creation(ticket, caller.as_deref());
        let answer = self.client.send(request).await?;
        let created = answer.body.get("result");
        let created = created.and_then(|row| self.incident(row));
        created.ok_or_else(|| answer.unreadable())
    }

    async fn comments(&self, to: &TicketRef) -> Result<Vec<String>, CallError> {
        let id = &to.id;
        let order = "ORDERBYDESCsys_created_on";
        let query = [
            (
                "sysparm_query",
                &*format!("element_id={id}^element=work_notes^{order}"),
            ),
            ("sysparm_fields", "value"),
            ("sysparm_limit", "200"),
        ];
        let url = self.client.query("api/now/table/sys_journal_field", &query);
        // Who may not read the journal cannot know.
        let request = ApiRequest::get("list work notes", url).expect(&[403]);
        let rows = self.rows(request).await?;
        Ok(rows
            .iter()
            .map(|row| lenient_json::text(row, "value").replace(NO_TAG, "["))
            .collect())
    }

    async fn comment(&self, to: &TicketRef, comment: &Comment) -> Result<(), CallError> {
        let path = format!("api/now/table/{}/{}", self.table, to.id);
        let url = self.client.query(&path, &[("sysparm_fields", "sys_id")]);
        let request = ApiRequest::new("add a work note", Method::PATCH, url)
            .json(json!({"work_notes": without_code(&comment.text)}));
        self.client.send(request).await.map(drop)
    }

    async fn attachments(&self, to: &TicketRef) -> Result<Vec<String>, CallError> {
        let query = format!("table_name={}^table_sys_id={}", self.table, to.id);
        let url = self
            .client
            .query("api/now/attachment", &[("sysparm_query", &query)]);
        let rows = self.rows(ApiRequest::get("list files", url)).await?;
        Ok(rows
            .iter()
            .map(|row| lenient_json::text(row, "file_name"))
            .collect())
    }

    /// By the
    /// [Attachment API](https://www.servicenow.com/docs/bundle/zurich-api-reference/page/integrate/inbound-rest/concept/c_AttachmentAPI.html).
    async fn attach(&self, to: &TicketRef, attachment: &Attachment) -> Result<(), CallError> {
        let query = [
            ("table_name", self.table.as_str()),
            ("table_sys_id", &to.id),
            ("file_name", &attachment.name),
        ];
        let url = self.client.query("api/now/attachment/file", &query);
        let request = ApiRequest::post("attach a file", url)
            .bytes(attachment.mime_type, attachment.bytes.clone());
        self.client.send(request).await.map(drop)
    }

    fn requests(&self, ticket: &Ticket) -> Vec<ApiRequest> {
        let caller = (!ticket.requester.email.is_empty()).then_some("[the user's sys_id]");
        self.client.shown(self.creation(ticket, caller))
    }
}

/// A text for a journal, in which nobody writes HTML.
fn without_code(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for part in text.split_inclusive('[') {
        let end = safe.len();
        safe.push_str(part);
        let begins = safe.get(..end).is_some_and(|before| before.ends_with('['));
        let tag = part.get(..CODE.len() - 1);
        if begins && tag.is_some_and(|tag| tag.eq_ignore_ascii_case(&CODE[1..])) {
            safe.insert_str(end, &NO_TAG[1..]);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_no_html_in_a_journal() {
        for (text, safe) in [
            ("[code]<a>[/code]", "[\u{200b}code]<a>[/code]"),
            ("a [CODE] [[Code]", "a [\u{200b}CODE] [[\u{200b}Code]"),
            ("code] [masked] [cod", "code] [masked] [cod"),
        ] {
            assert_eq!(without_code(text), safe);
            assert_eq!(safe.replace(NO_TAG, "["), text);
        }
    }
}
