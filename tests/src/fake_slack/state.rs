//! What the fake remembers.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{Author, Message, Workspace};

/// A call of the Web API that was refused because of what it said, not on a test's request.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The method, `chat.postMessage`.
    pub method: String,
    /// Slack's error code.
    pub error: String,
    /// What is wrong, and where.
    pub details: Vec<String>,
    /// The arguments, without the token.
    pub arguments: Value,
}

/// A call of the Web API, with what became of it.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method, `chat.postMessage`; `files-pri` and `upload` for file contents.
    pub method: String,
    /// The arguments, without the token.
    pub arguments: Value,
    /// `ok`, Slack's error code, or the fault that a test asked for.
    pub outcome: String,
    /// When it came.
    pub at: Timestamp,
}

/// A modal that was opened.
#[derive(Clone, Debug)]
pub struct OpenView {
    /// The view's id, `V…`.
    pub id: String,
    /// The view as it was given.
    pub view: Value,
}

/// A file of the workspace.
#[derive(Clone, Debug)]
pub(crate) struct StoredFile {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) mimetype: String,
    pub(crate) content: Option<Bytes>,
}

/// What a `trigger_id` is still good for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trigger {
    pub(crate) issued: Timestamp,
    pub(crate) used: bool,
}

/// How many messages a conversation takes: a burst, and from then on one each interval.
#[derive(Debug)]
pub(crate) struct Rate {
    burst: u32,
    interval: Duration,
    /// The messages that could be posted at once, and when that was.
    left: HashMap<String, (f64, Instant)>,
}

impl Rate {
    pub(crate) fn new(burst: u32, interval: Duration) -> Self {
        Self {
            burst,
            interval,
            left: HashMap::new(),
        }
    }

    /// Counts a message, if there is room for it.
    pub(crate) fn takes(&mut self, channel: &str) -> bool {
        let full = f64::from(self.burst);
        let (left, at) = self
            .left
            .entry(channel.to_owned())
            .or_insert_with(|| (full, Instant::now()));
        let refilled = at.elapsed().as_secs_f64() / self.interval.as_secs_f64();
        (*left, *at) = ((*left + refilled).min(full), Instant::now());
        let takes = *left >= 1.0;
        if takes {
            *left -= 1.0;
        }
        takes
    }
}

/// When each of the methods that read conversations was last carried out.
#[derive(Debug, Default)]
pub(crate) struct Reads(HashMap<String, Instant>);

impl Reads {
    /// The most objects that are read at once.
    pub(crate) const OBJECTS: usize = 15;

    /// One a minute.
    const INTERVAL: Duration = Duration::from_mins(1);

    /// In how many seconds a method may be called, if not now; counts the call, if it may.
    pub(crate) fn wait(&mut self, method: &str) -> Option<u64> {
        if !["conversations.history", "conversations.replies"].contains(&method) {
            return None;
        }
        let last = self.0.get(method).map(Instant::elapsed);
        if let Some(last) = last.filter(|last| *last < Self::INTERVAL) {
            return Some(Self::INTERVAL.saturating_sub(last).as_secs() + 1);
        }
        self.0.insert(method.to_owned(), Instant::now());
        None
    }
}

/// Everything that changes.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) channels: BTreeMap<String, Vec<Message>>,
    pub(crate) files: HashMap<String, StoredFile>,
    pub(crate) statuses: Vec<(String, String, String)>,
    pub(crate) views: Vec<OpenView>,
    pub(crate) homes: HashMap<String, OpenView>,
    pub(crate) prompts: Vec<Vec<String>>,
    pub(crate) triggers: HashMap<String, Trigger>,
    pub(crate) calls: Vec<Call>,
    pub(crate) refusals: Vec<Refusal>,
    pub(crate) rate: Option<Rate>,
    pub(crate) reads: Option<Reads>,
    /// The tokens that are good.
    pub(crate) tokens: Vec<String>,
    /// Those that were.
    pub(crate) revoked: Vec<String>,
    last_ts: i64,
    last_id: u64,
}

impl Store {
    /// A message id that no message has yet, above all others: the time, or just after the last.
    pub(crate) fn next_ts(&mut self, now: Timestamp) -> String {
        // Slack's ids end in a sequence number that starts at 100 in busy seconds.
        self.last_ts = now.as_microsecond().max(self.last_ts.saturating_add(100));
        let (seconds, micros) = (self.last_ts / 1_000_000, self.last_ts % 1_000_000);
        format!("{seconds}.{micros:06}")
    }

    /// Whether a token is, or was, of this workspace.
    pub(crate) fn knows_token(&self, token: &str) -> bool {
        let mut tokens = self.tokens.iter().chain(&self.revoked);
        tokens.any(|known| known == token)
    }

