//! Where the hops of a message are found: in this process, or in the logs of a deployed stack.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_cloudwatchlogs::Client;
use axum::Json;
use axum::extract::{Query, State};
use futures_util::future::join_all;
use haptik_bridge_local::watch::Watched;
use haptik_bridge_shared::ids::CorrelationId;
use haptik_bridge_shared::ledger::Entry;
use haptik_bridge_shared::net::aws;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::audit::Of;
use super::{Answer, Asked, Console, Refused};

/// The functions whose logs have hops.
const FUNCTIONS: [&str; 3] = ["inbound", "webhook", "processor"];

/// How long before its receipt and after its end the lines of a message are looked for.
const AROUND: SignedDuration = SignedDuration::from_mins(2);

/// How many pages of a log are read at most, and how long that may take.
const MOST_PAGES: usize = 20;
const PATIENCE: Duration = Duration::from_secs(20);

/// Where hops are.
pub(crate) enum Steps {
    /// In this process, since it began; with what was sent and answered.
    Here(Watched),
    /// In the logs of a stack.
    Logs(Box<Client>, String),
    /// Nowhere that is known.
    Nowhere,
}

impl Steps {
    /// In the logs of this stack.
    pub(super) fn in_logs(sdk: &SdkConfig, stack: &str) -> Self {
        Self::Logs(Box::new(Client::new(sdk)), stack.to_owned())
    }

    /// Forgets what is remembered here of these messages.
    pub(super) fn forget(&self, ids: impl Iterator<Item = CorrelationId>) {
        if let Self::Here(watched) = self {
            watched.forget(ids.map(|id| id.to_string()));
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Here(_) => "here",
            Self::Logs(..) => "logs",
            Self::Nowhere => "nowhere",
        }
    }
}

/// The steps of an entry (`lane`, `key`).
pub(super) async fn steps(State(console): State<Arc<Console>>, Query(asked): Asked) -> Answer {
    let text = |name: &str| asked.get(name).map_or("", String::as_str);
    let entry = console.entry(text("lane"), text("key")).await?;
    let id = entry.correlation_id.as_str();
    let (steps, missing) = match &console.steps {
        Steps::Here(watched) => {
            let steps = watched.steps(id);
            let has_exchange = steps.iter().any(|step| step["exchange"].is_object());
            if console.bodies && has_exchange {
                console
                    .record("looked", Of::Entry(&entry.lane, &entry.key), 1)
                    .await?;
            }
            let missing = "Hops are kept since this process began: what is older is in the log, by its correlation id.";
            let missing = steps.is_empty().then(|| missing.to_owned());
            (steps, missing)
        }
        Steps::Logs(client, stack) => in_logs(client, stack, &entry).await?,
        Steps::Nowhere => {
            let missing = format!(
                "The bridge runs in another process, so its hops are in its log, by the correlation id {id}; \
                 start it with serve --console to have them here."
            );
            (Vec::new(), Some(missing))
        }
    };
    Ok(Json(json!({"steps": steps, "missing": missing})))
}

/// Requests that were turned away lately: they are of no message.
pub(super) async fn turned_away(State(console): State<Arc<Console>>) -> Json<Value> {
    Json(match &console.steps {
        Steps::Here(watched) => json!({"steps": watched.of_nothing()}),
        Steps::Logs(..) | Steps::Nowhere => json!({"steps": null}),
    })
}

/// The hops that the logs of a stack have of an entry, in the order of their times; and what is missing, if
/// something is.
async fn in_logs(
    client: &Client,
    stack: &str,
    entry: &Entry,
) -> Result<(Vec<Value>, Option<String>), Refused> {
    let id = entry.correlation_id.as_str();
    let begin = entry.received_at.checked_sub(AROUND)?;
    let end = entry.ended_at.unwrap_or_else(Timestamp::now);
    let end = end.checked_add(AROUND)?;
    let filter = format!("{{ $.correlation_id = \"{id}\" }}");
    let logs = FUNCTIONS.map(async |function| {
        let group = format!("/aws/lambda/{stack}-{function}");
        let mut lines = Vec::new();
        let mut pages = client
            .filter_log_events()
            .log_group_name(group)
            .start_time(begin.as_millisecond())
            .end_time(end.as_millisecond())
            .filter_pattern(&filter)
            .into_paginator()
            .send();
        for _ in 0..MOST_PAGES {
            match pages.next().await {
                None => return (lines, None),
                Some(Ok(page)) => {
                    let read = page.events().iter();
                    lines.extend(read.filter_map(|event| hop(event.message()?, id)));
                }
                Some(Err(error)) => return (lines, Some(aws::reason(error))),
            }
        }
        (lines, Some("there is more than was read".to_owned()))
    });
    let Ok(logs) = tokio::time::timeout(PATIENCE, join_all(logs)).await else {
        return Err(Refused::bad(
            "CloudWatch takes too long: look for the correlation id in Logs Insights.",
        ));
    };
    let mut steps = Vec::new();
    let mut missing = None;
    for (lines, reason) in logs {
        steps.extend(lines);
        missing = missing.or(reason);
    }
    steps.sort_by_key(|step: &Value| step["at"].as_str().map(ToOwned::to_owned));
    if steps.is_empty() && missing.is_none() {
        missing = Some("The logs have no line of it: they may be older than they are kept, or a minute behind.".to_owned());
    }
    Ok((steps, missing))
}

/// A hop of the message with this correlation id, of a line of a log: its fields alone, none of the metrics.
fn hop(line: &str, id: &str) -> Option<Value> {
    let line: Value = serde_json::from_str(line.trim()).ok()?;
    // An emulator of AWS may give lines that were not asked for.
    if line.get("correlation_id")? != id {
        return None;
    }
    let mut step = serde_json::Map::new();
    for name in [
        "hop",
        "outcome",
        "source",
        "direction",
        "reason",
        "duration_ms",
        "end_to_end_ms",
        "request_id",
    ] {
        if let Some(value) = line.get(name) {
            step.insert(name.to_owned(), value.clone());
        }
    }
    step.insert("at".to_owned(), line.get("timestamp")?.clone());
    step.contains_key("hop").then(|| Value::Object(step))
}

#[cfg(test)]
mod tests {
    use super::hop;

    #[test]
    fn a_line_of_a_log_is_a_hop_without_its_metrics() {
        let line = r#"{"timestamp":"2026-11-28T03:00:00.123Z","level":"ERROR","hop":"delivered","outcome":"dead",
            "reason":"Haptik refused (400)","_aws":{},"dead":1,"lane":"haptik#a","correlation_id":"c1"}"#;
        let step = hop(line, "c1").expect("it is one");
        assert!(hop(line, "c2").is_none());
        assert_eq!(step["at"], "2026-11-28T03:00:00.123Z");
        assert_eq!(step["reason"], "Haptik refused (400)");
        assert!(step.get("_aws").is_none() && step.get("dead").is_none());
        for other in [
            "",
            "text",
            "{}",
            r#"{"timestamp":"2026-11-28T03:00:00Z","message":"x","correlation_id":"c1"}"#,
        ] {
            assert!(hop(other, "c1").is_none(), "{other}");
        }
    }
}
