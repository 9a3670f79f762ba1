//! What Telegram shows of each thing that Haptik sends, where it is its own way.

use super::LIMITS;
use crate::capability::{self, Capability, Feature, Support};

/// What Telegram shows of a feature.
#[must_use]
pub(super) fn capability(feature: Feature) -> Capability {
    let (support, shown) = match feature {
        Feature::Link => (
            Support::Native,
            "a button that opens it; Telegram does not tell of the tap, so its `message` is not said",
        ),
        Feature::Location => (
            Support::Degraded,
            "a line that asks to type the place; a location that is sent reaches Haptik as coordinates",
        ),
        Feature::Image => (
            Support::Native,
            "the picture; a link where Telegram cannot load it. A PDF is sent as a file",
        ),
        Feature::Notice => (Support::Degraded, "a line in italics, without a sound"),
        other => return capability::within(&LIMITS, other),
    };
    Capability::new(support, shown)
}
