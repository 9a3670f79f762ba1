//! DynamoDB in this process: the real SDK hands its calls to an embedded engine (`SQLite`).

use std::fmt;
use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::{ReconnectMode, RetryConfig};
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Builder, Credentials, Region, StalledStreamProtectionConfig,
};
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, CreateGlobalSecondaryIndexAction, GlobalSecondaryIndex,
    GlobalSecondaryIndexUpdate, KeySchemaElement, KeyType, LocalSecondaryIndex, Projection,
    ProjectionType, ScalarAttributeType, TableDescription, TimeToLiveSpecification,
    TimeToLiveStatus,
};
use dynoxide::Database;
use haptik_bridge_shared::came_as::CAME_AS_INDEX;
use haptik_bridge_shared::ledger::{DEAD_INDEX, PENDING_INDEX};
use haptik_bridge_shared::net::{self, aws};
use haptik_bridge_shared::table::Table;
use tokio::task::JoinHandle;

use crate::turns::Turns;

mod in_process;
mod journal;
mod outage;

pub use in_process::Calls;
use in_process::Engine;
use journal::Journal;
pub use outage::WriteOutage;

/// The name of the table on this machine.
const TABLE_NAME: &str = "haptik-bridge";

/// How often expired items are removed; DynamoDB itself promises "within a few days".
const SWEEP_EVERY: Duration = Duration::from_hours(1);

/// When they are for the first time, so that they go too where a bridge is started anew all the time.
const FIRST_SWEEP_AFTER: Duration = Duration::from_mins(1);

/// How long compacting waits for others.
const COMPACTED_WITHIN: Duration = Duration::from_secs(30);

/// An embedded DynamoDB with the bridge's table. It ends when this is dropped.
pub struct EmbeddedDynamoDb {
    /// The table, to be used as any DynamoDB table.
    pub table: Table,
    database: Database,
    calls: Calls,
    turns: Turns,
    outage: WriteOutage,
    sweeping: JoinHandle<()>,
}

impl fmt::Debug for EmbeddedDynamoDb {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EmbeddedDynamoDb")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

impl EmbeddedDynamoDb {
    /// Opens the database in `file`, or a new one in memory.
    ///
    /// # Errors
    /// When the file cannot be opened or the table cannot be made.
    pub async fn start(file: Option<&Path>) -> anyhow::Result<Self> {
        let calls = Calls::default();
        let turns = Turns::default();
        let outage = WriteOutage::default();
        let database = file.map_or_else(in_memory, open)?;
        let journal = file.map(|file| journal_of(file, &database)).transpose()?;
        let engine = Engine {
            database: database.clone(),
            journal,
            outage: outage.clone(),
        };
        let client = in_process(engine, calls.clone(), turns.clone());
        let table = Table::new(client, TABLE_NAME);
        create_table(&table).await?;
        Ok(Self {
            table,
            sweeping: tokio::spawn(sweep(database.clone())),
            database,
            calls,
            turns,
            outage,
        })
    }

    /// Whether the database fails to take what is written.
    #[must_use]
    pub fn outage(&self) -> WriteOutage {
        self.outage.clone()
    }

    /// How often each operation was called through [`EmbeddedDynamoDb::table`].
    #[must_use]
    pub fn calls(&self) -> Calls {
        self.calls.clone()
    }

    /// Whose turn it is at the database: to be told by which connection users come.
    pub(crate) fn turns(&self) -> Turns {
        self.turns.clone()
    }

    /// The engine itself, for one who serves it to others: to a proxy that makes calls fail.
    #[must_use]
    pub fn engine(&self) -> Database {
        self.database.clone()
    }

    /// Writes the file anew without what was deleted, whose bytes else stay in it until they are used again; also those
    /// of the journal beside it. Another process may use it meanwhile. A database in memory has none.
    ///
    /// # Errors
    /// When others write all the time, or there is no room for a second copy of the file.
    pub async fn compact(&self) -> anyhow::Result<()> {
        let database = self.database.clone();
        let compacting = tokio::task::spawn_blocking(move || -> anyhow::Result<()> {
            let file = database.db_path()?;
            let Some(file) = file.filter(|file| !file.is_empty()) else {
                return Ok(());
            };
            let connection = rusqlite::Connection::open(file)?;
            connection.busy_timeout(COMPACTED_WITHIN)?;
            connection.execute_batch("VACUUM")?;
            // Into the file, and the journal is cut to nothing.
            let emptied = "PRAGMA wal_checkpoint(TRUNCATE)";
            let busy: i64 = connection.query_row(emptied, [], |row| row.get(0))?;
            anyhow::ensure!(busy == 0, "the database is read all the time");
            Ok(())
        });
        let compacted = compacting.await?;
        compacted.context("what was deleted is still in the bytes of the database's file")
    }

