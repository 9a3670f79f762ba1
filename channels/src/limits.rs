//! Limits are data: what a provider takes, as a constant of its channel. The renderer lays messages out
//! within them; tables, documentation and contract tests read the same numbers.

use std::borrow::Cow;
use std::time::Duration;

use unicode_segmentation::UnicodeSegmentation as _;

use super::callback::{Reference, Tap};
use super::render::Markup;
use haptik_bridge_shared::message::hsl::Form;

/// All that the shared renderer has to know of a channel.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The text of a message.
    pub text: Size,
    /// Whether [`Limits::text`] counts markup.
    pub counted: Counted,
    /// The markup that texts are printed in.
    pub markup: Markup,
    /// What one message is made of.
    pub shape: Shape,
    /// The longest address of a picture, or of a link of a button.
    pub address: Size,
    /// Buttons; `None` where there are none.
    pub buttons: Option<Buttons>,
    /// A menu, for more choices than there are buttons; `None` where there is none.
    pub menu: Option<Menu>,
    /// Cards of the provider's own; `None` where cards are a picture, a text and buttons below each other.
    pub cards: Option<Cards>,
    /// How a picture is shown.
    pub pictures: Pictures,
    /// How a form is filled in.
    pub forms: Forms,
    /// Whether there is small print for what is about the conversation; else it is text in italics.
    pub notices: bool,
    /// The longest name of its own that an agent's message may stand under; `None` where it stands in the
    /// text.
    pub agent_identity: Option<Size>,
    /// How fast messages may follow each other.
    pub pace: Pace,
    /// For how long after a user's message answers are taken; `None`: always.
    pub reply_window: Option<Duration>,
}

/// What one message is made of.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// A text, with at most one picture above it, and buttons or a menu below it: Telegram, WhatsApp, LINE,
    /// Viber, SMS.
    Bubble,
    /// A list of blocks of any kind: Slack, Google Chat, Teams, Webex.
    Blocks {
        /// How many.
        most: usize,
        /// The text of one of them.
        section: Size,
        /// What all of them hold together: texts, addresses and what buttons carry.
        weight: Size,
    },
}

/// What counts towards a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// The text as it is sent, with its markup.
    AsSent,
    /// The text as it is seen: Telegram counts "after entities parsing".
    AsShown,
}

/// Buttons.
#[derive(Debug, Clone, Copy)]
pub struct Buttons {
    /// How many stand in one block: in a [bubble](Shape::Bubble), in one message.
    pub most: usize,
    /// A label.
    pub label: Size,
    /// What a button may carry and comes back with when it is tapped.
    pub data: Size,
    /// How that is written: [`super::callback::write`], but for channels that have a form of their own.
    pub codec: Codec,
    /// Whether buttons can open a link.
    pub urls: bool,
    /// Whether buttons can call a number.
    pub phones: bool,
}

/// Writes what a button carries, given the message it stands in, what it does, and the room that there is;
/// `None` when there is not enough.
pub type Codec = fn(&Reference, &Tap, Size) -> Option<String>;

/// A menu: a list to choose one thing from.
#[derive(Debug, Clone, Copy)]
pub struct Menu {
    /// How many rows.
    pub rows: usize,
    /// The title of a row.
    pub title: Size,
    /// The text below it.
    pub description: Size,
    /// What a row may carry.
    pub data: Size,
    /// How that is written.
    pub codec: Codec,
}

/// Cards of the provider's own.
#[derive(Debug, Clone, Copy)]
pub struct Cards {
    /// How many stand side by side; 1 where they cannot.
    pub most: usize,
    /// The title, and the line below it.
    pub title: Size,
    /// The text.
    pub body: Size,
    /// How many buttons.
    pub actions: usize,
}

/// How a picture is shown.
#[derive(Debug, Clone, Copy)]
pub enum Pictures {
    /// As a block among others. In a [bubble](Shape::Bubble) there are none: it is [`Pictures::ByUrl`].
    Inline {
        /// Its description for those who do not see it.
        alt: Size,
    },
    /// As a message, which the provider fetches from its address.
    ByUrl {
        /// What the provider fetches.
        max_bytes: u64,
        /// The text below it.
        caption: Size,
    },
    /// As a link to it.
    LinkOnly,
}

/// How a form is filled in.
#[derive(Debug, Clone, Copy)]
pub enum Forms {
    /// In a window of its own, which a button opens.
    Modal {
        /// Whether a form fits into one.
        fits: fn(&Form) -> bool,
    },
    /// In the message itself.
    Inline {
        /// Whether a form fits into one.
        fits: fn(&Form) -> bool,
    },
    /// By answers in the chat.
    Chat,
}

/// How fast messages may follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The time between two messages of one conversation.
    pub per_conversation: Option<Duration>,
    /// Whether short bursts pass until the provider says otherwise.
    pub learn_bursts: bool,
}

