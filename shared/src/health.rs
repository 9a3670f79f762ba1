//! Whether Haptik's webhook is well: when Haptik was last told something, when it was last heard, and
//! when the webhook was last enabled.
//!
//! Haptik disables a webhook when a delivery has failed seven times, and drops what then waits for more
//! than an hour (<https://docs.haptik.ai/webhooks/protocols>). It does not say so: what tells is that
//! nothing comes. So the webhook is enabled after a silence, and at least every hour; enabling one that
//! is enabled changes nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use crate::ids::AccountId;
use crate::table::{Table, TableError, number, text};

/// How long an answer may take before its absence is a silence.
pub const SILENCE: Duration = Duration::from_secs(30);

/// The longest time between two calls that enable the webhook.
pub const LONGEST_TRUST: Duration = Duration::from_hours(1);

/// How old a time may be that is kept, so that not each message costs a write.
const STEP: Duration = Duration::from_secs(10);

/// When Haptik was heard, by account.
#[derive(Debug)]
pub struct Health {
    table: Table,
    /// What this process wrote last.
    written: Mutex<BTreeMap<(AccountId, &'static str), Timestamp>>,
}

/// What is known of an account's webhook.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heard {
    /// When Haptik was last told something to which an answer is expected, to within some seconds.
    pub told: Option<Timestamp>,
    /// When Haptik's last delivery came, to within some seconds.
    pub heard: Option<Timestamp>,
    /// When the webhook was last enabled.
    pub enabled: Option<Timestamp>,
}

/// Why the webhook is to be enabled now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// It was not enabled for [`LONGEST_TRUST`].
    Hourly,
    /// Something was said this long ago, and nothing has come since.
    Silence(Duration),
}

impl Health {
    /// The health that is kept in `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self {
            table,
            written: Mutex::default(),
        }
    }

    /// Notes that a delivery of Haptik came. A failure is logged, and no more: the delivery counts.
    pub async fn heard(&self, account: &AccountId, now: Timestamp) {
        self.note(account, "heard", now).await;
    }

    /// Notes that Haptik is told something to which an answer is expected. A failure is logged, and no
    /// more.
    pub async fn told(&self, account: &AccountId, now: Timestamp) {
        self.note(account, "told", now).await;
    }

    /// Notes that the webhook was enabled.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn enabled(&self, account: &AccountId, now: Timestamp) -> Result<(), TableError> {
        self.write(account, "enabled", now).await
    }

    /// What is known of an account's webhook.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn of(&self, account: &AccountId) -> Result<Heard, TableError> {
        let item = self.table.get(&key(account), "webhook").await?;
        let item = item.unwrap_or_default();
        let time = |name: &str| {
            let milliseconds = item.get(name).map(AttributeValue::as_n)?.ok()?.parse();
            Timestamp::from_millisecond(milliseconds.ok()?).ok()
        };
        Ok(Heard {
            told: time("told"),
            heard: time("heard"),
            enabled: time("enabled"),
        })
    }

    async fn note(&self, account: &AccountId, what: &'static str, now: Timestamp) {
        let key = (account.clone(), what);
        let last = {
            let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            let last = written.get(&key).copied();
            let fresh = last.is_some_and(|last| now.duration_since(last).unsigned_abs() < STEP);
            if fresh {
                return;
            }
            written.insert(key.clone(), now);
            last
        };
        if let Err(error) = self.write(account, what, now).await {
            tracing::warn!(%account, what, %error, "when Haptik was last heard is not noted");
            let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            match last {
                Some(last) => written.insert(key, last),
                None => written.remove(&key),
            };
        }
    }

    async fn write(
        &self,
        account: &AccountId,
        what: &str,
        now: Timestamp,
    ) -> Result<(), TableError> {
        self.table
            .client()
            .update_item()
            .table_name(self.table.name())
            .key("pk", text(key(account)))
            .key("sk", text("webhook"))
            .update_expression("SET #what = :now")
            .expression_attribute_names("#what", what)
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .send()
            .await
            .map_err(TableError::from_sdk)?;
        Ok(())
    }
}

impl Heard {
    /// Whether the webhook is to be enabled now, and why. In a silence that lasts, because an agent takes
    /// time or nobody answers, it is enabled again each time that the silence has doubled.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Option<Due> {
        let Some(enabled) = self.enabled else {
            return Some(Due::Hourly);
        };
        if since(enabled, now) >= LONGEST_TRUST {
            return Some(Due::Hourly);
        }
        let told = self.told?;
        // Both times are kept to within a step.
        if self.heard.is_some_and(|heard| heard >= told) {
            return None;
        }
        let silence = since(told, now);
        let at_last = since(told, enabled);
        (silence >= SILENCE && silence >= 2 * at_last).then_some(Due::Silence(silence))
    }
}

fn key(account: &AccountId) -> String {
    format!("account#{account}")
}

/// How long `later` is after `earlier`; nothing when it is not.
fn since(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(told: i64, heard: i64, enabled: i64) -> Heard {
        let at = |second| Timestamp::from_second(second).ok();
        Heard {
            told: at(told),
            heard: at(heard),
            enabled: at(enabled),
        }
    }

    fn due(heard: Heard, now: i64) -> Option<Due> {
        heard.due(Timestamp::from_second(now).expect("in range"))
    }

    #[test]
    fn a_webhook_is_enabled_at_first_and_every_hour() {
        assert_eq!(due(Heard::default(), 0), Some(Due::Hourly));
        let answered = heard(100, 101, 1_000);
        assert_eq!(due(answered, 1_000 + 3_599), None);
        assert_eq!(due(answered, 1_000 + 3_600), Some(Due::Hourly));
    }

    #[test]
    fn a_webhook_is_enabled_after_a_silence_and_then_ever_less_often() {
        assert_eq!(due(heard(1_000, 900, 950), 1_029), None);
        let silence = |seconds| Some(Due::Silence(Duration::from_secs(seconds)));
        assert_eq!(due(heard(1_000, 900, 950), 1_030), silence(30));
        assert_eq!(due(heard(1_000, 900, 1_030), 1_059), None);
        assert_eq!(due(heard(1_000, 900, 1_030), 1_060), silence(60));
        assert_eq!(due(heard(1_000, 900, 1_060), 1_120), silence(120));
        assert_eq!(
            due(heard(1_000, 1_005, 950), 1_200),
            None,
            "it was answered"
        );
    }
}
