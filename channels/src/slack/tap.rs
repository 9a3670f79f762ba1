//! What a button of ours carries in its `value`, and comes back with when it is tapped.

use serde::{Deserialize, Serialize};

use crate::callback::{self, Reference};
use crate::limits::Size;
use haptik_bridge_shared::ids::{AuthId, EntryKey};

/// The `action_id`s of our buttons start with one of these, and a number that makes them unique.
pub(super) const SAY: &str = "say-";
/// A button that only opens a link: Slack reports its taps too.
pub(super) const OPEN: &str = "open-";
/// A button that opens a form.
pub(super) const FILL: &str = "fill-";
/// A button of a rating.
pub(super) const RATE: &str = "rate-";

/// The `block_id`s of our blocks of buttons: replies go away once one is used.
pub(super) const REPLIES: &str = "replies-";
/// Buttons that stay.
pub(super) const BUTTONS: &str = "buttons-";
/// The five buttons of one rating, which go away once one is used.
pub(super) const RATING: &str = "rating-";
/// The place for a remark beside one rating, which goes away with its buttons; the same number follows.
pub(super) const REMARK: &str = "remark-";
/// The `block_id` of what the user chose.
pub(super) const CHOICE: &str = "choice";

/// What a tap means, as the `value` of its button has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Tap {
    /// The user rates the conversation.
    Rate {
        /// 1 to 5.
        #[serde(rename = "r")]
        rating: u8,
    },
    /// The user says what an actionable of an earlier message has; it was too long for a button.
    Offered {
        /// Which message.
        #[serde(rename = "k")]
        key: EntryKey,
        /// Which of its actionables.
        #[serde(rename = "n")]
        index: usize,
        /// Whom the message was for.
        #[serde(rename = "a")]
        auth_id: AuthId,
    },
    /// The user opens the form of an earlier message.
    Fill {
        /// Which message.
        #[serde(rename = "f")]
        key: EntryKey,
        /// Whom the message was for.
        #[serde(rename = "a")]
        auth_id: AuthId,
    },
    /// The user says this.
    Say {
        /// What people see said, with the machine parts in braces.
        #[serde(rename = "m")]
        message: String,
        /// What the bot receives instead; empty: the same.
        #[serde(rename = "g", default, skip_serializing_if = "String::is_empty")]
        gogo_message: String,
    },
}

/// Writes the `value` of a button: what it says, or, where that is too long, where it is to be found.
pub(super) fn write(reference: &Reference, tap: &callback::Tap, room: Size) -> Option<String> {
    let Reference { auth_id, key } = reference.clone();
    let fitting = |tap: Tap| Some(tap.value()).filter(|value| room.fits(value));
    match tap {
        callback::Tap::Say {
            index,
            message,
            gogo_message,
        } => fitting(Tap::Say {
            message: message.clone(),
            gogo_message: gogo_message.clone(),
        })
        .or_else(|| {
            fitting(Tap::Offered {
                auth_id,
                key,
                index: *index,
            })
        }),
        callback::Tap::Rate { rating, .. } => fitting(Tap::Rate { rating: *rating }),
        callback::Tap::Fill => fitting(Tap::Fill { auth_id, key }),
    }
}

impl Tap {
    /// The `value` of its button.
    fn value(&self) -> String {
        // An enum of texts and numbers is JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads the `value` of a button; `None` when it is not one of ours.
    pub(super) fn read(value: &str) -> Option<Self> {
        let tap: Self = serde_json::from_str(value).ok()?;
        let is_one = match &tap {
            Self::Rate { rating } => (1..=5).contains(rating),
            Self::Say { .. } => !tap.sent().trim().is_empty(),
            Self::Offered { .. } | Self::Fill { .. } => true,
        };
        is_one.then_some(tap)
    }

    /// What the bot receives of a text; empty for anything else.
    pub(super) fn sent(&self) -> &str {
        match self {
            Self::Say {
                message,
                gogo_message,
            } if gogo_message.trim().is_empty() => message,
            Self::Say { gogo_message, .. } => gogo_message,
            Self::Offered { .. } | Self::Fill { .. } | Self::Rate { .. } => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slack::limits::BUTTON_VALUE;
    use proptest::prelude::*;

    fn written(message: &str, gogo_message: &str) -> Option<String> {
        let reference = Reference {
            auth_id: "a1".into(),
            key: "k".into(),
        };
        let tap = callback::Tap::Say {
            index: 7,
            message: message.to_owned(),
            gogo_message: gogo_message.to_owned(),
        };
        write(&reference, &tap, BUTTON_VALUE)
    }

    #[test]
    fn a_button_carries_what_is_said_and_what_the_bot_receives() {
        assert_eq!(written("Hi{x}", "").as_deref(), Some(r#"{"m":"Hi{x}"}"#));
        assert_eq!(
            written("Hi", "go").as_deref(),
            Some(r#"{"m":"Hi","g":"go"}"#)
        );
    }

    #[test]
    fn what_is_too_long_for_a_button_is_named() {
        let length = |length| written(&"é".repeat(length), "").map(|value| value.len());
        assert_eq!(length(996), Some(2_000));
        let named = written(&"é".repeat(997), "").expect("it is named");
        assert_eq!(named, r#"{"k":"k","n":7,"a":"a1"}"#);
    }

    #[test]
    fn values_that_are_not_ours_are_not_read() {
        for value in [
            "",
            "x",
            "1",
            "[]",
            "{}",
            r#"{"m":" "}"#,
            r#"{"r":6}"#,
            r#"{"r":0}"#,
            r#"{"k":"1"}"#,
            r#"{"f":"1"}"#,
        ] {
            assert_eq!(Tap::read(value), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn what_a_button_carries_comes_back(message in "\\PC{1,40}", gogo_message in "\\PC{0,40}", index in 0..99_usize) {
            prop_assume!(!message.trim().is_empty());
            for tap in [
                Tap::Say { message: message.clone(), gogo_message: gogo_message.clone() },
                Tap::Offered { auth_id: "a1".into(), key: "k".into(), index },
                Tap::Fill { auth_id: "a1".into(), key: "k".into() },
                Tap::Rate { rating: 1 },
            ] {
                prop_assert_eq!(Tap::read(&tap.value()), Some(tap));
            }
        }
    }
}
