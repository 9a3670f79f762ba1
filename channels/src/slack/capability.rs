//! What Slack shows of each thing that Haptik sends: what `render` makes, in words.

use crate::capability::{Capability, Feature, Support};

/// What Slack shows of a feature.
#[must_use]
pub(super) fn capability(feature: Feature) -> Capability {
    use Support::{Degraded, Native, Nothing, Partly};
    let (support, shown) = match feature {
        Feature::Text => (
            Native,
            "text; `**bold**` and `[label](url)` in Slack's form; links can be clicked",
        ),
        Feature::QuickReplies => (Native, "buttons, which go away once one is used"),
        Feature::Buttons => (
            Native,
            "buttons, which stay; the default one is highlighted",
        ),
        Feature::Link => (
            Native,
            "a button that opens it; above 3,000 characters, the link",
        ),
        Feature::Call => (
            Degraded,
            "a line with the number, which can be tapped on a telephone",
        ),
        Feature::Location => (Degraded, "a line that asks to type the place"),
        Feature::Upload => (Degraded, "a line that asks to send the file"),
        Feature::Detail => (Partly, "its title, texts and pictures, at once"),
        Feature::Rating => (Native, "five buttons, 1 ★ to 5 ★, and a place for a remark"),
        Feature::Card => (
            Native,
            "a card with picture, title, texts and buttons, side by side (`carousels`); below each other where one has more than Slack's own hold: 150 characters of title, 200 of text, three buttons",
        ),
        Feature::Image => (
            Native,
            "the picture; a link where it is of a kind that Slack does not show, or cannot be loaded",
        ),
        Feature::Video => (Degraded, "a link to it"),
        Feature::Form => (
            Native,
            "its questions, and a button that opens it in a window of its own",
        ),
        Feature::Notice => (Native, "a line of small print"),
        Feature::Agent => (
            Native,
            "a message under the agent's own name and picture (`agent_identity`); else the agent's name above it",
        ),
        Feature::NativeAction | Feature::Other => (Degraded, "its text"),
        Feature::Silent => (Nothing, "nothing"),
    };
    Capability::new(support, shown)
}
