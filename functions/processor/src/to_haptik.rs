//! Towards Haptik: registers the user once, then delivers what the user did.

mod address;
mod agent;
mod file;
mod form;
mod handoff;
mod move_chat;
mod rating;
mod register;
mod say;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use haptik_bridge_channels::channel::{Indicator, SendError};
use haptik_bridge_channels::connections::Outlets;
use haptik_bridge_channels::erased::AnyOutlet;
use haptik_bridge_shared::bridge::{Bridge, Connection};
use haptik_bridge_shared::haptik::client::{Feedback, HaptikClient, HaptikError, Logged};
use haptik_bridge_shared::ids::ConnectionId;
use haptik_bridge_shared::ledger::Entry;
use haptik_bridge_shared::message::hsl::{Actionable, Effect};
use haptik_bridge_shared::message::offer::Chosen;
use haptik_bridge_shared::message::{Attachment, Inbound, Mention, MessageRef, UserAction};
use haptik_bridge_shared::offers::Offers;
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_shared::table::TableError;
use haptik_bridge_shared::users::User;
use jiff::Timestamp;

use self::form::{Did, Filling};
use crate::activity::ShownIndicator;
use crate::attempt::{DeliveryOutcome, connection, outlet, record_step};
use crate::limits::ACTIVITY_TIMEOUT;
use crate::offer;

/// How many messages of one user show that they were taken while nothing is answered.
const MOST_ACTIVITIES: usize = 20;

