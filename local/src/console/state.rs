//! How the bridge is: accounts, connections, sinks, and the outages of Haptik's webhook.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use haptik_bridge_shared::ids::AccountId;
use haptik_bridge_shared::outage::Outage;
use haptik_bridge_shared::table::TableError;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Answer, Asked, Console};
use crate::operate::{moment, outages as records};

/// The most outages that are shown.
const MOST_OUTAGES: i32 = 50;

/// The most messages and users of each that are shown.
const MOST_FINDINGS: i32 = 100;

/// Of how many outages is asked at once.
const SIDE_BY_SIDE: usize = 8;

/// Accounts, connections and sinks of the configuration, and what the table knows of them.
pub(super) async fn state(State(console): State<Arc<Console>>) -> Answer {
    let Some(inbound) = &console.inbound else {
        let none: [Value; 0] = [];
        return Ok(Json(
            json!({"accounts": none, "connections": none, "sinks": none}),
        ));
    };
    let bridge = inbound.bridge();
    let now = Timestamp::now();
    let accounts = bridge.haptik.keys().map(async |name: &AccountId| {
        let heard = bridge.health.of(name).await?;
        Ok::<Value, TableError>(json!({
            "name": name,
            "told": heard.sent,
            "heard": heard.received,
            "enabled": heard.enabled,
            "silent_seconds": heard.silence(now).map(|silence| silence.as_secs()),
            "unattended": heard.is_unattended(now),
        }))
    });
    let sinks = bridge.config.sinks.iter().map(async |(name, sink)| {
        let breaker = bridge.breakers.of(name).await?;
        Ok::<Value, TableError>(json!({
            "name": name,
            "type": sink.type_name,
            "events": sink.events,
            "attention": breaker.attention.as_ref().map(|reason| shown(reason, console.bodies)),
            "since": breaker.since,
            "closed_until": breaker.closed_until.filter(|until| *until > now),
            "failures": breaker.failures,
            "resumed_at": breaker.resumed_at,
        }))
    });
    let connections = bridge.config.channels.iter().map(|(name, channel)| {
        json!({
            "name": name,
            "type": channel.type_name,
            "account": channel.haptik,
            "business_id": channel.business_id,
        })
    });
    Ok(Json(json!({
        "accounts": try_join_all(accounts).await?,
        "connections": connections.collect::<Vec<_>>(),
        "sinks": try_join_all(sinks).await?,
    })))
}

/// A reason that may have a provider's own words behind its own; those are left out without `--bodies`.
fn shown(reason: &str, bodies: bool) -> &str {
    if bodies {
        return reason;
    }
    reason.split_once(": ").map_or(reason, |(reason, _)| reason)
}

/// The outages of the last weeks (`since`, by default 28 days), the last first.
pub(super) async fn outages(State(console): State<Arc<Console>>, Query(asked): Asked) -> Answer {
    let since = asked.get("since").map_or("28d", String::as_str);
    let since = moment(since)?;
    let outages = &console.operated.outages;
    let (found, more) = outages
        .newest(since, Timestamp::now(), MOST_OUTAGES)
        .await?;
    let shown = found.into_iter().map(async |outage: Outage| {
        let (findings, more) = outages.some_findings(&outage, MOST_FINDINGS).await?;
        let mut shown = records::as_json(&outage, &findings);
        shown["more_findings"] = more.into();
        Ok::<Value, TableError>(shown)
    });
    let shown = stream::iter(shown).buffered(SIDE_BY_SIDE);
    let shown: Vec<Value> = shown.try_collect().await?;
    Ok(Json(json!({"outages": shown, "more": more})))
}
