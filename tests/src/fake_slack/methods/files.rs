//! Uploads in three steps, `files.info`, and private files, which need the bot's token.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{ConnectInfo, Path, State as Shared},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use crate::fake_slack::{
    Author, Message,
    arguments::Arguments,
    oauth::Site,
    server::{bearer, before, record, refuse},
    state::{State, StoredFile},
};
use crate::faults::Connection;

use super::{Refused, conversation};

pub(crate) fn get_upload_url(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    let name = arguments.required("filename")?;
    arguments.required("length")?;
    let expected_length = arguments.number("length")?.unwrap_or_default();
    if expected_length == 0 {
        return Err(Refused::new("missing_argument").because("length is 0"));
    }
    let id = state.change(|store| {
        let id = store.next_id("F");
        let file = StoredFile {
            id: id.clone(),
            title: name.clone(),
            name,
            mimetype: "application/octet-stream".to_owned(),
            content: None,
            expected_length,
            completed: false,
            from_bot: true,
        };
        store.files.insert(id.clone(), file);
        id
    });
    let upload_url = format!("{}/upload/v1/{id}", state.origin);
    Ok(json!({"upload_url": upload_url, "file_id": id}))
}

/// Takes the bytes of a file, raw or as the only part of a multipart form.
pub(crate) async fn upload(
    Shared(site): Shared<Arc<Site>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let state = site.by_file(&id);
    let arguments = json!({"file": id, "bytes": body.len()});
    let after = match before(&state, &connection, "upload", None, &arguments).await {
        Ok(after) => after,
        Err(response) => return response,
    };
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let content = match content_type.split_once("boundary=") {
        Some((_, boundary)) => only_part(&body, boundary.trim_matches('"')),
        None => Some(body),
    };
    let stored = state.change(|store| {
        let file = store.files.get_mut(&id).filter(|file| !file.completed)?;
        let content = content.filter(|content| content.len() == file.expected_length)?;
        file.content = Some(content);
        Some(file.expected_length)
    });
    let response = if let Some(length) = stored {
        record(&state, "upload", arguments, "ok");
        format!("OK - {length}").into_response()
    } else {
        let refused = Refused::new("upload_failed").because("unknown file, or not its length");
        record(&state, "upload", arguments.clone(), &refused.error);
        refuse(&state, "upload", arguments, &refused);
        (StatusCode::BAD_REQUEST, "upload failed").into_response()
    };
    after.apply(&connection, response)
}

pub(crate) fn complete_upload(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    let files = arguments
        .structure("files", "invalid_arguments")?
        .and_then(|files| files.as_array().cloned())
        .filter(|files| !files.is_empty())
        .ok_or_else(|| {
            Refused::new("invalid_arguments").because("missing required field: files")
        })?;
    let channel = arguments
        .text("channel_id")
        .map(|channel| conversation(&channel))
        .transpose()?;
    let now = state.now();
    state.change(|store| {
        let mut shared = Vec::new();
        for entry in &files {
            let id = entry.get("id").and_then(Value::as_str).unwrap_or_default();
            let file = store
                .files
                .get_mut(id)
                .filter(|file| file.content.is_some())
                .ok_or_else(|| Refused::new("file_not_found").because(id))?;
            if let Some(title) = entry.get("title").and_then(Value::as_str) {
                title.clone_into(&mut file.title);
            }
            file.completed = true;
            shared.push(state.file_object(file));
        }
        if let Some(channel) = &channel {
            let ts = store.next_ts(now);
            let comment = arguments.text("initial_comment").unwrap_or_default();
            let mut message = Message::new(channel, ts, Author::Bot, &comment);
            message.thread_ts = arguments.text("thread_ts");
            message.files.clone_from(&shared);
            store.post(message);
        }
        Ok(json!({ "files": shared }))
    })
}

pub(crate) fn info(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    let id = arguments.text("file").unwrap_or_default();
    let file = state
        .read(|store| store.files.get(&id).map(|file| state.file_object(file)))
        .ok_or_else(|| Refused::new("file_not_found").because(&id))?;
    Ok(json!({"file": file, "comments": [], "response_metadata": {"next_cursor": ""}}))
}

/// A private file. Without the bot's token Slack sends the reader to its sign-in page, which is
/// HTML with status 200.
pub(crate) async fn download(
    Shared(site): Shared<Arc<Site>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path((id, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let state = site.by_team(id.split('-').next().unwrap_or_default());
    let arguments = json!({"file": id, "name": name});
    let after = match before(&state, &connection, "files-pri", None, &arguments).await {
        Ok(after) => after,
        Err(response) => return response,
    };
    let is_good = |token: &str| state.read(|store| store.tokens.iter().any(|good| good == token));
    if !bearer(&headers).is_some_and(is_good) {
        let refused = Refused::new("invalid_auth").because("a private file without the token");
        record(&state, "files-pri", arguments.clone(), &refused.error);
        refuse(&state, "files-pri", arguments, &refused);
        return (
            StatusCode::FOUND,
            [(header::LOCATION, format!("{}/?redir=files", state.origin))],
        )
            .into_response();
    }
    let file_id = id.rsplit_once('-').map_or(id.as_str(), |(_, file)| file);
    let found = state.read(|store| {
        let file = store.files.get(file_id)?;
        Some((file.mimetype.clone(), file.content.clone()?))
    });
    let response = match found {
        Some((mimetype, content)) => {
            record(&state, "files-pri", arguments, "ok");
            ([(header::CONTENT_TYPE, mimetype)], content).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    };
    after.apply(&connection, response)
}

/// What lies between the first empty line and the closing boundary.
fn only_part(body: &Bytes, boundary: &str) -> Option<Bytes> {
    let find = |needle: &[u8], from: usize| {
        body.get(from..)?
            .windows(needle.len())
            .position(|window| window == needle)
            .map(|at| at + from)
    };
    let start = find(b"\r\n\r\n", 0)? + 4;
    let end = find(format!("\r\n--{boundary}").as_bytes(), start)?;
    Some(body.slice(start..end))
}
