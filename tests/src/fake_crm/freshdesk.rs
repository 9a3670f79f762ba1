//! Freshdesk: tickets, notes, attachments.
//!
//! <https://developers.freshdesk.com/api/> unless a rule names its place there.

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::kind::html_as_shown;
use super::server::{Request, fields, is_email};
use super::store::{Store, Ticket};

mod checks;
mod found;
mod notes;

use checks::{attachments, custom, lengths, unknown};
use found::{list, search};
use notes::{conversations, note};

/// The agent's API key; the password is anything (`#authentication`).
pub const API_KEY: &str = "freshdesk-api-key";

/// Custom fields that the account has (`#ticket_fields`): a text and a number.
pub const CUSTOM_FIELDS: [&str; 2] = ["cf_insurance_no", "cf_amount"];

/// What a ticket may be made with (`#create_ticket`). Anything else is refused.
const WRITABLE: [&str; 27] = [
    "attachments",
    "cc_emails",
    "company_id",
    "custom_fields",
    "description",
    "due_by",
    "email",
    "email_config_id",
    "facebook_id",
    "fr_due_by",
    "group_id",
    "internal_agent_id",
    "internal_group_id",
    "lookup_parameter",
    "name",
    "parent_id",
    "phone",
    "priority",
    "product_id",
    "related_ticket_ids",
    "requester_id",
    "responder_id",
    "source",
    "status",
    "subject",
    "tags",
    "type",
];
const REQUESTERS: [&str; 6] = [
    "requester_id",
    "phone",
    "email",
    "twitter_id",
    "facebook_id",
    "unique_external_id",
];

#[derive(Debug)]
pub(super) struct Freshdesk;

impl super::Api for Freshdesk {
    fn answer(&self, request: &Request, store: &mut Store) -> Answer {
        let key = request.basic().map(|(user, _)| user);
        if store.revoked || key.as_deref() != Some(API_KEY) {
            let body = json!({"code": "invalid_credentials", "message": "You have to be logged in to perform this action."});
            return Answer::json(401, body);
        }
        let (method, path) = request.route();
        let answer = match (method, path.as_slice()) {
            ("POST", ["api", "v2", "tickets"]) => create(request, store),
            ("GET", ["api", "v2", "tickets"]) => list(request, store),
            ("GET", ["api", "v2", "tickets", id]) => show(id, store),
            ("PUT", ["api", "v2", "tickets", id]) => update(id, request, store),
            ("POST", ["api", "v2", "tickets", id, "notes"]) => note(id, request, store),
            ("GET", ["api", "v2", "tickets", id, "conversations"]) => {
                conversations(id, request, store)
            }
            ("GET", ["api", "v2", "search", "tickets"]) => search(request, store),
            ("GET", ["api", "v2", "agents", "me"]) => Ok(Answer::json(
                200,
                json!({"id": 1, "contact": {"email": "agent@acme.example"}}),
            )),
            _ => Err(Answer::empty(404)),
        };
        answer.unwrap_or_else(|refused| refused)
    }

    /// `#ratelimit`
    fn too_many(&self, seconds: u64) -> Answer {
        let body = json!({"message": "You have exceeded the limit of requests per hour"});
        Answer::json(429, body)
            .header("retry-after", seconds.to_string())
            .header("x-ratelimit-total", "50")
            .header("x-ratelimit-remaining", "0")
    }

    fn login(&self) -> String {
        format!("api_key = '{API_KEY}'")
    }

    fn credentials(&self) -> Value {
        json!({"api_key": API_KEY})
    }

    fn creation(&self) -> (&'static str, &'static str) {
        ("POST", "/api/v2/tickets")
    }

    fn comment(&self) -> (&'static str, &'static str) {
        ("POST", "/notes")
    }

    fn attachment(&self) -> (&'static str, &'static str) {
        ("POST", "/notes")
    }

    fn description(&self, ticket: &Ticket) -> String {
        html_as_shown(ticket.text("description"))
    }

