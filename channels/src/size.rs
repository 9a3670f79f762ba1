//! Lengths, in the units that providers count in.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation as _;

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
