//! The methods of the Web API.

pub(crate) mod chat;
pub(crate) mod conversations;
pub(crate) mod files;
pub(crate) mod others;

use std::fmt::Display;

use serde_json::{Value, json};

use super::{arguments::Arguments, block_kit::Rejection, state::State};

/// Why a call is refused: Slack's error code and what is wrong in detail.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) error: String,
    pub(crate) details: Vec<String>,
}

impl Refused {
    pub(crate) fn new(error: &str) -> Self {
        Self {
            error: error.to_owned(),
            details: Vec::new(),
        }
    }

    pub(crate) fn because(mut self, detail: impl Display) -> Self {
        self.details.push(detail.to_string());
        self
    }

    /// As Slack answers: the details twice, once with their severity.
    pub(crate) fn to_json(&self) -> Value {
        let mut body = json!({"ok": false, "error": self.error});
        if let Some(fields) = body.as_object_mut().filter(|_| !self.details.is_empty()) {
            let messages: Vec<String> = self
                .details
                .iter()
                .map(|detail| format!("[ERROR] {detail}"))
                .collect();
            fields.insert("errors".to_owned(), json!(self.details));
            fields.insert(
                "response_metadata".to_owned(),
                json!({ "messages": messages }),
            );
        }
        body
    }
}

impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Self {
        Self {
            error: rejection.error.to_owned(),
            details: rejection.problems.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Carries out one call.
pub(crate) fn run(method: &str, state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    match method {
        "assistant.threads.setStatus" => others::set_status(state, arguments),
        "assistant.threads.setSuggestedPrompts" => others::set_prompts(state, arguments),
        "chat.postMessage" => chat::post_message(state, arguments),
        "chat.update" => chat::update(state, arguments),
        "conversations.history" => conversations::history(state, arguments),
        "conversations.replies" => conversations::replies(state, arguments),
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

/// The direct-message conversation of a user: here, the user's id with another first letter.
pub(crate) fn direct_channel(user: &str) -> String {
    let mut letters = user.chars();
    letters.next();
    format!("D{}", letters.as_str())
}

/// Ten digits, a point, six digits.
pub(crate) fn is_timestamp(text: &str) -> bool {
    let digits =
        |part: &str, count| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
    text.split_once('.')
        .is_some_and(|(seconds, rest)| digits(seconds, 10) && digits(rest, 6))
}
