//! What the fake remembers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use crate::provider::Report;

/// A call that was made.
#[derive(Clone, Debug)]
pub struct Call {
    /// `POST`, for example.
    pub method: String,
    /// The path and the query.
    pub path: String,
    /// The fields of the body.
    pub fields: Vec<(String, String)>,
    /// The HTTP status of the answer.
    pub status: u16,
}

/// A message to a user.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) sid: String,
    pub(super) to: String,
    pub(super) body: String,
    pub(super) media: Vec<String>,
    /// What can be tapped: label and id.
    pub(super) choices: Vec<(String, String)>,
}

/// A file of a user's.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) mime_type: String,
    pub(super) content: Vec<u8>,
}

/// Everything that changes.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) messages: Vec<Message>,
    pub(super) files: HashMap<String, File>,
    /// What was made by the Content API, by its SID.
    pub(super) contents: BTreeMap<String, serde_json::Value>,
    /// Where the number, the service and the sender send what is said to them.
    pub(super) hooks: BTreeMap<String, String>,
    /// Users who sent STOP.
    pub(super) stopped: BTreeSet<String>,
    pub(super) calls: Vec<Call>,
    pub(super) refusals: Vec<String>,
    pub(super) webhook_url: String,
    /// Where the bridge calls.
    pub(super) base_url: String,
    pub(super) last_id: u64,
    /// What was reported of messages, by their SIDs.
    pub(super) reported: BTreeMap<String, Report>,
    /// How many reports are on their way.
    pub(super) reports_under_way: usize,
}

/// Whether it says by itself what becomes of the messages that it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reporting {
    /// It is not asked to.
    Unasked,
    /// A test does that.
    ByHand,
    /// It does. Messages with this text in them are not delivered.
    ByItself(&'static str),
}

impl Store {
    /// A SID of this kind that nothing has yet.
    pub(super) fn next_sid(&mut self, kind: &str) -> String {
        self.last_id += 1;
        format!("{kind}{:032x}", self.last_id)
    }
}

#[derive(Debug)]
pub(super) struct State {
    /// The connection's name.
    pub(super) connection: &'static str,
    /// Under which of the account's addresses messages stand.
    pub(super) sender: &'static str,
    pub(super) reporting: Reporting,
    store: Mutex<Store>,
}

impl State {
    pub(super) fn new(sender: &'static str, reporting: Reporting, origin: &str) -> Self {
        let store = Store {
            base_url: origin.to_owned(),
            ..Store::default()
        };
        Self {
            connection: if sender.starts_with('+') {
                "acme-sms"
            } else {
                "acme-whatsapp"
            },
            sender,
            reporting,
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
