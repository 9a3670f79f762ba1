//! Telling Haptik a text: as a message, or by the synchronous call, whose answer comes with it.

use std::time::Duration;

use haptik_bridge_shared::haptik::client::{Logged, SyncAnswer};
use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ingest::{NotDurable, RequestContext};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, Payload};
use haptik_bridge_shared::message::SenderKind;
use haptik_bridge_shared::retry::Failure;
use jiff::Timestamp;
use serde_json::json;

use super::{Conversation, DeliveryError, ToHaptik};

/// How often an answer is put into the ledger: what it answers cannot be asked again.
const TRIES_TO_KEEP: u32 = 4;

impl ToHaptik<'_> {
    /// Tells Haptik a text: the part of the entry with this index, from 0.
    pub(super) async fn send_text(
        &self,
        conversation: &Conversation<'_>,
        entry: &Entry,
        part: usize,
        text: &str,
    ) -> Result<(), DeliveryError> {
        let Conversation {
            haptik,
            connection,
            inbound,
            ..
        } = conversation;
        if haptik.answers_at_once() {
            return self.ask(conversation, entry, part, text).await;
        }
        let logged = haptik
            .log_message(&inbound.auth_id, connection.business_id, text)
            .await?;
        conversation.record_receipt(&logged);
        Ok(())
    }

    /// Says something by the synchronous call, and takes its answer. That it is about to be said is noted
    /// before, so that whatever comes of it, it is not said twice: the bot may have heard what it did not
    /// answer in time.
    async fn ask(
        &self,
        conversation: &Conversation<'_>,
        entry: &Entry,
        part: usize,
        text: &str,
    ) -> Result<(), DeliveryError> {
        let ledger = &self.bridge.ledger;
        if entry.begun > part {
            conversation.note_unanswered();
            conversation.record_receipt(&Logged::default());
            return Ok(());
        }
        ledger.begun(entry, part + 1).await?;
        let Conversation {
            haptik,
            connection,
            inbound,
            ..
        } = conversation;
        let asked = haptik.send_sync_message(&inbound.auth_id, connection.business_id, text);
        match asked.await {
            Ok(answer) => {
                conversation.record_receipt(&Logged {
                    created_at: answer.timestamp,
                    ..Logged::default()
                });
                Ok(self.take_answer(conversation, answer).await?)
            }
            Err(error) if error.may_have_been_said() => {
                let reason = error.to_string();
                tracing::warn!(
                    reason,
                    "the bot's answer is lost, and the message not said again"
                );
                conversation.note_unanswered();
                conversation.record_receipt(&Logged::default());
                Ok(())
            }
            Err(error) => {
                ledger.begun(entry, part).await?;
                Err(error.into())
            }
        }
    }

    /// Takes the answer of the synchronous call as if Haptik had delivered it: it is shown to the user, and
    /// given to the sinks that want messages.
    async fn take_answer(
        &self,
        conversation: &Conversation<'_>,
        answer: SyncAnswer,
    ) -> Result<(), Failure> {
        let Conversation {
            connection,
            inbound,
            user,
            ..
        } = conversation;
        let answered_at = answer.timestamp.unwrap_or_else(Timestamp::now);
        let user_name = answer.user_name.as_ref().or(user.user_name.as_ref());
        for (index, message) in (0_u32..).zip(answer.messages) {
            // What has no id goes by its time.
            let at = match message.id {
                Some(_) => answered_at,
                None => answered_at + Duration::from_millis(index.into()),
            };
            let mut body = json!({
                "event_name": "message",
                "timestamp": at.to_string(),
                "business_id": connection.business_id,
                "user": {"auth_id": inbound.auth_id},
                "agent": {
                    "name": answer.sender.name,
                    "profile_image": answer.sender.profile_image,
                    "is_automated": answer.sender.kind == SenderKind::Bot,
                },
                "message": {"id": message.id, "body": message.body},
            });
            if let Some(user_name) = user_name {
                body["user"]["user_name"] = json!(user_name);
            }
            if message.id.is_none() {
                // Two that say the same are two.
                body["message"]["index"] = json!(index);
            }
            self.keep(conversation, &body.to_string(), at).await?;
        }
        Ok(())
    }

    /// Puts an event into the ledger, for the user and the sinks.
    async fn keep(
        &self,
        conversation: &Conversation<'_>,
        body: &str,
        at: Timestamp,
    ) -> Result<(), Failure> {
        let account = &conversation.connection.account;
        let event = Event::read(body.as_bytes());
        let event = event.map_err(|error| Failure::permanent(error.to_string()))?;
        let source = format!("haptik/{account}");
        let context = RequestContext::new(&source, Timestamp::now());
        let payload = Payload::Webhook {
            account: account.clone(),
            body: body.to_owned(),
        };
        let lane = Lane::Channel(conversation.inbound.auth_id.clone());
        let key = event.key(body.as_bytes());
        let mut tries = 0;
        loop {
            let kept = async {
                let for_sinks =
                    self.bridge
                        .accept_for_sinks(context, &event, &payload, body.as_bytes());
                for_sinks.await?;
                self.bridge.accept(context, &lane, &key, &payload, at).await
            };
            let Err(error): Result<(), NotDurable> = kept.await else {
                return Ok(());
            };
            tries += 1;
            if tries >= TRIES_TO_KEEP {
                return Err(Failure::passing(error.to_string()));
            }
            tokio::time::sleep(Duration::from_millis(250 << tries)).await;
        }
    }
}
