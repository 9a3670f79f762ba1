//! What an application of one's own gets of each thing that Haptik sends.

use crate::capability::{Capability, Feature, Support};

/// What the application gets of a feature, beside the whole message in `hsl`.
#[must_use]
pub(super) fn capability(feature: Feature) -> Capability {
    use Support::{Degraded, Native, Nothing, Partly};
    let (support, shown) = match feature {
        Feature::Text => (Native, "`text`"),
        Feature::QuickReplies | Feature::Buttons => {
            (Native, "`actions`, each with `label` and `value`")
        }
        Feature::Link => (
            Native,
            "`actions`, with `label` and `url`, and with `value` where it says something (`link_says`)",
        ),
        Feature::Call => (
            Native,
            "the number in `text`, and `actions` with a `tel:` link",
        ),
        Feature::Location => (Native, "`actions`, with `\"location\": true`"),
        Feature::Upload => (Native, "`actions`, with `\"upload\": true`"),
        Feature::Rating => (Native, "`actions`, with `\"feedback\": true`"),
        Feature::Detail | Feature::Card => (
            Partly,
            "`text`, `images` and `actions`, of all of them together",
        ),
        Feature::Image => (Native, "`images`"),
        Feature::Video => (Degraded, "its URL in `text`"),
        Feature::Form => (Degraded, "its questions in `text`"),
        Feature::Notice => (
            Native,
            "`text`, or the events `agent_joined` and `conversation_complete`",
        ),
        Feature::Agent => (Native, "`sender`, with name and picture"),
        Feature::NativeAction | Feature::Other => (Degraded, "`text`"),
        Feature::Silent => (Nothing, "nothing"),
    };
    Capability::new(support, shown)
}
