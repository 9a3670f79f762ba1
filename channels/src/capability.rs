//! What a channel makes of each thing that Haptik sends: typed, so that a bot builder sees before going
//! live what will look how, and a new feature makes every channel say what becomes of it.

use std::fmt::{self, Write as _};

/// Something that Haptik sends, by HSL's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Feature {
    /// The text of a message.
    Text,
    /// `TEXT` with `quick_replies`.
    QuickReplies,
    /// `BUTTON`.
    Buttons,
    /// An action that opens a link: `LINK`, `SELF_SERVE_WEB`, `SHARE`.
    Link,
    /// `CALL`.
    Call,
    /// `SEND_LOCATION`, `SEND_MULTIPLE_LOCATIONS`, `SAVED_ADDRESSES`.
    Location,
    /// `GALLERY_PICKER`, `IMAGE_UPLOAD`, `DOCUMENT_PICKER`.
    Upload,
    /// `CAROUSEL_DETAIL`.
    Detail,
    /// `APP_FEEDBACK`.
    Rating,
    /// A card of a `CAROUSEL`.
    Card,
    /// A card that is only a picture.
    Image,
    /// A thumbnail that is a video.
    Video,
    /// `FORM`.
    Form,
    /// `SYSTEM`, an agent who joins, a conversation that is complete.
    Notice,
    /// A human agent's message.
    Agent,
    /// `NATIVE_ACTION`.
    NativeAction,
    /// `SILENT`.
    Silent,
    /// `TAB_LIST`, `RECEIPT`, and whatever comes.
    Other,
}

/// How far a channel has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// As it was meant.
    Native,
    /// With a limit.
    Partly,
    /// As something else that works.
    Degraded,
    /// Nothing is shown, as was meant.
    Nothing,
}

/// What a channel makes of a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capability {
    /// How far it has it.
    pub support: Support,
    /// What the user sees, in Markdown.
    pub shown: &'static str,
}

/// What a channel makes of every feature.
pub type Capabilities = fn(Feature) -> Capability;

impl Feature {
    /// Every feature, in the order in which tables have them.
    pub const ALL: [Self; 18] = [
        Self::Text,
        Self::QuickReplies,
        Self::Buttons,
        Self::Link,
        Self::Call,
        Self::Location,
        Self::Upload,
        Self::Detail,
        Self::Rating,
        Self::Card,
        Self::Image,
        Self::Video,
        Self::Form,
        Self::Notice,
        Self::Agent,
        Self::NativeAction,
        Self::Silent,
        Self::Other,
    ];
}

impl Capability {
    /// A capability.
    #[must_use]
    pub const fn new(support: Support, shown: &'static str) -> Self {
        Self { support, shown }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Text => "text",
            Self::QuickReplies => "quick replies (`TEXT`)",
            Self::Buttons => "buttons (`BUTTON`)",
            Self::Link => "a link (`LINK`, `SELF_SERVE_WEB`, `SHARE`)",
            Self::Call => "a call (`CALL`)",
            Self::Location => {
                "a place (`SEND_LOCATION`, `SEND_MULTIPLE_LOCATIONS`, `SAVED_ADDRESSES`)"
            }
            Self::Upload => "a file (`GALLERY_PICKER`, `IMAGE_UPLOAD`, `DOCUMENT_PICKER`)",
            Self::Detail => "a detail view (`CAROUSEL_DETAIL`)",
            Self::Rating => "a rating (`APP_FEEDBACK`)",
            Self::Card => "a card (`CAROUSEL`)",
            Self::Image => "a picture",
            Self::Video => "a video",
            Self::Form => "a form (`FORM`)",
            Self::Notice => "a notice (`SYSTEM`, an agent joins, a conversation is complete)",
            Self::Agent => "an agent's message",
            Self::NativeAction => "`NATIVE_ACTION`",
            Self::Silent => "`SILENT`",
            Self::Other => "anything else (`TAB_LIST`, `RECEIPT`, …)",
        })
    }
}

impl fmt::Display for Support {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Native => "native",
            Self::Partly => "partly",
            Self::Degraded => "degraded",
            Self::Nothing => "–",
        })
    }
}

/// A table in Markdown of what a channel makes of every feature.
#[must_use]
pub fn table(capabilities: Capabilities) -> String {
    let mut table = String::from("| Haptik sends | support | the user sees |\n|---|---|---|\n");
    for feature in Feature::ALL {
        let Capability { support, shown } = capabilities(feature);
        // Writing to a string does not fail.
        let _ = writeln!(table, "| {feature} | {support} | {shown} |");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_is_in_the_table_once() {
        let features: std::collections::HashSet<_> = Feature::ALL.into_iter().collect();
        assert_eq!(features.len(), Feature::ALL.len());
    }
}
