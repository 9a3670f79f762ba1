//! What is done from time to time, whether or not anybody writes.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use haptik_bridge_channels::connections::Outlets;
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::haptik::BRIDGE_PLATFORM;
use haptik_bridge_shared::haptik::client::HaptikClient;
use haptik_bridge_shared::haptik::webhook::{Event, EventKind};
use haptik_bridge_shared::health::Due;
use haptik_bridge_shared::ids::{AccountId, AuthId};
use haptik_bridge_shared::ingest::{NotDurable, RequestContext};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Payload, Place};
use haptik_bridge_shared::message::handoff::{Ended, Handoff, Reason};
use haptik_bridge_shared::message::{Content, SenderKind};
use haptik_bridge_shared::retry::{Retry, Retryable as _};
use haptik_bridge_shared::table::TableError;
use haptik_bridge_shared::telemetry::{self, Outcome};
use haptik_bridge_shared::users;
use haptik_bridge_sinks::Sinks;
use jiff::Timestamp;
use tokio::time::{timeout, timeout_at};

use crate::outage::{OutageFollower, record_account_hop};

/// How many pages of hand-offs one run looks at: what is due beyond that is the next one's.
const HANDOFF_PAGES: usize = 50;

/// How many pages of receipts one run closes: what is due beyond that is the next one's.
const RECEIPT_PAGES: usize = 50;

/// How many receipts are closed side by side.
const RECEIPTS_AT_ONCE: usize = 8;

/// How many webhooks of an account are enabled side by side.
const ENABLES_AT_ONCE: usize = 8;

/// How long a step may take that is not about the webhooks: the rest is the next run's. The first steps, the webhooks
/// and what is under way then stay within the function's 90 s (`template.yaml`).
const LONGEST_STEP: Duration = Duration::from_secs(7);

/// How long one run may compare conversations with their transcripts, from when it turns to the webhooks on.
const LONGEST_COMPARISON: Duration = Duration::from_secs(25);

/// Up to how many entries are counted that were given up.
const MOST_DEAD: usize = 1_000;

/// Every how many seconds connections are looked after.
const UPKEEP: i64 = 5 * 60;

/// Every how many seconds lanes are rung that have something pending.
const RUNG_EVERY: i64 = 60 * 60;

/// Why nobody joined a hand-off whose chat was never moved.
const NEVER_MOVED: &str = "the chat was not moved: no delivery of Haptik's had the user's user_name, by which Haptik moves chats";

/// A webhook of ours at Haptik: each queue has one for each platform.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Webhook {
    account: AccountId,
    business_id: u64,
    platform: u64,
    /// Whether nobody writes to the bridge by it.
    is_only_for_sinks: bool,
}

/// What is done by the schedule.
pub(crate) struct Maintenance<'a> {
    pub(crate) bridge: &'a Bridge,
    pub(crate) sinks: &'a Sinks,
    pub(crate) outlets: &'a Outlets,
    pub(crate) done: &'a LastDone,
}

/// When this process last did what it does from time to time, in seconds since 1970: at first when it begins.
#[derive(Debug, Default)]
pub(crate) struct LastDone {
    looked_after_connections: AtomicI64,
    rang_pending: AtomicI64,
}

fn is_due(last: &AtomicI64, every: i64, now: Timestamp) -> bool {
    now.as_second() - last.load(Ordering::Relaxed) >= every
}

fn note_done(last: &AtomicI64, now: Timestamp) {
    last.store(now.as_second(), Ordering::Relaxed);
}

