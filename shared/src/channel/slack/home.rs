//! The app's Home tab (<https://docs.slack.dev/surfaces/app-home/>): a welcome and a button to begin.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::markup::mrkdwn;
use super::render::text_object;

/// The `action_id` of the button that begins a conversation.
pub(super) const START: &str = "start";

/// The view (<https://docs.slack.dev/reference/views/home-tab-views>).
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
        "blocks": [
            {"type": "section", "text": text_object(&mrkdwn(welcome))},
            {"type": "actions", "block_id": "home", "elements": [button]},
        ],
    })
}

/// What names a user's view: another one for another welcome.
pub(super) fn external_id(user: &str, welcome: &str) -> String {
    let digest = hex::encode(Sha256::digest(view(welcome).to_string()));
    format!("home-{user}-{}", digest.get(..16).unwrap_or_default())
}