    fn comment_text(&self, body: &str) -> String {
        html_as_shown(body)
    }
}

/// The fields of the request: JSON, or a form where there are attachments (`#attachments`).
fn body(request: &Request) -> Result<Map<String, Value>, Answer> {
    match request.content_type() {
        "application/json" => {
            if let Some(Value::Object(body)) = request.json() {
                return Ok(body);
            }
            let error =
                json!({"code": "invalid_json", "message": "Request body has invalid json format"});
            Err(Answer::json(400, error))
        }
        "multipart/form-data" => Ok(form(&request.parts)),
        other => {
            let message = format!(
                "Content-Type header is set to {other}. It should be set to application/json"
            );
            Err(Answer::json(
                415,
                json!({"code": "invalid_content_type", "message": message}),
            ))
        }
    }
}

/// `tags[]=a`, `custom_fields[cf_x]=b`, `status=2`: a form has numbers as text.
fn form(parts: &[(String, String)]) -> Map<String, Value> {
    let mut body = Map::new();
    for (name, text) in parts {
        if let Some(list) = name.strip_suffix("[]") {
            let list = body.entry(list).or_insert_with(|| json!([]));
            if let Some(list) = list.as_array_mut() {
                list.push(json!(text));
            }
        } else if let Some((object, key)) = name.split_once('[') {
            let key = key.trim_end_matches(']');
            body.entry(object).or_insert_with(|| json!({}))[key] = json!(text);
        } else if name == "private" {
            body.insert(name.clone(), json!(text == "true"));
        } else if let ("status" | "priority" | "source" | "group_id" | "responder_id", Ok(number)) =
            (name.as_str(), text.parse::<u64>())
        {
            body.insert(name.clone(), json!(number));
        } else {
            body.insert(name.clone(), json!(text));
        }
    }
    body
}

fn create(request: &Request, store: &mut Store) -> Result<Answer, Answer> {
    let mut body = body(request)?;
    let mut errors = Vec::new();
    unknown(&body, &WRITABLE, &REQUESTERS, &mut errors);
    if !REQUESTERS
        .iter()
        .any(|name| body.get(*name).is_some_and(|value| !value.is_null()))
    {
        let message = "Please fill at least 1 of requester_id, phone, email, twitter_id, facebook_id, unique_external_id fields";
        errors.push(error("requester_id", message, "missing_field"));
    } else if body.contains_key("phone")
        && !body.contains_key("email")
        && text(&body, "name").is_empty()
    {
        // "If the phone number is set and the email address is not, then the name attribute is mandatory."
        errors.push(error(
            "name",
            "It should not be blank as this is a mandatory field",
            "missing_field",
        ));
    }
    if body.contains_key("email") && !is_email(text(&body, "email")) {
        errors.push(error(
            "email",
            "It should be in the 'valid email address' format",
            "invalid_value",
        ));
    }
    for (name, allowed) in [
        ("status", &[2, 3, 4, 5][..]),
        ("priority", &[1, 2, 3, 4]),
        ("source", &[1, 2, 3, 5, 6, 7, 9, 10, 11]),
    ] {
        let listed = allowed
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(",");
        let message = format!("It should be one of these values: '{listed}'");
        match body.get(name) {
            // "status", "priority" and "source" have defaults: 2, 1 and 2.
            None => drop(body.insert(
                name.to_owned(),
                json!(if name == "priority" { 1 } else { 2 }),
            )),
            Some(value) if value.as_u64().is_some_and(|value| allowed.contains(&value)) => {}
            Some(_) => errors.push(error(name, &message, "invalid_value")),
        }
    }
    for name in ["subject", "description"] {
        match body.get(name) {
            Some(Value::String(text)) if !text.trim().is_empty() => {}
            None => errors.push(error(name, "It should be a/an String", "missing_field")),
            Some(_) => errors.push(error(
                name,
                "It should not be blank as this is a mandatory field",
                "invalid_value",
            )),
        }
    }
    lengths(&body, &mut errors);
    custom(&body, &mut errors);
    let files: Vec<_> = request.files.iter().map(|(_, file)| file.clone()).collect();
    attachments(request, &files, &mut errors);
    if !errors.is_empty() {
        return Err(invalid(&errors));
    }
    let requester_id = requester(&body, store);
    for name in ["name", "email", "phone", "unique_external_id"] {
        body.remove(name);
    }
    body.insert("requester_id".to_owned(), json!(requester_id));
    body.entry("tags").or_insert_with(|| json!([]));
    body.entry("custom_fields").or_insert_with(|| json!({}));
    let id = store.next_id();
    body.insert("id".to_owned(), json!(id));
    let location = format!("{}/api/v2/tickets/{id}", store.base_url);
    let ticket = store.add_ticket_as(id.to_string(), Value::Object(body));
    ticket.attachments = files;
    Ok(Answer::json(201, shown(ticket)).header("location", location))
}

