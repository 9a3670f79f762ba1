//! The interface of a channel: what its author writes, and nothing that all channels have in common.
//!
//! A channel is a [`ChannelType`] with two roles, which are linked into different functions: an [`Edge`]
//! in `inbound`, which verifies and reads what the provider sends, and an [`Outlet`] in `processor`, which
//! encodes and sends. Its address and its commands are types of its own; they become JSON in one place,
//! [`crate::erased`]. What a channel can do beyond that is a small trait each, which [`Outlet`] points to.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use haptik_bridge_shared::config::ChannelDefinition;
use haptik_bridge_shared::ids::ConnectionId;
use haptik_bridge_shared::message::{
    Attachment, Inbound, Outgoing, Profile, Sender, Task, UserAction,
};
use haptik_bridge_shared::net::Fetcher;
pub use haptik_bridge_shared::net::online::{Finding, Trial, Verdict};
use haptik_bridge_shared::offers::Offers;
use haptik_bridge_shared::redacted_debug;
use haptik_bridge_shared::retry::{Detail, Failure, Retry, Retryable};
use haptik_bridge_shared::table::Table;
use http::header::{self, HeaderName};
use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::capability::{Capability, Feature};
use crate::memory::Memory;
pub use crate::part::Part;
use crate::peer::{Peer, PeerRequest};
use crate::preview::Preview;

/// A type that is kept in the ledger as JSON.
pub trait Wire: Serialize + DeserializeOwned + Clone + fmt::Debug + Send + Sync + 'static {}

impl<T> Wire for T where T: Serialize + DeserializeOwned + Clone + fmt::Debug + Send + Sync + 'static
{}

/// A type of channel: `type = "NAME"` in `[channels.CONNECTION]`.
pub trait ChannelType: fmt::Debug + Sized + Send + Sync + 'static {
    /// The value of `type`.
    const NAME: &'static str;
    /// Its keys in the configuration, and what to paste where.
    const DEFINITION: ChannelDefinition;
    /// The keys of a body that was verified and not understood whose values are replaced before it is
    /// kept: the provider's tokens and one-time URLs.
    const SECRET_FIELDS: &'static [&'static str] = &[];

    /// The lines of an example configuration, as `haptik-bridge init` writes them: the folder's
    /// `config.example.toml`. Empty where `bridge.example.toml` has them.
    const EXAMPLE: &'static str = "";
    /// The keys of its table in the configuration.
    type Config: fmt::Debug + Send + Sync + 'static;
    /// Where to answer. It is kept with the user.
    type Address: Wire;
    /// Work that a request leaves for later, such as showing what the user chose; `()` where there is none.
    type Command: Wire;

    /// What it makes of something that Haptik sends.
    fn capability(feature: Feature) -> Capability;

    /// What a message body of Haptik's (an object, or one in a string) becomes, for a look before going
    /// live.
    fn preview(body: &Value, sender: &Sender) -> Vec<Preview>;

    /// The side that receives.
    ///
    /// # Errors
    /// When it cannot be built of its configuration.
    fn edge(config: &Self::Config, deps: EdgeDeps) -> Result<Box<dyn Edge<Self>>, BuildError>;

    /// The side that sends.
    ///
    /// # Errors
    /// When it cannot be built of its configuration.
    fn outlet(config: &Self::Config, deps: OutletDeps)
    -> Result<Box<dyn Outlet<Self>>, BuildError>;

    /// Tries each of its credentials, and what else can be tried without anybody seeing it: that the
    /// token is taken and may do what it has to, that the webhook leads here. What can only be tried by
    /// being seen is a finding too, which says how ([`Finding::untried`]).
    fn online(config: &Self::Config, deps: OnlineDeps) -> Trial;

    /// Tells the provider where to send what users do: to `url`, which is the connection's own. Gives a
    /// line that says what was done, for the operator. `None` where the provider has no call for that, and
    /// the setup of [`ChannelType::DEFINITION`] says what to do by hand.
    fn register(config: &Self::Config, http: reqwest::Client, url: &str) -> Option<Registration> {
        let _ = (config, http, url);
        None
    }
}

/// The call that tells a provider where to send what users do.
pub type Registration = Pin<Box<dyn Future<Output = Result<String, SendError>> + Send>>;

/// A channel could not be built of its configuration. Says what is wrong, and no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BuildError(pub String);

