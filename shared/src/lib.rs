//! What the functions of haptik-bridge share.
//!
//! In reading order, along the way of a message:
//!
//! - [`config`] is the one configuration text, checked and typed; [`bridge`] builds from it everything
//!   that the functions depend on; [`reloading`] reads it again while they run.
//! - [`haptik`] is the platform: its deliveries, and the calls to it.
//! - [`ingest`] makes durable what was verified: an entry in the [`ledger`], under its [`lane`], then a
//!   ring of the [`queue`]; [`rate_limit`] says whether too much comes. [`users`] is the map of who is where
//!   and who is with a human, [`health`] whether Haptik's webhook is well, [`outage`] what is recorded when it was not,
//!   [`activity`] who was active then, [`breaker`] whether a sink takes anything now. All are in one [`table`],
//!   and [`items`] lists every kind of item there, with what it may hold of a person.
//! - [`message`] has the values that all of these speak of; [`offers`] finds what users were offered,
//!   [`came_as`] an entry by what it is called elsewhere. [`own_events`] are those that the bridge tells sinks itself.
//! - [`retry`] says whether a failure is worth repeating, [`net`] sends what goes out,
//!   [`standard_webhooks`] signs it. Channels and sinks have crates of their own.
//! - [`template`] fills in what the operator wrote.
//! - [`redact`] keeps what people say out of `Debug`, [`encryption`] encrypts the secrets that are kept in the table.
//! - [`telemetry`] tells of every hop; [`ids`] names things, [`key`] puts them in order;
//!   [`lenient_json`] reads other people's JSON; [`environment`] is where the functions find things.

pub mod activity;
mod blank;
pub mod breaker;
pub mod bridge;
pub mod came_as;
pub mod config;
pub mod encryption;
pub mod environment;
pub mod haptik;
pub mod health;
pub mod ids;
pub mod ingest;
pub mod items;
pub mod key;
pub mod lane;
pub mod ledger;
pub mod lenient_json;
pub mod message;
pub mod net;
pub mod offers;
pub mod outage;
pub mod own_events;
pub mod queue;
pub mod rate_limit;
pub mod redact;
pub mod reloading;
pub mod retry;
pub mod standard_webhooks;
pub mod table;
pub mod telemetry;
pub mod template;
pub mod users;
