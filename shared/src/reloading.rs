//! The bridge as it is now: a configuration that is read again while the function runs, and what is built
//! of it: a [`Bridge`] at the edges, which need no sinks, and more in the processor.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::bridge::{Bridge, BridgeError};
use crate::config::ConfigErrors;
use crate::net::aws;

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

/// The bridge as it is now, or what else is built of the configuration. A clone is the same one.
#[derive(Debug)]
pub struct Reloading<T = Bridge>(Arc<Inner<T>>);

#[derive(Debug)]
enum Inner<T> {
    Fixed(Arc<T>),
    Secret(Box<FromSecret<T>>),
}

/// The secret that holds a bridge's configuration.
#[derive(Debug)]
pub struct Secret {
    /// Where it is asked for.
    pub secrets: aws_sdk_secretsmanager::Client,
    /// Which it is.
    pub arn: String,
    /// How long its value is used before it is read again: [`REREAD_AFTER`] unless somebody wants
    /// otherwise.
    pub reread_after: Duration,
}

struct FromSecret<T> {
    secret: Secret,
    build: Build<T>,
    read: Mutex<LastRead<T>>,
}

/// Builds what is wanted of a configuration's text, or says what is wrong, without secrets.
type Build<T> = Box<dyn Fn(&str) -> Result<T, BuildError> + Send + Sync>;

/// What can be wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Its text.
    #[error("it holds no good configuration: {0}")]
    Text(#[from] ConfigErrors),
    /// What is built of it.
    #[error(transparent)]
    Bridge(#[from] BridgeError),
}

/// What reading has come to.
#[derive(Debug)]
struct LastRead<T> {
    good: Option<Reading<T>>,
    failed: Option<FailedRead>,
}

#[derive(Debug)]
struct FailedRead {
    at: Instant,
    logged_at: Instant,
    error: NoConfiguration,
}

#[derive(Debug)]
struct Reading<T> {
    /// When it was last known to be the secret's value, or a reading last failed.
    at: Instant,
    text: String,
    built: Arc<T>,
}

/// There is no configuration to work with: the answer is 503. Says what is wrong, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no configuration: {0}")]
pub struct NoConfiguration(String);

impl<T> Reloading<T> {
    /// One whose configuration does not change.
    #[must_use]
    pub fn fixed(built: Arc<T>) -> Self {
        Self(Arc::new(Inner::Fixed(built)))
    }

    /// What `build` makes of the configuration, which is the value of a secret: read when it is first
    /// needed, and again when it is due.
    #[must_use]
    pub fn from_secret(
        secret: Secret,
        build: impl Fn(&str) -> Result<T, BuildError> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner::Secret(Box::new(FromSecret {
            secret,
            build: Box::new(build),
            read: Mutex::default(),
        }))))
    }

    /// What there is now.
    ///
    /// # Errors
    /// When no good configuration was ever read. One that has become bad or out of reach since is
    /// logged, and the last good one goes on working.
    pub async fn current(&self) -> Result<Arc<T>, NoConfiguration> {
        match self.0.as_ref() {
            Inner::Fixed(built) => Ok(built.clone()),
            Inner::Secret(secret) => secret.current().await,
        }
    }
}

impl<T> Clone for Reloading<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for LastRead<T> {
    fn default() -> Self {
        Self {
            good: None,
            failed: None,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for FromSecret<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FromSecret")
            .field("secret", &self.secret)
            .field("read", &self.read)
            .finish_non_exhaustive()
    }
}

impl<T> LastRead<T> {
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
        self.failed = Some(FailedRead {
            at,
            logged_at,
            error,
        });
    }
}

impl<T> FromSecret<T> {
    async fn current(&self) -> Result<Arc<T>, NoConfiguration> {
        let mut read = self.read.lock().await;
        let read = &mut *read;
        match (&read.good, &read.failed) {
            (Some(reading), _) if reading.at.elapsed() < self.secret.reread_after => {
                return Ok(reading.built.clone());
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
                Ok(read.good.insert(reading).built.clone())
            }
            Err(error) => {
                read.note(error.clone(), at);
                let last = read.good.as_mut().ok_or(error)?;
                last.at = at;
                Ok(last.built.clone())
            }
        }
    }

