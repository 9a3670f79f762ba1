//! `files.info`, and private files, which need the bot's token.

use std::sync::Arc;

use axum::{
    extract::{Path, State as Shared},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use crate::fake_slack::{
    arguments::Arguments,
    calls::{bearer, record, refuse},
    oauth::Site,
    state::State,
};

use crate::fake_slack::refused::Refused;

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
    Path((id, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let state = site.by_team(id.split('-').next().unwrap_or_default());
    let arguments = json!({"file": id, "name": name});
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
    match found {
        Some((mimetype, content)) => {
            record(&state, "files-pri", arguments, "ok");
            ([(header::CONTENT_TYPE, mimetype)], content).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
