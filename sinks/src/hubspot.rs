//! `type = "hubspot"`: tickets of HubSpot
//! (<https://developers.hubspot.com/docs/guides/api/crm/objects/tickets>).
//!
//! One ticket: it is created with its external id in a property of tickets whose values are unique, so
//! that HubSpot itself refuses to create a second one, at any time; the first one is then found by that
//! property, which is exact at once, unlike HubSpot's search.
//!
//! A ticket's content is shown as it is written; notes are HTML there, and escaped here.

use async_trait::async_trait;
use haptik_bridge_shared::config::Secrets;
use haptik_bridge_shared::config::kind::{BaseUrl, SecretList};
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::api::{ApiRequest, Field};
use haptik_bridge_shared::net::{CallError, CallErrorKind};
use haptik_bridge_shared::retry::{Retry, Retryable as _};
use haptik_bridge_shared::section;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use url::Url;

use crate::Limit;
use crate::config::kinds::API_NAME;
use crate::config::ticket::{TicketSink, TicketTexts};
use crate::plain::{as_text, html, record_id, strip_html, without_space};
use crate::tickets::{
    Attachment, Auth, Comment, Crm, CrmClient, CrmType, Limits, Requester, Ticket, TicketRef,
};

/// The pipeline and stage that every account starts with: "Support Pipeline", "New".
const DEFAULTS: [(&str, &str); 2] = [("hs_pipeline", "0"), ("hs_pipeline_stage", "1")];

/// <https://developers.hubspot.com/docs/guides/api/crm/associations/associations-v4#association-type-id-values>
const TICKET_TO_CONTACT: u32 = 16;
const NOTE_TO_TICKET: u32 = 228;

/// The most characters of a property that is text
/// (<https://knowledge.hubspot.com/properties/property-field-types-in-hubspot>), less some for safety.
const TEXT: Limit = Limit::utf16(65_000);
const SUBJECT: Limit = Limit::utf16(255);

/// The same of a note, which is HTML.
const NOTE: Limit = Limit {
    most: TEXT.most,
    size_of: |text| html(text).encode_utf16().count(),
};

/// What says that a ticket was to have a property that there is not.
const NO_PROPERTY: &str = "PROPERTY_DOESNT_EXIST";

/// What a note says before the name of the file that it has.
const FILE_NOTE: &str = "The transcript of the chat: ";

section! {
    /// `type = "hubspot"`: an account at HubSpot.
    pub struct Config {
        /// Where HubSpot's API is.
        base_url: Url = default(BaseUrl, "https://api.hubapi.com"),
        /// The access token of a private app.
        access_tokens as "access_token": Secrets = required(SecretList::TOKENS),
        /// The property of tickets whose values are unique: 1 to 80 letters, digits and underscores.
        unique_property: String = default(API_NAME, "haptik_conversation"),
        /// What its tickets say.
        ticket: Box<TicketTexts> = part(),
    }
}

impl TicketSink for Config {
    fn ticket(&self) -> &TicketTexts {
        &self.ticket
    }
}

/// An account at HubSpot.
#[derive(Debug)]
pub struct HubSpot {
    config: Config,
    client: CrmClient,
}

impl CrmType for HubSpot {
    const NAME: &'static str = "hubspot";
    const ERASURE: &'static str = "delete the tickets, and the contact for good (`POST /crm/v3/objects/contacts/gdpr-delete`)";
    const LIMITS: Limits = Limits {
        field: TEXT,
        ..Limits::of(SUBJECT, TEXT, NOTE)
    };
    type Config = Config;

    /// With the access token of a private app
    /// (<https://developers.hubspot.com/docs/guides/apps/private-apps/overview>).
    fn new(config: &Self::Config, http: reqwest::Client) -> Self {
        let auth = Auth::Bearer(config.access_tokens.clone());
        Self {
            client: CrmClient::new(http, &config.base_url, auth).classify(passing),
            config: config.clone(),
        }
    }
}

