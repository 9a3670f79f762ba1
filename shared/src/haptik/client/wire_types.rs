//! What goes over the wire: requests as Haptik wants them, answers as a tolerant reader sees them.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use url::Url;

use crate::haptik::time::timestamp;
use crate::ids::AuthId;
use crate::lenient_json;
use crate::message::{AuthCode, Profile, Sender, SenderKind};
use crate::redacted_debug;

/// A user to be created or updated; what is not known is not sent.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct User {
    auth_id: AuthId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mobile_no: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    package_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_code: Option<AuthCode>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    custom_data: Map<String, Value>,
}

/// A user's rating of a conversation.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Feedback<'a> {
    /// Whose it is.
    pub auth_id: &'a AuthId,
    /// The Haptik queue.
    pub business_id: u64,
    /// Whether the query was resolved.
    pub query_resolved: bool,
    /// 1 to 5.
    pub query_rating: u8,
    /// A remark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback: Option<&'a str>,
}

/// A chat to be moved to a team of agents, or to another receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MoveToAgent<'a> {
    /// The team; `None` to leave it to the receiver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team_name: Option<&'a str>,
    /// Who gets the chat, of those that version 2 of the call knows: `athena` is Haptik's own agents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receiver: Option<&'a str>,
    /// Haptik's own name of the user, from a webhook's `user.user_name`.
    pub user_name: &'a str,
    /// The Haptik queue.
    pub business_id: u64,
    /// How many seconds the user is told to wait, 5 to 10. Haptik's default is 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub countdown: Option<u8>,
}

/// Which conversation's transcript is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History<'a> {
    /// The Haptik queue.
    pub business_id: u64,
    /// Haptik's own name of the user, from a webhook's `user.user_name`.
    pub user_name: &'a str,
    /// The number of the conversation, from the webhook that completed it.
    pub conversation_no: Option<&'a str>,
    /// The most messages.
    pub limit: Option<u32>,
}

/// Haptik's receipt for a message or a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logged {
    /// Haptik's id of the message; `None` when the receipt could not be read.
    pub message_id: Option<u64>,
    /// When Haptik took it, by its own clock.
    pub created_at: Option<Timestamp>,
    /// Where Haptik has the file, of a file.
    pub file_url: Option<String>,
}

/// A message of a transcript.
#[derive(Clone, PartialEq, Eq)]
pub struct HistoryMessage {
    /// What was said; may be empty.
    pub text: String,
    /// `bot`, `user` or the agent's name.
    pub sender: String,
    /// Haptik's id of the message.
    pub message_id: Option<u64>,
    /// When it was said.
    pub timestamp: Option<Timestamp>,
}

/// The bot's answer to a synchronous message.
#[derive(Clone, PartialEq)]
pub struct SyncAnswer {
    /// Haptik's own name of the user, where the answer has it.
    pub user_name: Option<String>,
    /// When it was given.
    pub timestamp: Option<Timestamp>,
    /// Who gave it.
    pub sender: Sender,
    /// The messages, in order.
    pub messages: Vec<SyncMessage>,
}

/// A message of a synchronous answer.
#[derive(Clone, PartialEq)]
pub struct SyncMessage {
    /// Haptik's id of the message.
    pub id: Option<u64>,
    /// The message's body: HSL as an object, or one in a string.
    pub body: Value,
}

impl User {
    /// The user of this name, with what is known. Haptik refuses a `custom_data` that has objects or
    /// lists inside: such a value is sent as the JSON text of it.
    #[must_use]
    pub fn new(auth_id: AuthId, profile: &Profile) -> Self {
        let flat = profile
            .custom_data
            .iter()
            .filter(|(_, value)| !value.is_null());
        let custom_data = flat.map(|(key, value)| {
            let nested = value.is_object() || value.is_array();
            (
                key.clone(),
                if nested {
                    Value::String(value.to_string())
                } else {
                    value.clone()
                },
            )
        });
        Self {
            auth_id,
            name: profile.name.clone(),
            email: profile.email.clone(),
            mobile_no: profile.mobile_no.clone(),
            language_code: profile.language_code.clone(),
            phone_model: profile.phone_model.clone(),
            os_version: profile.os_version.clone(),
            package_name: profile.package_name.clone(),
            auth_code: profile.auth_code.clone(),
            custom_data: custom_data.collect(),
        }
    }
}

impl Logged {
    pub(super) fn read(answer: &Value) -> Self {
        Self {
            message_id: lenient_json::whole(answer, "message_id"),
            created_at: timestamp(answer, "created_at"),
            file_url: lenient_json::some_text(answer, "file_url"),
        }
    }
}

impl History<'_> {
    /// Adds it to the query of a URL; what is not known is left out.
    pub(super) fn add_to(&self, url: &mut Url) {
        let mut query = url.query_pairs_mut();
        query
            .append_pair("business_id", &self.business_id.to_string())
            .append_pair("user_name", self.user_name);
        if let Some(number) = self.conversation_no {
            query.append_pair("conversation_no", number);
        }
        if let Some(limit) = self.limit {
            query.append_pair("limit", &limit.to_string());
        }
    }
}

impl HistoryMessage {
    pub(super) fn read(message: &Value) -> Self {
        Self {
            text: lenient_json::text(message, "text"),
            sender: lenient_json::text(message, "sender"),
            message_id: lenient_json::whole(message, "message_id"),
            timestamp: timestamp(message, "timestamp"),
        }
    }
}

impl SyncAnswer {
    /// `None` when it has no list of messages, not even an empty one; one message may stand by itself.
    pub(super) fn read(answer: &Value) -> Option<Self> {
        let nothing = Value::Null;
        let agent = answer.get("agent").unwrap_or(&nothing);
        let is_human =
            agent.get("is_automated").is_some() && !lenient_json::flag(agent, "is_automated");
        let messages = ["message", "messages"];
        let mut messages = messages.iter().filter_map(|key| answer.get(key));
        let messages = match messages.find(|messages| !messages.is_null())? {
            Value::Array(list) => list.clone(),
            one @ Value::Object(_) => vec![one.clone()],
            _ => return None,
        };
        let user_name = answer
            .get("user")
            .map(|user| lenient_json::text(user, "user_name"));
        Some(Self {
            user_name: user_name.filter(|name| !name.is_empty()),
            timestamp: timestamp(answer, "timestamp"),
            sender: Sender {
                kind: if is_human {
                    SenderKind::Agent
                } else {
                    SenderKind::Bot
                },
                name: lenient_json::text(agent, "name"),
                profile_image: lenient_json::text(agent, "profile_image"),
            },
            messages: messages.iter().filter_map(SyncMessage::read).collect(),
        })
    }
}

impl SyncMessage {
    /// A message, or a body by itself; `None` where it is neither.
    fn read(message: &Value) -> Option<Self> {
        let body = match message {
            Value::String(_) => message,
            Value::Object(message_or_body) => match message_or_body.get("body") {
                Some(body) => body,
                None if message_or_body.contains_key("text") => message,
                None => return None,
            },
            _ => return None,
        };
        Some(Self {
            id: lenient_json::whole(message, "id"),
            body: body.clone(),
        })
    }
}

redacted_debug!(User { auth_id });
redacted_debug!(Feedback<'_> { auth_id, query_resolved, query_rating });
// Without what was said, and by whom.
redacted_debug!(HistoryMessage {
    message_id,
    timestamp
});
redacted_debug!(SyncAnswer {
    timestamp,
    sender,
    messages
});
redacted_debug!(SyncMessage { id });
