//! DynamoDB in this process: the real SDK talks over loopback to an embedded engine (`SQLite`).

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
    LocalSecondaryIndex, Projection, ProjectionType, ScalarAttributeType, TimeToLiveSpecification,
};
use dynoxide::Database;
use haptik_bridge_shared::ledger::{DEAD_INDEX, PENDING_INDEX};
use haptik_bridge_shared::net::{self, aws};
use haptik_bridge_shared::table::Table;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The name of the table on this machine.
const TABLE_NAME: &str = "haptik-bridge";

/// How often expired items are removed; DynamoDB itself promises "within a few days".
const SWEEP_EVERY: Duration = Duration::from_hours(1);

/// An embedded DynamoDB with the bridge's table. It ends when this is dropped.
#[derive(Debug)]
pub struct EmbeddedDynamoDb {
    /// The table, to be used as any DynamoDB table.
    pub table: Table,
    endpoint: String,
    serving: JoinHandle<()>,
    sweeping: JoinHandle<()>,
}

impl EmbeddedDynamoDb {
    /// Opens the database in `file`, or a new one in memory.
    ///
    /// # Errors
    /// When the file cannot be opened or the table cannot be made.
    pub async fn start(file: Option<&Path>) -> anyhow::Result<Self> {
        let database = match file {
            Some(file) => {
                let path = file
                    .to_str()
                    .context("the data directory's path is not valid UTF-8")?;
                Database::new(path).map_err(|error| {
                    anyhow!(
                        "{path} cannot be opened as a ledger ({error}): it may be damaged or another file; \
                         restore it from a backup, or name another directory"
                    )
                })?
            }
            None => {
                Database::memory().map_err(|error| anyhow!("the embedded database: {error}"))?
            }
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let sweeping = tokio::spawn(sweep(database.clone()));
        let serving = tokio::spawn(async move {
            if let Err(error) =
                dynoxide::server::serve_with_shutdown(listener, database, std::future::pending())
                    .await
            {
                tracing::error!(error, "the embedded database has stopped");
            }
        });
        let table = Table::new(client(&endpoint)?, TABLE_NAME);
        create_table(&table).await?;
        Ok(Self {
            table,
            endpoint,
            serving,
            sweeping,
        })
    }

    /// Where it is served on this machine.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The table as it is reached by another way: through a proxy at `endpoint` that makes calls fail.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn table_through(&self, endpoint: &str) -> anyhow::Result<Table> {
        Ok(Table::new(client(endpoint)?, TABLE_NAME))
    }
}

impl Drop for EmbeddedDynamoDb {
    fn drop(&mut self) {
        self.serving.abort();
        self.sweeping.abort();
    }
}

fn client(endpoint: &str) -> anyhow::Result<Client> {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .endpoint_url(endpoint)
        .http_client(aws::http_client(net::client()?))
        .build();
    Ok(Client::from_conf(config))
}

/// Makes the table, unless it is there. The same as in `template.yaml`.
async fn create_table(table: &Table) -> anyhow::Result<()> {
    let existing = table.client().list_tables().send().await?;
    if existing
        .table_names()
        .iter()
        .any(|name| name == table.name())
    {
        return Ok(());
    }
    let key = |name: &str, kind| {
        KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind)
            .build()
    };
    let attribute = |name: &str, kind| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(kind)
            .build()
    };
    let text = |name: &str| attribute(name, ScalarAttributeType::S);
    let keys_only = || {
        Projection::builder()
            .projection_type(ProjectionType::KeysOnly)
            .build()
    };
    let dead = GlobalSecondaryIndex::builder()
        .index_name(DEAD_INDEX)
        .key_schema(key("dead", KeyType::Hash)?)
        .key_schema(key("ended_at", KeyType::Range)?)
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
        .attribute_definitions(attribute("ended_at", ScalarAttributeType::N)?)
        .key_schema(key("pk", KeyType::Hash)?)
        .key_schema(key("sk", KeyType::Range)?)
        .local_secondary_indexes(pending)
        .global_secondary_indexes(dead)
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await?;
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

async fn sweep(database: Database) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        let database = database.clone();
        let swept = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
        if let Ok(Err(error)) = swept {
            tracing::warn!(%error, "expired items could not be removed");
        }
    }
}
