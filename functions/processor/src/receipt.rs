//! Receipts: who asked to hear what became of a message is told once it has ended.
//!
//! A receipt is written in the transaction that ends the entry of its message. So there is one for each message
//! that has ended, none for one that is pending, and a kill changes neither. Where the channel says later what became
//! of a message, its receipt stays open in the same transaction, and is written by that which closes it.

use haptik_bridge_channels::connections::Outlets;
use haptik_bridge_channels::erased::AnyOutlet;
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::haptik::webhook::{Event, EventKind};
use haptik_bridge_shared::ids::{AuthId, ConnectionId};
use haptik_bridge_shared::ingest::{NotDurable, ReceiptUser, RequestContext};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, NewEntry, Payload};
use haptik_bridge_shared::message::receipt::{
    AddressedReceipt, Direction, MessageReceipt, OpenReceipt, ReceiptOutcome,
};
use haptik_bridge_shared::message::{Address, UserAction};
use haptik_bridge_shared::retry::{Retry, Retryable as _};
use haptik_bridge_shared::table::TableError;
use haptik_bridge_shared::users::User;
use jiff::Timestamp;

use crate::to_channel::is_of_another;

/// As many messages as one is sent as at most whose reports are waited for: a transaction has 100 items.
const MOST_REPORTED: usize = 90;

/// How an entry ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End<'a> {
    pub(crate) outcome: ReceiptOutcome,
    pub(crate) reason: Option<&'a str>,
    /// How many tries failed of which nothing is noted yet.
    pub(crate) failed_tries: u32,
    pub(crate) sent_as: &'a [String],
    pub(crate) at: Timestamp,
}

/// What is due once an entry has ended.
#[derive(Debug)]
pub(crate) enum Due {
    /// These receipts; none where nobody asked for them, or where it is no message.
    Now(Vec<NewEntry>),
    /// One once the channel has said what became of the message.
    OnceReported(Box<OpenReceipt>),
}

/// Makes receipts.
pub(crate) struct Receipts<'a> {
    pub(crate) bridge: &'a Bridge,
    pub(crate) outlets: &'a Outlets,
}

/// Whose message an entry is, and where the user is.
struct Owner {
    direction: Direction,
    message_id: String,
    auth_id: AuthId,
    connection: ConnectionId,
    channel_user: String,
    address: Address,
    user: Option<User>,
}

