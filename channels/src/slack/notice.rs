//! What is said in small print on the bridge's own account: tasks, each the method to call and the body
//! to call it with.

use serde_json::{Value, json};

use super::Whereabouts;
use super::render::context;
use crate::channel::Address;

/// Asks for a form in the chat, where it could not be opened.
pub(super) fn form_not_opened(address: &Address) -> Value {
    posted(
        address,
        "The form could not be opened. Tap its button again, or answer the questions here.",
    )
}

/// Tells in the chat that a form was sent; not what it says, since in a channel everybody reads it.
pub(super) fn form_sent(address: &Address) -> Value {
    posted(address, "✓ Your answers were sent.")
}

/// The task of saying something in small print.
pub(super) fn posted(address: &Address, text: &str) -> Value {
    let mut body = json!({"text": text, "parse": "none", "blocks": [context(text)]});
    if let Some(place) = Whereabouts::of(address) {
        body["channel"] = place.channel.into();
        if let Some(thread_ts) = place.thread_ts {
            body["thread_ts"] = thread_ts.into();
        }
    }
    json!({"method": "chat.postMessage", "body": body})
}
