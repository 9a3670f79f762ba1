//! The app's Home tab (<https://docs.slack.dev/surfaces/app-home/>): a welcome and a button to begin.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::markup::mrkdwn;
use super::render::text_object;
use crate::wire;

/// The `action_id` of the button that begins a conversation.
pub(super) const START: &str = "start";

/// The view (<https://docs.slack.dev/reference/views/home-tab-views>). Its `private_metadata` tells one
/// welcome from another.
pub(super) fn view(welcome: &str) -> Value {
    let button = json!({
        "type": "button",
        "action_id": START,
        "style": "primary",
        "text": {"type": "plain_text", "text": "Start a conversation", "emoji": true},
    });
    json!({
        "type": "home",
        "callback_id": "home",
        "private_metadata": version(welcome),
        "blocks": [
            {"type": "section", "text": text_object(&mrkdwn(welcome))},
            {"type": "actions", "block_id": "home", "elements": [button]},
        ],
    })
}

/// Whether this is the view that a user is shown, as Slack gives it back.
pub(super) fn is_shown(view: &Value, welcome: &str) -> bool {
    wire::text(view, "private_metadata") == version(welcome)
}

fn version(welcome: &str) -> String {
    let digest = hex::encode(Sha256::digest(welcome));
    digest.get(..16).unwrap_or_default().to_owned()
}
