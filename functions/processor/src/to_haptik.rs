//! Towards Haptik: registers the user once, then delivers what the user did.

mod address;
mod agent;
mod file;
mod form;
mod handoff;
mod indicator;
mod move_chat;
mod rating;
mod register;
mod resolve;
mod say;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use haptik_bridge_channels::channel::SendError;
use haptik_bridge_channels::connections::Outlets;
use haptik_bridge_channels::erased::AnyOutlet;
use haptik_bridge_shared::bridge::{Bridge, Connection};
use haptik_bridge_shared::haptik::client::{Feedback, HaptikClient, HaptikError, Logged};
use haptik_bridge_shared::ids::ConnectionId;
use haptik_bridge_shared::ledger::Entry;
use haptik_bridge_shared::message::{Attachment, Inbound, Mention, UserAction};
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_shared::table::TableError;
use haptik_bridge_shared::users::User;
use jiff::Timestamp;

use self::form::{Did, Filling};
use crate::attempt::{DeliveryOutcome, connection, outlet, record_step};

/// One user's conversation with Haptik.
struct Conversation<'a> {
    haptik: &'a HaptikClient,
    connection_id: &'a ConnectionId,
    connection: &'a Connection,
    outlet: &'a dyn AnyOutlet,
    inbound: &'a Inbound,
    /// The user as it was when the delivery began.
    user: &'a User,
    /// When Haptik took the last message, in milliseconds since the epoch by its own
    /// clock; 0 until it has taken something.
    taken_at: AtomicI64,
    /// Whether something was said whose answer did not come, and that is not said again.
    unanswered: AtomicBool,
    /// Haptik's ids of the messages that the entry was told as, so far.
    taken: Mutex<Vec<String>>,
}

/// What became of an answer to a question of a form.
const ANSWERS_FORM: DeliveryOutcome =
    DeliveryOutcome::Nothing("it answers a form, which is told as a whole once it is filled in");

/// Why what was said by the synchronous call has no answer.
const UNANSWERED: DeliveryOutcome =
    DeliveryOutcome::Nothing("the bot's answer did not come, and the message is not told again");

impl Conversation<'_> {
    /// Notes that something was said whose answer did not come.
    fn note_unanswered(&self) {
        self.unanswered.store(true, Ordering::Relaxed);
    }

    fn record_receipt(&self, logged: &Logged) {
        if let (Some(id), Ok(mut taken)) = (logged.message_id, self.taken.lock()) {
            taken.push(id.to_string());
        }
        let at = logged.created_at.unwrap_or_else(Timestamp::now);
        self.taken_at.store(at.as_millisecond(), Ordering::Relaxed);
    }

    fn taken(&self) -> Vec<String> {
        self.taken
            .lock()
            .map(|taken| taken.clone())
            .unwrap_or_default()
    }

    fn taken_at(&self) -> i64 {
        self.taken_at.load(Ordering::Relaxed)
    }
}

/// Delivers what users did to Haptik.
pub(crate) struct ToHaptik<'a> {
    pub(crate) bridge: &'a Bridge,
    pub(crate) outlets: &'a Outlets,
    /// How long a long transcript is sent at a stretch.
    pub(crate) stretch: Duration,
}

