//! `response_url`s: answers to an interaction or a slash command without a token
//! (<https://docs.slack.dev/interactivity/handling-user-interaction#message_responses>).

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{ConnectInfo, Path, State as Shared},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::fake_slack::{
    Author, Message,
    block_kit::check_blocks,
    message::name_blocks,
    oauth::Site,
    server::{before, record, refuse},
    state::{ResponseUrl, State},
};
use crate::faults::Connection;

use super::Refused;

/// How often one `response_url` can be used.
const MAX_USES: u32 = 5;

pub(crate) async fn respond(
    Shared(site): Shared<Arc<Site>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path((team, id)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let (state, method) = (site.by_team(&team), "response_url");
    let arguments: Value = serde_json::from_slice(&body).unwrap_or_default();
    let target = state.read(|store| store.response_urls.get(&id).cloned());
    let channel = target.as_ref().map(|target| target.channel.as_str());
    let after = match before(&state, &connection, method, channel, &arguments).await {
        Ok(after) => after,
        Err(response) => return response,
    };
    let result = target
        .ok_or_else(|| Refused::new("expired_url"))
        .and_then(|target| carry_out(&state, &id, &target, &arguments));
    let response = match result {
        Ok(()) => {
            record(&state, method, arguments, "ok");
            "ok".into_response()
        }
        Err(refused) => {
            record(&state, method, arguments.clone(), &refused.error);
            refuse(&state, method, arguments, &refused);
            (StatusCode::NOT_FOUND, axum::Json(refused.to_json())).into_response()
        }
    };
    after.apply(&connection, response)
}

fn carry_out(
    state: &State,
    id: &str,
    target: &ResponseUrl,
    arguments: &Value,
) -> Result<(), Refused> {
    let flag = |name: &str| arguments.get(name).and_then(Value::as_bool) == Some(true);
    let text = arguments
        .get("text")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let blocks = arguments
        .get("blocks")
        .cloned()
        .unwrap_or_else(|| json!([]));
    check_blocks(&blocks)?;
    let mut blocks = blocks.as_array().cloned().unwrap_or_default();
    if text.is_empty() && blocks.is_empty() && !flag("delete_original") {
        return Err(Refused::new("no_text"));
    }
    let now = state.now();
    state.change(|store| {
        let used = store.response_urls.get_mut(id).map(|url| {
            url.uses += 1;
            url.uses
        });
        if used.is_none_or(|uses| uses > MAX_USES) {
            return Err(Refused::new("used_url"));
        }
        let original = target.message_ts.as_deref().unwrap_or_default();
        if flag("delete_original") {
            if let Some(messages) = store.channels.get_mut(&target.channel) {
                messages.retain(|message| message.ts != original);
            }
        } else if flag("replace_original") {
            let message = store
                .message_mut(&target.channel, original)
                .ok_or_else(|| Refused::new("message_not_found"))?;
            name_blocks(&mut blocks, original);
            message.blocks = blocks;
            text.clone_into(&mut message.text);
            message.edits += 1;
        } else {
            let ts = store.next_ts(now);
            name_blocks(&mut blocks, &ts);
            let mut message = Message::new(&target.channel, ts, Author::Bot, text);
            message.blocks = blocks;
            message.thread_ts.clone_from(&target.thread_ts);
            let for_all =
                arguments.get("response_type").and_then(Value::as_str) == Some("in_channel");
            message.ephemeral_to = (!for_all).then(|| target.user.clone());
            store.post(message);
        }
        Ok(())
    })
}
