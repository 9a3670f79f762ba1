//! What is done from time to time, whether or not anybody writes.

use std::collections::BTreeSet;

use haptik_bridge_shared::health::Due;
use haptik_bridge_shared::ids::AccountId;
use haptik_bridge_shared::telemetry::{self, Hop, Outcome};
use jiff::Timestamp;

use crate::Processor;

impl Processor {
    /// Enables our webhook at Haptik where that is due ([`haptik_bridge_shared::health`]). To be called
    /// often, every minute for example: it costs a read an account. Once an hour it also rings the lanes
    /// that have something pending, for which nobody may have rung.
    pub async fn keep_house(&self, now: Timestamp) {
        let accounts: BTreeSet<AccountId> =
            self.queues().into_iter().map(|(name, _)| name).collect();
        let mut hour_is_over = false;
        for account in accounts {
            let due = match self.bridge.health.of(&account).await {
                Ok(heard) => heard.due(now),
                Err(error) => {
                    // Whatever is known there: enabling is never wrong.
                    tracing::warn!(%account, %error, "when Haptik was last heard is not known");
                    Some(Due::Hourly)
                }
            };
            if let Some(due) = due {
                let enabled = self.enable(&account, due, now).await;
                hour_is_over |= enabled && due == Due::Hourly;
            }
        }
        if hour_is_over && let Err(error) = self.bridge.ring_pending(now).await {
            tracing::warn!(%error, "what is pending could not be rung for");
        }
    }

    /// Enables the webhook of all of an account's queues; whether that went well.
    async fn enable(&self, account: &AccountId, due: Due, now: Timestamp) -> bool {
        let Some(haptik) = self.bridge.haptik.get(account) else {
            return false;
        };
        let mut all = true;
        for (_, business_id) in self.queues().into_iter().filter(|(of, _)| of == account) {
            let enabled = haptik.enable_webhook(business_id).await;
            all &= enabled.is_ok();
            let reason = match (enabled, due) {
                (Err(error), _) => Some(error.to_string()),
                (Ok(()), Due::Silence(silence)) => {
                    Some(format!("after a silence of {} s", silence.as_secs()))
                }
                (Ok(()), Due::Hourly) => None,
            };
            tell(account, all, reason.as_deref(), now);
        }
        if all && let Err(error) = self.bridge.health.enabled(account, now).await {
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
    telemetry::hop(&Hop {
        name: "webhook_enabled",
        outcome: if went_well {
            Outcome::Ok
        } else {
            Outcome::WillRetry
        },
        correlation_id: None,
        lane: None,
        key: None,
        source: &format!("haptik/{account}"),
        at: None,
        since: Some(since),
        reason,
    });
}
