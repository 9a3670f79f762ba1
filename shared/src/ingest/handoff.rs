//! Hand-offs at the edge, and what follows from one that has ended.
//!
//! A hand-off is on from the moment at which its request is answered, so that the user's next message
//! is a part of it, and off from the moment at which the bot takes control back. It begins in one
//! transaction with the entry that tells Haptik. What ends it says so in the user's item first, and in the
//! same transaction that it is due to be looked after; what follows from that ([`Bridge::conclude`])
//! follows from what stands there, under keys that depend on nothing else, so that it may be done any
//! number of times and happens once: by whoever ended it, and by the next housekeeping where that was
//! stopped in between.
//!
//! The keys of what the bridge itself has to say are by time, as those of Haptik's events without a
//! message id ([`Event::key`](crate::haptik::webhook::Event::key)): after `webhook_conversation_complete`, and before the deprecated
//! `chat_complete`, which is held for the other.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::{NotDurable, RequestContext, record_received};
use crate::bridge::{Bridge, Connection};
use crate::ids::{AuthId, ConnectionId, EntryKey};
use crate::key::KeyKind;
use crate::lane::Lane;
use crate::ledger::{Appended, Payload, State};
use crate::message::handoff::{AskedBy, Ended, Handoff, Origin, Reason};
use crate::message::{Inbound, UserAction};
use crate::table::Erasure;
use crate::users::{Due, EndOutcome, RecordOutcome, User};

/// What a hand-off is asked for with.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Who calls it what.
    pub id: &'a str,
    /// Who asks.
    pub asked_by: AskedBy,
    /// The team that it is for, if not the connection's.
    pub team_name: Option<&'a str>,
    /// Who gets the chat, if not the connection's.
    pub receiver: Option<&'a str>,
}

/// What came of asking for a hand-off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BeginOutcome {
    /// It is on.
    New,
    /// It was asked for before, by the entry with this key.
    Before(EntryKey),
    /// Another is on, with this id.
    Another(String),
}

/// Why a hand-off that a bot asks for does not begin.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// Another is on, with this id.
    #[error("another hand-off is on")]
    Another(String),
    /// It could not be made durable.
    #[error(transparent)]
    NotDurable(#[from] NotDurable),
}

/// How often beginning a hand-off is tried while others change the same user.
const TRIES: usize = 5;

impl Bridge {
    /// Accepts a hand-off that a bot asks for: the state, with the entry that tells Haptik.
    pub async fn accept_handoff(
        &self,
        context: RequestContext<'_>,
        connection: (&ConnectionId, &Connection),
        mut inbound: Inbound,
    ) -> Result<(), BeginError> {
        let UserAction::Handoff {
            id,
            team_name,
            receiver,
            ..
        } = &inbound.action
        else {
            return Ok(());
        };
        let erasure = self.begin_anew(context, &inbound.auth_id, inbound.at);
        match erasure.await? {
            Erasure::None => {}
            Erasure::Since => return Ok(()),
            Erasure::InProgress => return Err(NotDurable::Busy.into()),
        }
        let id = id.clone();
        let ask = Ask {
            id: &id,
            asked_by: AskedBy::Application,
            team_name: team_name.as_deref(),
            receiver: receiver.as_deref(),
        };
        let lane = Lane::Haptik(inbound.auth_id.clone());
        record_received(context, &lane, &inbound.key);
        let since = Timestamp::now();
        let began = self.begin_handoff(context, connection, &inbound, ask);
        let appended = match began.await? {
            BeginOutcome::New => Appended::New,
            // The same request is the same entry, also where its sender gives it another time.
            BeginOutcome::Before(key) => {
                inbound.key = key;
                let entry = self.ledger.entry(&lane, &inbound.key).await;
                let entry = entry.map_err(NotDurable::from)?;
                let is_pending = entry.is_some_and(|entry| entry.state == State::Pending);
                if is_pending {
                    Appended::Pending
                } else {
                    Appended::Done
                }
            }
            BeginOutcome::Another(id) => return Err(BeginError::Another(id)),
        };
        self.ring_for(context, &lane, &inbound.key, appended, since)
            .await?;
        Ok(())
    }

