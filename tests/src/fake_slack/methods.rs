//! The methods of the Web API.

pub(crate) mod chat;
pub(crate) mod conversations;
pub(crate) mod files;
pub(crate) mod others;

use serde_json::Value;

use super::{arguments::Arguments, message::direct_channel, refused::Refused, state::State};

/// Carries out one call.
pub(crate) fn run(method: &str, state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    match method {
        "assistant.threads.setStatus" => others::set_status(state, arguments),
        "assistant.threads.setSuggestedPrompts" => others::set_prompts(state, arguments),
        "chat.postMessage" => chat::post_message(state, arguments),
        "chat.update" => chat::update(state, arguments),
        "conversations.history" => conversations::history(state, arguments),
        "conversations.replies" => conversations::replies(state, arguments),
        "conversations.open" => conversations::open(state, arguments),
        "conversations.info" => conversations::info(arguments),
        "files.info" => files::info(state, arguments),
        "reactions.add" => others::add_reaction(state, arguments),
        "reactions.remove" => others::remove_reaction(state, arguments),
        "users.info" => others::user_info(state, arguments),
        "views.publish" => others::publish_view(state, arguments),
        "views.open" => others::open_view(state, arguments),
        _ => Err(Refused::new("unknown_method").because(method)),
    }
}

/// The id of a conversation; a user's id stands for the direct messages with that user.
pub(crate) fn conversation(id: &str) -> Result<String, Refused> {
    let well_formed = id.len() >= 3
        && id
            .chars()
            .all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit());
    match (well_formed, id.chars().next()) {
        (true, Some('C' | 'D' | 'G')) => Ok(id.to_owned()),
        (true, Some('U' | 'W')) => Ok(direct_channel(id)),
        _ => Err(Refused::new("channel_not_found").because(id)),
    }
}

/// Ten digits, a point, six digits.
pub(crate) fn is_timestamp(text: &str) -> bool {
    let digits =
        |part: &str, count| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
    text.split_once('.')
        .is_some_and(|(seconds, rest)| digits(seconds, 10) && digits(rest, 6))
}
