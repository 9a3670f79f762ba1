//! The users: each writes, waits for the answers, and writes again.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use jiff::Timestamp;
use serde_json::json;
use standardwebhooks::Webhook;
use tokio::time::Instant;

use crate::Load;
use crate::arrivals::Arrivals;
use crate::fakes::Fakes;
use crate::peer::Said;

/// The application's signing secret, both ways.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What the users do, and how it went.
pub(crate) struct Users {
    fakes: Arc<Fakes>,
    webhook: Webhook,
    /// Where the bridge takes what they write.
    url: String,
    /// How long the bridge took to take a message.
    pub(crate) taken: Arrivals,
    /// How often the bridge did not take one.
    pub(crate) refused: AtomicU64,
    /// How many these users have written.
    pub(crate) written: AtomicU64,
}

/// How many messages may be written.
#[derive(Debug, Clone)]
pub(crate) struct Allowance {
    left: Arc<AtomicI64>,
    until: Option<Instant>,
}

impl Allowance {
    /// So many, or all until then.
    pub(crate) fn new(count: Option<u64>, time: Option<Duration>) -> Self {
        let count = count.map_or(i64::MAX, |count| i64::try_from(count).unwrap_or(i64::MAX));
        Self {
            left: Arc::new(AtomicI64::new(count)),
            until: time.map(|time| Instant::now() + time),
        }
    }

    fn takes_one(&self) -> bool {
        let is_time = self.until.is_none_or(|until| Instant::now() < until);
        is_time && self.left.fetch_sub(1, Ordering::Relaxed) > 0
    }
}

impl Users {
    pub(crate) fn new(fakes: Arc<Fakes>, bridge: &str) -> anyhow::Result<Self> {
        Self::at(fakes, bridge, "load")
    }

    /// Users of this connection.
    pub(crate) fn at(fakes: Arc<Fakes>, bridge: &str, connection: &str) -> anyhow::Result<Self> {
        Ok(Self {
            fakes,
            webhook: Webhook::new(SECRET)?,
            url: format!("{bridge}/channels/{connection}"),
            taken: Arrivals::new(0),
            refused: AtomicU64::default(),
            written: AtomicU64::default(),
        })
    }

    /// A user writes until the allowance is used up, from the message of this number on; returns the number of the
    /// next message, which is how many there were of this user.
    pub(crate) async fn write(
        &self,
        user: usize,
        from: u32,
        load: &Load,
        allowance: &Allowance,
    ) -> anyhow::Result<u32> {
        let mut next = from;
        loop {
            let first = next;
            while next < first + load.burst && allowance.takes_one() {
                self.say(user, next).await?;
                next += 1;
            }
            if next == first {
                return Ok(next);
            }
            let deadline = Instant::now() + load.patience;
            while self.fakes.at_users.count(user) < u64::from(next) {
                let got = self.fakes.got[user].notified();
                if tokio::time::timeout_at(deadline, got).await.is_err() {
                    // It counts as lost unless it comes until the end.
                    return Ok(next);
                }
            }
            if !load.pause.is_zero() {
                tokio::time::sleep(load.pause).await;
            }
        }
    }

    /// A user writes a message, and again until it is taken.
    pub(crate) async fn say(&self, user: usize, number: u32) -> anyhow::Result<()> {
        let (said, request) = self.request(user, number)?;
        let refused = self.fakes.caller.send(&request).await?;
        self.refused.fetch_add(refused, Ordering::Relaxed);
        self.note(&said);
        Ok(())
    }

    /// A user writes a message once, whether it is taken or not.
    pub(crate) async fn say_once(&self, user: usize, number: u32) -> anyhow::Result<()> {
        let (said, request) = self.request(user, number)?;
        let is_taken = self.fakes.caller.send_once(&request).await?;
        self.refused
            .fetch_add(u64::from(!is_taken), Ordering::Relaxed);
        self.note(&said);
        Ok(())
    }

    fn note(&self, said: &Said) {
        self.fakes.written.fetch_add(1, Ordering::Relaxed);
        self.written.fetch_add(1, Ordering::Relaxed);
        if let Some(at) = self.fakes.counts(said) {
            let took = self.fakes.clock.now().saturating_sub(said.written);
            self.taken.took(took, at);
        }
    }

    fn request(&self, user: usize, number: u32) -> anyhow::Result<(Said, Request<Bytes>)> {
        let said = Said {
            user,
            number,
            written: self.fakes.clock.now(),
            answered: Duration::ZERO,
        };
        let (id, now) = (format!("m-{user}-{number}"), Timestamp::now());
        let body = json!({
            "type": "message",
            "id": id,
            "timestamp": now,
            "text": said.text(),
            "user": {"id": format!("u-{user}"), "name": "Ada Load"},
        });
        let body = body.to_string();
        let signature = self.webhook.sign(&id, now.as_second(), body.as_bytes())?;
        let request = Request::post(&self.url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now.as_second())
            .header("webhook-signature", signature)
            .body(Bytes::from(body))?;
        Ok((said, request))
    }
}
