//! What fits: the most that a CRM takes of a text, in the unit in which it counts, and texts that are cut to
//! it between characters as people see them (extended grapheme clusters, UAX #29).

pub(crate) use haptik_bridge_shared::message::is_blank;
use unicode_segmentation::UnicodeSegmentation as _;

use crate::plain::characters;

/// The end of a line that was cut.
const ELLIPSIS: &str = "…";

/// The end of a longer text that was cut.
const LEFT_OUT: &str = "\n(The rest is left out: more does not fit here.)";

/// The most that a CRM takes of a text.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// So much of it.
    pub most: usize,
    /// How much a text is, as the CRM counts: with what escaping adds, for example. More of a text is never
    /// less.
    pub size_of: fn(&str) -> usize,
}

impl Limit {
    /// So many characters (Unicode scalar values).
    #[must_use]
    pub const fn characters(most: usize) -> Self {
        let size_of = characters;
        Self { most, size_of }
    }

    /// So many UTF-16 code units, of which most emoji have two or more: what Java and JavaScript count.
    #[must_use]
    pub const fn utf16(most: usize) -> Self {
        let size_of = |text: &str| text.encode_utf16().count();
        Self { most, size_of }
    }

    /// So many bytes of UTF-8.
    #[must_use]
    pub const fn bytes(most: usize) -> Self {
        let size_of = str::len;
        Self { most, size_of }
    }

    /// How much of it a text is.
    #[must_use]
    pub fn size(&self, text: &str) -> usize {
        (self.size_of)(text)
    }

    /// Whether a text fits.
    #[must_use]
    pub fn holds(&self, text: &str) -> bool {
        self.size(text) <= self.most
    }

    /// A text as one line that fits: white space is one space, and what was cut ends in an ellipsis.
    #[must_use]
    pub fn line(&self, text: &str) -> String {
        self.cut_with(&one_line(text), ELLIPSIS)
    }

    /// A text that fits: what was cut says so at its end.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        self.cut_with(text, LEFT_OUT)
    }

    /// A text that fits, as it is written: what was cut ends in an ellipsis.
    #[must_use]
    pub fn value(&self, text: &str) -> String {
        self.cut_with(text, ELLIPSIS)
    }

    /// The beginning of a text that fits, without a word about what was cut.
    #[must_use]
    pub fn start(&self, text: &str) -> String {
        self.cut_with(text, "")
    }

    /// The same unit, and so much of it.
    #[must_use]
    pub const fn with_most(self, most: usize) -> Self {
        Self { most, ..self }
    }

    fn cut_with(&self, text: &str, end: &str) -> String {
        if self.holds(text) {
            return text.to_owned();
        }
        // Where not even the end fits, there is no room to say anything about what was cut.
        let end = if self.holds(end) { end } else { "" };
        let ends = text.grapheme_indices(true).map(|(at, _)| at);
        let ends: Vec<usize> = ends.collect();
        let kept = |until: usize| text.get(..until).unwrap_or_default().trim_end();
        let fitting = ends.partition_point(|until| self.holds(&format!("{}{end}", kept(*until))));
        let until = fitting.checked_sub(1).and_then(|last| ends.get(last));
        format!("{}{end}", kept(until.copied().unwrap_or_default()))
    }
}

/// A text as one line, without control characters; empty where nothing of it can be seen.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.retain(|character| !character.is_control());
    if is_blank(&line) { String::new() } else { line }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plain::html;

    fn html_bytes(most: usize) -> Limit {
        let size_of = |text: &str| html(text).len();
        Limit { most, size_of }
    }

    #[test]
    fn a_line_that_was_cut_has_its_ellipsis_within_the_limit() {
        let line = Limit::characters(255).line(&"x".repeat(400));
        assert_eq!(characters(&line), 255);
        assert!(line.ends_with("x…"), "{line}");
        assert_eq!(Limit::characters(5).line(" a \n\t b\u{7} "), "a b");
        assert_eq!(Limit::characters(5).line("12345"), "12345");
    }

    #[test]
    fn no_visible_character_is_cut_in_two() {
        let flag = format!("{}🇮🇳 India", "x".repeat(72));
        for (limit, expected) in [
            (Limit::characters(74), "x".repeat(72) + "…"),
            (Limit::characters(75), "x".repeat(72) + "🇮🇳…"),
            (Limit::utf16(76), "x".repeat(72) + "…"),
            (Limit::utf16(77), "x".repeat(72) + "🇮🇳…"),
            (Limit::bytes(82), "x".repeat(72) + "…"),
            (Limit::bytes(83), "x".repeat(72) + "🇮🇳…"),
        ] {
            assert_eq!(limit.line(&flag), expected);
        }
        assert_eq!(Limit::bytes(9).line("नमस्ते"), "नम…");
        assert_eq!(Limit::characters(1).line("👩‍👩‍👧👩‍👩‍👧"), "…");
    }

    #[test]
    fn a_text_is_cut_to_what_fits_once_it_is_escaped() {
        let text = "<é&\">".repeat(500);
        for most in [60, 100, 777, 3_000] {
            let limit = html_bytes(most);
            let cut = limit.text(&text);
            assert!(limit.holds(&cut), "{most}: {}", limit.size(&cut));
            assert!(limit.size(&cut) + 12 > most, "{most}: {}", limit.size(&cut));
        }
        assert_eq!(Limit::bytes(10).text("short"), "short");
    }

    #[test]
    fn what_cannot_be_seen_is_blank() {
        for text in [
            "",
            "  ",
            "\u{200b}",
            "\u{feff}\u{a0}\n",
            "\u{2800}",
            "\u{7}",
        ] {
            assert!(is_blank(text) && one_line(text).is_empty(), "{text:?}");
        }
        for text in ["a", "\u{200b}a", "👩‍👩‍👧", "·"] {
            assert!(!is_blank(text) && !one_line(text).is_empty(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_cut_fits_and_is_the_beginning_of_what_was_said(
            text in "(\\PC|[🇮🇳👩‍👧é\u{301}<&\"\n क्ष]){0,60}",
            most in 0_usize..80,
        ) {
            let limits = [
                Limit::characters(most), Limit::utf16(most), Limit::bytes(most), html_bytes(most),
            ];
            for limit in limits {
                for (cut, end, whole) in [
                    (limit.line(&text), ELLIPSIS, one_line(&text)),
                    (limit.text(&text), LEFT_OUT, text.clone()),
                    (limit.start(&text), "", text.clone()),
                ] {
                    prop_assert!(limit.holds(&cut), "{cut:?} of {text:?}");
                    if cut != whole {
                        let kept = cut.strip_suffix(end).unwrap_or(&cut);
                        let is_end = |(at, _): (usize, &str)| {
                            whole.get(..at).is_some_and(|start| start.trim_end() == kept)
                        };
                        prop_assert!(whole.grapheme_indices(true).any(is_end), "{cut:?} of {text:?}");
                    }
                }
            }
        }
    }
}