    /// Begins a hand-off of a user who is where `inbound` says.
    ///
    /// # Errors
    /// When it is not durable, or others change the user all the time.
    pub async fn begin_handoff(
        &self,
        context: RequestContext<'_>,
        (connection_id, connection): (&ConnectionId, &Connection),
        inbound: &Inbound,
        ask: Ask<'_>,
    ) -> Result<BeginOutcome, NotDurable> {
        let (auth_id, began_at) = (&inbound.auth_id, context.now.as_millisecond());
        let handoff = new_handoff((connection_id, connection), inbound, ask, began_at);
        for _ in 0..TRIES {
            let known = self.users.get(auth_id).await?;
            if let Some(last) = &known {
                if let Some(key) = self.users.handoff_record(auth_id, ask.id).await? {
                    return Ok(BeginOutcome::Before(key));
                }
                match &last.handoff {
                    Some(other) if other.is_on() => {
                        return Ok(BeginOutcome::Another(other.id.clone()));
                    }
                    // Its state is about to be forgotten: whatever it left to be done is done first.
                    Some(_) => self.conclude(context, last).await?,
                    None => {}
                }
            }
            let place = place(connection_id, inbound, known, ask.asked_by, began_at);
            let entry = match ask.asked_by {
                AskedBy::Application => {
                    Some(self.asking(connection_id, inbound, context.now).await?)
                }
                // Its entry is the user's message, which is being delivered.
                AskedBy::User => None,
            };
            let ttl = self.config.delivery.entry_ttl;
            let begun = self
                .users
                .handoff_begin(&place, &handoff, &inbound.key, entry, ttl)
                .await?;
            match begun {
                RecordOutcome::New => return Ok(BeginOutcome::New),
                RecordOutcome::Before(key) => return Ok(BeginOutcome::Before(key)),
                RecordOutcome::Another(id) => return Ok(BeginOutcome::Another(id)),
                RecordOutcome::Changed => {}
            }
        }
        Err(NotDurable::Busy)
    }

    /// The entry that tells Haptik of a hand-off, as DynamoDB has it.
    async fn asking(
        &self,
        connection: &ConnectionId,
        inbound: &Inbound,
        now: Timestamp,
    ) -> Result<HashMap<String, AttributeValue>, NotDurable> {
        let payload = Payload::Inbound {
            connection: connection.clone(),
            inbound: Box::new(inbound.clone()),
            handoff: None,
        };
        let lane = Lane::Haptik(inbound.auth_id.clone());
        let entry = self
            .ledger
            .new_item(&lane, &inbound.key, &payload, inbound.at, now);
        Ok(entry.await?)
    }

    /// Ends the hand-off that a bot takes its user back from; its id, `None` when there is none that a
    /// bot asked for. Asking again is no error.
    pub async fn withdraw_handoff(
        &self,
        context: RequestContext<'_>,
        connection: &ConnectionId,
        auth_id: &AuthId,
    ) -> Result<Option<String>, NotDurable> {
        let user = self.users.get(auth_id).await?;
        let user = user.filter(|user| user.handoff_connection() == connection);
        let last = user.and_then(|user| user.handoff);
        let Some(last) = last.filter(|last| last.asked_by == AskedBy::Application) else {
            return Ok(None);
        };
        let ended = Ended::of(Reason::EndedByBot, context.now.as_millisecond());
        let over = self
            .end_handoff(context, auth_id, &last.id, &ended, false)
            .await?;
        let EndOutcome::Ended(user) = over else {
            return Ok(None);
        };
        let reason = user.handoff.and_then(|handoff| handoff.ended);
        let by_bot = reason.is_some_and(|ended| ended.reason == Reason::EndedByBot);
        Ok(Some(last.id).filter(|_| by_bot))
    }

    /// Ends a hand-off, unless it has ended, and sees to what follows.
    ///
    /// # Errors
    /// When it is not durable: to be done again.
    pub async fn end_handoff(
        &self,
        context: RequestContext<'_>,
        auth_id: &AuthId,
        id: &str,
        ended: &Ended,
        unless_joined: bool,
    ) -> Result<EndOutcome, NotDurable> {
        let over = self
            .users
            .handoff_end(auth_id, id, ended, unless_joined)
            .await?;
        if let EndOutcome::Ended(user) = &over {
            self.conclude(context, user).await?;
        }
        Ok(over)
    }

    /// The hand-off that a user is in, if one is on.
    pub async fn handoff_of(&self, auth_id: &AuthId) -> Result<Option<Handoff>, NotDurable> {
        let user = self.users.get(auth_id).await?;
        Ok(user.and_then(|user| user.handoff).filter(Handoff::is_on))
    }

