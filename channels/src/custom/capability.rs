//! What an application of one's own gets of each thing that Haptik sends.

use crate::capability::{Capability, Feature, Support};
use crate::facts::{Facts, Repeats};

/// What there is to know of the custom channel before it is chosen.
pub(super) const FACTS: Facts = Facts {
    title: "An application of your own",
    page: "custom-channel.md",
    places: "wherever your application has them",
    at_haptik: "for web sites and mobile applications, by its SDKs",
    repeats: Repeats::Recognised("by your application, as a repeat has the same `webhook-id`"),
    setup: "an afternoon; an application that takes and sends signed HTTP requests; [clients](../clients) for Python and TypeScript, `certify` to try it",
    erasure: "it is your application: what it has of the user it removes itself",
};

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
