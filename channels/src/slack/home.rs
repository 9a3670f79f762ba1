//! The app's Home tab (<https://docs.slack.dev/surfaces/app-home/>): a welcome and a button to begin.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::markup::mrkdwn;
use super::render::{plain_text, text_object};
use haptik_bridge_shared::lenient_json;

/// The `action_id` of the button that begins a conversation.
pub(super) const START: &str = "start";

/// The `action_id` of the button that asks for a human: its value is what it says.
pub(super) const AGENT: &str = "agent";

/// The view (<https://docs.slack.dev/reference/views/home-tab-views>). Its `private_metadata` tells one
/// welcome from another. With a button that asks for a human, where a phrase does.
pub(super) fn view(welcome: &str, agent_phrase: Option<&str>) -> Value {
    let button = json!({
        "type": "button",
        "action_id": START,
        "style": "primary",
        "text": plain_text("Start a conversation"),
    });
    let ask = agent_phrase.map(|phrase| {
        json!({
            "type": "button",
            "action_id": AGENT,
            "value": phrase,
            "text": plain_text("Talk to a person"),
        })
    });
    let buttons: Vec<Value> = [Some(button), ask].into_iter().flatten().collect();
    json!({
        "type": "home",
        "callback_id": "home",
        "private_metadata": version(welcome, agent_phrase),
        "blocks": [
            {"type": "section", "text": text_object(&mrkdwn(welcome))},
            {"type": "actions", "block_id": "home", "elements": buttons},
        ],
    })
}

/// Whether this is the view that a user is shown, as Slack gives it back.
pub(super) fn is_shown(view: &Value, welcome: &str, agent_phrase: Option<&str>) -> bool {
    lenient_json::text(view, "private_metadata") == version(welcome, agent_phrase)
}

fn version(welcome: &str, agent_phrase: Option<&str>) -> String {
    let shown = match agent_phrase {
        Some(phrase) => format!("{welcome}\n{phrase}"),
        None => welcome.to_owned(),
    };
    let digest = hex::encode(Sha256::digest(shown));
    digest.get(..16).unwrap_or_default().to_owned()
}
