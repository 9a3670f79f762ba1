//! Whether Haptik's webhook is well: when something was last sent to Haptik, when something was last received
//! from it, and when the webhook was last enabled.
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
use crate::table::{Table, TableError, Update, above, absent, below, millis};

/// How long an answer may take before its absence is a silence.
pub const SILENCE: Duration = Duration::from_secs(30);

/// How long a webhook is taken for enabled: after that it is enabled again.
pub const LONGEST_TRUST: Duration = Duration::from_hours(1);

/// How old a time may be that is kept, so that not each message costs a write. An answer to what was sent
/// in between is noted all the same, and what is sent after an answer: what is not noted would look like a
/// silence, or hide one.
const STEP: Duration = Duration::from_secs(10);

/// How old an event may be on its delivery before it has been held back: longer than it takes, shorter
/// than any outage that is worth noticing.
const HELD_BACK: Duration = SILENCE;

/// How old an event may be that has waited for the webhook: Haptik keeps one for an hour. What is older is told late
/// for another reason, or its time is not true.
const LONGEST_HELD_BACK: Duration = Duration::from_mins(75);

/// What is known of the webhook of each account.
#[derive(Debug)]
pub struct Health {
    table: Table,
    /// What this process noted last: that something was sent or received.
    noted: Mutex<BTreeMap<AccountId, (&'static str, Timestamp)>>,
}

/// What is known of an account's webhook.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WebhookHealth {
    /// When something was last sent to Haptik to which an answer is expected, to within some seconds.
    pub sent: Option<Timestamp>,
    /// When Haptik's last delivery came, to within some seconds.
    pub received: Option<Timestamp>,
    /// When the webhook was last enabled.
    pub enabled: Option<Timestamp>,
    /// When something was first sent since something was last received.
    pub unanswered: Option<Timestamp>,
    /// When a delivery last came whose event was old.
    pub held_back: Option<Timestamp>,
    /// When the oldest event was that came about then.
    pub held_back_from: Option<Timestamp>,
    /// When the outage began that was noticed last: [`crate::outage::Outages::get`] has its record.
    pub outage: Option<Timestamp>,
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
            noted: Mutex::default(),
        }
    }

    /// Notes that a delivery of Haptik came. A failure is logged, and no more: the delivery counts. Both
    /// who receives it and who carries it on note it: only the latter knows what was sent before.
    pub async fn note_received(&self, account: &AccountId, now: Timestamp) {
        self.note(account, "received", now).await;
    }

    /// Notes that a delivery came for the first time, of an event that happened `at`, where that is as long ago as what
    /// has waited for a disabled webhook, which comes so once it is enabled. A failure is logged, and no more.
    pub async fn note_held_back(&self, account: &AccountId, at: Timestamp, now: Timestamp) {
        if !(HELD_BACK..=LONGEST_HELD_BACK).contains(&since(at, now)) {
            return;
        }
        let recently = now.checked_sub(SILENCE).unwrap_or(now);
        // Of several that come about the same time, the oldest event counts.
        let counts = absent("held_back")
            .or(below("held_back", millis(recently)))
            .or(above("held_back_from", millis(at)));
        let update = self
            .update(account)
            .condition(counts)
            .set("held_back", millis(now))
            .set("held_back_from", millis(at));
        if let Err(error) = update.send_if().await {
            tracing::warn!(%account, %error, "that deliveries had waited is not noted");
        }
    }

    /// Notes that something is sent to Haptik to which an answer is expected. A failure is logged, and no
    /// more.
    pub async fn note_sent(&self, account: &AccountId, now: Timestamp) {
        self.note(account, "sent", now).await;
    }

    /// Notes that the webhook was enabled.
    pub async fn note_enabled(
        &self,
        account: &AccountId,
        now: Timestamp,
    ) -> Result<(), TableError> {
        self.write(account, "enabled", now).await
    }

    /// Notes when the outage began that is now followed.
    pub async fn follow_outage(
        &self,
        account: &AccountId,
        began: Timestamp,
    ) -> Result<(), TableError> {
        let update = self.update(account).set("outage", millis(began));
        update.send().await
    }

    /// What is known of an account's webhook.
    pub async fn of(&self, account: &AccountId) -> Result<WebhookHealth, TableError> {
        let item = self.table.get(&key(account), "webhook").await?;
        let item = item.unwrap_or_default();
        let time = |name: &str| {
            let milliseconds = item.get(name).map(AttributeValue::as_n)?.ok()?.parse();
            Timestamp::from_millisecond(milliseconds.ok()?).ok()
        };
        Ok(WebhookHealth {
            sent: time("sent"),
            received: time("received"),
            enabled: time("enabled"),
            unanswered: time("unanswered"),
            held_back: time("held_back"),
            held_back_from: time("held_back_from"),
            outage: time("outage"),
        })
    }

    /// Notes it, unless this process did so a moment ago and nothing else since.
    async fn note(&self, account: &AccountId, what: &'static str, now: Timestamp) {
        let is_noted = |(last, at): &(_, Timestamp)| {
            *last == what && now.duration_since(*at).unsigned_abs() < STEP
        };
        {
            let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
            if noted.get(account).is_some_and(is_noted) {
                return;
            }
            noted.insert(account.clone(), (what, now));
        }
        if let Err(error) = self.write(account, what, now).await {
            tracing::warn!(%account, what, %error, "when something was last sent or received is not noted");
            let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
            noted.remove(account);
        }
    }

    async fn write(
        &self,
        account: &AccountId,
        what: &'static str,
        now: Timestamp,
    ) -> Result<(), TableError> {
        // What is noted late must not hide what was noted since.
        let is_newer = absent(what).or(below(what, millis(now)));
        let update = self.update(account).condition(is_newer);
        let update = update.set(what, millis(now));
        let update = match what {
            "sent" => update.set_if_absent("unanswered", millis(now)),
            "received" => update.remove("unanswered"),
            _ => update,
        };
        update.send_if().await.map(drop)
    }

    fn update(&self, account: &AccountId) -> Update<'_> {
        self.table.update(key(account), "webhook")
    }
}

