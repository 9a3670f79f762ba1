//! Delivery receipts: what became of a message, for those who asked to hear it: the application that sent it, and sinks.

use serde::{Deserialize, Serialize};

use crate::ids::ConnectionId;
use crate::message::Address;
use crate::own_events::RECEIPTS;
use crate::redacted_debug;

/// The final receipt of one message. A message has one; one that an operator replays has another for that.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageReceipt {
    /// The same on every try to tell it, and no other receipt's.
    pub id: String,
    /// Where the message went.
    pub direction: Direction,
    /// What its sender calls the message: the application's or channel's own id, or Haptik's `message.id`.
    pub message_id: String,
    /// What became of it.
    pub outcome: ReceiptOutcome,
    /// Why it failed, or why there was nothing to deliver, in the words of the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many tries failed.
    pub failed_tries: u32,
    /// When it was received, in milliseconds since the epoch.
    pub received_at: i64,
    /// When it was delivered or given up, in milliseconds since the epoch.
    pub ended_at: i64,
    /// What the other side calls the messages that it was sent as, as far as it said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sent_as: Vec<String>,
    /// What follows the message through the logs.
    pub correlation_id: String,
    /// Whether an operator had it replayed.
    #[serde(default)]
    pub replayed: bool,
    /// Of a message that went by a channel that reports later what became of it: whether it said so, and did not
    /// just say nothing for as long as it is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<bool>,
}

/// A receipt that waits for what the channel says later.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenReceipt {
    /// The receipt, as it is unless the channel says something else.
    pub receipt: MessageReceipt,
    /// The connection by which the message went.
    pub connection: ConnectionId,
    /// The channel's own id of the user there.
    pub channel_user: String,
    /// What Haptik calls the user, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
}

/// A receipt, and the application that asked for it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressedReceipt {
    /// The receipt.
    pub receipt: MessageReceipt,
    /// The application's connection.
    pub connection: ConnectionId,
    /// The application's own id of the user.
    pub channel_user: String,
    /// Where the user is.
    pub address: Address,
}

/// Where a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From a user.
    ToHaptik,
    /// From Haptik's bot or agent.
    ToChannel,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptOutcome {
    /// It was delivered, or there was nothing in it to deliver.
    Delivered,
    /// It was not, and will not be unless an operator replays it.
    Failed,
}

impl ReceiptOutcome {
    /// The name of the event.
    #[must_use]
    pub fn event_name(self) -> &'static str {
        let [delivered, failed] = RECEIPTS;
        match self {
            Self::Delivered => delivered,
            Self::Failed => failed,
        }
    }
}

redacted_debug!(MessageReceipt {
    id,
    direction,
    outcome,
    correlation_id,
    replayed
});
redacted_debug!(OpenReceipt {
    receipt,
    connection
});
redacted_debug!(AddressedReceipt {
    receipt,
    connection
});
