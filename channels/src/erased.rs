//! Where a channel's own types become JSON: the one place. What the functions and the ledger see of a
//! channel is [`AnyEdge`] and [`AnyOutlet`].

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use haptik_bridge_shared::ids::{AuthId, EntryKey};
use haptik_bridge_shared::message::hsl::Form;
use haptik_bridge_shared::message::receipt::AddressedReceipt;
use haptik_bridge_shared::message::{
    Address, Attachment, Handback, Inbound, Outgoing, Profile, Task, UserAction,
};
use haptik_bridge_shared::own_events::OperatorEvent;
use jiff::Timestamp;
use serde_json::Value;

use crate::channel::{
    ChannelType, Edge, Effect, Indicator, Outlet, Part, Receipt, Rejected, Request, Response,
    SendError, Sent, Wire,
};
use crate::limits::Pace;
use crate::pace::Pacer;
use crate::peer::{Peer, PeerRequest};

/// What a request was, of whichever channel.
#[derive(Debug)]
pub struct AnyReceipt {
    /// What is answered once all effects are durable.
    pub response: Response,
    /// What follows from it, in order.
    pub effects: Vec<AnyEffect>,
}

/// What follows from a request: [`Effect`] of whichever channel.
#[derive(Debug)]
pub enum AnyEffect {
    /// Haptik is told what a user did.
    Inbound(Box<Inbound>),
    /// Something is done in the channel later.
    Run(Task),
    /// What the provider says later of a message that it had taken.
    DeliveryReport {
        /// The provider's id of the message.
        message_id: String,
        /// Why it did not reach the user; `None` when it did.
        failed: Option<String>,
    },
    /// Something happened to the bridge's own place in the channel: to this workspace, for example.
    Operator(OperatorEvent, String),
    /// What a bot that lives elsewhere asks.
    Peer(PeerRequest<Address>),
    /// It is of a kind that is new to us, called so.
    Unknown(String),
    /// It is not understood, for this reason.
    NotUnderstood(String),
}

/// An [`Edge`] of whichever channel.
#[async_trait]
pub trait AnyEdge: fmt::Debug + Send + Sync {
    /// [`Edge::receive`].
    ///
    /// # Errors
    /// As there.
    async fn receive(&self, request: &Request<'_>, now: Timestamp) -> Result<AnyReceipt, Rejected>;

    /// [`Edge::read_again`].
    ///
    /// # Errors
    /// As there.
    async fn read_again(
        &self,
        body: &[u8],
        came: Timestamp,
    ) -> Result<Option<AnyReceipt>, Rejected>;

    /// [`ChannelType::SECRET_FIELDS`].
    fn secret_fields(&self) -> &'static [&'static str];
}

/// An [`Outlet`] of whichever channel, with its abilities; one that it does not have does nothing.
#[async_trait]
pub trait AnyOutlet: fmt::Debug + Send + Sync {
    /// [`Outlet::render`].
    fn render(&self, outgoing: &Outgoing) -> Vec<Part>;

    /// [`Outlet::simpler`].
    fn simpler(&self, part: &Part) -> Option<Part>;

    /// [`Outlet::send`].
    ///
    /// # Errors
    /// As there, and [`crate::channel::Refusal::Refused`] where the address is another channel's. So all
    /// methods below.
    async fn send(&self, to: &Address, part: &Part) -> Result<Sent, SendError>;

    /// Whether a form is asked in the chat ([`crate::limits::Limits::asks_in_chat`]); not where the other
    /// side shows forms itself.
    fn asks_in_chat(&self, form: &Form) -> bool;

    /// [`Outlet::shows_what_is_answered`].
    fn shows_what_is_answered(&self) -> bool;

    /// [`Outlet::reports_later`].
    fn reports_later(&self) -> bool;

    /// [`Outlet::can_answer`].
    async fn can_answer(&self, to: &Address) -> Result<(), SendError>;

    /// [`crate::channel::History::already_sent`]; `None` where the channel has no history.
    async fn already_sent(
        &self,
        at: &Address,
        outgoing: &Outgoing,
    ) -> Result<Option<Vec<usize>>, SendError>;

    /// Whether the channel has a directory.
    fn knows_users(&self) -> bool;

    /// [`crate::channel::Directory::profile`]; `None` where the channel has no directory.
    async fn profile(&self, at: &Address, user: &str) -> Result<Option<Profile>, SendError>;

    /// [`crate::channel::Directory::display_name`].
    async fn display_name(&self, at: &Address, mention: &str) -> Option<String>;

    /// [`crate::channel::Files::resolve_attachment`].
    async fn resolve_attachment(
        &self,
        at: &Address,
        attachment: &Attachment,
    ) -> Result<Attachment, SendError>;

    /// [`crate::channel::Files::download`].
    async fn download(
        &self,
        at: &Address,
        attachment: &Attachment,
        limit: usize,
    ) -> Result<Bytes, SendError>;

