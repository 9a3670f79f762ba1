//! Towards the channel: finds where the user is, renders what Haptik said, sends it part by part.

mod answered;
mod conversation;
mod form;
mod hand_back;
mod indicator;
mod show;

use std::time::Duration;

use haptik_bridge_channels::connections::Outlets;
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::haptik::BRIDGE_PLATFORM;
use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ids::{AuthId, AuthIdSource, ConnectionId};
use haptik_bridge_shared::ledger::{Entry, Payload};
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::receipt::AddressedReceipt;
use haptik_bridge_shared::message::{Outgoing, Task};
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_shared::users::User;
use jiff::Timestamp;
use serde_json::Value;

use self::conversation::Relevance;
use crate::attempt::{Attempt, DeliveryOutcome, outlet, record_step};
use crate::limits::ACTIVITY_TIMEOUT;

/// Delivers what Haptik said to a channel.
pub(crate) struct ToChannel<'a> {
    pub(crate) bridge: &'a Bridge,
    pub(crate) outlets: &'a Outlets,
    /// How long one delivery may take in all.
    pub(crate) delivery_timeout: Duration,
}

impl ToChannel<'_> {
    /// Delivers an event of Haptik.
    pub(crate) async fn deliver(
        &self,
        attempt: &Attempt<'_>,
        auth_id: &AuthId,
        body: &str,
        again: bool,
    ) -> Result<DeliveryOutcome, Failure> {
        let entry = attempt.entry;
        let event =
            Event::read(body.as_bytes()).map_err(|error| Failure::permanent(error.to_string()))?;
        if let (Payload::Webhook { account, .. }, false) =
            (&entry.payload, event.is_late || event.is_own)
        {
            self.bridge
                .health
                .note_received(account, entry.received_at)
                .await;
        }
        let Some(mut content) = event.content() else {
            return Ok(DeliveryOutcome::Nothing(
                "an event that is not for the channel",
            ));
        };
        let Some(mut user) = self.bridge.users.get(auth_id).await? else {
            return Ok(DeliveryOutcome::Nothing(
                "the user came through another system",
            ));
        };
        if let Some(reason) = is_of_another(self.bridge, entry, body, &user) {
            return Ok(DeliveryOutcome::Nothing(reason));
        }
        attempt.goes_to(&user.connection);
        let relevance = self
            .note_conversation(&mut user, &event, &content, entry)
            .await?;
        let handoff = match relevance {
            Relevance::Stale(reason) => return Ok(DeliveryOutcome::Nothing(reason)),
            Relevance::ToShow { handoff } => handoff,
        };
        self.use_configured_notice(&user, &mut content);
        let in_reply_to = self.place_answer(&mut user, &event).await?;
        let outgoing = Outgoing {
            key: entry.key.clone(),
            auth_id: auth_id.clone(),
            user: user.channel_user.clone(),
            at: entry.at,
            received_at: entry.received_at,
            sender: event.sender.clone(),
            message_id: event.message_id,
            in_reply_to,
            handoff,
            content,
        };
        let shown = self.show(entry, &user, &outgoing, again).await?;
        self.ask_form(entry, &user, &outgoing).await?;
        if matches!(shown, DeliveryOutcome::Shown(_)) && !user.activities.is_empty() {
            // What is not taken away by then is, with the next answer.
            let cleared = tokio::time::timeout(ACTIVITY_TIMEOUT, self.clear_activity(&user)).await;
            if cleared.is_err() {
                tracing::warn!("an activity is left for now: it took too long to take it away");
            }
        }
        Ok(shown)
    }

    /// Tells an application what became of a message.
    pub(crate) async fn deliver_receipt(
        &self,
        attempt: &Attempt<'_>,
        auth_id: &AuthId,
        addressed: &AddressedReceipt,
    ) -> Result<DeliveryOutcome, Failure> {
        let (entry, connection) = (attempt.entry, &addressed.connection);
        attempt.goes_to(connection);
        let outlet = outlet(self.outlets, connection)?;
        let Some(part) = outlet.receipt(auth_id, &entry.key, addressed) else {
            return Ok(DeliveryOutcome::Nothing(
                "nobody asks for receipts any more",
            ));
        };
        let since = Timestamp::now();
        outlet.send(&addressed.address, &part).await?;
        record_step(
            entry,
            "sent_to_channel",
            &format!("channels/{connection}"),
            since,
        );
        Ok(DeliveryOutcome::Whole)
    }

    /// Carries out a task of the channel.
    pub(crate) async fn perform(
        &self,
        id: &ConnectionId,
        task: &Task,
    ) -> Result<DeliveryOutcome, Failure> {
        outlet(self.outlets, id)?.run(&task.command).await?;
        Ok(DeliveryOutcome::Whole)
    }
}

/// Why a delivery is not for the user of this name: others call somebody that too, or it is of another chat
/// of the same person. A derived name is nobody else's.
pub(crate) fn is_of_another(
    bridge: &Bridge,
    entry: &Entry,
    body: &str,
    user: &User,
) -> Option<&'static str> {
    let connection = bridge.connections.get(&user.connection)?;
    let Payload::Webhook { account, .. } = &entry.payload else {
        return None;
    };
    if connection.auth_id == AuthIdSource::Derived {
        return None;
    }
    if connection.account != *account {
        return Some("the user of this name is one of another account");
    }
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let user = body.get("user").unwrap_or(&Value::Null);
    let platform = lenient_json::text(user, "device_platform");
    let is_ours = platform.is_empty() || platform == BRIDGE_PLATFORM.to_string();
    (!is_ours).then_some("it is of a chat that the user has on another platform of Haptik's")
}
