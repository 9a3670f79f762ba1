//! The keys of the ledger's entries, which are their idempotency keys and their order: a delivery that is
//! repeated (a redelivery) has the same key, which is the de-duplication.
//!
//! A key is a text, and keys of one lane sort as texts. All begin with a number of twenty digits; what
//! follows tells what the entry is:
//!
//! | entry | key |
//! |---|---|
//! | what a user did | the time in microseconds, then what the channel calls it |
//! | a message of Haptik's, or its notice that an agent took the chat | `message.id`, then the event's name |
//! | any other event of Haptik's, and what the bridge itself has to say | the time in milliseconds, then a digit by which those of one time are ordered |
//!
//! The first are in the lanes towards Haptik and of tasks, the others in those towards channels and sinks.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{ConnectionId, EntryKey};

/// What a key says of its entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyKind {
    /// A message of Haptik's.
    Message {
        /// `message.id`, which is unique and grows.
        id: u64,
    },
    /// Haptik's notice that an agent took the chat.
    AgentJoined {
        /// `message.id`.
        id: u64,
    },
    /// Haptik tells of the end of a conversation.
    Completion {
        /// By which of the two events.
        kind: CompletionKind,
        /// When, in milliseconds since the epoch.
        at: u64,
        /// What names the conversation, or the message.
        id: String,
    },
    /// A hand-off ended, and control returns to the bot that asked for it.
    HandoffEnded {
        /// When, in milliseconds since the epoch.
        at: u64,
        /// The hand-off's id.
        handoff: String,
    },
    /// The bridge itself has something to say.
    Notice {
        /// When it was due, in milliseconds since the epoch.
        at: u64,
        /// The same for the same notice.
        name: String,
    },
    /// An event of Haptik's that has no id of its own, or is not known.
    Event {
        /// When, in milliseconds since the epoch; [`NO_TIME`] where it does not say.
        at: u64,
        /// The event's name; has no `#`.
        name: String,
        /// A hash of its body.
        hash: String,
    },
    /// A message that came too late for a hand-off goes back to the bot: behind all that has a time.
    MessageReturned {
        /// Its own key.
        key: String,
    },
    /// What a user did, or what follows from that.
    UserAction {
        /// When, in microseconds since the epoch.
        at: u64,
        /// What the channel calls it.
        id: String,
    },
}

/// By which event Haptik tells of the end of a conversation: by both, in either order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CompletionKind {
    /// `webhook_conversation_complete`, which names the conversation.
    #[serde(rename = "webhook_conversation_complete")]
    Conversation,
    /// `chat_complete`, which is deprecated and does not.
    #[serde(rename = "chat_complete")]
    Chat,
}

/// Stands for the time of an event that has none: what cannot be ordered comes last.
pub const NO_TIME: u64 = u64::MAX;

/// Keys that begin with an id of Haptik's sort before this, and those that begin with a time behind it: it is the
/// year 2000.
pub const FIRST_TIME: &str = "00000000946684800000";

/// Stands before the connection by which something was done; before none where an id of the channel's looks as if
/// it ended with one.
const AT_CONNECTION: &str = "#@";

const MESSAGE: &str = "message";
const AGENT_JOINED: &str = "chat_pinned";
const HANDOFF_ENDED: &str = "0-z-handoff_ended";
const NOTICE: &str = "0-z-notice";
const MESSAGE_RETURNED: &str = "9-message_returned";

impl KeyKind {
    /// What a user did at this time, which the channel calls `id`.
    #[must_use]
    pub fn act(at: Timestamp, id: impl Into<String>) -> Self {
        Self::UserAction {
            at: u64::try_from(at.as_microsecond()).unwrap_or_default(),
            id: id.into(),
        }
    }

    /// The end of a hand-off at this time, in milliseconds since the epoch.
    #[must_use]
    pub fn handoff_ended(at: i64, handoff: impl Into<String>) -> Self {
        Self::HandoffEnded {
            at: u64::try_from(at).unwrap_or_default(),
            handoff: handoff.into(),
        }
    }

    /// What the bridge has to say at this time.
    #[must_use]
    pub fn notice(at: Timestamp, name: impl Into<String>) -> Self {
        Self::Notice {
            at: milliseconds(at),
            name: name.into(),
        }
    }

    /// The return of the message that has this key.
    #[must_use]
    pub fn returned(key: &EntryKey) -> Self {
        Self::MessageReturned {
            key: key.to_string(),
        }
    }

