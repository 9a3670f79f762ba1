//! Create and update a user (docs.haptik.ai, webhooks/create-haptik-user).

use axum::{Json, body::Bytes, extract::State, http::HeaderMap};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Refusal, check_auth_id, object, required_text};
use crate::{account::Simulator, records::UserCall};

/// The text fields of a user, beside `auth_id`.
const TEXTS: [&str; 8] = [
    "mobile_no",
    "email",
    "name",
    "language_code",
    "phone_model",
    "os_version",
    "package_name",
    "auth_code",
];

pub(super) async fn create(
    State(simulator): State<Simulator>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    accept(&simulator, object(&headers, &body)?, true)
}

pub(super) async fn update(
    State(simulator): State<Simulator>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    accept(&simulator, object(&headers, &body)?, false)
}

fn accept(
    simulator: &Simulator,
    mut fields: Map<String, Value>,
    created: bool,
) -> Result<Json<Value>, Refusal> {
    let auth_id = required_text(&fields, "auth_id")?.to_owned();
    check_auth_id(simulator.settings(), &auth_id)?;
    check_texts(&fields)?;
    check_custom_data(fields.get("custom_data"))?;
    fields.retain(|name, value| {
        !value.is_null()
            && (name == "auth_id" || name == "custom_data" || TEXTS.contains(&name.as_str()))
    });
    let business_id = simulator.settings().business_id;
    simulator.change(|state| {
        if !created && state.users.get(&auth_id).is_none() {
            return Err(Refusal::not_registered());
        }
        state.users.register(&auth_id, fields.clone(), business_id);
        state.records.users.push(UserCall {
            at: Timestamp::now(),
            auth_id,
            created,
            fields: fields.clone(),
        });
        Ok(())
    })?;
    Ok(Json(Value::Object(fields)))
}

fn check_texts(fields: &Map<String, Value>) -> Result<(), Refusal> {
    for name in TEXTS {
        match fields.get(name) {
            None | Some(Value::Null | Value::String(_)) => {}
            Some(_) => return Err(Refusal::bad(format!("{name} must be a string"))),
        }
    }
    let code = fields.get("language_code").and_then(Value::as_str);
    let well_formed = |code: &str| code.len() == 2 && code.chars().all(|c| c.is_ascii_lowercase());
    if code.is_some_and(|code| !code.is_empty() && !well_formed(code)) {
        return Err(Refusal::bad("language_code must be an ISO 639-1 code"));
    }
    Ok(())
}

/// The custom data must be flat: "a nested object makes it invalid".
fn check_custom_data(custom_data: Option<&Value>) -> Result<(), Refusal> {
    let entries = match custom_data {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Object(entries)) => entries,
        Some(_) => return Err(Refusal::bad("custom_data must be a JSON object")),
    };
    for (key, value) in entries {
        let nested = match value {
            Value::Object(_) => true,
            Value::Array(items) => items.iter().any(|item| item.is_object() || item.is_array()),
            _ => false,
        };
        if nested {
            return Err(Refusal::bad(format!(
                "custom_data must be flat, but \"{key}\" is nested"
            )));
        }
    }
    Ok(())
}
