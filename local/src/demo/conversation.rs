//! The application behind the page: it passes on what the user does, signed, takes what the bridge brings,
//! and keeps both, so that a page that is opened later, or a second one, shows the same.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::{Stream, StreamExt as _, stream};
use http::{HeaderMap, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use standardwebhooks::Webhook;
use tokio::sync::broadcast;

use crate::feed::{Feed, Item};

/// How soon a page that has lost its connection comes back.
const COMES_BACK: Duration = Duration::from_millis(500);

/// How many things of all chats are kept.
const KEPT: usize = 5_000;

/// How many files are kept that a user attached, and how large one may be: as large as Haptik takes.
const KEPT_FILES: usize = 20;
const LARGEST_FILE: usize = 10 * 1024 * 1024;

/// The application. Clones are the same one.
#[derive(Clone)]
pub(super) struct Conversation {
    hops: Feed,
    /// What users did (`said`) and what the bridge brought, in the order in which it came.
    chat: Feed,
    /// Tells what this process keeps from what an earlier one did.
    start: u32,
    webhook: Arc<Webhook>,
    base_url: Arc<str>,
    http: reqwest::Client,
    /// Held while something is passed on: one after the other, as the user did it.
    sent: Arc<tokio::sync::Mutex<Sent>>,
    files: Arc<Mutex<VecDeque<File>>>,
}

/// When each act was done: the same act again has its first time, so that it is a repetition.
#[derive(Default)]
struct Sent {
    times: HashMap<String, Timestamp>,
    last: Timestamp,
}

struct File {
    number: u64,
    name: String,
    bytes: Bytes,
}

/// What the page sends: what the user did, as the custom channel has it, without its `timestamp`.
#[derive(Deserialize)]
struct Done {
    id: Option<String>,
    user: Value,
    /// What the chat shows for it.
    shown: Option<String>,
    #[serde(flatten)]
    act: Map<String, Value>,
}

#[derive(Deserialize)]
struct FileName {
    name: String,
}

impl Conversation {
    pub(super) fn new(hops: Feed, webhook: Webhook, base_url: &str) -> anyhow::Result<Self> {
        Ok(Self {
            hops,
            chat: Feed::keeping(KEPT),
            start: fastrand::u32(..),
            webhook: Arc::new(webhook),
            base_url: base_url.into(),
            http: haptik_bridge_shared::net::client()?,
            sent: Arc::default(),
            files: Arc::default(),
        })
    }

    pub(super) fn router(self) -> Router {
        Router::new()
            .route("/demo/do", post(act))
            .route("/demo/callback", post(callback))
            .route("/demo/events", get(events))
            .route(
                "/demo/files",
                post(attach).layer(DefaultBodyLimit::max(LARGEST_FILE)),
            )
            .route("/demo/files/{number}/{name}", get(attached))
            .with_state(self)
    }
}

impl Sent {
    /// The time of an act: later than that of every other, and for one that comes again what it was.
    fn time_of(&mut self, id: &str) -> Timestamp {
        if let Some(before) = self.times.get(id) {
            return *before;
        }
        let next = self.last.saturating_add(SignedDuration::from_micros(1));
        let now = Timestamp::now().max(next.unwrap_or(self.last));
        if self.times.len() >= KEPT {
            self.times.clear();
        }
        self.times.insert(id.to_owned(), now);
        self.last = now;
        now
    }
}

/// Passes on what the user did, as any application would.
async fn act(State(app): State<Conversation>, Json(done): Json<Done>) -> Response {
    let id = done
        .id
        .unwrap_or_else(|| format!("web-{:016x}", fastrand::u64(..)));
    let mut sent = app.sent.lock().await;
    let at = sent.time_of(&id);
    let mut body = done.act;
    body.insert("id".to_owned(), id.as_str().into());
    body.insert("timestamp".to_owned(), at.to_string().into());
    body.insert("user".to_owned(), done.user);
    let body = Value::Object(body);
    let text = body.to_string();
    let now = Timestamp::now().as_second();
    let Ok(signature) = app.webhook.sign(&id, now, text.as_bytes()) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let answer = app
        .http
        .post(format!("{}/channels/web", app.base_url))
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", now)
        .header("webhook-signature", signature)
        .body(text)
        .send()
        .await;
    let Ok(answer) = answer else {
        let said = "the bridge does not answer";
        return (StatusCode::BAD_GATEWAY, said).into_response();
    };
    let status = answer.status();
    if status.is_success() {
        app.chat
            .push(&json!({"said": body, "shown": done.shown}).to_string());
    }
    drop(sent);
    (status, answer.text().await.unwrap_or_default()).into_response()
}

/// Takes what the bridge brings, once its signature is checked.
async fn callback(State(app): State<Conversation>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if app.webhook.verify(&body, &headers).is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(text) = std::str::from_utf8(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    app.chat.push(text);
    StatusCode::NO_CONTENT
}

/// Keeps a file that the user attaches; the answer has its URL.
async fn attach(
    State(app): State<Conversation>,
    Query(FileName { name }): Query<FileName>,
    bytes: Bytes,
) -> Json<Value> {
    let name: String = name
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let number = fastrand::u64(..);
    let url = format!("{}/demo/files/{number}/{name}", app.base_url);
    let mut files = app.files.lock().unwrap_or_else(PoisonError::into_inner);
    if files.len() >= KEPT_FILES {
        files.pop_front();
    }
    files.push_back(File {
        number,
        name,
        bytes,
    });
    Json(json!({"url": url}))
}

async fn attached(
    State(app): State<Conversation>,
    Path((number, name)): Path<(u64, String)>,
) -> Response {
    let files = app.files.lock().unwrap_or_else(PoisonError::into_inner);
    let mut found = files.iter();
    let Some(file) = found.find(|file| file.number == number && file.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // Whatever it is: a file to be kept, and no page of the demo's.
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, file.bytes.clone()).into_response()
}

/// Everything that the page shows, as it happens: `chat` events for the chat, `hop` events for the console.
/// A page that is new gets what is kept, one that has lost its connection what it missed.
async fn events(
    State(app): State<Conversation>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let start = app.start;
    let hop = |(_, hop): Item| Event::default().event("hop").data(hop);
    let chat = move |(number, item): Item| {
        let id = format!("{start}-{number}");
        Event::default().event("chat").id(id).data(item)
    };
    let hops = stream_of(app.hops.listen(0)).map(hop);
    let chats = stream_of(app.chat.listen(seen(&headers, start))).map(chat);
    let first = stream::iter([Event::default().retry(COMES_BACK)]);
    let events = first.chain(stream::select(chats, hops));
    Sse::new(events.map(Ok)).keep_alive(KeepAlive::default())
}

/// The number of the last thing that a page has seen; none when it is new, or comes from an earlier process.
fn seen(headers: &HeaderMap, start: u32) -> u64 {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    match last.and_then(|id| id.split_once('-')) {
        Some((of, number)) if of == start.to_string() => number.parse().unwrap_or(0),
        _ => 0,
    }
}

fn stream_of((past, coming): (Vec<Item>, broadcast::Receiver<Item>)) -> impl Stream<Item = Item> {
    let coming = stream::unfold(coming, |mut coming| async move {
        loop {
            match coming.recv().await {
                Ok(item) => return Some((item, coming)),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    });
    stream::iter(past).chain(coming)
}

#[cfg(test)]
mod tests {
    use super::Sent;

    #[test]
    fn an_act_that_comes_again_has_its_first_time_and_others_a_later_one() {
        let mut sent = Sent::default();
        let first = sent.time_of("a");
        let second = sent.time_of("b");
        assert!(second > first, "{first} {second}");
        assert_eq!(sent.time_of("a"), first);
    }
}
