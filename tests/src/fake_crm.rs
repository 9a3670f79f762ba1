//! Fake CRMs: the parts of their APIs that the bridge calls, each written from its vendor's
//! documentation and as strict as that.
//!
//! [`Kind::start`] serves one on a free port of this machine. Each is a module with an `Api`, and a line of
//! [`each_crm`](crate::each_crm), by which all scenarios run against it. A fake keeps the tickets, their comments and attachments, and every call that came to it; it refuses in its vendor's own words what
//! the vendor refuses, and keeps apart what the vendor would silently ignore or cut
//! ([`FakeCrm::ignored`]). [`FakeCrm::fail_next`] makes calls go wrong, [`FakeCrm::set_down`] and
//! [`FakeCrm::revoke`] make all of them.
//!
//! Where a vendor's search is eventually consistent, so is the fake's: it does not find what is younger
//! than [`FakeCrm::set_search_lag`]. What the vendor reads from its database is found at once.
//!
//! Nothing here uses the bridge's own code: the two are written apart from each other. Whether the
//! fakes speak as the vendors' client libraries expect is checked by `tests/crm/run`.

mod answer;
pub mod freshdesk;
pub mod hubspot;
pub mod jira;
mod kind;
pub mod salesforce;
mod server;
pub mod servicenow;
mod store;
pub mod zendesk;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::time::Instant;

use crate::faults::{Calls, Failed, Port, Server};

pub use crate::faults::Fault;
pub use kind::Kind;
pub use store::{Attachment, Call, Comment, Ticket};

use answer::Answer;
use server::Request;
use store::{State, Store};

/// How long the waiting methods wait.
const PATIENCE: Duration = Duration::from_secs(40);

/// How long a waiting method waits until it looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// One vendor's API.
pub(crate) trait Api: std::fmt::Debug + Send + Sync + 'static {
    /// The answer to a request, with its effect on the store.
    fn answer(&self, request: &Request, store: &mut Store) -> Answer;

    /// The answer when there were too many requests, which may be made again after `seconds`.
    fn too_many(&self, seconds: u64) -> Answer;

    /// The credentials, as keys of the sink's table.
    fn login(&self) -> String;

    /// The same, and what else clients have to know, for tests in other languages.
    fn credentials(&self) -> Value;

    /// The call that creates a ticket: its method, and a part of its path.
    fn creation(&self) -> (&'static str, &'static str);

    /// The call that adds a comment.
    fn comment(&self) -> (&'static str, &'static str);

    /// The call that adds a file to a ticket, the last one where there are several.
    fn attachment(&self) -> (&'static str, &'static str);

    /// The subject of a ticket.
    fn subject(&self, ticket: &Ticket) -> String {
        ticket.text("subject").to_owned()
    }

    /// The description of a ticket, as a person sees it.
    fn description(&self, ticket: &Ticket) -> String {
        ticket.text("description").to_owned()
    }

    /// A comment's body, as a person sees it.
    fn comment_text(&self, body: &str) -> String {
        body.to_owned()
    }
}

/// A running fake. Clones share it; it stops when the last one is dropped.
#[derive(Clone, Debug)]
pub struct FakeCrm {
    state: Arc<State>,
    server: Arc<Server>,
}

impl FakeCrm {
    /// A Zendesk account: see [`zendesk`].
    pub async fn zendesk() -> Self {
        Kind::Zendesk.start().await
    }

    async fn start(api: Box<dyn Api>) -> Self {
        let port = Port::open().await;
        let state = Arc::new(State::new(api, port.origin()));
        let server = port.serve(server::router(Arc::clone(&state)), Arc::clone(&state) as _);
        Self {
            state,
            server: Arc::new(server),
        }
    }

