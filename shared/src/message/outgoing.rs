//! What a user, or an application, is shown.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Inbound;
use super::handoff::Ended;
use super::hsl::Hsl;
use crate::ids::{AuthId, EntryKey};
use crate::redacted_debug;

/// Something to be shown to a user.
#[derive(Clone, PartialEq)]
pub struct Outgoing {
    /// Its place among all that the user is shown; unique for the user.
    pub key: EntryKey,
    /// Whom it is for: Haptik's name.
    pub auth_id: AuthId,
    /// Whom it is for: the channel's own id of the user.
    pub user: String,
    /// When Haptik sent it, by Haptik's clock.
    pub at: Timestamp,
    /// When we received it, by our clock.
    pub received_at: Timestamp,
    /// Who says it.
    pub sender: Sender,
    /// Haptik's id of the message, where it has one.
    pub message_id: Option<u64>,
    /// What the channel calls the user's message that it answers, where that is known and the channel shows
    /// it.
    pub in_reply_to: Option<String>,
    /// The hand-off that it belongs to, where a bot that lives elsewhere asked for one.
    pub handoff: Option<String>,
    /// What it is.
    pub content: Content,
}

/// Who says something.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sender {
    /// Bot or human.
    pub kind: SenderKind,
    /// The name; may be empty.
    pub name: String,
    /// The URL of a picture; may be empty.
    pub profile_image: String,
}

/// Bot or human.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SenderKind {
    /// Haptik's bot.
    #[default]
    Bot,
    /// A human agent.
    Agent,
}

/// What a user is shown.
#[derive(Clone, PartialEq)]
pub enum Content {
    /// A message of the bot or an agent.
    Message {
        /// The message, read.
        hsl: Hsl,
        /// The message, as Haptik sent it (an object, or one in a string).
        raw: Value,
    },
    /// A human agent took the chat.
    AgentJoined {
        /// The agent's team; may be empty.
        team_name: String,
        /// Haptik's notice of it; may be empty.
        notice: String,
    },
    /// The conversation is complete.
    ConversationComplete {
        /// `bot`, `agent` or `timeout`; empty when Haptik does not say.
        completed_by: String,
        /// Haptik's notice of it; may be empty.
        notice: String,
        /// Haptik's `data`, as sent.
        data: Value,
    },
}

/// Something on its way back to a bot that lives elsewhere and had handed its user over.
#[derive(Clone, PartialEq)]
pub struct Handback {
    /// Its place among all that the bot gets; unique for the user.
    pub key: EntryKey,
    /// Whom it is about: Haptik's name.
    pub auth_id: AuthId,
    /// Whom it is about: the bot's own id of the user.
    pub user: String,
    /// When it happened.
    pub at: Timestamp,
    /// The hand-off.
    pub handoff: String,
    /// What goes back.
    pub returned: Returned,
}

/// What goes back.
#[derive(Clone, PartialEq)]
pub enum Returned {
    /// Control of the user.
    Control {
        /// How the hand-off ended.
        ended: Ended,
        /// Whether an agent had taken the chat.
        agent_joined: bool,
    },
    /// A message that came too late for the hand-off.
    Message(Box<Inbound>),
}

redacted_debug!(Outgoing {
    key,
    auth_id,
    at,
    received_at,
    sender,
    message_id,
    handoff,
    content,
});
redacted_debug!(Sender { kind });
redacted_debug!(enum Content {
    Message { hsl },
    AgentJoined {},
    ConversationComplete { completed_by },
});
redacted_debug!(Handback {
    key,
    auth_id,
    at,
    handoff,
    returned
});
redacted_debug!(
    enum Returned {
        Control {},
        Message {},
    }
);
