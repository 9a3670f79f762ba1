//! Channels: where the user is. One module per channel behind one trait; a provider's types stay in
//! its module.
//!
//! A channel's module has the same parts in the same order: verify and parse what the provider sends
//! ([`Channel::receive`]), render what Haptik answers ([`Channel::render`]), send it
//! ([`Channel::send`]).

use std::borrow::Cow;
use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::haptik::hsl::Hsl;
use crate::ids::{AuthId, EntryKey};
use crate::retry::Failure;

pub mod callback;
pub mod capability;
pub mod choices;
pub mod custom;
pub(crate) mod debug;
pub mod limits;
mod outgoing;
pub mod render;
pub mod slack;

pub use outgoing::{Content, Outgoing, Part, Sender, SenderKind};

/// One connection to a channel.
#[async_trait]
pub trait Channel: fmt::Debug + Send + Sync {
    /// Verifies a request and reads it. Nothing of an unverified body leaves this function.
    ///
    /// # Errors
    /// [`Rejected`] when the signature is missing, wrong or too old, or when a request of our own
    /// interface (the custom channel) is not what was agreed.
    fn receive(&self, request: &Request<'_>, now: Timestamp) -> Result<Received, Rejected>;

    /// What is kept of a body that was verified and not understood: without the provider's secrets.
    fn to_keep<'a>(&self, body: &'a [u8]) -> Cow<'a, [u8]> {
        Cow::Borrowed(body)
    }

    /// What the provider knows about a user who is at this address, for Haptik; `None` when it cannot be
    /// asked. Called once per user. What the user's own request said is in [`Inbound::profile`].
    ///
    /// # Errors
    /// When the provider does not answer.
    async fn profile(&self, address: &Address, user: &str) -> Result<Option<Profile>, Failure>;

    /// Fetches a file that a user sent from this address.
    ///
    /// # Errors
    /// When it cannot be had, is larger than `limit` bytes, or lies at an address that is not allowed.
    async fn fetch(
        &self,
        address: &Address,
        attachment: &Attachment,
        limit: usize,
    ) -> Result<Bytes, Failure>;

    /// What a message becomes in this channel: the requests that show it, in order. Pure; never fails;
    /// empty when there is nothing to show.
    fn render(&self, outgoing: &Outgoing) -> Vec<Part>;

    /// Which parts of the message with this key are in the channel already: asked before a message is
    /// repeated. `None` when the channel cannot be asked.
    ///
    /// # Errors
    /// When the provider does not answer.
    async fn already_sent(
        &self,
        address: &Address,
        outgoing: &Outgoing,
    ) -> Result<Option<Vec<usize>>, Failure>;

    /// Sends one part.
    ///
    /// # Errors
    /// When the provider refuses it or does not answer.
    async fn send(&self, address: &Address, part: &Part) -> Result<(), Failure>;

    /// Carries out a task that [`Channel::receive`] left for later, such as showing what the user chose.
    ///
    /// # Errors
    /// When the provider refuses it or does not answer.
    async fn perform(&self, task: &Value) -> Result<(), Failure>;

    /// Shows that something was taken and is being answered: [`Mark::with`].
    ///
    /// # Errors
    /// When the provider refuses it or does not answer. It is not repeated.
    async fn mark(&self, mark: &Value) -> Result<(), Failure> {
        let _ = mark;
        Ok(())
    }

    /// Takes away what [`Channel::mark`] left.
    ///
    /// # Errors
    /// When the provider refuses it or does not answer. It is not repeated.
    async fn unmark(&self, mark: &Value) -> Result<(), Failure> {
        let _ = mark;
        Ok(())
    }

    /// Says where a file is of which the request only said that it exists.
    ///
    /// # Errors
    /// When the provider does not say it.
    async fn locate(
        &self,
        address: &Address,
        attachment: &Attachment,
    ) -> Result<Attachment, Failure> {
        let _ = address;
        Ok(attachment.clone())
    }

    /// The name for one of [`Inbound::unnamed`], as it is to stand in the text; `None` where there is none
    /// to be had.
    async fn name(&self, address: &Address, unnamed: &str) -> Option<String> {
        let _ = (address, unnamed);
        None
    }

    /// The task that tells a user something on the bridge's own account; `None` where the channel has no
    /// place for that.
    fn notice(&self, address: &Address, text: &str) -> Option<Value> {
        let _ = (address, text);
        None
    }

    /// Opens what a user asked for with a tap and the provider takes only for a moment, such as a form
    /// in a window of its own. `offered` is the message that was tapped.
    ///
    /// # Errors
    /// When the provider refuses it or does not answer, or the channel opens nothing.
    async fn open(&self, opening: &Opening, offered: &Hsl) -> Result<(), Failure> {
        let _ = (opening, offered);
        Err(Failure::permanent("this channel opens nothing"))
    }

    /// Whether an answer could be sent to this address at all: asked before Haptik is told anything.
    ///
    /// # Errors
    /// When it could not, or that is not known.
    async fn can_answer(&self, address: &Address) -> Result<(), Failure> {
        let _ = address;
        Ok(())
    }

    /// What a browser is shown at a path of the connection, such as the pages by which an app is
    /// installed; `None` where there is no page.
    async fn page(&self, request: &Request<'_>, now: Timestamp) -> Option<Page> {
        let _ = (request, now);
        None
    }

    /// Carries out what a request changes about the connection itself ([`Received::change`]).
    ///
    /// # Errors
    /// When it is not durable: nothing is to be answered but 503.
    async fn settle(&self, change: &Value, now: Timestamp) -> Result<(), Failure> {
        let _ = (change, now);
        Ok(())
    }
}

