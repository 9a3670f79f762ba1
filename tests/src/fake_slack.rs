//! A fake Slack: the Web API that the bridge calls, and the signed requests that it receives.
//!
//! [`FakeSlack::start`] serves, on a free port of this machine, the methods that the bridge uses,
//! as strictly as Slack: arguments, tokens, limits of Block Kit, life of a `trigger_id`. It keeps
//! what is posted, so that a test reads it as a person would, and keeps whatever it refused, so
//! that a test can say that nothing was. [`FakeSlack::fail_next`] makes calls go wrong.
//!
//! [`FakeSlack::also`] is another workspace of the same Slack, and [`FakeSlack::consent`] somebody who
//! installs the app there.
//!
//! Towards the bridge, [`FakeSlack::dm`] and its siblings make the events and interactions of
//! Slack's documentation, and [`FakeSlack::client`] signs and sends them.
//!
//! Nothing here uses the bridge's own code: the two are written from Slack's documentation apart
//! from each other.

mod arguments;
pub mod block_kit;
mod calls;
mod client;
mod events;
mod fixtures;
mod interactions;
mod message;
mod methods;
mod oauth;
mod provider;
mod refused;
mod server;
mod state;
mod workspace;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::Value;
use tokio::time::Instant;

use crate::faults::{Calls, Failed, Port, Server};

pub use crate::faults::Fault;

pub use client::{Delivery, HeaderCase, Payload, Reply, SlackClient};
pub use events::Event;
pub use fixtures::{Fixture, fixtures};
pub use interactions::{Interaction, SlashCommand};
pub use message::{Author, Button, Message};
pub use oauth::{CLIENT_ID, CLIENT_SECRET};
pub use state::{Call, OpenView, Refusal};
pub use workspace::Workspace;

use oauth::Site;
use state::{State, StoredFile};

/// How long the waiting methods wait when not told otherwise.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// How long a waiting method waits until it looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A running fake, of one workspace; [`FakeSlack::also`] is another. Clones share it; it stops when the
/// last one is dropped.
#[derive(Clone, Debug)]
pub struct FakeSlack {
    state: Arc<State>,
    site: Arc<Site>,
    client: SlackClient,
    server: Arc<Server>,
}

impl FakeSlack {
    /// Starts a fake of the default workspace with the time of this machine.
    ///
    /// # Panics
    ///
    /// When no port can be bound.
    pub async fn start() -> Self {
        let workspace = Workspace::default();
        let port = Port::open().await;
        let client = SlackClient::new(&workspace.signing_secret);
        let state = Arc::new(State::new(workspace, port.origin().to_owned()));
        let site = Arc::new(Site::new(Arc::clone(&state)));
        let server = port.serve(server::router(Arc::clone(&site)), Arc::new(server::Slack));
        Self {
            state,
            site,
            client,
            server: Arc::new(server),
        }
    }

    /// What the bridge's `api_base_url` is set to.
    #[must_use]
    pub fn api_base_url(&self) -> String {
        format!("{}/api", self.state.origin)
    }