    /// The table as it is reached by another way: over HTTP, at `endpoint`.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn table_through(&self, endpoint: &str) -> anyhow::Result<Table> {
        let config = settings()
            .credentials_provider(Credentials::new("local", "local", None, None, "local"))
            .endpoint_url(endpoint)
            .http_client(aws::http_client(net::client()?))
            .build();
        Ok(Table::new(Client::from_conf(config), TABLE_NAME))
    }
}

fn in_memory() -> anyhow::Result<Database> {
    Database::memory().map_err(|error| anyhow!("the embedded database: {error}"))
}

/// The database in a file.
fn open(file: &Path) -> anyhow::Result<Database> {
    make_private(file);
    let path = file
        .to_str()
        .context("the data directory's path is not valid UTF-8")?;
    Database::new(path).map_err(|error| {
        // What follows is a library's advice to its programmer.
        let said = error.to_string();
        let said = said.split(". ").next().unwrap_or_default();
        anyhow!(
            "{path} cannot be opened as a ledger ({said}): it may be damaged or another file; \
             restore it from a backup, or name another directory"
        )
    })
}

/// Takes the waiting for the disk over from the database in a file.
fn journal_of(file: &Path, database: &Database) -> anyhow::Result<Journal> {
    let journal = Journal::of(file).context("what is written cannot be followed to the disk")?;
    // Of all that can be set, this sets `synchronous = NORMAL`; the rest stays what it is.
    database.disable_bulk_loading()?;
    Ok(journal)
}

impl Drop for EmbeddedDynamoDb {
    fn drop(&mut self) {
        self.sweeping.abort();
    }
}

/// A client of the database in this process, which checks no signature: nothing is signed.
fn in_process(engine: Engine, calls: Calls, turns: Turns) -> Client {
    let config = settings()
        .allow_no_auth()
        .endpoint_url("http://dynamodb.in-this-process.invalid")
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .http_client(in_process::http_client(engine, calls, turns))
        .build();
    Client::from_conf(config)
}

fn settings() -> Builder {
    aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        // There is no connection to close at a failure; the SDK would write an error that it knows none.
        .retry_config(
            RetryConfig::standard().with_reconnect_mode(ReconnectMode::ReuseAllConnections),
        )
}

/// Makes the table, unless it is there, and what a table of an older version does not have. The same as in
/// `template.yaml`.
async fn create_table(table: &Table) -> anyhow::Result<()> {
    let existing = table.client().list_tables().send().await?;
    if existing
        .table_names()
        .iter()
        .any(|name| name == table.name())
    {
        add_came_as(table).await?;
        return expire(table).await;
    }
    let dead = GlobalSecondaryIndex::builder()
        .index_name(DEAD_INDEX)
        .key_schema(key("dead", KeyType::Hash)?)
        .key_schema(key("ended_at", KeyType::Range)?)
        .projection(keys_only())
        .build()?;
    let came_as = GlobalSecondaryIndex::builder()
        .index_name(CAME_AS_INDEX)
        .key_schema(key("came_as", KeyType::Hash)?)
        .projection(keys_only())
        .build()?;
    let pending = LocalSecondaryIndex::builder()
        .index_name(PENDING_INDEX)
        .key_schema(key("pk", KeyType::Hash)?)
        .key_schema(key("pending", KeyType::Range)?)
        .projection(
            Projection::builder()
                .projection_type(ProjectionType::All)
                .build(),
        )
        .build()?;
    table
        .client()
        .create_table()
        .table_name(table.name())
        .attribute_definitions(text("pk")?)
        .attribute_definitions(text("sk")?)
        .attribute_definitions(text("pending")?)
        .attribute_definitions(text("dead")?)
        .attribute_definitions(text("came_as")?)
        .attribute_definitions(attribute("ended_at", ScalarAttributeType::N)?)
        .key_schema(key("pk", KeyType::Hash)?)
        .key_schema(key("sk", KeyType::Range)?)
        .local_secondary_indexes(pending)
        .global_secondary_indexes(dead)
        .global_secondary_indexes(came_as)
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await?;
    expire(table).await
}

