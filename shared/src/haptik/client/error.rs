//! How a call fails.

use std::fmt;

use crate::net::{CallError, CallErrorKind, shortened};
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
    /// `POST /integration/external/v1.0/send_chat_to_agent/`, or `v2.0`
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
    /// Haptik does not know the user (403), who is to be created, and the call repeated.
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
    /// The account has no `sync_url`.
    #[error("the account has no sync_url to {}", Call::SyncMessage)]
    NoSyncUrl,
    /// Any other failure of a call: by its status, or for want of an answer.
    #[error("{}", .0.by("Haptik"))]
    Call(#[from] CallError),
}

impl HaptikError {
    /// What the failure of a call means by its status and `error_message`, be the status 2xx even.
    pub(super) fn of(call: Call, error: CallError) -> Self {
        let message = shortened(error.detail().unwrap_or_default(), LONGEST_MESSAGE);
        let text = plain(&message);
        let error = error.saying(&message);
        let was_answered = matches!(
            error.kind,
            CallErrorKind::Unauthorized | CallErrorKind::Refused | CallErrorKind::Unavailable
        );
        if was_answered && is_of_credentials(&text) {
            return error.as_kind(CallErrorKind::Unauthorized).into();
        }
        if !matches!(
            error.kind,
            CallErrorKind::Unauthorized | CallErrorKind::Refused
        ) {
            return error.into();
        }
        let is_integration = matches!(call, Call::SendChatToAgent | Call::GetChatHistory);
        match (call, error.code.as_str()) {
            (_, "401" | "407") => error.into(),
            (Call::SendChatToAgent, _) if text.contains("not sent a message") => Self::NothingSaid,
            (_, "403") if text.contains("not registered") => Self::NotRegistered { call },
            // Of the other API, that is about Haptik's own name of the user, and creating somebody does not help.
            (_, "403") if !is_integration && text.contains("invalid user") => {
                Self::NotRegistered { call }
            }
            _ if !is_integration && is_of_nobody(&text) => Self::NotRegistered { call },
            (Call::LogFeedback, _) if text.contains("duplicate") => Self::DuplicateFeedback,
            (Call::LogFeedback, "404") => Self::NoActiveConversation,
            // Of a 403, Haptik means the request.
            _ => error.as_kind(CallErrorKind::Refused).into(),
        }
    }

    /// Whether Haptik does not accept the token: another may be accepted.
    #[must_use]
    pub fn is_of_token(&self) -> bool {
        matches!(self, Self::Call(error) if error.kind == CallErrorKind::Unauthorized && error.code != "407")
    }

    /// Whether what was said may have been heard, although the call failed: there was no answer, or not in
    /// time, or one that cannot be read.
    #[must_use]
    pub fn may_have_been_said(&self) -> bool {
        let Self::Call(error) = self else {
            return false;
        };
        match &error.kind {
            CallErrorKind::Unreachable(cause) => !cause.never_sent(),
            CallErrorKind::Unreadable => true,
            // Something between here and the bot ran out of time.
            CallErrorKind::Unavailable => matches!(error.code.as_str(), "408" | "504"),
            CallErrorKind::Unauthorized
            | CallErrorKind::RateLimited
            | CallErrorKind::Refused
            | CallErrorKind::Unsendable(_) => false,
        }
    }

    /// Whether it is a refusal that would be the same next time, and has no name of its own.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Call(error) if error.kind == CallErrorKind::Refused)
    }

    /// Whether Haptik says that it does not know the user.
    #[must_use]
    pub fn is_of_unregistered(&self) -> bool {
        matches!(self, Self::NotRegistered { .. })
    }
}

/// What Haptik says, in small letters and with one space between the words.
pub(in crate::haptik) fn plain(message: &str) -> String {
    let message = message.to_lowercase().replace(['_', '-'], " ");
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether words say that a user was never created.
pub(in crate::haptik) fn is_of_nobody(text: &str) -> bool {
    [
        "user is not registered",
        "user not registered",
        "unregistered user",
    ]
    .iter()
    .any(|words| text.contains(words))
}

/// Whether words are about the credentials of a call, and not about what it asks.
pub(in crate::haptik) fn is_of_credentials(text: &str) -> bool {
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let is_named = has(&[
        "token",
        "client id",
        "clientid",
        "credential",
        "api key",
        "apikey",
        "jwt",
        "bearer",
        "authorization header",
    ]);
    let is_wrong = has(&[
        "invalid",
        "missing",
        "expired",
        "wrong",
        "incorrect",
        "not valid",
        "not a valid",
        "malformed",
        "cannot be verified",
        "could not be verified",
        "verification failed",
        "not found",
        "not match",
        "mismatch",
        "required",
        "revoked",
        "not provided",
        "no token",
        "unauthor",
        "not author",
        "not accept",
        "unknown",
        "does not exist",
        "bad ",
        "denied",
        "not recogni",
    ]);
    let is_said = has(&[
        "authorization details",
        "signature has expired",
        "signature verification failed",
        "unauthorized",
        "unauthorised",
        "authentication",
        "not authenticated",
        "invalid authorization",
        "not authorized",
        "not authorised",
    ]);
    (is_named && is_wrong) || is_said
}

impl Retryable for HaptikError {
    fn retry(&self) -> Retry {
        match self {
            Self::DuplicateFeedback | Self::NoActiveConversation | Self::NoSyncUrl => Retry::Never,
            Self::NotRegistered { .. } | Self::NothingSaid => Retry::Later(None),
            Self::Call(error) => error.retry(),
        }
    }

    fn detail(&self) -> Option<&str> {
        match self {
            Self::Call(error) => error.detail(),
            _ => None,
        }
    }

    fn is_of_credentials(&self) -> bool {
        self.is_of_token()
    }
}

impl Call {
    /// In words that follow "to".
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::CreateUser => "create a user",
            Self::UpdateUser => "update a user",
            Self::LogMessage => "log a message",
            Self::LogFile => "log a file",
            Self::LogFeedback => "log feedback",
            Self::EnableWebhook => "enable the webhook",
            Self::SendChatToAgent => "send a chat to an agent",
            Self::GetChatHistory => "get a chat's history",
            Self::SyncMessage => "answer a message at once",
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