    /// Scheme, host and port, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.server.origin()
    }

    /// The tickets, oldest first.
    #[must_use]
    pub fn tickets(&self) -> Vec<Ticket> {
        self.state.read(|store| store.tickets.clone())
    }

    /// How many tickets there are.
    #[must_use]
    pub fn ticket_count(&self) -> usize {
        self.state.read(|store| store.tickets.len())
    }

    /// The contacts, customers or users that were made, in the vendor's form, oldest first.
    #[must_use]
    pub fn people(&self) -> Vec<Value> {
        self.state.read(|store| store.people.clone())
    }

    /// Every call that came to it, oldest first: not those that failed on their way.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state.read(|store| store.calls.clone())
    }

    /// What was sent, and the vendor would ignore or cut without a word: a bridge that says more than
    /// arrives has a fault. In words, oldest first.
    #[must_use]
    pub fn ignored(&self) -> Vec<String> {
        self.state.read(|store| store.ignored.clone())
    }

    /// Waits until there are `count` tickets.
    ///
    /// # Panics
    /// After 40 s, with every call that there was, and at once when there are more than `count`.
    pub async fn wait_for_tickets(&self, count: usize) -> Vec<Ticket> {
        let what = format!("{count} tickets");
        let tickets = self
            .wait_until(&what, || {
                Some(self.tickets()).filter(|tickets| tickets.len() >= count)
            })
            .await;
        assert!(
            tickets.len() == count,
            "waited for {what}\n{}",
            self.report()
        );
        tickets
    }

    /// Waits until `probe` finds what it looks for; it is asked after every call, and now
    /// and then.
    ///
    /// # Panics
    /// After 40 s, with `what` was waited for and every call that there was.
    pub async fn wait_until<T>(&self, what: &str, probe: impl Fn() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // Made before the look, so that a change in between is not missed.
            let changed = self.state.changed.notified();
            if let Some(found) = probe() {
                return found;
            }
            // What failed before it came here changes nothing here.
            let _ = tokio::time::timeout(LOOK_AGAIN, changed).await;
            let in_time = Instant::now() < deadline;
            assert!(in_time, "waited for {what}\n{}", self.report());
        }
    }

    /// The next `times` calls of `method` whose path contains `path` go wrong. `*` is any method, an
    /// empty path any path.
    ///
    /// # Panics
    /// When `method` is none.
    pub fn fail_next(&self, method: &str, path: &str, times: usize, fault: Fault) {
        let mut calls = Calls::to(path);
        if method != "*" {
            calls = calls.by(method.parse().expect("a method"));
        }
        self.server.faults().add(calls, times, fault);
    }

    /// The calls that were made to fail, oldest first.
    #[must_use]
    pub fn failed(&self) -> Vec<Failed> {
        self.server.faults().failed()
    }

    /// While down, every connection is closed without an answer.
    pub fn set_down(&self, down: bool) {
        self.server.faults().set_down(down);
    }

    /// While held, calls are taken and not answered; then they all are.
    pub fn hold(&self, held: bool) {
        self.state.change(|store| store.held = held);
    }

    /// Waits until so many calls in all were held.
    ///
    /// # Panics
    /// After 40 s.
    pub async fn wait_for_held_calls(&self, count: usize) {
        let probe = || self.state.read(|store| store.held_calls >= count);
        self.wait_until("calls that are held", || probe().then_some(()))
            .await;
    }

    /// Calls whose body has this text are answered 403; with `None`, none is.
    pub fn forbid(&self, text: Option<&str>) {
        self.state
            .change(|store| store.forbidden = text.map(ToOwned::to_owned));
    }

    /// While revoked, no credentials are right.
    pub fn revoke(&self, revoked: bool) {
        self.state.change(|store| {
            store.revoked = revoked;
            store.tokens.clear();
        });
    }

    /// The access tokens that were issued so far are over; new ones are issued as before.
    pub fn expire_tokens(&self) {
        self.state.change(|store| store.tokens.clear());
    }

    /// Idempotency keys that were used so far are forgotten, as their vendor does in time.
    pub fn forget_idempotency_keys(&self) {
        self.state.change(|store| store.idempotency.clear());
    }

    /// No more than `count` calls in any second: those above are refused as the vendor does.
    pub fn allow_a_second(&self, count: usize) {
        self.state.change(|store| store.limit = Some(count));
    }

    /// How young a ticket may be and not be found by an eventually consistent search; a minute unless
    /// set.
    pub fn set_search_lag(&self, lag: Duration) {
        self.state.change(|store| store.search_lag = lag);
    }

    /// Puts the clock of the search forward, as if so much time had passed.
    pub fn pass(&self, time: Duration) {
        self.state.change(|store| store.forward += time);
    }

    /// A contact, customer or user that the vendor already has, in the vendor's form.
    pub fn add_person(&self, person: Value) {
        self.state.change(|store| store.people.push(person));
    }

    /// A ticket that the vendor already has, as if somebody else had made it; returns its id.
    #[must_use]
    pub fn add_ticket(&self, fields: Value) -> String {
        self.state
            .change(|store| store.add_ticket(fields).id.clone())
    }

    /// The content of an attachment of a ticket.
    #[must_use]
    pub fn attachment(&self, ticket: &str, name: &str) -> Option<Bytes> {
        self.state.read(|store| {
            let ticket = store.tickets.iter().find(|found| found.id == ticket)?;
            let attachment = ticket.attachments.iter().find(|found| found.name == name)?;
            Some(attachment.content.clone())
        })
    }

    /// Everything that happened, for the message of a failed test.
    #[must_use]
    pub fn report(&self) -> String {
        self.state.read(|store| {
            let calls = store.calls.iter();
            let lines: Vec<_> = calls
                .map(|call| {
                    let Call {
                        method,
                        path,
                        status,
                        ..
                    } = call;
                    format!("{method} {path} -> {status} {}", call.answer)
                })
                .collect();
            format!(
                "{} tickets; ignored: {:?}; calls:\n{}",
                store.tickets.len(),
                store.ignored,
                lines.join("\n")
            )
        })
    }
}
