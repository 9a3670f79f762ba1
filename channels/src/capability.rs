//! What a channel makes of each thing that Haptik sends: typed, so that a bot builder sees before going
//! live what will look how, and a new feature makes every channel say what becomes of it.

use std::fmt::{self, Write as _};

use crate::limits::{Forms, Limits, Pictures};
use crate::markup::Markup;

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

/// What the shared [renderer](crate::render) makes of a feature within these limits. A channel says itself
/// what its provider makes different.
#[must_use]
pub fn within(limits: &Limits, feature: Feature) -> Capability {
    use Support::{Degraded, Native, Nothing, Partly};
    let buttons = limits.buttons.as_ref();
    let is = |there: bool, native, degraded| {
        if there {
            Capability::new(Native, native)
        } else {
            Capability::new(Degraded, degraded)
        }
    };
    match feature {
        Feature::Text if limits.markup == Markup::Plain => Capability::new(
            Partly,
            "text; of Haptik's markup, Markdown and HTML what they say, and the addresses of links",
        ),
        Feature::Text => Capability::new(
            Native,
            "text; Haptik's markup, Markdown and HTML in the channel's own form; links can be opened",
        ),
        Feature::QuickReplies => is(
            buttons.is_some(),
            "buttons, which go away once one is used",
            NUMBERED,
        ),
        Feature::Buttons => is(buttons.is_some(), "buttons, which stay", NUMBERED),
        Feature::Link => is(
            buttons.is_some_and(|buttons| buttons.urls),
            "a button that opens it",
            "a line with the link",
        ),
        Feature::Call => is(
            buttons.is_some_and(|buttons| buttons.phones),
            "a button that calls the number",
            "a line with the number, which can be tapped on a telephone",
        ),
        Feature::Location => Capability::new(Degraded, "a line that asks to type the place"),
        Feature::Upload => Capability::new(Degraded, "a line that asks to send the file"),
        Feature::Detail => Capability::new(
            Partly,
            "its title, texts, pictures, buttons and cards, at once",
        ),
        Feature::Rating => is(buttons.is_some(), "five buttons, 1 ★ to 5 ★", NUMBERED),
        Feature::Card if limits.cards.is_some_and(|cards| cards.most > 1) => Capability::new(
            Native,
            "a card with picture, title, texts and buttons, side by side",
        ),
        Feature::Card => Capability::new(
            Partly,
            "a message with picture, title, texts and buttons; several below each other",
        ),
        Feature::Image => is(
            !matches!(limits.pictures, Pictures::LinkOnly),
            "the picture; a link where it cannot be loaded",
            "a link to it",
        ),
        Feature::Video => Capability::new(Degraded, "a link to it"),
        Feature::Form => form(&limits.forms),
        Feature::Notice => is(
            limits.notices,
            "a line of small print",
            if limits.markup == Markup::Plain {
                "a line"
            } else {
                "a line in italics"
            },
        ),
        Feature::Agent => is(
            limits.agent_identity.is_some(),
            "a message under the agent's own name",
            "the agent's name stands above the text",
        ),
        Feature::NativeAction | Feature::Other => Capability::new(Degraded, "its text"),
        Feature::Silent => Capability::new(Nothing, "nothing"),
    }
}

/// Of what can be chosen, where there are no buttons.
const NUMBERED: &str = "lines with numbers; a typed number or label chooses";

fn form(forms: &Forms) -> Capability {
    match forms {
        Forms::Modal { .. } => Capability::new(
            Support::Native,
            "its questions, and a button that opens it in a window of its own",
        ),
        Forms::Inline { .. } => Capability::new(Support::Native, "its fields, in the message"),
        Forms::Chat => Capability::new(
            Support::Degraded,
            "its questions one after the other, which the user answers in the chat; what can be chosen as buttons or numbered lines",
        ),
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
