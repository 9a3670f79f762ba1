//! Hand-offs (a handover to an agent, an escalation): a human takes a user over, and gives the user back.
//!
//! Two ways lead to a human: a bot that lives elsewhere asks for one ([`AskedBy::Application`]), or the
//! user does, within a conversation with Haptik's bot ([`AskedBy::User`]).

use serde::{Deserialize, Serialize};

use crate::ids::{ConnectionId, EntryKey};
use crate::message::Address;
use crate::redacted_debug;

/// A hand-off. Times are milliseconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handoff {
    /// Who asked for it calls it this: the application's own id, or the key of the user's message.
    pub id: String,
    /// Who asked for it.
    pub asked_by: AskedBy,
    /// The team that it is for; `None` to leave that to Haptik.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_name: Option<String>,
    /// Who gets the chat at Haptik; `None` for Haptik's own agents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver: Option<String>,
    /// Where it was asked for: the bot there is given control back, wherever the user writes by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// When it was asked for, by our clock.
    pub began_at: i64,
    /// Since when what happens at Haptik belongs to it: when Haptik took the first thing said in it, by
    /// Haptik's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<i64>,
    /// When an agent took the chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined_at: Option<i64>,
    /// When a conversation was completed, by Haptik's clock, of which it is not known yet whether it is
    /// this one, because [`Handoff::opened_at`] is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<Completed>,
    /// Whether the chat is moved to the team as soon as Haptik's `user_name` is known.
    #[serde(default)]
    pub waits_for_name: bool,
    /// The last messages that Haptik took in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delivered: Vec<DeliveredMessage>,
    /// The sort key of its due time, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// How it ended; `None` while it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

/// Where a hand-off was asked for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The connection.
    pub connection: ConnectionId,
    /// The channel's own id of the user.
    pub channel_user: String,
    /// Where to answer there.
    pub address: Address,
}

redacted_debug!(Origin { connection });

/// Who asked for a human.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskedBy {
    /// A bot that lives elsewhere, to which control returns.
    Application,
    /// The user, within a conversation with Haptik's bot.
    User,
}

/// A completion that Haptik told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completed {
    /// When, by Haptik's clock.
    pub at: i64,
    /// By whom: `bot`, `agent` or `timeout`; empty when Haptik does not say.
    pub by: String,
    /// Haptik's own word for that, `completion_by`, as it is: a state (`Team Offline Flag`, `Waiting for
    /// User`, `Bot completed`) or a name; empty when Haptik does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub word: String,
}

/// A message that Haptik took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveredMessage {
    /// Its place in the user's lane towards Haptik.
    pub key: EntryKey,
    /// When Haptik took it, by Haptik's clock.
    pub at: i64,
}

/// How a hand-off ended.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Why.
    pub reason: Reason,
    /// When: of a completion by Haptik's clock, else by ours.
    pub at: i64,
    /// Who completed the conversation: `bot`, `agent` or `timeout`; empty when nobody did or Haptik does
    /// not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub completed_by: String,
    /// Haptik's own word for that, as it is: see [`Completed::word`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub completion_by: String,
    /// Whether it was the conversation's completion that ended it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_completion: bool,
    /// What went wrong, where something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

// Without the error, which may quote what was said.
redacted_debug!(Ended {
    reason,
    at,
    completed_by,
    by_completion,
    error: is_some
});

/// Why a hand-off ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The conversation at Haptik, in which an agent had the chat, is complete.
    Completed,
    /// The bot that asked for it took control back.
    EndedByBot,
    /// No agent took the chat in time, or before the conversation was complete: it is after hours, or
    /// nobody is there.
    NoAgent,
    /// Haptik refused it, or could not be told of it for as long as things are tried.
    Failed,
}

/// Why a message is not delivered that came too late for a hand-off: the bot that asked for it has it again.
pub const WENT_BACK: &str = "the hand-off is over: it went back to the bot";

/// How many of the last messages are remembered: those under way while a completion is.
const MOST_DELIVERED: usize = 10;

impl Handoff {
    /// Whether it has not ended.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.ended.is_none()
    }

    /// Whether something that an agent did at this time belongs to it. Before Haptik took anything that
    /// was said in it, our clock is all there is to go by.
    #[must_use]
    pub fn is_of(&self, at: i64) -> bool {
        at >= self.opened_at.unwrap_or(self.began_at).min(self.began_at)
    }

    /// Whether a completion of this time, by Haptik's clock, is of its conversation; `None` when that is
    /// not known yet.
    #[must_use]
    pub fn is_completed_at(&self, at: i64) -> Option<bool> {
        self.opened_at.map(|opened_at| at >= opened_at)
    }

    /// The messages that Haptik took when the conversation was complete already: nobody reads them.
    pub fn arrived_too_late(&self) -> impl Iterator<Item = &DeliveredMessage> {
        let completed_at = match &self.ended {
            Some(ended) if ended.is_of_completion() => ended.at,
            _ => i64::MAX,
        };
        self.delivered
            .iter()
            .filter(move |message| message.at > completed_at)
    }

    /// The messages to remember as delivered, with one more.
    #[must_use]
    pub fn delivered_with(&self, key: &EntryKey, at: i64) -> Vec<DeliveredMessage> {
        let others = self.delivered.iter().filter(|message| message.key != *key);
        let mut delivered: Vec<DeliveredMessage> = others.cloned().collect();
        let key = key.clone();
        delivered.push(DeliveredMessage { key, at });
        delivered.split_off(delivered.len().saturating_sub(MOST_DELIVERED))
    }
}

impl Ended {
    /// An end for which Haptik gave no reason.
    #[must_use]
    pub fn of(reason: Reason, at: i64) -> Self {
        Self {
            reason,
            at,
            completed_by: String::new(),
            completion_by: String::new(),
            by_completion: false,
            error: None,
        }
    }

    /// The end of a conversation at Haptik in which an agent had the chat.
    #[must_use]
    pub fn completed(completed: &Completed) -> Self {
        Self::by_completion(Reason::Completed, completed)
    }

    /// The end of a conversation at Haptik that nobody had joined.
    #[must_use]
    pub fn missed(completed: &Completed) -> Self {
        Self::by_completion(Reason::NoAgent, completed)
    }

    fn by_completion(reason: Reason, completed: &Completed) -> Self {
        Self {
            completed_by: completed.by.clone(),
            completion_by: completed.word.clone(),
            by_completion: true,
            ..Self::of(reason, completed.at)
        }
    }

    /// Whether it was the conversation's completion that ended it.
    #[must_use]
    pub fn is_of_completion(&self) -> bool {
        // Of one that ended before this was noted, its reason says so.
        self.by_completion || self.reason == Reason::Completed
    }
}
