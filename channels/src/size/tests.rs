use super::*;
use proptest::prelude::*;

const FAMILY: &str = "👩\u{200d}👩\u{200d}👧";

#[test]
fn a_length_is_counted_in_its_own_unit() {
    let text = format!("aé{FAMILY}");
    let lengths = [
        (Unit::Chars, 7),
        (Unit::Utf16, 10),
        (Unit::Bytes, 21),
        (Unit::Graphemes, 3),
    ];
    for (unit, length) in lengths {
        assert_eq!(unit.length(&text), length, "{unit:?}");
        assert!(
            Size { max: length, unit }.fits(&text),
            "{unit:?} of the limit"
        );
        let max = length - 1;
        assert!(!Size { max, unit }.fits(&text), "{unit:?} above the limit");
    }
}

#[test]
fn septets_count_the_extension_twice_and_end_where_gsm_7_does() {
    assert_eq!(Unit::Septets.length("a{€"), 5);
    assert!(
        Size::septets(160).fits(&"x".repeat(160)) && !Size::septets(160).fits(&"x".repeat(161))
    );
    assert!(Size::septets(160).fits(&"क".repeat(70)) && !Size::septets(160).fits(&"क".repeat(71)));
    assert_eq!(Size::septets(5).clip("abcdef"), "ab...");
}

#[test]
fn a_long_text_is_cut_within_its_limit_and_a_short_one_is_left() {
    assert_eq!(Size::utf16(5).clip("short"), "short");
    assert_eq!(Size::utf16(5).clip("longer"), "long…");
    assert_eq!(Size::utf16(4).clip("🔢🔢🔢"), "🔢…");
    assert_eq!(Size::utf16(3).clip("a word"), "a…");
    assert_eq!(Size::chars(7).clip(&FAMILY.repeat(2)), format!("{FAMILY}…"));
    assert_eq!(Size::chars(5).clip(&FAMILY.repeat(2)), "…");
}

proptest! {
    #[test]
    fn what_is_cut_fits_begins_the_text_and_ends_between_grapheme_clusters(
        text in "(\\PC|👩\u{200d}👧|e\u{301}|\n|[a-z ]){0,40}", max in 4_usize..40,
    ) {
        for unit in [Unit::Chars, Unit::Utf16, Unit::Bytes, Unit::Graphemes, Unit::Septets] {
            let size = Size { max, unit };
            let cut = size.clip(&text);
            prop_assert!(size.fits(&cut), "{cut:?} in {size:?}");
            let kept = cut.strip_suffix('…').or_else(|| cut.strip_suffix("...")).unwrap_or(&cut);
            if cut == text.as_str() { continue; }
            prop_assert!(text.starts_with(kept));
            let at = kept.len();
            prop_assert!(text.grapheme_indices(true).any(|(start, _)| start == at), "{cut:?}");
        }
    }
}
