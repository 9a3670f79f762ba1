//! What an HSL message becomes in Microsoft Teams, for a look before going live.

use haptik_bridge_shared::message::Sender;
use serde_json::Value;

use super::encode;
use crate::preview::{Preview, previewed};

/// The activities that a message body of Haptik's (an object, or one in a string) becomes, in order.
pub(super) fn preview(body: &Value, sender: &Sender) -> Vec<Preview> {
    let parts = encode::parts(&previewed(body, sender)).into_iter();
    let activities = parts.map(|part| Preview {
        kind: "activity",
        payload: part.body,
        link: None,
    });
    activities.collect()
}