impl ToHaptik<'_> {
    pub(crate) async fn deliver(
        &self,
        entry: &Entry,
        connection_id: &ConnectionId,
        inbound: &Inbound,
        handoff: Option<&str>,
    ) -> Result<DeliveryOutcome, Failure> {
        let connection = connection(self.bridge, connection_id)?;
        let haptik = self.bridge.haptik.get(&connection.account);
        let haptik =
            haptik.ok_or_else(|| Failure::not_configured("the account is not configured"))?;
        let outlet = outlet(self.outlets, connection_id)?;
        if matches!(inbound.action, UserAction::ProfileChanged) {
            return self
                .deliver_profile(haptik, connection_id, outlet, inbound)
                .await;
        }
        outlet.can_answer(&inbound.address).await?;
        let user = self.remember_address(connection_id, inbound, entry).await?;
        if let Some(id) = handoff.filter(|id| !handoff::is_on(&user, id)) {
            return self.return_to_bot(entry, inbound, id).await;
        }
        let conversation = Conversation {
            haptik,
            connection_id,
            connection,
            outlet,
            inbound,
            user: &user,
            taken_at: AtomicI64::new(0),
            unanswered: AtomicBool::new(false),
            taken: Mutex::new(entry.message_ids.clone()),
        };
        // On the heap, since the future is large.
        Box::pin(self.register_and_send(&conversation, entry, handoff)).await
    }

    /// Makes the user known where that is due, and sends what was done.
    async fn register_and_send(
        &self,
        conversation: &Conversation<'_>,
        entry: &Entry,
        handoff: Option<&str>,
    ) -> Result<DeliveryOutcome, Failure> {
        let Conversation {
            haptik,
            connection,
            user,
            ..
        } = *conversation;
        // The activity before the message: an answer that came before it would leave it standing.
        let (registered, ()) = tokio::join!(
            self.register(conversation, user, entry, false),
            self.show_activity(conversation, user, entry),
        );
        registered?;
        let Some((action, is_choice)) = self.resolved(conversation, entry).await? else {
            return Ok(DeliveryOutcome::Undelivered("what was sent is gone"));
        };
        let did = Did {
            action: &action,
            is_choice,
        };
        let (action, filled) = match self.fill_in(conversation, entry, did).await? {
            Filling::Nothing => (action, None),
            Filling::Kept => return Ok(ANSWERS_FORM),
            Filling::Whole(action, answers) => (action, Some(answers)),
        };
        let answer_comes =
            !matches!(action, UserAction::Feedback { .. }) && !haptik.answers_at_once();
        if answer_comes {
            // Before it is sent: nothing may come between the call and the record of what it did.
            let health = &self.bridge.health;
            health
                .note_sent(&connection.account, Timestamp::now())
                .await;
        }
        // On the heap, since the future is large.
        let sent = Box::pin(self.send_to_registered(conversation, user, entry, &action));
        let outcome = sent.await?;
        if let Some(answers) = filled {
            self.note_form_sent(conversation, *answers).await?;
        }
        if let Some(id) = handoff {
            self.note_message_taken(conversation, entry, id).await?;
        }
        let is_unanswered = conversation.unanswered.load(Ordering::Relaxed);
        // Noted with the end of the entry: Haptik's answer may name the message that it answers.
        let taken = conversation.taken();
        Ok(match outcome {
            DeliveryOutcome::Whole if is_unanswered => UNANSWERED,
            DeliveryOutcome::Whole if !taken.is_empty() => DeliveryOutcome::Shown(taken),
            other => other,
        })
    }

    /// Sends what was done; a user whom Haptik does not know any more is created once more, and it is sent then.
    async fn send_to_registered(
        &self,
        conversation: &Conversation<'_>,
        user: &User,
        entry: &Entry,
        action: &UserAction,
    ) -> Result<DeliveryOutcome, Failure> {
        match self.deliver_to_haptik(conversation, entry, action).await {
            Err(DeliveryError::NotRegistered(_)) => {
                self.register(conversation, user, entry, true).await?;
                // What was sent before Haptik forgot the user is not sent again.
                let entry = self.bridge.ledger.entry(&entry.lane, &entry.key).await?;
                let entry = entry.ok_or_else(|| Failure::permanent("the entry has expired"))?;
                Ok(self.deliver_to_haptik(conversation, &entry, action).await?)
            }
            delivered => Ok(delivered?),
        }
    }

    /// Tells Haptik what the user did.
    async fn deliver_to_haptik(
        &self,
        conversation: &Conversation<'_>,
        entry: &Entry,
        action: &UserAction,
    ) -> Result<DeliveryOutcome, DeliveryError> {
        let Conversation {
            connection,
            inbound,
            ..
        } = conversation;
        match action {
            UserAction::Message { text, attachments }
                if attachments.is_empty() && agent::is_asked_for(conversation, text) =>
            {
                self.ask_for_agent(conversation, entry, text).await
            }
            UserAction::Message { text, attachments } => {
                let name_of = |id| conversation.outlet.display_name(&inbound.address, id);
                let text = Mention::looked_up(text, &inbound.mentions, name_of).await;
                self.send_message(conversation, entry, &text, attachments)
                    .await
            }
            UserAction::Choice { message, index } => {
                let text = self.chosen(message, *index).await?.ok_or_else(|| {
                    Failure::permanent("the message that was tapped is no longer in the ledger")
                })?;
                if agent::is_asked_for(conversation, &text) {
                    return self.ask_for_agent(conversation, entry, &text).await;
                }
                self.send_message(conversation, entry, &text, &[]).await
            }
            UserAction::Handoff { id, says, .. } => {
                self.hand_over(conversation, entry, id, says).await
            }
            UserAction::Unresolved { .. } => Err(DeliveryError::Failed(Failure::permanent(
                "the channel fetched what has to be fetched again",
            ))),
            UserAction::MoveToAgent { handoff } => {
                self.move_to_team(conversation, entry, handoff).await
            }
            UserAction::ProfileChanged => Ok(DeliveryOutcome::Nothing("it was told before")),
            UserAction::Feedback {
                rating,
                resolved,
                comment,
            } => {
                let resolved_from = connection.handoff.rating_resolved_from;
                let feedback = Feedback {
                    auth_id: &inbound.auth_id,
                    business_id: connection.business_id,
                    query_resolved: resolved.unwrap_or(*rating >= resolved_from),
                    query_rating: *rating,
                    feedback: comment.as_deref(),
                };
                self.rate(conversation, entry, &feedback, *resolved).await
            }
        }
    }

    /// Sends the text, if there is one, and then each file. What was sent before a failure is not sent again.
    async fn send_message(
        &self,
        conversation: &Conversation<'_>,
        entry: &Entry,
        text: &str,
        attachments: &[Attachment],
    ) -> Result<DeliveryOutcome, DeliveryError> {
        let text = Some(text).filter(|text| !text.trim().is_empty());
        let parts = text
            .map(Part::Text)
            .into_iter()
            .chain(attachments.iter().map(Part::File));
        let count = parts.clone().count();
        let source = format!("haptik/{}", conversation.connection.account);
        for (index, part) in parts.enumerate().skip(entry.parts_done) {
            let since = Timestamp::now();
            match part {
                Part::Text(text) => self.send_text(conversation, entry, index, text).await?,
                Part::File(attachment) => {
                    self.send_file(conversation, entry, index, attachment)
                        .await?;
                }
            }
            record_step(entry, "sent_to_haptik", &source, since);
            if index + 1 < count {
                let (ledger, taken) = (&self.bridge.ledger, conversation.taken());
                ledger.progressed(entry, index + 1, &taken).await?;
            }
        }
        Ok(DeliveryOutcome::Whole)
    }
}

/// A part of what a user sent.
#[derive(Clone, Copy)]
enum Part<'a> {
    Text(&'a str),
    File(&'a Attachment),
}

/// Why something was not delivered to Haptik.
enum DeliveryError {
    /// Haptik does not know the user: register the user and deliver again.
    NotRegistered(HaptikError),
    /// Haptik does not move a chat in which the user has said nothing.
    NothingSaid(Failure),
    /// Something else.
    Failed(Failure),
}

impl From<HaptikError> for DeliveryError {
    fn from(error: HaptikError) -> Self {
        match error {
            HaptikError::NotRegistered { .. } => Self::NotRegistered(error),
            HaptikError::NothingSaid => Self::NothingSaid(error.into()),
            error => Self::Failed(error.into()),
        }
    }
}

impl From<SendError> for DeliveryError {
    fn from(error: SendError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Failure> for DeliveryError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<TableError> for DeliveryError {
    fn from(error: TableError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<DeliveryError> for Failure {
    fn from(error: DeliveryError) -> Self {
        match error {
            DeliveryError::NotRegistered(error) => error.into(),
            DeliveryError::NothingSaid(failure) | DeliveryError::Failed(failure) => failure,
        }
    }
}
