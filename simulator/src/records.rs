//! What the simulator has received and delivered, for tests and for the control routes.
//!
//! The records hold what people said, since that is what a test asks about. Nothing here is ever
//! logged, and the `Debug` of [`Records`] and [`Log`] shows counts only.

use std::{collections::VecDeque, fmt};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

/// Everything received and delivered, each kind in the order of its arrival.
#[derive(Debug)]
pub struct Records {
    /// Calls of `POST` and `PUT /v1.0/user/` that succeeded.
    pub users: Log<UserCall>,
    /// Messages that users said, through the logging and the synchronous call.
    pub messages: Log<LoggedMessage>,
    /// Files that users sent.
    pub files: Log<LoggedFile>,
    /// Ratings of conversations.
    pub feedback: Log<LoggedFeedback>,
    /// Chats moved to an agent.
    pub agent_moves: Log<AgentMove>,
    /// Calls that enabled the webhook.
    pub webhook_enables: Log<WebhookEnable>,
    /// Every call of the platform's routes, refused and faulty ones as well.
    pub calls: Log<Call>,
    /// Every delivery to the webhook.
    pub deliveries: Log<Delivery>,
}

impl Records {
    pub(super) fn keeping(limit: usize) -> Self {
        Self {
            users: Log::keeping(limit),
            messages: Log::keeping(limit),
            files: Log::keeping(limit),
            feedback: Log::keeping(limit),
            agent_moves: Log::keeping(limit),
            webhook_enables: Log::keeping(limit),
            calls: Log::keeping(limit),
            deliveries: Log::keeping(limit),
        }
    }

    /// One kind of record as JSON, by the name of its field; `None` when there is no such kind.
    #[must_use]
    pub fn to_json(&self, kind: &str) -> Option<Value> {
        match kind {
            "users" => self.users.to_json(),
            "messages" => self.messages.to_json(),
            "files" => self.files.to_json(),
            "feedback" => self.feedback.to_json(),
            "agent_moves" => self.agent_moves.to_json(),
            "webhook_enables" => self.webhook_enables.to_json(),
            "calls" => self.calls.to_json(),
            "deliveries" => self.deliveries.to_json(),
            _ => None,
        }
    }
}

/// The newest records of one kind, and how many there have been.
pub struct Log<T> {
    kept: VecDeque<T>,
    total: u64,
    limit: usize,
}

impl<T> Log<T> {
    fn keeping(limit: usize) -> Self {
        Self {
            kept: VecDeque::new(),
            total: 0,
            limit: limit.max(1),
        }
    }

    /// The records that are kept, oldest first.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + ExactSizeIterator {
        self.kept.iter()
    }

    /// How many are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether there has been none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// How many there have been, those no longer kept included.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The newest.
    #[must_use]
    pub fn last(&self) -> Option<&T> {
        self.kept.back()
    }

    pub(super) fn push(&mut self, record: T) -> u64 {
        if self.kept.len() >= self.limit {
            self.kept.pop_front();
        }
        self.kept.push_back(record);
        self.total += 1;
        self.total - 1
    }

    /// The record that `push` numbered so, if it is still kept.
    pub(super) fn numbered(&mut self, number: u64) -> Option<&mut T> {
        let gone = self.total - self.kept.len() as u64;
        let index = usize::try_from(number.checked_sub(gone)?).ok()?;
        self.kept.get_mut(index)
    }
}

impl<T: Serialize> Log<T> {
    fn to_json(&self) -> Option<Value> {
        serde_json::to_value(&self.kept).ok()
    }
}

impl<T> fmt::Debug for Log<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} records", self.kept.len(), self.total)
    }
}

/// A user created or updated.
#[derive(Clone, Debug, Serialize)]
pub struct UserCall {
    /// When it was received.
    pub at: Timestamp,
    /// Our id of the user.
    pub auth_id: String,
    /// `POST` (true) or `PUT` (false).
    pub created: bool,
    /// The fields of the call, as they came.
    pub fields: Map<String, Value>,
}

/// A message that a user said.
#[derive(Clone, Debug, Serialize)]
pub struct LoggedMessage {
    /// When it was received.
    pub at: Timestamp,
    /// The id that it was answered with.
    pub message_id: u64,
    /// Who said it.
    pub auth_id: String,
    /// What was said.
    pub text: String,
    /// On which queue.
    pub business_id: u64,
    /// Whether it came through the synchronous call.
    pub synchronous: bool,
}

