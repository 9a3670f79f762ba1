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

/// How long a failed first reading is remembered, so that a wrong configuration under traffic does not
/// become a flood of calls to Secrets Manager.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// How the value begins that `template.yaml` gives the secret.
const PLACEHOLDER: &str = "# placeholder";

/// How often the same failure is logged.
const REPEAT_LINE_AFTER: Duration = Duration::from_mins(1);

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
    reread_after: Duration,
    table: Table,
    queue: Arc<dyn Queue>,
    http: reqwest::Client,
    read: Mutex<LastRead>,
}

/// What reading has come to.
#[derive(Debug, Default)]
struct LastRead {
    good: Option<Reading>,
    failed: Option<Failed>,
}

#[derive(Debug)]
struct Failed {
    at: Instant,
    logged_at: Instant,
    error: NoConfiguration,
}

#[derive(Debug)]
struct Reading {
    /// When it was last known to be the secret's value, or a reading last failed.
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
    /// needed and again every `reread_after` ([`REREAD_AFTER`] unless somebody wants otherwise). It
    /// sends with `http`.
    #[must_use]
    pub fn from_secret(
        secrets: aws_sdk_secretsmanager::Client,
        arn: String,
        reread_after: Duration,
        table: Table,
        queue: Arc<dyn Queue>,
        http: reqwest::Client,
    ) -> Self {
        Self(Arc::new(Inner::Secret(Box::new(FromSecret {
            secrets,
            arn,
            reread_after,
            table,
            queue,
            http,
            read: Mutex::default(),
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

impl LastRead {
    /// Remembers a failure and logs it: at once when it is news, else now and then.
    fn note(&mut self, error: NoConfiguration, at: Instant) {
        let logged_at = match &self.failed {
            Some(last) if last.error == error && last.logged_at.elapsed() < REPEAT_LINE_AFTER => {
                last.logged_at
            }
            _ => {
                if self.good.is_some() {
                    tracing::error!(%error, "the configuration cannot be read again: the last good one is used");
                } else {
                    tracing::error!(%error, "nothing can be done without a configuration: requests are answered 503");
                }
                at
            }
        };
        self.failed = Some(Failed {
            at,
            logged_at,
            error,
        });
    }
}

impl FromSecret {
    async fn current(&self) -> Result<Arc<Bridge>, NoConfiguration> {
        let mut read = self.read.lock().await;
        let read = &mut *read;
        match (&read.good, &read.failed) {
            (Some(reading), _) if reading.at.elapsed() < self.reread_after => {
                return Ok(reading.bridge.clone());
            }
            (None, Some(failed)) if failed.at.elapsed() < RETRY_AFTER => {
                return Err(failed.error.clone());
            }
            _ => {}
        }
        let at = Instant::now();
        match self.read(read.good.as_ref(), at).await {
            Ok(reading) => {
                read.failed = None;
                Ok(read.good.insert(reading).bridge.clone())
            }
            Err(error) => {
                read.note(error.clone(), at);
                let last = read.good.as_mut().ok_or(error)?;
                last.at = at;
                Ok(last.bridge.clone())
            }
        }
    }

    async fn read(&self, last: Option<&Reading>, at: Instant) -> Result<Reading, NoConfiguration> {
        let text = self.text().await?;
        let bridge = match last.filter(|last| last.text == text) {
            Some(last) => last.bridge.clone(),
            None => self.bridge(&text)?,
        };
        Ok(Reading { at, text, bridge })
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
        if text.trim_start().starts_with(PLACEHOLDER) {
            return Err(NoConfiguration(format!(
                "the secret {} still holds the placeholder: put your configuration there with scripts/put-config",
                self.arn
            )));
        }
        let config = Config::parse(text).map_err(|errors| {
            NoConfiguration(format!(
                "the secret {} holds no good configuration: {errors}",
                self.arn
            ))
        })?;
        Bridge::with_client(config, self.table.clone(), self.queue.clone(), &self.http)
            .map(Arc::new)
            .map_err(|error| NoConfiguration(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::json;

    use super::*;
    use crate::environment::Environment;
    use crate::outbound::fake::{Answer, Fake};

    const GOOD: &str = r#"
        [haptik.main]
        base_url = "https://haptik.example"
        client_id = "c"
        token = "t"
        webhook_secrets = ["s"]
        business_id = 1
        [channels.my-app]
        type = "custom"
        signing_secrets = ["whsec_ZXhhbXBsZS1vZi1hLXNlY3JldC10by1yZXBsYWNl"]
        callback_url = "https://app.example"
    "#;

    /// A bridge whose secret has these values, one after the other, the last one for ever.
    async fn live(values: &'static [&str], reread_seconds: &'static str) -> (Live, Fake) {
        let asked = AtomicUsize::new(0);
        let fake = Fake::start(move |_| {
            let index = asked.fetch_add(1, Ordering::Relaxed).min(values.len() - 1);
            let value = values.get(index).copied().unwrap_or_default();
            Answer::new(200, json!({"SecretString": value}).to_string())
        })
        .await;
        let url = fake.url("");
        let environment = Environment::read(|name| match name {
            "AWS_ENDPOINT_URL" => Some(url.to_string()),
            "CONFIG_REREAD_SECONDS" => Some(reread_seconds.to_owned()),
            "AWS_REGION" => Some("eu-west-1".to_owned()),
            "AWS_USE_FIPS_ENDPOINT" => None,
            name => Some(name.to_owned()),
        });
        let (live, _) = environment
            .expect("all variables are there")
            .connect()
            .expect("a client");
        (live, fake)
    }

    #[tokio::test]
    async fn a_placeholder_is_refused_and_not_asked_for_at_every_request() {
        let (live, fake) = live(&["# placeholder: nothing yet"], "300").await;
        for _ in 0..3 {
            let error = live.current().await.expect_err("it is no configuration");
            assert!(
                error.to_string().contains("still holds the placeholder"),
                "{error}"
            );
        }
        assert_eq!(fake.requests().len(), 1);
    }

    #[tokio::test]
    async fn a_good_configuration_is_read_once_until_it_is_due_again() {
        let (live, fake) = live(&[GOOD], "300").await;
        for _ in 0..3 {
            live.current().await.expect("it is good");
        }
        assert_eq!(fake.requests().len(), 1);
    }

    #[tokio::test]
    async fn a_configuration_that_has_become_bad_leaves_the_last_good_one_working() {
        let (live, fake) = live(&[GOOD, "this is = [not", GOOD], "0").await;
        for _ in 0..3 {
            let bridge = live.current().await.expect("there is a good one");
            assert_eq!(bridge.connections.len(), 1);
        }
        assert_eq!(fake.requests().len(), 3);
    }
}
