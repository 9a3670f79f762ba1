//! The one DynamoDB table: a string partition key `pk`, a string sort key `sk`, TTL on `expires_at`.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, DeleteRequest, Put, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, WriteRequest,
};
use jiff::Timestamp;

use crate::net::aws;
use crate::retry::{Retry, Retryable};

mod condition;
mod query;
mod tombstone;
mod update;

use condition::Placeholders;
pub use condition::{Condition, above, absent, at_least, at_most, below, equals, present};
pub use query::Query;
pub use tombstone::{Erasure, Tombstone, hash};
pub use update::Update;

/// How many items one call deletes
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html>).
const MOST_DELETED_AT_ONCE: usize = 25;

/// How long is waited after a call of which DynamoDB did a part.
const PAUSE: Duration = Duration::from_millis(200);

/// An item: its attributes by their names.
pub type Item = HashMap<String, AttributeValue>;

/// The table and the client to reach it.
#[derive(Debug, Clone)]
pub struct Table {
    client: Client,
    name: String,
    tombstones: Arc<tombstone::Known>,
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
    /// It would be an item of somebody who was forgotten, and has not written since.
    #[error("the user was forgotten")]
    Forgotten,
}

impl Table {
    /// The table called `name`.
    #[must_use]
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self {
            client,
            name: name.into(),
            tombstones: Arc::default(),
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
    pub async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>, TableError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key(pk, sk)))
            .consistent_read(true)
            .send()
            .await
            .map_err(TableError::from_sdk)?;
        Ok(output.item)
    }

    /// Puts one item, over whatever was there.
    pub async fn put(&self, item: Item) -> Result<(), TableError> {
        self.admit_item(&item).await?;
        let put = self.putting(item).send().await;
        put.map(drop).map_err(TableError::from_sdk)
    }

    /// Puts one item, over whatever was there, if a condition holds of that. Whether it did.
    pub async fn put_if(&self, item: Item, condition: Condition) -> Result<bool, TableError> {
        self.admit_item(&item).await?;
        let mut placeholders = Placeholders::default();
        let put = self
            .putting(item)
            .condition_expression(condition.expression(&mut placeholders))
            .set_expression_attribute_names(placeholders.names())
            .set_expression_attribute_values(placeholders.values());
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(TableError::from_sdk(error)),
            },
        }
    }

    /// Puts one item unless it is there; returns the one that is.
    pub async fn put_new(&self, item: Item) -> Result<Option<Item>, TableError> {
        self.admit_item(&item).await?;
        self.put_new_admitted(item).await
    }

    /// As [`Table::put_new`], of what is known not to be [late](Table::is_late).
    pub(crate) async fn put_new_admitted(&self, item: Item) -> Result<Option<Item>, TableError> {
        let put = self
            .putting(item)
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match put.send().await {
            Ok(_) => Ok(None),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(found)) => {
                    Ok(Some(found.item().cloned().unwrap_or_default()))
                }
                _ => Err(TableError::from_sdk(error)),
            },
        }
    }

    /// Deletes one item, if it is there.
    pub async fn delete(&self, pk: &str, sk: &str) -> Result<(), TableError> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(key(pk, sk)));
        let deleted = delete.send().await;
        deleted.map(drop).map_err(TableError::from_sdk)
    }

    /// Deletes the items with these keys that are there; how many there are is left to who asks. One call for each
    /// twenty-five.
    ///
    /// # Errors
    /// When DynamoDB does not take it: some of them may be deleted.
    pub async fn delete_many(&self, keys: &[Item]) -> Result<(), TableError> {
        for some in keys.chunks(MOST_DELETED_AT_ONCE) {
            let mut left = Vec::new();
            for key in some {
                let delete = DeleteRequest::builder().set_key(Some(key.clone())).build();
                let delete = delete.map_err(|error| build_error(&error))?;
                left.push(WriteRequest::builder().delete_request(delete).build());
            }
            while !left.is_empty() {
                let written = self.client.batch_write_item();
                let written = written.request_items(&self.name, left).send().await;
                let mut written = written.map_err(TableError::from_sdk)?;
                let unwritten = written.unprocessed_items.as_mut();
                left = unwritten
                    .and_then(|all| all.remove(&self.name))
                    .unwrap_or_default();
                if !left.is_empty() {
                    // DynamoDB had enough for a moment.
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        Ok(())
    }

    /// Refuses to write an item of somebody who was forgotten.
    async fn admit_item(&self, item: &Item) -> Result<(), TableError> {
        let part = |name: &str| item.get(name).and_then(|part| part.as_s().ok());
        match (part("pk"), part("sk")) {
            (Some(pk), Some(sk)) => self.refuse_forgotten(pk, sk).await,
            _ => Ok(()),
        }
    }

    fn putting(&self, item: Item) -> PutItemFluentBuilder {
        let put = self.client.put_item().table_name(&self.name);
        put.set_item(Some(item))
    }
}

impl Table {
    /// A put as a part of a transaction, over whatever is there.
    pub fn to_put(&self, item: Item) -> Result<TransactWriteItem, TableError> {
        self.to_put_where(item, None)
    }

    /// A put as a part of a transaction, of an item that is not there.
    pub fn to_put_new(&self, item: Item) -> Result<TransactWriteItem, TableError> {
        self.to_put_where(item, Some("attribute_not_exists(pk)"))
    }

    /// The removal of an item, if it is there, as a part of a transaction.
    pub fn to_delete(&self, pk: &str, sk: &str) -> Result<TransactWriteItem, TableError> {
        let delete = Delete::builder()
            .table_name(&self.name)
            .set_key(Some(key(pk, sk)));
        let delete = delete.build().map_err(|error| build_error(&error))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    fn to_put_where(
        &self,
        item: Item,
        condition: Option<&str>,
    ) -> Result<TransactWriteItem, TableError> {
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(item))
            .set_condition_expression(condition.map(ToOwned::to_owned));
        let put = put.build().map_err(|error| build_error(&error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Carries out a transaction, all of it or nothing: whether it was. It is not where a condition does
    /// not hold, and where something else writes one of its items at the same moment.
    pub async fn transact(&self, items: Vec<TransactWriteItem>) -> Result<bool, TableError> {
        for item in &items {
            let put = item.put().map(|put| &put.item);
            let update = item.update().map(|update| &update.key);
            if let Some(written) = put.or(update) {
                self.admit_item(written).await?;
            }
        }
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
fn build_error(error: &aws_sdk_dynamodb::error::BuildError) -> TableError {
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
            Self::Unreadable(_) | Self::Forgotten => Retry::Never,
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

/// A time as a number attribute, in milliseconds since the epoch.
#[must_use]
pub fn millis(at: Timestamp) -> AttributeValue {
    number(at.as_millisecond())
}

/// The key of an item.
pub fn key(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}
