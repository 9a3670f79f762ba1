//! A console of the real binary, and what there is to look at.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_shared::ids::{AuthId, EntryKey};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Ledger, Payload, State};
use haptik_bridge_shared::retry::{Detail, FailureReason};
use haptik_bridge_shared::users::UserMap;
use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) const SAID: &str = "what was said is private";

/// A console, and who asks it.
pub(super) struct Console {
    process: Child,
    pub(super) base: String,
    pub(super) token: String,
    pub(super) http: reqwest::Client,
    log: PathBuf,
    /// What it prints further: it would stop, were nobody to read that.
    _out: BufReader<ChildStdout>,
}

impl Console {
    pub(super) fn start(data: &Path, more: &[&str]) -> anyhow::Result<Self> {
        Self::start_by(Command::new(program()), data, more)
    }

    /// The same, of a command to which its words are added.
    pub(super) fn start_by(
        mut command: Command,
        data: &Path,
        more: &[&str],
    ) -> anyhow::Result<Self> {
        let log = data.join("console.log");
        let mut process = command
            .args(["console", "--listen", "0", "--data-dir"])
            .arg(data)
            .args(more)
            .current_dir(data)
            .env_remove("TABLE_NAME")
            .env("USER", "asha")
            .env("HOSTNAME", "desk")
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()?;
        let mut out = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut url = String::new();
        while !url.trim().starts_with("http://") {
            url.clear();
            anyhow::ensure!(out.read_line(&mut url)? > 0, "it says no address");
        }
        let url = url.trim();
        let (base, token) = url.split_once("/?token=").expect("a token");
        Ok(Self {
            process,
            base: base.to_owned(),
            token: token.to_owned(),
            http: haptik_bridge_shared::net::client()?,
            log,
            _out: out,
        })
    }

    /// What it has logged so far.
    pub(super) fn log(&self) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(&self.log)?)
    }

    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self
            .http
            .get(format!("{}/api/{path}", self.base))
            .bearer_auth(&self.token)
            .send()
            .await?;
        let status = answer.status();
        let body: Value = answer.json().await?;
        assert!(status.is_success(), "{path}: {status} {body}");
        Ok(body)
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<(u16, Value)> {
        let asked = self.http.post(format!("{}/api/{path}", self.base));
        let answer = asked.bearer_auth(&self.token).json(body).send().await?;
        Ok((answer.status().as_u16(), answer.json().await?))
    }

    pub(super) async fn found(&self, name: &str) -> anyhow::Result<Vec<String>> {
        let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let found = self.get(&format!("find?q={name}")).await?;
        let entries = found["entries"].as_array().cloned().unwrap_or_default();
        let keys = entries.iter().filter_map(|entry| entry["key"].as_str());
        Ok(keys.map(ToOwned::to_owned).collect())
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program: another build of it, where one is to be measured.
pub(super) fn program() -> OsString {
    let program = std::env::var_os("HAPTIK_BRIDGE_PROGRAM");
    program.unwrap_or_else(|| env!("CARGO_BIN_EXE_haptik-bridge").into())
}

pub(super) const OF_SLACK: &str = "00001795561837856425#D1";
pub(super) const OF_HAPTIK: &str = "00000000000000000902#message";

/// What a user wrote in Slack, and what Haptik answered, which was given up.
pub(super) async fn ledger(data: &Path) -> anyhow::Result<(EmbeddedDynamoDb, Ledger, AuthId)> {
    let database = EmbeddedDynamoDb::start(Some(&data.join("dynamodb.sqlite"))).await?;
    let ledger = Ledger::new(database.table.clone(), Duration::from_hours(24));
    let user = AuthId::derive(&"acme-slack".into(), "U1", None);
    let known = json!({
        "auth_id": user, "connection": "acme-slack", "channel_user": "T1:U1", "address": {},
        "last_activity": Timestamp::now().as_millisecond(),
    });
    let users = UserMap::new(database.table.clone());
    users.put_place(&serde_json::from_value(known)?).await?;
    let now = Timestamp::now();
    let key = EntryKey::from(OF_SLACK);
    let said = Payload::Inbound {
        connection: "acme-slack".into(),
        inbound: serde_json::from_value(json!({
            "key": key, "at": now, "auth_id": user, "user": "U1", "address": {},
            "action": {"type": "message", "text": SAID},
        }))?,
        handoff: None,
    };
    let lane = Lane::Haptik(user.clone());
    ledger.append(&lane, &key, &said, now, now).await?;
    let entry = ledger.entry(&lane, &key).await?.expect("it is there");
    ledger
        .delivered(&entry, None, &["4242".to_owned()], &[], now)
        .await?;
    give_up(&ledger, &user, OF_HAPTIK).await?;
    Ok((database, ledger, user))
}

pub(super) async fn give_up(ledger: &Ledger, user: &AuthId, key: &str) -> anyhow::Result<()> {
    let (now, key) = (Timestamp::now(), EntryKey::from(key));
    let answer = Payload::Webhook {
        account: "main".into(),
        body: json!({"message": {"body": {"text": SAID}}}).to_string(),
    };
    let lane = Lane::Channel(user.clone());
    ledger.append(&lane, &key, &answer, now, now).await?;
    let entry = ledger.entry(&lane, &key).await?.expect("it is there");
    let detail = Detail::from(SAID);
    let why = FailureReason {
        reason: "Slack refused to send the message (invalid_auth)",
        detail: Some(&detail),
    };
    ledger.end(&entry, State::Dead, Some(why), now).await?;
    Ok(())
}