impl WebhookHealth {
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
        let silence = self.silence(now)?;
        let at_last = silence.saturating_sub(since(enabled, now));
        (silence >= 2 * at_last).then_some(Due::Silence(silence))
    }

    /// How long ago something was said to which nothing has come since; `None` while an answer may still
    /// take that long.
    #[must_use]
    pub fn silence(&self, now: Timestamp) -> Option<Duration> {
        let sent = self.sent?;
        // Both times are kept to within a step.
        if self.received.is_some_and(|received| received >= sent) {
            return None;
        }
        // Not since the last word: those who go on writing must not hide that nobody answers.
        let silence = since(self.unanswered.unwrap_or(sent), now);
        (silence >= SILENCE).then_some(silence)
    }

    /// Whether the hourly enabling was left out: the maintenance did not run, or Haptik did not let it be enabled.
    #[must_use]
    pub fn is_unattended(&self, now: Timestamp) -> bool {
        self.enabled
            .is_some_and(|enabled| since(enabled, now) >= 2 * LONGEST_TRUST)
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

    fn health(sent: i64, received: i64, enabled: i64) -> WebhookHealth {
        let at = |second| Timestamp::from_second(second).ok();
        WebhookHealth {
            sent: at(sent),
            received: at(received),
            enabled: at(enabled),
            ..WebhookHealth::default()
        }
    }

    fn due(health: WebhookHealth, now: i64) -> Option<Due> {
        health.due(Timestamp::from_second(now).expect("in range"))
    }

    #[test]
    fn a_webhook_is_enabled_at_first_and_every_hour() {
        assert_eq!(due(WebhookHealth::default(), 0), Some(Due::Hourly));
        let answered = health(100, 101, 1_000);
        assert_eq!(due(answered, 1_000 + 3_599), None);
        assert_eq!(due(answered, 1_000 + 3_600), Some(Due::Hourly));
    }

    #[test]
    fn a_webhook_is_enabled_after_a_silence_and_then_ever_less_often() {
        assert_eq!(due(health(1_000, 900, 950), 1_029), None);
        let silence = |seconds| Some(Due::Silence(Duration::from_secs(seconds)));
        assert_eq!(due(health(1_000, 900, 950), 1_030), silence(30));
        assert_eq!(due(health(1_000, 900, 1_030), 1_059), None);
        assert_eq!(due(health(1_000, 900, 1_030), 1_060), silence(60));
        assert_eq!(due(health(1_000, 900, 1_060), 1_120), silence(120));
        assert_eq!(
            due(health(1_000, 1_005, 950), 1_200),
            None,
            "it was answered"
        );
    }

    #[test]
    fn users_who_go_on_writing_do_not_hide_a_silence() {
        let mut busy = health(1_028, 900, 950);
        assert_eq!(due(busy, 1_031), None);
        busy.unanswered = Timestamp::from_second(1_001).ok();
        let silence = Some(Due::Silence(Duration::from_secs(30)));
        assert_eq!(due(busy, 1_031), silence);
    }
}
