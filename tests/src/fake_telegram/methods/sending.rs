//! `sendMessage`, `sendPhoto`, `sendDocument`.

use serde_json::Value;

use super::{Arguments, chat};
use crate::fake_telegram::state::{State, Store};
use crate::fake_telegram::text::{self, Formatted};
use crate::fake_telegram::{Message, Refused, keyboard};

/// <https://core.telegram.org/bots/api#sendmessage>
pub(super) fn message(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    let formatted = text::of_message(arguments)?;
    send(state, arguments, formatted, |_| Ok(()))
}

/// <https://core.telegram.org/bots/api#sendphoto>
pub(super) fn photo(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    let photo = file(state, arguments, "photo")?;
    let caption = text::of_caption(arguments)?;
    send(state, arguments, caption, |message| {
        message.photo = Some(photo);
        message.is_caption = true;
        Ok(())
    })
}

/// <https://core.telegram.org/bots/api#senddocument>: "sending by URL will currently only work for GIF,
/// PDF and ZIP files" (<https://core.telegram.org/bots/api#sending-files>).
pub(super) fn document(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    let document = file(state, arguments, "document")?;
    let path = document
        .split(['?', '#'])
        .next()
        .unwrap_or_default()
        .to_lowercase();
    let is_taken = [".gif", ".pdf", ".zip"]
        .iter()
        .any(|ending| path.ends_with(ending));
    if document.starts_with("http") && !is_taken {
        return Err(Refused::bad_request("wrong type of the web page content"));
    }
    let caption = text::of_caption(arguments)?;
    send(state, arguments, caption, |message| {
        message.document = Some(document);
        message.is_caption = true;
        Ok(())
    })
}

/// A file by its id or its URL (<https://core.telegram.org/bots/api#sending-files>).
fn file(state: &State, arguments: &Arguments, field: &str) -> Result<String, Refused> {
    let file = arguments
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default();
    if file.is_empty() {
        return Err(Refused::bad_request(format!(
            "there is no {field} in the request"
        )));
    }
    if !file.contains(':') {
        let is_known = state.read(|store| store.files.contains_key(file));
        return if is_known {
            Ok(file.to_owned())
        } else {
            Err(Refused::bad_request(
                "wrong file identifier/HTTP URL specified",
            ))
        };
    }
    let is_http = file.starts_with("http://") || file.starts_with("https://");
    if !is_http || keyboard::checked_link(file).is_err() {
        return Err(Refused::bad_request("wrong HTTP URL specified"));
    }
    match state.read(|store| store.bad_urls.get(file).cloned()) {
        Some(reason) => Err(Refused::bad_request(reason)),
        None => Ok(file.to_owned()),
    }
}

fn send(
    state: &State,
    arguments: &Arguments,
    formatted: Formatted,
    fill: impl FnOnce(&mut Message) -> Result<(), Refused>,
) -> Result<Value, Refused> {
    let keyboard = keyboard::inline(arguments, false)?;
    let now = state.now();
    state.change(|store| {
        let chat = chat::writable(store, arguments)?;
        let topic = chat::topic(store, chat, arguments)?;
        let reply_to = reply(store, chat, arguments)?;
        if let Some(rate) = &mut store.rate {
            rate.take(chat).map_err(Refused::too_many)?;
        }
        let mut message = Message::new(chat, state.bot_id, formatted, now);
        fill(&mut message)?;
        message.topic = topic;
        message.reply_to = reply_to;
        message.keyboard = keyboard;
        message.is_silent = arguments.get("disable_notification") == Some(&Value::Bool(true));
        let chat = store.chats.get_mut(&chat).ok_or_else(Refused::no_chat)?;
        message.id = chat.next_message_id();
        chat.messages.push(message.clone());
        Ok(message.to_json(state, &chat.to_json()))
    })
}

/// <https://core.telegram.org/bots/api#replyparameters>
fn reply(store: &Store, chat: i64, arguments: &Arguments) -> Result<Option<i64>, Refused> {
    let Some(reply) = arguments.get("reply_parameters") else {
        return Ok(None);
    };
    let id = reply.get("message_id").and_then(Value::as_i64);
    let id = id.ok_or_else(|| Refused::bad_request("can't find field \"message_id\""))?;
    let without = reply.get("allow_sending_without_reply") == Some(&Value::Bool(true));
    match store.message(chat, id) {
        Some(_) => Ok(Some(id)),
        None if without => Ok(None),
        None => Err(Refused::bad_request("message to be replied not found")),
    }
}
