//! What is to be done.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{AccountId, ConnectionId};
use crate::message::handoff::Handoff;
use crate::message::receipt::AddressedReceipt;
use crate::message::{Inbound, Task};
use crate::redacted_debug;

/// What an entry asks to be done. Tagged, so that entries written by an older version are read by a
/// newer one.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Payload {
    /// Tell Haptik what a user did.
    Inbound {
        /// The connection that it came by.
        connection: ConnectionId,
        /// What was done.
        inbound: Box<Inbound>,
        /// The hand-off in which it was done, where it counts only in that one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        handoff: Option<String>,
    },
    /// Show a user, or give a sink, what Haptik delivered.
    Webhook {
        /// The account that it came by.
        account: AccountId,
        /// The verified body, as it came.
        body: String,
    },
    /// Give control back to the bot that handed its user over.
    HandoffEnded {
        /// The hand-off, as it ended.
        handoff: Box<Handoff>,
    },
    /// Give a message that came too late for a hand-off back to the bot.
    MessageReturned {
        /// The hand-off's id.
        handoff: String,
        /// The message.
        inbound: Box<Inbound>,
        /// The connection that it came by; `None` for the user's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        connection: Option<ConnectionId>,
    },
    /// Tell an application what became of a message.
    Receipt {
        /// What, and whom.
        receipt: Box<AddressedReceipt>,
    },
    /// Carry out a task in the channel.
    Task {
        /// The connection that it is for.
        connection: ConnectionId,
        /// What is to be done.
        task: Task,
    },
    /// Nothing: a body that was verified and not understood.
    NotUnderstood {
        /// The body: as it came, or in base64 where it is not text.
        body: String,
        /// Whether it is in base64.
        base64: bool,
    },
    /// Something too large for a list, in which it was not read. Never written.
    #[serde(skip)]
    NotRead,
}

impl Payload {
    /// The payload as JSON for people to look at: with what was said, and without the secrets of users.
    #[must_use]
    pub fn shown(&self) -> Value {
        let mut shown = serde_json::to_value(self).unwrap_or_default();
        if let Some(code) = shown.pointer_mut("/inbound/profile/auth_code") {
            *code = Value::from("[…]");
        }
        shown
    }
}

redacted_debug!(enum Payload {
    Inbound { connection, inbound },
    Webhook { account, body: bytes },
    HandoffEnded {},
    MessageReturned {},
    Receipt { receipt },
    Task { connection, task },
    NotUnderstood { body: bytes },
    NotRead {},
});
