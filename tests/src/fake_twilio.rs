//! A fake of Twilio: the resources that the bridge calls, and the requests that it receives.
//!
//! [`FakeTwilio::start`] serves, on a free port of this machine, an account's messages, numbers and media,
//! with Twilio's codes for what it refuses (<https://www.twilio.com/docs/api/errors>). It keeps what it
//! refused, so that a test can say that nothing was. Towards the bridge it signs each request as Twilio does
//! (<https://www.twilio.com/docs/usage/security#validating-requests>), with what it was given as the URL.
//!
//! Nothing here uses the bridge's own code: the two are written apart from each other.

mod provider;
mod server;
mod signature;
mod state;

use std::sync::Arc;

pub use state::Call;

use crate::faults::{Port, Server};
use state::{Message, State};

/// The account.
pub const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";

/// Its auth token.
pub const TOKEN: &str = "fake-auth-token-0123456789abcdef";

/// Its number.
pub const NUMBER: &str = "+15557654321";

/// A running fake. It stops when it is dropped.
#[derive(Debug)]
pub struct FakeTwilio {
    state: Arc<State>,
    server: Server,
}

impl FakeTwilio {
    /// Starts an account with a number.
    ///
    /// # Panics
    /// When no port can be bound.
    pub async fn start() -> Self {
        let port = Port::open().await;
        let state = Arc::new(State::new(port.origin()));
        let router = server::router(Arc::clone(&state));
        let server = port.serve(router, Arc::new(server::TwilioDialect));
        Self { state, server }
    }

    /// The messages that a user was sent, oldest first.
    fn messages(&self, user: &str) -> Vec<Message> {
        self.state.read(|store| {
            let messages = store.messages.iter();
            let own = messages.filter(|message| message.to == user);
            own.cloned().collect()
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

    /// Everything that happened, for the message of a failed test.
    #[must_use]
    pub fn report(&self) -> String {
        self.state.read(|store| format!("{store:#?}"))
    }
}
