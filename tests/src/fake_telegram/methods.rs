//! The methods (<https://core.telegram.org/bots/api#available-methods>). What they refuse, and in which
//! words, is after `tdlib/telegram-bot-api` (`telegram-bot-api/Client.cpp`).

mod chat;
mod edits;
mod sending;
mod webhook;

use serde_json::{Map, Value, json};

use super::{Refused, schema, state::State};

/// The arguments of a call.
pub(super) type Arguments = Map<String, Value>;

/// Carries out one call.
pub(super) fn run(state: &State, method: &str, arguments: &Arguments) -> Result<Value, Refused> {
    schema::check(method, arguments)?;
    match method {
        "getMe" => Ok(get_me(state)),
        "sendMessage" => sending::message(state, arguments),
        "sendPhoto" => sending::photo(state, arguments),
        "sendDocument" => sending::document(state, arguments),
        "editMessageText" => edits::text(state, arguments),
        "editMessageCaption" => edits::caption(state, arguments),
        "editMessageReplyMarkup" => edits::keyboard(state, arguments),
        "answerCallbackQuery" => chat::answer_query(state, arguments),
        "sendChatAction" => chat::action(state, arguments),
        "getFile" => chat::file(state, arguments),
        "setWebhook" => webhook::set(state, arguments),
        "deleteWebhook" => Ok(webhook::delete(state)),
        "getWebhookInfo" => Ok(webhook::info(state)),
        "setMyCommands" => webhook::commands(state, arguments),
        _ => Err(Refused::new(404, "Not Found: method not found")),
    }
}

/// <https://core.telegram.org/bots/api#getme>
fn get_me(state: &State) -> Value {
    let mut bot = state.user(state.bot_id);
    for (key, value) in [
        ("can_join_groups", true),
        ("can_read_all_group_messages", false),
        ("supports_inline_queries", false),
        ("has_topics_enabled", false),
    ] {
        bot[key] = json!(value);
    }
    bot
}
