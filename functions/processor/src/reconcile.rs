//! One conversation after an outage: what its transcript has and the ledger has not is delivered late.

use std::collections::{BTreeMap, BTreeSet};

use haptik_bridge_shared::activity::Hour;
use haptik_bridge_shared::bridge::Connection;
use haptik_bridge_shared::haptik::client::{HaptikClient, History, HistoryMessage};
use haptik_bridge_shared::haptik::webhook::{Event, recovered};
use haptik_bridge_shared::ids::{AuthId, CorrelationId};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::Payload;
use haptik_bridge_shared::outage::Outage;
use haptik_bridge_shared::retry::{Failure, Retry, Retryable as _};
use haptik_bridge_shared::telemetry::{self, Hop, Outcome};
use haptik_bridge_shared::users::User;
use jiff::{SignedDuration, Timestamp};

use crate::Processor;
use crate::to_haptik::ACTIVITY_STEP;

/// Whom a transcript names as the user.
const THE_USER: &str = "user";

/// How far the clocks of both sides may be apart, and a transcript's times are cut to the second.
const SKEW: SignedDuration = SignedDuration::from_secs(2);

/// How long before its end a ledger entry is no longer counted on.
const ENTRY_MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// How many conversations after the last that is known to have completed are asked for.
const MOST_CONVERSATIONS: u64 = 8;

/// What came of looking at a user.
pub(crate) enum Looked {
    /// The user belongs to another hour, another account, or another time.
    Elsewhere,
    /// The conversation was compared; this many messages were missing.
    At { missing: usize },
    /// It could not be, for this reason.
    Not(String),
}

impl Processor {
    /// Compares a user's conversation with its transcript and delivers what is missing.
    ///
    /// Only what Haptik said from the beginning of the outage until `enabled` is: nothing of the user's own,
    /// nothing without a time or an id, and nothing older than the ledger's memory.
    pub(crate) async fn look(
        &self,
        outage: &Outage,
        enabled: Timestamp,
        hour: i64,
        auth_id: &AuthId,
        now: Timestamp,
    ) -> Result<Looked, Failure> {
        let Some(user) = self.bridge.users.get(auth_id).await? else {
            return Ok(Looked::Elsewhere);
        };
        let connection = self.bridge.connections.get(&user.connection);
        let connection = connection.filter(|connection| connection.account == outage.account);
        let haptik = self.bridge.haptik.get(&outage.account);
        let (Some(connection), Some(haptik)) = (connection, haptik) else {
            return Ok(Looked::Elsewhere);
        };
        // One who wrote again in a later hour of the outage was looked at there.
        let last = Hour::of_millisecond(user.last_activity).number();
        let was_looked_at = last > hour && last <= Hour::of(enabled).number();
        let began = outage.began.as_millisecond();
        let may_have_written = user.last_activity + ACTIVITY_STEP >= began;
        if was_looked_at || !(outage.pass.wide || may_have_written) {
            return Ok(Looked::Elsewhere);
        }
        let Some(user_name) = &user.user_name else {
            let reason =
                "the user_name is unknown: Haptik has not delivered anything for this user";
            return Ok(Looked::Not(reason.to_owned()));
        };
        let said = self
            .transcript(haptik, connection, auth_id, user_name)
            .await?;
        let from = (outage.began - SKEW).max(self.remembered_from(now));
        let during = |message: &HistoryMessage| {
            let at = message.timestamp;
            at.is_some_and(|at| from <= at && at <= enabled)
        };
        // One who has written since is in the transcript, or it is that of another conversation.
        if user.last_activity >= began && !said.values().any(during) {
            let reason = "its transcript was not found: the conversation_no is unknown";
            return Ok(Looked::Not(reason.to_owned()));
        }
        let of_haptik = said.into_iter().filter(|(_, message)| {
            let sender = message.sender.trim();
            during(message) && !sender.is_empty() && !sender.eq_ignore_ascii_case(THE_USER)
        });
        let of_haptik: BTreeMap<u64, HistoryMessage> = of_haptik.collect();
        let known = self.known(auth_id, &of_haptik, outage, now).await?;
        let missing: Vec<_> = of_haptik
            .iter()
            .filter(|(id, _)| !known.contains(id))
            .collect();
        for (id, message) in &missing {
            self.deliver_late(outage, connection, &user, **id, message, now)
                .await?;
        }
        Ok(Looked::At {
            missing: missing.len(),
        })
    }

    /// From when on the ledger knows whether something was delivered.
    fn remembered_from(&self, now: Timestamp) -> Timestamp {
        let memory = SignedDuration::try_from(self.bridge.config.delivery.entry_ttl);
        let memory = memory.unwrap_or(SignedDuration::MAX);
        let oldest = now.checked_sub(memory).unwrap_or(Timestamp::MIN);
        oldest.checked_add(ENTRY_MARGIN).unwrap_or(oldest)
    }

