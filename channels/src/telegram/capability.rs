//! What Telegram shows of each thing that Haptik sends, in words.

use crate::capability::{Capability, Feature, Support};

/// What Telegram shows of a feature.
#[must_use]
pub(super) fn capability(feature: Feature) -> Capability {
    use Support::{Degraded, Native, Nothing, Partly};
    let (support, shown) = match feature {
        Feature::Text => (
            Native,
            "text; `**bold**` and `[label](url)` in Telegram's form; links can be opened",
        ),
        Feature::QuickReplies => (
            Native,
            "buttons below the message, which go away once one is used",
        ),
        Feature::Buttons => (Native, "buttons below the message, which stay"),
        Feature::Link => (Native, "a button that opens it"),
        Feature::Call => (
            Degraded,
            "a line with the number, which can be tapped on a telephone",
        ),
        Feature::Location => (
            Degraded,
            "a line that asks to type the place; a location that is sent reaches Haptik as coordinates",
        ),
        Feature::Upload => (Degraded, "a line that asks to send the file"),
        Feature::Detail => (Partly, "its title, texts and pictures, at once"),
        Feature::Rating => (Native, "five buttons, 1 ★ to 5 ★"),
        Feature::Card => (
            Partly,
            "a message with picture, title, texts and buttons; several below each other",
        ),
        Feature::Image => (
            Native,
            "the picture; a link where Telegram cannot load it. A PDF is sent as a file",
        ),
        Feature::Video => (Degraded, "a link to it"),
        Feature::Form => (
            Degraded,
            "the questions as a list, which the user answers in the chat",
        ),
        Feature::Notice => (Degraded, "a line in italics, without a sound"),
        Feature::Agent => (Degraded, "the agent's name stands above the text"),
        Feature::Silent => (Nothing, "nothing"),
        Feature::NativeAction | Feature::Other => (Degraded, "its text"),
    };
    Capability::new(support, shown)
}
