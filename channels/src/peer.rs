//! The third role of a channel: a bot that lives elsewhere hands its user over to a human and gets
//! control back. Only a channel whose other side is a program has it.

use haptik_bridge_shared::ids::{AuthId, EntryKey};
use haptik_bridge_shared::message::receipt::AddressedReceipt;
use haptik_bridge_shared::message::{Handback, Inbound};

use crate::part::Part;

/// What such a bot asks.
#[derive(Debug)]
pub enum PeerRequest<A> {
    /// To take its user over: a [`haptik_bridge_shared::message::UserAction::Handoff`].
    Begin(Box<Inbound<A>>),
    /// To give this user back.
    End(AuthId),
    /// To pass on what the user did, which is taken only while the user is handed over.
    Forward(Box<Inbound<A>>),
}

impl<A> PeerRequest<A> {
    /// The same, with its address as another type.
    pub fn map_address<B>(self, map: impl FnOnce(A) -> B) -> PeerRequest<B> {
        match self {
            Self::Begin(inbound) => PeerRequest::Begin(Box::new(inbound.map_address(map))),
            Self::End(auth_id) => PeerRequest::End(auth_id),
            Self::Forward(inbound) => PeerRequest::Forward(Box::new(inbound.map_address(map))),
        }
    }
}

/// Giving users back.
pub trait Peer: Send + Sync {
    /// The request that gives control, or a message, back.
    fn hand_back(&self, handback: &Handback) -> Part;

    /// Whether it asks to hear what became of each message, of its users' and of Haptik's.
    fn wants_receipts(&self) -> bool {
        false
    }

    /// The request that tells it what became of a message; `key` is the same on every try. `None` where it does
    /// not ask for receipts.
    fn receipt(
        &self,
        auth_id: &AuthId,
        key: &EntryKey,
        receipt: &AddressedReceipt,
    ) -> Option<Part> {
        let _ = (auth_id, key, receipt);
        None
    }
}
