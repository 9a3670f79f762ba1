//! `type = "servicenow"`: incidents of ServiceNow, by its
//! [Table API](https://www.servicenow.com/docs/bundle/zurich-api-reference/page/integrate/inbound-rest/concept/c_TableAPI.html).
//!
//! One incident: its `correlation_id`, which ServiceNow has for this, is the external id, and is looked for
//! in the table itself before an incident is created again. What remains is a creation that ServiceNow
//! carries out later than `SETTLES_IN` after it was asked, because the column is not unique.
//!
//! Texts are plain, and shown so. Comments are work notes, which only agents see.

use std::time::Duration;

use async_trait::async_trait;
use http::Method;
use http::header::ACCEPT;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use url::Url;

use super::plain::as_text;
use super::tickets::{Attachment, Comment, Crm, Limits, Ticket, TicketRef};
use crate::config::{self, Secrets, ServiceNowLogin};
use crate::net::CallError;
use crate::net::api::{Api, ApiAnswer, ApiRequest, below};
use crate::net::oauth::OAuthClient;
use crate::wire;

/// How long a creation may take on its way: three times as long as we wait for its answer.
const SETTLES_IN: Duration = Duration::from_secs(30);

/// The lengths of the columns; ServiceNow cuts what is longer without a word.
const LONGEST_SUBJECT: usize = 160;
const LONGEST_TEXT: usize = 4_000;

/// What incidents have unless `fields` says otherwise.
const DEFAULTS: [(&str, &str); 2] = [("contact_type", "chat"), ("correlation_display", "Haptik")];

/// An instance of ServiceNow.
#[derive(Debug)]
pub struct ServiceNow {
    config: config::ServiceNow,
    login: Login,
}

/// How each request is signed.
#[derive(Debug)]
enum Login {
    Password(String, Secrets),
    Client(OAuthClient),
}

impl ServiceNow {
    /// The instance of this configuration.
    #[must_use]
    pub fn new(config: config::ServiceNow) -> Self {
        let login = match &config.login {
            ServiceNowLogin::Password { username, secrets } => {
                Login::Password(username.clone(), secrets.clone())
            }
            ServiceNowLogin::Client { id, secrets } => Login::Client(OAuthClient::new(
                below(&config.base_url, "oauth_token.do"),
                id.clone(),
                secrets.clone(),
            )),
        };
        Self { config, login }
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = below(&self.config.base_url, &format!("api/now/{path}"));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    async fn send(&self, api: &Api, request: ApiRequest) -> Result<ApiAnswer, CallError> {
        let request = request.header(ACCEPT, "application/json");
        match &self.login {
            Login::Client(client) => client.send(api, request).await,
            Login::Password(username, passwords) => {
                let sign = |password: &SecretString| request.clone().basic_auth(username, password);
                api.send_signed(passwords, sign).await
            }
        }
    }

    /// The rows of a query.
    async fn rows(&self, api: &Api, request: ApiRequest) -> Result<Vec<Value>, CallError> {
        let answer = self.send(api, request).await?;
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
        let more = ticket.fields.iter().chain(&ticket.custom_fields);
        body.extend(more.map(|(name, value)| (name.clone(), as_text(value))));
        let own = [
            ("short_description", &ticket.subject),
            ("description", &ticket.description),
            ("correlation_id", &ticket.external_id),
        ];
        body.extend(own.map(|(name, text)| (name.to_owned(), json!(text))));
        let fields = [("sysparm_fields", "sys_id,number")];
        let url = self.url(&format!("table/{}", self.config.table), &fields);
        ApiRequest::post("create an incident", url).json(Value::Object(body))
    }

    fn incident(&self, row: &Value) -> Option<TicketRef> {
        let id = wire::some_text(row, "sys_id")?;
        let table = &self.config.table;
        let mut url = below(&self.config.base_url, &format!("{table}.do"));
        url.query_pairs_mut().append_pair("sys_id", &id);
        Some(TicketRef {
            id,
            url: Some(url.to_string()),
        })
    }

    /// The user with this address; none where there is none, or the users may not be read.
    async fn caller(&self, api: &Api, email: &str) -> Result<Option<String>, CallError> {
        // A circumflex would end the condition.
        if email.is_empty() || email.contains('^') {
            return Ok(None);
        }
        let query = [
            ("sysparm_query", &*format!("email={email}")),
            ("sysparm_fields", "sys_id,email"),
            ("sysparm_limit", "1"),
        ];
        let url = self.url("table/sys_user", &query);
        let request = ApiRequest::get("find a user", url).expect(&[403]);
        let rows = self.rows(api, request).await?;
        let same = |row: &&Value| wire::text(row, "email").eq_ignore_ascii_case(email);
        Ok(rows
            .iter()
            .find(same)
            .and_then(|row| wire::some_text(row, "sys_id")))
    }
}

#[async_trait]
impl Crm for ServiceNow {
    async fn find(&self, api: &Api, ticket: &Ticket) -> Result<Option<TicketRef>, CallError> {
        let query = [
            (
                "sysparm_query",
                &*format!("correlation_id={}", ticket.external_id),
            ),
            ("sysparm_fields", "sys_id,number,correlation_id"),
            ("sysparm_limit", "1"),
        ];
        let url = self.url(&format!("table/{}", self.config.table), &query);
        let request = ApiRequest::get("find an incident", url);
        let rows = self.rows(api, request).await?;
        // A condition that ServiceNow cannot read is left out, and then it finds any incident.
        let ours = |row: &&Value| wire::text(row, "correlation_id") == ticket.external_id;
        Ok(rows.iter().find(ours).and_then(|row| self.incident(row)))
    }

