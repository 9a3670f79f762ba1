//! Towards the channel: finds where the user is, renders what Haptik said, sends it part by part.

mod conversation;

use haptik_bridge_channels::channel::{Part, Refusal, Sent};
use haptik_bridge_channels::connections::Outlets;
use haptik_bridge_channels::erased::AnyOutlet;
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ids::{AuthId, AuthIdSource, ConnectionId};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, Payload, SentMessage};
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::chat_form::AskedForm;
use haptik_bridge_shared::message::handoff::Origin;
use haptik_bridge_shared::message::hsl::Element;
use haptik_bridge_shared::message::receipt::AddressedReceipt;
use haptik_bridge_shared::message::{
    Address, Content, Handback, KeyRef, MessageRef, Outgoing, Returned, Task,
};
use haptik_bridge_shared::retry::{Failure, Retry, Retryable};
use haptik_bridge_shared::users::User;
use jiff::Timestamp;
use serde_json::Value;

use std::time::{Duration, Instant};

use self::conversation::Relevance;
use crate::activity::ShownIndicator;
use crate::attempt::{Attempt, DeliveryOutcome, connection, outlet, record_step};
use crate::limits::ACTIVITY_TIMEOUT;
use crate::offer::{self, Offering};
use crate::question::Question;

/// The `device_platform` of chats that come by the bridge.
const BRIDGE_PLATFORM: &str = "13";
/// Within what time after Haptik took a message it is noted how Haptik calls it.
const NOTED_WITHIN: Duration = Duration::from_millis(300);

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
        if let Some(reason) = self.is_of_another(entry, body, &user) {
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

    /// Begins to ask a form whose message was shown, where it is filled in in the chat.
    async fn ask_form(
        &self,
        entry: &Entry,
        user: &User,
        outgoing: &Outgoing,
    ) -> Result<(), Failure> {
        let Content::Message { hsl, .. } = &outgoing.content else {
            return Ok(());
        };
        let Element::Form(form) = &hsl.element else {
            return Ok(());
        };
        let connection = connection(self.bridge, &user.connection)?;
        if !outlet(self.outlets, &user.connection)?.asks_in_chat(form) {
            return Ok(());
        }
        let asked = AskedForm {
            message: MessageRef {
                auth_id: user.auth_id.clone(),
                key: KeyRef::Key(entry.key.clone()),
            },
            connection: user.connection.clone(),
            at: entry.received_at.as_millisecond(),
        };
        let users = &self.bridge.users;
        users.put_asked_form(&user.auth_id, &asked).await?;
        let question = Question {
            form,
            settings: connection.forms,
            place: 0,
            wrong: None,
        };
        let (name, at) = (format!("form-{}", entry.key), entry.at.as_millisecond());
        Ok(question.ask(self.bridge, user, &name, at).await?)
    }

    /// Has an event shown where the message is that it answers, where Haptik says which: in its thread, not where
    /// the user has written since. What the channel calls that message, where it shows that instead.
    async fn place_answer(
        &self,
        user: &mut User,
        event: &Event,
    ) -> Result<Option<String>, Failure> {
        let outlet = outlet(self.outlets, &user.connection)?;
        let Some(id) = event.answers else {
            return Ok(None);
        };
        let is_shown = outlet.shows_what_is_answered();
        if !is_shown && !has_changed_place(user, Timestamp::now()) {
            return Ok(None);
        }
        let (id, ledger) = (id.to_string(), &self.bridge.ledger);
        let lane = Lane::Haptik(user.auth_id.clone());
        let mut told = ledger.find_sent(&lane, &id).await?;
        if told == SentMessage::Unrecorded && is_shown {
            // The answer came before it was noted how Haptik calls the message. Its place is the user's until
            // then, and need not be waited for.
            tokio::time::sleep(NOTED_WITHIN).await;
            told = ledger.find_sent(&lane, &id).await?;
        }
        let SentMessage::Entry(key) = told else {
            return Ok(None);
        };
        if is_shown {
            return Ok(Some(key.act_id().to_owned()));
        }
        let entry = ledger.entry(&lane, &key).await?;
        if let Some(Payload::Inbound {
            connection,
            inbound,
            ..
        }) = entry.map(|entry| entry.payload)
            && connection == user.connection
        {
            user.address = inbound.address;
        }
        Ok(None)
    }

    /// Gives control, or a message, back to the bot that handed its user over.
    pub(crate) async fn deliver_to_bot(
        &self,
        attempt: &Attempt<'_>,
        auth_id: &AuthId,
    ) -> Result<DeliveryOutcome, Failure> {
        let entry = attempt.entry;
        let Some(user) = self.bridge.users.get(auth_id).await? else {
            return Ok(DeliveryOutcome::Nothing("the user is not known any more"));
        };
        let (origin, handoff, returned) = match &entry.payload {
            Payload::HandoffEnded { handoff } => {
                let ended = handoff.ended.clone();
                let not_ended = || Failure::permanent("the end of a hand-off that has not ended");
                let control = Returned::Control {
                    ended: ended.ok_or_else(not_ended)?,
                    agent_joined: handoff.joined_at.is_some(),
                };
                (handoff.origin.clone(), handoff.id.clone(), control)
            }
            Payload::MessageReturned {
                handoff,
                inbound,
                connection,
            } => {
                let origin = connection.as_ref().map(|connection| Origin {
                    connection: connection.clone(),
                    channel_user: inbound.user.clone(),
                    address: inbound.address.clone(),
                });
                let message = Returned::Message(inbound.clone());
                (origin, handoff.clone(), message)
            }
            _ => return Err(Failure::permanent("the entry is not for a bot")),
        };
        // The bot is where it was, wherever the user writes by now.
        let user = match origin {
            Some(at) => user.at(at.connection, at.channel_user, at.address),
            None => user,
        };
        attempt.goes_to(&user.connection);
        let handback = Handback {
            key: entry.key.clone(),
            auth_id: auth_id.clone(),
            user: user.channel_user.clone(),
            at: entry.at,
            handoff,
            returned,
        };
        let outlet = outlet(self.outlets, &user.connection)?;
        let parts = outlet.hand_back(&handback).into_iter().collect();
        self.send(entry, &user, outlet, parts, &[]).await
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

    /// Why a delivery is not for the user of this name: others call somebody that too, or it is of another chat
    /// of the same person. A derived name is nobody else's.
    fn is_of_another(&self, entry: &Entry, body: &str, user: &User) -> Option<&'static str> {
        let connection = self.bridge.connections.get(&user.connection)?;
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
        match lenient_json::text(user, "device_platform").as_str() {
            "" | BRIDGE_PLATFORM => None,
            _ => Some("it is of a chat that the user has on another platform of Haptik's"),
        }
    }

    /// Takes away what showed that the user's messages were taken: they are answered.
    async fn clear_activity(&self, user: &User) {
        let mut gone = Vec::new();
        for noted in &user.activities {
            let shown = ShownIndicator::read(noted);
            let outlet = shown.as_ref().and_then(|shown| {
                let connection = shown.connection.as_ref().unwrap_or(&user.connection);
                self.outlets.get(connection)
            });
            let cleared = match (shown, outlet) {
                (Some(shown), Some(outlet)) => {
                    let on = Some(shown.message_id.as_str());
                    outlet
                        .clear_activity(&shown.address, on, &shown.indicator)
                        .await
                }
                (None, _) | (_, None) => Ok(()),
            };
            match cleared {
                // It is taken away with the next answer.
                Err(error) if error.retry() != Retry::Never => {
                    tracing::warn!(reason = error.reason, "an activity is left for now");
                }
                // What cannot be taken away is forgotten too.
                Ok(()) | Err(_) => gone.push(noted.clone()),
            }
        }
        if gone.is_empty() {
            return;
        }
        if let Err(error) = self
            .bridge
            .users
            .remove_activities(&user.auth_id, gone)
            .await
        {
            tracing::warn!(%error, "activities that were taken away cannot be forgotten");
        }
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

    async fn show(
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
    async fn send(
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

/// How long after somebody wrote from another place an answer may be to what was written before.
const ANSWERED_WITHIN: Duration = Duration::from_hours(24);

/// Whether the message that is answered now may have been written elsewhere than the user is: only then is it looked
/// for, which costs two reads.
fn has_changed_place(user: &User, now: Timestamp) -> bool {
    let changed = user.changed_place_at;
    let changed = changed.and_then(|at| Timestamp::from_millisecond(at).ok());
    changed.is_some_and(|at| now.duration_since(at).unsigned_abs() < ANSWERED_WITHIN)
}

/// How often a conversation may have moved within one message.
const MOST_MOVES: usize = 3;
