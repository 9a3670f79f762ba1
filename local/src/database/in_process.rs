//! The HTTP client of the AWS SDK that hands a call of DynamoDB to the database in this process: the SDK builds, repeats
//! and reads its requests as ever, and nothing listens, signs, or goes through a socket.
//!
//! What a request is: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html>.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use dynoxide::{Database, DynoxideError};
use http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::journal::Journal;
use super::outage::WriteOutage;
use crate::turns::Turns;

/// The header that names the operation, and what stands before its name.
const TARGET: &str = "x-amz-target";
const TARGET_PREFIX: &str = "DynamoDB_20120810.";

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// What stands before the message of a request that the database refuses while it reads it.
const VALIDATION_MARKERS: [&str; 3] = ["VALIDATION_AS_READ:", "VALIDATION_REQUEST:", "VALIDATION:"];

/// The client of a database in this process, whose calls are counted. It calls nobody else, whatever the endpoint is.
pub(super) fn http_client(engine: Engine, calls: Calls, turns: Turns) -> SharedHttpClient {
    SharedHttpClient::new(InProcess {
        engine,
        calls,
        turns,
    })
}

/// The database, and when what was written to it is on the disk. A clone is the same.
#[derive(Clone)]
pub(super) struct Engine {
    pub(super) database: Database,
    /// `None` of a database in memory.
    pub(super) journal: Option<Journal>,
    pub(super) outage: WriteOutage,
}

/// How often each operation was called. A clone is the same.
#[derive(Debug, Clone, Default)]
pub struct Calls(Arc<[AtomicU64; OPERATIONS.len()]>);

impl Calls {
    /// Each operation that was called, and how often.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        let counts = OPERATIONS.into_iter().zip(counts);
        counts.filter(|(_, count)| *count > 0)
    }

    fn count(&self, operation: &str) {
        let place = OPERATIONS.iter().position(|name| *name == operation);
        if let Some(count) = place.and_then(|place| self.0.get(place)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[derive(Clone)]
struct InProcess {
    engine: Engine,
    calls: Calls,
    turns: Turns,
}

impl std::fmt::Debug for InProcess {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("InProcess")
    }
}

impl HttpClient for InProcess {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    /// Runs the operation in its turn, on a thread for that, so that others come to wait for theirs: a call that nobody
    /// waits for any more before it began does nothing, as a request that was not sent.
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let called = self.clone();
        HttpConnectorFuture::new(async move {
            let body = request.body().bytes().unwrap_or_default();
            let turn = called.turns.at_database(body).await;
            let writes = writes(operation(&request));
            let (journal, outage) = (called.engine.journal.clone(), called.engine.outage.clone());
            let running = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                called.respond(&request)
            });
            let response = running.await.map_err(unanswered)??;
            // The next one's turn has come by now, so that many can wait for the disk together.
            if let Some(journal) = journal {
                let settled = journal.settled().await;
                settled
                    .inspect_err(|error| outage.failed(&error.to_string()))
                    .map_err(unanswered)?;
            }
            if writes && response.status().is_success() {
                outage.wrote();
            }
            Ok(response)
        })
    }
}

/// The operation that a request names.
fn operation(request: &HttpRequest) -> &str {
    let target = request.headers().get(TARGET).unwrap_or_default();
    target.strip_prefix(TARGET_PREFIX).unwrap_or(target)
}

/// What the SDK calls again for.
fn unanswered(error: impl Into<BoxError>) -> ConnectorError {
    ConnectorError::other(error.into(), None)
}

impl InProcess {
    fn respond(&self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let operation = operation(request);
        let Engine {
            database,
            journal,
            outage,
        } = &self.engine;
        let journal = journal.as_ref();
        let _writing = journal.filter(|_| writes(operation)).map(Journal::writing);
        let body = request.body().bytes().ok_or_else(|| {
            ConnectorError::user("the embedded database reads no body that is a stream".into())
        })?;
        self.calls.count(operation);
        let (status, body) = match run(database, operation, body) {
            Ok(body) => (StatusCode::OK, body),
            Err(refused) => {
                if let Some(why) = refused.failure {
                    outage.failed(&why);
                }
                (refused.status, refused.body)
            }
        };
        let response = http::Response::builder()
            .status(status)
            .header(http::header::CONTENT_TYPE, CONTENT_TYPE)
            .body(SdkBody::from(body));
        let response = response.map_err(|error| ConnectorError::other(error.into(), None))?;
        HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
    }
}

/// An error as DynamoDB answers it: its kind is in the body, as `__type`
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>).
struct Refused {
    status: StatusCode,
    body: Vec<u8>,
    /// Why, where the request is none of the reasons.
    failure: Option<String>,
}