    async fn create(&self, api: &Api, ticket: &Ticket) -> Result<TicketRef, CallError> {
        let caller = self.caller(api, &ticket.requester.email).await?;
        let request = self.creation(ticket, caller.as_deref());
        let answer = self.send(api, request).await?;
        let created = answer.body.get("result");
        let created = created.and_then(|row| self.incident(row));
        created.ok_or_else(|| answer.unreadable())
    }

    async fn comment(
        &self,
        api: &Api,
        to: &TicketRef,
        comment: &Comment,
        again: bool,
    ) -> Result<(), CallError> {
        if again {
            let query = format!(
                "element_id={}^element=work_notes^ORDERBYDESCsys_created_on",
                to.id
            );
            let query = [
                ("sysparm_query", query.as_str()),
                ("sysparm_fields", "value"),
                ("sysparm_limit", "200"),
            ];
            let url = self.url("table/sys_journal_field", &query);
            // Who may not read the journal cannot know.
            let request = ApiRequest::get("list work notes", url).expect(&[403]);
            let same = |row: &Value| wire::text(row, "value").trim() == comment.text.trim();
            if self.rows(api, request).await?.iter().any(same) {
                return Ok(());
            }
        }
        let path = format!("table/{}/{}", self.config.table, to.id);
        let url = self.url(&path, &[("sysparm_fields", "sys_id")]);
        let request = ApiRequest::new("add a work note", Method::PATCH, url)
            .json(json!({"work_notes": comment.text}));
        self.send(api, request).await?;
        Ok(())
    }

    /// By the
    /// [Attachment API](https://www.servicenow.com/docs/bundle/zurich-api-reference/page/integrate/inbound-rest/concept/c_AttachmentAPI.html).
    async fn attach(
        &self,
        api: &Api,
        to: &TicketRef,
        attachment: &Attachment,
        again: bool,
    ) -> Result<(), CallError> {
        let table = &self.config.table;
        if again {
            let name = &attachment.name;
            let query = format!("table_name={table}^table_sys_id={}^file_name={name}", to.id);
            let url = self.url("attachment", &[("sysparm_query", &query)]);
            let request = ApiRequest::get("list files", url);
            let same = |row: &Value| wire::text(row, "file_name") == attachment.name;
            if self.rows(api, request).await?.iter().any(same) {
                return Ok(());
            }
        }
        let query = [
            ("table_name", table.as_str()),
            ("table_sys_id", &to.id),
            ("file_name", &attachment.name),
        ];
        let url = self.url("attachment/file", &query);
        let request = ApiRequest::post("attach a file", url)
            .bytes(attachment.mime_type, attachment.bytes.clone());
        self.send(api, request).await?;
        Ok(())
    }

    fn requests(&self, ticket: &Ticket) -> Vec<ApiRequest> {
        let caller = (!ticket.requester.email.is_empty()).then_some("[the user's sys_id]");
        let request = self.creation(ticket, caller);
        match &self.login {
            Login::Client(client) => client.shown(request),
            Login::Password(username, passwords) => {
                vec![request.basic_auth(username, passwords.newest())]
            }
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            subject: LONGEST_SUBJECT,
            description: LONGEST_TEXT,
            comment: LONGEST_TEXT,
        }
    }

    fn settles_in(&self) -> Duration {
        SETTLES_IN
    }
}