/// What a connection is tried with.
#[derive(Debug, Clone)]
pub struct OnlineDeps {
    /// The HTTP client for the provider's API.
    pub http: reqwest::Client,
    /// Where the provider is to send what users do, where that is known.
    pub url: Option<String>,
}

/// What an edge is built with.
#[derive(Debug, Clone)]
pub struct EdgeDeps {
    /// The connection's name.
    pub connection: ConnectionId,
    /// The HTTP client, for the few calls that a provider takes only at once.
    pub http: reqwest::Client,
    /// The table, for installations.
    pub table: Table,
    /// What it has in memory in common with the outlet, where they are in one process.
    pub memory: Memory,
    /// What users were offered before.
    pub offers: Offers,
    /// What a user says to ask for a human, where something does.
    pub agent_phrase: Option<String>,
}

/// What an outlet is built with.
#[derive(Debug, Clone)]
pub struct OutletDeps {
    /// The connection's name.
    pub connection: ConnectionId,
    /// The HTTP client for the provider's API.
    pub http: reqwest::Client,
    /// Fetches what users supply URLs of, guarded.
    pub fetcher: Fetcher,
    /// The table, for installations.
    pub table: Table,
    /// What it has in memory in common with the edge, where they are in one process.
    pub memory: Memory,
}

/// The side of a channel that receives. Linked into `inbound` only.
#[async_trait]
pub trait Edge<C: ChannelType>: fmt::Debug + Send + Sync {
    /// Verifies a request and reads it. Nothing of an unverified body leaves this function. It may call
    /// the provider, for example for the keys that a token is verified with, within the time in which the
    /// provider wants its answer.
    ///
    /// # Errors
    /// [`Rejected`] says how the request is turned away.
    async fn receive(&self, request: &Request<'_>, now: Timestamp) -> Result<Receipt<C>, Rejected>;
}

/// A request at `/channels/{connection}`.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method: `POST`, or `GET` for providers' handshakes and for pages.
    pub method: &'a Method,
    /// The whole URL as the provider called it, as far as the gateway tells; some providers sign it.
    pub public_url: &'a str,
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
#[derive(Debug)]
pub struct Receipt<C: ChannelType> {
    /// What is answered once all effects are durable.
    pub response: Response,
    /// What follows from it, in order.
    pub effects: Vec<Effect<C>>,
}

/// What follows from a request.
#[derive(Debug)]
pub enum Effect<C: ChannelType> {
    /// Haptik is told what a user did.
    Inbound(Box<Inbound<C::Address>>),
    /// Something is done in the channel later.
    Run(Task<C::Command>),
    /// What the provider says later of a message that it had taken.
    DeliveryReport {
        /// The provider's id of the message: [`Sent::message_id`].
        message_id: String,
        /// Why it did not reach the user; `None` when it did.
        failed: Option<String>,
    },
    /// What a bot that lives elsewhere asks: only of a channel that has a [`Peer`].
    Peer(PeerRequest<C::Address>),
    /// A verified request that is not understood, for this reason: it is kept, dead, for a look.
    NotUnderstood(String),
}

/// An answer to a request.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers, the content type among them.
    pub headers: Vec<(HeaderName, String)>,
    /// The body; may be empty.
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
    /// It cannot be verified or made durable now: 503, so that the sender sends it again.
    #[error("{0}")]
    Unavailable(String),
}

/// The side of a channel that sends. Linked into `processor` only. Two methods are required, and
/// [`Outlet::render`].
#[async_trait]
pub trait Outlet<C: ChannelType>: fmt::Debug + Send + Sync {
    /// What a message becomes in this channel: the requests that show it, in order. Pure; never fails;
    /// empty when there is nothing to show.
    fn render(&self, outgoing: &Outgoing) -> Vec<Part>;

    /// One level simpler, for a provider that refused a part as [`Refusal::TooRich`]; `None` where there is
    /// nothing simpler.
    fn simpler(&self, part: &Part) -> Option<Part> {
        let _ = part;
        None
    }

    /// Sends one part.
    ///
    /// # Errors
    /// When the provider refuses it or does not answer; the error says of what kind that is.
    async fn send(&self, to: &C::Address, part: &Part) -> Result<Sent, SendError>;

