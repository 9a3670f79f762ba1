//! `type = "freshdesk"`: tickets of Freshdesk (<https://developers.freshdesk.com/api/#tickets>).
//!
//! One ticket: Freshdesk has neither idempotency keys nor an external id of a ticket, so the external id
//! is a tag, and is looked for among the requester's tickets before a ticket is created again. That list
//! comes from Freshdesk's database; its search, which can look for a tag, is minutes behind. What remains
//! is a creation that Freshdesk carries out later than `SETTLES_IN` after it was asked.
//!
//! The description and notes are HTML there, and escaped here. Notes are private.

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use url::Url;

use super::plain::words;
use super::tickets::{Attachment, Comment, Crm, Limits, Ticket, TicketRef, html};
use crate::config;
use crate::net::CallError;
use crate::net::api::{Api, ApiAnswer, ApiRequest, Field, below};
use crate::wire;

/// How long a creation may take on its way: three times as long as we wait for its answer.
const SETTLES_IN: Duration = Duration::from_secs(30);

/// "Subject … maximum of 255 characters".
const LONGEST_SUBJECT: usize = 255;

/// Freshdesk does not say how long a description may be. This, with the escaping, is well below 64 kB.
const LONGEST_DESCRIPTION: usize = 60_000;

/// A tag has at most so many characters.
const LONGEST_TAG: usize = 32;

/// The source "Chat" (<https://developers.freshdesk.com/api/#ticket-properties>); open; low.
const DEFAULTS: [(&str, u8); 3] = [("source", 7), ("status", 2), ("priority", 1)];

/// What may name a requester instead of the address, when `fields` has it.
const REQUESTERS: [&str; 3] = ["requester_id", "unique_external_id", "email"];

/// Tickets or notes a page.
const PER_PAGE: usize = 100;

/// The most pages of notes that are looked through.
const MOST_PAGES: usize = 10;

/// An account at Freshdesk.
#[derive(Debug)]
pub struct Freshdesk {
    config: config::Freshdesk,
}

impl Freshdesk {
    /// The account of this configuration.
    #[must_use]
    pub fn new(config: config::Freshdesk) -> Self {
        Self { config }
    }

    fn url(&self, path: &str) -> Url {
        below(&self.config.base_url, &format!("api/v2/{path}"))
    }

    /// With the API key as the user; the password is anything
    /// (<https://developers.freshdesk.com/api/#authentication>).
    async fn send(&self, api: &Api, request: ApiRequest) -> Result<ApiAnswer, CallError> {
        let sign = |key: &SecretString| signed(request.clone(), key);
        api.send_signed(&self.config.api_keys, sign).await
    }

    fn creation(&self, ticket: &Ticket) -> ApiRequest {
        let mut body = Map::new();
        body.extend(DEFAULTS.map(|(name, value)| (name.to_owned(), json!(value))));
        body.extend(ticket.fields.clone());
        let (key, requester) = requester_of(ticket);
        body.insert(key.to_owned(), requester);
        if !ticket.requester.name.is_empty() && key != "requester_id" {
            body.insert("name".to_owned(), json!(ticket.requester.name));
        }
        let tags = ticket.tags.iter().map(|tag| tag_of(tag));
        let tags: Vec<_> = tags.chain([mark(ticket)]).collect();
        body.insert("subject".to_owned(), json!(ticket.subject));
        body.insert("description".to_owned(), json!(html(&ticket.description)));
        body.insert("tags".to_owned(), json!(tags));
        if !ticket.custom_fields.is_empty() {
            let custom = Value::Object(ticket.custom_fields.clone());
            body.insert("custom_fields".to_owned(), custom);
        }
        ApiRequest::post("create a ticket", self.url("tickets")).json(Value::Object(body))
    }

    fn ticket_ref(&self, ticket: &Value) -> Option<TicketRef> {
        let id = wire::some_text(ticket, "id")?;
        let url = below(&self.config.base_url, &format!("a/tickets/{id}"));
        Some(TicketRef {
            id,
            url: Some(url.to_string()),
        })
    }

