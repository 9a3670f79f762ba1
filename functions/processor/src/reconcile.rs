//! One conversation after an outage: what its transcript has and the ledger has not is delivered late.

use std::collections::{BTreeMap, BTreeSet};

use haptik_bridge_shared::activity::Hour;
use haptik_bridge_shared::bridge::{Bridge, Connection};
use haptik_bridge_shared::haptik::client::{HaptikClient, History, HistoryMessage};
use haptik_bridge_shared::haptik::transcript;
use haptik_bridge_shared::haptik::webhook::{Event, recovered};
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::ingest::{NotDurable, RequestContext};
use haptik_bridge_shared::key;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::Payload;
use haptik_bridge_shared::outage::Outage;
use haptik_bridge_shared::retry::{Failure, Retry, Retryable as _};
use haptik_bridge_shared::telemetry::Hop;
use haptik_bridge_shared::users::User;
use jiff::{SignedDuration, Timestamp};

/// Whom a transcript names as the user.
const THE_USER: &str = "user";

/// How far the clocks of both sides may be apart, and a transcript's times are cut to the second.
const SKEW: SignedDuration = SignedDuration::from_secs(2);

/// How long before its end a ledger entry is no longer counted on.
const ENTRY_MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// How many conversations after the last that is known to have completed are asked for.
const MOST_CONVERSATIONS: u64 = 8;

/// What came of reconciling a user.
pub(crate) enum Reconciliation {
    /// The user belongs to another hour or another account.
    NotDue,
    /// The conversation was compared, and what was missing is on its way.
    Compared,
    /// It could not be compared, for this reason.
    Impossible(String),
}

/// Compares conversations with their transcripts.
pub(crate) struct Reconciler<'a> {
    pub(crate) bridge: &'a Bridge,
    pub(crate) outage: &'a Outage,
    /// Until when what was said is compared.
    pub(crate) until: Timestamp,
    /// The hour whose users are looked at.
    pub(crate) hour: Hour,
    pub(crate) now: Timestamp,
}

