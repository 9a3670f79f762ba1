//! What the fakes and the users have in common: what a message says, and how the bridge is called.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// How often a request is repeated that is not taken, and how long is waited before: senders repeat.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(500);

/// What a message says, and what is needed to know of it: `load 7 12 31415926 0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) user: usize,
    /// Of this user, from 0.
    pub(crate) number: u32,
    /// When the user wrote it, since the rig began.
    pub(crate) written: Duration,
    /// When it was answered.
    pub(crate) answered: Duration,
}

impl Said {
    pub(crate) fn text(&self) -> String {
        let Self {
            user,
            number,
            written,
            answered,
        } = self;
        format!(
            "load {user} {number} {} {}",
            written.as_nanos(),
            answered.as_nanos()
        )
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut words = text.strip_prefix("load ")?.split(' ');
        let said = Self {
            user: words.next()?.parse().ok()?,
            number: words.next()?.parse().ok()?,
            written: Duration::from_nanos(words.next()?.parse().ok()?),
            answered: Duration::from_nanos(words.next()?.parse().ok()?),
        };
        words.next().is_none().then_some(said)
    }
}

/// The clock of a run, which all times are of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn begin() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(self) -> Duration {
        self.0.elapsed()
    }
}

/// Calls the bridge. A clone is the same, with the same connections.
#[derive(Debug, Clone)]
pub(crate) struct Caller(Client<HttpConnector, Full<Bytes>>);

impl Caller {
    pub(crate) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }

    /// Sends a request until it is taken; how often it was not.
    pub(crate) async fn send(&self, request: &Request<Bytes>) -> anyhow::Result<u64> {
        let mut refused = String::new();
        for tries in 0..TRIES {
            let attempt = request.clone().map(Full::new);
            match self.0.request(attempt).await {
                Ok(answer) if answer.status().is_success() => {
                    answer.into_body().collect().await?;
                    return Ok(u64::from(tries));
                }
                Ok(answer) => {
                    let status = answer.status();
                    let body = answer.into_body().collect().await?.to_bytes();
                    refused = format!("{status}: {}", String::from_utf8_lossy(&body));
                }
                Err(error) => refused = error.to_string(),
            }
            tokio::time::sleep(PAUSE).await;
        }
        anyhow::bail!("the bridge did not take a request: {refused}")
    }

    /// Sends a request once; whether it is taken.
    pub(crate) async fn send_once(&self, request: &Request<Bytes>) -> anyhow::Result<bool> {
        let answer = self.0.request(request.clone().map(Full::new)).await?;
        let is_taken = answer.status().is_success();
        answer.into_body().collect().await?;
        Ok(is_taken)
    }

    /// What is at an address.
    pub(crate) async fn get(&self, url: &str) -> anyhow::Result<(StatusCode, String)> {
        let request = Request::get(url).body(Full::default())?;
        let answer = self.0.request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        let body = String::from_utf8(body.to_vec()).context("the answer is not text")?;
        Ok((status, body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_read() {
        let said = Said {
            user: 7,
            number: 12,
            written: Duration::from_nanos(31_415_926),
            answered: Duration::ZERO,
        };
        assert_eq!(said.text(), "load 7 12 31415926 0");
        assert_eq!(Said::read(&said.text()), Some(said));
        for other in ["load 7 12", "load 7 12 1 0 ", "hello", "load a b c d"] {
            assert_eq!(Said::read(other), None, "{other}");
        }
    }
}
