//! Receipts: what became of a message, as entries that are written together with its end.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{NotDurable, RequestContext};
use crate::bridge::Bridge;
use crate::config::Sink;
use crate::ids::{AuthId, ConnectionId};
use crate::key::KeyKind;
use crate::lane::Lane;
use crate::ledger::{Appended, NewEntry, Payload};
use crate::message::receipt::{AddressedReceipt, MessageReceipt};
use crate::own_events::RECEIPTS;

/// Of whose message a receipt is.
#[derive(Debug, Clone, Copy)]
pub struct ReceiptUser<'a> {
    /// The user.
    pub auth_id: &'a AuthId,
    /// What Haptik calls the user, where it is known.
    pub user_name: Option<&'a str>,
    /// The connection by which the message came or went.
    pub connection: &'a ConnectionId,
    /// The channel's own id of the user there.
    pub channel_user: &'a str,
}

impl Bridge {
    /// The sinks that ask for receipts.
    pub fn sinks_for_receipts(&self) -> impl Iterator<Item = &str> {
        let wants = |(_, sink): &(&String, &Sink)| RECEIPTS.iter().any(|event| sink.wants(event));
        self.config
            .sinks
            .iter()
            .filter(wants)
            .map(|(name, _)| name.as_str())
    }

    /// The entries that tell the sinks a receipt, to be written with the end that it is of. Their keys follow
    /// from the receipt alone.
    #[must_use]
    pub fn receipts_for_sinks(
        &self,
        user: ReceiptUser<'_>,
        receipt: &MessageReceipt,
    ) -> Vec<NewEntry> {
        let Some(connection) = self.connections.get(user.connection) else {
            return Vec::new();
        };
        let event_name = receipt.outcome.event_name();
        let at = moment(receipt.ended_at);
        let event = json!({
            "event_name": event_name,
            "timestamp": format!("{at:.3}"),
            "business_id": connection.business_id,
            "user": {"auth_id": user.auth_id, "user_name": user.user_name},
            "data": data(user, receipt),
        });
        let payload = Payload::Webhook {
            account: connection.account.clone(),
            body: event.to_string(),
        };
        let wanted_by = self.sinks_for(event_name, &event);
        let entries = wanted_by.map(|sink| NewEntry {
            lane: Lane::Sink {
                sink: sink.to_owned(),
                auth_id: user.auth_id.clone(),
            },
            key: key(receipt).into(),
            payload: payload.clone(),
            at,
        });
        entries.collect()
    }

    /// The entry that tells an application a receipt.
    #[must_use]
    pub fn receipt_for_application(&self, auth_id: &AuthId, receipt: AddressedReceipt) -> NewEntry {
        NewEntry {
            lane: Lane::Channel(auth_id.clone()),
            key: key(&receipt.receipt).into(),
            at: moment(receipt.receipt.ended_at),
            payload: Payload::Receipt {
                receipt: Box::new(receipt),
            },
        }
    }

    /// Rings for entries that were written.
    ///
    /// # Errors
    /// When the queue does not take a ring: to be done again.
    pub async fn ring_for_new(
        &self,
        context: RequestContext<'_>,
        entries: &[NewEntry],
    ) -> Result<(), NotDurable> {
        for NewEntry { lane, key, .. } in entries {
            self.ring_for(context, lane, key, Appended::New, context.now)
                .await?;
        }
        Ok(())
    }
}

/// A receipt's place: behind what was received before its message.
fn key(receipt: &MessageReceipt) -> KeyKind {
    KeyKind::notice(
        moment(receipt.received_at),
        format!("receipt-{}", receipt.id),
    )
}

/// What a sink reads of a receipt.
fn data(user: ReceiptUser<'_>, receipt: &MessageReceipt) -> Value {
    let mut data = json!({
        "direction": receipt.direction,
        "message_id": receipt.message_id,
        "reason": receipt.reason,
        "failed_tries": receipt.failed_tries,
        "received_at": format!("{:.3}", moment(receipt.received_at)),
        "sent_as": receipt.sent_as,
        "correlation_id": receipt.correlation_id,
        "connection": user.connection,
        "channel_user": user.channel_user,
    });
    if receipt.replayed {
        data["replayed"] = true.into();
    }
    if let Some(is_confirmed) = receipt.confirmed {
        data["confirmed"] = is_confirmed.into();
    }
    data
}

fn moment(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or_default()
}
