//! What Twilio shows of each thing that Haptik sends, where it is its own way.

use super::limits::SMS;
use crate::capability::{self, Capability, Feature, Support};
use crate::facts::{Facts, Repeats};

/// What there is to know of Twilio before it is chosen.
pub(super) const FACTS: Facts = Facts {
    title: "SMS, MMS, WhatsApp, RCS by Twilio",
    page: "../channels/src/twilio/README.md",
    places: "telephones",
    at_haptik: "WhatsApp yes; SMS both ways and RCS no",
    repeats: Repeats::Unrecognised("the API has no key, and equal texts are often meant"),
    setup: "half an hour; a Twilio account, which is paid by the message; numbers of the USA are registered first, which takes days; `register` tells Twilio the URL",
    erasure: "`DELETE` of each message at its `Messages/{SID}` (its media goes with it); Twilio keeps its own list of who said STOP",
};

/// What Twilio shows of a feature.
#[must_use]
pub(super) fn capability(feature: Feature) -> Capability {
    let (support, shown) = match feature {
        Feature::QuickReplies | Feature::Buttons | Feature::Rating => (
            Support::Partly,
            "by SMS lines with numbers: a typed number or label chooses; on WhatsApp and RCS buttons or a menu",
        ),
        Feature::Image => (
            Support::Partly,
            "the picture, by MMS, WhatsApp or RCS; a link to it where that cannot be",
        ),
        Feature::Location => (
            Support::Degraded,
            "a line that asks to type the place; a location that is sent reaches Haptik as coordinates",
        ),
        other => return capability::within(&SMS, other),
    };
    Capability::new(support, shown)
}