/// A record that is locked for a moment, and an account that is moved for some hours
/// (<https://developers.hubspot.com/docs/api-reference/error-handling>).
fn passing(status: u16, _: &str) -> Option<CallErrorKind> {
    matches!(status, 423 | 477).then_some(CallErrorKind::Unavailable)
}

impl HubSpot {
    /// A record by the value of a unique property.
    fn record_url(&self, object: &str, property: &str, value: &str) -> Url {
        let mut url = self.client.url(&format!("crm/v3/objects/{object}"));
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(value);
        }
        url.query_pairs_mut().append_pair("idProperty", property);
        url
    }

    fn creation(&self, ticket: &Ticket, contact: Option<&str>) -> ApiRequest {
        let mut properties = Map::new();
        properties.extend(DEFAULTS.map(|(name, value)| (name.to_owned(), json!(value))));
        properties.extend(ticket.all_fields(as_text));
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
        let url = self.client.url("crm/v3/objects/tickets");
        ApiRequest::post("create a ticket", url)
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
        let url = self.client.url("crm/v3/objects/contacts");
        ApiRequest::post("create a contact", url)
            .json(json!({"properties": properties}))
            .expect(&[400, 409])
    }

    /// The contact with the requester's address, new if need be; none where there is no address, or
    /// HubSpot does not want it. An address is unique there, so no contact is made twice.
    async fn contact(&self, requester: &Requester) -> Result<Option<String>, CallError> {
        if requester.email.is_empty() {
            return Ok(None);
        }
        if let Some(contact) = self.contact_by_email(&requester.email).await? {
            return Ok(Some(contact));
        }
        let answer = self.client.send(self.new_contact(requester)).await?;
        match answer.status {
            400 => Ok(None),
            409 => self.contact_by_email(&requester.email).await,
            _ => Ok(lenient_json::some_text(&answer.body, "id")),
        }
    }

    async fn contact_by_email(&self, email: &str) -> Result<Option<String>, CallError> {
        let url = self.record_url("contacts", "email", email);
        let request = ApiRequest::get("find a contact", url).expect(&[404]);
        let answer = self.client.send(request).await?;
        Ok(lenient_json::some_text(&answer.body, "id"))
    }

    async fn note(
        &self,
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
        let url = self.client.url("crm/v3/objects/notes");
        let request = ApiRequest::post("add a note", url).json(body);
        self.client.send(request).await.map(drop)
    }
}

#[async_trait]
impl Crm for HubSpot {
    /// The property of tickets in which the external id is
    /// (<https://developers.hubspot.com/docs/guides/api/crm/properties>), which needs the scope for tickets.
    async fn me(&self) -> Result<String, CallError> {
        let property = &self.config.unique_property;
        let url = self
            .client
            .url(&format!("crm/v3/properties/tickets/{property}"));
        let request = ApiRequest::get("say what unique_property is", url);
        let answer = self.client.send(request).await?;
        if answer.body.get("hasUniqueValue") == Some(&Value::Bool(false)) {
            return Err(answer.error(CallErrorKind::Refused));
        }
        Ok("HubSpot knows the app, and unique_property".to_owned())
    }

    async fn find(&self, ticket: &Ticket) -> Result<Option<TicketRef>, CallError> {
        let property = &self.config.unique_property;
        let url = self.record_url("tickets", property, &ticket.external_id);
        let request = ApiRequest::get("find a ticket", url).expect(&[404]);
        let answer = self.client.send(request).await?;
        Ok(ticket_ref(&answer.body))
    }