impl Maintenance<'_> {
    /// Ends hand-offs that nobody has taken, tries sinks that need attention, enables our webhook at Haptik
    /// where that is due ([`haptik_bridge_shared::health`]), and takes each outage and its reconciliation
    /// one step further (`outage`). When the process begins and once an hour it also rings the lanes that have
    /// something pending, for which nobody may have rung; every few minutes it mends what a channel's provider has
    /// ended.
    ///
    /// Each step has its time, so that none uses up that of the others. The webhooks come last, since they may take
    /// longest, and all accounts at once.
    pub(crate) async fn run(&self, now: Timestamp) {
        in_time("hand-offs", Box::pin(self.end_overdue_handoffs(now))).await;
        in_time("receipts", self.close_overdue_receipts(now)).await;
        in_time("dead", self.count_dead(now)).await;
        in_time("sinks", self.try_closed_sinks(now)).await;
        in_time("pending", self.ring_pending(now)).await;
        in_time("connections", self.look_after_connections(now)).await;
        let webhooks = self.webhooks();
        let accounts: BTreeSet<&AccountId> = webhooks.iter().map(|of| &of.account).collect();
        let deadline = Instant::now() + LONGEST_COMPARISON;
        let accounts = accounts.into_iter();
        let looked_after =
            accounts.map(|account| self.look_after_webhook(account, &webhooks, deadline, now));
        join_all(looked_after).await;
    }

    /// Rings the lanes that have something pending, every [`RUNG_EVERY`] seconds, whatever becomes of the webhooks. What
    /// fails is done by the next run.
    async fn ring_pending(&self, now: Timestamp) {
        if !is_due(&self.done.rang_pending, RUNG_EVERY, now) {
            return;
        }
        match self.bridge.ring_pending(now).await {
            Ok(_) => note_done(&self.done.rang_pending, now),
            Err(error) => tracing::warn!(%error, "what is pending could not be rung for"),
        }
    }

    /// Mends what providers have ended by themselves, every [`UPKEEP`] seconds, and when the process begins.
    async fn look_after_connections(&self, now: Timestamp) {
        if !is_due(&self.done.looked_after_connections, UPKEEP, now) {
            return;
        }
        note_done(&self.done.looked_after_connections, now);
        let connections = self.outlets.iter();
        join_all(connections.map(|(connection, outlet)| async move {
            match outlet.look_after().await {
                Ok(None) => {}
                Ok(Some(mended)) => tracing::warn!(%connection, mended, "a connection was mended"),
                Err(error) => {
                    let reason = error.reason;
                    tracing::warn!(%connection, reason, "a connection could not be looked after");
                }
            }
        }))
        .await;
    }

    /// Counts what was given up and lies there, as long as entries are kept.
    async fn count_dead(&self, now: Timestamp) {
        let kept = self.bridge.config.delivery.entry_ttl;
        let since = now.checked_sub(kept).unwrap_or(now);
        match self.bridge.ledger.count_dead(since, MOST_DEAD).await {
            Ok(count) => telemetry::dead_now(count),
            Err(error) => tracing::warn!(%error, "how much was given up is not known"),
        }
    }

    /// Enables an account's webhook where that is due, and follows its outage until `deadline`. `webhooks` are those of
    /// all accounts.
    async fn look_after_webhook(
        &self,
        account: &AccountId,
        webhooks: &BTreeSet<Webhook>,
        deadline: Instant,
        now: Timestamp,
    ) {
        let health = match self.bridge.health.of(account).await {
            Ok(health) => health,
            Err(error) => {
                // Whatever is known there: enabling is never wrong. What fails is logged, and tried by the next run.
                tracing::warn!(%account, %error, "the health of the webhook is not known");
                let enabled = self.enable(account, webhooks, Due::Hourly, now);
                let _ = timeout_at(deadline.into(), enabled).await;
                return;
            }
        };
        let outages = OutageFollower {
            bridge: self.bridge,
            deadline,
        };
        let due = health.due(now);
        let outage = outages.current(account, &health, due.is_some(), now).await;
        let enabled = match due {
            Some(due) => {
                let enabled = self.enable(account, webhooks, due, now);
                let enabled = timeout_at(deadline.into(), enabled).await;
                Some(enabled.unwrap_or_else(|_| Err("Haptik takes too long".to_owned())))
            }
            None => None,
        };
        let followed = match outage {
            Ok(Some(outage)) => outages.follow(outage, &health, enabled, now).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = followed {
            tracing::warn!(%account, %error, "the record of an outage is left for the next time");
        }
    }

    /// Enables the webhook of all of an account's queues and platforms; or why that did not go well. What
    /// Haptik refuses of those by which nobody writes to the bridge is recorded, and holds up nothing else: it
    /// would be the same in a minute.
    async fn enable(
        &self,
        account: &AccountId,
        webhooks: &BTreeSet<Webhook>,
        due: Due,
        now: Timestamp,
    ) -> Result<(), String> {
        let Some(haptik) = self.bridge.haptik.get(account) else {
            return Err("the account is not configured".to_owned());
        };
        let of_account = webhooks.iter().filter(|of| of.account == *account);
        let enabling: Vec<_> = of_account
            .map(|webhook| enable_one(haptik, webhook, due, now))
            .collect();
        let mut enabling = stream::iter(enabling).buffer_unordered(ENABLES_AT_ONCE);
        let mut all = Ok(());
        while let Some(enabled) = enabling.next().await {
            all = all.and(enabled);
        }
        if all.is_ok()
            && let Err(error) = self.bridge.health.note_enabled(account, now).await
        {
            tracing::warn!(%account, %error, "that the webhook was enabled is not noted");
        }
        all
    }

    /// Ends the hand-offs that no agent has joined in time: the user, the bot and the sinks are notified. One
    /// that ended when whoever ended it was stopped is ended again, so that all that follows is in the
    /// ledger. What fails stays due, and does not hold up the others.
    async fn end_overdue_handoffs(&self, now: Timestamp) {
        let mut after: Option<String> = None;
        for _ in 0..HANDOFF_PAGES {
            let due = match self.bridge.users.handoffs_due(now, after.as_deref()).await {
                Ok(due) => due,
                Err(error) => {
                    tracing::warn!(%error, "which hand-offs are due is not known");
                    return;
                }
            };
            let Some(last) = due.last() else {
                return;
            };
            after = Some(last.key.clone());
            for due in &due {
                if let Err(error) = self.end_overdue_handoff(due).await {
                    tracing::warn!(%error, "a hand-off that is due cannot be ended");
                    if error.retry() != Retry::Never {
                        return;
                    }
                }
            }
        }
    }

    /// Closes the receipts of messages of which their channel has said nothing for as long as that is waited for.
    async fn close_overdue_receipts(&self, now: Timestamp) {
        let is_waited_for = self.outlets.report_later();
        if !is_waited_for || self.bridge.sinks_for_receipts().next().is_none() {
            return;
        }
        let mut after: Option<String> = None;
        for _ in 0..RECEIPT_PAGES {
            let due = match self.bridge.ledger.receipts_due(now, after.as_deref()).await {
                Ok(due) => due,
                Err(error) => {
                    tracing::warn!(%error, "which receipts are due is not known");
                    return;
                }
            };
            let Some((last, _)) = due.last() else {
                return;
            };
            after = Some(last.clone());
            let closing: Vec<_> = due
                .iter()
                .map(|(key, place)| self.close_overdue_receipt(key, place))
                .collect();
            let mut closing = stream::iter(closing).buffer_unordered(RECEIPTS_AT_ONCE);
            while let Some(closed) = closing.next().await {
                let Err(error) = closed else { continue };
                tracing::warn!(%error, "a receipt that is due cannot be closed");
                if error.retry() != Retry::Never {
                    return;
                }
            }
        }
    }

    async fn close_overdue_receipt(&self, key: &str, place: &Place) -> Result<(), NotDurable> {
        let context = RequestContext::new("processor", Timestamp::now());
        if !self.bridge.close_receipt(context, place, true).await? {
            // Closed before, by a process that was stopped right then, or gone.
            self.bridge.ledger.forget_receipt_due(key).await?;
        }
        Ok(())
    }

    async fn end_overdue_handoff(&self, due: &users::Due) -> Result<(), NotDurable> {
        let (bridge, now) = (self.bridge, Timestamp::now());
        let user = bridge.users.get(&due.auth_id).await?;
        let handoff = user.as_ref().and_then(|user| user.handoff.as_ref());
        if let Some(handoff) = handoff.filter(|handoff| handoff.id == due.id && handoff.is_on())
            && self.agent_is_pending(&due.auth_id, handoff).await?
        {
            return Ok(());
        }
        let was_moved = user.is_none_or(|user| {
            let handoff = user.handoff.filter(|handoff| handoff.id == due.id);
            !handoff.is_some_and(|handoff| handoff.waits_for_name)
        });
        let ended = Ended {
            error: (!was_moved).then(|| NEVER_MOVED.to_owned()),
            ..Ended::of(Reason::NoAgent, now.as_millisecond())
        };
        bridge
            .end_handoff(
                RequestContext::new("processor", now),
                &due.auth_id,
                &due.id,
                &ended,
                true,
            )
            .await?;
        Ok(bridge.users.handoff_forget_due(&due.key).await?)
    }

    /// Whether an agent has joined, or said something, which waits behind what cannot be shown yet: once it has had its
    /// turn, this hand-off is no longer due.
    async fn agent_is_pending(
        &self,
        auth_id: &AuthId,
        handoff: &Handoff,
    ) -> Result<bool, TableError> {
        let lane = Lane::Channel(auth_id.clone());
        let (pending, _) = self.bridge.ledger.pending(&lane).await?;
        Ok(pending.iter().any(|entry| {
            let Payload::Webhook { body, .. } = &entry.payload else {
                return false;
            };
            let Ok(event) = Event::read(body.as_bytes()) else {
                return false;
            };
            let is_an_agents = matches!(event.content(), Some(Content::AgentJoined { .. }))
                || event.kind == EventKind::Message && event.sender.kind == SenderKind::Agent;
            is_an_agents && handoff.is_of(entry.at.as_millisecond())
        }))
    }

    /// Rings a lane of each sink that needs attention, where it is time to try whether it still does.
    async fn try_closed_sinks(&self, now: Timestamp) {
        for name in self.sinks.names() {
            if let Err(error) = self.try_closed_sink(name, now).await {
                tracing::warn!(sink = name, %error, "whether the sink needs attention is not known");
            }
        }
    }

    async fn try_closed_sink(&self, name: &str, now: Timestamp) -> Result<(), NotDurable> {
        let breaker = self.bridge.breakers.of(name).await?;
        if breaker.attention.is_none() || breaker.closed_until.is_some_and(|until| until > now) {
            return Ok(());
        }
        let mut lanes = self.bridge.ledger.pending_lanes().await?;
        lanes.retain(|lane| matches!(lane, Lane::Sink { sink, .. } if sink == name));
        // Not always the same one: what is refused may be something of its own.
        let chosen = fastrand::usize(..lanes.len().max(1));
        match lanes.into_iter().nth(chosen) {
            Some(lane) => self.bridge.ring_again(lane, now).await,
            None => Ok(()),
        }
    }

    /// The webhooks at Haptik that are ours: of the accounts' queues and those of the connections, on each
    /// platform.
    fn webhooks(&self) -> BTreeSet<Webhook> {
        let connections = self.bridge.connections.values();
        let of_connections: BTreeSet<(&AccountId, u64)> = connections
            .map(|connection| (&connection.account, connection.business_id))
            .collect();
        let mut webhooks = BTreeSet::new();
        for (name, config) in &self.bridge.config.haptik {
            let account = AccountId::from(name.as_str());
            let own = config
                .business_id
                .iter()
                .chain(&config.business_ids)
                .copied();
            let used = of_connections.iter().filter(|(of, _)| **of == account);
            let queues: BTreeSet<u64> = own.chain(used.map(|(_, id)| *id)).collect();
            for (business_id, platform) in queues
                .iter()
                .flat_map(|id| config.device_platforms.iter().map(move |of| (*id, *of)))
            {
                let is_used = of_connections.contains(&(&account, business_id))
                    || config.business_id == Some(business_id);
                webhooks.insert(Webhook {
                    account: account.clone(),
                    business_id,
                    platform,
                    is_only_for_sinks: platform != BRIDGE_PLATFORM || !is_used,
                });
            }
        }
        webhooks
    }
}

