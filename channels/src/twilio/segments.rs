//! What a text costs as SMS: its segments (<https://www.twilio.com/docs/glossary/what-sms-character-limit>).
//! One holds 160 septets of GSM-7, or 70 UTF-16 units where the text has a character that GSM-7 has not; of
//! several each holds 153, or 67. What counts two is never cut.

use crate::limits::{Size, Unit};

/// What a text becomes on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segments {
    /// `GSM-7` or `UCS-2`.
    pub(super) encoding: &'static str,
    /// How many: what is paid for. None for no text.
    pub(super) count: usize,
}

/// Counts the segments of a text.
pub(super) fn segments(text: &str) -> Segments {
    let unit = Size::septets(usize::MAX).of(text).unit;
    let (encoding, alone, each) = match unit {
        Unit::Septets => ("GSM-7", 160, 153),
        Unit::Chars | Unit::Utf16 | Unit::Bytes | Unit::Graphemes => ("UCS-2", 70, 67),
    };
    if text.is_empty() || unit.length(text) <= alone {
        let count = usize::from(!text.is_empty());
        return Segments { encoding, count };
    }
    let (mut count, mut left) = (1, each);
    let mut buffer = [0; 4];
    for character in text.chars() {
        let cost = unit.length(character.encode_utf8(&mut buffer));
        if cost > left {
            (count, left) = (count + 1, each);
        }
        left -= cost;
    }
    Segments { encoding, count }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counted(text: &str) -> (&'static str, usize) {
        let Segments { encoding, count } = segments(text);
        (encoding, count)
    }

    #[test]
    fn a_text_is_cut_where_a_telephone_puts_it_together() {
        for (length, count) in [
            (0, 0),
            (1, 1),
            (160, 1),
            (161, 2),
            (306, 2),
            (307, 3),
            (1_600, 11),
        ] {
            assert_eq!(counted(&"a".repeat(length)), ("GSM-7", count), "{length}");
        }
        for (length, count) in [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3), (1_600, 24)] {
            assert_eq!(counted(&"я".repeat(length)), ("UCS-2", count), "{length}");
        }
    }

    #[test]
    fn what_counts_two_is_not_cut() {
        // 80 signs of two septets each; then 76 in each segment, of which one septet is left.
        assert_eq!(counted(&"€".repeat(80)), ("GSM-7", 1));
        assert_eq!(counted(&"€".repeat(152)), ("GSM-7", 2));
        assert_eq!(counted(&"€".repeat(153)), ("GSM-7", 3));
        assert_eq!(counted(&"🙂".repeat(35)), ("UCS-2", 1));
        assert_eq!(counted(&"🙂".repeat(66)), ("UCS-2", 2));
        assert_eq!(counted(&"🙂".repeat(67)), ("UCS-2", 3));
    }

    #[test]
    fn one_sign_that_gsm_has_not_doubles_the_price() {
        let text = "a".repeat(159);
        assert_eq!(counted(&format!("{text}!")), ("GSM-7", 1));
        assert_eq!(counted(&format!("{text}…")), ("UCS-2", 3));
    }

    proptest! {
        #[test]
        fn more_text_costs_no_less(text in "\\PC{0,400}", more in "\\PC{0,40}") {
            let longer = format!("{text}{more}");
            prop_assert!(segments(&longer).count >= segments(&text).count);
        }
    }
}