    /// What was said in the user's latest conversations, by `message_id`: from the last one that is known to
    /// have completed on. Haptik numbers a user's conversations, and tells the number of one at its end; of
    /// a user without an end they are counted from 1, where Haptik wants a number at all.
    async fn transcript(
        &self,
        haptik: &HaptikClient,
        connection: &Connection,
        auth_id: &AuthId,
        user_name: &str,
    ) -> Result<BTreeMap<u64, HistoryMessage>, Failure> {
        let history = async |conversation_no: Option<u64>| {
            let conversation_no = conversation_no.map(|number| number.to_string());
            let history = History {
                business_id: connection.business_id,
                user_name,
                conversation_no: conversation_no.as_deref(),
                limit: None,
            };
            haptik.get_chat_history(&history).await
        };
        let mut said = BTreeMap::new();
        let first = match self.bridge.activity.last_completed(auth_id).await? {
            Some(completed) => completed,
            None => match history(None).await {
                Ok(messages) => {
                    add(&mut said, messages);
                    return Ok(said);
                }
                Err(error) if error.retry() != Retry::Never => return Err(error.into()),
                Err(_) => 1,
            },
        };
        let mut refused = None;
        for number in first..first.saturating_add(MOST_CONVERSATIONS) {
            match history(Some(number)).await {
                // The last that completed may be empty by now; what follows it may not.
                Ok(messages) => {
                    if add(&mut said, messages) == 0 && number > first {
                        break;
                    }
                }
                Err(error) if error.retry() != Retry::Never => return Err(error.into()),
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        match refused {
            Some(error) if error.is_unreadable() => Err(error.into()),
            Some(error) if said.is_empty() => Err(error.into()),
            _ => Ok(said),
        }
    }

    /// Which of these messages the ledger has in the user's lane, whatever became of them.
    async fn known(
        &self,
        auth_id: &AuthId,
        messages: &BTreeMap<u64, HistoryMessage>,
        outage: &Outage,
        now: Timestamp,
    ) -> Result<BTreeSet<u64>, Failure> {
        let (Some((first, _)), Some((last, _))) =
            (messages.first_key_value(), messages.last_key_value())
        else {
            return Ok(BTreeSet::new());
        };
        let lane = Lane::Channel(auth_id.clone());
        let keys = |from: u64, to: u64| {
            let (from, to) = (format!("{from:020}"), format!("{to:020}~"));
            let (ledger, lane) = (&self.bridge.ledger, &lane);
            async move { ledger.keys(lane, &from, &to).await }
        };
        let mut known: BTreeSet<u64> = keys(*first, *last)
            .await?
            .iter()
            .filter_map(Event::message_id_of)
            .collect();
        // A completion's key begins with its time and ends with its id.
        let time = |at: Timestamp| u64::try_from(at.as_millisecond()).unwrap_or_default();
        let by_time = keys(time(outage.began - SKEW), time(now)).await?;
        known.extend(by_time.iter().filter_map(Event::message_id_of));
        Ok(known)
    }

    /// Delivers a message as if Haptik had, under the key that its delivery would have had: whichever
    /// comes second is a repetition.
    async fn deliver_late(
        &self,
        outage: &Outage,
        connection: &Connection,
        user: &User,
        id: u64,
        message: &HistoryMessage,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let auth_id = &user.auth_id;
        let body = recovered(
            auth_id,
            user.user_name.as_deref(),
            connection.business_id,
            id,
            message,
        );
        let event =
            Event::read(body.as_bytes()).map_err(|error| Failure::permanent(error.to_string()))?;
        let (key, at) = (event.key(body.as_bytes()), event.timestamp.unwrap_or(now));
        let lane = Lane::Channel(auth_id.clone());
        let outages = &self.bridge.outages;
        outages.recovered(outage, auth_id, &key).await?;
        let source = format!("haptik/{}", outage.account);
        let payload = Payload::Webhook {
            account: outage.account.clone(),
            body: body.clone(),
        };
        let passing =
            |error: haptik_bridge_shared::edge::NotDurable| Failure::passing(error.to_string());
        let bridge = &self.bridge;
        let received_at = Timestamp::now();
        bridge
            .accept_for_sinks(&source, &event, &payload, body.as_bytes(), received_at)
            .await
            .map_err(passing)?;
        bridge
            .accept(&source, &lane, &key, &payload, at, received_at)
            .await
            .map_err(passing)?;
        telemetry::hop(&Hop {
            name: "recovered",
            outcome: Outcome::Ok,
            correlation_id: Some(&CorrelationId::of(&lane.to_string(), &key)),
            lane: Some(&lane),
            key: Some(&key),
            source: &source,
            at: None,
            since: Some(received_at),
            reason: None,
        });
        Ok(())
    }
}

/// Adds messages that have an id; returns how many are new.
fn add(said: &mut BTreeMap<u64, HistoryMessage>, messages: Vec<HistoryMessage>) -> usize {
    let before = said.len();
    said.extend(messages.into_iter().filter_map(|message| {
        let id = message.message_id?;
        Some((id, message))
    }));
    said.len() - before
}
