//! What Slack shows of each thing that Haptik sends, where it is its own way.

use super::LIMITS;
use crate::capability::{self, Capability, Feature, Support};
use crate::facts::{Facts, Repeats};

/// What there is to know of Slack before it is chosen.
pub(super) const FACTS: Facts = Facts {
    title: "Slack",
    page: "slack.md",
    places: "direct messages, channels and threads (mentions, replies), a slash command, the Home tab",
    at_haptik: "no",
    repeats: Repeats::Recognised(
        "each message carries its key, by which the conversation is searched",
    ),
    setup: "half an hour; a workspace in which you may install apps; a manifest is pasted",
    erasure: "the workspace's owners delete messages and files (`chat.delete`, `files.delete`, or a retention period) and, of somebody who has left, the profile",
};

/// What Slack shows of a feature.
#[must_use]
pub(super) fn capability(feature: Feature) -> Capability {
    let shown = match feature {
        Feature::Buttons => "buttons, which stay; the default one is highlighted",
        Feature::Link => {
            "a button that opens it, and says its `message` (`link_says`); above 3,000 characters, the link"
        }
        Feature::Rating => "five buttons, 1 ★ to 5 ★, and a place for a remark",
        Feature::Card => {
            "a card with picture, title, texts and buttons, side by side (`carousels`); below each other where one has more than Slack's own hold: 150 characters of title, 200 of text, three buttons"
        }
        Feature::Image => {
            "the picture; a link where it is of a kind that Slack does not show, or cannot be loaded"
        }
        Feature::Agent => {
            "a message under the agent's own name and picture (`agent_identity`); else the agent's name above it"
        }
        other => return capability::within(&LIMITS, other),
    };
    Capability::new(Support::Native, shown)
}
