//! Outgoing HTTP, and nothing else sends: [`client()`] for the base URLs that the operator configured, a
//! [`Fetcher`] for URLs that users supply, which keeps them away from private networks, and [`aws`], the
//! same client for AWS.
//!
//! [`api`] makes a request, sends it and reads its answer; [`oauth`] has the token for it. A call that
//! failed is a [`CallError`], whatever it called: one table says what a status means, and one whether to
//! repeat the call.
//!
//! None of these follows redirects by itself, reads a proxy from the environment or lets a large answer
//! grow in memory. No error says a URL: the URL of a file is often all that protects it.

mod address;
pub mod api;
pub mod aws;
mod client;
mod endpoint;
mod error;
pub mod exchange;
#[cfg(any(test, feature = "fake"))]
#[expect(
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    reason = "it is for tests"
)]
pub mod fake;
mod fetch;
pub mod oauth;
pub mod online;
mod tls;

pub use client::{
    BodyError, ClientError, LONGEST_RETRY_AFTER, Unreachable, client, read, retry_after, shortened,
};
pub use endpoint::Endpoint;
pub use error::{CallError, CallErrorKind, as_code};
pub use fetch::{FetchError, Fetcher};