    /// The `message.id` of Haptik's message or `chat_complete`, where it has one.
    #[must_use]
    pub fn message_id(&self) -> Option<u64> {
        match self {
            Self::Message { id } | Self::AgentJoined { id } => Some(*id),
            Self::Completion {
                kind: CompletionKind::Chat,
                id,
                ..
            } => id.parse().ok(),
            Self::Completion { .. }
            | Self::HandoffEnded { .. }
            | Self::Notice { .. }
            | Self::Event { .. }
            | Self::MessageReturned { .. }
            | Self::UserAction { .. } => None,
        }
    }

    /// Whether an entry towards a channel or a sink goes by its time, and not by a `message.id`.
    #[must_use]
    pub fn is_by_time(&self) -> bool {
        match self {
            Self::Completion { .. }
            | Self::HandoffEnded { .. }
            | Self::Notice { .. }
            | Self::Event { .. }
            | Self::MessageReturned { .. } => true,
            Self::Message { .. } | Self::AgentJoined { .. } | Self::UserAction { .. } => false,
        }
    }

    /// By which event it is the end of a conversation, if it is.
    #[must_use]
    pub fn completion(&self) -> Option<CompletionKind> {
        match self {
            Self::Completion { kind, .. } => Some(*kind),
            _ => None,
        }
    }
}

impl CompletionKind {
    /// By which event of this name Haptik tells of the end of a conversation, if it does.
    #[must_use]
    pub fn of_event(name: &str) -> Option<Self> {
        match name {
            "webhook_conversation_complete" => Some(Self::Conversation),
            "chat_complete" => Some(Self::Chat),
            _ => None,
        }
    }

    /// The event's name.
    #[must_use]
    pub fn event_name(self) -> &'static str {
        match self {
            Self::Conversation => "webhook_conversation_complete",
            Self::Chat => "chat_complete",
        }
    }

    /// Where it comes among the events of one time.
    fn digit(self) -> char {
        match self {
            Self::Conversation => '0',
            Self::Chat => '1',
        }
    }
}

/// The keys of a lane that begin with a number of this range: the first, and one behind the last.
#[must_use]
pub fn range(first: u64, last: u64) -> (String, String) {
    (format!("{first:020}"), format!("{last:020}~"))
}

/// A time as it stands in a key of an event: in milliseconds since the epoch.
#[must_use]
pub fn milliseconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_millisecond()).unwrap_or_default()
}

impl fmt::Display for KeyKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message { id } => write!(out, "{id:020}#{MESSAGE}"),
            Self::AgentJoined { id } => write!(out, "{id:020}#{AGENT_JOINED}"),
            Self::Completion { kind, at, id } => {
                write!(out, "{at:020}#{}-{}#{id}", kind.digit(), kind.event_name())
            }
            Self::HandoffEnded { at, handoff } => write!(out, "{at:020}#{HANDOFF_ENDED}#{handoff}"),
            Self::Notice { at, name } => write!(out, "{at:020}#{NOTICE}#{name}"),
            Self::Event { at, name, hash } => write!(out, "{at:020}#2-{name}#{hash}"),
            Self::MessageReturned { key } => write!(out, "{NO_TIME:020}#{MESSAGE_RETURNED}#{key}"),
            Self::UserAction { at, id } if and_connection(id).is_some() => {
                write!(out, "{at:020}#{id}{AT_CONNECTION}")
            }
            Self::UserAction { at, id } => write!(out, "{at:020}#{id}"),
        }
    }
}

/// A key that is none of [`KeyKind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key does not begin with a number of twenty digits and #")]
pub struct UnknownKey;

impl FromStr for KeyKind {
    type Err = UnknownKey;

