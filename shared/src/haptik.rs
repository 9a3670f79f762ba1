//! Haptik's "Bot as an API": the message language ([`crate::message::hsl`]), what Haptik calls ([`webhook`]) and the
//! calls that we make ([`client`], [`transcript`]; [`online`] tries its tokens).

pub mod client;
pub mod online;
pub(crate) mod time;
pub mod transcript;
pub mod webhook;

/// The `device_platform` at Haptik of chats that come by the bridge (<https://docs.haptik.ai/webhooks/webhook-payload>).
pub const BRIDGE_PLATFORM: u64 = 13;