impl Receipts<'_> {
    /// What is due once an entry has ended so.
    pub(crate) async fn due(&self, entry: &Entry, end: &End<'_>) -> Result<Due, TableError> {
        let is_for_sinks = self.bridge.sinks_for_receipts().next().is_some();
        if !is_for_sinks && !self.outlets.want_receipts() {
            return Ok(Due::Now(Vec::new()));
        }
        let Some(owner) = self.owner(entry).await? else {
            return Ok(Due::Now(Vec::new()));
        };
        let receipt = receipt(entry, &owner, end);
        if is_for_sinks && self.is_reported_later(&owner, end) {
            return Ok(Due::OnceReported(Box::new(OpenReceipt {
                receipt,
                connection: owner.connection,
                channel_user: owner.channel_user,
                user_name: owner.user.and_then(|user| user.user_name),
            })));
        }
        Ok(Due::Now(self.told_now(owner, receipt, is_for_sinks)))
    }

    /// Whether a message went by a channel that says later what became of it.
    fn is_reported_later(&self, owner: &Owner, end: &End<'_>) -> bool {
        let was_sent = end.outcome == ReceiptOutcome::Delivered
            && (1..=MOST_REPORTED).contains(&end.sent_as.len());
        let outlet = self.outlets.get(&owner.connection);
        was_sent
            && matches!(owner.direction, Direction::ToChannel)
            && outlet.is_some_and(AnyOutlet::reports_later)
    }

    /// The entries that tell a receipt.
    fn told_now(&self, owner: Owner, receipt: MessageReceipt, is_for_sinks: bool) -> Vec<NewEntry> {
        let mut due = Vec::new();
        if is_for_sinks {
            let user = ReceiptUser {
                auth_id: &owner.auth_id,
                user_name: owner
                    .user
                    .as_ref()
                    .and_then(|user| user.user_name.as_deref()),
                connection: &owner.connection,
                channel_user: &owner.channel_user,
            };
            due.extend(self.bridge.receipts_for_sinks(user, &receipt));
        }
        let outlet = self.outlets.get(&owner.connection);
        if outlet.is_some_and(AnyOutlet::wants_receipts) {
            let addressed = AddressedReceipt {
                receipt,
                connection: owner.connection,
                channel_user: owner.channel_user,
                address: owner.address,
            };
            due.push(
                self.bridge
                    .receipt_for_application(&owner.auth_id, addressed),
            );
        }
        due
    }

    /// Rings for receipts that were written. Where that fails, the lane of their message comes again, and
    /// [`Receipts::ring_again`] does it.
    pub(crate) async fn ring(&self, due: &[NewEntry]) -> Result<(), TableError> {
        let context = RequestContext::new("processor", Timestamp::now());
        let rung = self.bridge.ring_for_new(context, due).await;
        rung.map_err(not_told)
    }

    /// Ends an entry as delivered whose receipt waits for what the channel says later.
    pub(crate) async fn wait_for_report(
        &self,
        entry: &Entry,
        receipt: &OpenReceipt,
        now: Timestamp,
    ) -> Result<(), TableError> {
        let ended = self.bridge.delivered_until_reported(entry, receipt, now);
        ended.await.map_err(not_told)
    }

    /// Rings for the receipts of a lane's messages, whichever are pending: a process that was stopped may have
    /// written them and not rung. A ring too many does no harm.
    pub(crate) async fn ring_again(&self, lane: &Lane) -> Result<(), TableError> {
        let (Lane::Haptik(auth_id) | Lane::Channel(auth_id)) = lane else {
            return Ok(());
        };
        let is_reported_later = matches!(lane, Lane::Channel(_)) && self.outlets.report_later();
        if is_reported_later && self.bridge.sinks_for_receipts().next().is_some() {
            let closed = self.bridge.close_receipts_of(lane, Timestamp::now());
            closed.await.map_err(not_told)?;
        }
        let sinks = self.bridge.sinks_for_receipts();
        let mut lanes: Vec<Lane> = sinks
            .map(|sink| Lane::Sink {
                sink: sink.to_owned(),
                auth_id: auth_id.clone(),
            })
            .collect();
        if self.outlets.want_receipts() && matches!(lane, Lane::Haptik(_)) {
            lanes.push(Lane::Channel(auth_id.clone()));
        }
        for lane in lanes {
            let rung = self.bridge.ring_again(lane, Timestamp::now()).await;
            rung.map_err(not_told)?;
        }
        Ok(())
    }

    /// Whose message an entry is; `None` where it is none.
    async fn owner(&self, entry: &Entry) -> Result<Option<Owner>, TableError> {
        match (&entry.lane, &entry.payload) {
            (
                Lane::Haptik(auth_id),
                Payload::Inbound {
                    connection,
                    inbound,
                    ..
                },
            ) if is_message(&inbound.action) => Ok(Some(Owner {
                direction: Direction::ToHaptik,
                message_id: entry.key.act_id().to_owned(),
                auth_id: auth_id.clone(),
                connection: connection.clone(),
                channel_user: inbound.user.clone(),
                address: inbound.address.clone(),
                user: self.user(auth_id).await?,
            })),
            (Lane::Channel(auth_id), Payload::Webhook { body, .. }) => {
                let Ok(event) = Event::read(body.as_bytes()) else {
                    return Ok(None);
                };
                if event.kind != EventKind::Message || event.is_own {
                    return Ok(None);
                }
                let Some(user) = self.user(auth_id).await? else {
                    return Ok(None);
                };
                if is_of_another(self.bridge, entry, body, &user).is_some() {
                    return Ok(None);
                }
                let id = event.message_id.map(|id| id.to_string());
                Ok(Some(Owner {
                    direction: Direction::ToChannel,
                    message_id: id.unwrap_or_else(|| entry.key.to_string()),
                    auth_id: auth_id.clone(),
                    connection: user.connection.clone(),
                    channel_user: user.channel_user.clone(),
                    address: user.address.clone(),
                    user: Some(user),
                }))
            }
            _ => Ok(None),
        }
    }

    /// Who it is. One that cannot be read keeps no entry from its end.
    async fn user(&self, auth_id: &AuthId) -> Result<Option<User>, TableError> {
        match self.bridge.users.get(auth_id).await {
            Err(error) if error.retry() == Retry::Never => {
                tracing::error!(%error, "a receipt names no user");
                Ok(None)
            }
            user => user,
        }
    }
}

/// Whether a user's action is a message: what asks for a human ends by itself, and news of a profile are of
/// nobody's writing.
fn is_message(action: &UserAction) -> bool {
    match action {
        UserAction::Message { .. }
        | UserAction::Choice { .. }
        | UserAction::Unresolved { .. }
        | UserAction::Feedback { .. } => true,
        UserAction::Handoff { .. }
        | UserAction::ProfileChanged
        | UserAction::MoveToAgent { .. } => false,
    }
}

fn not_told(error: NotDurable) -> TableError {
    match error {
        NotDurable::Ledger(error) => error,
        error => TableError::Unavailable(error.to_string()),
    }
}

fn receipt(entry: &Entry, owner: &Owner, end: &End<'_>) -> MessageReceipt {
    let correlation_id = entry.correlation_id.to_string();
    MessageReceipt {
        id: match entry.revived_at {
            Some(at) => format!("{correlation_id}-{}", at.as_millisecond()),
            None => correlation_id.clone(),
        },
        direction: owner.direction,
        message_id: owner.message_id.clone(),
        outcome: end.outcome,
        reason: end.reason.map(ToOwned::to_owned),
        failed_tries: entry.attempts.saturating_add(end.failed_tries),
        received_at: entry.received_at.as_millisecond(),
        ended_at: end.at.as_millisecond(),
        sent_as: end.sent_as.to_vec(),
        correlation_id,
        replayed: entry.revived_at.is_some(),
        confirmed: None,
    }
}