/// "If no contact exists with this email address / external ID, it will be added as a new contact."
fn requester(body: &Map<String, Value>, store: &mut Store) -> Value {
    if let Some(id) = body.get("requester_id") {
        return id.clone();
    }
    let keys = ["email", "unique_external_id", "phone"];
    let given: Vec<_> = keys
        .iter()
        .filter(|key| !text(body, key).is_empty())
        .collect();
    let known = store
        .people
        .iter()
        .find(|person| given.iter().any(|key| person[**key] == text(body, key)));
    if let Some(person) = known {
        return person["id"].clone();
    }
    let id = json!(store.next_id());
    let of = |key: &str| body.get(key).cloned().unwrap_or_default();
    let person = json!({"id": id, "name": of("name"), "email": of("email"), "phone": of("phone"), "unique_external_id": of("unique_external_id")});
    store.people.push(person);
    id
}

fn show(id: &str, store: &mut Store) -> Result<Answer, Answer> {
    let ticket = store.ticket(id).ok_or_else(|| Answer::empty(404))?;
    Ok(Answer::json(200, shown(ticket)))
}

fn update(id: &str, request: &Request, store: &mut Store) -> Result<Answer, Answer> {
    let body = body(request)?;
    let ticket = store.ticket(id).ok_or_else(|| Answer::empty(404))?;
    let mut errors = Vec::new();
    unknown(&body, &WRITABLE, &REQUESTERS, &mut errors);
    lengths(&body, &mut errors);
    custom(&body, &mut errors);
    if !errors.is_empty() {
        return Err(invalid(&errors));
    }
    for (name, value) in body {
        ticket.fields[name] = value;
    }
    Ok(Answer::json(200, shown(ticket)))
}

fn shown(ticket: &Ticket) -> Value {
    let mut shown = fields(&ticket.fields);
    let at = at(ticket);
    shown.insert("created_at".to_owned(), json!(at));
    shown.insert("updated_at".to_owned(), json!(at));
    for name in ["due_by", "fr_due_by"] {
        shown.entry(name).or_insert_with(|| json!(at));
    }
    let text = plain(ticket.text("description"));
    shown.insert("description_text".to_owned(), json!(text));
    let files = ticket.attachments.iter();
    let files: Vec<_> = files
        .map(|file| json!({"name": file.name, "content_type": file.content_type, "size": file.content.len()}))
        .collect();
    shown.insert("attachments".to_owned(), json!(files));
    Value::Object(shown)
}

/// When a ticket was made; nothing here depends on when its notes were.
fn at(ticket: &Ticket) -> String {
    ticket.created_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// HTML as text, roughly.
fn plain(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for character in html.chars() {
        match character {
            '<' => inside = true,
            '>' => inside = false,
            _ if !inside => text.push(character),
            _ => {}
        }
    }
    for (entity, character) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, character);
    }
    text
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// `#errors`
fn error(field: &str, message: &str, code: &str) -> Value {
    json!({"field": field, "message": message, "code": code})
}

fn invalid(errors: &[Value]) -> Answer {
    Answer::json(
        400,
        json!({"description": "Validation failed", "errors": errors}),
    )
}
