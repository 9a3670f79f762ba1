//! What is done from time to time, whether or not anybody writes.

use std::collections::BTreeSet;

use haptik_bridge_shared::health::Due;
use haptik_bridge_shared::ids::AccountId;
use haptik_bridge_shared::telemetry::{Hop, Outcome};
use jiff::Timestamp;

use crate::Processor;

impl Processor {
    /// Looks after hand-offs that nobody has taken, enables our webhook at Haptik where that is due
    /// ([`haptik_bridge_shared::health`]), and takes the record of an outage and its reconciliation one
    /// step further (`outage`). To be called often, every minute for example: it costs a query, and two
    /// reads an account. Once an hour it also rings the lanes
    /// that have something pending, for which nobody may have rung.
    pub async fn keep_house(&self, now: Timestamp) {
        self.look_after_handoffs(now).await;
        let accounts: BTreeSet<AccountId> =
            self.queues().into_iter().map(|(name, _)| name).collect();
        self.try_closed_sinks(now).await;
        let mut hour_is_over = false;
        for account in accounts {
            let heard = self.bridge.health.of(&account).await;
            let due = match &heard {
                Ok(heard) => heard.due(now),
                Err(error) => {
                    // Whatever is known there: enabling is never wrong.
                    tracing::warn!(%account, %error, "when Haptik was last heard is not known");
                    Some(Due::Hourly)
                }
            };
            let enabled = match due {
                Some(due) => Some(self.enable(&account, due, now).await),
                None => None,
            };
            hour_is_over |= due == Some(Due::Hourly) && enabled == Some(Ok(()));
            if let Ok(heard) = heard
                && let Err(error) = self.follow_outage(&account, &heard, enabled, now).await
            {
                tracing::warn!(%account, %error, "the record of an outage is left for the next time");
            }
        }
        if hour_is_over && let Err(error) = self.bridge.ring_pending(now).await {
            tracing::warn!(%error, "what is pending could not be rung for");
        }
    }

    /// Enables the webhook of all of an account's queues; or why that did not go well.
    async fn enable(&self, account: &AccountId, due: Due, now: Timestamp) -> Result<(), String> {
        let Some(haptik) = self.bridge.haptik.get(account) else {
            return Err("the account is not configured".to_owned());
        };
        let mut all = Ok(());
        for (_, business_id) in self.queues().into_iter().filter(|(of, _)| of == account) {
            let enabled = haptik.enable_webhook(business_id).await;
            let went_well = enabled.is_ok();
            if let Err(error) = &enabled {
                all = Err(error.to_string());
            }
            let reason = match (enabled, due) {
                (Err(error), _) => Some(error.to_string()),
                (Ok(()), Due::Silence(silence)) => {
                    Some(format!("after a silence of {} s", silence.as_secs()))
                }
                (Ok(()), Due::Hourly) => None,
            };
            tell(account, went_well, reason.as_deref(), now);
        }
        if all.is_ok()
            && let Err(error) = self.bridge.health.enabled(account, now).await
        {
            tracing::warn!(%account, %error, "that the webhook was enabled is not noted");
        }
        all
    }

    /// The queues at Haptik whose webhook is ours: the accounts' own and those of the connections.
    fn queues(&self) -> BTreeSet<(AccountId, u64)> {
        let accounts = self.bridge.config.haptik.iter();
        let of_accounts = accounts.filter_map(|(name, account)| {
            let business_id = account.business_id?;
            Some((AccountId::from(name.as_str()), business_id))
        });
        let of_connections = self.bridge.connections.values();
        of_accounts
            .chain(
                of_connections
                    .map(|connection| (connection.account.clone(), connection.business_id)),
            )
            .collect()
    }
}

/// Tells that the webhook was enabled, or not; then the next housekeeping is the retry.
fn tell(account: &AccountId, went_well: bool, reason: Option<&str>, since: Timestamp) {
    let outcome = if went_well {
        Outcome::Ok
    } else {
        Outcome::WillRetry
    };
    Hop::new("webhook_enabled", &format!("haptik/{account}"))
        .outcome(outcome)
        .since(since)
        .reason(reason)
        .emit();
}
