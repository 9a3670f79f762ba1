//! HubSpot: tickets, contacts, notes and their associations.
//!
//! <https://developers.hubspot.com/docs/guides/api/crm/objects/tickets> unless a rule names its page.

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::kind::html_as_shown;
use super::server::{Request, fields};
use super::store::{Store, Ticket};

mod contacts;
mod notes;

use contacts::{associate, contact, create_contact, known_contact, search_contacts};
use notes::{note, note_id, notes, upload};

/// The access token of the private app
/// (<https://developers.hubspot.com/docs/guides/apps/private-apps/overview>).
pub const ACCESS_TOKEN: &str = "pat-eu1-hubspot-access-token";
/// The property of tickets whose values are unique (`hasUniqueValue`:
/// <https://developers.hubspot.com/docs/guides/api/crm/properties#create-unique-identifier-properties>).
pub const UNIQUE: &str = "haptik_conversation";
/// The pipeline that there is, and its first stage.
pub const PIPELINE: (&str, &str) = ("0", "1");

/// What tickets have that is used here; another property is refused.
const TICKET: [&str; 10] = [
    "subject",
    "content",
    "hs_pipeline",
    "hs_pipeline_stage",
    "hs_ticket_priority",
    "hs_ticket_category",
    "hubspot_owner_id",
    "source_type",
    "insurance_no",
    UNIQUE,
];

/// "… text properties … 65,536 characters"
/// (<https://knowledge.hubspot.com/properties/property-field-types-in-hubspot>).
const LONGEST: usize = 65_536;

/// The type of association between a ticket and a contact
/// (<https://developers.hubspot.com/docs/guides/api/crm/associations/associations-v4#association-type-id-values>).
const TICKET_TO_CONTACT: u64 = 16;

#[derive(Debug)]
pub(super) struct HubSpot;

impl super::Api for HubSpot {
    fn answer(&self, request: &Request, store: &mut Store) -> Answer {
        if store.revoked || request.bearer() != Some(ACCESS_TOKEN) {
            let message = "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview";
            return error(401, "INVALID_AUTHENTICATION", message);
        }
        let (method, path) = request.route();
        let answer = match (method, path.as_slice()) {
            ("POST", ["crm", "v3", "objects", "tickets"]) => create_ticket(request, store),
            ("GET", ["crm", "v3", "objects", "tickets", id]) => ticket(id, request, store),
            ("PATCH", ["crm", "v3", "objects", "tickets", id]) => update_ticket(id, request, store),
            ("POST", ["crm", "v3", "objects", "tickets", "search"]) => search(request, store),
            ("POST", ["crm", "v3", "objects", "contacts"]) => create_contact(request, store),
            ("GET", ["crm", "v3", "objects", "contacts", id]) => contact(id, request, store),
            ("POST", ["crm", "v3", "objects", "contacts", "search"]) => {
                search_contacts(request, store)
            }
            ("POST", ["crm", "v3", "objects", "notes", "batch", "read"]) => notes(request, store),
            ("POST", ["files", "v3", "files"]) => upload(request, store),
            ("POST", ["crm", "v3", "objects", "notes"]) => note(request, store),
            (
                "PUT",
                [
                    "crm",
                    "v4",
                    "objects",
                    "tickets" | "ticket",
                    ticket,
                    "associations",
                    "default",
                    "contacts" | "contact",
                    contact,
                ],
            ) => associate(ticket, contact, store),
            _ => Err(Answer::text(
                404,
                "text/html",
                "<html><body>resource not found</body></html>",
            )),
        };
        answer.unwrap_or_else(|refused| refused)
    }

    /// <https://developers.hubspot.com/docs/guides/apps/api-usage/usage-details#error-responses>; there is
    /// no `Retry-After`, the interval is in the headers.
    fn too_many(&self, _seconds: u64) -> Answer {
        let body = json!({
            "status": "error",
            "message": "You have reached your ten_secondly_rolling limit.",
            "errorType": "RATE_LIMIT",
            "correlationId": "c033cdaa-2c40-4a64-ae48-b4cec88dad24",
            "policyName": "TEN_SECONDLY_ROLLING",
            "requestId": "3d3e35b7-0dae-4b9f-a6e3-9c230cbcf8dd",
        });
        Answer::json(429, body)
            .header("x-hubspot-ratelimit-max", "100")
            .header("x-hubspot-ratelimit-remaining", "0")
            .header("x-hubspot-ratelimit-interval-milliseconds", "10000")
    }

    fn login(&self) -> String {
        format!("access_token = '{ACCESS_TOKEN}'")
    }

