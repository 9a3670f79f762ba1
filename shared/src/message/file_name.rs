//! What a file is called that has no name.

use percent_encoding::percent_decode_str;
use url::Url;

use super::is_blank;

/// The last part of a URL's path as people read it: decoded once, and never a path or with a control
/// character. `None` where nothing is left.
#[must_use]
pub fn file_name(url: &Url) -> Option<String> {
    let segment = url.path_segments()?.next_back()?;
    let decoded = percent_decode_str(segment).decode_utf8_lossy();
    let last = decoded.rsplit(['/', '\\']).next()?;
    // The marks that turn the direction of writing make a name read as another.
    let is_unseen = |letter: char| {
        letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let name: String = last.chars().filter(|letter| !is_unseen(*letter)).collect();
    let name = name.trim();
    let is_name = !is_blank(name) && !name.bytes().all(|byte| byte == b'.');
    is_name.then(|| name.to_owned())
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

    proptest! {
        #[test]
        fn a_name_is_never_a_path(path in "([a-z./\\\\%]|%[0-9a-fA-F]{2}|\\PC){0,20}") {
            if let Some(name) = named(&format!("https://files.example.com/{path}")) {
                prop_assert!(!name.contains(['/', '\\']) && !name.contains(char::is_control), "{name}");
                prop_assert!(!name.trim().is_empty() && name != "..", "{name}");
            }
        }
    }
}
