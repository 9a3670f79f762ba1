//! What a file is called.

use percent_encoding::percent_decode_str;
use unicode_segmentation::UnicodeSegmentation as _;
use url::Url;

use super::is_blank;

/// The longest name, in bytes: what most file systems take.
const LONGEST: usize = 255;

/// The longest ending that a name keeps when it is cut, in bytes, with its point.
const LONGEST_ENDING: usize = 16;

/// The last part of a URL's path as people read it: decoded once, and never a path or with a control
/// character. `None` where nothing is left.
#[must_use]
pub fn file_name(url: &Url) -> Option<String> {
    let segment = url.path_segments()?.next_back()?;
    let decoded = percent_decode_str(segment).decode_utf8_lossy();
    safe_file_name(decoded.rsplit(['/', '\\']).next()?)
}

/// A name that a file was given, as it is but for what no name should have: control characters and line ends, marks
/// that turn the direction of writing and make it read as another, and what is longer than file systems take, of
/// which the ending stays; what parts folders is `_`. `None` where nothing is left.
#[must_use]
pub fn safe_file_name(name: &str) -> Option<String> {
    let is_unseen = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let name: String = name.chars().filter(|letter| !is_unseen(*letter)).collect();
    let name = name.trim();
    let is_name = !is_blank(name) && !name.bytes().all(|byte| b"./\\".contains(&byte));
    is_name.then(|| cut(name).replace(['/', '\\'], "_"))
}

/// A name that is not too long, cut between visible characters.
fn cut(name: &str) -> String {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let ending = name.rfind('.').and_then(|at| name.get(at..));
    let ending = ending.filter(|ending| ending.len() <= LONGEST_ENDING);
    let ending = ending.unwrap_or_default();
    let room = LONGEST - ending.len();
    let fits = |(at, cluster): &(usize, &str)| at + cluster.len() <= room;
    let kept = name.grapheme_indices(true).take_while(fits).last();
    let end = kept.map_or(0, |(at, cluster)| at + cluster.len());
    let start = name.get(..end).unwrap_or_default();
    format!("{}{ending}", start.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn named(url: &str) -> Option<String> {
        file_name(&Url::parse(url).expect("a URL"))
    }

    #[test]
    fn a_file_is_called_as_people_read_its_url() {
        for (path, expected) in [
            ("f/my%20file.pdf", Some("my file.pdf")),
            ("bill.pdf?x=1#y", Some("bill.pdf")),
            ("100%25%2520.pdf", Some("100%%20.pdf")),
            ("%E0%A4%AC%E0%A4%BF%E0%A4%B2.png", Some("बिल.png")),
            ("a%2F..%2Fb.pdf", Some("b.pdf")),
            ("a%5Cb.pdf", Some("b.pdf")),
            ("x%0D%0A%00y.pdf", Some("xy.pdf")),
            ("50%", Some("50%")),
            ("%FF.pdf", Some("\u{fffd}.pdf")),
            ("a%2F", None),
            ("%20", None),
            ("%E2%80%8B", None),
            ("%C2%A0%E3%85%A4", None),
            ("%2E%2E%2F%2E%2E", None),
            ("", None),
        ] {
            assert_eq!(
                named(&format!("https://files.example.com/{path}")).as_deref(),
                expected,
                "{path}"
            );
        }
    }

    #[test]
    fn a_name_that_was_given_stays_but_for_what_no_name_should_have() {
        for stays in [
            "bill.pdf",
            "my%20file.pdf",
            "a b (2).PDF",
            "50%.pdf",
            "CON.pdf",
            "nul",
            "बिल.pdf",
            "..hidden.pdf",
            "a:b.pdf",
            "=?UTF-8?B?YmlsbA==?=.pdf",
            "\"quoted\".pdf",
            "e\u{301}te\u{301}.pdf",
            "👩\u{200d}👩\u{200d}👧.png",
        ] {
            assert_eq!(safe_file_name(stays).as_deref(), Some(stays));
        }
        for (given, expected) in [
            ("../../etc/passwd", Some(".._.._etc_passwd")),
            ("Q3/Q4 report.pdf", Some("Q3_Q4 report.pdf")),
            ("C:\\bill.pdf", Some("C:_bill.pdf")),
            (
                "a\r\nContent-Type: x/y\r\n\r\nb.pdf",
                Some("aContent-Type: x_yb.pdf"),
            ),
            ("bill\u{202e}fdp.exe", Some("billfdp.exe")),
            ("\u{2067}bill\u{2069}\u{200f}.pdf", Some("bill.pdf")),
            ("bill\0.pdf\u{2028}", Some("bill.pdf")),
            (" bill.pdf\t", Some("bill.pdf")),
            ("../", None),
            ("..", None),
            ("\u{7f}\u{200b}", None),
            ("", None),
        ] {
            assert_eq!(safe_file_name(given).as_deref(), expected, "{given:?}");
        }
        let long = safe_file_name(&("🇮🇳".repeat(100) + ".pdf")).expect("a name");
        assert_eq!(long, "🇮🇳".repeat(31) + ".pdf");
        let endless = safe_file_name(&format!("a.{}", "x".repeat(400))).expect("a name");
        assert_eq!(endless.len(), 255);
    }

    proptest! {
        #[test]
        fn a_name_that_is_safe_stays(given in "(\\PC|[./\\\\\r\n\u{202e}🇮🇳]){0,300}") {
            if let Some(name) = safe_file_name(&given) {
                prop_assert!(name.len() <= 255 && !name.contains(['/', '\\', '\u{202e}']), "{name:?}");
                prop_assert!(!name.contains(char::is_control));
                let again = safe_file_name(&name);
                prop_assert_eq!(again.as_deref(), Some(name.as_str()));
            }
        }

        #[test]
        fn a_name_is_never_a_path(path in "([a-z./\\\\%]|%[0-9a-fA-F]{2}|\\PC){0,20}") {
            if let Some(name) = named(&format!("https://files.example.com/{path}")) {
                prop_assert!(!name.contains(['/', '\\']) && !name.contains(char::is_control), "{name}");
                prop_assert!(!name.trim().is_empty() && name != "..", "{name}");
            }
        }
    }
}
