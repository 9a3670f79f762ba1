//! What a button of ours carries in its `value`, and comes back with when it is tapped.

use serde_json::{Value, json};

use super::limits;
use haptik_bridge_shared::ids::{AuthId, EntryKey};
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::hsl::Actionable;

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
/// The `block_id` of what the user chose.
pub(super) const CHOICE: &str = "choice";

/// What a tap means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tap {
    /// The user says this.
    Say {
        /// What people see said, with the machine parts in braces.
        message: String,
        /// What the bot receives instead; empty: the same.
        gogo_message: String,
    },
    /// The user says what an actionable of an earlier message has; it was too long for a button.
    Offered {
        /// Whom the message was for.
        auth_id: AuthId,
        /// Which message.
        key: EntryKey,
        /// Which of its actionables.
        index: usize,
    },
    /// The user opens the form of an earlier message.
    Fill {
        /// Whom the message was for.
        auth_id: AuthId,
        /// Which message.
        key: EntryKey,
    },
    /// The user rates the conversation, 1 to 5.
    Rate(u8),
}

impl Tap {
    /// What tapping an actionable says, given what it sends to the bot ([`haptik_bridge_shared::message::hsl::Effect::Say`]).
    pub(super) fn say(actionable: &Actionable, sent: &str) -> Self {
        let payload = &actionable.payload;
        let (message, gogo_message) = match (payload.message.trim(), payload.gogo_message.trim()) {
            ("", "") => (sent.to_owned(), String::new()),
            ("", _) => (actionable.label(), payload.gogo_message.clone()),
            (_, "") => (payload.message.clone(), String::new()),
            _ => (payload.message.clone(), payload.gogo_message.clone()),
        };
        Self::Say {
            message,
            gogo_message,
        }
    }

    /// The `value` of its button; `None` when it is too long for one.
    pub(super) fn value(&self) -> Option<String> {
        let value = match self {
            Self::Say {
                message,
                gogo_message,
            } if gogo_message.is_empty() => json!({"m": message}),
            Self::Say {
                message,
                gogo_message,
            } => json!({"m": message, "g": gogo_message}),
            Self::Offered {
                auth_id,
                key,
                index,
            } => json!({"k": key, "n": index, "a": auth_id}),
            Self::Fill { auth_id, key } => json!({"f": key, "a": auth_id}),
            Self::Rate(rating) => json!({"r": rating}),
        };
        Some(value.to_string()).filter(|value| value.len() <= limits::BUTTON_VALUE)
    }

    /// Reads the `value` of a button; `None` when it is not one of ours.
    pub(super) fn read(value: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(value).ok()?;
        if let Some(rating) = lenient_json::whole(&value, "r") {
            return u8::try_from(rating)
                .ok()
                .filter(|rating| (1..=5).contains(rating))
                .map(Self::Rate);
        }
        if let Some(key) = lenient_json::some_text(&value, "k") {
            let index = usize::try_from(lenient_json::whole(&value, "n")?).ok()?;
            let auth_id = lenient_json::some_text(&value, "a")?;
            return Some(Self::Offered {
                auth_id: auth_id.into(),
                key: key.into(),
                index,
            });
        }
        if let Some(key) = lenient_json::some_text(&value, "f") {
            let auth_id = lenient_json::some_text(&value, "a")?;
            return Some(Self::Fill {
                auth_id: auth_id.into(),
                key: key.into(),
            });
        }
        let say = Self::Say {
            message: lenient_json::text(&value, "m"),
            gogo_message: lenient_json::text(&value, "g"),
        };
        Some(say).filter(|say| !say.sent().trim().is_empty())
    }

    /// What the bot receives of a text; empty for anything else.
    pub(super) fn sent(&self) -> &str {
        match self {
            Self::Say {
                message,
                gogo_message,
            } if gogo_message.trim().is_empty() => message,
            Self::Say { gogo_message, .. } => gogo_message,
            Self::Offered { .. } | Self::Fill { .. } | Self::Rate(_) => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use haptik_bridge_shared::message::hsl::{Effect, Hsl};
    use proptest::prelude::*;

    fn say(payload: &Value) -> Tap {
        let body = json!({"type": "BUTTON", "data": {"items": [{"actionable_text": "Tap", "payload": payload}]}});
        let hsl = Hsl::read(&body);
        let actionable = hsl.actionables().next().expect("one").clone();
        let Effect::Say { sent, .. } = actionable.effect() else {
            panic!("it says something")
        };
        let tap = Tap::say(&actionable, &sent);
        assert_eq!(tap.sent(), sent);
        tap
    }

    #[test]
    fn a_button_carries_what_is_said_and_what_the_bot_receives() {
        assert_eq!(
            say(&json!({"message": "Hi{x}"})).value().as_deref(),
            Some(r#"{"m":"Hi{x}"}"#)
        );
        assert_eq!(
            say(&json!({"message": "Hi", "gogo_message": "go"}))
                .value()
                .as_deref(),
            Some(r#"{"m":"Hi","g":"go"}"#)
        );
        assert_eq!(
            say(&json!({"gogo_message": "go"})).value().as_deref(),
            Some(r#"{"m":"Tap","g":"go"}"#)
        );
        assert_eq!(say(&json!({})).value().as_deref(), Some(r#"{"m":"Tap"}"#));
    }

    #[test]
    fn what_is_too_long_for_a_button_has_no_value() {
        let tap = |length| Tap::Say {
            message: "é".repeat(length),
            gogo_message: String::new(),
        };
        assert_eq!(tap(996).value().map(|value| value.len()), Some(2_000));
        assert_eq!(tap(997).value(), None);
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
                Tap::Rate(1),
            ] {
                let value = tap.value().expect("it is short");
                prop_assert_eq!(Tap::read(&value), Some(tap));
            }
        }
    }
}