    /// [`crate::channel::Activity::indicator`].
    fn indicator(&self, at: &Address, message_id: Option<&str>) -> Option<Indicator>;

    /// [`crate::channel::Activity::show`].
    async fn show_activity(&self, at: &Address, message_id: Option<&str>) -> Result<(), SendError>;

    /// [`crate::channel::Activity::clear`].
    async fn clear_activity(
        &self,
        at: &Address,
        message_id: Option<&str>,
        shown: &str,
    ) -> Result<(), SendError>;

    /// [`crate::channel::Commands::run`].
    async fn run(&self, command: &Value) -> Result<(), SendError>;

    /// [`crate::channel::Commands::notice`].
    fn notice(&self, at: &Address, text: &str) -> Option<Value>;

    /// [`crate::channel::Resolve::resolve`].
    async fn resolve(
        &self,
        at: &Address,
        reference: &Value,
    ) -> Result<Option<UserAction>, SendError>;

    /// [`crate::channel::Upkeep::look_after`]; `None` where there is nothing to look after.
    async fn look_after(&self) -> Result<Option<String>, SendError>;

    /// [`crate::peer::Peer::hand_back`]; `None` where there is no bot elsewhere.
    fn hand_back(&self, handback: &Handback) -> Option<Part>;

    /// [`crate::peer::Peer::wants_receipts`]; no where the other side is no program.
    fn wants_receipts(&self) -> bool;

    /// [`crate::peer::Peer::receipt`].
    fn receipt(&self, auth_id: &AuthId, key: &EntryKey, receipt: &AddressedReceipt)
    -> Option<Part>;
}

/// An edge without its type.
#[derive(Debug)]
pub(crate) struct ErasedEdge<C: ChannelType>(pub(crate) Box<dyn Edge<C>>);

/// An outlet without its type, at the pace of its provider.
#[derive(Debug)]
pub(crate) struct ErasedOutlet<C: ChannelType> {
    outlet: Box<dyn Outlet<C>>,
    pacer: Pacer,
}

impl<C: ChannelType> ErasedOutlet<C> {
    pub(crate) fn new(outlet: Box<dyn Outlet<C>>) -> Self {
        let pacer = Pacer::new(C::LIMITS.map_or(Pace::FREE, |limits| limits.pace));
        Self { outlet, pacer }
    }
}

fn json<T: Wire>(value: &T) -> Value {
    // The channels' own types are plain structs and enums, which serde_json takes.
    serde_json::to_value(value).unwrap_or_default()
}

fn address<C: ChannelType>(address: &Address) -> Result<C::Address, SendError> {
    serde_json::from_value(address.0.clone())
        .map_err(|_| SendError::refused(format!("an address that is not of {}", C::NAME)))
}

fn lacking(what: &str) -> SendError {
    SendError::refused(format!("this channel has no {what}"))
}

/// A receipt without its type.
fn any<C: ChannelType>(receipt: Receipt<C>) -> AnyReceipt {
    let Receipt { response, effects } = receipt;
    let erased = |address: C::Address| Address(json(&address));
    let effects = effects.into_iter().map(|effect| match effect {
        Effect::Inbound(inbound) => AnyEffect::Inbound(Box::new(inbound.map_address(erased))),
        Effect::Run(task) => AnyEffect::Run(task.map_command(|command| json(&command))),
        Effect::DeliveryReport { message_id, failed } => {
            AnyEffect::DeliveryReport { message_id, failed }
        }
        Effect::Operator(event, part) => AnyEffect::Operator(event, part),
        Effect::Peer(asked) => AnyEffect::Peer(asked.map_address(erased)),
        Effect::Unknown(name) => AnyEffect::Unknown(name),
        Effect::NotUnderstood(reason) => AnyEffect::NotUnderstood(reason),
    });
    let effects = effects.collect();
    AnyReceipt { response, effects }
}

#[async_trait]
impl<C: ChannelType> AnyEdge for ErasedEdge<C> {
    async fn receive(&self, request: &Request<'_>, now: Timestamp) -> Result<AnyReceipt, Rejected> {
        Ok(any(self.0.receive(request, now).await?))
    }

    async fn read_again(
        &self,
        body: &[u8],
        came: Timestamp,
    ) -> Result<Option<AnyReceipt>, Rejected> {
        Ok(self.0.read_again(body, came).await?.map(any))
    }

    fn secret_fields(&self) -> &'static [&'static str] {
        C::SECRET_FIELDS
    }
}

#[async_trait]
impl<C: ChannelType> AnyOutlet for ErasedOutlet<C> {
    fn render(&self, outgoing: &Outgoing) -> Vec<Part> {
        self.outlet.render(outgoing)
    }

    fn simpler(&self, part: &Part) -> Option<Part> {
        self.outlet.simpler(part)
    }

