//! What Webex shows of each thing that Haptik sends, where it is its own way.

use super::LIMITS;
use crate::capability::{self, Capability, Feature, Support};

/// What Webex shows of a feature.
#[must_use]
pub(super) fn capability(feature: Feature) -> Capability {
    let (support, shown) = match feature {
        Feature::QuickReplies => (Support::Partly, "buttons in a card, which stay"),
        Feature::Card => (
            Support::Partly,
            "picture, title, texts and buttons; several below each other in one card",
        ),
        Feature::Image => (
            Support::Native,
            "the picture, in a card; a link where it is not at an https address",
        ),
        Feature::Form => (Support::Native, "a card with the fields"),
        other => return capability::within(&LIMITS, other),
    };
    Capability::new(support, shown)
}
