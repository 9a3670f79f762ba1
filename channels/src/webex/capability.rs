//! What Webex shows of each thing that Haptik sends, where it is its own way.

use super::LIMITS;
use crate::capability::{self, Capability, Feature, Support};
use crate::facts::{Facts, Repeats};

/// What there is to know of Webex before it is chosen.
pub(super) const FACTS: Facts = Facts {
    title: "Webex",
    page: "../channels/src/webex/README.md",
    places: "direct rooms, spaces (mentions)",
    at_haptik: "no",
    repeats: Repeats::RecognisedInDirect(
        "the newest messages there are looked at before a repeat; in a space a bot cannot see its own",
    ),
    setup: "a quarter of an hour; a Webex account; nothing is reviewed; `register` makes the webhooks",
    erasure: "the organisation's administrators or a compliance officer (`DELETE /v1/messages/{id}`), or a retention period",
};

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