impl Reconciler<'_> {
    /// Compares a user's conversation with its transcript and delivers what is missing.
    ///
    /// Only what Haptik said from the beginning of the outage until the webhook was enabled is: nothing of the
    /// user's own, nothing without a time or an id, and nothing older than the ledger's memory.
    pub(crate) async fn reconcile_user(&self, auth_id: &AuthId) -> Result<Reconciliation, Failure> {
        let Some(user) = self.bridge.users.get(auth_id).await? else {
            return Ok(Reconciliation::NotDue);
        };
        let (bridge, account) = (self.bridge, &self.outage.account);
        let connection = bridge.connections.get(&user.connection);
        let connection = connection.filter(|connection| connection.account == *account);
        let (Some(connection), Some(haptik)) = (connection, bridge.haptik.get(account)) else {
            return Ok(Reconciliation::NotDue);
        };
        // One who wrote again in a later hour was looked at there.
        let last = Hour::of_millisecond(user.last_activity);
        if last > self.hour && last <= Hour::of(self.until) {
            return Ok(Reconciliation::NotDue);
        }
        let Some(user_name) = &user.user_name else {
            let reason =
                "the user_name is unknown: Haptik has not delivered anything for this user";
            return Ok(Reconciliation::Impossible(reason.to_owned()));
        };
        let said = self
            .transcript(haptik, connection, auth_id, user_name)
            .await?;
        let from = self.from().max(self.remembered_from());
        let during = |message: &HistoryMessage| {
            let at = message.timestamp;
            at.is_some_and(|at| from <= at && at <= self.until)
        };
        // One who has written since is in the transcript, or it is that of another conversation.
        let has_written = user.last_activity >= self.outage.began.as_millisecond();
        if has_written && !said.values().any(during) {
            let reason = "its transcript was not found: the conversation_no is unknown";
            return Ok(Reconciliation::Impossible(reason.to_owned()));
        }
        let of_haptik = said.into_iter().filter(|(_, message)| {
            let sender = message.sender.trim();
            during(message) && !sender.is_empty() && !sender.eq_ignore_ascii_case(THE_USER)
        });
        let of_haptik: BTreeMap<u64, HistoryMessage> = of_haptik.collect();
        let known = self.known(auth_id, &of_haptik).await?;
        for (id, message) in &of_haptik {
            if !known.contains(id) {
                self.deliver_late(connection, &user, *id, message).await?;
            }
        }
        Ok(Reconciliation::Compared)
    }

    /// When the outage began, by either clock.
    fn from(&self) -> Timestamp {
        let began = self.outage.began;
        began.checked_sub(SKEW).unwrap_or(began)
    }

    /// From when on the ledger knows whether something was delivered.
    fn remembered_from(&self) -> Timestamp {
        let memory = SignedDuration::try_from(self.bridge.config.delivery.entry_ttl);
        let memory = memory.unwrap_or(SignedDuration::MAX);
        let oldest = self.now.checked_sub(memory).unwrap_or(Timestamp::MIN);
        oldest.checked_add(ENTRY_MARGIN).unwrap_or(oldest)
    }

    /// What was said in the user's latest conversations, by `message_id`: from the last one that is known to
    /// have completed on. Haptik tells the number of a conversation at its end; of a user without an end they
    /// are counted from 1, where Haptik wants a number at all.
    async fn transcript(
        &self,
        haptik: &HaptikClient,
        connection: &Connection,
        auth_id: &AuthId,
        user_name: &str,
    ) -> Result<BTreeMap<u64, HistoryMessage>, Failure> {
        let history = History {
            business_id: connection.business_id,
            user_name,
            conversation_no: None,
            limit: None,
        };
        let mut said = BTreeMap::new();
        let first = match self.bridge.activity.last_completed(auth_id).await? {
            Some(completed) => completed,
            None => match haptik.get_chat_history(&history).await {
                Ok(messages) => {
                    add(&mut said, messages);
                    return Ok(said);
                }
                Err(error) if error.retry() != Retry::Never => return Err(error.into()),
                Err(_) => 1,
            },
        };
        let take = |messages| add(&mut said, messages);
        let walked = transcript::walk(haptik, &history, first, MOST_CONVERSATIONS, take).await?;
        match walked {
            Some(refused) if said.is_empty() => Err(refused.into()),
            _ => Ok(said),
        }
    }

    /// Which of these messages the ledger has in the user's lane, whatever became of them.
    async fn known(
        &self,
        auth_id: &AuthId,
        messages: &BTreeMap<u64, HistoryMessage>,
    ) -> Result<BTreeSet<u64>, Failure> {
        let (Some((first, _)), Some((last, _))) =
            (messages.first_key_value(), messages.last_key_value())
        else {
            return Ok(BTreeSet::new());
        };
        let lane = Lane::Channel(auth_id.clone());
        let keys = |from: u64, to: u64| {
            let (from, to) = key::range(from, to);
            let (ledger, lane) = (&self.bridge.ledger, &lane);
            async move { ledger.keys(lane, &from, &to).await }
        };
        let mut known: BTreeSet<u64> = keys(*first, *last)
            .await?
            .iter()
            .filter_map(|key| key.kind()?.message_id())
            .collect();
        // A completion's key begins with its time and ends with its id.
        let since = key::milliseconds(self.from());
        let by_time = keys(since, key::milliseconds(self.now)).await?;
        known.extend(by_time.iter().filter_map(|key| key.kind()?.message_id()));
        Ok(known)
    }

    /// Delivers a message as if Haptik had, under the key that its delivery would have had: whichever
    /// comes second is a repetition.
    async fn deliver_late(
        &self,
        connection: &Connection,
        user: &User,
        id: u64,
        message: &HistoryMessage,
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
        let (key, at) = (
            event.key(body.as_bytes()),
            event.timestamp.unwrap_or(self.now),
        );
        let lane = Lane::Channel(auth_id.clone());
        let (bridge, outage) = (self.bridge, self.outage);
        // Before it is delivered: after a kill in between, the ledger has it, and nobody looks again.
        bridge.outages.recovered(outage, auth_id, &key).await?;
        let source = format!("haptik/{}", outage.account);
        let payload = Payload::Webhook {
            account: outage.account.clone(),
            body: body.clone(),
        };
        let passing = |error: NotDurable| Failure::passing(error.to_string());
        let received_at = Timestamp::now();
        let context = RequestContext::new(&source, received_at);
        bridge
            .accept_for_sinks(context, &event, &payload, body.as_bytes())
            .await
            .map_err(passing)?;
        bridge
            .accept(context, &lane, &key, &payload, at)
            .await
            .map_err(passing)?;
        let hop = Hop::new("recovered", &source).entry(&lane, &key);
        hop.since(received_at).emit();
        Ok(())
    }
}

/// Adds messages that have an id; whether any of them is new.
fn add(said: &mut BTreeMap<u64, HistoryMessage>, messages: Vec<HistoryMessage>) -> bool {
    let before = said.len();
    said.extend(messages.into_iter().filter_map(|message| {
        let id = message.message_id?;
        Some((id, message))
    }));
    said.len() > before
}