    fn credentials(&self) -> Value {
        json!({"access_token": ACCESS_TOKEN, "unique": UNIQUE})
    }

    fn creation(&self) -> (&'static str, &'static str) {
        ("POST", "/objects/tickets")
    }

    fn comment(&self) -> (&'static str, &'static str) {
        ("POST", "/objects/notes")
    }

    fn attachment(&self) -> (&'static str, &'static str) {
        ("POST", "/objects/notes")
    }

    fn description(&self, ticket: &Ticket) -> String {
        ticket.text("content").to_owned()
    }

    fn comment_text(&self, body: &str) -> String {
        html_as_shown(body)
    }
}

/// The properties in the body: an object of strings.
fn properties(request: &Request, known: &[&str]) -> Result<(Value, Map<String, Value>), Answer> {
    if !request.is_json() {
        return Err(Answer::text(
            415,
            "text/html",
            "<html><body>Unsupported Media Type</body></html>",
        ));
    }
    let unreadable = || {
        let message = "Invalid input JSON on line 1, column 1: Cannot deserialize value";
        error(400, "VALIDATION_ERROR", message)
    };
    let body = request
        .json()
        .filter(Value::is_object)
        .ok_or_else(unreadable)?;
    for name in fields(&body).keys() {
        if !["properties", "associations", "objectWriteTraceId"].contains(&name.as_str()) {
            return Err(unreadable());
        }
    }
    let properties = fields(&body["properties"]);
    let mut wrong = Vec::new();
    for (name, value) in &properties {
        if value.is_object() || value.is_array() {
            return Err(unreadable());
        }
        if !known.contains(&name.as_str()) {
            wrong.push(invalid(
                name,
                &format!("Property \"{name}\" does not exist"),
                "PROPERTY_DOESNT_EXIST",
            ));
        }
        let length = value.as_str().unwrap_or_default().chars().count();
        if length > LONGEST {
            let message =
                format!("The value is too long: {length} characters; the most is {LONGEST}");
            wrong.push(invalid(name, &message, "PROPERTY_VALUE_TOO_LONG"));
        }
    }
    if wrong.is_empty() {
        Ok((body, properties))
    } else {
        Err(not_valid(&wrong))
    }
}