impl Refused {
    fn of(kind: &str, message: &str) -> Self {
        let body = serde_json::json!({"__type": kind, "message": message});
        Self {
            status: StatusCode::BAD_REQUEST,
            body: body.to_string().into_bytes(),
            failure: None,
        }
    }

    /// A request that is not what its operation has.
    fn unreadable(error: &serde_json::Error) -> Self {
        let said = error.to_string();
        let refused = VALIDATION_MARKERS
            .iter()
            .find_map(|marker| said.strip_prefix(marker));
        match refused {
            Some(why) => Self::of("com.amazon.coral.validate#ValidationException", why),
            None => Self::of("com.amazon.coral.service#SerializationException", &said),
        }
    }
}

impl From<DynoxideError> for Refused {
    fn from(error: DynoxideError) -> Self {
        let status = StatusCode::from_u16(error.status_code());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self {
            status,
            body: error.to_json().into_bytes(),
            failure: status.is_server_error().then(|| error.to_string()),
        }
    }
}

/// What an operation does to what is stored.
enum Does {
    Read,
    Write,
}

/// Each operation that the bridge, its command line and its tests use, and the function of the database that is it.
macro_rules! operations {
    ($($operation:literal => $function:ident, $does:ident;)*) => {
        const OPERATIONS: [&str; [$($operation),*].len()] = [$($operation),*];

        /// Whether an operation changes anything. One that is not known is refused.
        fn writes(operation: &str) -> bool {
            match operation {
                $($operation => matches!(Does::$does, Does::Write),)*
                _ => false,
            }
        }

        fn run(database: &Database, operation: &str, body: &[u8]) -> Result<Vec<u8>, Refused> {
            match operation {
                $($operation => carry_out(body, |request| database.$function(request)),)*
                _ => Err(Refused::of(
                    "com.amazon.coral.service#UnknownOperationException",
                    &format!(
                        "{operation:?} is no operation of the database in this process, which has {}",
                        OPERATIONS.join(", ")
                    ),
                )),
            }
        }
    };
}

operations! {
    "BatchGetItem" => batch_get_item, Read;
    "BatchWriteItem" => batch_write_item, Write;
    "CreateTable" => create_table, Write;
    "DeleteItem" => delete_item, Write;
    "DescribeTable" => describe_table, Read;
    "DescribeTimeToLive" => describe_time_to_live, Read;
    "GetItem" => get_item, Read;
    "ListTables" => list_tables, Read;
    "PutItem" => put_item, Write;
    "Query" => query, Read;
    "Scan" => scan, Read;
    "TransactGetItems" => transact_get_items, Read;
    "TransactWriteItems" => transact_write_items, Write;
    "UpdateItem" => update_item, Write;
    "UpdateTable" => update_table, Write;
    "UpdateTimeToLive" => update_time_to_live, Write;
}

