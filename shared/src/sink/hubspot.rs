//! `type = "hubspot"`: tickets of HubSpot
//! (<https://developers.hubspot.com/docs/guides/api/crm/objects/tickets>).
//!
//! One ticket: it is created with its external id in a property of tickets whose values are unique, so
//! that HubSpot itself refuses to create a second one, at any time; the first one is then found by that
//! property, which is exact at once, unlike HubSpot's search.
//!
//! A ticket's content is shown as it is written; notes are HTML there, and escaped here.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use url::Url;

use super::plain::{as_text, said, words};
use super::tickets::{Attachment, Comment, Crm, Limits, Requester, Ticket, TicketRef, html};
use crate::config;
use crate::net::api::{Api, ApiAnswer, ApiRequest, Field, below};
use crate::net::{CallError, CallErrorKind};
use crate::wire;

/// The pipeline and stage that every account starts with: "Support Pipeline", "New".
const DEFAULTS: [(&str, &str); 2] = [("hs_pipeline", "0"), ("hs_pipeline_stage", "1")];

/// <https://developers.hubspot.com/docs/guides/api/crm/associations/associations-v4#association-type-id-values>
const TICKET_TO_CONTACT: u32 = 16;
const NOTE_TO_TICKET: u32 = 228;

/// The most characters of a property that is text
/// (<https://knowledge.hubspot.com/properties/property-field-types-in-hubspot>), less some for safety.
const LONGEST_TEXT: usize = 65_000;
const LONGEST_SUBJECT: usize = 255;

/// What says that a ticket was to have a property that there is not.
const NO_PROPERTY: &str = "PROPERTY_DOESNT_EXIST";

/// An account at HubSpot.
#[derive(Debug)]
pub struct HubSpot {
    config: config::HubSpot,
}

impl HubSpot {
    /// The account of this configuration.
    #[must_use]
    pub fn new(config: config::HubSpot) -> Self {
        Self { config }
    }

    fn url(&self, path: &str) -> Url {
        below(&self.config.base_url, path)
    }

