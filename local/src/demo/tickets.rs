//! The demo's CRM: as much of Zendesk as a ticket sink calls, in memory, so that the page can show the
//! tickets that a real one would have.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, Query, State};
use axum::routing::{get, put};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// How many tickets it keeps: the newest.
const MOST: usize = 100;

/// The CRM. A clone is the same one.
#[derive(Debug, Clone, Default)]
pub(super) struct Tickets(Arc<Mutex<StoredTickets>>);

#[derive(Debug, Default)]
struct StoredTickets {
    tickets: Vec<Map<String, Value>>,
    last: u64,
}

#[derive(Deserialize)]
struct TicketRequest {
    external_id: String,
}

impl Tickets {
    /// Its API, below which a sink of the type `zendesk` finds `api/v2/…`.
    pub(super) fn router(self) -> Router {
        Router::new()
            .route("/api/v2/tickets.json", get(find).post(create))
            .route("/api/v2/tickets/{id}", put(comment))
            .route("/api/v2/tickets/{id}/comments.json", get(comments))
            .with_state(self)
    }

    /// The tickets, the newest first.
    pub(super) fn all(&self) -> Vec<Map<String, Value>> {
        self.with(|kept| kept.tickets.iter().rev().cloned().collect())
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut StoredTickets) -> T) -> T {
        use_it(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What of a ticket is asked for: the one with this number.
    fn of<T>(&self, id: &str, use_it: impl FnOnce(&mut Map<String, Value>) -> T) -> Option<T> {
        let number = id.trim_end_matches(".json").parse::<u64>().ok()?;
        self.with(|kept| {
            let mut tickets = kept.tickets.iter_mut();
            tickets
                .find(|ticket| ticket.get("id") == Some(&json!(number)))
                .map(use_it)
        })
    }
}

async fn create(
    State(tickets): State<Tickets>,
    headers: HeaderMap,
    Json(mut body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let Some(Value::Object(mut ticket)) = body.get_mut("ticket").map(Value::take) else {
        let error = json!({"error": "ParameterMissing"});
        return (StatusCode::BAD_REQUEST, Json(error));
    };
    let key = headers.get("idempotency-key");
    let key = key.and_then(|key| key.to_str().ok()).unwrap_or_default();
    let created = tickets.with(|kept| {
        let same = |other: &&Map<String, Value>| other.get("key") == Some(&json!(key));
        if let Some(same) = kept.tickets.iter().find(same) {
            return same.clone();
        }
        kept.last += 1;
        let first = ticket.remove("comment").unwrap_or_default();
        ticket.insert("id".to_owned(), kept.last.into());
        ticket.insert("key".to_owned(), key.into());
        ticket.insert("comments".to_owned(), json!([first]));
        kept.tickets.push(ticket.clone());
        let too_many = kept.tickets.len().saturating_sub(MOST);
        kept.tickets.drain(..too_many);
        ticket
    });
    (StatusCode::CREATED, Json(json!({"ticket": created})))
}

async fn find(State(tickets): State<Tickets>, Query(wanted): Query<TicketRequest>) -> Json<Value> {
    let mut found = tickets.all();
    found.retain(|ticket| ticket.get("external_id") == Some(&json!(wanted.external_id)));
    Json(json!({"tickets": found}))
}

async fn comment(
    State(tickets): State<Tickets>,
    Path(id): Path<String>,
    Json(body): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    let comment = body.pointer("/ticket/comment").cloned();
    let changed = tickets.of(&id, |ticket| {
        if let (Some(Value::Array(comments)), Some(comment)) = (ticket.get_mut("comments"), comment)
        {
            comments.push(comment);
        }
        json!({"ticket": ticket})
    });
    changed.map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn comments(
    State(tickets): State<Tickets>,
    Path(id): Path<String>,
) -> Result<Json<Value>, StatusCode> {
    let comments = tickets.of(&id, |ticket| json!({"comments": ticket.get("comments")}));
    comments.map(Json).ok_or(StatusCode::NOT_FOUND)
}
