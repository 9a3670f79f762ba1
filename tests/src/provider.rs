//! What every fake provider of a channel can do, so that one suite of scenarios (`tests/contract.rs`), the
//! [`Stage`](crate::Stage) and the [`chaos`](crate::chaos) run with any of them.
//!
//! A fake is the other side of one connection: it sends the bridge what the provider would send, signed
//! as the provider signs, and is called as the provider would be. It is as strict as the provider's
//! documentation, and keeps what it refused. What goes wrong in between is the [`Server`]'s.

use std::collections::BTreeMap;
use std::fmt::Debug;

use jiff::Timestamp;

use crate::faults::{Calls, Fault, Server};

/// A request to the bridge, signed as of the time at which it was made.
pub type Request = http::Request<Vec<u8>>;

/// A message as a person sees it, as it is now, after all edits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// All that is read in it, in order, without the labels of `buttons` and `links`, which may be in it
    /// as well.
    pub text: String,
    /// The labels of what can be tapped and comes back to the bridge, in order; a menu's rows are some.
    pub buttons: Vec<String>,
    /// Labels and addresses of what opens an address.
    pub links: Vec<(String, String)>,
    /// The addresses of pictures and of documents.
    pub files: Vec<String>,
    /// The name of who says it, where it is another than the application's.
    pub sender: Option<String>,
}

/// Sends a request to the bridge; returns the status and the body of the answer.
///
/// # Errors
/// When there is no answer.
pub async fn send(client: &reqwest::Client, request: &Request) -> anyhow::Result<(u16, String)> {
    let (method, url) = (request.method().clone(), request.uri().to_string());
    let sent = client
        .request(method, url)
        .headers(request.headers().clone());
    let answer = sent.body(request.body().clone()).send().await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

/// What a provider says later of one of its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whether it did not reach the user.
    pub failed: bool,
    /// Whether the bridge has answered that it knows that.
    pub taken: bool,
}

/// What a provider says later of its messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reports {
    /// How many of them are on their way.
    pub under_way: usize,
    /// What became of messages, by the provider's ids.
    pub of: BTreeMap<String, Report>,
}

/// What a user does next.
#[derive(Clone, Debug)]
pub enum Step {
    /// This.
    Send(Box<Request>),
    /// Nothing yet: the bridge has not come so far.
    Wait,
    /// Nothing more.
    Done,
}

/// A provider, as the tests play it.
///
/// Users are named by the provider's own ids ([`FakeProvider::user`]), and speak with the bot alone.
pub trait FakeProvider: Debug + Send + Sync {
    /// The connection's name, which is its table's in the configuration: `acme-slack`.
    fn connection(&self) -> &str;

    /// The lines of the connection's table, without its head, with `type` and all that the provider needs.
    /// The provider is called at `base_url`, which has no slash at its end: [`Server::origin`], or a proxy
    /// before it.
    fn toml(&self, base_url: &str) -> String;

    /// Where it is called, and what goes wrong there.
    fn server(&self) -> &Server;

    /// Tells it the URL of the connection at the bridge. What it sends from now on goes there.
    fn set_webhook(&self, url: &str);

    /// The id of the user of this number.
    fn user(&self, number: usize) -> String;

    /// The user says this to the bot.
    fn say(&self, user: &str, text: &str) -> Request;

    /// The user taps the button with this label, the newest that there is.
    ///
    /// # Panics
    /// When the user is shown none.
    fn tap(&self, user: &str, label: &str) -> Request;

    /// The user sends a file; `None` where files cannot be sent. Some have no name that can be seen: the bridge has to
    /// come by the MIME type.
    fn attach(&self, user: &str, name: &str, mime_type: &str, content: &[u8]) -> Option<Request>;

    /// What the user does to fill in the form that is shown, when `sent` requests of it were sent: the
    /// answers are by the fields' hints. `None` where there are no forms.
    fn fill(&self, user: &str, answers: &[(&str, &str)], sent: usize) -> Option<Step>;

    /// The user rates the conversation with so many stars of five; `None` where that cannot be done.
    fn rate(&self, user: &str, stars: u8) -> Option<Step>;

    /// The same, delivered once more, as the provider does when it was not answered.
    fn again(&self, request: &Request) -> Request {
        request.clone()
    }

    /// What the provider tells the bridge of the bridge's own messages to this user.
    fn own(&self, _user: &str) -> Vec<Request> {
        Vec::new()
    }

    /// The request as somebody would sign it at another time; `None` where no time is signed.
    fn signed_at(&self, request: &Request, at: Timestamp) -> Option<Request>;

    /// The request with its body as it is now, signed once more, where no time is signed and the body is. The suite
    /// changes bodies, so either this or [`FakeProvider::signed_at`] has to be there where
    /// [the body is signed](FakeProvider::signs_the_body).
    fn signed(&self, _request: &Request) -> Option<Request> {
        None
    }

    /// Whether its requests say when, or in which order, messages were written.
    fn says_when(&self) -> bool {
        true
    }

    /// What it says later of the messages that it took, by itself; `None` where it says nothing.
    fn reports(&self) -> Option<Reports> {
        None
    }

    /// The headers that show who sends a request. None of them can do without any of its bits.
    fn credentials(&self) -> &'static [&'static str];

    /// Whether they are of the body too, so that none of its bits can be another.
    fn signs_the_body(&self) -> bool {
        true
    }

    /// What it answers to a message that it will never show.
    fn refusal(&self) -> Fault;

    /// Whether a message that it took is shown again when the bridge did not hear so: there is no key of a
    /// message, and no way to ask for what is there.
    fn may_show_twice(&self) -> bool {
        false
    }

    /// The calls that show a message to a user, and to all where there is none.
    fn showing(&self, user: Option<&str>) -> Calls;

    /// What the user is shown by the bridge, oldest first.
    fn shown(&self, user: &str) -> Vec<Shown>;

    /// What the provider refused for what it said, oldest first.
    fn refusals(&self) -> Vec<String>;

    /// What is in no line of a log: tokens, secrets of signatures.
    fn secrets(&self) -> Vec<String>;
}