    /// Scheme, host and port, where private files lie too.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.state.origin
    }

    /// The workspace that is played.
    #[must_use]
    pub fn workspace(&self) -> &Workspace {
        &self.state.workspace
    }

    /// Signs and sends requests towards the bridge.
    #[must_use]
    pub fn client(&self) -> &SlackClient {
        &self.client
    }

    /// All messages of a conversation, people's included, oldest first.
    #[must_use]
    pub fn conversation(&self, channel: &str) -> Vec<Message> {
        self.state.read(|store| {
            let all = store.channels.get(channel).into_iter().flatten();
            all.cloned().collect()
        })
    }

    /// The application's messages in a conversation, oldest first.
    #[must_use]
    pub fn messages(&self, channel: &str) -> Vec<Message> {
        self.state.read(|store| store.posted_by_bot(channel))
    }

    /// The application's messages in all conversations, by conversation.
    #[must_use]
    pub fn all_messages(&self) -> Vec<Message> {
        self.state.read(|store| {
            let channels = store.channels.keys();
            channels
                .flat_map(|channel| store.posted_by_bot(channel))
                .collect()
        })
    }

    /// One message as it is now, after edits.
    #[must_use]
    pub fn message(&self, channel: &str, ts: &str) -> Option<Message> {
        self.state.read(|store| store.message(channel, ts).cloned())
    }

    /// Waits until the application has posted `count` messages in a conversation.
    ///
    /// # Panics
    ///
    /// After [`PATIENCE`], with what did arrive, and at once when there are more than `count`.
    pub async fn wait_for_messages(&self, channel: &str, count: usize) -> Vec<Message> {
        let what = format!("{count} messages in {channel}");
        let messages = self
            .wait_until(&what, PATIENCE, || {
                Some(self.messages(channel)).filter(|messages| messages.len() >= count)
            })
            .await;
        assert!(
            messages.len() == count,
            "waited for {what}, got {}\n{}",
            messages.len(),
            self.report()
        );
        messages
    }

    /// Waits for a message in a conversation that a person would read this in.
    ///
    /// # Panics
    ///
    /// After [`PATIENCE`], with what did arrive.
    pub async fn wait_for_text(&self, channel: &str, text: &str) -> Message {
        let what = format!("{text:?} in {channel}");
        self.wait_until(&what, PATIENCE, || {
            let messages = self.messages(channel);
            messages
                .into_iter()
                .find(|message| message.visible_text().contains(text))
        })
        .await
    }

    /// Waits until `probe` finds what it looks for; it is asked after every change, and now and then.
    ///
    /// # Panics
    ///
    /// After `patience`, with `what` was waited for and what did arrive.
    pub async fn wait_until<T>(
        &self,
        what: &str,
        patience: Duration,
        probe: impl Fn() -> Option<T>,
    ) -> T {
        let deadline = Instant::now() + patience;
        loop {
            // Made before the look, so that a change in between is not missed.
            let changed = self.state.changed.notified();
            if let Some(found) = probe() {
                return found;
            }
            // What failed before it came here changes nothing here.
            let _ = tokio::time::timeout(LOOK_AGAIN, changed).await;
            assert!(
                Instant::now() < deadline,
                "waited {patience:?} for {what}\n{}",
                self.report()
            );
        }
    }

    /// The calls of one method so far, oldest first; of all methods for `*`.
    #[must_use]
    pub fn calls(&self, method: &str) -> Vec<Call> {
        self.state.read(|store| {
            let calls = store.calls.iter();
            calls
                .filter(|call| method == "*" || call.method == method)
                .cloned()
                .collect()
        })
    }

    /// The calls that were made to fail, oldest first.
    #[must_use]
    pub fn failed(&self) -> Vec<Failed> {
        self.server.faults().failed()
    }

    /// Calls that were refused for what they said, oldest first.
    #[must_use]
    pub fn refusals(&self) -> Vec<Refusal> {
        self.state.read(|store| store.refusals.clone())
    }

    /// Forgets the refusals and returns them.
    #[must_use]
    pub fn take_refusals(&self) -> Vec<Refusal> {
        self.state
            .change(|store| std::mem::take(&mut store.refusals))
    }

    /// Nothing that the application sent was refused.
    ///
    /// # Panics
    ///
    /// With every refusal, when there was one.
    #[track_caller]
    pub fn assert_nothing_refused(&self) {
        let refusals = self.refusals();
        assert!(refusals.is_empty(), "Slack refused: {refusals:#?}");
    }

    /// Everything that happened, for the message of a failed test.
    #[must_use]
    pub fn report(&self) -> String {
        self.state.read(state::Store::report)
    }

    /// The next `times` calls of `method` of this workspace (`*` for any; `files-pri` for files) go wrong.
    pub fn fail_next(&self, method: &str, times: usize, fault: Fault) {
        self.server.faults().add(self.call(method), times, fault);
    }

    /// As [`Self::fail_next`], in one conversation only.
    pub fn fail_next_in(&self, channel: &str, method: &str, times: usize, fault: Fault) {
        let calls = self.call(method).with(channel);
        self.server.faults().add(calls, times, fault);
    }

    fn call(&self, method: &str) -> Calls {
        let path = match method {
            "*" => String::new(),
            "files-pri" => "/files-pri/".to_owned(),
            method => format!("/api/{method}"),
        };
        let calls = Calls::to(&path);
        // Another workspace is called with its own token.
        if self.is_first() {
            calls
        } else {
            calls.bearing(&self.tokens())
        }
    }

    /// Takes back the faults that are still to come, and returns for how many calls they were.
    #[expect(
        clippy::must_use_candidate,
        reason = "it is called for its effect as well"
    )]
    pub fn clear_faults(&self) -> usize {
        self.server.faults().clear()
    }

    /// From now on each conversation takes `burst` messages at once, and one each `interval`
    /// (<https://docs.slack.dev/apis/web-api/rate-limits>).
    pub fn limit_messages(&self, burst: u32, interval: Duration) {
        self.state
            .change(|store| store.rate = Some(state::Rate::new(burst, interval)));
    }

    /// From now on the app is one that is distributed outside of the Marketplace: it reads conversations once a
    /// minute, 15 objects at a time
    /// (<https://docs.slack.dev/reference/methods/conversations.history>).
    pub fn limit_reading(&self) {
        self.state
            .change(|store| store.reads = Some(state::Reads::default()));
    }

    /// While down, every connection is closed without an answer.
    pub fn set_down(&self, down: bool) {
        self.server.faults().set_down(down);
    }

    /// Puts a file into the workspace and returns its file object, for [`Self::file_share`].
    pub fn add_file(&self, name: &str, mimetype: &str, content: impl Into<Bytes>) -> Value {
        let content = content.into();
        let file = self.state.change(|store| {
            let file = StoredFile {
                id: store.next_id("F"),
                name: name.to_owned(),
                title: name.to_owned(),
                mimetype: mimetype.to_owned(),
                content: Some(content),
            };
            store.files.insert(file.id.clone(), file.clone());
            file
        });
        self.state.file_object(&file)
    }

    /// Deletes the content of a file; who asks for it finds nothing.
    ///
    /// # Panics
    ///
    /// When the file object is none of [`Self::add_file`].
    pub fn delete_file(&self, file: &Value) {
        let id = file["id"].as_str().unwrap_or_default();
        self.state.change(|store| {
            let file = store.files.get_mut(id).expect("a file of the workspace");
            file.content = None;
        });
    }

    /// The modals that were opened, oldest first.
    #[must_use]
    pub fn opened_views(&self) -> Vec<OpenView> {
        self.state.read(|store| store.views.clone())
    }

    /// A user's Home tab, if it was published.
    #[must_use]
    pub fn home(&self, user: &str) -> Option<OpenView> {
        self.state.read(|store| store.homes.get(user).cloned())
    }

    /// What was suggested to say, each time that it was.
    #[must_use]
    pub fn suggested_prompts(&self) -> Vec<Vec<String>> {
        self.state.read(|store| store.prompts.clone())
    }

    /// Conversation, thread and text of each status set with `assistant.threads.setStatus`.
    #[must_use]
    pub fn statuses(&self) -> Vec<(String, String, String)> {
        self.state.read(|store| store.statuses.clone())
    }
}
