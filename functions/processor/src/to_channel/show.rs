//! Rendering a message and sending it part by part.

use std::time::{Duration, Instant};

use haptik_bridge_channels::channel::{Part, Refusal, Sent};
use haptik_bridge_channels::erased::AnyOutlet;
use haptik_bridge_shared::ids::ConnectionId;
use haptik_bridge_shared::ledger::Entry;
use haptik_bridge_shared::message::{Address, Outgoing};
use haptik_bridge_shared::retry::{Failure, Retry};
use haptik_bridge_shared::users::User;
use jiff::Timestamp;

use super::ToChannel;
use crate::attempt::{DeliveryOutcome, outlet, record_step};
use crate::offer::{self, Offering};

/// How often a conversation may have moved within one message.
const MOST_MOVES: usize = 3;

impl ToChannel<'_> {
    /// Shows a message where the user is.
    pub(super) async fn show(
        &self,
        entry: &Entry,
        user: &User,
        outgoing: &Outgoing,
        again: bool,
    ) -> Result<DeliveryOutcome, Failure> {
        let outlet = outlet(self.outlets, &user.connection)?;
        let source = format!("channels/{}", user.connection);
        let since = Timestamp::now();
        let parts = outlet.render(outgoing);
        record_step(entry, "rendered", &source, since);
        let sent = if again && !parts.is_empty() {
            let asked = outlet.already_sent(&user.address, outgoing);
            asked.await?.unwrap_or_default()
        } else {
            Vec::new()
        };
        self.send(entry, user, outlet, parts, &sent).await
    }

    /// Sends those parts that are not among the `sent`, and records how far it came.
    pub(super) async fn send(
        &self,
        entry: &Entry,
        user: &User,
        outlet: &dyn AnyOutlet,
        parts: Vec<Part>,
        sent: &[usize],
    ) -> Result<DeliveryOutcome, Failure> {
        if parts.is_empty() {
            return Ok(DeliveryOutcome::Nothing("there is nothing in it to show"));
        }
        let source = format!("channels/{}", user.connection);
        let (count, began) = (parts.len(), Instant::now());
        // What was shown in part where the user is no more is shown as a whole where the user is.
        let is_elsewhere = |shown_by: &ConnectionId| *shown_by != user.connection;
        let done = match &entry.shown_by {
            Some(shown_by) if is_elsewhere(shown_by) => 0,
            _ => entry.parts_done,
        };
        let mut message_ids = entry.message_ids.clone();
        let mut address = user.address.clone();
        let mut offering = Offering::of(user, &entry.key, entry.received_at);
        for mut part in parts.into_iter().skip(done) {
            let index = part.index;
            if !sent.contains(&index) {
                let since = Timestamp::now();
                let sent = self.send_part(user, outlet, &mut address, &mut part);
                let answer = sent.await?;
                message_ids.extend(answer.message_id);
                record_step(entry, "sent_to_channel", &source, since);
            }
            if offering.add(&part) {
                let users = &self.bridge.users;
                users.put_offer(&user.auth_id, &offering.offer).await?;
            }
            if index + 1 < count {
                let ledger = &self.bridge.ledger;
                let by = &user.connection;
                ledger
                    .shown_in_part(entry, by, index + 1, &message_ids)
                    .await?;
                if began.elapsed() > self.delivery_timeout / 2 {
                    // A long message at a channel's pace: out of time, the part under way would be in doubt.
                    let reason = format!("{} of {count} parts are sent", index + 1);
                    return Err(Failure {
                        retry: Retry::Later(Some(Duration::ZERO)),
                        ..Failure::passing(reason)
                    });
                }
            }
        }
        if !offering.has_choices
            && let Some(ended) = offer::ended_by_message(user, entry.received_at)
        {
            self.bridge.users.put_offer(&user.auth_id, &ended).await?;
        }
        Ok(DeliveryOutcome::Shown(message_ids))
    }

    /// Sends a part, one level simpler each time that the provider refuses it as too rich, and to the address
    /// that the conversation has now; afterwards both are what was sent, and where.
    async fn send_part(
        &self,
        user: &User,
        outlet: &dyn AnyOutlet,
        address: &mut Address,
        part: &mut Part,
    ) -> Result<Sent, Failure> {
        let mut moves = 0;
        loop {
            let mut refused = match outlet.send(address, part).await {
                Ok(sent) => return Ok(sent),
                Err(refused) => refused,
            };
            match (refused.refusal, refused.moved_to.take()) {
                (Refusal::TooRich, _) => *part = outlet.simpler(part).ok_or(refused)?,
                (Refusal::Moved, Some(to)) if moves < MOST_MOVES => {
                    let users = &self.bridge.users;
                    users.put_moved(&user.auth_id, address, &to).await?;
                    (*address, moves) = (*to, moves + 1);
                }
                _ => return Err(refused.into()),
            }
        }
    }
}
