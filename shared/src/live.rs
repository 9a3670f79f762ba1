//! The bridge as it is now: a configuration that is read again while the function runs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::aws;
use crate::bridge::Bridge;
use crate::config::Config;
use crate::queue::Queue;
use crate::table::Table;

/// How long a configuration that was read from its secret is used before it is read again. A rotated
/// secret works everywhere after this time, without a deployment.
pub const REREAD_AFTER: Duration = Duration::from_mins(5);

/// The bridge as it is now. A clone is the same one.
#[derive(Debug, Clone)]
pub struct Live(Arc<Inner>);

#[derive(Debug)]
enum Inner {
    Fixed(Arc<Bridge>),
    Secret(Box<FromSecret>),
}

/// Where a bridge's configuration and state are in AWS.
#[derive(Debug)]
struct FromSecret {
    secrets: aws_sdk_secretsmanager::Client,
    arn: String,
    table: Table,
    queue: Arc<dyn Queue>,
    read: Mutex<Option<Reading>>,
}

#[derive(Debug)]
struct Reading {
    at: Instant,
    text: String,
    bridge: Arc<Bridge>,
}

/// There is no configuration to work with: the answer is 503. Says what is wrong, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no configuration: {0}")]
pub struct NoConfiguration(String);

impl Live {
    /// A bridge whose configuration does not change.
    #[must_use]
    pub fn fixed(bridge: Arc<Bridge>) -> Self {
        Self(Arc::new(Inner::Fixed(bridge)))
    }

    /// A bridge whose configuration is the value of a Secrets Manager secret, read when it is first
    /// needed and again every [`REREAD_AFTER`].
    #[must_use]
    pub fn from_secret(
        secrets: aws_sdk_secretsmanager::Client,
        arn: String,
        table: Table,
        queue: Arc<dyn Queue>,
    ) -> Self {
        let read = Mutex::new(None);
        Self(Arc::new(Inner::Secret(Box::new(FromSecret {
            secrets,
            arn,
            table,
            queue,
            read,
        }))))
    }

    /// The bridge as it is now.
    ///
    /// # Errors
    /// When no good configuration was ever read. One that has become bad or out of reach since is
    /// logged, and the last good one goes on working.
    pub async fn current(&self) -> Result<Arc<Bridge>, NoConfiguration> {
        match self.0.as_ref() {
            Inner::Fixed(bridge) => Ok(bridge.clone()),
            Inner::Secret(secret) => secret.current().await,
        }
    }
}

impl FromSecret {
    async fn current(&self) -> Result<Arc<Bridge>, NoConfiguration> {
        let mut read = self.read.lock().await;
        if let Some(reading) = read
            .as_ref()
            .filter(|reading| reading.at.elapsed() < REREAD_AFTER)
        {
            return Ok(reading.bridge.clone());
        }
        match (self.read(read.take()).await, &mut *read) {
            (Ok(reading), slot) => Ok(slot.insert(reading).bridge.clone()),
            (Err((error, Some(last))), slot) => {
                tracing::error!(%error, "the configuration cannot be read again: the last good one is used");
                Ok(slot.insert(last).bridge.clone())
            }
            (Err((error, None)), _) => {
                tracing::error!(%error, "nothing can be done without a configuration");
                Err(error)
            }
        }
    }

    async fn read(
        &self,
        last: Option<Reading>,
    ) -> Result<Reading, (NoConfiguration, Option<Reading>)> {
        let at = Instant::now();
        let text = match self.text().await {
            Ok(text) => text,
            Err(error) => return Err((error, last.map(|last| Reading { at, ..last }))),
        };
        match last {
            Some(last) if last.text == text => Ok(Reading { at, ..last }),
            last => match self.bridge(&text) {
                Ok(bridge) => Ok(Reading { at, text, bridge }),
                Err(error) => Err((error, last.map(|last| Reading { at, ..last }))),
            },
        }
    }

    async fn text(&self) -> Result<String, NoConfiguration> {
        let value = self
            .secrets
            .get_secret_value()
            .secret_id(&self.arn)
            .send()
            .await;
        let value = value.map_err(|error| {
            NoConfiguration(format!(
                "the secret {} cannot be read: {}",
                self.arn,
                aws::reason(error)
            ))
        })?;
        value
            .secret_string
            .ok_or_else(|| NoConfiguration(format!("the secret {} holds no text", self.arn)))
    }

    fn bridge(&self, text: &str) -> Result<Arc<Bridge>, NoConfiguration> {
        let config = Config::parse(text).map_err(|errors| {
            NoConfiguration(format!(
                "the secret {} holds no good configuration: {errors}",
                self.arn
            ))
        })?;
        Bridge::new(config, self.table.clone(), self.queue.clone())
            .map(Arc::new)
            .map_err(|error| NoConfiguration(error.to_string()))
    }
}
