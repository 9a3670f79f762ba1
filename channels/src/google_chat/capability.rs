//! What Google Chat shows of each thing that Haptik sends, in words.

use crate::capability::{Capability, Feature, Support};

/// What Google Chat shows of a feature.
#[must_use]
pub(super) fn capability(feature: Feature) -> Capability {
    use Support::{Degraded, Native, Nothing, Partly};
    let (support, shown) = match feature {
        Feature::Text => (
            Native,
            "text; `**bold**` and `[label](url)` in Google Chat's form; links can be opened",
        ),
        Feature::QuickReplies => (
            Native,
            "buttons below the message; once one is used, it alone is left, and rests",
        ),
        Feature::Buttons => (Native, "buttons below the message, which stay"),
        Feature::Link => (Native, "a button that opens it"),
        Feature::Call => (Degraded, "a line with the number"),
        Feature::Location => (Degraded, "a line that asks to type the place"),
        Feature::Upload => (Degraded, "a line that asks to send the file"),
        Feature::Detail => (Partly, "its title, texts and pictures, at once"),
        Feature::Rating => (
            Native,
            "five buttons, 1 ★ to 5 ★; 4 and 5 count as resolved",
        ),
        Feature::Card => (
            Native,
            "a card with picture, title, texts and buttons; several side by side",
        ),
        Feature::Image => (
            Native,
            "the picture, in a card; a link where it is not at an https address",
        ),
        Feature::Video => (Degraded, "a link to it"),
        Feature::Form => (
            Native,
            "a card with the fields, which becomes what was filled in",
        ),
        Feature::Notice => (Degraded, "a line in italics"),
        Feature::Agent => (Degraded, "the agent's name stands above the text"),
        Feature::Silent => (Nothing, "nothing"),
        Feature::NativeAction | Feature::Other => (Degraded, "its text"),
    };
    Capability::new(support, shown)
}
