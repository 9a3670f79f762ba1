//! What an HSL message becomes in Webex, for a look before going live.

use haptik_bridge_shared::message::Sender;
use serde_json::Value;

use super::encode;
use crate::preview::{Preview, previewed};

/// The messages that a message body of Haptik's (an object, or one in a string) becomes, in order, without
/// their room.
pub(super) fn preview(body: &Value, sender: &Sender) -> Vec<Preview> {
    let pages = encode::pages(&previewed(body, sender));
    let messages = pages.iter().map(|page| Preview {
        kind: "message",
        payload: encode::message(page),
        link: None,
    });
    messages.collect()
}
