//! Signposts: small items by which something is found that is not known by its key, with one query and no scan.
//!
//! | partition key | sort key |
//! |---|---|
//! | `found#{name}` | the partition key and, after a space, the sort key of what has that name |

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};

use super::{Table, TableError, key, number};

/// The longest name that has a signpost, in bytes.
const LONGEST_NAME: usize = 200;

/// The most things of one name that are found.
const MOST_FOUND: i32 = 50;

/// The most signposts of one thing: DynamoDB takes 25 puts at once
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html>).
const MOST_NAMES: usize = 20;

impl Table {
    /// Has the item at this key be found by these names until `expires_at`, in seconds since the epoch. Names that
    /// are empty or longer than 200 bytes are left out. Doing it twice is as doing it once. One call.
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn put_signposts(
        &self,
        names: &BTreeSet<String>,
        pk: &str,
        sk: &str,
        expires_at: i64,
    ) -> Result<(), TableError> {
        let names = names
            .iter()
            .filter(|name| (1..=LONGEST_NAME).contains(&name.len()));
        let mut puts = Vec::new();
        for name in names.take(MOST_NAMES) {
            let mut item = key(partition(name), format!("{pk} {sk}"));
            item.insert("expires_at".to_owned(), number(expires_at));
            let put = PutRequest::builder().set_item(Some(item)).build();
            let put = put.map_err(|error| super::build_error(&error))?;
            puts.push(WriteRequest::builder().put_request(put).build());
        }
        if puts.is_empty() {
            return Ok(());
        }
        let written = self
            .client
            .batch_write_item()
            .request_items(&self.name, puts)
            .send()
            .await;
        let written = written.map_err(TableError::from_sdk)?;
        let left = written.unprocessed_items();
        if left.is_some_and(|left| !left.is_empty()) {
            return Err(TableError::Unavailable("too much at once".to_owned()));
        }
        Ok(())
    }

    /// The keys of what has this name: fifty at most. One query.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn found(&self, name: &str) -> Result<Vec<(String, String)>, TableError> {
        if !(1..=LONGEST_NAME).contains(&name.len()) {
            return Ok(Vec::new());
        }
        let query = self.query(partition(name)).only(&["sk"]);
        let (items, _) = query.page(MOST_FOUND).await?;
        let keys = items.iter().filter_map(|item| {
            let (pk, sk) = item.get("sk")?.as_s().ok()?.split_once(' ')?;
            Some((pk.to_owned(), sk.to_owned()))
        });
        Ok(keys.collect())
    }
}

fn partition(name: &str) -> String {
    format!("found#{name}")
}
