//! Chats and what happens in them beside messages.

use std::time::Duration;

use serde_json::{Value, json};

use super::Arguments;
use crate::fake_telegram::Refused;
use crate::fake_telegram::state::{Access, ChatKind, State, Store};

/// The largest file that a bot can download (<https://core.telegram.org/bots/api#getfile>).
const LARGEST_FILE: u64 = 20 << 20;

/// How long a tap can be answered: not documented; clients give up within a minute, the server answers
/// "query is too old" some time after.
const QUERY_LIFE: Duration = Duration::from_mins(15);

/// The longest text of an answer to a tap (<https://core.telegram.org/bots/api#answercallbackquery>).
const ANSWER: usize = 200;

/// <https://core.telegram.org/bots/api#sendchataction>
const ACTIONS: &[&str] = &[
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
];

/// The id of a chat that the bot knows and may write to.
pub(super) fn writable(store: &Store, arguments: &Arguments) -> Result<i64, Refused> {
    let id = arguments.get("chat_id").unwrap_or(&Value::Null);
    let id = id.as_i64().or_else(|| id.as_str()?.parse().ok());
    if !arguments.contains_key("chat_id") {
        return Err(Refused::bad_request("chat_id is empty"));
    }
    let chat = id
        .and_then(|id| store.chats.get(&id))
        .ok_or_else(Refused::no_chat)?;
    match (&chat.access, chat.kind) {
        (Access::Open, _) => Ok(chat.id),
        (Access::Blocked, ChatKind::Private) => {
            Err(Refused::new(403, "Forbidden: bot was blocked by the user"))
        }
        (Access::Blocked, ChatKind::Group) => Err(Refused::new(
            403,
            "Forbidden: bot was kicked from the group chat",
        )),
        (Access::Blocked, ChatKind::Supergroup | ChatKind::Forum) => Err(Refused::new(
            403,
            "Forbidden: bot was kicked from the supergroup chat",
        )),
        (Access::Deactivated, _) => Err(Refused::new(403, "Forbidden: user is deactivated")),
        (Access::Migrated(to), _) => Err(Refused {
            parameters: json!({"migrate_to_chat_id": to}),
            ..Refused::bad_request("group chat was upgraded to a supergroup chat")
        }),
    }
}

/// The topic that is written to: outside of forums the field means nothing, and the general topic has no
/// id that could be given.
pub(super) fn topic(
    store: &mut Store,
    chat: i64,
    arguments: &Arguments,
) -> Result<Option<i64>, Refused> {
    let Some(topic) = arguments.get("message_thread_id").and_then(Value::as_i64) else {
        return Ok(None);
    };
    let chat = store.chats.get(&chat).ok_or_else(Refused::no_chat)?;
    match chat.kind {
        ChatKind::Group | ChatKind::Supergroup => {
            let warning = format!(
                "message_thread_id {topic} in {}, which has no topics",
                chat.id
            );
            store.warnings.push(warning);
            Ok(None)
        }
        ChatKind::Private | ChatKind::Forum if chat.topics.contains(&topic) => Ok(Some(topic)),
        ChatKind::Private | ChatKind::Forum => {
            Err(Refused::bad_request("message thread not found"))
        }
    }
}

/// <https://core.telegram.org/bots/api#answercallbackquery>
pub(super) fn answer_query(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    let text = |key: &str| {
        arguments
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (id, shown, now) = (text("callback_query_id"), text("text"), state.now());
    if super::super::html::units(shown) > ANSWER {
        return Err(Refused::bad_request("MESSAGE_TOO_LONG"));
    }
    state.change(|store| {
        let made = store.queries.remove(id);
        let life = jiff::SignedDuration::try_from(QUERY_LIFE).unwrap_or_default();
        match made {
            Some(at) if now.duration_since(at) <= life => {
                store.answered.push((id.to_owned(), shown.to_owned()));
                Ok(Value::Bool(true))
            }
            _ => Err(Refused::bad_request(
                "query is too old and response timeout expired or query ID is invalid",
            )),
        }
    })
}

/// <https://core.telegram.org/bots/api#sendchataction>
pub(super) fn action(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    let action = arguments
        .get("action")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !ACTIONS.contains(&action) {
        return Err(Refused::bad_request("wrong parameter action in request"));
    }
    state.change(|store| {
        let chat = writable(store, arguments)?;
        let topic = topic(store, chat, arguments)?;
        store.actions.push((chat, topic, action.to_owned()));
        Ok(Value::Bool(true))
    })
}

/// <https://core.telegram.org/bots/api#getfile>
pub(super) fn file(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    let id = arguments
        .get("file_id")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if id.is_empty() {
        return Err(Refused::bad_request("file_id not specified"));
    }
    state.read(|store| {
        let file = store.files.get(id);
        let file = file.ok_or_else(|| Refused::bad_request("invalid file_id"))?;
        if file.size > LARGEST_FILE {
            return Err(Refused::bad_request("file is too big"));
        }
        if file.content.is_none() {
            let gone = "wrong file_id or the file is temporarily unavailable";
            return Err(Refused::bad_request(gone));
        }
        Ok(json!({
            "file_id": id, "file_unique_id": file.unique_id, "file_size": file.size,
            "file_path": file.path,
        }))
    })
}