    /// Whether an answer could be sent to this address at all: asked before Haptik is told anything.
    ///
    /// # Errors
    /// When it could not, or that is not known.
    async fn can_answer(&self, to: &C::Address) -> Result<(), SendError> {
        let _ = to;
        Ok(())
    }

    /// Looking for what was sent already.
    fn history(&self) -> Option<&dyn History<C>> {
        None
    }

    /// Knowing who somebody is.
    fn directory(&self) -> Option<&dyn Directory<C>> {
        None
    }

    /// Fetching what users attach.
    fn files(&self) -> Option<&dyn Files<C>> {
        None
    }

    /// Showing that something is being answered.
    fn activity(&self) -> Option<&dyn Activity<C>> {
        None
    }

    /// Doing what requests left for later.
    fn commands(&self) -> Option<&dyn Commands<C>> {
        None
    }

    /// Fetching what a request only named.
    fn resolve(&self) -> Option<&dyn Resolve<C>> {
        None
    }

    /// Giving users back to a bot that lives elsewhere.
    fn peer(&self) -> Option<&dyn Peer> {
        None
    }
}

/// What the provider answered to a part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sent {
    /// The provider's id of the message, where it gave one.
    pub message_id: Option<String>,
}

/// Why a provider did not take something. The text may be logged; the provider's own words, which may
/// quote what was sent, are apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SendError {
    /// Of what kind it is.
    pub refusal: Refusal,
    /// What happened, without secrets and without what was said.
    pub reason: String,
    /// The provider's own words.
    pub detail: Option<Detail>,
}

/// Of what kind a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Too many requests: not before this time, where the provider names one.
    RateLimited(Option<Duration>),
    /// The provider cannot do it now, or did not answer.
    Unavailable(Option<Duration>),
    /// The credentials are not accepted: an operator can mend it, and until then nothing is lost.
    Unauthorized,
    /// The provider will not do it.
    Refused,
    /// The provider refuses the rich form: it can be said more simply.
    TooRich,
    /// The provider's time for an answer is over.
    WindowClosed,
}

/// Which parts of a message are in the channel already: asked before a message is repeated.
#[async_trait]
pub trait History<C: ChannelType>: Send + Sync {
    /// The indices of the parts that are there; `None` when the provider may not be asked.
    ///
    /// # Errors
    /// When the provider does not answer.
    async fn already_sent(
        &self,
        at: &C::Address,
        outgoing: &Outgoing,
    ) -> Result<Option<Vec<usize>>, SendError>;
}

/// Who somebody is.
#[async_trait]
pub trait Directory<C: ChannelType>: Send + Sync {
    /// What the provider knows about a user who is at this address; `None` when it cannot be asked.
    ///
    /// # Errors
    /// When the provider does not answer.
    async fn profile(&self, at: &C::Address, user: &str) -> Result<Option<Profile>, SendError>;

    /// What one of [`Inbound::mentions`] is called, as it is to stand in the text; `None` where that cannot
    /// be had.
    async fn display_name(&self, at: &C::Address, mention: &str) -> Option<String> {
        let _ = (at, mention);
        None
    }
}

/// Files that users send.
#[async_trait]
pub trait Files<C: ChannelType>: Send + Sync {
    /// Resolves an attachment to all that is known of it, where the request carried only its id.
    ///
    /// # Errors
    /// When the provider does not say it.
    async fn resolve_attachment(
        &self,
        at: &C::Address,
        attachment: &Attachment,
    ) -> Result<Attachment, SendError> {
        let _ = at;
        Ok(attachment.clone())
    }

    /// Fetches a file. Gives its bytes, never a URL: that may carry a token.
    ///
    /// # Errors
    /// When it cannot be had, is larger than `limit` bytes, or lies at an address that is not allowed.
    async fn download(
        &self,
        at: &C::Address,
        attachment: &Attachment,
        limit: usize,
    ) -> Result<Bytes, SendError>;
}

/// How it is shown that something was taken and is being answered: a typing indicator, a status, a
/// reaction.
#[async_trait]
pub trait Activity<C: ChannelType>: Send + Sync {
    /// What is shown for the user's message with this id, if anything; pure.
    fn indicator(&self, at: &C::Address, message_id: Option<&str>) -> Option<Indicator>;

    /// Shows it.
    ///
    /// # Errors
    /// When the provider refuses it or does not answer. It is not repeated.
    async fn show(&self, at: &C::Address, message_id: Option<&str>) -> Result<(), SendError>;

