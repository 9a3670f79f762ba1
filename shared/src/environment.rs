//! Where a function finds its configuration and state: the environment that the template gives it.

use std::sync::Arc;

use aws_config::BehaviorVersion;

use crate::aws;
use crate::live::Live;
use crate::queue::SqsQueue;
use crate::table::Table;

/// The environment of a function. `AWS_REGION`, `AWS_ENDPOINT_URL` and the credentials are read by the
/// AWS SDK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// `CONFIG_SECRET_ARN`: the Secrets Manager secret whose value is the configuration.
    pub config_secret_arn: String,
    /// `TABLE_NAME`: the DynamoDB table.
    pub table_name: String,
    /// `QUEUE_URL`: the SQS FIFO queue.
    pub queue_url: String,
}

/// Variables are missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("missing in the environment: {}", .0.join(", "))]
pub struct MissingVariables(Vec<&'static str>);

impl Environment {
    /// Reads the environment through `variable`.
    ///
    /// # Errors
    /// When variables are missing or empty: all of them are named.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, MissingVariables> {
        let mut missing = Vec::new();
        let mut read = |name| {
            let value = variable(name).filter(|value| !value.is_empty());
            if value.is_none() {
                missing.push(name);
            }
            value.unwrap_or_default()
        };
        let environment = Self {
            config_secret_arn: read("CONFIG_SECRET_ARN"),
            table_name: read("TABLE_NAME"),
            queue_url: read("QUEUE_URL"),
        };
        if missing.is_empty() {
            Ok(environment)
        } else {
            Err(MissingVariables(missing))
        }
    }

    /// The bridge of this environment, and its queue. Calls nothing but what the AWS SDK needs for the
    /// credentials.
    pub async fn connect(self) -> (Live, SqsQueue) {
        let sdk = aws_config::defaults(BehaviorVersion::latest())
            .http_client(aws::http_client())
            .load()
            .await;
        let table = Table::new(aws_sdk_dynamodb::Client::new(&sdk), self.table_name);
        let queue = SqsQueue::new(aws_sdk_sqs::Client::new(&sdk), self.queue_url);
        let secrets = aws_sdk_secretsmanager::Client::new(&sdk);
        let live = Live::from_secret(
            secrets,
            self.config_secret_arn,
            table,
            Arc::new(queue.clone()),
        );
        (live, queue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_missing_variables_are_named() {
        let some = |name: &str| (name == "TABLE_NAME").then(|| "table".to_owned());
        let error = Environment::read(some).expect_err("two are missing");
        assert_eq!(
            error.to_string(),
            "missing in the environment: CONFIG_SECRET_ARN, QUEUE_URL"
        );
        let all = Environment::read(|name| Some(name.to_lowercase())).expect("all are there");
        assert_eq!(all.queue_url, "queue_url");
    }
}
