//! What is left behind by a run, put before the checker: what was said, what Haptik was told and had to
//! deliver, what the channel shows, what the sink got, and what the ledger says of when each was stored.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, Ledger, PENDING_INDEX, Payload, State};
use haptik_bridge_shared::message::UserAction;
use haptik_bridge_shared::table::Table;
use haptik_bridge_simulator::Simulator;
use serde_json::Value;

use super::load::SentText;
use super::verdict::{self, Delivered};
use super::world::World;
use super::{Load, Neighbours, Report};

/// What the checker finds in all that was kept.
pub(crate) async fn judge(
    load: &Load,
    world: &World,
    table: &Table,
    neighbours: &Neighbours,
    said: &[SentText],
) -> anyhow::Result<Report> {
    let Neighbours {
        haptik,
        provider,
        sink,
    } = neighbours;
    let window = Duration::from_millis(200);
    let told: Vec<String> = haptik.simulator().records(|seen| {
        let messages = seen.messages.iter();
        messages.map(|message| message.text.clone()).collect()
    });
    let delivered = delivered(haptik.simulator());
    let texts = |user| {
        let shown = provider.shown(&provider.user(user)).into_iter();
        shown.map(|shown| shown.text).collect()
    };
    let shown: Vec<Vec<String>> = (0..load.users).map(texts).collect();
    let (mut said_at, mut replied_at) = (HashMap::new(), HashMap::new());
    let (mut pending, mut dead) = (Vec::new(), Vec::new());
    let mut ended = BTreeSet::new();
    for entry in entries(table).await? {
        let line = || {
            let reason = entry.reason.as_deref().unwrap_or("-");
            let (attempts, starts) = (entry.attempts, entry.starts);
            format!(
                "{} {}, {attempts} attempts, {starts} starts: {reason}",
                entry.lane, entry.key
            )
        };
        match entry.state {
            State::Pending => pending.push(line()),
            State::Dead => dead.push(line()),
            State::Delivered => {}
        }
        if is_message(&entry) && entry.state != State::Pending {
            ended.insert(entry.correlation_id.to_string());
        }
        match (&entry.lane, &entry.payload) {
            (Lane::Haptik(_), Payload::Inbound { inbound, .. }) => {
                if let UserAction::Message { text, .. } = &inbound.action {
                    said_at.insert(text.clone(), entry.received_at);
                }
            }
            (Lane::Channel(_), Payload::Webhook { body, .. }) => {
                let event: Value = serde_json::from_str(body)?;
                if let Some(id) = event.pointer("/message/id").and_then(Value::as_u64) {
                    replied_at.insert(id, entry.received_at);
                }
            }
            _ => {}
        }
    }
    Ok(Report {
        seed: load.seed,
        steps: world.steps(),
        faults: world.tally(),
        to_haptik: verdict::to_haptik(said, &told, &said_at, provider.says_when(), window),
        to_channel: verdict::to_channel(&delivered, &shown, &replied_at, window),
        to_sink: verdict::to_sink(&delivered, &sink.callbacks()),
        receipts: verdict::receipts(&ended, &sink.callbacks()),
        contradicted: match provider.reports() {
            Some(reports) => verdict::contradicted(&reports, &sink.callbacks()),
            None => Vec::new(),
        },
        pending,
        dead,
        took: Duration::ZERO,
    })
}

/// Whether an entry is a message, which has a receipt once it has ended.
fn is_message(entry: &Entry) -> bool {
    match (&entry.lane, &entry.payload) {
        (Lane::Haptik(_), Payload::Inbound { .. }) => true,
        (Lane::Channel(_), Payload::Webhook { body, .. }) => {
            let event: Value = serde_json::from_str(body).unwrap_or_default();
            event["event_name"] == "message"
        }
        _ => false,
    }
}

/// What Haptik had to deliver, by `message.id`.
fn delivered(haptik: &Simulator) -> BTreeMap<u64, Delivered> {
    haptik.records(|seen| {
        let mut delivered: BTreeMap<u64, Delivered> = BTreeMap::new();
        for delivery in seen.deliveries.iter() {
            let Some(id) = delivery.message_id else {
                continue;
            };
            let body: Value = serde_json::from_str(&delivery.body).unwrap_or_default();
            let text = body.pointer("/message/body/text").and_then(Value::as_str);
            let event = delivered.entry(id).or_default();
            text.unwrap_or_default().clone_into(&mut event.text);
            event.tries.extend(delivery.attempts.iter().map(|attempt| {
                let took = Duration::from_millis(attempt.took_ms + 1);
                (attempt.at, attempt.at + took)
            }));
        }
        delivered
    })
}

/// How many entries of the ledger are pending.
pub(crate) async fn pending(table: &Table) -> anyhow::Result<usize> {
    let mut pages = table
        .client()
        .scan()
        .table_name(table.name())
        .index_name(PENDING_INDEX)
        .projection_expression("pk")
        .into_paginator()
        .items()
        .send();
    let mut pending = 0;
    while let Some(item) = pages.next().await {
        item?;
        pending += 1;
    }
    Ok(pending)
}

/// All entries of the ledger.
pub(crate) async fn entries(table: &Table) -> anyhow::Result<Vec<Entry>> {
    let ledger = Ledger::new(table.clone(), Duration::from_hours(1));
    let mut entries = Vec::new();
    for lane in ledger.lanes().await? {
        entries.extend(ledger.entries(&lane).await?);
    }
    Ok(entries)
}
