//! The channels: where users are.
//!
//! In reading order: [`channel`] is the interface that a channel implements, with [`part`], what it sends,
//! and [`peer`], a role that few have; [`erased`] is where a channel's own types become JSON; [`registry`] is the list of channels.
//! [`connections`] builds the connections of a configuration: the edges for the function that receives, the
//! outlets for the one that sends; what both keep in memory is a [`memory::Memory`]. [`signed_token`] verifies tokens that providers sign. A channel is a module here
//! with a folder.

pub mod callback;
pub mod capability;
pub mod channel;
pub mod choices;
pub mod connections;
pub mod custom;
pub mod erased;
pub mod google_chat;
pub mod limits;
pub mod markup;
pub mod memory;
pub mod part;
pub mod peer;
pub mod preview;
pub mod redact_body;
pub mod registry;
pub mod render;
pub mod signed_token;
pub mod size;
pub mod slack;
pub mod telegram;
