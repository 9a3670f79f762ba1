//! A fake of Twilio: the resources that the bridge calls, and the requests that it receives.
//!
//! [`FakeTwilio::start`] serves, on a free port of this machine, an account's messages, numbers and media,
//! with Twilio's codes for what it refuses (<https://www.twilio.com/docs/api/errors>). It keeps what it
//! refused, so that a test can say that nothing was. Towards the bridge it signs each request as Twilio does
//! (<https://www.twilio.com/docs/usage/security#validating-requests>), with what it was given as the URL.
//!
//! Nothing here uses the bridge's own code: the two are written apart from each other.

mod content;
mod provider;
mod reports;
mod server;
mod signature;
mod state;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use state::Call;

use crate::faults::{Port, Server};
use state::{Message, Reporting, State};

/// The account.
pub const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";

/// Its auth token.
pub const TOKEN: &str = "fake-auth-token-0123456789abcdef";

/// Its number.
pub const NUMBER: &str = "+15557654321";

/// Its sender on WhatsApp.
pub const WHATSAPP: &str = "whatsapp:+14155238886";

/// Its messaging service.
pub const SERVICE: &str = "MG0123456789abcdef0123456789abcdef";

/// A running fake. It stops when it is dropped.
#[derive(Debug)]
pub struct FakeTwilio {
    state: Arc<State>,
    server: Server,
}

impl FakeTwilio {
    /// Starts an account that writes under its number.
    ///
    /// # Panics
    /// When no port can be bound.
    pub async fn start() -> Self {
        Self::under(NUMBER, Reporting::Unasked).await
    }

    /// Starts an account that writes under its sender on WhatsApp.
    ///
    /// # Panics
    /// When no port can be bound.
    pub async fn whatsapp() -> Self {
        Self::under(WHATSAPP, Reporting::Unasked).await
    }

    /// Starts an account as [`FakeTwilio::start`] does, of whose messages it is asked what becomes of them. A test says
    /// that: [`FakeTwilio::reported`].
    ///
    /// # Panics
    /// When no port can be bound.
    pub async fn asked_for_reports() -> Self {
        Self::under(NUMBER, Reporting::ByHand).await
    }

    /// The same, and it says so by itself, before or after it has answered, in any order, and some of it twice.
    /// Messages with this text in them are not delivered.
    ///
    /// # Panics
    /// When no port can be bound.
    pub async fn reporting(undelivered: &'static str) -> Self {
        Self::under(NUMBER, Reporting::ByItself(undelivered)).await
    }

    async fn under(sender: &'static str, reporting: Reporting) -> Self {
        let port = Port::open().await;
        let state = Arc::new(State::new(sender, reporting, port.origin()));
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

    /// The SIDs of the messages that a user was sent, oldest first.
    #[must_use]
    pub fn sids(&self, user: &str) -> Vec<String> {
        let messages = self.messages(user).into_iter();
        messages.map(|message| message.sid).collect()
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

    /// What was set at the number, the service and the sender on WhatsApp, by the names of the fields.
    #[must_use]
    pub fn hooks(&self) -> BTreeMap<String, String> {
        self.state.read(|store| store.hooks.clone())
    }

    /// Everything that happened, for the message of a failed test.
    #[must_use]
    pub fn report(&self) -> String {
        self.state.read(|store| format!("{store:#?}"))
    }
}