fn create_ticket(request: &Request, store: &mut Store) -> Result<Answer, Answer> {
    let (body, mut properties) = properties(request, &TICKET)?;
    let mut wrong = Vec::new();
    let text = |name: &str| {
        properties
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    if text("subject").is_empty() {
        wrong.push(invalid(
            "subject",
            "subject is required",
            "REQUIRED_PROPERTY",
        ));
    }
    let pipeline = if text("hs_pipeline").is_empty() {
        PIPELINE.0
    } else {
        text("hs_pipeline")
    };
    if pipeline != PIPELINE.0 || !["1", "2", "3", "4"].contains(&text("hs_pipeline_stage")) {
        let stage = text("hs_pipeline_stage");
        let message = format!("{stage} is not a valid pipeline stage ID");
        wrong.push(invalid("hs_pipeline_stage", &message, "INVALID_OPTION"));
    }
    let priority = text("hs_ticket_priority");
    if !["", "LOW", "MEDIUM", "HIGH", "URGENT"].contains(&priority) {
        let message = format!("{priority} was not one of the allowed options");
        wrong.push(invalid("hs_ticket_priority", &message, "INVALID_OPTION"));
    }
    let unique = text(UNIQUE);
    let same = store
        .tickets
        .iter()
        .find(|ticket| ticket.text(UNIQUE) == unique && !unique.is_empty());
    if let Some(same) = same {
        let message = format!("{} already has that value.", same.id);
        wrong.push(invalid(UNIQUE, &message, "CONFLICTING_UNIQUE_VALUE"));
    }
    if !wrong.is_empty() {
        return Err(not_valid(&wrong));
    }
    let contacts = associations(&body, TICKET_TO_CONTACT)?;
    for contact in &contacts {
        known_contact(contact, store)?;
    }
    properties.insert("contacts".to_owned(), json!(contacts));
    properties.entry("hs_pipeline").or_insert(json!(PIPELINE.0));
    let ticket = store.add_ticket(Value::Object(properties));
    Ok(Answer::json(201, shown(ticket)))
}

/// `{"to": {"id"}, "types": [{"associationCategory", "associationTypeId"}]}`: the ids, which must all be
/// associated by this type.
fn associations(body: &Value, kind: u64) -> Result<Vec<String>, Answer> {
    let list = body["associations"].as_array().cloned().unwrap_or_default();
    let read = |association: &Value| {
        let types = association["types"].as_array()?;
        let right = types.iter().any(|one| {
            one["associationCategory"] == "HUBSPOT_DEFINED" && one["associationTypeId"] == kind
        });
        let id = &association["to"]["id"];
        let id = id
            .as_str()
            .map(ToOwned::to_owned)
            .or_else(|| id.as_u64().map(|id| id.to_string()));
        id.filter(|_| right)
    };
    list.iter()
        .map(|association| {
            read(association).ok_or_else(|| {
                error(
                    400,
                    "VALIDATION_ERROR",
                    "One or more associations are not valid",
                )
            })
        })
        .collect()
}

/// By its id, or by the value of a unique property (`idProperty`), from the database.
fn ticket(id: &str, request: &Request, store: &Store) -> Result<Answer, Answer> {
    let mut tickets = store.tickets.iter();
    let found = match request.query("idProperty") {
        None => tickets.find(|ticket| ticket.id == id),
        Some(UNIQUE) => tickets.find(|ticket| ticket.text(UNIQUE) == id),
        Some(other) => {
            let message = format!("Property {other} is not a unique property");
            return Err(error(400, "VALIDATION_ERROR", &message));
        }
    };
    let found = found.ok_or_else(not_found)?;
    let mut shown = shown(found);
    if request.query("associations") == Some("notes") {
        let notes: Vec<_> = (0..found.comments.len())
            .map(|index| json!({"id": note_id(&found.id, index), "type": "ticket_to_note"}))
            .collect();
        shown["associations"] = json!({"notes": {"results": notes}});
    }
    Ok(Answer::json(200, shown))
}

fn update_ticket(id: &str, request: &Request, store: &mut Store) -> Result<Answer, Answer> {
    let (_, properties) = properties(request, &TICKET)?;
    let ticket = store.ticket(id).ok_or_else(not_found)?;
    for (name, value) in properties {
        ticket.fields[name] = value;
    }
    Ok(Answer::json(200, shown(ticket)))
}

/// "It may take a few moments for newly created or updated CRM objects to appear in search results"
/// (<https://developers.hubspot.com/docs/guides/api/crm/search#limitations>).
fn search(request: &Request, store: &Store) -> Result<Answer, Answer> {
    let conditions = conditions(request)?;
    let found = store.searchable().filter(|ticket| {
        conditions
            .iter()
            .all(|(name, value)| ticket.text(name) == value)
    });
    let found: Vec<_> = found.map(shown).collect();
    Ok(Answer::json(
        200,
        json!({"total": found.len(), "results": found}),
    ))
}

fn conditions(request: &Request) -> Result<Vec<(String, String)>, Answer> {
    let body = request.json().unwrap_or_default();
    let filters = body["filterGroups"][0]["filters"].as_array().cloned();
    let read = |filter: &Value| {
        let text = |name: &str| filter[name].as_str().map(ToOwned::to_owned);
        text("operator").filter(|operator| operator == "EQ")?;
        Some((text("propertyName")?, text("value")?))
    };
    let conditions: Option<Vec<_>> = filters.unwrap_or_default().iter().map(read).collect();
    conditions.ok_or_else(|| {
        error(
            400,
            "VALIDATION_ERROR",
            "There was a problem with the request.",
        )
    })
}

fn shown(ticket: &Ticket) -> Value {
    let mut properties = fields(&ticket.fields);
    properties.remove("contacts");
    let at = ticket.created_at.to_string();
    properties.insert("createdate".to_owned(), json!(at));
    properties.insert("hs_object_id".to_owned(), json!(ticket.id));
    json!({"id": ticket.id, "properties": properties, "createdAt": at, "updatedAt": at, "archived": false})
}

fn invalid(name: &str, message: &str, error: &str) -> Value {
    json!({"isValid": false, "message": message, "error": error, "name": name, "localizedErrorMessage": message})
}

fn not_valid(wrong: &[Value]) -> Answer {
    let message = format!("Property values were not valid: {}", json!(wrong));
    error(400, "VALIDATION_ERROR", &message)
}

fn not_found() -> Answer {
    error(
        404,
        "OBJECT_NOT_FOUND",
        "Object not found.  objectId are usually numeric.",
    )
}

/// <https://developers.hubspot.com/docs/reference/api/other-resources/error-handling>
fn error(status: u16, category: &str, message: &str) -> Answer {
    let body = json!({
        "status": "error",
        "message": message,
        "correlationId": "aeb5f871-7f07-4993-9211-075dc63e7cbf",
        "category": category,
    });
    Answer::json(status, body)
}
