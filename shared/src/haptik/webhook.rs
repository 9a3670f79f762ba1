//! What Haptik calls: the signature of a delivery ([`verify`]) and the event inside ([`Event`])
//! (<https://docs.haptik.ai/webhooks/webhook-payload>).
//!
//! Haptik may add keys and events, and any key may be missing: reading an event fails only when it
//! is not an event at all.

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::haptik::time::timestamp;
use crate::ids::{AuthId, EntryKey};
use crate::key::{self, CompletionKind, KeyKind, NO_TIME};
use crate::lenient_json;
use crate::message::hsl::Hsl;
use crate::message::{Content, Sender, SenderKind};
use crate::redacted_debug;

mod late;
mod signature;

pub use late::recovered;
pub use signature::{SignatureError, verify};

/// The longest name of a user, in bytes, that is taken as one.
const LONGEST_ID: usize = 256;

/// The key that marks an event in which the bridge itself says something.
pub const OWN: &str = "haptik_bridge_says";

/// One event.
#[derive(Clone, PartialEq)]
pub struct Event {
    /// The name of the event, as sent. Never empty.
    pub event_name: String,
    /// Which event it is.
    pub kind: EventKind,
    /// When it happened, by Haptik's clock.
    pub timestamp: Option<Timestamp>,
    /// The Haptik queue.
    pub business_id: Option<u64>,
    /// Its name; may be empty.
    pub business_name: String,
    /// Whom it is about: our name for the user.
    pub auth_id: Option<AuthId>,
    /// Whom it is about: Haptik's own name for the user.
    pub user_name: Option<String>,
    /// Who did it. An agent of whom Haptik does not say whether it is automated is the bot, except
    /// where the event says that an agent took the chat.
    pub sender: Sender,
    /// Whether Haptik says that the sender is human or a bot.
    is_automated: Option<bool>,
    /// The message's id, which is unique and grows.
    pub message_id: Option<u64>,
    /// Haptik's id of the user's message that it answers, where Haptik says so: what logging that had
    /// returned. Not documented; production integrations read it.
    pub answers: Option<u64>,
    /// The message's body: HSL as an object, or one in a string; null where there is none.
    pub body: Value,
    /// The keys that come with the completion of a conversation; null where there are none.
    pub data: Value,
    /// Whether Haptik never delivered it: it was [recovered] from a transcript.
    pub is_late: bool,
    /// Whether it is none of Haptik's, and something that the bridge itself has to say ([`OWN`]).
    pub is_own: bool,
}

/// Which event it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// `message`: of the bot, an agent or the API, for the user.
    Message,
    /// `chat_pinned`: a human agent took the chat.
    ChatPinned,
    /// `chat_complete`: the conversation is complete; deprecated in favour of the next.
    ChatComplete,
    /// `webhook_conversation_complete`: the conversation is complete.
    ConversationComplete,
    /// An event that this version does not know: to be acknowledged and ignored.
    Unknown,
}

/// Why a body is not an event. The text has nothing of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotUnderstood {
    /// It is not JSON.
    #[error("the body is not JSON")]
    NotJson,
    /// It is JSON, and not an object.
    #[error("the body is not a JSON object")]
    NotAnObject,
    /// It does not say which event it is.
    #[error("the body has no event_name")]
    NoEventName,
}

impl Event {
    /// Reads a delivery, which should be [verified](verify) first.
    ///
    /// # Errors
    /// When it is not an event. An event that is not known is no error: see [`EventKind::Unknown`].
    pub fn read(body: &[u8]) -> Result<Self, NotUnderstood> {
        let event = lenient_json::read(body).map_err(|_| NotUnderstood::NotJson)?;
        if !event.is_object() {
            return Err(NotUnderstood::NotAnObject);
        }
        let event_name =
            lenient_json::some_text(&event, "event_name").ok_or(NotUnderstood::NoEventName)?;
        let kind = EventKind::of(&event_name);
        let (user, agent) = (part(&event, "user"), part(&event, "agent"));
        let message = part(&event, "message");
        let body = message.get("body").cloned().unwrap_or_default();
        let data = part(&event, "data");
        let payload = payload(&body, &data);
        let is_automated = Some(&agent)
            .filter(|agent| {
                agent
                    .get("is_automated")
                    .is_some_and(|flag| !flag.is_null())
            })
            .map(|agent| lenient_json::flag(agent, "is_automated"));
        let either = |key: &str, payload_key: &str| {
            lenient_json::some_text(&agent, key).unwrap_or_else(|| match kind {
                EventKind::ChatPinned => lenient_json::text(&payload, payload_key),
                _ => String::new(),
            })
        };
        Ok(Self {
            timestamp: timestamp(&event, "timestamp"),
            business_id: lenient_json::whole(&event, "business_id"),
            business_name: lenient_json::text(&event, "business_name"),
            auth_id: lenient_json::some_text(&user, "auth_id").map(|id| AuthId::of_delivery(&id)),
            user_name: id(&user, "user_name"),
            sender: Sender {
                kind: match is_automated {
                    Some(false) => SenderKind::Agent,
                    None if kind == EventKind::ChatPinned => SenderKind::Agent,
                    Some(true) | None => SenderKind::Bot,
                },
                name: either("name", "agent_name"),
                profile_image: either("profile_image", "profile_image"),
            },
            is_automated,
            message_id: lenient_json::whole(&message, "id"),
            answers: lenient_json::whole(&part(&event, "user_message_info"), "id"),
            event_name,
            kind,
            body,
            data,
            is_late: lenient_json::flag(&event, late::MARK),
            is_own: lenient_json::flag(&event, OWN),
        })
    }

