//! What is wrong with a body.

use serde_json::{Map, Value};

use super::super::server::Request;
use super::super::store::Attachment;
use super::{CUSTOM_FIELDS, error, text};

/// "The total size of all the ticket's attachments (not just this one) cannot exceed 20MB."
const ATTACHMENTS: usize = 20 * 1024 * 1024;

pub(super) fn unknown(
    body: &Map<String, Value>,
    known: &[&str],
    more: &[&str],
    errors: &mut Vec<Value>,
) {
    for name in body.keys() {
        if !known.contains(&name.as_str()) && !more.contains(&name.as_str()) {
            errors.push(error(
                name,
                "Unexpected/invalid field in request",
                "invalid_field",
            ));
        }
    }
}

/// Subjects have at most 255 characters, tags 32 each.
pub(super) fn lengths(body: &Map<String, Value>, errors: &mut Vec<Value>) {
    let length = text(body, "subject").chars().count();
    if length > 255 {
        let message = format!("Has {length} characters, it can have maximum of 255 characters");
        errors.push(error("subject", &message, "invalid_value"));
    }
    let Some(tags) = body.get("tags") else { return };
    let Some(tags) = tags.as_array() else {
        errors.push(error(
            "tags",
            "Value set is of type String.It should be a/an Array",
            "datatype_mismatch",
        ));
        return;
    };
    let short = |tag: &Value| {
        tag.as_str()
            .is_some_and(|tag| (1..=32).contains(&tag.chars().count()))
    };
    if !tags.iter().all(short) {
        let message = "It should only contain elements that have maximum of 32 characters";
        errors.push(error("tags", message, "invalid_value"));
    }
    if tags
        .iter()
        .any(|tag| tag.as_str().unwrap_or_default().contains(','))
    {
        errors.push(error(
            "tags",
            "It should not contain invalid characters like: ','",
            "invalid_value",
        ));
    }
}

pub(super) fn custom(body: &Map<String, Value>, errors: &mut Vec<Value>) {
    let Some(custom) = body.get("custom_fields") else {
        return;
    };
    let Some(custom) = custom.as_object() else {
        errors.push(error(
            "custom_fields",
            "It should be a/an key/value pair",
            "datatype_mismatch",
        ));
        return;
    };
    for (name, value) in custom {
        if !CUSTOM_FIELDS.contains(&name.as_str()) {
            let field = format!("custom_fields.{name}");
            errors.push(error(
                &field,
                "Unexpected/invalid field in request",
                "invalid_field",
            ));
        } else if name == "cf_insurance_no" && !(value.is_string() || value.is_null()) {
            errors.push(error(name, "It should be a/an String", "datatype_mismatch"));
        } else if name == "cf_amount" && !(value.is_number() || value.is_null()) {
            errors.push(error(
                name,
                "It should be a/an Integer",
                "datatype_mismatch",
            ));
        }
    }
}

pub(super) fn attachments(request: &Request, files: &[Attachment], errors: &mut Vec<Value>) {
    if request
        .files
        .iter()
        .any(|(name, _)| name != "attachments[]")
    {
        errors.push(error(
            "attachments",
            "It should be a/an Array",
            "datatype_mismatch",
        ));
    }
    if files.iter().map(|file| file.content.len()).sum::<usize>() > ATTACHMENTS {
        let message = "Invalid size. It should be less than 20 MB";
        errors.push(error("attachments", message, "invalid_size"));
    }
}