fn carry_out<Request: DeserializeOwned, Response: Serialize>(
    body: &[u8],
    operation: impl FnOnce(Request) -> Result<Response, DynoxideError>,
) -> Result<Vec<u8>, Refused> {
    let request = serde_json::from_slice(body).map_err(|error| Refused::unreadable(&error))?;
    let response = operation(request)?;
    serde_json::to_vec(&response).map_err(|error| {
        DynoxideError::InternalServerError(format!("an answer cannot be written: {error}")).into()
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::ReturnValue;
    use haptik_bridge_shared::table::{Item, Table, key, text};

    use super::super::EmbeddedDynamoDb;
    use super::*;

    fn item(name: &str, said: &str) -> Item {
        let mut item = key("lane", name);
        item.insert("said".to_owned(), text(said));
        item
    }

    async fn table() -> anyhow::Result<(EmbeddedDynamoDb, Table)> {
        let database = EmbeddedDynamoDb::start(None).await?;
        let table = database.table.clone();
        Ok((database, table))
    }

    #[tokio::test]
    async fn what_a_condition_found_comes_back_with_its_failure() -> anyhow::Result<()> {
        let (_database, table) = table().await?;
        assert_eq!(table.put_new(item("1", "first")).await?, None);
        let found = table.put_new(item("1", "second")).await?;
        assert_eq!(found, Some(item("1", "first")));
        Ok(())
    }

    #[tokio::test]
    async fn a_transaction_is_cancelled_as_a_whole_with_its_reasons() -> anyhow::Result<()> {
        let (_database, table) = table().await?;
        table.put(item("1", "first")).await?;
        let both = vec![
            table.to_put(item("2", "with it"))?,
            table.to_put_new(item("1", "second"))?,
        ];
        let cancelled = table.client().transact_write_items();
        let cancelled = cancelled.set_transact_items(Some(both)).send().await;
        let error = cancelled
            .expect_err("one of two is there")
            .into_service_error();
        assert!(error.is_transaction_canceled_exception(), "{error:?}");
        let reasons = format!("{error:?}");
        assert!(reasons.contains("ConditionalCheckFailed"), "{reasons}");
        assert_eq!(table.get("lane", "2").await?, None);
        Ok(())
    }

    #[tokio::test]
    async fn an_update_answers_with_what_the_item_is_now() -> anyhow::Result<()> {
        let (_database, table) = table().await?;
        let update = table.client().update_item().table_name(table.name());
        let update = update.set_key(Some(key("lane", "1")));
        let update = update.update_expression("SET said = :said");
        let update = update.expression_attribute_values(":said", text("first"));
        let updated = update.return_values(ReturnValue::AllNew).send().await?;
        assert_eq!(updated.attributes, Some(item("1", "first")));
        Ok(())
    }

    #[tokio::test]
    async fn what_is_refused_has_dynamodbs_code_and_a_message() -> anyhow::Result<()> {
        let (_database, table) = table().await?;
        let client = table.client();
        let nameless = client.get_item().table_name(table.name()).send().await;
        let elsewhere = client.get_item().table_name("another");
        let elsewhere = elsewhere.set_key(Some(key("a", "b"))).send().await;
        let condition = client.put_item().table_name(table.name());
        let condition = condition.set_item(Some(item("1", "first")));
        let condition = condition.condition_expression("said >>> 1").send().await;
        let unknown = client.list_backups().send().await;
        for (code, said, error) in [
            (
                "ValidationException",
                "key",
                nameless.err().map(|it| meta(&it)),
            ),
            (
                "ResourceNotFoundException",
                "not found",
                elsewhere.err().map(|it| meta(&it)),
            ),
            (
                "ValidationException",
                "ConditionExpression",
                condition.err().map(|it| meta(&it)),
            ),
            (
                "UnknownOperationException",
                "\"ListBackups\"",
                unknown.err().map(|it| meta(&it)),
            ),
        ] {
            let (is, message) = error.unwrap_or_default();
            assert_eq!(is, code, "{message}");
            assert!(message.contains(said), "{message}");
        }
        Ok(())
    }

    fn meta(error: &impl aws_sdk_dynamodb::error::ProvideErrorMetadata) -> (String, String) {
        let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
        (owned(error.code()), owned(error.message()))
    }

    /// A table of whose journal each sync is counted.
    async fn followed(
        outage: &WriteOutage,
        answer: fn() -> std::io::Result<()>,
    ) -> anyhow::Result<(Table, Arc<AtomicU64>)> {
        let syncs = Arc::new(AtomicU64::new(0));
        let counted = syncs.clone();
        let engine = Engine {
            database: Database::memory()?,
            journal: Some(Journal::with(move || {
                counted.fetch_add(1, Ordering::SeqCst);
                answer()
            })),
            outage: outage.clone(),
        };
        let client = super::super::in_process(engine, Calls::default(), Turns::default());
        let table = Table::new(client, "table");
        super::super::create_table(&table).await?;
        Ok((table, syncs))
    }

    #[tokio::test]
    async fn a_write_is_on_the_disk_when_it_is_answered_and_a_read_waits_for_none()
    -> anyhow::Result<()> {
        let (table, syncs) = followed(&WriteOutage::default(), || Ok(())).await?;
        let before = syncs.load(Ordering::SeqCst);
        table.put(item("1", "first")).await?;
        assert_eq!(syncs.load(Ordering::SeqCst), before + 1);
        assert_eq!(table.get("lane", "1").await?, Some(item("1", "first")));
        assert_eq!(syncs.load(Ordering::SeqCst), before + 1);
        table.delete("lane", "1").await?;
        assert_eq!(syncs.load(Ordering::SeqCst), before + 2);
        Ok(())
    }

    #[tokio::test]
    async fn what_the_disk_did_not_take_is_not_answered() {
        let outage = WriteOutage::default();
        let made = followed(&outage, || Err(std::io::Error::other("input/output error"))).await;
        assert_eq!(outage.now().as_deref(), Some("input/output error"));
        let error = made.map(|_| ()).expect_err("the disk does not take it");
        let said = format!("{error:?}");
        assert!(said.contains("input/output error"), "{said}");
    }

    #[tokio::test]
    async fn calls_are_counted_by_their_operation() -> anyhow::Result<()> {
        let (database, table) = table().await?;
        table.put(item("1", "first")).await?;
        table.put(item("2", "second")).await?;
        let _ = table.client().list_backups().send().await;
        let counts = database.calls().counts().collect::<Vec<_>>();
        assert!(counts.contains(&("PutItem", 2)), "{counts:?}");
        let others = ["GetItem", "ListBackups"];
        assert!(
            !counts.iter().any(|(name, _)| others.contains(name)),
            "{counts:?}"
        );
        Ok(())
    }
}