    /// Takes away what [`Indicator::Sticky`] left, given what that had said of it; the configuration may
    /// be another by now.
    ///
    /// # Errors
    /// When the provider refuses it or does not answer.
    async fn clear(
        &self,
        at: &C::Address,
        message_id: Option<&str>,
        shown: &str,
    ) -> Result<(), SendError> {
        let _ = (at, message_id, shown);
        Ok(())
    }
}

/// How long an activity indicator is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Indicator {
    /// The provider takes it away, with the answer or after a while.
    Passing,
    /// It stays until it is cleared. What is shown, as [`Activity::clear`] needs it: an emoji's name, for
    /// example.
    Sticky(String),
}

/// Work that requests left for later.
#[async_trait]
pub trait Commands<C: ChannelType>: Send + Sync {
    /// Carries out a command.
    ///
    /// # Errors
    /// When the provider refuses it or does not answer.
    async fn run(&self, command: &C::Command) -> Result<(), SendError>;

    /// The command that tells a user something on the bridge's own account; `None` where the channel has
    /// no place for that.
    fn notice(&self, at: &C::Address, text: &str) -> Option<C::Command> {
        let _ = (at, text);
        None
    }
}

/// Requests that say only that there is something.
#[async_trait]
pub trait Resolve<C: ChannelType>: Send + Sync {
    /// Fetches what a [`UserAction::Unresolved`] stands for; `None` when it is gone.
    ///
    /// # Errors
    /// When the provider does not answer.
    async fn resolve(
        &self,
        at: &C::Address,
        reference: &Value,
    ) -> Result<Option<UserAction>, SendError>;
}

impl<C: ChannelType> Receipt<C> {
    /// A request that is answered and leads to nothing.
    #[must_use]
    pub fn nothing(response: Response) -> Self {
        Self {
            response,
            effects: Vec::new(),
        }
    }

    /// A request that is answered 200 and leads to nothing.
    #[must_use]
    pub fn ok() -> Self {
        Self::nothing(Response::ok())
    }

    /// A verified request that is not understood: answered 200, so that the provider does not disable
    /// the endpoint, and kept.
    #[must_use]
    pub fn not_understood(reason: impl Into<String>) -> Self {
        Self::ok().with(Effect::NotUnderstood(reason.into()))
    }

    /// With one effect more.
    #[must_use]
    pub fn with(mut self, effect: Effect<C>) -> Self {
        self.effects.push(effect);
        self
    }
}

impl Response {
    /// 200 without a body.
    #[must_use]
    pub fn ok() -> Self {
        Self::text(200, "")
    }

    /// A plain text.
    #[must_use]
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self::of(status, "text/plain; charset=utf-8", body.into())
    }

    /// A JSON value.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self::of(status, "application/json", body.to_string())
    }

    fn of(status: u16, content_type: &str, body: String) -> Self {
        Self {
            status,
            headers: vec![(header::CONTENT_TYPE, content_type.to_owned())],
            body,
        }
    }
}

impl SendError {
    /// A refusal for this reason.
    #[must_use]
    pub fn new(refusal: Refusal, reason: impl Into<String>) -> Self {
        Self {
            refusal,
            reason: reason.into(),
            detail: None,
        }
    }

    /// A refusal that repeating cannot mend.
    #[must_use]
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::new(Refusal::Refused, reason)
    }
}

impl Retryable for SendError {
    fn retry(&self) -> Retry {
        match self.refusal {
            Refusal::RateLimited(after) | Refusal::Unavailable(after) => Retry::Later(after),
            Refusal::Unauthorized => Retry::Later(None),
            Refusal::Refused | Refusal::TooRich | Refusal::WindowClosed => Retry::Never,
        }
    }

    fn detail(&self) -> Option<&str> {
        self.detail.as_ref().map(Detail::as_str)
    }
}

impl From<Failure> for SendError {
    fn from(failure: Failure) -> Self {
        Self {
            refusal: match failure.retry {
                Retry::Never => Refusal::Refused,
                Retry::Later(after) => Refusal::Unavailable(after),
            },
            reason: failure.reason,
            detail: failure.detail,
        }
    }
}

// Without the headers, which have the signature, and the URL, which may have a token.
redacted_debug!(Request<'_> { method, body: bytes });
redacted_debug!(Response {
    status,
    body: bytes
});
