//! What Google Chat shows of each thing that Haptik sends, where it is its own way.

use super::LIMITS;
use crate::capability::{self, Capability, Feature, Support};
use crate::facts::{Facts, Repeats};

/// What there is to know of Google Chat before it is chosen.
pub(super) const FACTS: Facts = Facts {
    title: "Google Chat",
    page: "../channels/src/google_chat/README.md",
    places: "direct messages, spaces (mentions, commands)",
    at_haptik: "no",
    repeats: Repeats::Recognised("each message is created under a name made of its key"),
    setup: "an hour; a Google Workspace account that may create a Google Cloud project and a key of a service account",
    erasure: "the Workspace's administrators: messages by the space's retention or by Vault, files where they lie",
};

/// What Google Chat shows of a feature.
#[must_use]
pub(super) fn capability(feature: Feature) -> Capability {
    let shown = match feature {
        Feature::QuickReplies => {
            "buttons below the message; once one is used, it alone is left, and rests"
        }
        Feature::Card => "a card with picture, title, texts and buttons; several side by side",
        Feature::Image => "the picture, in a card; a link where it is not at an https address",
        Feature::Form => "a card with the fields, which becomes what was filled in",
        other => return capability::within(&LIMITS, other),
    };
    Capability::new(Support::Native, shown)
}