    /// What a key of a lane towards a channel or a sink is. In the other lanes all are [`KeyKind::UserAction`],
    /// whatever the channel calls what the user did: there, [`EntryKey::act_id`] is to be asked.
    fn from_str(key: &str) -> Result<Self, UnknownKey> {
        let (number, rest) = key.split_once('#').ok_or(UnknownKey)?;
        if number.len() != 20 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(UnknownKey);
        }
        let at: u64 = number.parse().map_err(|_| UnknownKey)?;
        let (name, id) = rest.split_once('#').unwrap_or((rest, ""));
        let has_id = rest.len() > name.len();
        let id = id.to_owned();
        Ok(match name {
            MESSAGE if !has_id => Self::Message { id: at },
            AGENT_JOINED if !has_id => Self::AgentJoined { id: at },
            HANDOFF_ENDED if has_id => Self::HandoffEnded { at, handoff: id },
            NOTICE if has_id => Self::Notice { at, name: id },
            MESSAGE_RETURNED if has_id && at == NO_TIME => Self::MessageReturned { key: id },
            _ => match name.split_once('-') {
                Some(("0", name))
                    if has_id && name == CompletionKind::Conversation.event_name() =>
                {
                    let kind = CompletionKind::Conversation;
                    Self::Completion { kind, at, id }
                }
                Some(("1", name)) if has_id && name == CompletionKind::Chat.event_name() => {
                    let kind = CompletionKind::Chat;
                    Self::Completion { kind, at, id }
                }
                Some(("2", name)) if has_id => Self::Event {
                    at,
                    name: name.to_owned(),
                    hash: id,
                },
                _ => Self::UserAction {
                    at,
                    id: rest.to_owned(),
                },
            },
        })
    }
}

/// What the channel calls something, and the connection behind it, where there is one or its mark.
fn and_connection(id: &str) -> Option<(&str, &str)> {
    let parts = id.rsplit_once(AT_CONNECTION);
    parts.filter(|(_, connection)| may_be_name(connection))
}

/// Whether it is the name of a connection, as the configuration takes it, or nothing.
fn may_be_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.len() <= 40 && text.bytes().all(is_plain)
}

impl From<KeyKind> for EntryKey {
    fn from(kind: KeyKind) -> Self {
        kind.to_string().into()
    }
}

impl EntryKey {
    /// What a key of a lane towards a channel or a sink says of its entry; `None` where it is of another
    /// form, which sorts where it sorts.
    #[must_use]
    pub fn kind(&self) -> Option<KeyKind> {
        self.as_str().parse().ok()
    }

    /// The key of something that follows from this: right behind it.
    #[must_use]
    pub fn then(&self, what: impl fmt::Display) -> Self {
        format!("{self}#{what}").into()
    }

    /// The key of the same, done by this connection: what the users of several connections did who are one
    /// user at Haptik is in one lane, and each application has ids of its own.
    #[must_use]
    pub fn at_connection(&self, connection: &ConnectionId) -> Self {
        let has_mark = self.id_in_key().ends_with(AT_CONNECTION);
        let mark = if has_mark { "" } else { AT_CONNECTION };
        format!("{self}{mark}{connection}").into()
    }

    /// What the channel calls what a user did, from its key; all of a key that is of another form.
    #[must_use]
    pub fn act_id(&self) -> &str {
        let id = self.id_in_key();
        and_connection(id).map_or(id, |(id, _)| id)
    }

    /// The connection by which it was done, where the key names one.
    #[must_use]
    pub fn connection(&self) -> Option<&str> {
        let (_, connection) = and_connection(self.id_in_key())?;
        Some(connection).filter(|name| !name.is_empty())
    }

    /// What stands behind the number; all of a key that is of another form.
    fn id_in_key(&self) -> &str {
        let key = self.as_str();
        key.split_once('#').map_or(key, |(_, id)| id)
    }

