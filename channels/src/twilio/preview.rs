//! What an HSL message becomes as SMS, for a look before going live.

use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::Sender;
use serde_json::Value;

use super::encode;
use super::limits::{Medium, SMS};
use super::segments::segments;
use crate::preview::{Preview, previewed};
use crate::render;

/// The messages that a message body of Haptik's (an object, or one in a string) becomes, in order, without
/// whose they are and for whom; beside each what its text costs as SMS.
pub(super) fn preview(body: &Value, sender: &Sender) -> Vec<Preview> {
    let pages = render::pages(&previewed(body, sender), &SMS);
    let messages = pages.iter().map(|page| {
        let mut payload = encode::encode(page, Medium::Sms);
        let cost = segments(&lenient_json::text(&payload, "Body"));
        payload["segments"] = cost.count.into();
        payload["encoding"] = cost.encoding.into();
        Preview {
            kind: "message",
            payload,
            link: None,
        }
    });
    messages.collect()
}
