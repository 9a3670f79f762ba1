//! What the ledger alone takes of a message on one machine: its calls of DynamoDB, in their order, on the embedded
//! database, and nothing beside them. No message takes less than that, and no more of them go through one process: the
//! database has one connection, behind one lock.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_shared::health::Health;
use haptik_bridge_shared::ids::{AccountId, AuthId, EntryKey};
use haptik_bridge_shared::key::KeyKind;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Ledger, Payload};
use haptik_bridge_shared::users::UserMap;
use jiff::Timestamp;
use tokio::task::JoinSet;

use crate::bridge::processor_time;
use crate::report::number;

/// As long as a short message of Haptik's.
const BODY: usize = 600;

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub struct LedgerReport {
    /// How many messages there were.
    pub messages: u64,
    /// How long all of them took.
    pub seconds: f64,
    /// How much of a processor a message took, in milliseconds, and how much of that the kernel.
    pub processor_ms: f64,
    /// See there.
    pub kernel_ms: f64,
}

impl LedgerReport {
    /// The most messages a second that a bridge on this machine can have.
    #[must_use]
    pub fn messages_per_second(&self) -> f64 {
        number(self.messages) / self.seconds
    }
}

/// Carries so many messages of so many users through a ledger in `directory`, all users at the same time.
///
/// # Errors
/// When the database fails.
pub async fn ledger(directory: &Path, users: u64, messages: u64) -> anyhow::Result<LedgerReport> {
    let database = EmbeddedDynamoDb::start(Some(&directory.join("dynamodb.sqlite"))).await?;
    let table = database.table.clone();
    let scene = Arc::new(Scene {
        ledger: Ledger::new(table.clone(), Duration::from_hours(7 * 24)),
        users: UserMap::new(table.clone()),
        health: Health::new(table),
    });
    let each = messages.div_ceil(users.max(1));
    let (before, began) = (processor_time("/proc/self/stat")?, Instant::now());
    let mut all = JoinSet::new();
    for user in 0..users {
        let scene = scene.clone();
        all.spawn(async move { scene.carry(user, each).await });
    }
    while let Some(carried) = all.join_next().await {
        carried??;
    }
    let (seconds, after) = (
        began.elapsed().as_secs_f64(),
        processor_time("/proc/self/stat")?,
    );
    let messages = each * users;
    let kernel = after.1 - before.1;
    Ok(LedgerReport {
        messages,
        seconds,
        processor_ms: (after.0 - before.0 + kernel) * 1_000.0 / number(messages),
        kernel_ms: kernel * 1_000.0 / number(messages),
    })
}

struct Scene {
    ledger: Ledger,
    users: UserMap,
    health: Health,
}

impl Scene {
    /// Carries so many messages of one user, one after the other, as the functions do.
    async fn carry(&self, user: u64, messages: u64) -> anyhow::Result<()> {
        let account = AccountId::from("main");
        let auth_id = AuthId::from(format!("{user:032x}"));
        let lane = Lane::Channel(auth_id.clone());
        for message in 0..messages {
            let (key, now) = (
                EntryKey::from(KeyKind::Message { id: message }),
                Timestamp::now(),
            );
            let payload = Payload::Webhook {
                account: account.clone(),
                body: "m".repeat(BODY),
            };
            self.ledger.append(&lane, &key, &payload, now, now).await?;
            let (pending, _) = self.ledger.pending(&lane).await?;
            let entry = pending.first().context("what was written is pending")?;
            self.users.get(&auth_id).await?;
            let sent_as = [format!("m-{user}-{message}")];
            let ended = self.ledger.delivered(entry, None, &sent_as, &[], now);
            ended.await?;
            // Every other message is one to Haptik.
            if message % 2 == 0 {
                self.health.note_sent(&account, now).await;
            } else {
                self.health.note_received(&account, now).await;
            }
        }
        Ok(())
    }
}
