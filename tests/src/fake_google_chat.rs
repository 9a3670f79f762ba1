//! A fake of Google Chat: the methods that the bridge calls, and the events that it receives.
//!
//! [`FakeGoogleChat::start`] serves, on a free port of this machine, the Chat API, the place where service
//! accounts get their access tokens, and the keys that Google's own tokens are verified with. What a message
//! may be made of is in `schema.json`, which was made of Google's client for Node.js (`@googleapis/chat`
//! 45.0.0, itself made of the API's discovery document); further rules name their page. It keeps what it
//! refused, so that a test can say that nothing was.
//!
//! Towards the bridge, it signs each request as Google does, in either dialect of events and with each kind
//! of token ([`Kind`]).
//!
//! Nothing here uses the bridge's own code: the two are written apart from each other.

mod check;
pub mod events;
mod provider;
mod refused;
mod server;
mod shown;
mod state;
pub mod tokens;

use std::sync::Arc;

use serde_json::Value;

pub use state::Call;

use crate::faults::{Port, Server};
use state::State;

/// What tokens for the endpoint are for: what stands in Google's console.
pub const AUDIENCE: &str = "https://bridge.example.com/channels/acme-google-chat";

/// The number of the app's project.
pub const PROJECT: &str = "123456789012";

/// The app's own name.
pub const APP: &str = "users/1002";

/// How the app is set up in Google's console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A Chat app whose tokens are for its URL.
    Chat,
    /// A Google Workspace add-on, whose tokens are for its URL.
    AddOn,
    /// A Chat app whose tokens are for its project number.
    Project,
}

/// Whether Google takes a message.
///
/// # Errors
/// Google's words where it does not.
pub fn takes(message: &Value, kind: Kind) -> Result<(), String> {
    check::message(message, kind).map_err(|refused| refused.message)
}

/// A running fake. It stops when it is dropped.
#[derive(Debug)]
pub struct FakeGoogleChat {
    state: Arc<State>,
    server: Server,
}

impl FakeGoogleChat {
    /// Starts an add-on.
    ///
    /// # Panics
    /// When no port can be bound.
    pub async fn start() -> Self {
        Self::start_as(Kind::AddOn).await
    }

    /// Starts one of a kind.
    ///
    /// # Panics
    /// When no port can be bound.
    pub async fn start_as(kind: Kind) -> Self {
        let port = Port::open().await;
        let state = Arc::new(State::new(kind));
        let router = server::router(Arc::clone(&state));
        let server = port.serve(router, Arc::new(server::GoogleDialect));
        Self { state, server }
    }

    /// The app's messages in a space, oldest first, as they are now.
    #[must_use]
    pub fn messages(&self, space: &str) -> Vec<Value> {
        self.state.read(|store| {
            let messages = store.messages.iter();
            let own = messages.filter(|message| message.space == space);
            own.map(|message| message.body.clone()).collect()
        })
    }

    /// The calls so far, oldest first, whose path has this in it.
    #[must_use]
    pub fn calls(&self, path: &str) -> Vec<Call> {
        self.state.read(|store| {
            let calls = store.calls.iter();
            calls
                .filter(|call| call.path.contains(path))
                .cloned()
                .collect()
        })
    }

    /// The name of the direct message with a user.
    #[must_use]
    pub fn direct(&self, user: &str) -> String {
        format!("spaces/DM{}", user.trim_start_matches("users/"))
    }

    /// Removes the app from a space.
    pub fn remove_from(&self, space: &str) {
        self.state
            .change(|store| store.removed.insert(space.to_owned()));
    }

    /// The access tokens that there are end; new ones are given.
    pub fn end_tokens(&self) {
        self.state.change(|store| store.access_tokens.clear());
    }

    /// From now on tokens are signed with another key, whose name is this. The old one stays published.
    pub fn rotate(&self, key_id: &str) {
        self.state
            .change(|store| key_id.clone_into(&mut store.key_id));
    }

    /// Everything that happened, for the message of a failed test.
    #[must_use]
    pub fn report(&self) -> String {
        self.state.read(|store| format!("{store:#?}"))
    }
}
