//! What the fake remembers.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use serde_json::Value;

use super::Kind;

/// A call that was made.
#[derive(Clone, Debug)]
pub struct Call {
    /// `POST`, for example.
    pub method: String,
    /// The path and the query.
    pub path: String,
    /// The body, where it is JSON.
    pub body: Value,
    /// The HTTP status of the answer.
    pub status: u16,
}

/// A message of the app.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) space: String,
    /// The name that Google gave it.
    pub(super) name: String,
    /// The app's own name for it.
    pub(super) client_id: String,
    pub(super) request_id: String,
    pub(super) body: Value,
}

/// Everything that changes.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) messages: Vec<Message>,
    pub(super) files: HashMap<String, Bytes>,
    /// Spaces that the app was removed from.
    pub(super) removed: BTreeSet<String>,
    /// The access tokens that are good.
    pub(super) access_tokens: Vec<String>,
    /// All that were ever given.
    pub(super) given_tokens: Vec<String>,
    pub(super) calls: Vec<Call>,
    pub(super) refusals: Vec<String>,
    pub(super) webhook_url: String,
    /// The name of the key that tokens are signed with.
    pub(super) key_id: String,
    pub(super) last_id: u64,
}

impl Store {
    /// A number that nothing has yet.
    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) kind: Kind,
    /// The connection's name.
    pub(super) connection: String,
    store: Mutex<Store>,
}

impl State {
    pub(super) fn new(kind: Kind) -> Self {
        let store = Store {
            key_id: "k1".to_owned(),
            ..Store::default()
        };
        Self {
            kind,
            connection: "acme-google-chat".to_owned(),
            store: Mutex::new(store),
        }
    }

    pub(super) fn read<T>(&self, read: impl FnOnce(&Store) -> T) -> T {
        read(&self.store.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        change(&mut self.store.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
