//! Haptik's "Bot as an API": the message language ([`hsl`]), what Haptik calls ([`webhook`]) and the
//! calls that we make ([`client`]).

pub mod client;
pub mod webhook;