impl Pace {
    /// Without a limit of its own: the provider says when it is too much.
    pub const FREE: Self = Self {
        per_conversation: None,
        learn_bursts: false,
    };
}

impl Limits {
    /// The room for a text block of a message that has others too.
    #[must_use]
    pub const fn section(&self) -> Size {
        match self.shape {
            Shape::Bubble => self.text,
            Shape::Blocks { section, .. } => section,
        }
    }
}

/// A length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// How much at most.
    pub max: usize,
    /// Of what.
    pub unit: Unit,
}

/// What lengths are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Unicode scalar values.
    Chars,
    /// UTF-16 code units: never fewer than characters.
    Utf16,
    /// Bytes of UTF-8.
    Bytes,
    /// Grapheme clusters: what a person calls a character.
    Graphemes,
    /// Septets of GSM-7 (3GPP TS 23.038), where a text has nothing else; else UTF-16 units, of which there
    /// is room for 7 in 16.
    Septets,
}

impl Size {
    /// No limit.
    pub const UNLIMITED: Self = Self::bytes(usize::MAX);

    /// A length in Unicode scalar values.
    #[must_use]
    pub const fn chars(max: usize) -> Self {
        Self {
            max,
            unit: Unit::Chars,
        }
    }

    /// A length in UTF-16 code units.
    #[must_use]
    pub const fn utf16(max: usize) -> Self {
        Self {
            max,
            unit: Unit::Utf16,
        }
    }

    /// A length in bytes of UTF-8.
    #[must_use]
    pub const fn bytes(max: usize) -> Self {
        Self {
            max,
            unit: Unit::Bytes,
        }
    }

    /// A length in grapheme clusters.
    #[must_use]
    pub const fn graphemes(max: usize) -> Self {
        Self {
            max,
            unit: Unit::Graphemes,
        }
    }

    /// A length in GSM-7 septets.
    #[must_use]
    pub const fn septets(max: usize) -> Self {
        Self {
            max,
            unit: Unit::Septets,
        }
    }

    /// Whether a text is no longer than this; looks at no more of it than it must.
    #[must_use]
    pub fn fits(self, text: &str) -> bool {
        let size = self.of(text);
        let mut left = size.max;
        size.unit
            .parts(text)
            .all(|cost| match left.checked_sub(cost) {
                Some(rest) => {
                    left = rest;
                    true
                }
                None => false,
            })
    }

    /// The text, or as much of its beginning as there is room for, with an ellipsis; never cut inside a
    /// grapheme cluster.
    #[must_use]
    pub fn clip(self, text: &str) -> Cow<'_, str> {
        if self.fits(text) {
            return Cow::Borrowed(text);
        }
        // The ellipsis is no character of GSM-7.
        let ellipsis = if self.unit == Unit::Septets {
            "..."
        } else {
            "…"
        };
        let size = self.of(text);
        let mut left = size.max.saturating_sub(size.unit.length(ellipsis));
        let kept: usize = text
            .graphemes(true)
            .take_while(
                |cluster| match left.checked_sub(size.unit.length(cluster)) {
                    Some(rest) => {
                        left = rest;
                        true
                    }
                    None => false,
                },
            )
            .map(str::len)
            .sum();
        let kept = text.get(..kept).unwrap_or_default().trim_end();
        Cow::Owned(format!("{kept}{ellipsis}"))
    }

    /// The size as it is for this text: septets are none where it has characters that GSM-7 has not.
    #[must_use]
    pub fn of(self, text: &str) -> Self {
        if self.unit == Unit::Septets && !text.chars().all(|character| septets(character) > 0) {
            return Self::utf16(self.max.saturating_mul(7) / 16);
        }
        self
    }
}

impl Unit {
    /// The length of a text.
    #[must_use]
    pub fn length(self, text: &str) -> usize {
        match self {
            Self::Bytes => text.len(),
            _ => self.parts(text).sum(),
        }
    }

    /// What the parts of a text count, one after the other.
    fn parts(self, text: &str) -> Box<dyn Iterator<Item = usize> + '_> {
        match self {
            Self::Chars => Box::new(text.chars().map(|_| 1)),
            Self::Utf16 => Box::new(text.chars().map(char::len_utf16)),
            Self::Bytes => Box::new(std::iter::once(text.len())),
            Self::Graphemes => Box::new(text.graphemes(true).map(|_| 1)),
            Self::Septets => Box::new(text.chars().map(|character| match septets(character) {
                // 16 bits of it are a little less.
                0 => character.len_utf16() * 3,
                septets => septets,
            })),
        }
    }
}

/// What a character counts in GSM-7; 0 for one that it has not.
fn septets(character: char) -> usize {
    const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
    const EXTENDED: &str = "^{}\\[~]|€\u{c}";
    if BASIC.contains(character) {
        1
    } else if EXTENDED.contains(character) {
        2
    } else {
        0
    }
}

#[cfg(test)]
mod tests;
