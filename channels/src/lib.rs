//! The channels: where users are.
//!
//! In reading order: [`channel`] is the interface that a channel implements, with [`request`], what it gets,
//! [`part`], what it sends, [`error`], why that was not taken, [`package`], what is uploaded to its provider, and [`peer`], a role that few have; [`erased`] is where a channel's own types become JSON; [`registry`] is the list of channels.
//! [`connections`] builds the connections of a configuration: the edges for the function that receives, the
//! outlets for the one that sends; what both keep in memory is a [`memory::Memory`]. A channel is a module here
//! with a folder.
//!
//! What channels have in common: [`limits`] and [`render`] to show things, [`adaptive_cards`] where they are shown as such, [`callback`] and [`choices`] for what
//! is chosen, [`verify`] and [`signed_token`] for who sends, [`install`] for apps that others install, [`conversation`] for what is one where there are threads, [`pace`] for how fast
//! messages may follow each other.

pub mod adaptive_cards;
pub mod callback;
pub mod capability;
pub mod channel;
pub mod choices;
pub mod comparison;
pub mod connections;
pub mod conversation;
pub mod custom;
pub mod erased;
pub mod error;
pub mod facts;
pub mod google_chat;
pub mod install;
pub mod limits;
pub mod markup;
pub mod memory;
pub mod pace;
pub mod package;
pub mod part;
pub mod peer;
pub mod preview;
pub mod redact_body;
pub mod registry;
pub mod render;
pub mod request;
pub mod signed_token;
pub mod size;
pub mod slack;
pub mod teams;
pub mod telegram;
pub mod twilio;
pub mod verify;
pub mod webex;
