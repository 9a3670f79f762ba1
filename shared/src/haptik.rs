//! Haptik's "Bot as an API": the message language ([`crate::message::hsl`]), what Haptik calls ([`webhook`]) and the
//! calls that we make ([`client`], [`transcript`]).

pub mod client;
pub mod transcript;
pub mod webhook;
