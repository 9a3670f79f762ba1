//! What is said in small print on the bridge's own account.

use serde_json::json;

use super::address::{About, Address, Command, Method};
use super::limits;
use super::markup::mrkdwn;
use super::render::context;
use crate::limits::Size;
use haptik_bridge_shared::message::Mention;

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

/// Tells a person what was asked of the bot on the person's account, with names for these mentions.
pub(super) fn asked_about(address: &Address, text: String, mentions: Vec<Mention>) -> Command {
    let about = About { text, mentions };
    let said = saying_about(&about.text);
    Command {
        about: Some(about),
        ..posted(address, &said)
    }
}

/// What is said of what was asked.
pub(super) fn saying_about(asked: &str) -> String {
    let shown = Size::utf16(limits::SECTION_TEXT.max / 10).clip(asked);
    format!("You asked about: {}", mrkdwn(&shown))
}

/// The command that says something in small print.
pub(super) fn posted(address: &Address, text: &str) -> Command {
    let mut body = json!({"text": text, "parse": "none", "blocks": [context(text)]});
    address.write(&mut body);
    Command {
        workspace: address.workspace.clone(),
        ..Command::of(Method::PostMessage, body)
    }
}