/// Has items expire, unless they do: a process may have been stopped right after it had made the table.
async fn expire(table: &Table) -> anyhow::Result<()> {
    let described = table.client().describe_time_to_live();
    let described = described.table_name(table.name()).send().await?;
    let status = described
        .time_to_live_description()
        .and_then(|of| of.time_to_live_status());
    if matches!(
        status,
        Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
    ) {
        return Ok(());
    }
    let ttl = TimeToLiveSpecification::builder()
        .attribute_name("expires_at")
        .enabled(true)
        .build()?;
    table
        .client()
        .update_time_to_live()
        .table_name(table.name())
        .time_to_live_specification(ttl)
        .send()
        .await?;
    Ok(())
}

/// Adds the index by which entries and users are found, unless it is there.
async fn add_came_as(table: &Table) -> anyhow::Result<()> {
    let described = table.client().describe_table().table_name(table.name());
    let described = described.send().await?;
    let indexes = described
        .table()
        .map(TableDescription::global_secondary_indexes);
    let indexes = indexes.unwrap_or_default();
    if indexes
        .iter()
        .any(|index| index.index_name() == Some(CAME_AS_INDEX))
    {
        return Ok(());
    }
    let index = CreateGlobalSecondaryIndexAction::builder()
        .index_name(CAME_AS_INDEX)
        .key_schema(key("came_as", KeyType::Hash)?)
        .projection(keys_only())
        .build()?;
    let update = GlobalSecondaryIndexUpdate::builder().create(index).build();
    let added = table
        .client()
        .update_table()
        .table_name(table.name())
        .attribute_definitions(text("came_as")?)
        .global_secondary_index_updates(update)
        .send()
        .await;
    added.context("the ledger of an older version cannot be prepared for this one")?;
    Ok(())
}

fn key(name: &str, kind: KeyType) -> Result<KeySchemaElement, BuildError> {
    KeySchemaElement::builder()
        .attribute_name(name)
        .key_type(kind)
        .build()
}

fn text(name: &str) -> Result<AttributeDefinition, BuildError> {
    attribute(name, ScalarAttributeType::S)
}

fn attribute(name: &str, kind: ScalarAttributeType) -> Result<AttributeDefinition, BuildError> {
    AttributeDefinition::builder()
        .attribute_name(name)
        .attribute_type(kind)
        .build()
}

fn keys_only() -> Projection {
    Projection::builder()
        .projection_type(ProjectionType::KeysOnly)
        .build()
}

async fn sweep(database: Database) {
    let mut after = FIRST_SWEEP_AFTER;
    loop {
        tokio::time::sleep(after).await;
        after = SWEEP_EVERY;
        let database = database.clone();
        let swept = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
        if let Ok(Err(error)) = swept {
            tracing::warn!(%error, "expired items could not be removed");
        }
    }
}