/// A step of a run, for so long as one may take. What it has not done by then is the next run's: each may be stopped
/// anywhere, as it may by the end of the process.
async fn in_time(what: &str, step: impl Future<Output = ()>) {
    if timeout(LONGEST_STEP, step).await.is_err() {
        tracing::warn!(
            what,
            "housekeeping takes long: the rest is left for the next time"
        );
    }
}

/// Enables one webhook, and records what came of it; or why that did not go well.
async fn enable_one(
    haptik: &HaptikClient,
    webhook: &Webhook,
    due: Due,
    now: Timestamp,
) -> Result<(), String> {
    let (business_id, platform) = (webhook.business_id, webhook.platform);
    let enabled = haptik.enable_webhook(business_id, platform).await;
    let outcome = match &enabled {
        Ok(()) => Outcome::Ok,
        Err(error) if error.is_refused() => Outcome::Dead,
        // The next run is the retry.
        Err(_) => Outcome::WillRetry,
    };
    let which = format!("queue {business_id}, platform {platform}");
    let reason = match (&enabled, due) {
        (Err(error), _) => Some(format!("{which}: {error}")),
        (Ok(()), Due::Silence(silence)) => {
            let silence = silence.as_secs();
            Some(format!("{which}: after a silence of {silence} s"))
        }
        (Ok(()), Due::Hourly) => None,
    };
    let (account, reason) = (&webhook.account, reason.as_deref());
    record_account_hop("webhook_enabled", account, outcome, reason, now);
    match enabled {
        Err(error) if !webhook.is_only_for_sinks || outcome != Outcome::Dead => {
            Err(error.to_string())
        }
        _ => Ok(()),
    }
}