    /// The notes of a ticket, oldest first.
    async fn notes(&self, api: &Api, to: &TicketRef) -> Result<Vec<Value>, CallError> {
        let mut notes = Vec::new();
        for page in 1..=MOST_PAGES {
            let mut url = self.url(&format!("tickets/{}/conversations", to.id));
            url.set_query(Some(&format!("per_page={PER_PAGE}&page={page}")));
            let answer = self.send(api, ApiRequest::get("list notes", url)).await?;
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
    async fn find(&self, api: &Api, ticket: &Ticket) -> Result<Option<TicketRef>, CallError> {
        let (key, requester) = requester_of(ticket);
        let requester = requester
            .as_str()
            .map_or_else(|| requester.to_string(), Into::into);
        let mut url = self.url("tickets");
        url.query_pairs_mut()
            .append_pair(key, &requester)
            .append_pair("order_by", "created_at")
            .append_pair("order_type", "desc")
            .append_pair("per_page", &PER_PAGE.to_string());
        // A requester that there is not, and so no ticket, is 400.
        let request = ApiRequest::get("find a ticket", url).expect(&[400]);
        let answer = self.send(api, request).await?;
        if answer.status == 400 {
            return Ok(None);
        }
        let tickets = answer.body.as_array().ok_or_else(|| answer.unreadable())?;
        let mark = mark(ticket);
        let marked = tickets.iter().find(|ticket| {
            let tags = wire::list(ticket, "tags");
            tags.filter_map(Value::as_str).any(|tag| tag == mark)
        });
        Ok(marked.and_then(|found| self.ticket_ref(found)))
    }

    async fn create(&self, api: &Api, ticket: &Ticket) -> Result<TicketRef, CallError> {
        let answer = self.send(api, self.creation(ticket)).await?;
        let created = self.ticket_ref(&answer.body);
        created.ok_or_else(|| answer.unreadable())
    }

    async fn comment(
        &self,
        api: &Api,
        to: &TicketRef,
        comment: &Comment,
        again: bool,
    ) -> Result<(), CallError> {
        let text = words(&comment.text);
        let same = |note: &Value| words(&wire::text(note, "body_text")) == text;
        if again && self.notes(api, to).await?.iter().any(same) {
            return Ok(());
        }
        let url = self.url(&format!("tickets/{}/notes", to.id));
        let request = ApiRequest::post("add a note", url)
            .json(json!({"body": html(&comment.text), "private": true}));
        self.send(api, request).await?;
        Ok(())
    }

    async fn attach(
        &self,
        api: &Api,
        to: &TicketRef,
        attachment: &Attachment,
        again: bool,
    ) -> Result<(), CallError> {
        let same = |note: &Value| {
            wire::list(note, "attachments").any(|file| wire::text(file, "name") == attachment.name)
        };
        if again && self.notes(api, to).await?.iter().any(same) {
            return Ok(());
        }
        let file = Field::File {
            name: attachment.name.clone(),
            mime_type: attachment.mime_type.to_owned(),
            bytes: attachment.bytes.clone(),
        };
        let fields = [
            (
                "body",
                Field::Text("The transcript of the chat.".to_owned()),
            ),
            ("private", Field::Text("true".to_owned())),
            ("attachments[]", file),
        ];
        let url = self.url(&format!("tickets/{}/notes", to.id));
        let request = ApiRequest::post("attach a file", url)
            .multipart(fields.map(|(name, field)| (name.to_owned(), field)));
        self.send(api, request).await?;
        Ok(())
    }

    fn requests(&self, ticket: &Ticket) -> Vec<ApiRequest> {
        vec![signed(self.creation(ticket), self.config.api_keys.newest())]
    }

    fn limits(&self) -> Limits {
        Limits {
            subject: LONGEST_SUBJECT,
            description: LONGEST_DESCRIPTION,
            comment: LONGEST_DESCRIPTION,
        }
    }

    fn size_of(&self, text: &str) -> usize {
        html(text).len()
    }

    fn settles_in(&self) -> Duration {
        SETTLES_IN
    }
}

/// With the key as the user, which is therefore the secret.
fn signed(request: ApiRequest, key: &SecretString) -> ApiRequest {
    let encoded = STANDARD.encode(format!("{}:X", key.expose_secret()));
    request.secret_header(
        AUTHORIZATION,
        format!("Basic {encoded}").into(),
        "Basic [base64 of the API key]",
    )
}

/// Whose ticket it is: what `fields` says, the address, or else a contact of the conversation alone.
fn requester_of(ticket: &Ticket) -> (&'static str, Value) {
    for key in REQUESTERS {
        if let Some(value) = ticket.fields.get(key) {
            return (key, value.clone());
        }
    }
    if ticket.requester.email.is_empty() {
        ("unique_external_id", json!(ticket.external_id))
    } else {
        ("email", json!(ticket.requester.email))
    }
}

/// The tag that names the ticket: the digits of its external id, which are as long as a tag may be.
fn mark(ticket: &Ticket) -> String {
    let digits = ticket.external_id.strip_prefix("haptik-");
    tag_of(digits.unwrap_or(&ticket.external_id))
}

/// A tag as Freshdesk takes it.
fn tag_of(tag: &str) -> String {
    let tag: String = tag.replace(',', " ").chars().take(LONGEST_TAG).collect();
    tag.trim().to_owned()
}
