//! `type = "freshdesk"`: tickets of Freshdesk (<https://developers.freshdesk.com/api/#tickets>).
//!
//! One ticket: Freshdesk has neither idempotency keys nor an external id of a ticket, so the external id
//! is a tag, and is looked for among the requester's tickets before a ticket is created again. That list
//! comes from Freshdesk's database; its search, which can look for a tag, is minutes behind. What remains
//! is a creation that Freshdesk carries out later than `SEARCH_LAG` after it was asked.
//!
//! The description and notes are HTML there, and escaped here. Notes are private.

use std::time::Duration;

use async_trait::async_trait;
use haptik_bridge_shared::config::Secrets;
use haptik_bridge_shared::config::kind::{BaseUrl, SecretList};
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::CallError;
use haptik_bridge_shared::net::api::{ApiRequest, Field};
use haptik_bridge_shared::section;
use serde_json::{Map, Value, json};
use url::Url;

use crate::Limit;
use crate::config::ticket::{TicketSink, TicketTexts};
use crate::fit::one_line;
use crate::plain::{html, html_length, record_id};
use crate::tickets::{
    Attachment, Auth, Comment, Crm, CrmClient, CrmType, Limits, Ticket, TicketRef,
};

/// "Subject … maximum of 255 characters".
const SUBJECT: Limit = Limit::characters(255);

/// Freshdesk does not say how long a description may be. This, with the escaping, is well below 64 kB.
const DESCRIPTION: Limit = Limit {
    most: 60_000,
    size_of: html_length,
};

/// The source "Chat" (<https://developers.freshdesk.com/api/#ticket-properties>); open; low.
const DEFAULTS: [(&str, u8); 3] = [("source", 7), ("status", 2), ("priority", 1)];

/// What may name a requester instead of the address, when `fields` has it.
const REQUESTERS: [&str; 3] = ["requester_id", "unique_external_id", "email"];

/// Tickets or notes a page.
const PER_PAGE: usize = 100;

/// The most pages of notes that are looked through.
const MOST_PAGES: usize = 10;

section! {
    /// `type = "freshdesk"`: an account at Freshdesk.
    pub struct Config {
        /// `https://DOMAIN.freshdesk.com`.
        base_url: Url = required(BaseUrl),
        /// The [API key](https://support.freshdesk.com/support/solutions/articles/215517) of an agent.
        api_keys as "api_key": Secrets = required(SecretList::TOKENS),
        /// What its tickets say.
        ticket: Box<TicketTexts> = part(),
    }
}

impl TicketSink for Config {
    fn ticket(&self) -> &TicketTexts {
        &self.ticket
    }
}

/// An account at Freshdesk.
#[derive(Debug)]
pub struct Freshdesk {
    client: CrmClient,
}

impl CrmType for Freshdesk {
    const NAME: &'static str = "freshdesk";
    const ERASURE: &'static str =
        "delete the tickets, and the contact for good (`DELETE /api/v2/contacts/{id}/hard_delete`)";
    const LIMITS: Limits = Limits {
        tag: Limit::characters(32),
        tag_of,
        field: DESCRIPTION,
        ..Limits::of(SUBJECT, DESCRIPTION, DESCRIPTION)
    };
    /// How long a creation may take on its way: three times as long as we wait for its answer.
    const SEARCH_LAG: Duration = Duration::from_secs(30);
    type Config = Config;

    /// With the API key as the user (<https://developers.freshdesk.com/api/#authentication>).
    fn new(config: &Self::Config, http: reqwest::Client) -> Self {
        let auth = Auth::BasicKey(config.api_keys.clone());
        Self {
            client: CrmClient::new(http, &config.base_url, auth),
        }
    }
}

impl Freshdesk {
    fn creation(&self, ticket: &Ticket) -> ApiRequest {
        let mut body = Map::new();
        body.extend(DEFAULTS.map(|(name, value)| (name.to_owned(), json!(value))));
        body.extend(ticket.fields.clone());
        let (key, requester) = requester_of(ticket);
        body.insert(key.to_owned(), requester);
        if !ticket.requester.name.is_empty() && key != "requester_id" {
            body.insert("name".to_owned(), json!(ticket.requester.name));
        }
        let tags = ticket.tags.iter().map(String::as_str);
        let tags: Vec<_> = tags.chain([external_tag(ticket)]).collect();
        body.insert("subject".to_owned(), json!(ticket.subject));
        body.insert("description".to_owned(), json!(html(&ticket.description)));
        body.insert("tags".to_owned(), json!(tags));
        if !ticket.custom_fields.is_empty() {
            let custom = Value::Object(ticket.custom_fields.clone());
            body.insert("custom_fields".to_owned(), custom);
        }
        let url = self.client.url("api/v2/tickets");
        ApiRequest::post("create a ticket", url).json(Value::Object(body))
    }

    fn ticket_ref(&self, ticket: &Value) -> Option<TicketRef> {
        let id = record_id(ticket, "id")?;
        let url = self.client.url(&format!("a/tickets/{id}"));
        Some(TicketRef::at(id, &url))
    }

