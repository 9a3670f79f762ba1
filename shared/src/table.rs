//! The one DynamoDB table: a string partition key `pk`, a string sort key `sk`, TTL on `expires_at`.

use std::collections::HashMap;
use std::fmt::Display;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};

use crate::net::aws;
use crate::retry::{Retry, Retryable};

/// The table and the client to reach it.
#[derive(Debug, Clone)]
pub struct Table {
    client: Client,
    name: String,
}

/// DynamoDB did not do what it was asked to. Its texts hold no item.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// It refused, could not be reached, or took too long; the SDK's own retries are over.
    #[error("DynamoDB: {0}")]
    Unavailable(String),
    /// An item is not what this version writes.
    #[error("an item of the table cannot be read: {0}")]
    Unreadable(String),
}

impl Table {
    /// The table called `name`.
    #[must_use]
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self {
            client,
            name: name.into(),
        }
    }

    /// The client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The table's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One item, as it is now (a consistent read).
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn get(
        &self,
        pk: &str,
        sk: &str,
    ) -> Result<Option<HashMap<String, AttributeValue>>, TableError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.name)
            .key("pk", text(pk))
            .key("sk", text(sk))
            .consistent_read(true)
            .send()
            .await
            .map_err(TableError::from_sdk)?;
        Ok(output.item)
    }

    /// Puts one item, over whatever was there.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn put(&self, item: HashMap<String, AttributeValue>) -> Result<(), TableError> {
        self.client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .send()
            .await
            .map_err(TableError::from_sdk)?;
        Ok(())
    }

    /// Puts one item, over whatever was there, if a condition holds of that. Whether it did.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn put_if(
        &self,
        item: HashMap<String, AttributeValue>,
        condition: &str,
        values: &[(&str, AttributeValue)],
    ) -> Result<bool, TableError> {
        let mut put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .condition_expression(condition);
        for (name, value) in values {
            put = put.expression_attribute_values(*name, value.clone());
        }
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(TableError::from_sdk(error)),
            },
        }
    }
}

impl Table {
    /// A put as a part of a transaction; `condition` is of what was there.
    ///
    /// # Errors
    /// None with items that have a key.
    pub fn to_put(
        &self,
        item: HashMap<String, AttributeValue>,
        condition: Option<&str>,
    ) -> Result<TransactWriteItem, TableError> {
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(item))
            .set_condition_expression(condition.map(ToOwned::to_owned));
        let put = put.build().map_err(|error| unbuilt(&error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Carries out a transaction, all of it or nothing: whether it was. It is not where a condition does
    /// not hold, and where something else writes one of its items at the same moment.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn transact(&self, items: Vec<TransactWriteItem>) -> Result<bool, TableError> {
        let written = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .send()
            .await;
        match written {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(_)) => Ok(false),
                _ => Err(TableError::from_sdk(error)),
            },
        }
    }
}

/// A part of a transaction lacks something.
pub(crate) fn unbuilt(error: &aws_sdk_dynamodb::error::BuildError) -> TableError {
    TableError::Unreadable(error.to_string())
}

impl TableError {
    /// The error of a call.
    pub fn from_sdk<E, R>(error: SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        Self::Unavailable(aws::reason(error))
    }
}

impl Retryable for TableError {
    fn retry(&self) -> Retry {
        match self {
            Self::Unavailable(_) => Retry::Later(None),
            Self::Unreadable(_) => Retry::Never,
        }
    }
}

impl From<serde_dynamo::Error> for TableError {
    fn from(error: serde_dynamo::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// A string attribute.
pub fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A number attribute.
pub fn number(value: impl Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