/// Makes the file, where there is none, so that nobody else reads it, nor the journals that `SQLite` makes beside it. One
/// that cannot be made cannot be opened either, which says why.
fn make_private(file: &Path) {
    let mut options = OpenOptions::new();
    options.append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.open(file));
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::DeleteGlobalSecondaryIndexAction;
    use haptik_bridge_shared::ids::EntryKey;
    use haptik_bridge_shared::lane::Lane;
    use haptik_bridge_shared::ledger::{Ledger, Payload};
    use haptik_bridge_shared::table::{key as key_of, number, text as value};
    use jiff::Timestamp;

    use super::*;

    #[tokio::test]
    async fn a_database_of_an_older_version_is_opened_and_searched() -> anyhow::Result<()> {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("dynamodb.sqlite");
        let (lane, now) = (Lane::Channel("a".into()), Timestamp::now());
        let payload = Payload::Webhook {
            account: "main".into(),
            body: "{}".to_owned(),
        };
        let (old, new) = (
            "00000000000000000901#message",
            "00000000000000000902#message",
        );
        let (old, new) = (EntryKey::from(old), EntryKey::from(new));
        {
            let database = EmbeddedDynamoDb::start(Some(&file)).await?;
            let client = database.table.client();
            let index = DeleteGlobalSecondaryIndexAction::builder().index_name(CAME_AS_INDEX);
            let update = GlobalSecondaryIndexUpdate::builder().delete(index.build()?);
            let update = client
                .update_table()
                .table_name(TABLE_NAME)
                .global_secondary_index_updates(update.build());
            update.send().await?;
            let ledger = Ledger::new(database.table.clone(), Duration::from_hours(1));
            ledger.append(&lane, &old, &payload, now, now).await?;
        }
        for _ in 0..2 {
            let database = EmbeddedDynamoDb::start(Some(&file)).await?;
            let ledger = Ledger::new(database.table.clone(), Duration::from_hours(1));
            ledger.append(&lane, &new, &payload, now, now).await?;
            for (name, key) in [("901", &old), ("902", &new)] {
                let found = ledger.places_of(name).await?;
                assert_eq!(found, [(lane.clone(), key.clone())]);
            }
        }
        Ok(())
    }

    #[tokio::test]
    async fn the_file_does_not_grow_by_what_comes_once_as_much_has_expired() -> anyhow::Result<()> {
        let directory = tempfile::tempdir()?;
        let database =
            EmbeddedDynamoDb::start(Some(&directory.path().join("dynamodb.sqlite"))).await?;
        let mut sizes = Vec::new();
        for round in 0..4 {
            for user in 0..100 {
                let mut item = key_of(format!("channel#{user}"), format!("{round}"));
                item.insert("payload".to_owned(), value("m".repeat(4_000)));
                item.insert("pending".to_owned(), value(format!("{round}")));
                let yesterday = Timestamp::now().as_second() - 86_400;
                item.insert("expires_at".to_owned(), number(yesterday));
                database.table.put(item).await?;
            }
            let engine = database.engine();
            let swept = tokio::task::spawn_blocking(move || engine.sweep_ttl()).await?;
            assert_eq!(swept?, 100);
            let files = std::fs::read_dir(directory.path())?;
            let files = files.map(|file| Ok(file?.metadata()?.len()));
            sizes.push(files.sum::<std::io::Result<u64>>()?);
        }
        let (second, last) = (sizes[1], sizes[3]);
        assert!(last <= second + second / 4, "{sizes:?}");
        Ok(())
    }

    /// As after a kill between the two calls that make it.
    #[tokio::test]
    async fn a_table_whose_items_do_not_expire_is_mended_at_the_next_start() -> anyhow::Result<()> {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("dynamodb.sqlite");
        let database = EmbeddedDynamoDb::start(Some(&file)).await?;
        let table = database.table.clone();
        let off = TimeToLiveSpecification::builder()
            .attribute_name("expires_at")
            .enabled(false)
            .build()?;
        let update = table.client().update_time_to_live();
        let update = update.table_name(table.name());
        update.time_to_live_specification(off).send().await?;
        drop(database);
        let database = EmbeddedDynamoDb::start(Some(&file)).await?;
        let mut item = key_of("channel#a".to_owned(), "1".to_owned());
        item.insert("expires_at".to_owned(), number(1_000));
        database.table.put(item).await?;
        let engine = database.engine();
        let swept = tokio::task::spawn_blocking(move || engine.sweep_ttl()).await?;
        assert_eq!(swept?, 1);
        Ok(())
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn what_people_say_is_in_files_that_nobody_else_reads() -> anyhow::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;

        let directory = tempfile::tempdir()?;
        let file = directory.path().join("dynamodb.sqlite");
        let database = EmbeddedDynamoDb::start(Some(&file)).await?;
        let mut names = Vec::new();
        for file in std::fs::read_dir(directory.path())? {
            let file = file?;
            let mode = file.metadata()?.permissions().mode();
            assert_eq!(mode & 0o077, 0, "{mode:o} {}", file.path().display());
            names.push(file.file_name());
        }
        assert!(names.len() > 1, "the journal is beside it: {names:?}");
        drop(database);
        Ok(())
    }
}