    /// The ticket among those of a requester.
    async fn find_of(
        &self,
        ticket: &Ticket,
        key: &str,
        requester: &str,
    ) -> Result<Option<TicketRef>, CallError> {
        let query = [
            (key, requester),
            ("order_by", "created_at"),
            ("order_type", "desc"),
            ("per_page", &PER_PAGE.to_string()),
        ];
        let url = self.client.query("api/v2/tickets", &query);
        // A requester that there is not, and so no ticket, is 400.
        let request = ApiRequest::get("find a ticket", url).expect(&[400]);
        let answer = self.client.send(request).await?;
        if answer.status == 400 {
            return Ok(None);
        }
        let tickets = answer.body.as_array().ok_or_else(|| answer.unreadable())?;
        let ours = external_tag(ticket);
        let found = tickets.iter().find(|ticket| {
            let tags = lenient_json::list(ticket, "tags");
            tags.filter_map(Value::as_str).any(|tag| tag == ours)
        });
        Ok(found.and_then(|found| self.ticket_ref(found)))
    }

    /// The notes of a ticket, oldest first.
    async fn notes(&self, to: &TicketRef) -> Result<Vec<Value>, CallError> {
        let path = format!("api/v2/tickets/{}/conversations", to.id);
        let mut notes = Vec::new();
        for page in 1..=MOST_PAGES {
            let query = [
                ("per_page", &*PER_PAGE.to_string()),
                ("page", &page.to_string()),
            ];
            let request = ApiRequest::get("list notes", self.client.query(&path, &query));
            let answer = self.client.send(request).await?;
            let more = answer.body.as_array().ok_or_else(|| answer.unreadable())?;
            notes.extend(more.iter().cloned());
            if more.len() < PER_PAGE {
                break;
            }
        }
        Ok(notes)
    }
}

#[async_trait]
impl Crm for Freshdesk {
    /// The agent whose key it is (<https://developers.freshdesk.com/api/#me>).
    async fn me(&self) -> Result<String, CallError> {
        let request = ApiRequest::get("say who we are", self.client.url("api/v2/agents/me"));
        self.client.send(request).await?;
        Ok("Freshdesk knows the agent".to_owned())
    }

    async fn find(&self, ticket: &Ticket) -> Result<Option<TicketRef>, CallError> {
        let (key, requester) = requester_of(ticket);
        let requester = requester
            .as_str()
            .map_or_else(|| requester.to_string(), Into::into);
        let found = self.find_of(ticket, key, &requester).await?;
        // An event before this one may not have had the address.
        if found.is_none()
            && !REQUESTERS
                .iter()
                .any(|key| ticket.fields.contains_key(*key))
        {
            let (key, requester) = of_conversation(ticket);
            return self.find_of(ticket, key, requester).await;
        }
        Ok(found)
    }

    async fn create(&self, ticket: &Ticket) -> Result<TicketRef, CallError> {
        let answer = self.client.send(self.creation(ticket)).await?;
        let created = self.ticket_ref(&answer.body);
        created.ok_or_else(|| answer.unreadable())
    }

    async fn comments(&self, to: &TicketRef) -> Result<Vec<String>, CallError> {
        let notes = self.notes(to).await?;
        let texts = notes
            .iter()
            .map(|note| lenient_json::text(note, "body_text"));
        Ok(texts.collect())
    }

    async fn comment(&self, to: &TicketRef, comment: &Comment) -> Result<(), CallError> {
        let url = self.client.url(&format!("api/v2/tickets/{}/notes", to.id));
        let request = ApiRequest::post("add a note", url)
            .json(json!({"body": html(&comment.text), "private": true}));
        self.client.send(request).await.map(drop)
    }

    async fn attachments(&self, to: &TicketRef) -> Result<Vec<String>, CallError> {
        let notes = self.notes(to).await?;
        let files = notes
            .iter()
            .flat_map(|note| lenient_json::list(note, "attachments"));
        Ok(files.map(|file| lenient_json::text(file, "name")).collect())
    }

    async fn attach(&self, to: &TicketRef, attachment: &Attachment) -> Result<(), CallError> {
        let fields = [
            (
                "body",
                Field::Text("The transcript of the chat.".to_owned()),
            ),
            ("private", Field::Text("true".to_owned())),
            ("attachments[]", attachment.field()),
        ];
        let url = self.client.url(&format!("api/v2/tickets/{}/notes", to.id));
        let request = ApiRequest::post("attach a file", url)
            .multipart(fields.map(|(name, field)| (name.to_owned(), field)));
        self.client.send(request).await.map(drop)
    }

    fn requests(&self, ticket: &Ticket) -> Vec<ApiRequest> {
        self.client.shown(self.creation(ticket))
    }
}

/// Whose ticket it is: what `fields` says, the address, or else a contact of the conversation alone.
fn requester_of(ticket: &Ticket) -> (&'static str, Value) {
    for key in REQUESTERS {
        if let Some(value) = ticket.fields.get(key) {
            return (key, value.clone());
        }
    }
    if ticket.requester.email.is_empty() {
        let (key, requester) = of_conversation(ticket);
        (key, json!(requester))
    } else {
        ("email", json!(ticket.requester.email))
    }
}

/// The contact of the conversation alone.
fn of_conversation(ticket: &Ticket) -> (&'static str, &str) {
    ("unique_external_id", &ticket.external_id)
}

/// The tag that names the ticket: the digits of its external id, which are as long as a tag may be.
fn external_tag(ticket: &Ticket) -> &str {
    let digits = ticket.external_id.strip_prefix("haptik-");
    digits.unwrap_or(&ticket.external_id)
}

/// A tag as Freshdesk takes it: without commas.
fn tag_of(tag: &str) -> String {
    one_line(&tag.replace(',', " "))
}
