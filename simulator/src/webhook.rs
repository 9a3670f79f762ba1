//! The account's webhook, and what waits for it.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::records::DeliveryKind;

/// The webhook as the platform sees it.
pub(super) struct Webhook {
    pub(super) url: Option<String>,
    pub(super) enabled: bool,
    pub(super) waiting: VecDeque<HeldEvent>,
    /// How much time has passed for what waits beyond what really has.
    pub(super) ahead: Duration,
    pub(super) held: HashMap<String, QueuedDelivery>,
}

impl Webhook {
    pub(super) fn at(url: Option<String>) -> Self {
        Self {
            url,
            enabled: true,
            waiting: VecDeque::new(),
            ahead: Duration::ZERO,
            held: HashMap::new(),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.enabled && self.url.is_some()
    }
}

/// An event that waits for the webhook.
pub(super) struct HeldEvent {
    pub(super) parcel: QueuedDelivery,
    pub(super) since: Instant,
    /// [`Webhook::ahead`] when it began to wait.
    pub(super) ahead: Duration,
}

/// A recorded delivery and what is needed to send it.
#[derive(Clone)]
pub(super) struct QueuedDelivery {
    pub(super) number: u64,
    pub(super) body: Arc<str>,
    pub(super) kind: DeliveryKind,
}
