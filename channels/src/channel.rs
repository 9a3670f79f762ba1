//! The interface of a channel: what its author writes, and nothing that all channels have in common.
//!
//! A channel is a [`ChannelType`] with two roles, which are linked into different functions: an [`Edge`]
//! in `inbound`, which verifies and reads what the provider sends, and an [`Outlet`] in `processor`, which
//! encodes and sends. Its address and its commands are types of its own; they become JSON in one place,
//! [`crate::erased`]. What a channel can do beyond that is a small trait each, which [`Outlet`] points to: an
//! ability.

use std::fmt;
use std::pin::Pin;

use async_trait::async_trait;
use haptik_bridge_shared::config::{ChannelDefinition, Forms};
use haptik_bridge_shared::ids::{AuthIds, ConnectionId};
use haptik_bridge_shared::items::Kind;
use haptik_bridge_shared::message::{Inbound, Outgoing, Sender, Task};
use haptik_bridge_shared::net::Fetcher;
pub use haptik_bridge_shared::net::online::{Finding, Trial, Verdict};
use haptik_bridge_shared::offers::Offers;
use haptik_bridge_shared::own_events::OperatorEvent;
use haptik_bridge_shared::table::Table;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::capability::{Capability, Feature};
pub use crate::error::{Refusal, SendError};
use crate::facts::Facts;
use crate::limits::Limits;
use crate::memory::Memory;
use crate::pace::Bucket;
use crate::package::{About, PackedFile};
pub use crate::part::Part;
use crate::peer::{Peer, PeerRequest};
use crate::preview::Preview;
pub use crate::request::{Rejected, Request, Response};

mod abilities;

pub use abilities::{Activity, Commands, Directory, Files, History, Indicator, Resolve, Upkeep};

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
    /// What its provider takes; `None` where the other side has no limits of its own.
    const LIMITS: Option<&'static Limits>;
    /// What there is to know of it before it is chosen: `docs/channels.md` has it.
    const FACTS: Facts;
    /// The kinds of items that it keeps in the table beside the ledger and the users.
    const ITEMS: &'static [Kind] = &[];
    /// The lines of an example configuration, as `haptik-bridge init` writes them: the folder's
    /// `config.example.toml`. Empty where `bridge.example.toml` has them.
    const EXAMPLE: &'static str = "";
    /// The keys of its table in the configuration.
    type Config: fmt::Debug + Send + Sync + 'static;
    /// Where to answer. It is kept with the user, and every answer, however late or often tried, has to be possible
    /// with it alone: what answers once, or for a minute, is no part of it.
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

    /// The files that are uploaded to the provider, so that people find the application there. `None` where
    /// nothing is.
    fn package(
        config: &Self::Config,
        about: &About,
    ) -> Option<Result<Vec<PackedFile>, BuildError>> {
        let _ = (config, about);
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
    /// What its users are called at Haptik.
    pub auth_ids: AuthIds,
    /// The HTTP client, for the few calls that a provider takes only at once.
    pub http: reqwest::Client,
    /// The table, for items of the channel's own ([`ChannelType::ITEMS`]) and for installations.
    pub table: Table,
    /// What it has in memory in common with the outlet, where they are in one process.
    pub memory: Memory,
    /// What users were offered before.
    pub offers: Offers,
    /// What a user says to ask for a human, where something does.
    pub agent_phrase: Option<String>,
    /// How forms are filled in and sent.
    pub forms: Forms,
    /// Fetches what forms name the URLs of, guarded.
    pub fetcher: Fetcher,
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
    /// The table, for items of the channel's own ([`ChannelType::ITEMS`]) and for installations.
    pub table: Table,
    /// What it has in memory in common with the edge, where they are in one process.
    pub memory: Memory,
    /// What users were offered before.
    pub offers: Offers,
    /// How forms are filled in and sent.
    pub forms: Forms,
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

    /// Reads a body once more that was verified when it `came` and was not understood then
    /// ([`Effect::NotUnderstood`]): this version may understand it. `None` where it does not, and where the
    /// channel keeps no such bodies.
    ///
    /// # Errors
    /// As [`Edge::receive`].
    async fn read_again(
        &self,
        body: &[u8],
        came: Timestamp,
    ) -> Result<Option<Receipt<C>>, Rejected> {
        let _ = (body, came);
        Ok(None)
    }
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
    /// What the provider says later of a message that it had taken, and only what is final: it closes the receipt
    /// of that message ([`Outlet::reports_later`]).
    DeliveryReport {
        /// The provider's id of the message: [`Sent::message_id`].
        message_id: String,
        /// Why it did not reach the user; `None` when it did.
        failed: Option<String>,
    },
    /// Something happened to the bridge's own place in the channel: to this workspace, for example.
    Operator(OperatorEvent, String),
    /// What a bot that lives elsewhere asks: only of a channel that has a [`Peer`].
    Peer(PeerRequest<C::Address>),
    /// A verified event of a kind that is new to us, called so: it is counted, and nothing follows.
    Unknown(String),
    /// A verified request that is not understood, for this reason: it is kept, dead, for a look.
    NotUnderstood(String),
}

/// The side of a channel that sends. Linked into `processor` only. Two methods are required: [`Outlet::render`] and
/// [`Outlet::send`].
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

    /// What the provider counts messages to an address by, for [`Limits::pace`]: the conversation, without
    /// what tells messages in it apart.
    fn bucket(&self, to: &C::Address) -> Bucket {
        Bucket::of(serde_json::to_string(to).unwrap_or_default())
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

    /// Whether it shows which message is answered ([`Outgoing::in_reply_to`]), which is looked up then.
    fn shows_what_is_answered(&self) -> bool {
        false
    }

    /// Whether the provider says later what became of a message ([`Effect::DeliveryReport`]): the receipt of one
    /// waits for that. What is sent to an application of one's own is reported by nobody.
    fn reports_later(&self) -> bool {
        false
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

    /// Looking after what the provider ends by itself.
    fn upkeep(&self) -> Option<&dyn Upkeep> {
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
