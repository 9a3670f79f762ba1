//! What is done from time to time, whether or not anybody writes.

use std::collections::BTreeSet;

use haptik_bridge_shared::ids::AccountId;
use haptik_bridge_shared::telemetry::{self, Hop, Outcome};
use jiff::Timestamp;

use crate::Processor;

impl Processor {
    /// Enables our webhook at Haptik for every account and queue (`business_id`) in use.
    ///
    /// Haptik disables a webhook when a delivery has failed seven times, within an hour
    /// (<https://docs.haptik.ai/webhooks/protocols>), and nothing comes in any more: what would tell us
    /// is what does not come. Enabling one that is enabled changes nothing.
    pub async fn keep_house(&self) {
        for (account, business_id) in self.queues() {
            let since = Timestamp::now();
            let Some(haptik) = self.bridge.haptik.get(&account) else {
                continue;
            };
            let enabled = haptik.enable_webhook(business_id).await;
            let reason = enabled.err().map(|error| error.to_string());
            telemetry::hop(&Hop {
                name: "webhook_enabled",
                // The next housekeeping is the retry.
                outcome: if reason.is_none() {
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
                reason: reason.as_deref(),
            });
        }
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