    /// What the user is to be shown; `None` for an event that is not known.
    #[must_use]
    pub fn content(&self) -> Option<Content> {
        let mut hsl = Hsl::read(&self.body);
        if self.is_late {
            late::note(&mut hsl.text, self.timestamp);
        }
        match self.kind {
            EventKind::Message => Some(Content::Message {
                hsl,
                raw: self.body.clone(),
            }),
            EventKind::ChatPinned => Some(Content::AgentJoined {
                team_name: lenient_json::text(&payload(&self.body, &self.data), "team_name"),
                notice: hsl.text,
            }),
            EventKind::ChatComplete => Some(Content::ConversationComplete {
                // Haptik names its bot as the agent of this event, whoever completed the conversation.
                completed_by: match self.is_automated {
                    Some(false) => "agent",
                    Some(true) | None => "",
                }
                .to_owned(),
                notice: hsl.text,
                data: Value::Object(serde_json::Map::new()),
            }),
            EventKind::ConversationComplete => Some(Content::ConversationComplete {
                completed_by: match lenient_json::text(&self.data, "completion_type").as_str() {
                    "gogo" => "bot",
                    "agent" => "agent",
                    "autocomplete" => "timeout",
                    _ => "",
                }
                .to_owned(),
                notice: String::new(),
                data: self.data.clone(),
            }),
            EventKind::Unknown => None,
        }
    }

    /// By which of the two events it is the end of a conversation, if it is.
    #[must_use]
    pub fn completion(&self) -> Option<CompletionKind> {
        match self.kind {
            EventKind::ConversationComplete => Some(CompletionKind::Conversation),
            EventKind::ChatComplete => Some(CompletionKind::Chat),
            EventKind::Message | EventKind::ChatPinned | EventKind::Unknown => None,
        }
    }

    /// The event's place in the lane towards its user's channel. `body` is the delivery as it came.
    ///
    /// It is the same on every retry of one delivery, so nothing in it is of the time of receipt:
    ///
    /// - `message` and `chat_pinned`: by the message's id, which is all that counts, so that a
    ///   delivery that was written anew (other white space, another timestamp) is the same.
    /// - `webhook_conversation_complete`: by its timestamp, then by what names the conversation.
    /// - `chat_complete`, which is deprecated: by its timestamp, after the other.
    /// - an event without an id, and one that is not known: by its timestamp, after those, then by a
    ///   hash of the body. An event without a timestamp comes last.
    #[must_use]
    pub fn key(&self, body: &[u8]) -> EntryKey {
        let at = self.timestamp.map_or(NO_TIME, key::milliseconds);
        let kind = match (self.kind, self.message_id) {
            (EventKind::Message, Some(id)) => KeyKind::Message { id },
            (EventKind::ChatPinned, Some(id)) => KeyKind::AgentJoined { id },
            (EventKind::ConversationComplete, _) => {
                let ids = ["conversation_identifier", "conversation_no"];
                let conversation = lenient_json::first_text(&self.data, &ids)
                    .map_or_else(|| short_hash(body), |id| key_part(&id));
                KeyKind::Completion {
                    kind: CompletionKind::Conversation,
                    at,
                    id: conversation,
                }
            }
            (EventKind::ChatComplete, id) => KeyKind::Completion {
                kind: CompletionKind::Chat,
                at,
                id: id.map_or_else(|| short_hash(body), |id| id.to_string()),
            },
            (EventKind::Message | EventKind::ChatPinned, None) | (EventKind::Unknown, _) => {
                KeyKind::Event {
                    at,
                    name: key_part(&self.event_name),
                    hash: short_hash(body),
                }
            }
        };
        kind.into()
    }
}

impl EventKind {
    fn of(event_name: &str) -> Self {
        match event_name {
            "message" => Self::Message,
            "chat_pinned" => Self::ChatPinned,
            _ => match CompletionKind::of_event(event_name) {
                Some(CompletionKind::Chat) => Self::ChatComplete,
                Some(CompletionKind::Conversation) => Self::ConversationComplete,
                None => Self::Unknown,
            },
        }
    }
}

redacted_debug!(Event {
    kind,
    timestamp,
    business_id,
    auth_id,
    message_id
});

/// An object inside the event, also when it is serialised into a string; null when it is missing.
fn part(event: &Value, key: &str) -> Value {
    event
        .get(key)
        .map(|part| lenient_json::unwrapped(part).into_owned())
        .unwrap_or_default()
}

/// What the notice that an agent took the chat says: `data.payload`, of the message or of the event.
fn payload(body: &Value, data: &Value) -> Value {
    let body_data = part(&lenient_json::unwrapped(body), "data");
    let payloads = [part(&body_data, "payload"), part(data, "payload")];
    payloads
        .into_iter()
        .find(Value::is_object)
        .unwrap_or_default()
}

fn id(user: &Value, key: &str) -> Option<String> {
    lenient_json::some_text(user, key).filter(|id| id.len() <= LONGEST_ID)
}

/// Text as a part of a key: itself when it is short and plain, else its hash.
fn key_part(text: &str) -> String {
    let plain = text.len() <= 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if plain {
        text.to_owned()
    } else {
        short_hash(text.as_bytes())
    }
}

/// The first 16 hexadecimal digits of the SHA-256 of `bytes`.
fn short_hash(bytes: &[u8]) -> String {
    hex::encode(
        Sha256::digest(bytes)
            .iter()
            .take(8)
            .copied()
            .collect::<Vec<_>>(),
    )
}

#[cfg(test)]
mod tests;