/// A request at `/channels/{connection}`.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method: `POST`, or `GET` for providers' handshakes.
    pub method: &'a Method,
    /// What follows `/channels/{connection}`, without the query: empty, or `/handoff`, for example.
    pub path: &'a str,
    /// The query, without the question mark; may be empty.
    pub query: &'a str,
    /// The headers, whose names have no case.
    pub headers: &'a HeaderMap,
    /// The body, decoded from base64 where the gateway had encoded it.
    pub body: &'a [u8],
}

/// What a request was.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// What to answer once everything below is durable.
    pub reply: Reply,
    /// What Haptik is to be told.
    pub inbound: Vec<Inbound>,
    /// What is to be done in the channel.
    pub tasks: Vec<Task>,
    /// What is to be opened before the request is answered.
    pub opening: Option<Opening>,
    /// What a bot that lives elsewhere wants of a human.
    pub handoff: Option<HandoffAsked>,
    /// Whether what is said is taken only while the user is handed over to a human.
    pub only_in_handoff: bool,
    /// What it changes about the connection itself, to be carried out before it is answered: only the
    /// channel's module knows what is inside.
    pub change: Option<Value>,
    /// Why a verified request was not understood; it is then kept, dead, with [its body](Channel::to_keep).
    pub not_understood: Option<String>,
}

/// What a bot that lives elsewhere wants of a human.
#[derive(Debug, Clone, PartialEq)]
pub enum HandoffAsked {
    /// To take its user over: an [`Act::Handoff`].
    Begin(Box<Inbound>),
    /// To give this user back.
    End(AuthId),
}

/// The answer to a channel's request.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The content type of the body.
    pub content_type: &'static str,
    /// The body; may be empty.
    pub body: String,
}

/// An answer for a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// The headers, the content type among them.
    pub headers: Vec<(HeaderName, String)>,
    /// The body.
    pub body: String,
}

/// Why a request was turned away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The signature is missing, wrong or too old: 401. The text names the header, never a signature.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// The sender broke our own interface: 400. The text says what is wrong and what is allowed.
    #[error("{0}")]
    BadRequest(String),
    /// What is at this path takes other methods, which are listed as in the header `Allow`: 405.
    #[error("this method is not allowed here; allowed: {0}")]
    MethodNotAllowed(&'static str),
    /// The connection has nothing at this path: 404.
    #[error("this connection has nothing at this path")]
    NotFound,
}

/// Something that a user did, to be told to Haptik.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inbound {
    /// Its place among the user's doings; the same on every delivery of the same thing.
    pub key: EntryKey,
    /// When the user did it, by the channel's clock.
    pub at: Timestamp,
    /// Who: Haptik's name for the user.
    pub auth_id: AuthId,
    /// Who: the channel's own id of the user.
    pub user: String,
    /// Where to answer.
    pub address: Address,
    /// What the request itself said about the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// Whether it is for the bot at all.
    #[serde(default)]
    pub gate: Gate,
    /// What was done.
    pub act: Act,
    /// What stands in the text in place of a name, such as `@U024BE7LH`: [`Channel::name`] knows it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unnamed: Vec<String>,
    /// How the user is shown that it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
}

/// What shows a user that something was taken and is being answered.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// How it is shown: only the channel's module knows what is inside.
    pub with: Value,
    /// Whether it stays until it is taken away.
    pub stays: bool,
}

/// Whether something said in public is for the bot.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// It is.
    #[default]
    Open,
    /// It is, and from now on so is what this user says in this thread.
    Opens(String),
    /// Only if the bot was addressed in this thread before.
    IfOpen(String),
}

