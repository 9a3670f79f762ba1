//! The name of a file in the header `Content-Disposition` (<https://www.rfc-editor.org/rfc/rfc6266>).
//!
//! How Webex writes names that are not ASCII is not documented, so all ways are read that servers have: `filename*`
//! (RFC 8187), its parts one by one (RFC 2231), encoded words as in mail (RFC 2047), and the bytes as they are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use haptik_bridge_shared::message::safe_file_name;
use percent_encoding::percent_decode_str;

/// The most parts that a name is put together from.
const MOST_PARTS: usize = 20;

/// The name that a header gives; never a path. `None` where it gives none.
pub(super) fn name(header: &[u8]) -> Option<String> {
    let header = text(header, "utf-8");
    let parameters = parameters(&header);
    let find = |wanted: &str| {
        let found = parameters.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.as_str())
    };
    let found = find("filename*")
        .and_then(extended)
        .or_else(|| in_parts(&find))
        .or_else(|| find("filename").map(encoded_words))?;
    safe_file_name(found.rsplit(['/', '\\']).next()?)
}

/// The parameters of a header, their names in lower case and their values without quotes.
fn parameters(header: &str) -> Vec<(String, String)> {
    let mut parameters = Vec::new();
    let mut rest = header.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((name, value)) = rest.split_once('=') {
        // A parameter without a value stands before it.
        let name = name.rsplit(';').next().unwrap_or_default();
        let value = value.trim_start();
        let (value, after) = if let Some(quoted) = value.strip_prefix('"') {
            unquoted(quoted)
        } else {
            let (value, after) = value.split_once(';').unwrap_or((value, ""));
            (value.trim_end().to_owned(), after)
        };
        parameters.push((name.trim().to_ascii_lowercase(), value));
        rest = after.trim_start().trim_start_matches(';');
    }
    parameters
}

/// A text up to the quote that ends it, and what follows. A backslash before a quote or another backslash makes it a
/// mere one; others stay, since not all who write paths know that.
fn unquoted(quoted: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = quoted.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            '\\' => match characters.next_if(|(_, next)| "\"\\".contains(*next)) {
                Some((_, escaped)) => value.push(escaped),
                None => value.push('\\'),
            },
            other => value.push(other),
        }
    }
    (value, "")
}

/// `UTF-8'en'na%C3%AFve.pdf`.
fn extended(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_, encoded) = rest.split_once('\'')?;
    let bytes: Vec<u8> = percent_decode_str(encoded).collect();
    Some(text(&bytes, charset))
}

/// `filename*0*=UTF-8''na%C3%AF; filename*1="ve.pdf"`.
fn in_parts<'p>(find: &impl Fn(&str) -> Option<&'p str>) -> Option<String> {
    let (mut bytes, mut charset) = (Vec::new(), "utf-8");
    for number in 0..MOST_PARTS {
        if let Some(plain) = find(&format!("filename*{number}")) {
            bytes.extend_from_slice(plain.as_bytes());
            continue;
        }
        let Some(mut encoded) = find(&format!("filename*{number}*")) else {
            break;
        };
        if number == 0 {
            let (name, rest) = encoded.split_once('\'')?;
            charset = name;
            encoded = rest.split_once('\'')?.1;
        }
        bytes.extend(percent_decode_str(encoded));
    }
    Some(text(&bytes, charset)).filter(|name| !name.is_empty())
}

/// A text with its encoded words read: `=?UTF-8?B?YsOkci5wbmc=?=`.
fn encoded_words(value: &str) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some((before, word)) = rest.split_once("=?") {
        let read = encoded_word(word);
        // White space between two of them is none.
        let is_between = before.trim().is_empty() && !out.is_empty() && read.is_some();
        out.push_str(if is_between { "" } else { before });
        rest = if let Some((text, after)) = read {
            out.push_str(&text);
            after
        } else {
            out.push_str("=?");
            word
        };
    }
    out + rest
}

/// The text of what stands behind `=?`, and what follows it.
fn encoded_word(word: &str) -> Option<(String, &str)> {
    let (charset, rest) = word.split_once('?')?;
    let (encoding, rest) = rest.split_once('?')?;
    let (encoded, after) = rest.split_once("?=")?;
    let bytes = match encoding {
        "B" | "b" => STANDARD.decode(encoded).ok()?,
        "Q" | "q" => {
            let written = encoded
                .replace('%', "%25")
                .replace('_', " ")
                .replace('=', "%");
            percent_decode_str(&written).collect()
        }
        _ => return None,
    };
    // A language may stand behind a star.
    let charset = charset.split('*').next().unwrap_or_default();
    Some((text(&bytes, charset), after))
}

