//! Which path a URL has, whatever its values are.
//!
//! Values are percent-encoded, but not every path is kept by that: a URL's `..`, also as `%2e%2e` or with a
//! dot that the template wrote, takes the segment before it away; an empty segment leads to what is above
//! it; and a server that decodes before it looks for the path sees what was encoded. So while a template is
//! filled in, each value stands between marks, and once the URL is written, every segment that has a value
//! in it is looked at as a whole.

/// Where a value begins and ends. Neither can be in an encoded value.
const BEGIN: char = '\u{1}';
const END: char = '\u{2}';

/// How often a server may decode what it got.
const MOST_DECODINGS: usize = 4;

/// Why a URL is not called.
pub(super) const REFUSED: &str = "a value would change which path is called: a part of the path is empty, or has dots in place of a name";

/// A value that is encoded, between marks.
pub(super) fn marked(encoded: &str) -> String {
    format!("{BEGIN}{encoded}{END}")
}

/// Whether a text has values between marks.
pub(super) fn is_marked(text: &str) -> bool {
    text.contains(BEGIN)
}

/// A text that is to be written as it is, without marks of its own.
pub(super) fn without_marks(text: &str) -> String {
    text.replace([BEGIN, END], "")
}

/// The URL without its marks; `None` where a value would change which path is called.
pub(super) fn url_of(written: &str) -> Option<String> {
    // A URL is read without these, wherever they are.
    let written = written.replace(['\t', '\n', '\r'], "");
    let (_, rest) = written.split_once("://").unwrap_or(("", &written));
    let from = rest.find(['/', '\\']).unwrap_or(rest.len());
    // Where the path begins and ends is what the template wrote.
    let authority = rest.get(..from).unwrap_or_default();
    if authority.contains([BEGIN, END]) {
        return None;
    }
    let mut depth = 0_usize;
    let mut segment = String::new();
    let mut has_value = false;
    for character in rest.get(from..).unwrap_or_default().chars() {
        match character {
            BEGIN => {
                depth += 1;
                has_value = true;
            }
            END => depth = depth.saturating_sub(1),
            // A value that was written as it is.
            '/' | '\\' | '?' | '#' if depth > 0 => return None,
            '/' | '\\' => {
                if has_value && !is_name(&segment) {
                    return None;
                }
                segment.clear();
                has_value = false;
            }
            '?' | '#' => break,
            other => segment.push(other),
        }
    }
    let good = !has_value || is_name(&segment);
    good.then(|| without_marks(&written))
}

/// Whether a segment is one to every server, however often that decodes it: not empty, and none of dots.
fn is_name(segment: &str) -> bool {
    let mut text = segment.to_owned();
    for _ in 0..=MOST_DECODINGS {
        let mut parts = text.split(['/', '\\']);
        let is_part = |part: &str| {
            // Some servers leave out what follows a semicolon, and white space.
            let part = part.split([';', '\0']).next().unwrap_or_default();
            let part = part.trim_matches(|c: char| c.is_whitespace() || c.is_control());
            !part.is_empty() && part != "." && part != ".."
        };
        if !parts.all(is_part) {
            return false;
        }
        let decoded = decoded(&text);
        if decoded == text {
            return true;
        }
        text = decoded;
    }
    // Nobody is called so.
    false
}

/// A text, percent-decoded once.
fn decoded(text: &str) -> String {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let value = (digit(bytes.get(at + 1)), digit(bytes.get(at + 2)));
        if let (b'%', (Some(high), Some(low))) = (byte, value) {
            decoded.push(u8::try_from(high * 16 + low).unwrap_or_default());
            at += 3;
        } else {
            decoded.push(*byte);
            at += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
