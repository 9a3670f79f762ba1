//! Notes, and the files that are attached to them.

use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::server::Request;
use super::super::store::{Comment, Store};
use super::{associations, error, invalid, not_valid, properties};

/// What notes have.
const NOTE: [&str; 4] = [
    "hs_note_body",
    "hs_timestamp",
    "hubspot_owner_id",
    "hs_attachment_ids",
];

/// The type of association between a note and a ticket
/// (<https://developers.hubspot.com/docs/guides/api/crm/associations/associations-v4#association-type-id-values>).
const NOTE_TO_TICKET: u64 = 228;

/// <https://developers.hubspot.com/docs/guides/api/crm/engagements/notes>, "Retrieve notes"; at most 100.
pub(super) fn notes(request: &Request, store: &Store) -> Result<Answer, Answer> {
    let body = request.json().unwrap_or_default();
    let inputs = body["inputs"].as_array().cloned().unwrap_or_default();
    if inputs.is_empty() || inputs.len() > 100 {
        let message = "The inputs are none or too many";
        return Err(error(400, "VALIDATION_ERROR", message));
    }
    let of = |id: &str| {
        let (ticket, index) = id.split_at_checked(id.len().checked_sub(4)?)?;
        let ticket = store.tickets.iter().find(|found| found.id == ticket)?;
        let note = ticket.comments.get(index.parse::<usize>().ok()?)?;
        Some(json!({"id": id, "properties": {"hs_note_body": note.body}}))
    };
    let ids = inputs.iter().filter_map(|input| input["id"].as_str());
    let found: Vec<_> = ids.filter_map(of).collect();
    Ok(Answer::json(
        200,
        json!({"status": "COMPLETE", "results": found}),
    ))
}

/// The number of a note: the ticket's, and which of its notes it is.
pub(super) fn note_id(ticket: &str, index: usize) -> String {
    format!("{ticket}{index:04}")
}

/// <https://developers.hubspot.com/docs/guides/api/crm/engagements/notes>: `hs_timestamp` is needed.
pub(super) fn note(request: &Request, store: &mut Store) -> Result<Answer, Answer> {
    let (body, properties) = properties(request, &NOTE)?;
    if properties.get("hs_timestamp").is_none_or(Value::is_null) {
        let message = "hs_timestamp is required";
        return Err(not_valid(&[invalid(
            "hs_timestamp",
            message,
            "REQUIRED_PROPERTY",
        )]));
    }
    let text = properties.get("hs_note_body").and_then(Value::as_str);
    let text = text.unwrap_or_default().to_owned();
    let id = store.next_id().to_string();
    // Ids, with semicolons between them.
    let ids = properties.get("hs_attachment_ids").and_then(Value::as_str);
    let ids = ids
        .unwrap_or_default()
        .split(';')
        .filter(|id| !id.is_empty());
    let mut files = Vec::new();
    for id in ids {
        let file = store.uploads.get(id).cloned();
        files.push(file.ok_or_else(|| error(400, "VALIDATION_ERROR", "There is no such file"))?);
    }
    for ticket in associations(&body, NOTE_TO_TICKET)? {
        let message = format!("TICKET={ticket} is not valid");
        let ticket = store
            .ticket(&ticket)
            .ok_or_else(|| error(400, "VALIDATION_ERROR", &message))?;
        ticket.comments.push(Comment {
            files: files.iter().map(|file| file.name.clone()).collect(),
            ..Comment::new(text.clone(), false)
        });
        ticket.attachments.extend(files.clone());
    }
    let shown = json!({"id": id, "properties": properties, "createdAt": "2026-11-24T10:00:00.000Z", "updatedAt": "2026-11-24T10:00:00.000Z", "archived": false});
    Ok(Answer::json(201, shown))
}

/// <https://developers.hubspot.com/docs/guides/api/library/files>: a file, `options` with its access, and
/// `folderPath` or `folderId`.
pub(super) fn upload(request: &Request, store: &mut Store) -> Result<Answer, Answer> {
    let part = |name: &str| {
        let found = request.parts.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, text)| text.as_str())
    };
    let refused = |message: &str| error(400, "VALIDATION_ERROR", message);
    let options: Value = serde_json::from_str(part("options")).unwrap_or_default();
    let access = options["access"].as_str().unwrap_or_default();
    let file = request.files.iter().find(|(name, _)| name == "file");
    let (_, file) = file.ok_or_else(|| refused("file is required"))?;
    if part("folderPath").is_empty() && part("folderId").is_empty() {
        return Err(refused("folderPath or folderId is required"));
    }
    if !["PRIVATE", "PUBLIC_INDEXABLE", "PUBLIC_NOT_INDEXABLE"].contains(&access) {
        return Err(refused("options.access is required"));
    }
    let id = store.next_id().to_string();
    store.uploads.insert(id.clone(), file.clone());
    let name = file.name.rsplit_once('.');
    let name = name.map_or(file.name.as_str(), |(name, _)| name);
    let body = json!({"id": id, "name": name, "access": access});
    Ok(Answer::json(201, body))
}
