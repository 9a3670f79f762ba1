//! What an HSL message becomes in a channel, for a look before going live.

use haptik_bridge_shared::message::hsl::Hsl;
use haptik_bridge_shared::message::{Content, Outgoing, Sender};
use serde_json::Value;

/// One thing that a channel shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// What it is.
    pub kind: &'static str,
    /// What the provider is sent.
    pub payload: Value,
    /// A link that shows it as the provider would, where there is such a place. It holds all of it, and
    /// nothing is sent by making it.
    pub link: Option<String>,
}

/// A message body of Haptik's (an object, or one in a string) as if it had come for somebody.
#[must_use]
pub fn previewed(body: &Value, sender: &Sender) -> Outgoing {
    Outgoing {
        key: "preview".into(),
        auth_id: "preview".into(),
        user: "preview".to_owned(),
        at: jiff::Timestamp::UNIX_EPOCH,
        received_at: jiff::Timestamp::UNIX_EPOCH,
        sender: sender.clone(),
        message_id: None,
        in_reply_to: None,
        handoff: None,
        content: Content::Message {
            hsl: Hsl::read(body),
            raw: body.clone(),
        },
    }
}
