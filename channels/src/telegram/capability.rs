//! What Telegram shows of each thing that Haptik sends, where it is its own way.

use super::LIMITS;
use crate::capability::{self, Capability, Feature, Support};
use crate::facts::{Facts, Repeats};

/// What there is to know of Telegram before it is chosen.
pub(super) const FACTS: Facts = Facts {
    title: "Telegram",
    page: "../channels/src/telegram/README.md",
    places: "private chats, groups and topics",
    at_haptik: "yes",
    repeats: Repeats::Unrecognised("the Bot API has no key, and cannot be asked"),
    setup: "ten minutes; a Telegram account; nothing is reviewed; `register` tells Telegram the URL",
    erasure: "the user deletes the chat for both sides; a bot can delete its own messages for 48 hours (`deleteMessage`)",
};

/// What Telegram shows of a feature.
#[must_use]
pub(super) fn capability(feature: Feature) -> Capability {
    let (support, shown) = match feature {
        Feature::Link => (
            Support::Native,
            "a button that opens it; Telegram does not tell of the tap, so its `message` is not said",
        ),
        Feature::Location => (
            Support::Degraded,
            "a line that asks to type the place; a location that is sent reaches Haptik as coordinates",
        ),
        Feature::Image => (
            Support::Native,
            "the picture; a link where Telegram cannot load it. A PDF is sent as a file",
        ),
        Feature::Notice => (Support::Degraded, "a line in italics, without a sound"),
        other => return capability::within(&LIMITS, other),
    };
    Capability::new(support, shown)
}
