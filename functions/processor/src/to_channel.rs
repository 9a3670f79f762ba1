//! Towards the channel: finds where the user is, renders what Haptik said, sends it part by part.

mod conversation;

use haptik_bridge_shared::channel::{Content, Outgoing, Sender, Task};
use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ids::{AuthId, ConnectionId};
use haptik_bridge_shared::ledger::{Entry, Payload};
use haptik_bridge_shared::retry::{Failure, Retry};
use haptik_bridge_shared::telemetry::Hop;
use haptik_bridge_shared::users::User;
use jiff::Timestamp;

use std::time::{Duration, Instant};

use crate::Processor;
use crate::drain::{Attempt, Done};
use crate::to_haptik::MARK_TIMEOUT;
use conversation::Noted;

impl Processor {
    pub(crate) async fn to_channel(
        &self,
        attempt: &Attempt<'_>,
        auth_id: &AuthId,
        body: &str,
        again: bool,
    ) -> Result<Done, Failure> {
        let entry = attempt.entry;
        let event =
            Event::read(body.as_bytes()).map_err(|error| Failure::permanent(error.to_string()))?;
        if let (Payload::Webhook { account, .. }, false) =
            (&entry.payload, event.is_late || event.is_own)
        {
            self.bridge.health.heard(account, entry.received_at).await;
        }
        let Some(mut content) = event.content() else {
            return Ok(Done::Nothing("an event that is not for the channel"));
        };
        let Some(mut user) = self.bridge.users.get(auth_id).await? else {
            return Ok(Done::Nothing("the user came through another system"));
        };
        attempt.goes_to(&user.connection);
        let noted = self
            .note_conversation(&mut user, &event, &content, entry)
            .await?;
        let handoff = match noted {
            Noted::Old(reason) => return Ok(Done::Nothing(reason)),
            Noted::New { handoff } => handoff,
        };
        self.in_own_words(&user, &mut content);
        let outgoing = Outgoing {
            key: entry.key.clone(),
            auth_id: auth_id.clone(),
            user: user.channel_user.clone(),
            at: entry.at,
            received_at: entry.received_at,
            sender: event.sender.clone(),
            message_id: event.message_id,
            handoff,
            content,
        };
        let shown = self.show(entry, &user, &outgoing, again).await?;
        if matches!(shown, Done::Delivered) && !user.marks.is_empty() {
            // What is not taken away by then is, with the next answer.
            let unmarked = tokio::time::timeout(MARK_TIMEOUT, self.unmark(&user)).await;
            if unmarked.is_err() {
                tracing::warn!("a mark is left for now: it took too long to take it away");
            }
        }
        Ok(shown)
    }

    /// Gives control, or a message, back to the bot that handed its user over.
    pub(crate) async fn to_bot(
        &self,
        attempt: &Attempt<'_>,
        auth_id: &AuthId,
    ) -> Result<Done, Failure> {
        let entry = attempt.entry;
        let Some(user) = self.bridge.users.get(auth_id).await? else {
            return Ok(Done::Nothing("the user is not known any more"));
        };
        attempt.goes_to(&user.connection);
        let (handoff, content) = match &entry.payload {
            Payload::HandoffEnded { handoff } => (
                handoff.id.clone(),
                Content::HandoffEnded {
                    ended: handoff.ended.clone().ok_or_else(|| {
                        Failure::permanent("the end of a hand-off that has not ended")
                    })?,
                    agent_joined: handoff.joined_at.is_some(),
                },
            ),
            Payload::MessageReturned { handoff, inbound } => (
                handoff.clone(),
                Content::MessageReturned {
                    inbound: inbound.clone(),
                },
            ),
            _ => return Err(Failure::permanent("the entry is not for a bot")),
        };
        let outgoing = Outgoing {
            key: entry.key.clone(),
            auth_id: auth_id.clone(),
            user: user.channel_user.clone(),
            at: entry.at,
            received_at: entry.received_at,
            sender: Sender::default(),
            message_id: None,
            handoff: Some(handoff),
            content,
        };
        self.show(entry, &user, &outgoing, false).await
    }

    /// Takes away what showed that the user's messages were taken: they are answered.
    async fn unmark(&self, user: &User) {
        let Ok(connection) = self.connection(&user.connection) else {
            return;
        };
        let mut gone = Vec::new();
        for mark in &user.marks {
            let with = serde_json::from_str(mark).unwrap_or_default();
            match connection.channel.unmark(&with).await {
                // It is taken away with the next answer.
                Err(failure) if failure.retry != Retry::Never => {
                    tracing::warn!(reason = failure.reason, "a mark is left for now");
                }
                // What cannot be taken away is forgotten too.
                Ok(()) | Err(_) => gone.push(mark.clone()),
            }
        }
        if gone.is_empty() {
            return;
        }
        if let Err(error) = self.bridge.users.remove_marks(&user.auth_id, gone).await {
            tracing::warn!(%error, "marks that were taken away cannot be forgotten");
        }
    }

    pub(crate) async fn task(
        &self,
        connection: &ConnectionId,
        task: &Task,
    ) -> Result<Done, Failure> {
        self.connection(connection)?
            .channel
            .perform(&task.task)
            .await?;
        Ok(Done::Delivered)
    }

    async fn show(
        &self,
        entry: &Entry,
        user: &User,
        outgoing: &Outgoing,
        again: bool,
    ) -> Result<Done, Failure> {
        let connection = self.connection(&user.connection)?;
        let source = format!("channels/{}", user.connection);
        let since = Timestamp::now();
        let parts = connection.channel.render(outgoing);
        step_done(entry, "rendered", &source, since);
        if parts.is_empty() {
            return Ok(Done::Nothing("there is nothing in it to show"));
        }
        let sent = if again {
            let asked = connection.channel.already_sent(&user.address, outgoing);
            asked.await?.unwrap_or_default()
        } else {
            Vec::new()
        };
        let (count, began) = (parts.len(), Instant::now());
        for part in parts.into_iter().skip(entry.parts_done) {
            if !sent.contains(&part.index) {
                let since = Timestamp::now();
                connection.channel.send(&user.address, &part).await?;
                step_done(entry, "sent_to_channel", &source, since);
            }
            if part.index + 1 < count {
                self.bridge.ledger.progressed(entry, part.index + 1).await?;
                if began.elapsed() > self.limits.delivery_timeout / 2 {
                    // A long message at a channel's pace: out of time, the part under way would be in doubt.
                    let reason = format!("{} of {count} parts are sent", part.index + 1);
                    return Err(Failure {
                        retry: Retry::Later(Some(Duration::ZERO)),
                        ..Failure::passing(reason)
                    });
                }
            }
        }
        Ok(Done::Delivered)
    }
}

/// Tells of a step that went well.
pub(crate) fn step_done(entry: &Entry, name: &'static str, source: &str, since: Timestamp) {
    let hop = Hop::new(name, source).entry(&entry.lane, &entry.key);
    hop.since(since).emit();
}