/// Bytes in UTF-8 or, where they are none or it says so, in Latin-1.
fn text(bytes: &[u8], charset: &str) -> String {
    let is_latin = ["iso-8859-1", "latin1", "windows-1252"]
        .iter()
        .any(|name| charset.eq_ignore_ascii_case(name));
    match std::str::from_utf8(bytes) {
        Ok(text) if !is_latin => text.to_owned(),
        _ => bytes.iter().copied().map(char::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_read_however_it_is_written_and_is_never_a_path() {
        for (header, expected) in [
            ("attachment; filename=\"bill.pdf\"", Some("bill.pdf")),
            ("attachment; filename=bill.pdf; size=3", Some("bill.pdf")),
            (
                "ATTACHMENT; FileName = \"bill.pdf\" ; x=y",
                Some("bill.pdf"),
            ),
            (
                "attachment; x=\"a; filename=evil.exe\"; filename=bill.pdf",
                Some("bill.pdf"),
            ),
            (
                "attachment; filename=\"a \\\"b\\\"; c.pdf\"",
                Some("a \"b\"; c.pdf"),
            ),
            (
                "attachment; filename=\"x\"; filename*=UTF-8''b%C3%A4r.png",
                Some("bär.png"),
            ),
            (
                "attachment; filename*=utf-8'en'%E2%82%AC%20rates.pdf; filename=x",
                Some("€ rates.pdf"),
            ),
            (
                "attachment; filename*=ISO-8859-1''b%E4r.png",
                Some("bär.png"),
            ),
            (
                "attachment; filename*0*=UTF-8''b%C3%A4; filename*1=\"r.p\"; filename*2*=ng%20",
                Some("bär.png"),
            ),
            (
                "attachment; filename=\"=?UTF-8?B?YsOkci5wbmc=?=\"",
                Some("bär.png"),
            ),
            (
                "attachment; filename=\"=?utf-8?Q?b=C3=A4r_100%?= =?iso-8859-1*de?q?_=E4.png?=\"",
                Some("bär 100% ä.png"),
            ),
            (
                "attachment; filename=\"=?UTF-8?X?a?=.pdf\"",
                Some("=?UTF-8?X?a?=.pdf"),
            ),
            (
                "attachment; filename=\"my%20file.pdf\"",
                Some("my%20file.pdf"),
            ),
            ("attachment; filename=\"बिल.pdf\"", Some("बिल.pdf")),
            ("attachment; filename=\"../../etc/passwd\"", Some("passwd")),
            (
                "attachment; filename=\"C:\\fakepath\\bill.pdf\"",
                Some("bill.pdf"),
            ),
            (
                "attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd",
                Some("passwd"),
            ),
            (
                "attachment; filename*=UTF-8''a%0D%0Ab%E2%80%AEfdp.exe",
                Some("abfdp.exe"),
            ),
            ("attachment; filename=\"..\"", None),
            ("attachment; filename=\"\"", None),
            ("attachment; filename=", None),
            ("attachment", None),
            ("", None),
        ] {
            assert_eq!(name(header.as_bytes()).as_deref(), expected, "{header}");
        }
        assert_eq!(
            name(b"attachment; filename=\"b\xe4r.png\"").as_deref(),
            Some("bär.png")
        );
    }

    proptest! {
        #[test]
        fn no_header_gives_a_path(header in "attachment; ?(\\PC|filename[*]?[01]?[*]?=|UTF-8''|=[?]UTF-8[?][BQ][?]|[?]=|[\"/\\\\;%=]){0,40}") {
            if let Some(name) = name(header.as_bytes()) {
                prop_assert!(!name.contains(['/', '\\']) && !name.contains(char::is_control), "{name}");
                prop_assert!(!name.trim().is_empty() && name != "..");
            }
        }

        #[test]
        fn every_name_comes_through_as_rfc_8187_writes_it(given in "[a-zäéß日本🇮🇳 ]{1,20}\\.pdf") {
            let encoded =
                percent_encoding::utf8_percent_encode(&given, percent_encoding::NON_ALPHANUMERIC);
            let header = format!("attachment; filename=\"x\"; filename*=UTF-8''{encoded}");
            let read = name(header.as_bytes());
            prop_assert_eq!(read.as_deref(), Some(given.trim()));
        }
    }
}
