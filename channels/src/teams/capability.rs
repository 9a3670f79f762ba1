//! What Microsoft Teams shows of each thing that Haptik sends, where it is its own way.

use super::LIMITS;
use crate::capability::{self, Capability, Feature, Support};
use crate::facts::{Facts, Repeats};

/// What there is to know of Microsoft Teams before it is chosen.
pub(super) const FACTS: Facts = Facts {
    title: "Microsoft Teams",
    page: "../channels/src/teams/README.md",
    places: "personal chats, group chats and channels (mentions)",
    at_haptik: "yes",
    repeats: Repeats::Unrecognised("the Bot Connector has no key, and cannot be asked"),
    setup: "an hour or two; an application in Microsoft Entra, an Azure subscription (the bot is free), somebody who may upload apps to Teams; `package` makes what is uploaded",
    erasure: "the tenant's administrators: a data subject request in Microsoft Purview, or a retention policy",
};

/// What Teams shows of a feature.
#[must_use]
pub(super) fn capability(feature: Feature) -> Capability {
    let shown = match feature {
        Feature::QuickReplies => {
            "buttons below the text; once one is used, what was chosen stands there"
        }
        Feature::Card => "a card with picture, title, texts and buttons; several side by side",
        Feature::Image => "the picture, in a card; a link where it is not at an https address",
        Feature::Form => "a card with the fields, which becomes what was filled in",
        other => return capability::within(&LIMITS, other),
    };
    Capability::new(Support::Native, shown)
}
