//! The three functions of haptik-bridge on one machine, with no AWS account: [`gateway`] puts the
//! handlers behind one listener, [`database`] is the embedded DynamoDB that the real SDK talks to,
//! [`queue`] stands in for SQS FIFO.
//!
//! [`privacy`] says and removes what is known of a person, [`audit`] records who did what.
//!
//! [`demo`] is the page that `cargo run` serves, with a simulated Haptik platform behind it, and [`feed`]
//! what it shows on its right-hand side. [`watch`] is what the console of a bridge remembers of its messages' way.

pub mod application;
pub mod audit;
pub mod database;
pub mod demo;
pub mod feed;
pub mod fill;
pub mod gateway;
pub mod local_only;
pub mod metrics;
pub mod privacy;
pub mod queue;
pub mod registry;
pub mod replay;
mod turns;
pub mod watch;
