//! How a call fails.

use std::fmt;
use std::time::Duration;

use crate::outbound::{Unreachable, shortened};
use crate::retry::{Retry, Retryable};

/// The most characters of Haptik's `error_message` that are kept.
const LONGEST_MESSAGE: usize = 200;

/// Which call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// `POST /v1.0/user/`
    CreateUser,
    /// `PUT /v1.0/user/`
    UpdateUser,
    /// `POST /v1.0/log_message_from_user/`
    LogMessage,
    /// `POST /v1.0/log_file_from_user/`
    LogFile,
    /// `POST /v1.0/log_feedback_from_user/`
    LogFeedback,
    /// `POST /v1.0/webhook/`
    EnableWebhook,
    /// `POST /integration/external/v1.0/send_chat_to_agent/`
    SendChatToAgent,
    /// `GET /integration/external/v2.0/get_chat_history/`
    GetChatHistory,
    /// `POST` to the URL for synchronous messages.
    SyncMessage,
}

/// Why a call failed. The text names the call and the status, and nothing of what was sent; Haptik's own
/// words are apart ([`Retryable::detail`]), since they may quote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HaptikError {
    /// 401: no token was accepted. An operator can mend it, and nothing is lost until then.
    #[error("Haptik accepted no token (401) to {call}")]
    Unauthorized {
        /// The call.
        call: Call,
    },
    /// 403: Haptik does not know the user, who is to be created, and the call repeated.
    #[error("Haptik does not know the user (403) to {call}")]
    NotRegistered {
        /// The call.
        call: Call,
    },
    /// The user rated the conversation within the last hour.
    #[error("Haptik had feedback from this user within the hour")]
    DuplicateFeedback,
    /// 404: there is no conversation to rate.
    #[error("Haptik has no active conversation (404) to {}", Call::LogFeedback)]
    NoActiveConversation,
    /// The user whose chat is to be moved to an agent has not said anything yet, as far as Haptik knows:
    /// it has to hear something first.
    #[error("Haptik has no message of the user to {}", Call::SendChatToAgent)]
    NothingSaid,
    /// 429: too many calls.
    #[error("Haptik had too many calls (429) to {call}")]
    RateLimited {
        /// The call.
        call: Call,
        /// How long to wait, where Haptik says so.
        retry_after: Option<Duration>,
    },
    /// Any other refusal, which would be the same next time.
    #[error("Haptik refused ({status}) to {call}")]
    Refused {
        /// The call.
        call: Call,
        /// The HTTP status.
        status: u16,
        /// Haptik's `error_message`, at most 200 characters; may be empty.
        message: String,
    },
    /// 408, 425, 5xx or a redirect: Haptik, or something before it, cannot take it now.
    #[error("Haptik was not able ({status}) to {call}")]
    Unavailable {
        /// The call.
        call: Call,
        /// The HTTP status.
        status: u16,
        /// Haptik's `error_message`, at most 200 characters; may be empty.
        message: String,
        /// How long to wait, where Haptik says so.
        retry_after: Option<Duration>,
    },
    /// There was no answer.
    #[error("Haptik could not be reached to {call}: {cause}")]
    Unreachable {
        /// The call.
        call: Call,
        /// What happened.
        cause: Unreachable,
    },
    /// 2xx, but the answer is not what was promised, and is needed.
    #[error("Haptik's answer ({status}) cannot be read, having been asked to {call}")]
    Unreadable {
        /// The call.
        call: Call,
        /// The HTTP status.
        status: u16,
    },
    /// The account has no `sync_url`.
    #[error("the account has no sync_url to {}", Call::SyncMessage)]
    NoSyncUrl,
}

impl HaptikError {
    /// What an answer with this status and `error_message` means, be the status 2xx even.
    pub(super) fn of(
        call: Call,
        status: u16,
        message: &str,
        retry_after: Option<Duration>,
    ) -> Self {
        let message = shortened(message, LONGEST_MESSAGE);
        let text = message.to_lowercase().replace('_', " ");
        match status {
            401 => Self::Unauthorized { call },
            429 => Self::RateLimited { call, retry_after },
            300..=399 | 408 | 425 | 500.. => Self::Unavailable {
                call,
                status,
                message,
                retry_after,
            },
            403 if text.contains("not registered") || text.contains("invalid user") => {
                Self::NotRegistered { call }
            }
            _ if call == Call::SendChatToAgent && text.contains("not sent a message") => {
                Self::NothingSaid
            }
            // It says so of credentials with any status: they are for an operator to mend.
            _ if call == Call::SendChatToAgent
                && (text.contains("client id") || text.contains("token")) =>
            {
                Self::Unauthorized { call }
            }
            _ if call == Call::LogFeedback && text.contains("duplicate") => Self::DuplicateFeedback,
            404 if call == Call::LogFeedback => Self::NoActiveConversation,
            _ => Self::Refused {
                call,
                status,
                message,
            },
        }
    }
}

impl Retryable for HaptikError {
    fn retry(&self) -> Retry {
        match self {
            Self::DuplicateFeedback
            | Self::NoActiveConversation
            | Self::Refused { .. }
            | Self::NoSyncUrl => Retry::Never,
            Self::Unauthorized { .. }
            | Self::NotRegistered { .. }
            | Self::NothingSaid
            | Self::Unreachable { .. }
            | Self::Unreadable { .. } => Retry::Later(None),
            Self::RateLimited { retry_after, .. } | Self::Unavailable { retry_after, .. } => {
                Retry::Later(*retry_after)
            }
        }
    }

    fn detail(&self) -> Option<&str> {
        match self {
            Self::Refused { message, .. } | Self::Unavailable { message, .. } => {
                Some(message.as_str()).filter(|message| !message.is_empty())
            }
            _ => None,
        }
    }
}

impl fmt::Display for Call {
    /// In words that follow "to".
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::CreateUser => "create a user",
            Self::UpdateUser => "update a user",
            Self::LogMessage => "log a message",
            Self::LogFile => "log a file",
            Self::LogFeedback => "log feedback",
            Self::EnableWebhook => "enable the webhook",
            Self::SendChatToAgent => "send a chat to an agent",
            Self::GetChatHistory => "get a chat's history",
            Self::SyncMessage => "answer a message at once",
        })
    }
}