/// What a user did.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Act {
    /// Said something, attached something, or both.
    Message {
        /// The text as a person reads it; may be empty when there are attachments.
        text: String,
        /// The files.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        attachments: Vec<Attachment>,
    },
    /// Tapped something whose text is too long for the channel to carry: it is taken from the message
    /// that offered it.
    Tap {
        /// Whom the message was for; the one who taps may be another.
        auth_id: AuthId,
        /// The message: [`Outgoing::key`].
        key: EntryKey,
        /// Which of [`Hsl::actionables`], from 0.
        index: usize,
    },
    /// Was handed over to a human by a bot that lives elsewhere.
    Handoff {
        /// The bot's own id of it.
        id: String,
        /// What Haptik is told, message by message: the transcript, then the reason.
        says: Vec<String>,
        /// The team that it is for; `None` for the connection's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        team_name: Option<String>,
    },
    /// Is to be moved to the team of a hand-off, now that Haptik's name of the user is known.
    MoveToAgent {
        /// The hand-off's id.
        handoff: String,
    },
    /// Rated the conversation.
    Feedback {
        /// 1 to 5.
        rating: u8,
        /// Whether the query was resolved.
        resolved: bool,
        /// A remark.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        comment: Option<String>,
    },
}

/// A file that a user sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The channel's own id of it, where the channel can be asked for more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where it is.
    pub url: String,
    /// Its name.
    pub name: String,
    /// Its MIME type; may be empty.
    #[serde(default)]
    pub mime_type: String,
    /// Its size in bytes, where the channel says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// What is known about a user; every field may be missing.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Profile {
    /// The full name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The mobile number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile_no: Option<String>,
    /// The language, as ISO 639-1 has it: `en`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language_code: Option<String>,
    /// Anything else; flat: Haptik refuses nested values.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub custom_data: serde_json::Map<String, Value>,
}

/// Where in a channel to answer: only the channel's module knows what is inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(pub Value);

/// Something to be done in the channel on account of a request.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its place among the user's tasks; the same on every delivery of the same request.
    pub key: EntryKey,
    /// When the user asked for it, by the channel's clock.
    pub at: Timestamp,
    /// For whom.
    pub auth_id: AuthId,
    /// What: only the channel's module knows what is inside.
    pub task: Value,
}

/// Something to be opened at once: the provider's permission to do so ends within seconds, so it is not
/// left to the queue, and there is nothing to repeat when it fails.
#[derive(Clone, PartialEq)]
pub struct Opening {
    /// Whom the message that was tapped was for; the one who taps may be another.
    pub auth_id: AuthId,
    /// The message that was tapped: [`Outgoing::key`].
    pub key: EntryKey,
    /// How to open it: only the channel's module knows what is inside.
    pub with: Value,
    /// What is to be done instead when it cannot be opened.
    pub otherwise: Task,
}

impl Received {
    /// A request that is answered and leads to nothing.
    #[must_use]
    pub fn nothing(reply: Reply) -> Self {
        Self {
            reply,
            inbound: Vec::new(),
            tasks: Vec::new(),
            opening: None,
            handoff: None,
            only_in_handoff: false,
            change: None,
            not_understood: None,
        }
    }

    /// A verified request that is not understood: answered 200 and kept, dead, for a look.
    #[must_use]
    pub fn not_understood(reason: impl Into<String>) -> Self {
        Self {
            not_understood: Some(reason.into()),
            ..Self::nothing(Reply::ok())
        }
    }
}

impl Reply {
    /// 200 without a body.
    #[must_use]
    pub fn ok() -> Self {
        Self::text(200, "")
    }

    /// A plain text.
    #[must_use]
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            content_type: "text/plain; charset=utf-8",
            body: body.into(),
        }
    }

    /// A JSON value.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            content_type: "application/json",
            body: body.to_string(),
        }
    }
}

impl Profile {
    /// This profile, with what it lacks taken from another.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.name = self.name.or(other.name);
        self.email = self.email.or(other.email);
        self.mobile_no = self.mobile_no.or(other.mobile_no);
        self.language_code = self.language_code.or(other.language_code);
        for (key, value) in other.custom_data {
            self.custom_data.entry(key).or_insert(value);
        }
        self
    }
}

impl fmt::Debug for Profile {
    /// Says what is known, not what it is: a profile is personal data.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Profile")
            .field("name", &self.name.is_some())
            .field("email", &self.email.is_some())
            .field("mobile_no", &self.mobile_no.is_some())
            .field("language_code", &self.language_code)
            .field("custom_data", &self.custom_data.len())
            .finish()
    }
}