    /// An id with this prefix that nothing has yet.
    pub(crate) fn next_id(&mut self, prefix: &str) -> String {
        self.last_id += 1;
        format!("{prefix}{:08}", self.last_id)
    }

    pub(crate) fn message(&self, channel: &str, ts: &str) -> Option<&Message> {
        self.channels
            .get(channel)?
            .iter()
            .find(|message| message.ts == ts)
    }

    pub(crate) fn message_mut(&mut self, channel: &str, ts: &str) -> Option<&mut Message> {
        self.channels
            .get_mut(channel)?
            .iter_mut()
            .find(|message| message.ts == ts)
    }

    pub(crate) fn post(&mut self, message: Message) {
        self.channels
            .entry(message.channel.clone())
            .or_default()
            .push(message);
    }

    /// Messages of one channel that the application under test posted.
    pub(crate) fn posted_by_bot(&self, channel: &str) -> Vec<Message> {
        self.channels
            .get(channel)
            .into_iter()
            .flatten()
            .filter(|message| message.is_from_bot())
            .cloned()
            .collect()
    }

    /// What happened, for a test that waited in vain.
    pub(crate) fn report(&self) -> String {
        use fmt::Write as _;
        let mut report = String::from("messages:\n");
        for message in self.channels.values().flatten() {
            let who = match &message.author {
                Author::Bot => "the bot",
                Author::User(id) => id,
            };
            let _ = writeln!(
                report,
                "  {} {} thread {:?} by {who}: {:?}",
                message.channel,
                message.ts,
                message.thread_ts,
                message.visible_text()
            );
        }
        report.push_str("calls:\n");
        for call in &self.calls {
            let _ = writeln!(report, "  {} {} {}", call.at, call.method, call.outcome);
        }
        for refusal in &self.refusals {
            let _ = writeln!(
                report,
                "refused: {} {} {:?}",
                refusal.method, refusal.error, refusal.details
            );
        }
        report
    }
}

/// What the handle and the server share.
pub(crate) struct State {
    pub(crate) workspace: Workspace,
    pub(crate) origin: String,
    pub(crate) changed: Notify,
    store: Mutex<Store>,
}

impl State {
    pub(crate) fn new(workspace: Workspace, origin: String) -> Self {
        let store = Store {
            tokens: vec![workspace.bot_token.clone()],
            ..Store::default()
        };
        Self {
            workspace,
            origin,
            changed: Notify::new(),
            store: Mutex::new(store),
        }
    }

    /// Looks at the store.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&Store) -> R) -> R {
        look(&self.store.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the store, and wakes everybody who waits for something.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut Store) -> R) -> R {
        let result = change(&mut self.store.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_waiters();
        result
    }

    /// A `trigger_id`, good for three seconds and one use.
    pub(crate) fn issue_trigger(&self) -> String {
        let issued = Timestamp::now();
        self.change(|store| {
            let id = store.next_id("13345224609.738474920.");
            store.triggers.insert(
                id.clone(),
                Trigger {
                    issued,
                    used: false,
                },
            );
            id
        })
    }

    /// A `response_url`, which nobody answers at: the bridge does not use them.
    pub(crate) fn issue_response_url(&self) -> String {
        let id = self.change(|store| store.next_id("R"));
        format!("{}/actions/{}/{id}", self.origin, self.workspace.team_id)
    }

    /// The file object of Slack (<https://docs.slack.dev/reference/objects/file-object>).
    pub(crate) fn file_object(&self, file: &StoredFile) -> Value {
        let team = &self.workspace.team_id;
        let extension = file.name.rsplit_once('.').map_or("", |(_, end)| end);
        let private = format!("{}/files-pri/{team}-{}", self.origin, file.id);
        // As Slack has it in addresses.
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
        let name: String = file
            .name
            .to_ascii_lowercase()
            .chars()
            .map(|letter| if is_plain(letter) { letter } else { '_' })
            .collect();
        json!({
            "id": file.id,
            "created": 1_700_000_000,
            "timestamp": 1_700_000_000,
            "name": file.name,
            "title": file.title,
            "mimetype": file.mimetype,
            "filetype": extension,
            "pretty_type": extension.to_ascii_uppercase(),
            "user": "U0UPLOADER",
            "user_team": team,
            "editable": false,
            "size": file.content.as_ref().map_or(0, Bytes::len),
            "mode": "hosted",
            "is_external": false,
            "external_type": "",
            "is_public": false,
            "public_url_shared": false,
            "display_as_bot": false,
            "username": "",
            "url_private": format!("{private}/{name}"),
            "url_private_download": format!("{private}/download/{name}"),
            "media_display_type": "unknown",
            "permalink": format!("{}/files/U0UPLOADER/{}/{name}", self.origin, file.id),
            "permalink_public": format!("{}/{team}-{}-0000000000", self.origin, file.id),
            "has_rich_preview": false,
            "file_access": "visible",
        })
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}
