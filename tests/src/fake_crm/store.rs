//! What a fake remembers.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::response::Response;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::Api;
use super::answer::Answer;
use crate::faults::Dialect;

/// A ticket, case, incident or request.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// The vendor's id of it.
    pub id: String,
    /// Its fields, under the vendor's names and as the vendor keeps them.
    pub fields: Value,
    /// What was added to it, oldest first; not what it was made with.
    pub comments: Vec<Comment>,
    /// Its files, oldest first.
    pub attachments: Vec<Attachment>,
    /// When it was made.
    pub created_at: Timestamp,
    created: Instant,
    /// How far the fake's clock had been put forward then.
    forward: Duration,
}

impl Ticket {
    /// A field as text; empty when it has none.
    #[must_use]
    pub fn text(&self, field: &str) -> &str {
        self.fields[field].as_str().unwrap_or_default()
    }
}

/// A comment or note on a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// What it says, in the vendor's markup.
    pub body: String,
    /// Whether the customer sees it.
    pub public: bool,
    /// The names of the files that came with it.
    pub files: Vec<String>,
}

impl Comment {
    pub(crate) fn new(body: impl Into<String>, public: bool) -> Self {
        Self {
            body: body.into(),
            public,
            files: Vec::new(),
        }
    }
}

/// A file of a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its name.
    pub name: String,
    /// Its media type, as it was sent.
    pub content_type: String,
    /// What it holds.
    pub content: Bytes,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The HTTP method.
    pub method: String,
    /// The path and query.
    pub path: String,
    /// The body, if it was JSON.
    pub body: Value,
    /// The status that was answered.
    pub status: u16,
    /// The body that was answered.
    pub answer: Value,
}

/// A fake's state, behind its lock.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) api: Box<dyn Api>,
    store: Mutex<Store>,
    pub(crate) changed: Notify,
}

/// What a fake remembers.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) base_url: String,
    pub(crate) tickets: Vec<Ticket>,
    pub(crate) people: Vec<Value>,
    /// Files that were uploaded and belong to no ticket yet, by the token that stands for them.
    pub(crate) uploads: HashMap<String, Attachment>,
    /// What was answered under an idempotency key, and to which body.
    pub(crate) idempotency: HashMap<String, (Bytes, Answer)>,
    /// Access tokens that are in use.
    pub(crate) tokens: HashSet<String>,
    pub(crate) calls: Vec<Call>,
    pub(crate) ignored: Vec<String>,
    pub(crate) revoked: bool,
    /// Calls are not answered.
    pub(crate) held: bool,
    /// How many calls were not, so far.
    pub(crate) held_calls: usize,
    /// A call whose body has this text is answered 403.
    pub(crate) forbidden: Option<String>,
    pub(crate) limit: Option<usize>,
    pub(crate) search_lag: Duration,
    /// How far the clock is put forward.
    pub(crate) forward: Duration,
    recent: VecDeque<Instant>,
    last_id: u64,
}

impl State {
    pub(crate) fn new(api: Box<dyn Api>, base_url: &str) -> Self {
        let store = Store {
            base_url: base_url.to_owned(),
            tickets: Vec::new(),
            people: Vec::new(),
            uploads: HashMap::new(),
            idempotency: HashMap::new(),
            tokens: HashSet::new(),
            calls: Vec::new(),
            ignored: Vec::new(),
            revoked: false,
            held: false,
            held_calls: 0,
            forbidden: None,
            limit: None,
            search_lag: Duration::from_mins(1),
            forward: Duration::ZERO,
            recent: VecDeque::new(),
            last_id: 1_000,
        };
        Self {
            api,
            store: Mutex::new(store),
            changed: Notify::new(),
        }
    }

    pub(crate) fn read<T>(&self, read: impl FnOnce(&Store) -> T) -> T {
        read(&self.store.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        let result = change(&mut self.store.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_waiters();
        result
    }
}

impl Dialect for State {
    fn too_many(&self, seconds: u64) -> Response {
        self.api.too_many(seconds).into_response()
    }

    fn refused(&self, code: &str) -> Response {
        Answer::json(400, json!({ "error": code })).into_response()
    }
}

impl Store {
    /// A number that was not given before.
    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Keeps a new ticket under the next id.
    pub(crate) fn add_ticket(&mut self, fields: Value) -> &mut Ticket {
        let id = self.next_id().to_string();
        self.add_ticket_as(id, fields)
    }

    /// Keeps a new ticket under this id.
    pub(crate) fn add_ticket_as(&mut self, id: String, fields: Value) -> &mut Ticket {
        self.tickets.push(Ticket {
            id,
            fields,
            comments: Vec::new(),
            attachments: Vec::new(),
            created_at: Timestamp::now(),
            created: Instant::now(),
            forward: self.forward,
        });
        self.tickets.last_mut().expect("it was just put there")
    }

    pub(crate) fn ticket(&mut self, id: &str) -> Option<&mut Ticket> {
        self.tickets.iter_mut().find(|ticket| ticket.id == id)
    }

    /// The tickets that an eventually consistent search knows of.
    pub(crate) fn searchable(&self) -> impl Iterator<Item = &Ticket> {
        let tickets = self.tickets.iter();
        tickets.filter(|ticket| {
            let forward = self.forward.saturating_sub(ticket.forward);
            ticket.created.elapsed() + forward >= self.search_lag
        })
    }

    /// Notes what the vendor would ignore without a word.
    pub(crate) fn ignore(&mut self, what: impl Into<String>) {
        self.ignored.push(what.into());
    }

    /// Whether there were more calls within this second than are allowed; if not, this one counts.
    pub(crate) fn over_the_limit(&mut self) -> bool {
        let Some(limit) = self.limit else {
            return false;
        };
        let second = Duration::from_secs(1);
        while self
            .recent
            .front()
            .is_some_and(|call| call.elapsed() >= second)
        {
            self.recent.pop_front();
        }
        let over = self.recent.len() >= limit;
        if !over {
            self.recent.push_back(Instant::now());
        }
        over
    }
}
