//! Contacts, and with which tickets they are.

use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::server::{Request, is_email};
use super::super::store::Store;
use super::{conditions, error, invalid, not_found, not_valid, properties};

/// What contacts have.
const CONTACT: [&str; 6] = [
    "email",
    "firstname",
    "lastname",
    "phone",
    "mobilephone",
    "company",
];

pub(super) fn search_contacts(request: &Request, store: &Store) -> Result<Answer, Answer> {
    let conditions = conditions(request)?;
    let people = store.people.iter();
    let found: Vec<_> = people
        .filter(|person| {
            conditions
                .iter()
                .all(|(name, value)| person["properties"][name] == *value)
        })
        .collect();
    Ok(Answer::json(
        200,
        json!({"total": found.len(), "results": found}),
    ))
}

/// <https://developers.hubspot.com/docs/guides/api/crm/objects/contacts>: an email is unique.
pub(super) fn create_contact(request: &Request, store: &mut Store) -> Result<Answer, Answer> {
    let (_, properties) = properties(request, &CONTACT)?;
    let email = properties
        .get("email")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !email.is_empty() && !is_email(email) {
        let message = format!("Email address {email} is invalid");
        return Err(not_valid(&[invalid("email", &message, "INVALID_EMAIL")]));
    }
    if let Some(known) = by_email(email, store) {
        let message = format!(
            "Contact already exists. Existing ID: {}",
            known["id"].as_str().unwrap_or_default()
        );
        return Err(error(409, "CONFLICT", &message));
    }
    let person = json!({"id": store.next_id().to_string(), "properties": properties, "createdAt": "2026-11-24T10:00:00.000Z", "updatedAt": "2026-11-24T10:00:00.000Z", "archived": false});
    store.people.push(person.clone());
    Ok(Answer::json(201, person))
}

pub(super) fn contact(id: &str, request: &Request, store: &Store) -> Result<Answer, Answer> {
    let found = match request.query("idProperty") {
        Some("email") => by_email(id, store),
        _ => store.people.iter().find(|person| person["id"] == id),
    };
    Ok(Answer::json(200, found.ok_or_else(not_found)?.clone()))
}

/// Emails are kept and compared in lower case.
fn by_email<'a>(email: &str, store: &'a Store) -> Option<&'a Value> {
    let same = |person: &&Value| {
        let other = person["properties"]["email"].as_str().unwrap_or_default();
        !email.is_empty() && other.eq_ignore_ascii_case(email)
    };
    store.people.iter().find(same)
}

pub(super) fn known_contact(id: &str, store: &Store) -> Result<(), Answer> {
    if store.people.iter().any(|person| person["id"] == id) {
        return Ok(());
    }
    let message = format!("CONTACT={id} is not valid");
    Err(error(400, "VALIDATION_ERROR", &message))
}

/// <https://developers.hubspot.com/docs/guides/api/crm/associations/associations-v4>
pub(super) fn associate(id: &str, contact: &str, store: &mut Store) -> Result<Answer, Answer> {
    known_contact(contact, store)?;
    let ticket = store.ticket(id).ok_or_else(not_found)?;
    if let Some(contacts) = ticket.fields["contacts"].as_array_mut()
        && !contacts.contains(&json!(contact))
    {
        contacts.push(json!(contact));
    }
    Ok(Answer::json(
        200,
        json!({"status": "COMPLETE", "results": []}),
    ))
}
