//! A user's language.

/// The codes of ISO 639-1: the first letter of some, and their second letters.
#[rustfmt::skip]
const CODES: &[&str] = &[
    "a abefkmnrsvyz",
    "b aeghimnors",
    "c aehorsuvy",
    "d aevz",
    "e elnostu",
    "f afijory",
    "g adlnuv",
    "h aeiortuyz",
    "i adegikostu",
    "j av",
    "k agijklmnorsuvwy",
    "l abginotuv",
    "m ghiklnrsty",
    "n abdeglnorvy",
    "o cjmrs",
    "p ailst",
    "q u",
    "r mnouw",
    "s acdeghiklmnoqrstuvw",
    "t aeghiklnorstwy",
    "u gkrz",
    "v eio",
    "w ao",
    "x h",
    "y io",
    "z ahu",
];

/// What Java writes for three of them (<https://docs.oracle.com/javase/8/docs/api/java/util/Locale.html>).
const OLD_CODES: &[(&str, &str)] = &[("iw", "he"), ("in", "id"), ("ji", "yi")];

/// The language of a code or a locale, as ISO 639-1 has it: `en` for `EN`, `en-US`, `en_US.UTF-8`; `None`
/// where there is none that Haptik would take.
#[must_use]
pub fn language(written: &str) -> Option<String> {
    let code = written.trim().split(['-', '_', '.', '@']).next()?;
    let code = code.to_ascii_lowercase();
    let old = OLD_CODES.iter().find(|(old, _)| *old == code);
    let code = old.map_or(code, |(_, new)| (*new).to_owned());
    let mut letters = code.chars();
    let (first, second) = (letters.next()?, letters.next()?);
    let group = CODES.iter().find(|group| group.starts_with(first))?;
    let is_one = letters.next().is_none() && group.get(2..)?.contains(second);
    is_one.then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_language_is_read_in_every_form() {
        for (written, expected) in [
            ("en", "en"),
            ("EN", "en"),
            ("en-US", "en"),
            ("en_US", "en"),
            (" En-us ", "en"),
            ("en_US.UTF-8", "en"),
            ("zh-Hans-CN", "zh"),
            ("sr@latin", "sr"),
            ("iw_IL", "he"),
        ] {
            assert_eq!(language(written).as_deref(), Some(expected), "{written}");
        }
    }

    #[test]
    fn what_is_no_language_is_none() {
        for written in [
            "", " ", "e", "eng", "english", "xx", "e1", "-", "en US", "12", "ｅｎ", "éé",
        ] {
            assert_eq!(language(written), None, "{written}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_taken_is_two_small_letters(written in "\\PC{0,6}|[a-zA-Z]{2}([-_].*)?") {
            if let Some(code) = language(&written) {
                prop_assert!(code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_lowercase()));
                prop_assert_eq!(language(&code.to_uppercase()), Some(code));
            }
        }
    }
}