/// A file that a user sent. Its contents are not kept.
#[derive(Clone, Debug, Serialize)]
pub struct LoggedFile {
    /// When it was received.
    pub at: Timestamp,
    /// The id that it was answered with.
    pub message_id: u64,
    /// Who sent it.
    pub auth_id: String,
    /// On which queue.
    pub business_id: u64,
    /// 1 for an image, 52 for a document.
    pub message_type: u64,
    /// The file's name.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// The SHA-1 of its contents, in hexadecimal.
    pub sha1: String,
    /// The text beside it, often empty.
    pub text: String,
}

/// A rating.
#[derive(Clone, Debug, Serialize)]
pub struct LoggedFeedback {
    /// When it was received.
    pub at: Timestamp,
    /// Who rated.
    pub auth_id: String,
    /// On which queue.
    pub business_id: u64,
    /// Whether the question was answered.
    pub query_resolved: bool,
    /// 1 to 5.
    pub query_rating: u64,
    /// The text beside it.
    pub feedback: Option<String>,
}

/// A chat moved to an agent's team.
#[derive(Clone, Debug, Serialize)]
pub struct AgentMove {
    /// When it was received.
    pub at: Timestamp,
    /// Our id of the user.
    pub auth_id: String,
    /// Haptik's name of the user.
    pub user_name: String,
    /// The team asked for.
    pub team_name: String,
    /// On which queue.
    pub business_id: u64,
    /// Seconds until the chat is moved, 5 to 10.
    pub countdown: u64,
    /// The agent tool asked for; `None` by v1.0, which has only Haptik's own.
    pub receiver: Option<String>,
}

/// The webhook enabled by a call.
#[derive(Clone, Debug, Serialize)]
pub struct WebhookEnable {
    /// When it was received.
    pub at: Timestamp,
    /// How many events were waiting.
    pub waiting: usize,
}

/// A call of one of the platform's routes.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    /// When it was received.
    pub at: Timestamp,
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The status answered; `None` when the connection was cut.
    pub status: Option<u16>,
    /// Whether a fault asked for was applied.
    pub faulty: bool,
}

/// One event on its way to the webhook.
#[derive(Clone, Debug, Serialize)]
pub struct Delivery {
    /// When the event happened.
    pub at: Timestamp,
    /// Why it is sent.
    pub kind: DeliveryKind,
    /// The event's name, where it has one.
    pub event_name: Option<String>,
    /// `message.id`, where it has one.
    pub message_id: Option<u64>,
    /// Whom it is about, where it says so.
    pub auth_id: Option<String>,
    /// The body, byte for byte.
    pub body: String,
    /// Every try so far, in order.
    pub attempts: Vec<Attempt>,
    /// How it stands.
    pub state: DeliveryState,
}

/// Why a delivery is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryKind {
    /// It is an event.
    Event,
    /// It is an event once more, by a fault asked for.
    Duplicate,
    /// It is not JSON, though well signed, by a fault asked for.
    Garbage,
    /// It is an event with a wrong signature, by a fault asked for.
    Forged,
}

/// How a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Being sent, or about to be tried again.
    Pending,
    /// Held back, to be sent after the user's next event.
    Held,
    /// Waiting for the webhook to be enabled, or for its URL.
    Waiting,
    /// Answered with a 2xx.
    Delivered,
    /// Given up after the last try.
    Failed,
    /// Waited for more than an hour, or pushed out by too many others.
    Lost,
}

/// One try of a delivery.
#[derive(Clone, Debug, Serialize)]
pub struct Attempt {
    /// When it was started.
    pub at: Timestamp,
    /// The status answered, if any.
    pub status: Option<u16>,
    /// What went wrong where there was no answer: `timeout`, `connect` or `broken`.
    pub error: Option<&'static str>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_keeps_the_newest_and_counts_them_all() {
        let mut log = Log::keeping(2);
        for letter in ['a', 'b', 'c'] {
            log.push(letter);
        }
        assert_eq!(log.iter().collect::<String>(), "bc");
        assert_eq!((log.len(), log.total()), (2, 3));
        assert_eq!(log.numbered(0), None);
        assert_eq!(log.numbered(2), Some(&mut 'c'));
        assert_eq!(log.numbered(3), None);
        assert_eq!(format!("{log:?}"), "2 of 3 records");
    }
}