    /// A record by the value of a unique property.
    fn record_url(&self, object: &str, property: &str, value: &str) -> Url {
        let mut url = self.url(&format!("crm/v3/objects/{object}"));
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(value);
        }
        url.query_pairs_mut().append_pair("idProperty", property);
        url
    }

    /// With the access token of a private app
    /// (<https://developers.hubspot.com/docs/guides/apps/private-apps/overview>).
    async fn send(&self, api: &Api, request: ApiRequest) -> Result<ApiAnswer, CallError> {
        let sign = |token: &SecretString| request.clone().bearer_auth(token);
        api.send_signed(&self.config.access_tokens, sign).await
    }

    fn creation(&self, ticket: &Ticket, contact: Option<&str>) -> ApiRequest {
        let mut properties = Map::new();
        properties.extend(DEFAULTS.map(|(name, value)| (name.to_owned(), json!(value))));
        let more = ticket.fields.iter().chain(&ticket.custom_fields);
        properties.extend(more.map(|(name, value)| (name.clone(), as_text(value))));
        let own = [
            ("subject", &ticket.subject),
            ("content", &ticket.description),
            (&self.config.unique_property, &ticket.external_id),
        ];
        properties.extend(own.map(|(name, text)| (name.to_owned(), json!(text))));
        let contacts = contact.iter().map(|id| association(id, TICKET_TO_CONTACT));
        let body = json!({
            "properties": properties,
            "associations": contacts.collect::<Vec<_>>(),
        });
        ApiRequest::post("create a ticket", self.url("crm/v3/objects/tickets"))
            .json(body)
            .expect(&[400, 409])
    }

    fn new_contact(&self, requester: &Requester) -> ApiRequest {
        let (first, last) = match requester.name.split_once(' ') {
            Some((first, last)) => (first, last),
            None => (requester.name.as_str(), ""),
        };
        let properties = [
            ("email", requester.email.as_str()),
            ("firstname", first),
            ("lastname", last),
            ("phone", &requester.phone),
        ];
        let known = properties.into_iter().filter(|(_, text)| !text.is_empty());
        let properties: Map<_, _> = known
            .map(|(name, text)| (name.to_owned(), json!(text)))
            .collect();
        ApiRequest::post("create a contact", self.url("crm/v3/objects/contacts"))
            .json(json!({"properties": properties}))
            .expect(&[400, 409])
    }

    /// The contact with the requester's address, new if need be; none where there is no address, or
    /// HubSpot does not want it. An address is unique there, so no contact is made twice.
    async fn contact(&self, api: &Api, requester: &Requester) -> Result<Option<String>, CallError> {
        if requester.email.is_empty() {
            return Ok(None);
        }
        if let Some(contact) = self.contact_by_email(api, &requester.email).await? {
            return Ok(Some(contact));
        }
        let answer = self.send(api, self.new_contact(requester)).await?;
        match answer.status {
            400 => Ok(None),
            409 => self.contact_by_email(api, &requester.email).await,
            _ => Ok(wire::some_text(&answer.body, "id")),
        }
    }

    async fn contact_by_email(&self, api: &Api, email: &str) -> Result<Option<String>, CallError> {
        let url = self.record_url("contacts", "email", email);
        let request = ApiRequest::get("find a contact", url).expect(&[404]);
        let answer = self.send(api, request).await?;
        Ok(wire::some_text(&answer.body, "id"))
    }

    /// Whether a note on a ticket says this.
    async fn has_note(&self, api: &Api, to: &TicketRef, text: &str) -> Result<bool, CallError> {
        let mut url = self.url(&format!("crm/v3/objects/tickets/{}", to.id));
        url.set_query(Some("associations=notes"));
        let answer = self.send(api, ApiRequest::get("list notes", url)).await?;
        let notes = answer.body.pointer("/associations/notes/results");
        let notes = notes.and_then(Value::as_array).into_iter().flatten();
        let ids: Vec<_> = notes
            .filter_map(|note| wire::some_text(note, "id"))
            .map(|id| json!({"id": id}))
            .collect();
        let text = words(text);
        // As many as one request may ask for.
        for ids in ids.chunks(100) {
            let url = self.url("crm/v3/objects/notes/batch/read");
            let request = ApiRequest::post("read notes", url)
                .json(json!({"inputs": ids, "properties": ["hs_note_body"]}));
            let answer = self.send(api, request).await?;
            let same = |note: &Value| {
                let body = note.pointer("/properties/hs_note_body");
                let body = body.and_then(Value::as_str).unwrap_or_default();
                words(&said(body)) == text
            };
            if wire::list(&answer.body, "results").any(same) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn note(
        &self,
        api: &Api,
        to: &TicketRef,
        text: &str,
        file: Option<String>,
    ) -> Result<(), CallError> {
        let mut properties = json!({
            "hs_note_body": html(text),
            "hs_timestamp": Timestamp::now().to_string(),
        });
        if let Some(file) = file {
            properties["hs_attachment_ids"] = json!(file);
        }
        let body = json!({
            "properties": properties,
            "associations": [association(&to.id, NOTE_TO_TICKET)],
        });
        let url = self.url("crm/v3/objects/notes");
        self.send(api, ApiRequest::post("add a note", url).json(body))
            .await?;
        Ok(())
    }
}

#[async_trait]
impl Crm for HubSpot {
    async fn find(&self, api: &Api, ticket: &Ticket) -> Result<Option<TicketRef>, CallError> {
        let property = &self.config.unique_property;
        let url = self.record_url("tickets", property, &ticket.external_id);
        let request = ApiRequest::get("find a ticket", url).expect(&[404]);
        let answer = self.send(api, request).await?;
        Ok(ticket_ref(&answer.body))
    }

    async fn create(&self, api: &Api, ticket: &Ticket) -> Result<TicketRef, CallError> {
        let contact = self.contact(api, &ticket.requester).await?;
        let request = self.creation(ticket, contact.as_deref());
        let answer = self.send(api, request).await?;
        if !matches!(answer.status, 400 | 409) {
            return ticket_ref(&answer.body).ok_or_else(|| answer.unreadable());
        }
        // Among the refusals is that the value of the property is another ticket's, which is then ours.
        if let Ok(Some(found)) = self.find(api, ticket).await {
            return Ok(found);
        }
        // The property is not there: all tickets wait until somebody makes it.
        let words = answer.body.to_string();
        if words.contains(NO_PROPERTY) && words.contains(&self.config.unique_property) {
            return Err(answer.error(CallErrorKind::Unauthorized));
        }
        Err(answer.error(CallErrorKind::Refused))
    }

    async fn comment(
        &self,
        api: &Api,
        to: &TicketRef,
        comment: &Comment,
        again: bool,
    ) -> Result<(), CallError> {
        if again && self.has_note(api, to, &comment.text).await? {
            return Ok(());
        }
        self.note(api, to, &comment.text, None).await
    }

    /// A file of HubSpot, private, and a note that has it
    /// (<https://developers.hubspot.com/docs/guides/api/library/files>).
    async fn attach(
        &self,
        api: &Api,
        to: &TicketRef,
        attachment: &Attachment,
        again: bool,
    ) -> Result<(), CallError> {
        let text = format!("The transcript of the chat: {}", attachment.name);
        if again && self.has_note(api, to, &text).await? {
            return Ok(());
        }
        let file = Field::File {
            name: attachment.name.clone(),
            mime_type: attachment.mime_type.to_owned(),
            bytes: attachment.bytes.clone(),
        };
        let options = json!({"access": "PRIVATE"}).to_string();
        let fields = [
            ("file", file),
            ("folderPath", Field::Text("/haptik".to_owned())),
            ("options", Field::Text(options)),
        ];
        let request = ApiRequest::post("upload a file", self.url("files/v3/files"))
            .multipart(fields.map(|(name, field)| (name.to_owned(), field)));
        let answer = self.send(api, request).await?;
        let file = wire::some_text(&answer.body, "id").ok_or_else(|| answer.unreadable())?;
        self.note(api, to, &text, Some(file)).await
    }

    fn requests(&self, ticket: &Ticket) -> Vec<ApiRequest> {
        let token = self.config.access_tokens.newest();
        let has_contact = !ticket.requester.email.is_empty();
        let contact = has_contact.then(|| self.new_contact(&ticket.requester));
        let id = has_contact.then_some("[the contact's id]");
        let requests = contact.into_iter().chain([self.creation(ticket, id)]);
        requests.map(|request| request.bearer_auth(token)).collect()
    }

    fn limits(&self) -> Limits {
        Limits {
            subject: LONGEST_SUBJECT,
            description: LONGEST_TEXT,
            comment: LONGEST_TEXT,
        }
    }

    /// In characters of HTML, as notes are; that is never less than the characters of the rest.
    fn size_of(&self, text: &str) -> usize {
        html(text).chars().count()
    }

    fn settles_in(&self) -> Duration {
        Duration::ZERO
    }
}

fn ticket_ref(ticket: &Value) -> Option<TicketRef> {
    Some(TicketRef {
        id: wire::some_text(ticket, "id")?,
        // It has the account's number in it, which we are not told.
        url: None,
    })
}

fn association(id: &str, kind: u32) -> Value {
    json!({
        "to": {"id": id},
        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": kind}],
    })
}