    async fn read(
        &self,
        last: Option<&Reading<T>>,
        at: Instant,
    ) -> Result<Reading<T>, NoConfiguration> {
        let text = self.text().await?;
        let built = match last.filter(|last| last.text == text) {
            Some(last) => last.built.clone(),
            None => self.build(&text)?,
        };
        Ok(Reading { at, text, built })
    }

    async fn text(&self) -> Result<String, NoConfiguration> {
        let Secret { secrets, arn, .. } = &self.secret;
        let value = secrets.get_secret_value().secret_id(arn).send().await;
        let value = value.map_err(|error| {
            NoConfiguration(format!(
                "the secret {arn} cannot be read: {}",
                aws::reason(error)
            ))
        })?;
        value
            .secret_string
            .ok_or_else(|| NoConfiguration(format!("the secret {arn} holds no text")))
    }

    fn build(&self, text: &str) -> Result<Arc<T>, NoConfiguration> {
        let arn = &self.secret.arn;
        if text.trim_start().starts_with(PLACEHOLDER) {
            return Err(NoConfiguration(format!(
                "the secret {arn} still holds the placeholder: put your configuration there with scripts/put-config"
            )));
        }
        let built = (self.build)(text).map(Arc::new);
        built.map_err(|error| {
            NoConfiguration(match error {
                BuildError::Text(errors) => {
                    format!("the secret {arn} holds no good configuration: {errors}")
                }
                BuildError::Bridge(error) => error.to_string(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::json;

    use super::*;
    use crate::config::{ChannelDefinition, Config, Outbound, Registry};
    use crate::environment::Environment;
    use crate::net::fake::{Answer, Fake};

    const GOOD: &str = r#"
        [haptik.main]
        base_url = "https://haptik.example"
        client_id = "c"
        token = "t"
        webhook_secrets = ["s"]
        business_id = 1
        [channels.my-app]
        type = "bare"
    "#;

    /// A type of channel with next to no keys of its own.
    const REGISTRY: Registry = Registry {
        channels: &[ChannelDefinition::of::<Outbound>("bare")],
        sinks: &[],
    };

    /// An environment whose secret has these values, one after the other, the last one for ever.
    async fn environment(values: &[&str], reread_seconds: &'static str) -> (Environment, Fake) {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        let asked = AtomicUsize::new(0);
        let fake = Fake::start(move |_| {
            let index = asked.fetch_add(1, Ordering::Relaxed).min(values.len() - 1);
            let value = values.get(index);
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
        (environment.expect("all variables are there"), fake)
    }

    async fn reloading(values: &[&str], reread_seconds: &'static str) -> (Reloading, Fake) {
        let (environment, fake) = environment(values, reread_seconds).await;
        let parse = |text: &str| Config::parse(text, &REGISTRY);
        let reloading = environment.reloading(parse, |bridge, _| Ok(bridge));
        let (reloading, _) = reloading.expect("a client");
        (reloading, fake)
    }

    #[tokio::test]
    async fn a_placeholder_is_refused_and_not_asked_for_at_every_request() {
        let (reloading, fake) = reloading(&["# placeholder: nothing yet"], "300").await;
        for _ in 0..3 {
            let error = reloading
                .current()
                .await
                .expect_err("it is no configuration");
            assert!(
                error.to_string().contains("still holds the placeholder"),
                "{error}"
            );
        }
        assert_eq!(fake.requests().len(), 1);
    }

    #[tokio::test]
    async fn a_good_configuration_is_read_once_until_it_is_due_again() {
        let (reloading, fake) = reloading(&[GOOD], "300").await;
        for _ in 0..3 {
            reloading.current().await.expect("it is good");
        }
        assert_eq!(fake.requests().len(), 1);
    }

    #[tokio::test]
    async fn a_configuration_that_has_become_bad_leaves_the_last_good_one_working() {
        let (reloading, fake) = reloading(&[GOOD, "this is = [not", GOOD], "0").await;
        for _ in 0..3 {
            let bridge = reloading.current().await.expect("there is a good one");
            assert_eq!(bridge.connections.len(), 1);
        }
        assert_eq!(fake.requests().len(), 3);
    }
}
