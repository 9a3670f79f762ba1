//! Cases: kept, changed and found, by their ids and by the external one.

use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::server::{Request, fields, is_email};
use super::super::store::Store;
use super::{EXTERNAL_ID, body, error, of_field};

/// What a Case has, and the most characters of it (objects, `sforce_api_objects_case.htm`); 0 for what
/// has no such limit.
const CASE: [(&str, usize); 19] = [
    ("AccountId", 18),
    ("ContactId", 18),
    ("Description", 32_000),
    ("IsEscalated", 0),
    ("Language", 0),
    ("Origin", 40),
    ("OwnerId", 18),
    ("ParentId", 18),
    ("Priority", 40),
    ("Reason", 40),
    ("RecordTypeId", 18),
    ("Status", 40),
    ("Subject", 255),
    ("SuppliedCompany", 80),
    ("SuppliedEmail", 80),
    ("SuppliedName", 80),
    ("SuppliedPhone", 40),
    ("Type", 40),
    ("Insurance_No__c", 80),
];

/// REST, `dome_upsert.htm`: 201 when it is new, 200 when it is not (204 before version 46.0), 300 with
/// the URLs when several records have the value.
pub(super) fn upsert(
    field: &str,
    value: &str,
    version: f32,
    request: &Request,
    store: &mut Store,
) -> Answer {
    let body = match case(request, store) {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    if field == "Id" {
        return update(value, request, store);
    }
    if field != EXTERNAL_ID {
        let message =
            format!("Provided external ID field does not exist or is not accessible: {field}");
        return error(404, "NOT_FOUND", &message);
    }
    if body.get(EXTERNAL_ID).is_some() {
        let message =
            format!("The {EXTERNAL_ID} field should not be specified in the sobject data.");
        return error(400, "INVALID_FIELD", &message);
    }
    let found = found(value, store);
    match found.as_slice() {
        [] => {
            let mut body = fields(&body);
            body.insert(EXTERNAL_ID.to_owned(), json!(value));
            let id = keep(Value::Object(body), store);
            Answer::json(
                201,
                json!({"id": id, "success": true, "errors": [], "created": true}),
            )
        }
        [id] => {
            change(id, &body, store);
            if version < 46.0 {
                return Answer::empty(204);
            }
            Answer::json(
                200,
                json!({"id": id, "success": true, "errors": [], "created": false}),
            )
        }
        several => {
            let urls: Vec<_> = several
                .iter()
                .map(|id| format!("/services/data/v{version:.1}/sobjects/Case/{id}"))
                .collect();
            Answer::json(300, json!(urls))
        }
    }
}

fn found(value: &str, store: &Store) -> Vec<String> {
    let cases = store.tickets.iter();
    cases
        .filter(|case| case.fields[EXTERNAL_ID] == value)
        .map(|case| case.id.clone())
        .collect()
}

pub(super) fn insert(request: &Request, store: &mut Store) -> Answer {
    let body = match case(request, store) {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    if let Some(value) = body[EXTERNAL_ID].as_str()
        && let Some(other) = found(value, store).first()
    {
        let message = format!(
            "duplicate value found: {EXTERNAL_ID} duplicates value on record with id: {other}"
        );
        return error(400, "DUPLICATE_VALUE", &message);
    }
    let id = keep(body, store);
    Answer::json(201, json!({"id": id, "success": true, "errors": []}))
}

fn keep(mut body: Value, store: &mut Store) -> String {
    let number = store.next_id();
    let id = format!("500xx{number:013}");
    body["Id"] = json!(id);
    body["CaseNumber"] = json!(format!("{number:08}"));
    if body["Status"].is_null() {
        body["Status"] = json!("New");
    }
    store.add_ticket_as(id.clone(), body);
    id
}

fn change(id: &str, body: &Value, store: &mut Store) {
    if let Some(case) = store.ticket(id) {
        for (name, value) in fields(body) {
            case.fields[name] = value;
        }
    }
}

pub(super) fn update(id: &str, request: &Request, store: &mut Store) -> Answer {
    let body = match case(request, store) {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    if store.ticket(id).is_none() {
        return error(404, "NOT_FOUND", "The requested resource does not exist");
    }
    change(id, &body, store);
    Answer::empty(204)
}

/// The Case in the body, if Salesforce would take it.
fn case(request: &Request, store: &mut Store) -> Result<Value, Answer> {
    let body = body(request)?;
    for (name, value) in fields(&body) {
        let known = CASE.iter().find(|(known, _)| *known == name);
        let longest = match (known, name.as_str()) {
            (_, EXTERNAL_ID) => 255,
            (Some((_, longest)), _) => *longest,
            (None, _) => {
                let message = format!("No such column '{name}' on sobject of type Case");
                return Err(error(400, "INVALID_FIELD", &message));
            }
        };
        let Some(text) = value.as_str() else {
            if value.is_null() || value.is_boolean() {
                continue;
            }
            let message = format!("Cannot deserialize instance of string from VALUE value {value}");
            return Err(error(400, "JSON_PARSER_ERROR", &message));
        };
        if longest > 0 && text.chars().count() > longest {
            let start: String = text.chars().take(20).collect();
            let message = format!("{name}: data value too large: {start} (max length={longest})");
            return Err(of_field(400, "STRING_TOO_LONG", &message, &name));
        }
        if name == "SuppliedEmail" && !text.is_empty() && !is_email(text) {
            let message = format!("Web Email: invalid email address: {text}");
            return Err(of_field(400, "INVALID_EMAIL_ADDRESS", &message, &name));
        }
        if name == "ContactId" && !store.people.iter().any(|person| person["Id"] == text) {
            let message = format!("Contact ID: id value of incorrect type: {text}");
            return Err(of_field(400, "MALFORMED_ID", &message, &name));
        }
    }
    Ok(body)
}

pub(super) fn by_external_id(field: &str, value: &str, store: &mut Store) -> Answer {
    let cases = found(value, store);
    match (field, cases.as_slice()) {
        (EXTERNAL_ID, [id]) => by_id(id, store),
        _ => error(404, "NOT_FOUND", "The requested resource does not exist"),
    }
}

pub(super) fn by_id(id: &str, store: &mut Store) -> Answer {
    match store.ticket(id) {
        Some(case) => {
            let mut fields = case.fields.clone();
            fields["attributes"] =
                json!({"type": "Case", "url": format!("/services/data/v62.0/sobjects/Case/{id}")});
            Answer::json(200, fields)
        }
        None => error(404, "NOT_FOUND", "The requested resource does not exist"),
    }
}
