//! Offers of numbered choices, as values: where there is nothing to tap, the user types a number, and the
//! [`Offer`] that is kept with the user names the message.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{ConnectionId, EntryKey};
use crate::message::MessageRef;
use crate::redacted_debug;

/// For how long messages without choices may follow an offer before one ends it.
const OPEN_FOR: Duration = Duration::from_mins(1);

/// The numbered choices of the last message that had some. It is written where answers are shown, and
/// nowhere else; all times are those at which entries were received, in milliseconds since the epoch, so
/// that a try that is repeated decides as the one before it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The message.
    pub message: MessageRef,
    /// What can be chosen.
    pub choices: Vec<OfferedChoice>,
    /// By which connection they were shown: what the user says elsewhere is no answer to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionId>,
    /// When the message was received.
    pub at: i64,
    /// When the message was received that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
}

/// One of them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedChoice {
    /// In which part of the message it stands.
    pub part: usize,
    /// Its number.
    pub number: usize,
    /// Its label.
    pub label: String,
    /// Which of [`Hsl::actionables`](super::hsl::Hsl::actionables) it is.
    pub index: usize,
    /// The rating that it gives, where it gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<u8>,
}

/// The user's message that ended the last offer. It is written where users' messages are delivered, and
/// nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferEnd {
    /// The user's message.
    pub by: EntryKey,
    /// The message that had made the offer.
    pub offer: MessageRef,
    /// What was chosen; `None` where it was something else that the user said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<Chosen>,
}

/// A choice that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// Which of [`Hsl::actionables`](super::hsl::Hsl::actionables).
    pub index: usize,
    /// The rating that it gives, where it gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<u8>,
}

redacted_debug!(Offer {
    message,
    choices: len,
    connection,
    at,
    until
});
redacted_debug!(OfferedChoice {
    part,
    number,
    index,
    rating
});

impl Offer {
    /// Whether a message that was received then is an answer to it, where it is the first since.
    #[must_use]
    pub fn is_open_at(&self, received_at: Timestamp) -> bool {
        let at = received_at.as_millisecond();
        self.at <= at && self.until.is_none_or(|until| at <= until)
    }

    /// Whether a message without choices that was received then ends it.
    #[must_use]
    pub fn is_ended_by(&self, received_at: Timestamp) -> bool {
        let open_for = i64::try_from(OPEN_FOR.as_millis()).unwrap_or(i64::MAX);
        self.until.is_none() && received_at.as_millisecond().saturating_sub(self.at) > open_for
    }
}
