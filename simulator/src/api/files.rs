//! Log a file (docs.haptik.ai, webhooks/send-file-to-haptik).

use axum::{
    Json,
    extract::{Multipart, State, multipart::Field},
};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use super::{Refusal, messages::receive};
use crate::{account::Simulator, bot::FileSent, events::iso, records::LoggedFile};

/// "At most 10 MB".
const LARGEST_FILE: u64 = 10 * 1024 * 1024;

const IMAGES: [&str; 4] = ["jpg", "jpeg", "png", "gif"];
const DOCUMENTS: [&str; 6] = ["docx", "doc", "pdf", "xls", "xlsx", "csv"];

#[derive(Default)]
struct Form {
    auth_id: Option<String>,
    business_id: Option<String>,
    message_type: Option<String>,
    message_body: String,
    file: Option<Content>,
}

struct Content {
    name: String,
    size: u64,
    sha1: String,
}

pub(super) async fn log(
    State(simulator): State<Simulator>,
    form: Result<Multipart, axum::extract::multipart::MultipartRejection>,
) -> Result<Json<Value>, Refusal> {
    let form = form.map_err(|_| Refusal::bad("Content-Type must be multipart/form-data"))?;
    let form = read(form).await?;
    let auth_id = required(form.auth_id, "auth_id")?;
    let business_id = number(form.business_id, "business_id")?;
    let message_type = number(form.message_type, "message_type")?;
    let file = form.file.ok_or_else(|| Refusal::bad("file is missing"))?;
    check(&file, message_type)?;
    let sent = FileSent {
        name: file.name.clone(),
        size: file.size,
    };
    let message = receive(
        &simulator,
        &auth_id,
        &form.message_body,
        business_id,
        Some(sent),
    )?;
    let message_id = message.message_id;
    let file_url = simulator.change(|state| {
        state.records.files.push(LoggedFile {
            at: message.at,
            message_id,
            auth_id: auth_id.clone(),
            business_id,
            message_type,
            name: file.name,
            size: file.size,
            sha1: file.sha1,
            text: form.message_body.clone(),
        });
        state.link(&format!("/_simulator/files/{message_id}"))
    });
    let replies = simulator.ask(&message);
    simulator.perform_all(&message, replies);
    Ok(Json(json!({
        "message_id": message_id,
        "message_body": form.message_body,
        "created_at": iso(message.at),
        "message_type": message_type,
        "file_url": file_url,
    })))
}

async fn read(mut parts: Multipart) -> Result<Form, Refusal> {
    let mut form = Form::default();
    while let Some(part) = parts.next_field().await.map_err(unreadable)? {
        match part.name() {
            Some("auth_id") => form.auth_id = Some(part.text().await.map_err(unreadable)?),
            Some("business_id") => form.business_id = Some(part.text().await.map_err(unreadable)?),
            Some("message_type") => {
                form.message_type = Some(part.text().await.map_err(unreadable)?);
            }
            Some("message_body") => form.message_body = part.text().await.map_err(unreadable)?,
            Some("file") => form.file = Some(digest(part).await?),
            _ => {}
        }
    }
    Ok(form)
}

/// Reads a file piece by piece: only its length and digest are kept.
async fn digest(mut part: Field<'_>) -> Result<Content, Refusal> {
    let name = part
        .file_name()
        .ok_or_else(|| Refusal::bad("file has no file name"))?
        .to_owned();
    let mut sha1 = Sha1::new();
    let mut size = 0;
    while let Some(piece) = part.chunk().await.map_err(unreadable)? {
        size += piece.len() as u64;
        sha1.update(&piece);
    }
    Ok(Content {
        name,
        size,
        sha1: hex::encode(sha1.finalize()),
    })
}

fn check(file: &Content, message_type: u64) -> Result<(), Refusal> {
    let extensions: &[&str] = match message_type {
        1 => &IMAGES,
        52 => &DOCUMENTS,
        _ => {
            return Err(Refusal::bad(
                "message_type must be 1 (image) or 52 (document)",
            ));
        }
    };
    let extension = file
        .name
        .rsplit_once('.')
        .map(|(_, extension)| extension.to_ascii_lowercase())
        .unwrap_or_default();
    if !extensions.contains(&extension.as_str()) {
        let allowed = extensions.join(", ");
        return Err(Refusal::bad(format!(
            "file type not supported for message_type {message_type}: allowed are {allowed}"
        )));
    }
    if file.size == 0 {
        return Err(Refusal::bad("file is empty"));
    }
    if file.size > LARGEST_FILE {
        return Err(Refusal::bad("file is larger than 10 MB"));
    }
    Ok(())
}

fn required(value: Option<String>, name: &str) -> Result<String, Refusal> {
    value
        .filter(|value| !value.is_empty())
        .ok_or_else(|| Refusal::bad(format!("{name} is missing")))
}

fn number(value: Option<String>, name: &str) -> Result<u64, Refusal> {
    required(value, name)?
        .parse()
        .map_err(|_| Refusal::bad(format!("{name} must be a number")))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is given to map_err, which passes the error by value"
)]
fn unreadable(error: axum::extract::multipart::MultipartError) -> Refusal {
    Refusal::new(error.status(), "the form cannot be read")
}