    /// Whether this is the key of what a provider calls `id`, or is `id` itself. A provider's id is a part
    /// of the key as it is, or by its digits: a message's number, which has zeros before it in the key, or
    /// a time in seconds with a fraction, of which the key has the microseconds. What has no digit in it is
    /// no such id: it would be a word that many keys have.
    #[must_use]
    pub fn matches_provider_id(&self, id: &str) -> bool {
        let key = self.as_str();
        if key == id || !id.bytes().any(|byte| byte.is_ascii_digit()) {
            return key == id;
        }
        let digits = id.replacen('.', "", 1);
        let is_part = |part: &str| part == id || part.trim_start_matches('0') == digits;
        self.act_id() == id || key.split('#').any(is_part)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The place of a kind among those of its lane.
    fn place(kind: &KeyKind) -> (u64, u8) {
        match kind {
            KeyKind::Completion { kind, at, .. } => match kind {
                CompletionKind::Conversation => (*at, 0),
                CompletionKind::Chat => (*at, 2),
            },
            KeyKind::HandoffEnded { at, .. } | KeyKind::Notice { at, .. } => (*at, 1),
            KeyKind::Event { at, .. } => (*at, 3),
            KeyKind::MessageReturned { .. } => (NO_TIME, 4),
            KeyKind::Message { id } | KeyKind::AgentJoined { id } => (*id, 5),
            KeyKind::UserAction { at, .. } => (*at, 0),
        }
    }

    fn numbers() -> impl Strategy<Value = u64> {
        prop_oneof![0..3_u64, any::<u64>(), Just(NO_TIME)]
    }

    fn of_events() -> impl Strategy<Value = KeyKind> {
        let id = "[a-z0-9#-]{1,12}";
        let completion = prop_oneof![
            Just(CompletionKind::Conversation),
            Just(CompletionKind::Chat)
        ];
        prop_oneof![
            numbers().prop_map(|id| KeyKind::Message { id }),
            numbers().prop_map(|id| KeyKind::AgentJoined { id }),
            (completion, numbers(), id).prop_map(|(kind, at, id)| KeyKind::Completion {
                kind,
                at,
                id
            }),
            (numbers(), id).prop_map(|(at, handoff)| KeyKind::HandoffEnded { at, handoff }),
            (numbers(), id).prop_map(|(at, name)| KeyKind::Notice { at, name }),
            (numbers(), "[a-z_-]{1,12}", "[0-9a-f]{16}")
                .prop_map(|(at, name, hash)| KeyKind::Event { at, name, hash }),
            id.prop_map(|key| KeyKind::MessageReturned { key }),
        ]
    }

    proptest! {
        #[test]
        fn a_key_of_an_event_is_read_back(kind in of_events()) {
            prop_assert_eq!(kind.to_string().parse::<KeyKind>(), Ok(kind));
        }

        #[test]
        fn keys_sort_by_number_and_then_by_kind(one in of_events(), other in of_events()) {
            let (left, right) = (place(&one), place(&other));
            if left != right {
                let (one, other) = (EntryKey::from(one), EntryKey::from(other));
                prop_assert_eq!(one.cmp(&other), left.cmp(&right), "{} {}", one, other);
            }
        }

        #[test]
        fn what_users_did_sorts_by_time(
            one in numbers(),
            other in numbers(),
            id in prop_oneof!["[ -~]{1,12}", "[#@a]{1,8}"],
        ) {
            let key = |at: u64| EntryKey::from(KeyKind::UserAction { at, id: id.clone() });
            prop_assert_eq!(key(one).cmp(&key(other)), one.cmp(&other));
            let key = key(one);
            prop_assert_eq!(key.act_id(), id.as_str());
            prop_assert!(key < key.then("edit"));
            let elsewhere = key.at_connection(&"my-app".into());
            prop_assert!(key < elsewhere);
            prop_assert_eq!(elsewhere.act_id(), id.as_str());
            prop_assert_eq!((key.connection(), elsewhere.connection()), (None, Some("my-app")));
        }

        #[test]
        fn any_text_is_a_key_of_some_kind_or_of_none(text in "[0-9]{18,21}#?[0-9a-z#-]{0,30}") {
            if let Some(kind) = EntryKey::from(text.as_str()).kind() {
                prop_assert_eq!(EntryKey::from(kind), EntryKey::from(text));
            }
        }
    }

    #[test]
    fn a_key_matches_what_providers_call_it_and_nothing_else() {
        let of_haptik = EntryKey::from("00000000000000000902#message");
        let of_slack = EntryKey::from("00001795561837856425#D1");
        let of_a_tap = EntryKey::from("00001795561837856425#D1#1795561800.000100#a");
        let of_an_application = EntryKey::from("00001795561837856425#m#1");
        for (key, id) in [
            (&of_haptik, "902"),
            (&of_haptik, of_haptik.as_str()),
            (&of_slack, "1795561837.856425"),
            (&of_slack, "1795561837856425"),
            (&of_a_tap, "1795561800.000100"),
            (&of_an_application, "m#1"),
        ] {
            assert!(key.matches_provider_id(id), "{key} {id}");
        }
        for (key, id) in [
            (&of_haptik, "2"),
            (&of_haptik, "0902"),
            (&of_haptik, "message"),
            (&of_haptik, ""),
            (&EntryKey::from("00000000000000000000#message"), "."),
            (&of_slack, "1795561837.856426"),
            (&of_slack, "856425"),
        ] {
            assert!(!key.matches_provider_id(id), "{key} {id}");
        }
    }
}
