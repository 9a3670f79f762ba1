//! Where a function finds its configuration and state: the environment that the template gives it.

use std::sync::Arc;
use std::time::Duration;

use crate::bridge::Bridge;
use crate::config::{Config, ConfigErrors};
use crate::net::aws::{AwsEnvironment, MissingVariables};
use crate::net::{self, ClientError};
use crate::queue::SqsQueue;
use crate::reloading::{BuildError, REREAD_AFTER, Reloading, Secret};
use crate::table::Table;

/// The environment of a function.
#[derive(Debug, Clone)]
pub struct Environment {
    /// `CONFIG_SECRET_ARN`: the Secrets Manager secret whose value is the configuration.
    pub config_secret_arn: String,
    /// `CONFIG_REREAD_SECONDS`: how long a configuration is used before it is read again. Default:
    /// [`REREAD_AFTER`].
    pub config_reread: Duration,
    /// `TABLE_NAME`: the DynamoDB table.
    pub table_name: String,
    /// `QUEUE_URL`: the SQS FIFO queue of the chats.
    pub queue_url: String,
    /// `SINK_QUEUE_URL`: that of the sinks. Default: the same.
    pub sink_queue_url: String,
    /// What AWS itself sets.
    pub aws: AwsEnvironment,
}

impl Environment {
    /// Reads the environment through `variable`.
    ///
    /// # Errors
    /// When variables are missing, empty, or no number where one is due: all of them are named.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, MissingVariables> {
        let mut wrong = Vec::new();
        let some = |name| variable(name).filter(|value| !value.is_empty());
        let mut read = |name| {
            some(name).unwrap_or_else(|| {
                wrong.push(name);
                String::new()
            })
        };
        let mut environment = Self {
            config_secret_arn: read("CONFIG_SECRET_ARN"),
            config_reread: REREAD_AFTER,
            table_name: read("TABLE_NAME"),
            queue_url: read("QUEUE_URL"),
            sink_queue_url: String::new(),
            aws: AwsEnvironment::reading(&mut read, some),
        };
        let sink_queue_url = some("SINK_QUEUE_URL");
        environment.sink_queue_url =
            sink_queue_url.unwrap_or_else(|| environment.queue_url.clone());
        match some("CONFIG_REREAD_SECONDS").map(|seconds| seconds.parse()) {
            None => {}
            Some(Ok(seconds)) => environment.config_reread = Duration::from_secs(seconds),
            Some(Err(_)) => wrong.push("CONFIG_REREAD_SECONDS"),
        }
        if wrong.is_empty() {
            Ok(environment)
        } else {
            Err(MissingVariables::new(wrong))
        }
    }

    /// What `build` makes of the configuration, and the queue. `parse` reads the configuration's text. Calls
    /// nothing yet.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn reloading<T: 'static>(
        self,
        parse: impl Fn(&str) -> Result<Config, ConfigErrors> + Send + Sync + 'static,
        build: impl Fn(Bridge, &Parts) -> Result<T, BuildError> + Send + Sync + 'static,
    ) -> Result<(Reloading<T>, SqsQueue), ClientError> {
        let (secret, parts) = self.connect()?;
        let queue = parts.queue.clone();
        let reloading = Reloading::from_secret(secret, move |text| {
            build(parts.bridge(parse(text)?)?, &parts)
        });
        Ok((reloading, queue))
    }

    fn connect(self) -> Result<(Secret, Parts), ClientError> {
        let http = net::client()?;
        let sdk = self.aws.sdk_config(http.clone());
        let secret = Secret {
            secrets: aws_sdk_secretsmanager::Client::new(&sdk),
            arn: self.config_secret_arn,
            reread_after: self.config_reread,
        };
        let parts = Parts {
            table: Table::new(aws_sdk_dynamodb::Client::new(&sdk), self.table_name),
            queue: SqsQueue::new(
                aws_sdk_sqs::Client::new(&sdk),
                self.queue_url,
                self.sink_queue_url,
            ),
            http,
            aws: self.aws,
        };
        Ok((secret, parts))
    }
}

/// What a function is built with, besides its configuration.
#[derive(Debug)]
pub struct Parts {
    /// The table.
    pub table: Table,
    /// The queue.
    pub queue: SqsQueue,
    /// The HTTP client.
    pub http: reqwest::Client,
    /// The variables that AWS sets.
    pub aws: AwsEnvironment,
}

impl Parts {
    fn bridge(&self, config: Config) -> Result<Bridge, BuildError> {
        let queue = Arc::new(self.queue.clone());
        let bridge = Bridge::with_client(config, self.table.clone(), queue, &self.http);
        Ok(bridge?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_missing_variables_are_named() {
        let some = |name: &str| match name {
            "TABLE_NAME" => Some("table".to_owned()),
            name if name.starts_with("AWS_") => Some(name.to_lowercase()),
            "CONFIG_REREAD_SECONDS" => Some("often".to_owned()),
            _ => None,
        };
        let error = Environment::read(some).expect_err("two are missing, one is wrong");
        assert_eq!(
            error.to_string(),
            "missing or wrong in the environment: CONFIG_SECRET_ARN, QUEUE_URL, CONFIG_REREAD_SECONDS"
        );
    }

    #[test]
    fn a_complete_environment_is_read_and_keeps_its_credentials_to_itself() {
        let all = |name: &str| match name {
            "CONFIG_REREAD_SECONDS" => Some("7".to_owned()),
            name => Some(name.to_lowercase()),
        };
        let environment = Environment::read(all).expect("all are there");
        assert_eq!(environment.queue_url, "queue_url");
        assert_eq!(environment.sink_queue_url, "sink_queue_url");
        assert_eq!(environment.config_reread, Duration::from_secs(7));
        let shown = format!("{environment:?}");
        assert!(
            !shown.contains("aws_secret_access_key") && !shown.contains("aws_session_token"),
            "{shown}"
        );
    }
}