    async fn create(&self, ticket: &Ticket) -> Result<TicketRef, CallError> {
        let contact = self.contact(&ticket.requester).await?;
        let request = self.creation(ticket, contact.as_deref());
        let answer = self.client.send(request).await?;
        if !matches!(answer.status, 400 | 409) {
            return ticket_ref(&answer.body).ok_or_else(|| answer.unreadable());
        }
        // Among the refusals is that the value of the property is another ticket's, which is then ours.
        match self.find(ticket).await {
            Ok(Some(found)) => return Ok(found),
            // Whether it is cannot be known just now.
            Err(error) if error.retry() != Retry::Never => return Err(error),
            Ok(None) | Err(_) => {}
        }
        // The property is not there: all tickets wait until somebody makes it.
        let words = answer.body.to_string();
        if words.contains(NO_PROPERTY) && words.contains(&self.config.unique_property) {
            return Err(answer.error(CallErrorKind::Unauthorized));
        }
        Err(answer.error(CallErrorKind::Refused))
    }

    async fn comments(&self, to: &TicketRef) -> Result<Vec<String>, CallError> {
        let path = format!("crm/v3/objects/tickets/{}", to.id);
        let url = self.client.query(&path, &[("associations", "notes")]);
        let answer = self.client.send(ApiRequest::get("list notes", url)).await?;
        let notes = answer.body.pointer("/associations/notes/results");
        let notes = notes.and_then(Value::as_array).into_iter().flatten();
        let ids: Vec<_> = notes
            .filter_map(|note| lenient_json::some_text(note, "id"))
            .map(|id| json!({"id": id}))
            .collect();
        let mut texts = Vec::new();
        // As many as one request may ask for.
        for ids in ids.chunks(100) {
            let url = self.client.url("crm/v3/objects/notes/batch/read");
            let request = ApiRequest::post("read notes", url)
                .json(json!({"inputs": ids, "properties": ["hs_note_body"]}));
            let answer = self.client.send(request).await?;
            texts.extend(lenient_json::list(&answer.body, "results").map(|note| {
                let body = note.pointer("/properties/hs_note_body");
                strip_html(body.and_then(Value::as_str).unwrap_or_default())
            }));
        }
        Ok(texts)
    }

    async fn comment(&self, to: &TicketRef, comment: &Comment) -> Result<(), CallError> {
        self.note(to, &comment.text, None).await
    }

    /// What the notes say of them.
    async fn attachments(&self, to: &TicketRef) -> Result<Vec<String>, CallError> {
        let notes = self.comments(to).await?;
        let names = notes.iter().filter_map(|note| {
            let note = without_space(note);
            note.strip_prefix(&without_space(FILE_NOTE)).map(Into::into)
        });
        Ok(names.collect())
    }

    /// A file of HubSpot, private, and a note that has it
    /// (<https://developers.hubspot.com/docs/guides/api/library/files>).
    async fn attach(&self, to: &TicketRef, attachment: &Attachment) -> Result<(), CallError> {
        let options = json!({"access": "PRIVATE"}).to_string();
        let fields = [
            ("file", attachment.field()),
            ("folderPath", Field::Text("/haptik".to_owned())),
            ("options", Field::Text(options)),
        ];
        let request = ApiRequest::post("upload a file", self.client.url("files/v3/files"))
            .multipart(fields.map(|(name, field)| (name.to_owned(), field)));
        let answer = self.client.send(request).await?;
        let file =
            lenient_json::some_text(&answer.body, "id").ok_or_else(|| answer.unreadable())?;
        let text = format!("{FILE_NOTE}{}", attachment.name);
        self.note(to, &text, Some(file)).await
    }

    fn requests(&self, ticket: &Ticket) -> Vec<ApiRequest> {
        let has_contact = !ticket.requester.email.is_empty();
        let contact = has_contact.then(|| self.new_contact(&ticket.requester));
        let id = has_contact.then_some("[the contact's id]");
        let requests = contact.into_iter().chain([self.creation(ticket, id)]);
        requests
            .flat_map(|request| self.client.shown(request))
            .collect()
    }
}

/// Without a URL: it has the account's number in it, which we are not told.
fn ticket_ref(ticket: &Value) -> Option<TicketRef> {
    let id = record_id(ticket, "id")?;
    Some(TicketRef { id, url: None })
}

fn association(id: &str, kind: u32) -> Value {
    json!({
        "to": {"id": id},
        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": kind}],
    })
}
