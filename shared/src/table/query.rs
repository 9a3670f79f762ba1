//! Queries of one partition, and scans.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, Select};

use super::condition::{Condition, Placeholders, equals};
use super::{Item, Table, TableError, text};

/// How many items one call reads
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>).
const MOST_AT_ONCE: usize = 100;

/// A query, built up: `table.query(pk).between("sk", a, b).all()`.
#[derive(Debug)]
#[must_use = "a query does nothing until it is sent"]
pub struct Query {
    builder: QueryFluentBuilder,
    keys: Vec<String>,
    placeholders: Placeholders,
}

impl Table {
    /// A query of one partition, in the order of its sort key.
    pub fn query(&self, pk: impl Into<String>) -> Query {
        self.query_by("pk", pk)
    }

    /// A query of one partition of an index, whose partition key is called `name`.
    pub fn query_by(&self, name: &'static str, value: impl Into<String>) -> Query {
        let mut placeholders = Placeholders::default();
        Query {
            builder: self.client.query().table_name(&self.name),
            keys: vec![equals(name, text(value)).expression(&mut placeholders)],
            placeholders,
        }
    }

    /// The items with these keys that are there, in any order. One call for each hundred.
    pub async fn get_many(&self, keys: Vec<Item>) -> Result<Vec<Item>, TableError> {
        let mut found = Vec::new();
        for some in keys.chunks(MOST_AT_ONCE) {
            let mut left = Some(some.to_vec());
            while let Some(keys) = left.take() {
                let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).build();
                let wanted = wanted.map_err(|error| super::build_error(&error))?;
                let read = self.client.batch_get_item();
                let read = read.request_items(&self.name, wanted).send().await;
                let mut read = read.map_err(TableError::from_sdk)?;
                let items = read
                    .responses
                    .as_mut()
                    .and_then(|all| all.remove(&self.name));
                found.extend(items.unwrap_or_default());
                let unread = read
                    .unprocessed_keys
                    .as_mut()
                    .and_then(|all| all.remove(&self.name));
                left = unread
                    .map(|unread| unread.keys)
                    .filter(|keys| !keys.is_empty());
            }
        }
        Ok(found)
    }

    /// Reads the whole table, or a whole index: of each item the attributes called `names`, or all
    /// where there are none.
    pub async fn scan(
        &self,
        index: Option<&str>,
        is_consistent: bool,
        names: &[&str],
        mut each: impl FnMut(&Item),
    ) -> Result<(), TableError> {
        let mut placeholders = Placeholders::default();
        let projection = (!names.is_empty()).then(|| projection(&mut placeholders, names));
        let mut items = self
            .client
            .scan()
            .table_name(&self.name)
            .set_index_name(index.map(ToOwned::to_owned))
            .consistent_read(is_consistent)
            .set_projection_expression(projection)
            .set_expression_attribute_names(placeholders.names())
            .into_paginator()
            .items()
            .send();
        while let Some(item) = items.next().await {
            each(&item.map_err(TableError::from_sdk)?);
        }
        Ok(())
    }
}

impl Query {
    /// Of an index.
    pub fn index(mut self, name: &str) -> Self {
        self.builder = self.builder.index_name(name);
        self
    }

    /// All attributes, also those that the index does not have.
    pub fn all_attributes(mut self) -> Self {
        self.builder = self.builder.select(Select::AllAttributes);
        self
    }

    /// As the items are now. Not of a global index.
    pub fn consistent(mut self) -> Self {
        self.builder = self.builder.consistent_read(true);
        self
    }

    /// Of the items whose sort key is from `first` to `last`, both included.
    pub fn between(
        mut self,
        name: &'static str,
        first: AttributeValue,
        last: AttributeValue,
    ) -> Self {
        let name = self.placeholders.name(name);
        let (first, last) = (
            self.placeholders.value(first),
            self.placeholders.value(last),
        );
        self.keys.push(format!("{name} BETWEEN {first} AND {last}"));
        self
    }

    /// Of the items whose sort key fulfils a comparison: one of them.
    pub fn and(mut self, comparison: Condition) -> Self {
        self.keys
            .push(comparison.expression(&mut self.placeholders));
        self
    }

    /// Of each item, these attributes alone.
    pub fn only(mut self, names: &[&str]) -> Self {
        let projection = projection(&mut self.placeholders, names);
        self.builder = self.builder.projection_expression(projection);
        self
    }

    /// The last first.
    pub fn backwards(mut self) -> Self {
        self.builder = self.builder.scan_index_forward(false);
        self
    }

    /// Behind the item with this key.
    pub fn after(mut self, key: Option<Item>) -> Self {
        self.builder = self.builder.set_exclusive_start_key(key);
        self
    }

    /// The first `limit` items, and whether there may be more.
    pub async fn page(self, limit: i32) -> Result<(Vec<Item>, bool), TableError> {
        let output = self.built().limit(limit).send().await;
        let output = output.map_err(TableError::from_sdk)?;
        let more = output.last_evaluated_key().is_some();
        Ok((output.items.unwrap_or_default(), more))
    }

    /// How many items there are, up to `limit`, and whether there may be more.
    pub async fn count(self, limit: i32) -> Result<(usize, bool), TableError> {
        let counted = self.built().select(Select::Count).limit(limit);
        let output = counted.send().await.map_err(TableError::from_sdk)?;
        let more = output.last_evaluated_key().is_some();
        Ok((usize::try_from(output.count).unwrap_or_default(), more))
    }

    /// All items.
    pub async fn all(self) -> Result<Vec<Item>, TableError> {
        let mut items = self.built().into_paginator().items().send();
        let mut all = Vec::new();
        while let Some(item) = items.next().await {
            all.push(item.map_err(TableError::from_sdk)?);
        }
        Ok(all)
    }

    fn built(self) -> QueryFluentBuilder {
        self.builder
            .key_condition_expression(self.keys.join(" AND "))
            .set_expression_attribute_names(self.placeholders.names())
            .set_expression_attribute_values(self.placeholders.values())
    }
}

fn projection(placeholders: &mut Placeholders, names: &[&str]) -> String {
    let names = names.iter().map(|name| placeholders.name(name));
    names.collect::<Vec<_>>().join(", ")
}