    /// Sees to what follows from the end of the user's last hand-off.
    ///
    /// # Errors
    /// When it is not durable: to be done again.
    pub async fn conclude(
        &self,
        context: RequestContext<'_>,
        user: &User,
    ) -> Result<(), NotDurable> {
        let Some((handoff, ended)) = user
            .handoff
            .as_ref()
            .and_then(|handoff| Some((handoff, handoff.ended.as_ref()?)))
        else {
            return Ok(());
        };
        // Entries expire, and the hand-off stays with the user: what followed once must not follow again.
        if !self
            .users
            .is_to_be_concluded(&user.auth_id, handoff)
            .await?
        {
            return Ok(());
        }
        if handoff.asked_by == AskedBy::Application {
            let at = Timestamp::from_millisecond(ended.at).unwrap_or(context.now);
            let key = KeyKind::handoff_ended(ended.at, &handoff.id).into();
            let payload = Payload::HandoffEnded {
                handoff: Box::new(handoff.clone()),
            };
            let lane = Lane::Channel(user.auth_id.clone());
            self.accept(context, &lane, &key, &payload, at).await?;
            for message in handoff.arrived_too_late() {
                self.return_message(context, &user.auth_id, &handoff.id, &message.key)
                    .await?;
            }
        } else if matches!(ended.reason, Reason::NoAgent | Reason::Failed)
            && let Some(connection) = self.connections.get(&user.connection)
        {
            let text = &connection.handoff.missed_notice;
            let name = format!("missed-{}", handoff.id);
            self.notify(context, user, &name, text, ended.at).await?;
        }
        if ended.reason == Reason::NoAgent {
            self.emit_missed(context, user, handoff, ended).await?;
        }
        if let Err(error) = self.users.clear_handoff_due(&user.auth_id, handoff).await {
            // The next housekeeping does all of this once more, to no effect.
            tracing::warn!(%error, "a hand-off that is over stays due");
        }
        Ok(())
    }

    /// Gives a message back to the bot: the entry with this key, which came too late for the hand-off.
    pub async fn return_message(
        &self,
        context: RequestContext<'_>,
        auth_id: &AuthId,
        handoff: &str,
        key: &EntryKey,
    ) -> Result<(), NotDurable> {
        let entry = self
            .ledger
            .entry(&Lane::Haptik(auth_id.clone()), key)
            .await?;
        let Some(Payload::Inbound {
            inbound,
            connection,
            ..
        }) = entry.map(|entry| entry.payload)
        else {
            return Ok(());
        };
        let at = inbound.at;
        // Behind all that has a time: the bot is to have control before it gets what was said.
        let place = KeyKind::returned(key).into();
        let payload = Payload::MessageReturned {
            handoff: handoff.to_owned(),
            inbound,
            connection: Some(connection),
        };
        let lane = Lane::Channel(auth_id.clone());
        self.accept(context, &lane, &place, &payload, at).await
    }
}

/// A hand-off that begins now.
fn new_handoff(
    (connection_id, connection): (&ConnectionId, &Connection),
    inbound: &Inbound,
    ask: Ask<'_>,
    began_at: i64,
) -> Handoff {
    let settings = &connection.handoff;
    let team_name = ask.team_name.or(settings.team_name.as_deref());
    let receiver = ask.receiver.or(settings.receiver.as_deref());
    let due = settings.no_agent_after.map(|after| {
        let after = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
        Due::key(began_at.saturating_add(after), &inbound.auth_id, ask.id)
    });
    Handoff {
        id: ask.id.to_owned(),
        asked_by: ask.asked_by,
        team_name: team_name.map(ToOwned::to_owned),
        receiver: receiver.map(ToOwned::to_owned),
        origin: Some(Origin {
            connection: connection_id.clone(),
            channel_user: inbound.user.clone(),
            address: inbound.address.clone(),
        }),
        began_at,
        opened_at: None,
        joined_at: None,
        completed: None,
        waits_for_name: false,
        delivered: Vec::new(),
        due,
        ended: None,
    }
}

/// A user who is where a request says, with the last hand-off that is known.
fn place(
    connection: &ConnectionId,
    inbound: &Inbound,
    known: Option<User>,
    asked_by: AskedBy,
    now: i64,
) -> User {
    let (user, address) = (inbound.user.clone(), inbound.address.clone());
    let last_activity = match (&known, asked_by) {
        // It is the user's message, which is being delivered: the hour was noted with its time.
        (Some(known), AskedBy::User) => known.last_activity,
        _ => now,
    };
    User {
        handoff: known.and_then(|user| user.handoff),
        placed_at: Some(now),
        last_activity,
        ..User::new(inbound.auth_id.clone(), connection.clone(), user, address)
    }
}