    async fn send(&self, to: &Address, part: &Part) -> Result<Sent, SendError> {
        let to = address::<C>(to)?;
        let bucket = self.outlet.bucket(&to);
        self.pacer
            .call(&bucket, || self.outlet.send(&to, part))
            .await
    }

    fn asks_in_chat(&self, form: &Form) -> bool {
        C::LIMITS.is_some_and(|limits| limits.asks_in_chat(form))
    }

    fn shows_what_is_answered(&self) -> bool {
        self.outlet.shows_what_is_answered()
    }

    fn reports_later(&self) -> bool {
        self.outlet.reports_later()
    }

    async fn can_answer(&self, to: &Address) -> Result<(), SendError> {
        self.outlet.can_answer(&address::<C>(to)?).await
    }

    async fn already_sent(
        &self,
        at: &Address,
        outgoing: &Outgoing,
    ) -> Result<Option<Vec<usize>>, SendError> {
        match self.outlet.history() {
            Some(history) => history.already_sent(&address::<C>(at)?, outgoing).await,
            None => Ok(None),
        }
    }

    fn knows_users(&self) -> bool {
        self.outlet.directory().is_some()
    }

    async fn profile(&self, at: &Address, user: &str) -> Result<Option<Profile>, SendError> {
        match self.outlet.directory() {
            Some(directory) => directory.profile(&address::<C>(at)?, user).await,
            None => Ok(None),
        }
    }

    async fn display_name(&self, at: &Address, mention: &str) -> Option<String> {
        let directory = self.outlet.directory()?;
        directory
            .display_name(&address::<C>(at).ok()?, mention)
            .await
    }

    async fn resolve_attachment(
        &self,
        at: &Address,
        attachment: &Attachment,
    ) -> Result<Attachment, SendError> {
        match self.outlet.files() {
            Some(files) => {
                let at = address::<C>(at)?;
                files.resolve_attachment(&at, attachment).await
            }
            None => Ok(attachment.clone()),
        }
    }

    async fn download(
        &self,
        at: &Address,
        attachment: &Attachment,
        limit: usize,
    ) -> Result<Bytes, SendError> {
        let files = self.outlet.files().ok_or_else(|| lacking("files"))?;
        files.download(&address::<C>(at)?, attachment, limit).await
    }

    fn indicator(&self, at: &Address, message_id: Option<&str>) -> Option<Indicator> {
        let activity = self.outlet.activity()?;
        activity.indicator(&address::<C>(at).ok()?, message_id)
    }

    async fn show_activity(&self, at: &Address, message_id: Option<&str>) -> Result<(), SendError> {
        match self.outlet.activity() {
            Some(activity) => activity.show(&address::<C>(at)?, message_id).await,
            None => Ok(()),
        }
    }

    async fn clear_activity(
        &self,
        at: &Address,
        message_id: Option<&str>,
        shown: &str,
    ) -> Result<(), SendError> {
        match self.outlet.activity() {
            Some(activity) => activity.clear(&address::<C>(at)?, message_id, shown).await,
            None => Ok(()),
        }
    }

    async fn run(&self, command: &Value) -> Result<(), SendError> {
        let commands = self.outlet.commands().ok_or_else(|| lacking("commands"))?;
        let command = serde_json::from_value(command.clone());
        let unknown = |_| SendError::refused(format!("a command that is not of {}", C::NAME));
        let command = command.map_err(unknown)?;
        match commands.bucket(&command) {
            Some(bucket) => self.pacer.call(&bucket, || commands.run(&command)).await,
            None => commands.run(&command).await,
        }
    }

    fn notice(&self, at: &Address, text: &str) -> Option<Value> {
        let commands = self.outlet.commands()?;
        let command = commands.notice(&address::<C>(at).ok()?, text)?;
        Some(json(&command))
    }

    async fn resolve(
        &self,
        at: &Address,
        reference: &Value,
    ) -> Result<Option<UserAction>, SendError> {
        let resolve = self.outlet.resolve();
        let resolve = resolve.ok_or_else(|| lacking("messages that are fetched"))?;
        resolve.resolve(&address::<C>(at)?, reference).await
    }

    async fn look_after(&self) -> Result<Option<String>, SendError> {
        match self.outlet.upkeep() {
            Some(upkeep) => upkeep.look_after().await,
            None => Ok(None),
        }
    }

    fn hand_back(&self, handback: &Handback) -> Option<Part> {
        Some(self.outlet.peer()?.hand_back(handback))
    }

    fn wants_receipts(&self) -> bool {
        self.outlet.peer().is_some_and(Peer::wants_receipts)
    }

    fn receipt(
        &self,
        auth_id: &AuthId,
        key: &EntryKey,
        receipt: &AddressedReceipt,
    ) -> Option<Part> {
        self.outlet.peer()?.receipt(auth_id, key, receipt)
    }
}
