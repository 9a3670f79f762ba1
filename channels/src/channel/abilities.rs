//! What an outlet can do beside sending: a small trait each, to which [`Outlet`](super::Outlet) points.

use async_trait::async_trait;
use bytes::Bytes;
use haptik_bridge_shared::message::{Attachment, Outgoing, Profile, UserAction};
use serde_json::Value;

use super::ChannelType;
use crate::error::SendError;
use crate::pace::Bucket;

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

    /// What one of [`Inbound::mentions`](haptik_bridge_shared::message::Inbound::mentions) is called, as it is to stand in the text; `None` where that cannot
    /// be had.
    async fn display_name(&self, at: &C::Address, mention: &str) -> Option<String> {
        let _ = (at, mention);
        None
    }
}

/// Files that users send.
#[async_trait]
pub trait Files<C: ChannelType>: Send + Sync {
    /// Resolves an attachment to all that is known of it, where the request carried only its id. Haptik takes a file
    /// by the ending of its name, or else by its MIME type: of one that has neither it is only told.
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

    /// What the provider counts such a command by; `None` where it is none of the messages that it counts.
    fn bucket(&self, command: &C::Command) -> Option<Bucket> {
        let _ = command;
        None
    }

    /// The command that tells a user something on the bridge's own account; `None` where the channel has
    /// no place for that. It is kept, and tried with what is in it: a key by which the provider knows a repeat is
    /// made here.
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

/// What has to be looked after although nobody writes: a webhook, for example, that the provider ends when it
/// was not answered for a while.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// Mends what is no longer as it was set up, and says what that was; `None` when nothing was to be done. It
    /// is called every few minutes.
    ///
    /// # Errors
    /// When the provider refuses it or does not answer. It is tried again the next time.
    async fn look_after(&self) -> Result<Option<String>, SendError>;
}
