//! The real binary as an operator has it: what contradicts what, what is shown and recorded, and what forgetting
//! somebody leaves behind.

#[path = "command_line/forget.rs"]
mod forget;
#[path = "command_line/options.rs"]
mod options;
#[path = "command_line/shown.rs"]
mod shown;

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_shared::ids::{AuthId, EntryKey};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, Ledger, Payload};
use haptik_bridge_shared::users::UserMap;
use jiff::Timestamp;
use serde_json::json;

/// The program: another build of it, where that is named.
#[expect(
    clippy::disallowed_methods,
    reason = "it says which build the test is of"
)]
fn program() -> String {
    let other = std::env::var("HAPTIK_BRIDGE_PROGRAM").ok();
    other.unwrap_or_else(|| env!("CARGO_BIN_EXE_haptik-bridge").to_owned())
}

/// The program in an environment that has nothing.
fn bare() -> Command {
    let mut command = Command::new(program());
    command.env_clear();
    command
}

/// What it says with these words and variables.
fn run(words: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = bare();
    command.args(words).envs(variables.iter().copied());
    command.output().expect("the binary runs")
}

fn on(data: &Path, words: &[&str]) -> Output {
    let data = data.to_str().expect("text");
    run(&[words, &["--data-dir", data]].concat(), &[])
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn refusal(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr.clone()).expect("text")
}

/// A ledger of a bridge.
struct Kept {
    /// It ends with this.
    _database: EmbeddedDynamoDb,
    ledger: Ledger,
    users: UserMap,
}

impl Kept {
    async fn begin(data: &Path) -> anyhow::Result<Self> {
        let database = EmbeddedDynamoDb::start(Some(&data.join("dynamodb.sqlite"))).await?;
        Ok(Self {
            ledger: Ledger::new(database.table.clone(), Duration::from_hours(24)),
            users: UserMap::new(database.table.clone()),
            _database: database,
        })
    }

    /// Notes where a user of `acme-slack` is.
    async fn user(&self, user: &str, thread: Option<&str>) -> anyhow::Result<AuthId> {
        let auth_id = AuthId::derive(&"acme-slack".into(), user, thread);
        let known = json!({
            "auth_id": auth_id, "connection": "acme-slack", "channel_user": user, "address": {}, "last_activity": 0,
        });
        self.users
            .put_place(&serde_json::from_value(known)?)
            .await?;
        Ok(auth_id)
    }

    /// Keeps what Haptik said to a user.
    async fn answer(&self, user: &AuthId, number: usize, body: &str) -> anyhow::Result<Entry> {
        let lane = Lane::Channel(user.clone());
        let key = EntryKey::from(format!("{number:020}#message").as_str());
        let payload = Payload::Webhook {
            account: "main".into(),
            body: body.to_owned(),
        };
        let now = Timestamp::now();
        self.ledger.append(&lane, &key, &payload, now, now).await?;
        let entry = self.ledger.entry(&lane, &key).await?;
        Ok(entry.expect("it is there"))
    }
}
