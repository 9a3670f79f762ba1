//! What is said in small print on the bridge's own account.

use serde_json::json;

use super::address::{Address, Command, Method};
use super::render::context;

/// Asks for a form in the chat, where it could not be opened.
pub(super) fn form_not_opened(address: &Address) -> Command {
    posted(
        address,
        "The form could not be opened. Tap its button again, or answer the questions here.",
    )
}

/// Tells in the chat that a form was sent; not what it says, since in a channel everybody reads it.
pub(super) fn form_sent(address: &Address) -> Command {
    posted(address, "✓ Your answers were sent.")
}

/// The command that says something in small print.
pub(super) fn posted(address: &Address, text: &str) -> Command {
    let mut body = json!({"text": text, "parse": "none", "blocks": [context(text)]});
    body["channel"] = address.channel.as_str().into();
    if let Some(thread_ts) = &address.thread_ts {
        body["thread_ts"] = thread_ts.as_str().into();
    }
    Command {
        workspace: address.workspace.clone(),
        ..Command::of(Method::PostMessage, body)
    }
}