/// How long the names of all mentioned users may take: a message is not kept back for them.
const MENTIONS_TIMEOUT: Duration = Duration::from_secs(2);

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
            haptik.ok_or_else(|| Failure::permanent("the account is no longer configured"))?;
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
        // The activity before the message: an answer that came before it would leave it standing.
        let (registered, ()) = tokio::join!(
            self.register(&conversation, &user, entry, false),
            self.show_activity(&conversation, &user, entry),
        );
        registered?;
        let Some((action, is_choice)) = self.resolved(&conversation, entry).await? else {
            return Ok(DeliveryOutcome::Undelivered("what was sent is gone"));
        };
        let did = Did {
            action: &action,
            is_choice,
        };
        let (action, filled) = match self.fill_in(&conversation, entry, did).await? {
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
        let sent = Box::pin(self.send_to_registered(&conversation, &user, entry, &action));
        let outcome = sent.await?;
        if let Some(answers) = filled {
            self.note_form_sent(&conversation, *answers).await?;
        }
        if let Some(id) = handoff {
            self.note_message_taken(&conversation, entry, id).await?;
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

    /// Shows the user that something was taken, on the first try only: it is worth doing at once or not
    /// at all, and a failure is neither repeated nor anybody's problem.
    async fn show_activity(&self, conversation: &Conversation<'_>, user: &User, entry: &Entry) {
        let Conversation {
            outlet, inbound, ..
        } = conversation;
        let (at, on) = (&inbound.address, inbound.message_id.as_deref());
        let Some(indicator) = outlet.indicator(at, on) else {
            return;
        };
        if entry.attempts > 0 || user.activities.len() >= MOST_ACTIVITIES {
            return;
        }
        let noted = match (indicator, on) {
            (Indicator::Sticky(indicator), Some(on)) => ShownIndicator {
                connection: Some(conversation.connection_id.clone()),
                address: at.clone(),
                message_id: on.to_owned(),
                indicator,
            }
            .written(),
            (Indicator::Sticky(_) | Indicator::Passing, _) => None,
        };
        // Noted first: the answer may come before the channel has said that it is shown.
        if let Some(noted) = &noted
            && let Err(error) = self.bridge.users.add_activity(&user.auth_id, noted).await
        {
            tracing::warn!(%error, "an activity cannot be noted");
            return;
        }
        let showing = outlet.show_activity(at, on);
        let Ok(shown) = tokio::time::timeout(ACTIVITY_TIMEOUT, showing).await else {
            // It may be shown all the same, so it stays noted and is taken away with the answer.
            tracing::warn!("it took too long to show that a message was taken");
            return;
        };
        if let Err(error) = shown {
            let reason = error.reason;
            tracing::warn!(reason, "it cannot be shown that a message was taken");
            let users = &self.bridge.users;
            if let Some(noted) = noted
                && let Err(error) = users.remove_activities(&user.auth_id, vec![noted]).await
            {
                tracing::warn!(%error, "an activity that is not shown cannot be forgotten");
            }
        }
    }

    /// What the user did, with what has to be fetched for it, and what was chosen in place of a number; and
    /// whether it was. `None` where what was sent is gone.
    async fn resolved(
        &self,
        conversation: &Conversation<'_>,
        entry: &Entry,
    ) -> Result<Option<(UserAction, bool)>, Failure> {
        let Conversation {
            outlet, inbound, ..
        } = conversation;
        let action = match &inbound.action {
            UserAction::Unresolved { reference } => {
                let fetched = outlet.resolve(&inbound.address, reference).await?;
                let Some(action) = fetched else {
                    return Ok(None);
                };
                action
            }
            action => action.clone(),
        };
        let chosen = self.answer_offer(conversation, entry, &action).await?;
        let is_choice = chosen.is_some();
        Ok(Some((chosen.unwrap_or(action), is_choice)))
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
                let text = resolve_mentions(conversation, text).await;
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

    /// What a choice says that the channel could only refer to; `None` where that is no longer in the
    /// ledger.
    async fn chosen(
        &self,
        message: &MessageRef,
        index: usize,
    ) -> Result<Option<String>, TableError> {
        let offers = Offers::new(self.bridge.ledger.clone());
        let offered = offers.offered(message).await?;
        let effect = offered
            .as_ref()
            .and_then(|hsl| hsl.actionables().nth(index).map(Actionable::effect));
        Ok(match effect {
            Some(
                Effect::Say(said)
                | Effect::Open {
                    said: Some(said), ..
                },
            ) => Some(said.sent),
            _ => None,
        })
    }

    /// What a text stands for that answers numbered choices; `None` where it stands for itself. Whatever
    /// the user does ends the offer, which is noted before anything is told to Haptik.
    async fn answer_offer(
        &self,
        conversation: &Conversation<'_>,
        entry: &Entry,
        action: &UserAction,
    ) -> Result<Option<UserAction>, Failure> {
        let text = match action {
            UserAction::Message { text, attachments } => {
                Some(text.as_str()).filter(|_| attachments.is_empty())
            }
            UserAction::Choice { .. } | UserAction::Feedback { .. } => None,
            UserAction::Handoff { .. }
            | UserAction::MoveToAgent { .. }
            | UserAction::ProfileChanged
            | UserAction::Unresolved { .. } => return Ok(None),
        };
        let user = conversation.user;
        // What is said elsewhere ends the offer, and is no answer to it.
        let (offered, here) = (user.offer.as_ref(), conversation.connection_id);
        let text = text.filter(|_| offered.is_none_or(|offer| offer::is_shown_at(offer, here)));
        let ended = offer::ended_by_user(user, &entry.key, entry.received_at, text);
        let Some(ended) = ended else {
            return Ok(None);
        };
        if user.offer_end.as_ref() != Some(&ended) {
            let users = &self.bridge.users;
            users.put_offer_end(&user.auth_id, &ended).await?;
        }
        let Some(Chosen { index, rating }) = ended.chosen else {
            return Ok(None);
        };
        if let Some(rating) = rating {
            return Ok(Some(UserAction::Feedback {
                rating,
                resolved: None,
                comment: None,
            }));
        }
        let said = self.chosen(&ended.offer, index).await?;
        Ok(said.map(UserAction::said))
    }
}

/// A part of what a user sent.
#[derive(Clone, Copy)]
enum Part<'a> {
    Text(&'a str),
    File(&'a Attachment),
}

/// A text with names in place of ids, where the channel knows them.
async fn resolve_mentions(conversation: &Conversation<'_>, text: &str) -> String {
    let outlet = conversation.outlet;
    let address = &conversation.inbound.address;
    let mut names = Vec::new();
    let looking_up = async {
        for mention in &conversation.inbound.mentions {
            if let Some(name) = outlet.display_name(address, &mention.id).await {
                names.push((mention, name));
            }
        }
    };
    if tokio::time::timeout(MENTIONS_TIMEOUT, looking_up)
        .await
        .is_err()
    {
        tracing::warn!("it took too long to ask for the names of mentioned users");
    }
    Mention::named(text, &names)
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
